use std::time::Duration;

use openrouter_sandbox::Sandbox;
use serde_json::json;

use crate::support::{KEY, against, assert_has, binary, questions, ran, ran_with_input, run, sandbox};

#[tokio::test]
async fn stdout_has_the_answer_alone() {
    let ran = run(&["chat", "openai/gpt-4o", "Hello"]).await.with_code(0);
    assert_has(&ran.out, &["Hello"]);
    assert!(ran.out.ends_with('\n') && ran.out.lines().count() == 1, "{:?}", ran.out);
    assert_has(&ran.err, &["asked for openai/gpt-4o, served by ", "(model openai/gpt-4o-2024-11-20)"]);
    assert_has(&ran.err, &["tokens 4 in, ", "cost $0.000", "finish stop", "first token ", "total "]);
    assert!(!ran.err.contains('\x1b') && !ran.out.contains('\x1b'), "no colours in a pipe");
}

#[tokio::test]
async fn no_stream_gives_the_same_answer() {
    let streamed = run(&["chat", "openai/gpt-4o", "Hello"]).await.with_code(0);
    let whole = run(&["chat", "openai/gpt-4o", "Hello", "--no-stream"]).await.with_code(0);
    assert_eq!(streamed.out, whole.out);
}

#[tokio::test]
async fn chat_json_has_answer_and_timings() {
    let ran = run(&["chat", "openai/gpt-4o", "Hello", "--json"]).await.with_code(0);
    let json = ran.json();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["requested"], "openai/gpt-4o");
    assert_eq!(json["response"]["model"], "openai/gpt-4o-2024-11-20");
    assert_has(json["response"]["message"]["text"].as_str().unwrap(), &["Hello"]);
    assert!(json["response"]["usage"]["cost"].as_f64().unwrap() > 0.0);
    let times = &json["timings"];
    assert!(times["total_ms"].as_f64() >= times["time_to_first_token_ms"].as_f64(), "{times}");
}

#[tokio::test]
async fn chat_json_has_error_and_partial_answer() {
    let ran = run(&["chat", "sandbox/mid-stream-error", "Hello", "--json"]).await.with_code(8);
    let json = ran.json();
    assert_eq!(json["error"]["kind"], "upstream");
    assert_has(json["error"]["partial"]["message"]["text"].as_str().unwrap(), &["Hello"]);
    assert_has(&ran.err, &["error: upstream provider failed"]);
}

#[tokio::test]
async fn chat_json_has_errors_of_settings() {
    let ran = ran(binary().env("OPENROUTER_API_KEY", "a b").args(["chat", "x/y", "Hello", "--json"])).await;
    let ran = ran.with_code(2);
    assert_eq!(ran.json()["error"]["fields"][0]["field"], "api_key");
}

#[tokio::test]
async fn prompt_is_read_from_stdin() {
    let sandbox = sandbox().await;
    for args in [&["chat", "openai/gpt-4o"][..], &["chat", "openai/gpt-4o", "-"]] {
        ran_with_input(&mut against(&sandbox, args), "from the pipe\n").await.with_code(0);
    }
    let mut both = against(&sandbox, &["chat", "openai/gpt-4o", "Sum up"]);
    ran_with_input(&mut both, "a long\nstory\n").await.with_code(0);
    let prompts: Vec<_> =
        sandbox.requests().iter().map(|request| request.body["messages"][0]["content"].clone()).collect();
    assert_eq!(prompts, ["from the pipe", "from the pipe", "Sum up\n\na long\nstory"]);
}

