use std::time::Duration;

use workspace_store::{Change, NewWorkspace, RecordKind, StoreError, WorkspaceChange};

use crate::support::{acme, ada, on_each, within_a_second};

#[test]
fn workspace_is_read_as_it_was_created() {
    on_each(async |database| {
        let store = database.open().await;
        let new = NewWorkspace::new("acme").name("Acme Inc.").time_zone("Europe/Berlin");
        let created = store.create_workspace(new, &ada()).await.unwrap();
        assert_eq!(database.open().await.workspace("acme").await.unwrap(), created);
        let again = store.create_workspace(NewWorkspace::new("acme"), &ada()).await.unwrap_err();
        assert!(matches!(again, StoreError::Duplicate { kind: RecordKind::Workspace, .. }), "{again}");
    });
}

#[test]
fn bad_ids_zones_and_names_are_refused() {
    on_each(async |database| {
        let store = database.open().await;
        let long = "x".repeat(129);
        let bad = [
            NewWorkspace::new(""),
            NewWorkspace::new("."),
            NewWorkspace::new(".."),
            NewWorkspace::new("a b"),
            NewWorkspace::new("a\0b"),
            NewWorkspace::new(long),
            NewWorkspace::new("a").time_zone("Mars/Olympus"),
            NewWorkspace::new("a").name(" "),
        ];
        for new in bad {
            let refused = store.create_workspace(new.clone(), &ada()).await.unwrap_err();
            assert!(matches!(refused, StoreError::Invalid(_)), "{new:?}");
        }
    });
}

#[test]
fn time_to_keep_that_is_none_or_endless_is_refused() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        for time in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
            for (change, field) in [
                (WorkspaceChange::new().keep_content(Some(time)), "keep_content_seconds"),
                (WorkspaceChange::new().keep_runs(Some(time)), "keep_runs_seconds"),
            ] {
                let refused = store.change_workspace("acme", 1, change, &ada()).await.unwrap_err();
                assert!(refused.to_string().contains(field), "{refused}");
            }
        }
        let change = WorkspaceChange::new().keep_content(Some(Duration::from_secs(1))).keep_runs(None);
        assert_eq!(store.change_workspace("acme", 1, change, &ada()).await.unwrap().revision, 2);
    });
}

#[test]
fn stale_change_is_refused_with_what_changed() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let change = WorkspaceChange::new().name("Other").keep_content(Some(Duration::from_secs(60)));
        let changed = store.change_workspace("acme", 1, change, &ada()).await.unwrap();
        assert_eq!((changed.revision, changed.keep_content_seconds), (2, Some(60)));
        let change = WorkspaceChange::new().unlisted_models(Some("openrouter"));
        store.change_workspace("acme", 2, change, &ada()).await.unwrap();
        let change = WorkspaceChange::new().time_zone("Asia/Tokyo");
        let refused = store.change_workspace("acme", 2, change.clone(), &ada()).await.unwrap_err();
        let StoreError::Conflict(conflict) = refused else { panic!("{refused}") };
        assert_eq!((conflict.expected, conflict.found), (2, 3));
        assert_eq!(conflict.changed, ["unlisted_models"]);
        store.change_workspace("acme", 3, change, &ada()).await.unwrap();
        let missing = WorkspaceChange::new().unlisted_models(Some("other"));
        let refused = store.change_workspace("acme", 4, missing, &ada()).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound { kind: RecordKind::Provider, .. }), "{refused}");
    });
}

#[test]
fn changes_at_once_leave_one_winner_for_each_revision() {
    on_each(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        acme(&one).await;
        let changing: Vec<_> = (0..20)
            .map(|number: u32| {
                let store = if number.is_multiple_of(2) { one.clone() } else { other.clone() };
                let change = WorkspaceChange::new().name(format!("name {number}"));
                tokio::spawn(async move { store.change_workspace("acme", 1, change, &ada()).await.is_ok() })
            })
            .collect();
        let mut winners = 0;
        for change in changing {
            winners += usize::from(change.await.unwrap());
        }
        assert_eq!((winners, one.workspace("acme").await.unwrap().revision), (1, 2));
    });
}

#[test]
fn pages_of_workspaces_have_each_once() {
    on_each(async |database| {
        let store = database.open().await;
        for number in 0..5 {
            store.create_workspace(NewWorkspace::new(format!("w{number}")), &ada()).await.unwrap();
        }
        let (mut after, mut seen) = (String::new(), Vec::new());
        loop {
            let page = store.workspaces(&after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.id.clone();
            seen.extend(page.into_iter().map(|workspace| workspace.id));
        }
        assert_eq!(seen, ["w0", "w1", "w2", "w3", "w4"]);
    });
}

#[test]
fn audit_tells_who_changed_what_and_no_secret() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let change = WorkspaceChange::new().name("Other");
        store.change_workspace("acme", 1, change, &ada()).await.unwrap();
        store.delete_workspace("acme", &ada()).await.unwrap();
        let log = store.audit("acme", None, 10).await.unwrap();
        let lines: Vec<_> = log.iter().map(|line| (&*line.action, &*line.kind, &*line.detail)).collect();
        let expected = [
            ("delete", "workspace", ""),
            ("change", "workspace", "name"),
            ("create", "provider", "api_key, site_name"),
            ("create", "workspace", ""),
        ];
        assert_eq!(lines, expected);
        assert!(
            log.iter().all(|line| line.actor == "user:ada" && line.origin.as_deref() == Some("192.0.2.7"))
        );
        let older = store.audit("acme", Some(log[1].id), 1).await.unwrap();
        assert_eq!(older, [log[2].clone()]);
    });
}

#[test]
fn another_host_hears_of_changes_within_a_second() {
    on_each(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        let mut changes = other.changes();
        acme(&one).await;
        for kind in [RecordKind::Workspace, RecordKind::Provider] {
            let heard = tokio::time::timeout(Duration::from_secs(1), changes.recv()).await.unwrap().unwrap();
            assert!(
                matches!(&heard, Change::Of { workspace, kind: of, .. } if workspace == "acme" && *of == kind)
            );
        }
        within_a_second("the workspace is there", async || other.workspace("acme").await.is_ok()).await;
    });
}

#[test]
fn host_that_missed_changes_is_told_that_anything_may_have_changed() {
    on_each(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        let mut changes = other.changes();
        let raw = database.raw().await;
        sqlx::query("UPDATE feed SET number = number + 5").execute(&raw).await.unwrap();
        raw.close().await;
        drop(one);
        let heard = tokio::time::timeout(Duration::from_secs(1), changes.recv()).await.unwrap().unwrap();
        assert_eq!(heard, Change::Everything);
    });
}
