use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openrouter_provider::OpenRouterOptions;
use provider_core::{ChatRequest, ErrorKind, LlmProvider, Usd};
use provider_testing::{ScriptedProvider, Turn};
use workspace_store::{
    NewWorkspace, RecordKind, Recorder, RecorderSettings, Run, RunFilter, StoreError, WorkspaceChange,
};

use crate::support::{TestDatabase, acme, ada, on_each};

fn run(number: u64) -> Run {
    let mut run = Run::begin("acme", "openrouter", "openai/gpt-4o").unwrap();
    run.prompt_tokens = Some(number);
    run
}

#[test]
fn run_is_read_as_it_was_recorded() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let mut given = run(12).node("n1").user("ada").token("t1").conversation("c1");
        given = given.timings(Some(Duration::from_millis(120)), Some(Duration::from_millis(1500)));
        given.cost = Some("0.00011915000000000001".parse().unwrap());
        given.upstream_cost = Some("0.000000000000000000000001".parse().unwrap());
        given.served = Some("openai/gpt-4o-2024-08-06".to_owned());
        given.upstream = Some("Azure".to_owned());
        given.error = Some("broke\0off".to_owned());
        given.error_kind = Some("interrupted".to_owned());
        store.record_run(&given).await.unwrap();
        store.record_run(&given).await.expect("a run that is there already");
        let stored = store.run("acme", &given.id).await.unwrap();
        given.error = Some("broke\u{fffd}off".to_owned());
        assert_eq!(stored, given, "every digit of the costs as well");
        let elsewhere = store.run("other", &given.id).await.unwrap_err();
        assert!(matches!(elsewhere, StoreError::NotFound { kind: RecordKind::Run, .. }), "{elsewhere}");
        let mut lost = given.clone();
        (lost.id, lost.workspace) = ("0".repeat(32), "none".to_owned());
        let refused = store.record_run(&lost).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound { kind: RecordKind::Workspace, .. }), "{refused}");
    });
}

#[test]
fn answers_and_errors_fill_a_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let turns = [
            Turn::fails(ErrorKind::Overloaded),
            Turn::new().text("Hello").finish("stop"),
            Turn::new().text("Once upon").breaks_off(),
        ];
        let provider = ScriptedProvider::new(turns);
        let request = ChatRequest::new("acme/large").user("Hello");
        let failed = run(1).failed(&provider.chat(&request).await.unwrap_err());
        assert_eq!((failed.error_kind.as_deref(), failed.attempts), (Some("overloaded"), 1));
        let answered = run(2).answered(&provider.chat(&request).await.unwrap());
        assert_eq!((answered.finish.as_deref(), answered.error_kind), (Some("stop"), None));
        let broken = run(3).failed(&provider.chat(&request).await.unwrap_err());
        assert_eq!(broken.error_kind.as_deref(), Some("interrupted"));
    });
}

#[test]
fn runs_are_filtered_and_paged() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        for number in 0..10 {
            let mut given = run(number).node(if number.is_multiple_of(2) { "even" } else { "odd" });
            given.id = format!("{number:032}");
            given.cost = (number > 0).then(|| "0.1".parse().unwrap());
            given.error_kind = (number == 9).then(|| "server".to_owned());
            store.record_run(&given).await.unwrap();
        }
        let numbers = |runs: Vec<Run>| runs.iter().map(|run| run.prompt_tokens.unwrap()).collect::<Vec<_>>();
        let even = RunFilter::new().node("even").provider("openrouter").model("openai/gpt-4o");
        let page = store.runs("acme", &even, None, 2).await.unwrap();
        let last = page[1].id.clone();
        assert_eq!(numbers(page), [8, 6]);
        assert_eq!(numbers(store.runs("acme", &even, Some(&last), 9).await.unwrap()), [4, 2, 0]);
        assert_eq!(numbers(store.runs("acme", &RunFilter::new().failed(true), None, 9).await.unwrap()), [9]);
        assert!(store.runs("acme", &RunFilter::new().user("bob"), None, 9).await.unwrap().is_empty());
        let totals = store.run_totals("acme", 0, i64::MAX).await.unwrap();
        assert_eq!((totals.runs, totals.failed, totals.cost_unknown, totals.prompt_tokens), (10, 1, 1, 45));
        assert_eq!(totals.cost, "0.9".parse::<Usd>().unwrap());
    });
}

