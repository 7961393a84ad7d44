//! Comparisons: their cells, their ends, and what is kept of them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use workspace_store::ComparisonRecord;

use crate::bench::{Bench, data, names, node};
use crate::support::Host;

impl Bench {
    /// Waits until a comparison is kept.
    async fn kept(&self) -> ComparisonRecord {
        let begun = Instant::now();
        loop {
            let mut kept = self.host.store.comparisons("acme", None, 10).await.expect("comparisons");
            if let Some(kept) = kept.pop() {
                return kept;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "no comparison is kept");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn kept_report(&self) -> Value {
        let kept = self.kept().await;
        let report = self.host.store.comparison_report("acme", &kept.id).await.expect("a report");
        report.read().expect("JSON")
    }
}

#[tokio::test]
async fn comparison_streams_all_cells_and_is_kept() {
    let bench = Bench::start().await;
    let models = ["openai/gpt-4o", "sandbox/mid-stream-error", "nobody/none"];
    let body = json!({"models": models, "message": "Hello", "stream": true});
    let events = bench.events("comparisons", body).await;
    assert_eq!(events.first().map(|(name, _)| name.as_str()), Some("comparison_start"));
    assert_eq!(events.last().map(|(name, _)| name.as_str()), Some("done"));
    let of_cell =
        |cell: usize| events.iter().filter(|(_, data)| data["cell"] == cell).cloned().collect::<Vec<_>>();
    let whole = of_cell(0);
    assert!(data(&whole, "llm_call_end")["cost_usd"].is_string());
    assert!(names(&whole).contains(&"text_chunk") && !names(&whole).contains(&"error"));
    assert!(names(&of_cell(1)).contains(&"text_chunk") && names(&of_cell(1)).contains(&"error"));
    assert!(names(&of_cell(2)).contains(&"error"));
    let end = data(&events, "comparison_end");
    assert_eq!((&end["totals"]["models"], &end["totals"]["answered"]), (&json!(3), &json!(1)));
    let kept = &bench.host.store.comparisons("acme", None, 10).await.expect("comparisons")[0];
    assert_eq!((json!(kept.id), kept.cells.len()), (end["comparison_id"].clone(), 3));
    let runs = bench.recorded(2).await;
    assert!(runs.iter().any(|run| data(&whole, "llm_call_end")["run_id"] == json!(run.id)));
    bench.host.stop().await;
}

#[tokio::test]
async fn comparison_whose_client_leaves_closes_every_cell() {
    let bench = Bench::start().await;
    let body =
        json!({"models": ["sandbox/stall", "sandbox/stall-comments"], "message": "Hello", "stream": true});
    let mut answer = bench.post("comparisons", body).await;
    while bench.host.sandbox.open_streams() < 2 {
        answer.chunk().await.expect("a chunk").expect("no end");
    }
    drop(answer);
    bench.no_open_streams().await;
    let runs = bench.recorded(2).await;
    assert!(runs.iter().all(|run| run.error_kind.as_deref() == Some("cancelled")), "{runs:?}");
    bench.host.stop().await;
}

#[tokio::test]
async fn comparison_whose_client_leaves_is_kept_with_its_cells() {
    for stream in [true, false] {
        let bench = Bench::start().await;
        let models = ["openai/gpt-4o", "sandbox/stall"];
        let body = json!({"models": models, "message": "Hello", "title": "left", "stream": stream});
        if stream {
            let mut answer = bench.post("comparisons", body).await;
            let mut seen = String::new();
            // The end of the one, and the beginning of the other.
            while !(seen.contains("event: llm_call_end") && bench.host.sandbox.open_streams() == 1) {
                seen += &String::from_utf8_lossy(&answer.chunk().await.expect("a chunk").expect("no end"));
            }
        } else {
            let asked = tokio::time::timeout(Duration::from_secs(2), bench.post("comparisons", body));
            asked.await.expect_err("one of them stalls");
        }
        bench.no_open_streams().await;
        let kept = bench.kept().await;
        assert_eq!((kept.title.as_str(), kept.cells.len()), ("left", 2), "stream {stream}");
        let report = bench.kept_report().await;
        assert_eq!(report["ended"], "stopped", "{report}");
        assert!(report["cells"][0]["response"]["message"]["text"].is_string(), "{report}");
        let left = &report["cells"][1]["error"];
        assert!(left["partial"]["message"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{left}");
        let runs = bench.recorded(2).await;
        let kinds: Vec<_> = runs.iter().filter_map(|run| run.error_kind.as_deref()).collect();
        assert_eq!(kinds, ["cancelled"]);
        bench.host.stop().await;
    }
}

#[tokio::test]
async fn comparison_ends_with_the_time_to_drain() {
    let host = Host::start_with(|settings| settings.drain(Duration::from_millis(300))).await;
    let bench = Bench::on(host).await;
    let body = json!({"models": ["openai/gpt-4o", "sandbox/stall"], "message": "Hello", "stream": true});
    let mut answer = bench.post("comparisons", body).await;
    let mut seen = String::new();
    while !(seen.contains("event: llm_call_end") && bench.host.sandbox.open_streams() == 1) {
        seen += &String::from_utf8_lossy(&answer.chunk().await.expect("a chunk").expect("no end"));
    }
    let store = bench.host.store.clone();
    let begun = Instant::now();
    let (stopped, rest) = tokio::join!(bench.host.stop(), answer.text());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let () = stopped;
    let seen = seen + &rest.expect("the rest of the events");
    assert!(seen.contains("event: comparison_end") && seen.ends_with("event: done\ndata: {}\n\n"), "{seen}");
    let kept = store.comparisons("acme", None, 10).await.expect("comparisons");
    assert_eq!(kept.len(), 1);
    let runs = store.runs("acme", &workspace_store::RunFilter::new(), None, 10).await.expect("runs");
    let kinds: Vec<_> = runs.iter().filter_map(|run| run.error_kind.as_deref()).collect();
    assert_eq!(kinds, ["interrupted"], "the client has not left");
}

#[tokio::test]
async fn cell_beyond_its_time_is_recorded_as_that() {
    let bench = Bench::start().await;
    let models = ["openai/gpt-4o", "sandbox/stall", "sandbox/slow-first-token"];
    let body = json!({"models": models, "message": "Hello", "timeout_seconds": 1});
    let (status, answer) = bench.json("comparisons", body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["data"]["report"]["totals"]["answered"], 1);
    let runs = bench.recorded(3).await;
    let kinds: Vec<_> = runs.iter().filter_map(|run| run.error_kind.as_deref()).collect();
    assert_eq!(kinds, ["timeout", "timeout"]);
    bench.host.stop().await;
}

#[tokio::test]
async fn cells_go_on_to_the_fallback_of_the_node() {
    let bench = Bench::start().await;
    let config = json!({"x_provider": {"fallback": ["openai/gpt-4o"], "allow_paid": true}});
    let models = ["sandbox/upstream-error", "openai/gpt-4o"];
    let body = json!({"models": models, "message": "Hello", "node": node(config), "stream": true});
    let events = bench.events("comparisons", body).await;
    let ends: Vec<&Value> =
        events.iter().filter(|(name, _)| name == "llm_call_end").map(|(_, data)| data).collect();
    let end = ends.iter().find(|end| end["cell"] == 0).expect("an end");
    assert_eq!(end["attempts"][0]["model"], "sandbox/upstream-error", "{end}");
    assert!(end["model"].as_str().is_some_and(|model| model.starts_with("openai/gpt-4o")), "{end}");
    let other = ends.iter().find(|end| end["cell"] == 1).expect("an end");
    assert_eq!(other["attempts"], json!([]));

    let config = json!({"x_provider": {"limits": {"max_seconds": 3}}});
    let (status, answer) =
        bench.json("comparisons", json!({"models": models, "message": "Hello", "node": node(config)})).await;
    assert_eq!(status, 422);
    assert_eq!(answer["data"]["problems"][0]["field"], "node.config.x_provider.limits");
    bench.host.stop().await;
}

#[tokio::test]
async fn cells_are_fitted_into_their_contexts() {
    let bench = Bench::start().await;
    let window = |strategy: &str| json!({"context_window": {"strategy": strategy, "max_tokens": 60}});
    let messages = json!([
        {"role": "user", "content": "x".repeat(400)}, {"role": "assistant", "content": "y"},
        {"role": "user", "content": "Hello"},
    ]);
    let ask = |strategy: &str, stream: bool| {
        json!({"models": ["openai/gpt-4o", "openai/gpt-4o-mini"], "messages": messages,
            "node": node(window(strategy)), "stream": stream})
    };
    let events = bench.events("comparisons", ask("truncate", true)).await;
    let trimmed: Vec<&Value> =
        events.iter().filter(|(name, _)| name == "context_trimmed").map(|(_, data)| data).collect();
    assert_eq!(trimmed.iter().map(|data| &data["removed_messages"]).collect::<Vec<_>>(), [&json!(2); 2]);
    let sent = bench.host.sandbox.requests();
    let sent: Vec<_> = sent.iter().filter(|request| request.path.ends_with("/chat/completions")).collect();
    assert!(sent.iter().all(|request| request.body["messages"].as_array().map(Vec::len) == Some(1)));

    let (_, answer) = bench.json("comparisons", ask("error", false)).await;
    assert_eq!(answer["data"]["report"]["cells"][0]["error"]["kind"], "context_length", "{answer}");
    bench.host.stop().await;
}
