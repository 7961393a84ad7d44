use std::sync::Arc;
use std::time::Duration;

use provider_compare::Comparison;
use provider_core::{ChatRequest, Message, Secret};
use provider_testing::{ScriptedProvider, Turn};
use serde_json::{Value, json};
use workspace_store::{
    Amount, Call, Connections, NewToken, Period, Role, Run, RunFilter, Scope, Store, StoreError,
    WorkspaceChange,
};

use crate::support::{API_KEY, TestDatabase, acme, ada, on_each, registry, sqlite};

fn passphrase() -> Secret {
    Secret::new("correct horse battery staple")
}

/// A workspace with one of each thing, and its token.
async fn full(store: &Store) -> Secret {
    acme(store).await;
    let change = WorkspaceChange::new().keep_content(Some(Duration::from_secs(3600))).name("Acme Inc.");
    store
        .change_workspace(
            "acme",
            1,
            change.time_zone("Asia/Tokyo").keep_runs(Some(Duration::from_secs(86_400))),
            &ada(),
        )
        .await
        .unwrap();
    store.add_budget("acme", Scope::Workspace, Amount::Requests(5), Period::Total, &ada()).await.unwrap();
    store.add_budget("acme", Scope::EachUser, Amount::Requests(5), Period::Total, &ada()).await.unwrap();
    store.reserve(&Call::new("acme").user("ada")).await.unwrap().settle(None).await.unwrap();
    let talk = store.create_conversation("acme", "Talk", Some("ada")).await.unwrap();
    let asked = store.append("acme", &talk.id, None, &[Message::user("Why?")], None).await.unwrap();
    for answer in ["one", "two"] {
        let answers = [Message::assistant(answer), Message::user("And?")];
        store.append("acme", &talk.id, Some(&asked[0]), &answers, None).await.unwrap();
    }
    for number in 0..1200 {
        let mut run = Run::begin("acme", "openrouter", "openai/gpt-4o").unwrap();
        run.cost = Some("0.000119150000000001".parse().unwrap());
        if number == 0 {
            let request = ChatRequest::new("openai/gpt-4o").user("a question in private");
            run = run.node("kept").with_content(&request, None).unwrap();
        }
        store.record_run(&run).await.unwrap();
    }
    let good = Arc::new(ScriptedProvider::new([Turn::new().text("blue").finish("stop")]));
    let request = ChatRequest::default().user("Why is the sky blue?");
    let report = Comparison::new(request).cell("One", good, "acme/one").run().await;
    store.record_comparison("acme", "Sky", None, &report).await.unwrap();
    store.create_token("acme", NewToken::new("CI", Role::Member), &ada()).await.unwrap().text
}

async fn export(store: &Store, passphrase: Option<&Secret>) -> Vec<u8> {
    let mut file = Vec::new();
    store.export("acme", passphrase, &mut file, &ada()).await.unwrap();
    file
}

/// Everything but secrets, as an export has it, without the lines that differ.
fn content(file: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(file).unwrap();
    text.lines()
        .filter(|line| !line.contains("\"header\"") && !line.contains("\"end\""))
        .map(str::to_owned)
        .collect()
}

async fn target() -> (TestDatabase, Store) {
    let database = sqlite();
    let store = database.open().await;
    (database, store)
}

#[test]
fn workspace_moves_with_its_secrets_between_databases_and_back() {
    on_each(async |database| {
        let store = database.open().await;
        let token = full(&store).await;
        let plain = export(&store, None).await;
        let file = export(&store, Some(&passphrase())).await;
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(!text.contains(API_KEY) && !text.contains(token.expose()));

        let (_folder, other) = target().await;
        let imported = other.import(&mut file.as_slice(), Some(&passphrase()), &ada()).await.unwrap();
        assert_eq!((imported.workspace.as_str(), imported.runs), ("acme", 1200));
        assert!(imported.without_secrets.is_empty());
        assert_eq!(content(&export(&other, None).await), content(&plain));
        let connections = Connections::new(other.clone(), registry());
        assert!(connections.workspace("acme").await.unwrap().error("openrouter").is_none());
        assert_eq!(other.authenticate(token.expose()).await.unwrap().role, Role::Member);
        let kept = other.runs("acme", &RunFilter::new().node("kept"), None, 9).await.unwrap();
        assert!(other.run_content("acme", &kept[0].id).await.unwrap().is_some());

        let back = export(&other, Some(&passphrase())).await;
        store.delete_workspace("acme", &ada()).await.unwrap();
        store.import(&mut back.as_slice(), Some(&passphrase()), &ada()).await.unwrap();
        assert_eq!(content(&export(&store, None).await), content(&plain));
        let again = store.import(&mut back.as_slice(), Some(&passphrase()), &ada()).await.unwrap_err();
        assert!(matches!(again, StoreError::Duplicate { .. }), "{again}");
    });
}