#[test]
fn runs_are_found_by_every_name_of_their_model() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let mut served = run(1);
        served.served = Some("openai/gpt-4o-2024-11-20".to_owned());
        store.record_run(&served).await.unwrap();
        let mut other = run(2);
        (other.provider, other.requested) = ("local".to_owned(), "llama3:8b".to_owned());
        store.record_run(&other).await.unwrap();
        let found = async |model: &str| {
            let runs = store.runs("acme", &RunFilter::new().model(model), None, 9).await.unwrap();
            runs.iter().map(|run| run.prompt_tokens.unwrap()).collect::<Vec<_>>()
        };
        for model in ["openai/gpt-4o", "openai/gpt-4o-2024-11-20"] {
            assert_eq!(found(model).await, [1], "{model}");
            assert_eq!(found(&format!("openrouter:{model}")).await, [1], "{model}");
            assert!(found(&format!("local:{model}")).await.is_empty(), "{model}");
        }
        assert_eq!(found("llama3:8b").await, [2]);
        assert_eq!(found("local:llama3:8b").await, [2]);
        assert!(found("gpt-4o").await.is_empty());
    });
}

#[test]
fn runs_are_found_by_time_and_by_how_they_ended() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let first = Run::begin("acme", "openrouter", "openai/gpt-4o").unwrap().started_ms - 9000;
        for number in 0..9 {
            let mut given = run(number).conversation(if number < 2 { "c1" } else { "c2" });
            given.started_ms = first + i64::try_from(number).unwrap() * 1000;
            given.id = format!("{:012x}{number:020}", given.started_ms);
            given.finish = (number != 4).then(|| if number == 5 { "length" } else { "stop" }.to_owned());
            given.error_kind = (number == 4).then(|| "rate_limited".to_owned());
            store.record_run(&given).await.unwrap();
        }
        let found = async |filter: RunFilter, before: Option<&str>| {
            let runs = store.runs("acme", &filter, before, 50).await.unwrap();
            runs.iter().map(|run| run.prompt_tokens.unwrap()).collect::<Vec<_>>()
        };
        let span =
            |from: i64, to: i64| RunFilter::new().from_ms(first + from * 1000).to_ms(first + to * 1000);
        assert_eq!(found(span(2, 5), None).await, [4, 3, 2], "the end is left out");
        let before = format!("{:012x}", first + 4000);
        assert_eq!(found(span(2, 5), Some(&before)).await, [3, 2]);
        assert_eq!(found(span(2, 3), Some(&before)).await, [2], "the span ends before the cursor");
        let ever = RunFilter::new().from_ms(-1).to_ms(i64::MAX);
        assert_eq!(found(ever, None).await, [8, 7, 6, 5, 4, 3, 2, 1, 0]);
        assert!(found(RunFilter::new().to_ms(0), None).await.is_empty());
        assert!(found(RunFilter::new().from_ms(i64::MAX), None).await.is_empty());
        assert_eq!(found(RunFilter::new().finish("length"), None).await, [5]);
        assert_eq!(found(RunFilter::new().error_kind("rate_limited"), None).await, [4]);
        assert_eq!(found(RunFilter::new().failed(false), None).await, [8, 7, 6, 5, 3, 2, 1, 0]);
        assert_eq!(found(RunFilter::new().conversation("c1"), None).await, [1, 0]);
    });
}

