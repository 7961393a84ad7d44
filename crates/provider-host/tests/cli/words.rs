//! Tests of messages: they use the words of the command line, and repeat no advice.

use fault_server::{FaultServer, RefusedPort, Script};
use openrouter_sandbox::FAILURES;

use crate::support::{KEY, KEY_OF_ENV, against, assert_has, binary, ran, run, sandbox, test_file};

/// Asserts that a text has no word that only users of the Rust libraries know.
#[track_caller]
fn assert_plain(text: &str, what: &str) {
    for word in
        ["::", "Cargo", "crate", "_provider", "linked in", "file_url", "allow_http", "Limits", "try this"]
    {
        assert!(!text.contains(word), "{what}: {word:?} in {text}");
    }
    // Only command lines may be between backticks.
    for quoted in text.split('`').skip(1).step_by(2) {
        assert!(
            quoted.starts_with("asq ") || quoted.starts_with('<') || quoted == "-",
            "{what}: {quoted:?} in {text}"
        );
    }
    assert!(text.matches("hint:").count() <= 1, "{what}: {text}");
}

#[tokio::test]
async fn service_errors_have_plain_words_and_one_hint() {
    let sandbox = sandbox().await;
    for (model, _) in FAILURES.iter().filter(|(model, _)| !model.contains("stall")) {
        let args = ["chat", model, "Hello", "--retries", "1", "--verbose"];
        let ran = ran(&mut against(&sandbox, &args)).await;
        assert_plain(&ran.err, model);
    }
}

#[tokio::test]
async fn invalid_requests_name_their_options() {
    let text = test_file("words/unknown.bin", b"\x00\x01\x02\x03");
    let fallbacks = ["--fallback", "a/b", "--fallback", "a/c", "--fallback", "a/d", "--fallback", "a/e"];
    for (args, said) in [
        (&["--file", &*text][..], "--file"),
        (&fallbacks, "--fallback: has 4 models"),
        (&["--max-tokens", "5", "--max-completion-tokens", "5"], "--max-completion-tokens"),
        (&["--top-logprobs", "5"], "--logprobs"),
        (
            &["--stop", "a", "--stop", "b", "--stop", "c", "--stop", "d", "--stop", "e"],
            "--stop: has more than four",
        ),
        (&["--extra", "temperature=1", "--temperature", "1"], "--extra temperature: is set in its own place"),
        (&["--session-id", &*"x".repeat(300)], "--session-id: is longer"),
        (&["--json-schema", "/no/such.json"], "--json-schema /no/such.json: "),
    ] {
        let ran = run(&[&["chat", "openai/gpt-4o", "Hello"], args].concat()).await.with_code(2);
        assert_has(&ran.err, &[said]);
        assert_plain(&ran.err, said);
    }
}

#[tokio::test]
async fn wrong_addresses_have_plain_words() {
    let (refused, page) =
        (RefusedPort::new().unwrap(), FaultServer::always(Script::html_error(502)).await.unwrap());
    let missing = FaultServer::always(Script::html_error(404)).await.unwrap();
    for (url, code) in [
        (refused.url(), 7),
        (page.url().to_owned(), 8),
        (missing.url().to_owned(), 5),
        ("http://example.com/api/v1".to_owned(), 2),
        ("not a url".to_owned(), 2),
    ] {
        for command in [&["chat", "a/b", "Hello"][..], &["models"], &["key"]] {
            let mut command = {
                let mut it = binary();
                it.args(command);
                it
            };
            command.env("OPENROUTER_API_KEY", KEY).args(KEY_OF_ENV).args([
                "--base-url",
                &url,
                "--retries",
                "0",
            ]);
            let ran = ran(&mut command).await.with_code(code);
            assert_has(&ran.err, &["error: "]);
            assert!(!ran.err.contains(": a web page"), "{}", ran.err);
            assert_plain(&ran.err, &url);
        }
    }
}