#[test]
fn export_without_secrets_has_none_and_says_who_needs_some() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let token = store.create_token("acme", NewToken::new("CI", Role::Member), &ada()).await.unwrap();
        let file = export(&store, None).await;
        let text = std::str::from_utf8(&file).unwrap();
        for secret in [API_KEY, token.text.expose(), &token.record.id, "sealed\":\""] {
            assert!(!text.contains(secret), "{secret}");
        }
        let (_folder, other) = target().await;
        let imported = other.import(&mut file.as_slice(), None, &ada()).await.unwrap();
        assert_eq!(imported.without_secrets, ["openrouter"]);
        assert_eq!(other.provider("acme", "openrouter").await.unwrap().settings["site_name"], "Acme");
        let log = other.audit("acme", None, 9).await.unwrap();
        assert_eq!(log[0].action, "import");
    });
}

#[test]
fn files_that_are_no_whole_export_are_refused_and_leave_nothing() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        store.add_budget("acme", Scope::Workspace, Amount::Requests(5), Period::Total, &ada()).await.unwrap();
        let file = export(&store, Some(&passphrase())).await;
        let (_folder, other) = target().await;
        let text = String::from_utf8(file.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let cut = lines[..lines.len() - 1].join("\n");
        let missing = [&lines[..2], &lines[3..]].concat().join("\n");
        let newer = text.replacen("\"version\":2", "\"version\":3", 1);
        let costly = text.replacen("\"memory\":65536", "\"memory\":4294967295", 1);
        let moved = text.replacen("\"provider\":{\"id\":\"openrouter\"", "\"provider\":{\"id\":\"other\"", 1);
        let odd = text.replacen("\"unit\":\"requests\"", "\"unit\":\"euros\"", 1);
        let swapped = [lines[0], lines[2], lines[1]].join("\n");
        for bad in [
            "",
            "{}",
            "[1]",
            &cut,
            &missing,
            &newer,
            &odd,
            &costly,
            &moved,
            &swapped,
            &text[..text.len() / 2],
        ] {
            let refused = other.import(&mut bad.as_bytes(), Some(&passphrase()), &ada()).await.unwrap_err();
            assert!(matches!(refused, StoreError::Import(_)), "{refused}: {bad:.60}");
        }
        let wrong = Secret::new("wrong horse battery staple");
        let refused = other.import(&mut file.as_slice(), Some(&wrong), &ada()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Import(_)), "{refused}");
        let short =
            other.import(&mut file.as_slice(), Some(&Secret::new("short")), &ada()).await.unwrap_err();
        assert!(matches!(short, StoreError::Invalid(_)), "{short}");
        assert!(other.workspaces("", 9).await.unwrap().is_empty());
        other.import(&mut file.as_slice(), Some(&passphrase()), &ada()).await.unwrap();
    });
}

#[test]
fn figures_that_no_store_has_are_refused_by_line_and_name() {
    on_each(async |database| {
        let store = database.open().await;
        full(&store).await;
        let file = String::from_utf8(export(&store, None).await).unwrap();
        let (_folder, other) = target().await;
        let cases = [
            ("workspace", "/keep_runs_ms", json!(0)),
            ("workspace", "/created", json!(-1)),
            ("budget", "/amount", json!(-5)),
            ("budget", "/spent", json!(-5)),
            ("budget", "/period_end", json!(i64::MIN)),
            ("conversation", "/updated", json!(-1)),
            ("message", "/body", json!(7)),
            ("message", "/body", json!({"role": "user"})),
            ("run", "/cost", json!(-1)),
            ("run", "/upstream_cost", json!("-0.5")),
            ("run", "/started_ms", json!(-1)),
            ("run", "/prompt_tokens", json!(-1)),
            ("run_totals", "/totals/cost", json!(-1)),
            ("run_totals", "/day", json!("yesterday")),
            ("comparison", "/report", json!([])),
            ("comparison", "/cells/0/cost", json!("much")),
            ("comparison", "/cells/0/cost", json!("-1")),
            ("comparison", "/cells/0/total_ms", json!(-1)),
        ];
        for (kind, place, value) in cases {
            let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
            let number = lines.iter().position(|line| line.starts_with(&format!("{{\"{kind}\""))).unwrap();
            let mut line: Value = serde_json::from_str(&lines[number]).unwrap();
            *line.pointer_mut(&format!("/{kind}{place}")).unwrap() = value.clone();
            lines[number] = line.to_string();
            let refused = other.import(&mut lines.join("\n").as_bytes(), None, &ada()).await.unwrap_err();
            let StoreError::Import(told) = refused else { panic!("{kind}{place}: {refused}") };
            assert!(told.starts_with(&format!("line {}: ", number + 1)), "{kind}{place}: {told}");
            let field = place.rsplit('/').next().unwrap();
            assert!(told.contains(&format!("`{field}`")) || value == json!(-1), "{kind}{place}: {told}");
        }
        assert!(other.workspaces("", 9).await.unwrap().is_empty());
        other.import(&mut file.as_bytes(), None, &ada()).await.unwrap();
    });
}