#[test]
fn totals_of_a_day_outlive_its_runs() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let change = WorkspaceChange::new().time_zone("Asia/Tokyo").keep_runs(Some(Duration::from_secs(60)));
        store.change_workspace("acme", 1, change, &ada()).await.unwrap();
        let put = async |started: i64, model: &str, cost: Option<&str>, failed: bool| {
            let mut given = Run::begin("acme", "openrouter", model).unwrap();
            (given.started_ms, given.prompt_tokens, given.completion_tokens) = (started, Some(10), Some(2));
            given.cost = cost.map(|cost| cost.parse().unwrap());
            given.error_kind = failed.then(|| "server".to_owned());
            store.record_run(&given).await.unwrap();
            // The same run once more counts nothing.
            store.record_run(&given).await.unwrap();
        };
        // 2026-11-29T14:59:59Z and a second later: midnight in Tokyo is between them.
        let midnight = 1_795_964_400_000;
        put(midnight - 1000, "openai/gpt-4o", Some("0.000000000999999999999999"), false).await;
        put(midnight - 2000, "openai/gpt-4o", Some("0.000000000000000000000001"), true).await;
        put(midnight - 2000, "other", None, false).await;
        put(midnight, "openai/gpt-4o", Some("-0.1"), false).await;
        put(midnight, "openai/gpt-4o", Some("0.000000000000000000000001"), false).await;
        let report = store.run_days("acme", Some("2026-11-29"), Some("2026-11-30")).await.unwrap();
        let row = |day: &workspace_store::DayTotals| {
            let totals = day.totals;
            let cost = totals.cost.to_string();
            (day.day.clone(), day.model.clone(), totals.runs, totals.failed, cost, totals.cost_unknown)
        };
        let gpt = "openai/gpt-4o".to_owned();
        let (first, second) = ("2026-11-29".to_owned(), "2026-11-30".to_owned());
        let expected = [
            (first.clone(), gpt.clone(), 2, 1, "0.000000001".to_owned(), 0),
            (first, "other".to_owned(), 1, 0, "0".to_owned(), 1),
            (second, gpt, 2, 0, "-0.099999999999999999999999".to_owned(), 0),
        ];
        assert_eq!(report.days.iter().map(row).collect::<Vec<_>>(), expected);
        assert_eq!(report.days[0].totals.prompt_tokens, 20);
        assert_eq!(report.time_zone, "Asia/Tokyo");
        let raw = database.raw().await;
        sqlx::query("DELETE FROM runs").execute(&raw).await.unwrap();
        raw.close().await;
        let later = store.run_days("acme", Some("2026-11-29"), Some("2026-11-30")).await.unwrap();
        assert_eq!(later, report, "they stay when runs are dropped");

        let month = store.run_days("acme", None, Some("2026-12-28")).await.unwrap();
        assert_eq!((month.from.as_str(), month.days.len()), ("2026-11-29", 3), "30 days");
        for (from, to) in
            [(Some("2026-11-30"), "2026-11-29"), (Some("x"), "2026-11-29"), (None, "2026-02-30")]
        {
            let refused = store.run_days("acme", from, Some(to)).await.unwrap_err();
            assert!(matches!(refused, StoreError::Invalid(_)), "{refused}");
        }
        let year = async |from| store.run_days("acme", Some(from), Some("2026-12-31")).await.is_ok();
        assert!(year("2025-12-31").await && !year("2025-12-30").await, "366 days at most");
    });
}

#[test]
fn content_is_kept_only_where_and_as_long_as_the_workspace_wants() {
    on_each(async |database| {
        let ahead = Arc::new(AtomicU64::new(0));
        let store = database.open_with_clock(&ahead).await;
        acme(&store).await;
        store.create_workspace(NewWorkspace::new("other"), &ada()).await.unwrap();
        let change = WorkspaceChange::new().keep_content(Some(Duration::from_secs(3600)));
        store.change_workspace("acme", 1, change, &ada()).await.unwrap();
        let request = ChatRequest::new("openai/gpt-4o").user("a question in private");
        let options = OpenRouterOptions::new().header("X-Gateway-Key", "gw-5ec2e7");
        let kept = run(1).with_content(&request.clone().options(options), None).unwrap();
        assert!(!serde_json::to_string(&kept).unwrap().contains("gw-5ec2e7"), "a key of a gateway");
        let mut not_kept = run(2).with_content(&request, None).unwrap();
        not_kept.workspace = "other".to_owned();
        store.record_run(&kept).await.unwrap();
        store.record_run(&not_kept).await.unwrap();
        let content = store.run_content("acme", &kept.id).await.unwrap().expect("kept");
        assert_eq!(serde_json::from_str::<ChatRequest>(content.request.get()).unwrap(), request);
        assert_eq!(store.run_content("other", &not_kept.id).await.unwrap(), None);
        assert_eq!(store.run_content("other", &kept.id).await.unwrap(), None);
        let raw = database.raw().await;
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM run_contents").fetch_one(&raw).await.unwrap();
        raw.close().await;
        assert_eq!(count, 1);
        ahead.store(3601, Ordering::Relaxed);
        assert_eq!(store.run_content("acme", &kept.id).await.unwrap(), None);
    });
}

