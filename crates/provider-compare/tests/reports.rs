//! Tests of reports: timings, totals, Markdown, JSON.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use provider_compare::{Cell, Comparison, Report, Stopwatch};
use provider_core::{CacheMark, ChatRequest, Error, ErrorKind, Message, Part, RawJson, Usd};
use provider_testing::Turn;
use serde_json::{Value, json};

use support::{answers, ms, scripted, stalls, usage};

async fn compared(scripts: impl IntoIterator<Item = (&'static str, Turn)>) -> Report {
    let scripts: Vec<_> = scripts.into_iter().collect();
    let models: Vec<_> = scripts.iter().map(|(model, _)| *model).collect();
    let provider = scripted(scripts);
    let cells = models.into_iter().map(|model| Cell::new(model, provider.clone(), model));
    Comparison::new(ChatRequest::default().user("Why?")).cells(cells).deadline(ms(60_000)).run().await
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn timings_measure_the_answer() {
    let thinking = || {
        let mut usage = usage(5, 50, None);
        usage.reasoning_tokens = Some(40);
        usage
    };
    let two_pieces =
        || Turn::new().accepts_after(ms(100)).wait(ms(300)).text("Be").wait(ms(500)).text("cause.");
    let report = compared([
        ("counted", two_pieces().usage(usage(5, 50, None)).wait(ms(500)).finish("stop")),
        ("uncounted", two_pieces().wait(ms(500)).finish("stop")),
        (
            "whole",
            Turn::new().wait(ms(300)).text("Because.").usage(usage(5, 50, None)).wait(ms(500)).finish("stop"),
        ),
        ("hidden", two_pieces().usage(thinking()).wait(ms(500)).finish("stop")),
        (
            "shown",
            Turn::new()
                .wait(ms(200))
                .reasoning("Hm")
                .wait(ms(500))
                .text("Because.")
                .usage(thinking())
                .wait(ms(500))
                .finish("stop"),
        ),
        (
            "broken",
            two_pieces()
                .usage(usage(5, 50, None))
                .wait(ms(500))
                .breaks_with(Error::new(ErrorKind::Upstream, "no")),
        ),
    ])
    .await;
    let timings: Vec<_> = report.cells.iter().map(|cell| cell.timings).collect();
    assert_eq!(timings[0].first_token, Some(ms(400)));
    assert_eq!(timings[0].total, Some(ms(1_400)));
    assert_eq!(timings[2].first_token, Some(ms(300)));
    assert_eq!(timings[4].first_token, Some(ms(200)), "thoughts are part of an answer");
    let speeds: Vec<_> = timings.iter().map(|timings| timings.tokens_per_second).collect();
    assert_eq!(speeds, [Some(50.0), None, None, None, Some(50.0), None]);
}

#[tokio::test(start_paused = true)]
async fn totals_are_exact_and_count_unknown_costs() {
    let own_key = |mut usage: provider_core::Usage| {
        usage.is_byok = Some(true);
        usage.upstream_cost = Some(usd("0.05"));
        usage
    };
    let not_own_key = |mut usage: provider_core::Usage| {
        usage.upstream_cost = Some(usd("9"));
        usage
    };
    let report = compared([
        ("a", answers(ms(20), "a").usage(usage(10, 1, Some("0.1")))),
        ("b", answers(ms(10), "b").usage(not_own_key(usage(20, 2, Some("0.2"))))),
        ("own key", answers(ms(30), "c").usage(own_key(usage(1_000, 3, Some("0"))))),
        ("unknown", answers(ms(40), "d").usage(usage(5, 4, None))),
        // The cost of a failed cell counts, but only an answer can be the cheapest.
        (
            "breaks",
            Turn::new()
                .usage(usage(5, 5, Some("0.01")))
                .wait(ms(1))
                .breaks_with(Error::new(ErrorKind::Server, "no")),
        ),
        ("refuses", Turn::refuses(Error::new(ErrorKind::PaymentRequired, "no credits"))),
    ])
    .await;
    let totals = &report.totals;
    assert_eq!((totals.models, totals.answered), (6, 4));
    assert_eq!((totals.prompt_tokens, totals.completion_tokens), (1_040, 15));
    assert_eq!((totals.cost, totals.upstream_cost), (usd("0.31"), usd("0.05")));
    assert_eq!(totals.cost_unknown, 1);
    assert_eq!(
        totals.to_string(),
        "4 of 6 answered | tokens 1,040 in, 15 out | cost $0.31 and $0.05 at upstream providers and one answer of \
         unknown cost | 40 ms"
    );
    let costs: Vec<_> = report.cells.iter().map(|cell| cell.cost()).collect();
    let known = [Some("0.1"), Some("0.2"), Some("0.05"), None, Some("0.01"), None];
    assert_eq!(costs, known.map(|cost| cost.map(usd)));
    assert_eq!(report.cells[2].figures().cost, "$0 + $0.05");
    assert_eq!(report.fastest().unwrap().label, "b");
    assert_eq!(report.cheapest().unwrap().label, "own key");
}

#[tokio::test(start_paused = true)]
async fn no_cell_is_best_without_figures() {
    let report = compared([("a", answers(ms(10), "a")), ("b", stalls("b"))]).await;
    assert_eq!((report.fastest().unwrap().label.as_str(), report.cheapest()), ("a", None));
    let report = compared([("b", stalls("b").usage(usage(1, 1, Some("0.1"))))]).await;
    assert_eq!((report.fastest(), report.cheapest()), (None, None));
}

/// A report with every kind of result.
async fn report() -> Report {
    let markup = "# Title\r\n- point | bar\rnext\n\n```\nlet x;\n";
    let provider = scripted([
        (
            "gpt",
            Turn::new()
                .wait(ms(400))
                .text("# Title\r\n- point | bar\rnext\n\n")
                .wait(ms(600))
                .text("```\nlet x;\n")
                .usage(usage(1_234, 60, Some("0.00012345")))
                .wait(ms(1_000))
                .finish("stop"),
        ),
        ("stalls", stalls("Bec")),
        ("claude", answers(ms(500), "Because.").usage(usage(10, 4, Some("0.0002")))),
    ]);
    let unknown = Error::new(ErrorKind::NotFound, "no model <b>x|y</b>\nat all");
    let report = Comparison::new(ChatRequest::default().user("Why?\nReally?"))
        .cell("gpt", provider.clone(), "gpt")
        .cell("stalls", provider.clone(), "stalls")
        .cells([Cell::not_asked("x|y\n<b>", unknown)])
        .cell("Claude", provider, "claude")
        .deadline(ms(10_000))
        .run()
        .await;
    assert_eq!(report.cells[0].said().unwrap(), markup);
    report
}

#[tokio::test(start_paused = true)]
async fn markdown_has_figures_and_full_answers() {
    let expected = "\
# Comparison

> Why?
> Really?

| Requested | Served | Provider | First token | Total | Tokens in | Tokens out | Tokens/s | Cost | Finish |
|---|---|---|---:|---:|---:|---:|---:|---:|---|
| gpt | - | - | 400 ms | 2.00 s | 1,234 | 60 | 37.5 | $0.00012345 | stop |
| stalls | - | - | 0 ms | 10.00 s | - | - | - | - | error |
| x\\|y \\<b> | - | - | - | - | - | - | - | - | error |
| Claude | - | - | 500 ms | 500 ms | 10 | 4 | - | $0.0002 | stop |

2 of 4 answered | tokens 1,244 in, 64 out | cost $0.00032345 and one answer of unknown cost | 10.00 s

Fastest: Claude, 500 ms. Cheapest: gpt, $0.00012345.

The time of the comparison was over before all had answered.

## gpt

> # Title
> - point | bar
> next
>
> ```
> let x;

## stalls

> Bec

**Error:** timeout: there was no complete answer when the comparison's 10 s were over (provider scripted, model stalls, generation gen-2)

## x\\|y \\<b>

**Error:** not found: no model \\<b>x\\|y\\</b> at all

## Claude (claude)

> Because.
";
    assert_eq!(report().await.to_markdown(), expected);
}

#[tokio::test(start_paused = true)]
async fn markdown_has_all_messages() {
    let image = Part::image_url("https://example.com/cat.png");
    let request = ChatRequest::default()
        .system(vec![Part::text("Be brief.").cached(CacheMark::default())])
        .user(vec![Part::text("Who is this?"), image])
        .assistant("A cat.")
        .message(Message::tool("call-1", "18 °C"))
        .user("Really?");
    let markdown = Comparison::new(request).run().await.to_markdown();
    let question = "\
# Comparison

**system:**

> Be brief.

**user:**

> Who is this?

(and a part that is no text)

**assistant:**

> A cat.

**tool:**

> 18 °C

**user:**

> Really?

| Requested |";
    assert!(markdown.starts_with(question), "{markdown}");
}

#[tokio::test(start_paused = true)]
async fn json_has_the_documented_names() {
    let mut json = serde_json::to_value(report().await).unwrap();
    assert!(json["created"].take().as_u64().unwrap() > 1_700_000_000);
    let response = json["cells"][0]["response"].take();
    assert_eq!(response["message"]["text"], "# Title\r\n- point | bar\rnext\n\n```\nlet x;\n");
    assert_eq!(response["usage"]["cost"], 0.00012345);
    let partial = json["cells"][1]["error"]["partial"].take();
    assert_eq!(partial["message"]["text"], "Bec");
    json["cells"][3]["response"].take();
    let expected = json!({
        "schema_version": 1,
        "created": null,
        "prompt": "Why?\nReally?",
        "messages": [{"role": "user", "text": "Why?\nReally?"}],
        "cells": [
            {
                "label": "gpt",
                "provider": "scripted",
                "requested": "gpt",
                "response": null,
                "timings": {
                    "waited_ms": 0.0,
                    "time_to_first_token_ms": 400.0,
                    "total_ms": 2000.0,
                    "tokens_per_second": 37.5,
                },
            },
            {
                "label": "stalls",
                "provider": "scripted",
                "requested": "stalls",
                "error": {
                    "kind": "timeout",
                    "message": "there was no complete answer when the comparison's 10 s were over",
                    "retryable": true,
                    "provider": "scripted",
                    "generation_id": "gen-2",
                    "model": "stalls",
                    "partial": null,
                },
                "timings": {
                    "waited_ms": 0.0,
                    "time_to_first_token_ms": 0.0,
                    "total_ms": 10000.0,
                    "tokens_per_second": null,
                },
            },
            {
                "label": "x|y\n<b>",
                "provider": null,
                "requested": "x|y\n<b>",
                "error": {"kind": "not_found", "message": "no model <b>x|y</b>\nat all", "retryable": false},
                "timings": {"time_to_first_token_ms": null, "total_ms": null, "tokens_per_second": null},
            },
            {
                "label": "Claude",
                "provider": "scripted",
                "requested": "claude",
                "response": null,
                "timings": {
                    "waited_ms": 0.0,
                    "time_to_first_token_ms": 500.0,
                    "total_ms": 500.0,
                    "tokens_per_second": null,
                },
            },
        ],
        "totals": {
            "models": 4,
            "answered": 2,
            "prompt_tokens": 1244,
            "completion_tokens": 64,
            "cost": 0.00032345,
            "upstream_cost": 0.0,
            "cost_unknown": 1,
            "duration_ms": 10000.0,
        },
        "ended": "deadline",
    });
    assert_eq!(json, expected);
}

#[tokio::test(start_paused = true)]
async fn progress_serialises_with_its_cell() {
    let provider = scripted([("gpt", answers(ms(1), "Hi"))]);
    let comparison = Comparison::new(ChatRequest::default().user("Hello")).cell("GPT", provider, "gpt");
    let mut lines: Vec<Value> = Vec::new();
    comparison.run_with(|progress| lines.push(serde_json::to_value(progress).unwrap())).await;
    assert_eq!(lines[0], json!({"index": 0, "label": "GPT", "type": "started"}));
    let text = json!({"index": 0, "label": "GPT", "type": "event", "data": {"type": "text", "data": "Hi"}});
    assert_eq!(lines[1], text);
    let last = lines.last().unwrap();
    assert_eq!((&last["type"], &last["data"]["label"]), (&json!("finished"), &json!("GPT")));
}

#[tokio::test(start_paused = true)]
async fn raw_chunk_is_no_first_token() {
    // The first chunk of a stream has a role and no token.
    let raw = provider_core::Event::Raw("{}".parse::<RawJson>().unwrap());
    let mut watch = Stopwatch::start();
    tokio::time::sleep(ms(10)).await;
    watch.event(&raw);
    assert_eq!(watch.stop(None).first_token, None);
    tokio::time::sleep(ms(10)).await;
    watch.event(&provider_core::Event::Text("Hi".into()));
    assert_eq!(watch.stop(None).first_token, Some(ms(20)));
}

#[tokio::test(start_paused = true)]
async fn report_leaves_out_options_and_parameters() {
    let request = ChatRequest::default()
        .user("Why?")
        .end_user("marker-user")
        .metadata("marker-key", "marker-value")
        .extra("acme", "marker-extra", "marker-extra");
    let report = Comparison::new(request).run().await;
    let texts = [serde_json::to_string(&report).unwrap(), report.to_markdown(), format!("{report:?}")];
    assert!(texts.iter().all(|text| !text.contains("marker") && text.contains("Why?")));
}