#[tokio::test]
async fn unknown_names_have_plain_words() {
    for args in [
        &["chat", "a/b", "Hello", "--provider", "nope"][..],
        &["providers", "show", "nope"],
        &["models", "--provider", "nope"],
        &["models", "--supports", "nope"],
        &["chat", "openrouter:", "Hello"],
        &["chat", "with space", "Hello"],
        &["chat", "nope/nope", "Hello"],
        &["key", "nope"],
        &["key", "--provider", "x=nope"],
        &["key", "--set", "nope=1"],
        &["key", "--set", "nope.site_name=1"],
        &["key", "--set", "api_key=1"],
        &["key", "--provider", "openai-compatible"],
        &["key", "--base-url", "https://example.com/v1"],
        &[
            "chat",
            "a:a/b",
            "Hello",
            "--provider",
            "a=openrouter",
            "--provider",
            "b=openrouter",
            "--dry-run",
            "--zdr",
            "--fallback",
            "c/d",
        ],
        &["conformance", "nope"],
        &["conformance", "openrouter", "--filter", "nope"],
        &[
            "--sandbox",
            "--provider",
            "openrouter",
            "--provider",
            "local=openai-compatible",
            "chat",
            "local:sandbox/overload",
            "Hello",
            "--fallback",
            "openrouter:openai/gpt-4o",
        ],
    ] {
        let ran = run(args).await;
        assert!(ran.code.is_some_and(|code| code != 0), "{args:?}");
        assert_plain(&ran.err, &args.join(" "));
    }
}

#[tokio::test]
async fn numbers_out_of_range_name_option_and_range() {
    for (args, said) in [
        (
            &["chat", "a/b", "Hi", "--timeout", "-1"][..],
            "'--timeout <SECONDS>': must be a number of seconds above 0",
        ),
        (
            &["chat", "a/b", "Hi", "--timeout", "0"],
            "'--timeout <SECONDS>': must be a number of seconds above 0",
        ),
        (&["chat", "a/b", "Hi", "--temperature", "-1"], "'--temperature <X>': must be a number from 0 to 2"),
        (&["chat", "a/b", "Hi", "--temperature", "2.1"], "must be a number from 0 to 2"),
        (&["chat", "a/b", "Hi", "--max-tokens", "0"], "'--max-tokens <N>': must be a whole number above 0"),
        (&["chat", "a/b", "Hi", "--max-tokens", "1.5"], "must be a whole number above 0"),
        (&["chat", "a/b", "Hi", "--top-k", "-1"], "must be a whole number of 0 or more"),
        (&["chat", "a/b", "Hi", "--logprobs", "--top-logprobs", "21"], "must be a whole number from 0 to 20"),
        (&["chat", "a/b", "Hi", "--max-price-in", "-1"], "'--max-price-in <USD>': must be a decimal amount"),
        (&["compare", "Hi", "a/b", "--deadline", "-1"], "must be a number of seconds above 0"),
        (
            &["compare", "Hi", "a/b", "--concurrency", "-1"],
            "'--concurrency <N>': must be a whole number above 0",
        ),
        (&["models", "--limit", "0"], "'--limit <N>': must be a whole number above 0"),
        (&["models", "--max-price", "-1"], "must be a decimal amount of US dollars of 0 or more"),
        (&["models", "--min-context", "-1"], "must be a whole number above 0"),
        (&["key", "--retries", "-1"], "'--retries <N>': must be a whole number of 0 or more"),
        (&["sandbox", "--port", "65536"], "'--port <N>': must be a whole number from 0 to 65535"),
        (&["chat", "a/b", "Hi", "--modle", "x"], "a similar argument exists: '--model'"),
    ] {
        assert_has(&run(args).await.with_code(2).err, &[said]);
    }
}

#[tokio::test]
async fn prompt_without_quotes_is_told_apart() {
    for (args, parts) in [
        (
            &["chat", "Hello", "there", "friend"][..],
            &["\"Hello\" is no model", "asq chat openai/gpt-4o \"Hello there friend\""][..],
        ),
        (
            &["chat", "openai/gpt-4o", "Hello", "there", "friend"],
            &["openai/gpt-4o is the model, and 3 arguments", "asq chat openai/gpt-4o \"Hello there friend\""],
        ),
        (&["chat", "-m", "openai/gpt-4o", "Hello", "there"], &["asq chat -m openai/gpt-4o \"Hello there\""]),
        (
            &["compare", "openai/gpt-4o", "What is a monad?"],
            &["the prompt comes first", "asq compare \"What is a monad?\" openai/gpt-4o"],
        ),
    ] {
        assert_has(&run(args).await.with_code(2).err, parts);
    }
    let unknown = run(&["chat", "Hello", "there"]).await.with_code(5);
    assert_has(&unknown.err, &["\"Hello\" was read as the model, and \"there\" as the prompt"]);
    let unknown = run(&["compare", "openai/gpt-4o", "Hello"]).await.with_code(5);
    assert_has(&unknown.err, &["\"Hello\" was read as a model", "the prompt comes first"]);
}
