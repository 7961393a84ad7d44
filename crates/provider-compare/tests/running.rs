//! Tests of running comparisons: order, concurrency, deadlines, stops, progress. On tokio's paused clock.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use provider_compare::{Cell, CellReport, CellStep, Comparison, Ended, Report};
use provider_core::{Capability, ChatRequest, Error, ErrorKind, Event, LlmProvider, ProviderDescriptor};
use provider_testing::{ScriptedProvider, Turn};
use tokio::time::{Instant, sleep};

use support::{answers, describe, ms, scripted, stalls};

/// A comparison of these models of the provider.
fn comparison(provider: &Arc<ScriptedProvider>, models: &[&str]) -> Comparison {
    let cells = models.iter().map(|model| Cell::new(*model, provider.clone(), *model));
    Comparison::new(ChatRequest::default().user("Why?")).cells(cells)
}

fn texts(report: &Report) -> Vec<&str> {
    report.cells.iter().map(|cell| cell.response().map_or("", |response| response.text())).collect()
}

fn error(cell: &CellReport) -> &Error {
    cell.result.as_ref().unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn cells_run_at_once_and_keep_their_order() {
    let provider = scripted([
        ("slow", answers(ms(300), "slow")),
        ("quick", answers(ms(100), "quick")),
        ("middle", answers(ms(200), "middle")),
    ]);
    let started = Instant::now();
    let report = comparison(&provider, &["slow", "quick", "middle"]).run().await;
    assert_eq!(started.elapsed(), ms(300));
    assert_eq!(texts(&report), ["slow", "quick", "middle"]);
    assert_eq!((report.totals.models, report.totals.answered), (3, 3));
    assert_eq!((report.ended, report.totals.duration), (Ended::Complete, ms(300)));
    assert!(report.cells.iter().all(|cell| cell.timings.waited == Some(Duration::ZERO)));
    assert_eq!(report.fastest().unwrap().label, "quick");
    assert_eq!(provider.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_cell_sends_its_own_model_id() {
    let provider = scripted([("a", answers(ms(1), "a")), ("b", answers(ms(1), "b"))]);
    let request = ChatRequest::new("ignored").system("Be brief.").user("Why?").temperature(0.0);
    Comparison::new(request.clone())
        .cell("A", provider.clone(), "a")
        .cell("B", provider.clone(), "b")
        .run()
        .await;
    let sent = provider.requests();
    assert_eq!(sent.len(), 2);
    for (mut sent, model) in sent.into_iter().zip(["a", "b"]) {
        assert!(sent.messages.shares_with(&request.messages), "messages are not copied");
        assert_eq!(std::mem::replace(&mut sent.model, "ignored".to_owned()), model);
        assert_eq!(sent, request);
    }
}

#[tokio::test(start_paused = true)]
async fn concurrency_limits_running_cells() {
    let models = ["a", "b", "c", "d", "e", "f"];
    let times = [100, 400, 100, 100, 100, 100];
    let provider = scripted(models.into_iter().zip(times.map(|time| answers(ms(time), "x"))));
    let report = comparison(&provider, &models).concurrency(2).run().await;
    assert_eq!(provider.most_open(), 2);
    let waited: Vec<_> = report.cells.iter().map(|cell| cell.timings.waited.unwrap()).collect();
    assert_eq!(waited, [0, 0, 100, 200, 300, 400].map(ms), "they start as others end");
    assert!(report.cells.iter().zip(times).all(|(cell, time)| cell.timings.total == Some(ms(time))));

    for (given, most) in [(None, 4), (Some(0), 1), (Some(1), 1), (Some(100), 6)] {
        let provider = scripted(models.map(|model| (model, answers(ms(10), "x"))));
        let comparison = comparison(&provider, &models);
        let report = match given {
            Some(given) => comparison.concurrency(given),
            None => comparison,
        };
        assert_eq!(report.run().await.totals.answered, 6);
        assert_eq!(provider.most_open(), most, "{given:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn failed_cell_keeps_its_partial_answer() {
    let broken = Error::new(ErrorKind::Upstream, "a worker fell over");
    let refused = Error::new(ErrorKind::PaymentRequired, "no credits").with_provider("scripted");
    let refused = refused.with_model("refuses");
    let provider = scripted([
        ("refuses", Turn::refuses(refused.clone())),
        ("breaks", Turn::new().wait(ms(10)).text("Bec").wait(ms(10)).breaks_with(broken)),
        ("answers", answers(ms(100), "Because.")),
    ]);
    let unknown = Error::new(ErrorKind::NotFound, "no such model");
    let report = comparison(&provider, &["refuses", "breaks"])
        .cells([Cell::not_asked("gone", unknown.clone())])
        .cell("answers", provider.clone(), "answers")
        .run()
        .await;
    assert_eq!(texts(&report), ["", "Bec", "", "Because."]);
    assert_eq!(report.totals.answered, 1);
    assert_eq!(error(&report.cells[0]), &refused);
    assert_eq!(error(&report.cells[1]).kind(), ErrorKind::Upstream);
    assert_eq!(report.cells[1].timings.total, Some(ms(20)));

    let gone = &report.cells[2];
    assert_eq!(error(gone), &unknown);
    assert_eq!((gone.label.as_str(), gone.requested.as_str(), &gone.provider), ("gone", "gone", &None));
    assert_eq!((gone.timings.waited, gone.timings.total), (None, None));
    assert_eq!(provider.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn deadline_ends_all_cells_with_partial_answers() {
    let provider = scripted([
        ("quick", answers(ms(100), "quick")),
        ("stalls", stalls("part")),
        ("silent", Turn::new().accepts_after(Duration::from_secs(9_999))),
        ("late", answers(ms(100), "late")),
    ]);
    let started = Instant::now();
    let report = comparison(&provider, &["quick", "stalls", "silent", "late", "quick"])
        .concurrency(1)
        .deadline(ms(1_500))
        .run()
        .await;
    assert_eq!(started.elapsed(), ms(1_500));
    assert_eq!((report.ended, report.totals.answered), (Ended::Deadline, 1));
    assert_eq!(texts(&report), ["quick", "part", "", "", ""]);
    let cut = error(&report.cells[1]);
    assert_eq!(
        (cut.kind(), cut.provider(), cut.model()),
        (ErrorKind::Timeout, Some("scripted"), Some("stalls"))
    );
    assert_eq!(cut.message(), "there was no complete answer when the comparison's 1.5 s were over");
    assert_eq!(cut.partial().unwrap().text(), "part");
    assert_eq!(report.cells[1].timings.total, Some(ms(1_400)));
    for cell in &report.cells[2..] {
        assert_eq!(error(cell).kind(), ErrorKind::Timeout);
        assert_eq!(error(cell).message(), "not asked: the comparison's 1.5 s were over before");
        assert_eq!((cell.timings.waited, cell.timings.total), (Some(ms(1_500)), None));
    }
    assert_eq!((provider.open(), provider.requests().len()), (0, 2));

    // The deadline can come before the answer begins, too.
    let report = comparison(&provider, &["silent"]).deadline(ms(10)).run().await;
    assert_eq!(error(&report.cells[0]).kind(), ErrorKind::Timeout);
    assert_eq!((report.cells[0].timings.total, provider.open()), (Some(ms(10)), 0));
}

#[tokio::test(start_paused = true)]
async fn cell_timeout_ends_one_cell() {
    let provider = scripted([("stalls", stalls("part")), ("quick", answers(ms(900), "quick"))]);
    let models = ["stalls", "quick", "stalls"];
    let report = comparison(&provider, &models).concurrency(1).cell_timeout(ms(1_000)).run().await;
    assert_eq!((report.ended, report.totals.duration), (Ended::Complete, ms(2_900)));
    assert_eq!(texts(&report), ["part", "quick", "part"]);
    assert_eq!(error(&report.cells[2]).message(), "there was no complete answer within 1 s");
    assert_eq!(error(&report.cells[2]).kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn complete_answer_survives_a_late_timeout() {
    let provider = scripted([("busy", answers(ms(10), "Because.").drains_for(ms(100)))]);
    let report = comparison(&provider, &["busy"]).deadline(ms(50)).run().await;
    assert_eq!((texts(&report), report.totals.answered), (vec!["Because."], 1));
    assert_eq!(report.ended, Ended::Complete);
    assert_eq!(report.cells[0].timings.total, Some(ms(10)), "the connection's time is not the answer's");
}

#[tokio::test(start_paused = true)]
async fn stop_keeps_finished_cells() {
    let provider = scripted([("quick", answers(ms(10), "quick")), ("stalls", stalls("part"))]);
    let report = comparison(&provider, &["stalls", "quick", "stalls"])
        .concurrency(2)
        .run_until(sleep(ms(50)), |_| ())
        .await;
    assert_eq!((report.ended, report.totals.duration), (Ended::Stopped, ms(50)));
    assert_eq!(texts(&report), ["part", "quick", "part"]);
    assert_eq!(error(&report.cells[0]).kind(), ErrorKind::Interrupted);
    assert_eq!(provider.open(), 0);

    let report = comparison(&provider, &["quick"]).run_until(async {}, |_| ()).await;
    assert_eq!(error(&report.cells[0]).message(), "not asked: the comparison was stopped before");
    let report = comparison(&provider, &["quick"]).run_until(sleep(ms(11)), |_| ()).await;
    assert_eq!(report.ended, Ended::Complete, "a stop that comes too late");
}

#[tokio::test(start_paused = true)]
async fn stop_ends_an_answer_that_is_always_ready() {
    let script =
        ["1", "2", "3", "4"].into_iter().fold(Turn::new(), |script, text| script.wait(ms(0)).text(text));
    let provider = scripted([("quick", script.wait(ms(0)).finish("stop"))]);
    let seen = std::cell::Cell::new(0);
    let stop = std::future::poll_fn(|_| if seen.get() == 2 { Poll::Ready(()) } else { Poll::Pending });
    let report = comparison(&provider, &["quick"])
        .run_until(stop, |progress| {
            if matches!(progress.step, CellStep::Event(_)) {
                seen.set(seen.get() + 1);
            }
        })
        .await;
    assert_eq!((texts(&report), report.ended), (vec!["12"], Ended::Stopped));
}

#[tokio::test(start_paused = true)]
async fn drop_closes_all_streams() {
    let provider = scripted([("stalls", stalls("part"))]);
    let mut running = Box::pin(comparison(&provider, &["stalls"; 6]).concurrency(3).run());
    tokio::select! {
        _ = &mut running => panic!("it stalls"),
        () = sleep(ms(10)) => {}
    }
    assert_eq!(provider.open(), 3);
    drop(running);
    assert_eq!(provider.open(), 0);
    sleep(ms(10)).await;
    assert_eq!(provider.requests().len(), 3, "nobody asks on");
}

#[tokio::test(start_paused = true)]
async fn progress_steps_come_in_order() {
    let provider = scripted([
        ("a", Turn::new().wait(ms(10)).reasoning("Hm").wait(ms(20)).text("A").wait(ms(30)).finish("stop")),
        ("b", answers(ms(20), "B")),
        ("refuses", Turn::refuses(Error::new(ErrorKind::Server, "no"))),
    ]);
    let mut log = Vec::new();
    comparison(&provider, &["a", "b", "refuses"])
        .cells([Cell::not_asked("gone", Error::new(ErrorKind::NotFound, "no such model"))])
        .concurrency(2)
        .run_with(|progress| {
            let what = match progress.step {
                CellStep::Started => "started".to_owned(),
                CellStep::Event(Event::Text(text) | Event::Reasoning(text)) => text.to_string(),
                CellStep::Event(_) => "end".to_owned(),
                CellStep::Finished(cell) => format!("answered: {}", cell.result.is_ok()),
                _ => "?".to_owned(),
            };
            log.push(format!("{} {} {what}", progress.index, progress.label));
        })
        .await;
    assert_eq!(
        log,
        [
            "0 a started",
            "1 b started",
            "0 a Hm",
            "1 b B",
            "1 b end",
            "1 b answered: true",
            "2 refuses started",
            "2 refuses answered: false",
            "3 gone answered: false",
            "0 a A",
            "0 a end",
            "0 a answered: true",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn provider_name_is_in_report_and_errors() {
    let provider = scripted([
        ("refuses", Turn::refuses(Error::new(ErrorKind::Server, "no").with_provider("scripted"))),
        ("breaks", Turn::new().wait(ms(1)).breaks_with(Error::new(ErrorKind::Upstream, "broken"))),
        ("stalls", stalls("part")),
    ]);
    let cells = ["refuses", "breaks", "stalls"]
        .map(|model| Cell::new(model, provider.clone(), model).provider_name("prod"));
    let report =
        Comparison::new(ChatRequest::default().user("Why?")).cells(cells).deadline(ms(10)).run().await;
    for cell in &report.cells {
        assert_eq!((cell.provider.as_deref(), error(cell).provider()), (Some("prod"), Some("prod")));
    }
}

#[tokio::test(start_paused = true)]
async fn provider_without_llm_is_not_asked() {
    #[derive(Debug)]
    struct Embedder(Arc<ScriptedProvider>);
    #[async_trait::async_trait]
    impl LlmProvider for Embedder {
        fn descriptor(&self) -> &'static ProviderDescriptor {
            static EMBEDDER: ProviderDescriptor = describe("embedder", Capability::Embedding);
            &EMBEDDER
        }
        async fn stream(&self, request: &ChatRequest) -> Result<provider_core::ChatStream, Error> {
            self.0.stream(request).await
        }
        async fn models(&self) -> Result<provider_core::Catalogue, Error> {
            self.0.models().await
        }
        async fn check(&self) -> Result<provider_core::ConnectionReport, Error> {
            self.0.check().await
        }
    }
    let inner = scripted([("x", answers(ms(1), "x"))]);
    let request = ChatRequest::default().user("Why?");
    let report = Comparison::new(request).cell("x", Arc::new(Embedder(inner.clone())), "x").run().await;
    assert_eq!(error(&report.cells[0]).capability(), Some(Capability::Llm));
    assert_eq!(error(&report.cells[0]).model(), Some("x"));
    assert_eq!((inner.requests().len(), report.cells[0].timings.total), (0, None));
}

#[tokio::test]
async fn comparison_runs_in_a_spawned_task() {
    let provider = scripted([("a", answers(Duration::ZERO, "A"))]);
    let mut pieces = Vec::new();
    let running = async move {
        let watch = |progress: provider_compare::Progress<'_>| pieces.push(progress.index);
        comparison(&provider, &["a"]).run_until(sleep(Duration::from_secs(60)), watch).await
    };
    assert_eq!(tokio::spawn(running).await.unwrap().totals.answered, 1);
    let nobody = Comparison::new(ChatRequest::default()).run().await;
    assert_eq!((nobody.cells.len(), nobody.ended), (0, Ended::Complete));
}