fn spill(database: &TestDatabase) -> RecorderSettings {
    RecorderSettings::new(database.folder.path().join("runs.spill"))
}

#[test]
fn recorder_writes_what_it_is_given() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let recorder = Recorder::start(store.clone(), spill(&database)).unwrap();
        for number in 0..1000 {
            assert!(recorder.record(run(number)));
        }
        let mut gone = run(0);
        gone.workspace = "gone".to_owned();
        recorder.record(gone);
        recorder.flush().await;
        assert_eq!(store.run_totals("acme", 0, i64::MAX).await.unwrap().runs, 1000);
        let counts = recorder.counts();
        assert_eq!((counts.recorded, counts.written, counts.refused, counts.dropped), (1001, 1000, 1, 0));
        let busy = Recorder::start(store, spill(&database)).unwrap_err();
        assert!(matches!(busy, StoreError::Io(_)), "{busy}");
    });
}

#[test]
fn runs_wait_on_disk_while_the_database_is_away() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let settings = spill(&database).patience(Duration::from_millis(100));
        let recorder = Recorder::start(store.clone(), settings).unwrap();
        let raw = database.raw().await;
        // A database that does not answer: another writer holds the lock that the recorder needs.
        let mut blocker = raw.begin_with("BEGIN").await.unwrap();
        let lock = match database.backend {
            workspace_store::Backend::Postgres => "LOCK TABLE runs IN ACCESS EXCLUSIVE MODE",
            _ => "UPDATE feed SET number = number",
        };
        sqlx::query(lock).execute(&mut *blocker).await.unwrap();
        for number in 0..300 {
            recorder.record(run(number));
        }
        recorder.flush().await;
        let counts = recorder.counts();
        assert_eq!((counts.spilled, counts.written, counts.dropped), (300, 0, 0));
        assert!(counts.waiting_bytes > 0);
        blocker.rollback().await.unwrap();
        raw.close().await;
        for _ in 0..300 {
            if recorder.counts().waiting_bytes == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(store.run_totals("acme", 0, i64::MAX).await.unwrap().runs, 300);
    });
}

#[test]
fn spilled_runs_are_written_after_a_restart() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        // A process was killed after two runs, in the middle of the third.
        let line = |number| serde_json::to_string(&run(number)).unwrap();
        let spilled = format!("{}\n{}\n{}", line(1), line(2), &line(3)[..40]);
        std::fs::write(database.folder.path().join("runs.spill"), spilled).unwrap();
        let recorder = Recorder::start(store.clone(), spill(&database)).unwrap();
        for _ in 0..50 {
            if recorder.counts().waiting_bytes == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let counts = recorder.counts();
        assert_eq!((counts.written, counts.refused, counts.waiting_bytes), (2, 1, 0));
        assert_eq!(store.run_totals("acme", 0, i64::MAX).await.unwrap().prompt_tokens, 3);
    });
}

#[test]
fn full_queue_and_full_file_drop_and_count() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let settings = spill(&database).patience(Duration::ZERO).max_queue(8).max_spill(2000);
        let recorder = Recorder::start(store, settings).unwrap();
        for number in 0..200 {
            recorder.record(run(number));
            if number.is_multiple_of(4) {
                tokio::task::yield_now().await;
            }
        }
        recorder.flush().await;
        let counts = recorder.counts();
        assert!(counts.dropped > 0 && counts.waiting_bytes <= 2000, "{counts:?}");
        assert!(counts.spilled + counts.dropped + counts.written >= counts.recorded, "{counts:?}");
    });
}
