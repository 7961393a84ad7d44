use provider_compare::Comparison;
use provider_core::{ChatRequest, Content, ErrorKind, Message};
use provider_testing::{ScriptedProvider, Turn};
use std::sync::Arc;
use workspace_store::{NewWorkspace, RecordKind, StoreError};

use crate::support::{acme, ada, on_each};

/// Messages with what a body on the wire would lose.
fn messages() -> Vec<Message> {
    let stored = r#"[
        {"role":"system","content":"Be brief. \u0000 \ud83d\ude00"},
        {"role":"user","content":[{"type":"text","text":"Hi"}],"name":"Ada"},
        {"role":"assistant","text":"Hello","reasoning":"thinks","reasoning_details":[{"type":"reasoning.text","text":"a","signature":"s=="}],
         "tool_calls":[{"id":"c1","name":"f","arguments":"{\"a\": 1.0e2}"}],"made_by":"openai/gpt-4o","made_by_provider":"openrouter"},
        {"role":"tool","tool_call_id":"c1","content":"18 °C","is_error":true}
    ]"#;
    serde_json::from_str(stored).unwrap()
}

#[test]
fn messages_come_back_as_they_were() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let talk = store.create_conversation("acme", "Weather", Some("ada")).await.unwrap();
        let given = messages();
        let ids = store.append("acme", &talk.id, None, &given, Some("run-1")).await.unwrap();
        let branch = store.branch("acme", &talk.id, ids.last().unwrap()).await.unwrap();
        let read: Vec<Message> = branch.iter().map(|stored| stored.message.clone()).collect();
        assert_eq!(read, given);
        let json = |messages: &[Message]| serde_json::to_string(messages).unwrap();
        assert_eq!(json(&read), json(&given), "byte for byte");
        assert_eq!(branch[0].run.as_deref(), Some("run-1"));
    });
}

#[test]
fn second_answer_is_a_branch_of_its_own() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let talk = store.create_conversation("acme", "", None).await.unwrap();
        let asked = store.append("acme", &talk.id, None, &[Message::user("Why?")], None).await.unwrap();
        let one = [Message::assistant("one"), Message::user("And?"), Message::assistant("more")];
        let one = store.append("acme", &talk.id, Some(&asked[0]), &one, None).await.unwrap();
        let two = store
            .append("acme", &talk.id, Some(&asked[0]), &[Message::assistant("two")], None)
            .await
            .unwrap();
        let branch = store.branch("acme", &talk.id, &one[2]).await.unwrap();
        assert_eq!(
            branch.iter().map(|stored| stored.id.clone()).collect::<Vec<_>>(),
            [asked[0].clone(), one[0].clone(), one[1].clone(), one[2].clone()]
        );
        assert_eq!(store.branch("acme", &talk.id, &two[0]).await.unwrap().len(), 2);
        let mut last: Vec<_> =
            store.branches("acme", &talk.id).await.unwrap().into_iter().map(|stored| stored.id).collect();
        last.sort();
        let mut expected = vec![one[2].clone(), two[0].clone()];
        expected.sort();
        assert_eq!(last, expected);
    });
}

#[test]
fn conversation_of_another_workspace_is_not_found() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        store.create_workspace(NewWorkspace::new("evil"), &ada()).await.unwrap();
        let talk = store.create_conversation("acme", "Secret", None).await.unwrap();
        let ids = store.append("acme", &talk.id, None, &[Message::user("x")], None).await.unwrap();
        let own = store.create_conversation("evil", "Own", None).await.unwrap();
        let errors = [
            store.conversation("evil", &talk.id).await.unwrap_err(),
            store.branch("evil", &talk.id, &ids[0]).await.unwrap_err(),
            store.branch("evil", &own.id, &ids[0]).await.unwrap_err(),
            store.branches("evil", &talk.id).await.unwrap_err(),
            store.append("evil", &talk.id, None, &[Message::user("y")], None).await.unwrap_err(),
            store.append("evil", &own.id, Some(&ids[0]), &[Message::user("y")], None).await.unwrap_err(),
            store.rename_conversation("evil", &talk.id, "Mine").await.unwrap_err(),
            store.delete_conversation("evil", &talk.id).await.unwrap_err(),
            store.create_conversation("none", "x", None).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
        }
        assert_eq!(store.conversation("acme", &talk.id).await.unwrap().title, "Secret");
    });
}

#[test]
fn conversations_are_listed_renamed_and_deleted() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let mut ids = Vec::new();
        for number in 0..5 {
            let user = if number == 4 { "bob" } else { "ada" };
            let talk =
                store.create_conversation("acme", &format!("talk {number}"), Some(user)).await.unwrap();
            ids.push(talk.id);
            // Ids are in the order of time, to the millisecond.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        let page = store.conversations("acme", Some("ada"), Some(&ids[3]), 2).await.unwrap();
        assert_eq!(page.iter().map(|talk| &*talk.title).collect::<Vec<_>>(), ["talk 2", "talk 1"]);
        store.rename_conversation("acme", &ids[0], &"ä".repeat(500)).await.unwrap();
        assert_eq!(store.conversation("acme", &ids[0]).await.unwrap().title.chars().count(), 200);
        store.append("acme", &ids[0], None, &[Message::user(Content::Text("x".into()))], None).await.unwrap();
        store.delete_conversation("acme", &ids[0]).await.unwrap();
        let raw = database.raw().await;
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM messages").fetch_one(&raw).await.unwrap();
        raw.close().await;
        assert_eq!((left, store.conversations("acme", None, None, 10).await.unwrap().len()), (0, 4));
    });
}

#[test]
fn comparison_is_stored_with_its_cells() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let good = Arc::new(ScriptedProvider::new([Turn::new().text("blue").finish("stop")]));
        let bad = Arc::new(ScriptedProvider::new([Turn::fails(ErrorKind::Overloaded)]));
        let request = ChatRequest::default().user("Why is the sky blue?");
        let report =
            Comparison::new(request).cell("One", good, "acme/one").cell("Two", bad, "acme/two").run().await;
        let id = store.record_comparison("acme", "Sky", Some("ada"), &report).await.unwrap();
        let listed = store.comparisons("acme", None, 10).await.unwrap();
        assert_eq!((listed.len(), &listed[0].id, listed[0].cells.len()), (1, &id, 2));
        assert_eq!(listed[0].cells[0].requested, "acme/one");
        assert_eq!(listed[0].cells[1].error_kind.as_deref(), Some("overloaded"));
        let stored = store.comparison_report("acme", &id).await.unwrap();
        assert_eq!(stored.get(), serde_json::to_string(&report).unwrap());
        let refused = store.comparison_report("other", &id).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound { kind: RecordKind::Comparison, .. }), "{refused}");
    });
}