#[tokio::test]
async fn chat_without_prompt_sends_nothing() {
    let sandbox = sandbox().await;
    let ran = ran(&mut against(&sandbox, &["chat", "openai/gpt-4o"])).await.with_code(2);
    assert_has(&ran.err, &["error: there is nothing to ask"]);
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn given_parameters_alone_reach_the_wire() {
    let sandbox = sandbox().await;
    let dir = std::env::temp_dir().join(format!("provider-host-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let schema = dir.join("a person.json");
    std::fs::write(&schema, r#"{"type":"object","properties":{"z":{},"a":{}}}"#).unwrap();
    let args = ["chat", "openai/gpt-4o:nitro", "Hello", "--system", "Be terse", "--temperature", "0"];
    let more = ["--presence-penalty", "-1.5", "--seed", "-7", "--stop", "-- ", "--max-tokens", "90"];
    let rest = [
        "--extra",
        r#"provider={"sort":"price"}"#,
        "--metadata",
        "a=b=c",
        "--fallback",
        "openai/gpt-4o-mini",
    ];
    let mut command = against(&sandbox, &args);
    command.args(more).args(rest).arg("--json-schema").arg(&schema);
    ran(&mut command).await.with_code(0);
    std::fs::remove_dir_all(&dir).unwrap();

    let mut body = sandbox.requests()[0].body.clone();
    // The provider decides how it asks for a stream.
    body.as_object_mut().unwrap().retain(|name, _| !name.starts_with("stream"));
    let models = body.as_object_mut().unwrap().remove("models").unwrap();
    assert!(models.as_array().unwrap().contains(&json!("openai/gpt-4o-mini")), "{models}");
    let expected = json!({
        "model": "openai/gpt-4o:nitro",
        "messages": [{"role": "system", "content": "Be terse"}, {"role": "user", "content": "Hello"}],
        "temperature": 0.0, "presence_penalty": -1.5, "seed": -7, "stop": ["-- "], "max_tokens": 90,
        "provider": {"sort": "price"}, "metadata": {"a": "b=c"},
        "response_format": {"type": "json_schema", "json_schema": {
            "name": "a_person", "schema": {"type": "object", "properties": {"z": {}, "a": {}}},
        }},
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn fallback_is_reported() {
    let ran =
        run(&["chat", "sandbox/overload", "Hello", "--fallback", "openai/gpt-4o-mini"]).await.with_code(0);
    assert_has(&ran.err, &["a fallback answered: asked for sandbox/overload, served by "]);
}

#[tokio::test]
async fn reasoning_goes_to_stderr_on_demand() {
    let args = ["chat", "deepseek/deepseek-r1", "Hello", "--reasoning", "high"];
    let quiet = run(&args).await.with_code(0);
    let loud = run(&[&args[..], &["--show-reasoning"]].concat()).await.with_code(0);
    assert_eq!(quiet.out, loud.out);
    assert!(loud.err.lines().count() > quiet.err.lines().count(), "{}", loud.err);
    assert_has(&loud.err, &["reasoning) | cost"]);
}

#[tokio::test]
async fn model_may_name_its_provider() {
    let sandbox = sandbox().await;
    ran(&mut against(&sandbox, &["chat", "openrouter:openai/gpt-4o:floor", "Hello"])).await.with_code(0);
    assert_eq!(sandbox.requests()[0].body["model"], "openai/gpt-4o:floor");
}

#[tokio::test]
async fn provider_before_a_slash_is_removed_and_noted() {
    let sandbox = sandbox().await;
    let args = ["chat", "openrouter/openai/gpt-4o", "Hello", "--fallback", "openrouter/openai/gpt-4o-mini"];
    let ran = ran(&mut against(&sandbox, &args)).await.with_code(0);
    assert_eq!(
        ran.err.matches("openrouter/openai/gpt-4o is taken for openai/gpt-4o,").count(),
        1,
        "{}",
        ran.err
    );
    let question = &questions(&sandbox)[0].body;
    assert_eq!(
        (&question["model"], &question["models"]),
        (&json!("openai/gpt-4o"), &json!(["openai/gpt-4o-mini"]))
    );
}

#[tokio::test]
async fn model_id_fetches_no_catalogue() {
    for model in ["openai/gpt-4o", "openai/gpt-4o:nitro", "openrouter/auto", "openrouter:openai/gpt-4o"] {
        let sandbox = sandbox().await;
        ran(&mut against(&sandbox, &["chat", model, "Hello"])).await.with_code(0);
        let paths: Vec<_> = sandbox.requests().into_iter().map(|request| request.path).collect();
        assert_eq!(paths, ["/api/v1/chat/completions"], "{model}");
    }
}

#[tokio::test]
async fn unknown_model_suggests_similar_ones() {
    for form in [&[][..], &["--no-stream"], &["--json"]] {
        let ran = run(&[&["chat", "opnai/gpt-4o", "Hello"], form].concat()).await.with_code(5);
        assert_has(&ran.err, &["error: model not found: ", "openai/gpt-4o,", "asq models"]);
        if form == ["--json"] {
            assert_has(ran.json()["error"]["next_step"].as_str().unwrap(), &["openai/gpt-4o"]);
        }
    }
    let ran = run(&["compare", "Hello", "opnai/gpt-4o", "openai/gpt-4o"]).await.with_code(0);
    assert_has(&ran.err, &["hint: ", "openai/gpt-4o,"]);
    // An id that is similar to no other gets the hint to search alone.
    let ran = run(&["chat", "zzzzzzzz", "Hello"]).await.with_code(5);
    assert_has(&ran.err, &["hint: `asq models"]);
}

#[tokio::test]
async fn flags_override_the_environment() {
    let sandbox = sandbox().await;
    let mut command = against(&sandbox, &["chat", "openai/gpt-4o", "Hello", "--site-name", "Flag"]);
    command.env("OPENROUTER_SITE_NAME", "Environment").env("OPENROUTER_SITE_URL", "https://example.com/");
    ran(&mut command).await.with_code(0);
    let request = &sandbox.requests()[0];
    assert_eq!(request.header("x-title"), Some("Flag"));
    assert_eq!(request.header("http-referer"), Some("https://example.com/"));
    assert_eq!(request.header("authorization"), Some(&*format!("Bearer {KEY}")));
}

#[tokio::test]
async fn timeout_keeps_the_partial_answer() {
    let sandbox = Sandbox::builder().token_delay(Duration::from_millis(1)).start().await.unwrap();
    let mut command = against(&sandbox, &["chat", "sandbox/stall", "Hello", "--timeout", "1"]);
    let ran = ran(&mut command).await.with_code(7);
    assert_has(&ran.out, &["Hello"]);
    assert!(ran.out.ends_with('\n'));
    assert_has(&ran.err, &["error: timeout: there was no complete answer within 1 s"]);
}

#[tokio::test]
async fn color_always_colours_a_pipe() {
    let ran = run(&["chat", "openai/gpt-4o", "Hello", "--color", "always"]).await.with_code(0);
    assert!(ran.err.contains('\x1b') && !ran.out.contains('\x1b'));
}

#[tokio::test]
async fn answer_that_breaks_off_is_finished_where_that_is_asked_for() {
    let more = ["--fallback", "openai/gpt-4o-mini", "--allow-paid-fallback"];
    let base = ["chat", "sandbox/reset", "Tell me of rivers"];
    run(&[&base[..], &more].concat()).await.with_code(8);
    let ran = run(&[&base[..], &more, &["--continue-answer"]].concat()).await.with_code(0);
    assert_has(&ran.err, &["the answer broke off at byte ", "; openai/gpt-4o-mini went on with it"]);
    assert_has(&ran.err, &["a fallback answered: ", " and what the broken part cost"]);
    assert!(!ran.out.trim().is_empty(), "{:?}", ran.out);
    let line = ["chat", "sandbox/reset", "Hi", "--continue-answer", "--json"];
    let ran = run(&[&line[..], &more].concat()).await.with_code(0);
    let seams = ran.json()["response"]["seams"].as_array().unwrap().clone();
    assert!(seams.iter().any(|seam| seam["model"] == "openai/gpt-4o-mini"), "{seams:?}");
    let unpaid =
        run(&["chat", "sandbox/reset", "Hi", "--continue-answer", "--fallback", "openai/gpt-4o-mini"]).await;
    assert_has(&unpaid.with_code(8).err, &["hint: ", "--allow-paid-fallback"]);
    // Without another model the same one breaks off again, and the error says so.
    run(&["chat", "sandbox/reset", "Hi", "--continue-answer", "--max-seams", "1"]).await.with_code(8);
    let whole = run(&["chat", "openai/gpt-4o", "Hello", "--continue-answer"]).await.with_code(0);
    assert!(!whole.err.contains("broke off"), "{}", whole.err);
}
