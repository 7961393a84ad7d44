use fault_server::{FaultServer, Script};

use crate::support::{
    KEY, KEY_OF_ENV, REFUSED_KEY, against, assert_has, binary, questions, ran, run, sandbox,
};

#[tokio::test]
async fn each_failure_has_its_exit_code() {
    let sandbox = sandbox().await;
    for (model, code, said) in [
        ("sandbox/rate-limit", 6, "rate limited"),
        ("sandbox/rate-limit-free", 6, "rate limited"),
        ("sandbox/overload", 8, "retry after 1 s"),
        ("sandbox/upstream-error", 8, "a worker fell over"),
        ("sandbox/moderation", 9, "content policy"),
        ("sandbox/no-credits", 4, "--max-tokens"),
        ("sandbox/no-endpoints", 5, "no endpoint fits"),
        ("sandbox/context-length", 12, "--min-context"),
        ("sandbox/server-error", 8, "service failed"),
        ("sandbox/html-error", 7, "HTTP 524"),
        ("sandbox/error-200", 6, "status 200"),
        ("sandbox/choice-error", 8, "upstream provider failed"),
        ("sandbox/empty", 8, "empty response"),
        ("sandbox/mid-stream-error", 8, "upstream provider failed"),
        ("sandbox/mid-stream-error-bare", 8, "upstream provider failed"),
        ("sandbox/truncated", 8, "answer interrupted"),
        ("sandbox/reset", 8, "answer interrupted"),
        ("sandbox/refusal", 9, "the model refused"),
        ("sandbox/no-done", 0, "finish stop"),
        ("nobody/nothing", 5, "model not found"),
    ] {
        for form in [&[][..], &["--no-stream"]] {
            // These two fail in streams alone.
            if !form.is_empty() && matches!(model, "sandbox/truncated" | "sandbox/reset") {
                continue;
            }
            let args = [&["chat", model, "Hello", "--retries", "0"], form].concat();
            let ran = ran(&mut against(&sandbox, &args)).await.with_code(code);
            assert_has(&ran.err, &[said]);
            let errors = ran.err.lines().filter(|line| line.starts_with("error: ")).count();
            assert_eq!(errors, usize::from(code != 0), "{model}: {}", ran.err);
        }
    }
}

#[tokio::test]
async fn verbose_reports_failed_attempts() {
    let attempt =
        |n: u8| format!("attempt {n} failed: service failed: Internal Server Error (provider openrouter,");
    for (retries, asked) in [("0", 1), ("1", 2), ("2", 3)] {
        let sandbox = sandbox().await;
        let args = ["chat", "sandbox/server-error", "Hello", "--retries", retries, "-v"];
        let ran = ran(&mut against(&sandbox, &args)).await.with_code(8);
        assert_eq!(questions(&sandbox).len(), asked);
        let told: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("attempt ")).collect();
        assert_eq!(told.len(), asked - 1, "{}", ran.err);
        for (n, line) in (1..).zip(told) {
            assert_has(line, &[&attempt(n), "model sandbox/server-error"]);
        }
    }
    // A successful answer has attempts, too, which are reported with --verbose alone.
    for (form, is_told) in [(&["--verbose"][..], true), (&[], false)] {
        let args = [&["chat", "sandbox/flaky", "Hello"][..], form].concat();
        let ran = run(&args).await.with_code(0);
        assert_eq!(ran.err.contains("attempt 1 failed: overloaded: "), is_told, "{}", ran.err);
        assert_has(&ran.err, &["served by "]);
    }
    let ran =
        run(&["compare", "Hello", "sandbox/server-error", "openai/gpt-4o", "-v", "--retries", "1"]).await;
    assert_has(&ran.with_code(0).err, &["sandbox/server-error: attempt 1 failed: "]);
}

#[tokio::test]
async fn failed_stream_keeps_its_partial_answer() {
    for model in ["sandbox/mid-stream-error", "sandbox/truncated", "sandbox/reset", "sandbox/choice-error"] {
        let ran = run(&["chat", model, "Hello"]).await.with_code(8);
        assert_has(&ran.out, &["Hello"]);
        assert!(ran.out.ends_with('\n'), "{:?}", ran.out);
    }
}

