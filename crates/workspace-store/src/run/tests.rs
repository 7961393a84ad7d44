use super::*;
use crate::audit::Actor;
use crate::key::MasterKey;
use crate::workspace::{NewWorkspace, WorkspaceChange};

#[tokio::test]
async fn runs_are_dropped_when_their_workspace_keeps_them_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let (key, by) = (MasterKey::parse(&"0123456789abcdef".repeat(4)).unwrap(), Actor::new("user:ada"));
    let store = Store::open(&url, key).await.unwrap();
    for workspace in ["short", "long", "ever"] {
        store.create_workspace(NewWorkspace::new(workspace), &by).await.unwrap();
        for number in 0..1100 {
            let mut run = Run::begin(workspace, "openrouter", "openai/gpt-4o").unwrap();
            // Every eleventh began an hour ago.
            run.started_ms -= if number % 11 == 0 { 3_600_000 } else { 7_200_000 };
            store.record_run(&run).await.unwrap();
        }
    }
    let kept = |hours: u64| WorkspaceChange::new().keep_runs(Some(Duration::from_secs(hours * 3600)));
    let short = kept(1).keep_runs(Some(Duration::from_secs(5400)));
    assert_eq!(store.change_workspace("short", 1, short, &by).await.unwrap().keep_runs_seconds, Some(5400));
    store.change_workspace("long", 1, kept(24), &by).await.unwrap();
    store.0.drop_old_runs().await.unwrap();
    for (workspace, left) in [("short", 100), ("long", 1100), ("ever", 1100)] {
        assert_eq!(store.run_totals(workspace, 0, i64::MAX).await.unwrap().runs, left, "{workspace}");
    }
    assert_eq!(store.runs("short", &RunFilter::new(), None, 500).await.unwrap().len(), 100);
}

#[tokio::test]
async fn counts_beyond_all_measure_end_no_sum() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let (key, by) = (MasterKey::parse(&"0123456789abcdef".repeat(4)).unwrap(), Actor::new("user:ada"));
    let store = Store::open(&url, key).await.unwrap();
    store.create_workspace(NewWorkspace::new("acme"), &by).await.unwrap();
    let run = || {
        let mut run = Run::begin("acme", "local", "huge").unwrap();
        (run.prompt_tokens, run.completion_tokens) = (Some(u64::MAX), Some(u64::MAX));
        run
    };
    store.0.insert_runs(&[run(), run(), run(), run()]).await.unwrap();
    let totals = store.run_totals("acme", 0, i64::MAX).await.unwrap();
    assert_eq!((totals.runs, totals.prompt_tokens), (4, u64::MAX));
    let mut more = RunTotals::default();
    [run(), run()].iter().for_each(|run| more.add(run));
    assert_eq!(more.completion_tokens, u64::MAX);
}
