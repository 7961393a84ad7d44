use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_sandbox::Sandbox;

use crate::support::{KEY, KEY_OF_ENV, Ran, against, assert_has, binary, questions, ran, run, sandbox};

const MODELS: [&str; 3] = ["sandbox/slow-first-token", "sandbox/no-credits", "openai/gpt-4o"];

/// Compares the models with a slow one first, on a sandbox whose slow model takes little time.
async fn compare(output: &[&str]) -> Ran {
    let sandbox = Sandbox::builder().slow_first_token(Duration::from_millis(200)).start().await.unwrap();
    let args = [&["compare", "Say hi"], &MODELS[..], output].concat();
    ran(&mut against(&sandbox, &args)).await.with_code(0)
}

#[tokio::test]
async fn table_has_a_row_for_each_model_in_order() {
    let table = compare(&[]).await.out;
    let starts: Vec<&str> = table.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(starts, ["REQUESTED", MODELS[0], "", MODELS[1], "", MODELS[2], "", "", "2"], "{table}");
    assert_has(
        &table,
        &[
            "openai/gpt-4o-2024-11-20",
            "  128,000 tokens of context, $2.5 in and $10 out per million tokens",
            "  error: payment required: ",
            "2 of 3 answered | tokens",
        ],
    );
}

#[tokio::test]
async fn markdown_has_full_answers() {
    let report = compare(&["--markdown"]).await.out;
    assert_has(
        &report,
        &[
            "# Comparison\n\n> Say hi\n",
            "| Requested | Served |",
            "| openai/gpt-4o | openai/gpt-4o-2024-11-20 |",
        ],
    );
    assert_has(
        &report,
        &[
            "\n## sandbox/no-credits\n\n**Error:** payment required",
            "\n## openai/gpt-4o\n\n128,000 tokens of context",
        ],
    );
}

#[tokio::test]
async fn compare_json_has_exact_totals() {
    let json = compare(&["--json"]).await.json();
    let cells = json["cells"].as_array().unwrap();
    let requested: Vec<_> = cells.iter().map(|cell| &cell["requested"]).collect();
    assert_eq!(requested, MODELS);
    assert_eq!(cells[1]["error"]["kind"], "payment_required");
    assert_eq!(cells[2]["listing"]["context_length"], 128_000);
    assert_eq!((&json["totals"]["models"], &json["totals"]["answered"]), (&3.into(), &2.into()));
    let costs: Vec<f64> =
        cells.iter().filter_map(|cell| cell["response"]["usage"]["cost"].as_f64()).collect();
    // Decimals: 0.1 + 0.2 must be 0.3.
    let cents = |amount: f64| (amount * 1e12).round() as u64;
    assert_eq!(costs.len(), 2);
    assert_eq!(
        costs.iter().copied().map(cents).sum::<u64>(),
        cents(json["totals"]["cost"].as_f64().unwrap())
    );
}

#[tokio::test]
async fn compare_json_has_models_and_timings() {
    let sandbox = sandbox().await;
    let args =
        ["compare", "Say hi", "openrouter:openai/gpt-4o", "sandbox/no-credits", "--system", "Be brief."];
    let json = ran(&mut against(&sandbox, &[&args[..], &["--json"]].concat())).await.with_code(0).json();
    assert_eq!(
        (&json["schema_version"], &json["prompt"], &json["ended"]),
        (&1.into(), &"Say hi".into(), &"complete".into())
    );
    assert_eq!(json["messages"][0]["text"], "Be brief.");
    for cell in json["cells"].as_array().unwrap() {
        assert_eq!((&cell["requested"], &cell["provider"]), (&cell["label"], &"openrouter".into()));
        assert!(cell["timings"]["total_ms"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(json["cells"][0]["requested"], "openrouter:openai/gpt-4o", "as it was typed");
    assert_eq!(json["cells"][0]["response"]["requested"], "openai/gpt-4o");
    assert!(json["totals"]["duration_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn deadline_ends_all_models() {
    let sandbox = sandbox().await;
    let args = [
        "compare",
        "Say hi",
        "openai/gpt-4o",
        "sandbox/stall",
        "openai/gpt-5",
        "--concurrency",
        "1",
        "--deadline",
        "1",
    ];
    let ran = ran(&mut against(&sandbox, &args)).await.with_code(0);
    assert_has(
        &ran.out,
        &["error: timeout: there was no complete answer", "error: timeout: not asked", "1 of 3 answered"],
    );
    assert_eq!(questions(&sandbox).len(), 2);
}

#[tokio::test]
async fn exit_code_is_the_first_error_if_all_fail() {
    let ran = run(&["compare", "Say hi", "sandbox/rate-limit", "sandbox/no-credits"]).await.with_code(6);
    assert_has(&ran.out, &["error: rate limited", "error: payment required", "0 of 2 answered"]);
}

#[tokio::test]
async fn timeout_ends_a_silent_model() {
    let args = ["compare", "Say hi", "sandbox/stall", "openai/gpt-4o", "--timeout", "1"];
    let ran = run(&args).await.with_code(0);
    assert_has(&ran.out, &["error: timeout: ", "1 of 2 answered"]);
}

#[tokio::test]
async fn concurrency_of_one_sends_equal_requests() {
    let sandbox = sandbox().await;
    let args = ["compare", "Say hi", "openai/gpt-4o", "openai/gpt-5", "--concurrency", "1", "--seed", "5"];
    ran(&mut against(&sandbox, &args)).await.with_code(0);
    let requests = questions(&sandbox);
    let asked: Vec<_> = requests.iter().map(|request| &request.body["model"]).collect();
    assert_eq!(asked, ["openai/gpt-4o", "openai/gpt-5"]);
    assert!(requests.iter().all(|request| request.body["seed"] == 5));
    let wrong = ["compare", "Say hi", "openai/gpt-4o", "--concurrency", "0"];
    ran(&mut against(&sandbox, &wrong)).await.with_code(2);
}

#[tokio::test]
async fn markdown_errors_use_words_of_the_options() {
    let server = FaultServer::always(Script::html_error(502)).await.unwrap();
    let mut command = binary();
    command.env("OPENROUTER_API_KEY", KEY).args(KEY_OF_ENV).args([
        "--base-url",
        &server.url(),
        "--retries",
        "0",
    ]);
    let ran = ran(command.args(["compare", "Hello", "a/b", "--markdown"])).await.with_code(8);
    assert_has(&ran.out, &["**Error:** ", "the service answered with a web page, not with an answer"]);
}