#[tokio::test]
async fn invalid_key_exits_with_3() {
    let sandbox = sandbox().await;
    for args in [&["key"][..], &["chat", "openai/gpt-4o", "Hello"], &["compare", "Hello", "openai/gpt-4o"]] {
        let ran = ran(against(&sandbox, args).env("OPENROUTER_API_KEY", REFUSED_KEY)).await.with_code(3);
        assert_has(&format!("{}{}", ran.out, ran.err), &["error: authentication failed"]);
    }
}

#[tokio::test]
async fn each_invalid_setting_has_a_line() {
    let mut command = binary();
    command.env("OPENROUTER_SITE_URL", "no url").args(["key", "--base-url", "http://example.com"]);
    let ran = ran(&mut command).await.with_code(2);
    let fields: Vec<&str> =
        ran.err.lines().filter_map(|line| line.strip_prefix("  ")?.split(':').next()).collect();
    assert_eq!(fields, ["api_key", "site_url", "base_url"], "{}", ran.err);
    assert_has(&ran.err, &["OPENROUTER_API_KEY", "keys are made at https://"]);
}

#[tokio::test]
async fn refused_connection_exits_with_7() {
    let mut command = binary();
    command.env("OPENROUTER_API_KEY", "any").args(KEY_OF_ENV).args([
        "key",
        "--base-url",
        "http://127.0.0.1:1/api/v1",
    ]);
    assert_has(&ran(&mut command).await.with_code(7).err, &["error: connection failed"]);
}

#[tokio::test]
async fn invalid_usage_exits_with_2() {
    for args in [
        &["chat"][..],
        &["chat", "openai/gpt-4o", "Hello", "--temperature", "warm"],
        &["chat", "openai/gpt-4o", "Hello", "--extra", "a=b"],
        &["chat", "openai/gpt-4o", "Hello", "--json-schema", "/no/such/file"],
        &["chat", "openai/gpt-4o", "Hello", "--max-tokens", "5", "--max-completion-tokens", "5"],
        &["compare", "Hello"],
        &["models", "--sort", "colour"],
        &["key", "--sandbox", "--base-url", "https://example.com"],
    ] {
        run(args).await.with_code(2);
    }
}

#[tokio::test]
async fn unsupported_parameter_exits_with_2() {
    let body = r#"{"error":{"code":400,"message":"`temperature` is deprecated for this model."}}"#;
    let server = FaultServer::always(Script::json(400, body)).await.unwrap();
    let mut command = binary();
    command.env("OPENROUTER_API_KEY", KEY).args(KEY_OF_ENV);
    command.args(["chat", "a/b", "Hello", "--temperature", "1"]);
    let ran = ran(command.args(["--base-url", &server.url()])).await.with_code(2);
    assert_has(&ran.err, &["error: unsupported feature: "]);
}

#[tokio::test]
async fn unknown_provider_exits_with_5() {
    let ran = run(&["chat", "x/y", "Hello", "--provider", "acme"]).await.with_code(5);
    assert_has(&ran.err, &["openrouter (OpenRouter)"]);
}

#[tokio::test]
async fn help_and_docs_list_every_exit_code() {
    let help = run(&["--help"]).await.with_code(0).out;
    assert_has(&help, &["OPENROUTER_API_KEY", "Examples:", "--sandbox"]);
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    let rows: Vec<(&str, &str)> = codes.lines().map(|row| row.trim().split_once("  ").unwrap()).collect();
    assert!(rows.len() > 10 && rows.iter().any(|(code, _)| *code == "130"), "{codes}");
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command-line.md")).unwrap();
    let documented: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(code, _)| code.parse::<u8>().is_ok())
        .collect();
    let trimmed: Vec<(&str, &str)> = rows.iter().map(|(code, what)| (*code, what.trim())).collect();
    assert_eq!(documented, trimmed);
}
