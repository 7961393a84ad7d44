//! The whole way through the house: a workspace adds OpenRouter, an agent node selects a model, the answer
//! streams back. Against the sandbox, which knows nothing of our code.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::time::Duration;

use openrouter_provider::options::{MaxPrice, ProviderPreferences, ResponseCache};
use openrouter_provider::{OpenRouterOptions, OpenRouterResponse};
use openrouter_sandbox::{FAILURES, Sandbox};
use provider_core::{
    ChatRequest, ChatResponse, Effort, Error, ErrorKind, Event, FinishReason, Part, Reasoning,
    ResponseFormat, RetryAdvice, Tool, Usd,
};
use provider_registry::{Listing, Registry, SelectedModel, Workspace};
use serde_json::{Value, json};

/// A workspace with OpenRouter in it, which is the sandbox.
fn workspace(sandbox: &Sandbox, key: &str) -> Workspace {
    let registry = Registry::discover().expect("no duplicates");
    let mut workspace = Workspace::new("acme");
    let values = [
        ("api_key", key),
        ("site_url", "https://acme.example"),
        ("site_name", "Acme"),
        ("base_url", sandbox.base_url()),
        // One try alone; `survival` is about more of them.
        ("max_attempts", "1"),
    ];
    workspace.add(&registry, "OpenRouter", values).expect("good settings");
    workspace
}

fn selected(sandbox: &Sandbox, id: &str) -> SelectedModel {
    workspace(sandbox, "sk-or-v1-test").instance("openrouter").expect("configured").model(id)
}

async fn read(model: &SelectedModel, request: &ChatRequest) -> Result<(String, ChatResponse), Error> {
    let mut text = String::new();
    let mut stream = model.stream(request).await?;
    while let Some(event) = stream.next().await {
        if let Event::Text(piece) = event? {
            text.push_str(&piece);
        }
    }
    Ok((text, stream.into_response()?))
}

#[tokio::test]
async fn an_agent_node_talks_to_openrouter_through_the_registry() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let workspace = workspace(&sandbox, "sk-or-v1-test");
    let model = workspace.model("openai/gpt-4o").await.expect("listed");
    assert!(matches!(model.listing(), Listing::Listed(entry) if entry.supports("tools")));
    assert_eq!(model.reference().to_string(), "openrouter:openai/gpt-4o");

    let (text, reply) = read(&model, &model.request().user("Hello")).await.expect("an answer");
    assert!(!text.is_empty());
    assert_eq!(reply.text(), text);
    assert!(reply.model.starts_with("openai/gpt-4o-"), "the dated name: {}", reply.model);
    assert_eq!(reply.served_by.to_string(), "OpenAI");
    assert_eq!(reply.finish_reason, Some(FinishReason::Stop));
    assert!(reply.usage.total_tokens > Some(0));
    assert!(reply.usage.cost.expect("a cost").as_f64() > 0.0);
    assert!(reply.id.expect("an id").starts_with("gen-"));

    let sent = sandbox.requests();
    assert_eq!(sent.last().expect("a request").path, "/api/v1/chat/completions");
    for request in &sent {
        assert_eq!(request.header("authorization"), Some("Bearer sk-or-v1-test"));
        assert_eq!(request.header("http-referer"), Some("https://acme.example"));
        assert_eq!(request.header("x-title"), Some("Acme"));
        assert_eq!(request.header("x-openrouter-title"), Some("Acme"));
    }
}

#[tokio::test]
async fn streamed_or_not_the_answer_is_the_same() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    for id in ["openai/gpt-4o", "anthropic/claude-sonnet-4.5", "meta-llama/llama-3.2-3b-instruct:free"] {
        let model = selected(&sandbox, id);
        let request =
            model.request().system("Be kind.").user("東京 🗼?").reasoning(Reasoning::effort(Effort::Low));
        let whole = model.chat(&request).await.expect("an answer");
        let (_, streamed) = read(&model, &request).await.expect("an answer");
        // As JSON, where the order of an object's keys means nothing.
        assert_eq!(json!(whole.message), json!(streamed.message), "{id}");
        assert_eq!(whole.usage.cost, streamed.usage.cost, "{id}");
        assert!(!whole.reasoning().is_empty(), "{id}");
    }
}

#[tokio::test]
async fn awkward_ids_reach_the_wire_byte_for_byte() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let workspace = workspace(&sandbox, "sk-or-v1-test");
    for id in [
        "openrouter/auto",
        "meta-llama/llama-3.2-3b-instruct:free",
        "~anthropic/claude-opus-latest",
        "@preset/x",
        "openai/gpt-4o@preset/x",
        "openai/gpt-4o:nitro",
    ] {
        for text in [id.to_owned(), format!("openrouter:{id}")] {
            let model = workspace.model(&text).await.expect(&text);
            model.chat(&model.request().user("Hi")).await.expect(&text);
            assert_eq!(sandbox.requests().last().expect("a request").body["model"], json!(id));
        }
    }
    let fetched = sandbox.requests().iter().filter(|request| request.path.ends_with("/models/user")).count();
    assert_eq!(fetched, 1, "the catalogue is fetched once");
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_is_used() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    for id in ["openai/gpt-4o", "anthropic/claude-sonnet-4.5", "google/gemini-2.5-flash"] {
        let model = selected(&sandbox, id);
        let tool = Tool::function("get_weather", "The weather of a city, now", schema.clone());
        let request = model.request().user("What is the weather in Paris?").tool(tool);
        let request = request.reasoning(Reasoning::effort("high"));
        let (_, reply) = read(&model, &request).await.expect("a call");
        assert_eq!(reply.finish_reason, Some(FinishReason::ToolCalls), "{id}");
        let [call] = reply.tool_calls()[..] else { panic!("one call, not {:?}", reply.tool_calls()) };
        assert_eq!(call.name, "get_weather");
        assert!(call.arguments_json().expect("JSON")["city"].is_string());
        let call = call.id.clone();
        let request = request.message(reply.message).tool_result(call, "18 °C and sunny");
        let (text, _) = read(&model, &request).await.expect("an answer");
        assert!(text.contains("18 °C"), "{id}: {text}");
    }
}

#[tokio::test]
async fn a_schema_is_filled() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let model = selected(&sandbox, "openai/gpt-4o");
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let request =
        model.request().user("A number").response_format(ResponseFormat::json_schema("number", schema));
    let reply = model.chat(&request).await.expect("an answer");
    assert!(serde_json::from_str::<Value>(reply.text()).expect("JSON")["n"].is_i64(), "{}", reply.text());
}

#[tokio::test]
async fn a_fallback_answers_and_says_so() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let model = selected(&sandbox, "sandbox/overload");
    let request = model
        .request()
        .user("Hi")
        .options(OpenRouterOptions::new().models(["sandbox/rate-limit", "anthropic/claude-sonnet-4.5"]));
    let reply = model.chat(&request).await.expect("the last one answers");
    assert!(reply.model.starts_with("anthropic/"), "{}", reply.model);
    assert_eq!(
        model.chat(&model.request().user("Hi")).await.expect_err("no fallback unasked").status(),
        Some(503)
    );
}

#[tokio::test]
async fn the_same_request_is_answered_from_the_cache_for_nothing() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let model = selected(&sandbox, "openai/gpt-4o");
    let options = OpenRouterOptions::new().response_cache(ResponseCache::new());
    let request = model.request().user("Hello").options(options);
    for streamed in [false, true] {
        let ask = async || match streamed {
            true => read(&model, &request).await.expect("an answer").1,
            false => model.chat(&request).await.expect("an answer"),
        };
        let (first, second) = (ask().await, ask().await);
        let status = |reply: &ChatResponse| reply.response_cache().map(|cache| cache.status.to_string());
        assert_eq!((status(&first).as_deref(), status(&second).as_deref()), (Some("MISS"), Some("HIT")));
        assert_eq!(first.text(), second.text());
        assert_ne!(first.id, second.id);
        assert!(first.usage.cost > Some(Usd::ZERO));
        assert_eq!((second.usage.cost, second.usage.total_tokens), (Some(Usd::ZERO), Some(0)));
    }
}

#[tokio::test]
async fn what_a_model_lacks_is_refused_and_could_have_been_known() {
    use ErrorKind::{InvalidRequest, UnsupportedFeature};
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let workspace = workspace(&sandbox, "sk-or-v1-test");
    let image = Part::image(b"\x89PNG\r\n\x1a\n0000").expect("an image");
    let sound = Part::audio_as("wav", b"0000").expect("a sound");
    let tool = Tool::function("clock", "The time", json!({"type": "object"}));
    let plain = "meta-llama/llama-3.2-3b-instruct";
    for (id, mut request, kind) in [
        (plain, ChatRequest::default().user([Part::text("What is it?"), image]), UnsupportedFeature),
        (
            "openai/gpt-4o",
            ChatRequest::default().user([Part::text("What is it?"), sound]),
            UnsupportedFeature,
        ),
        (plain, ChatRequest::default().user("What time is it?").tool(tool), UnsupportedFeature),
        (
            "openai/gpt-4o",
            ChatRequest::default().user("Paint!").modalities(["text", "image"]),
            UnsupportedFeature,
        ),
        ("openai/gpt-4o", ChatRequest::default().user("Hi").max_tokens(20_000), InvalidRequest),
    ] {
        let model = workspace.model(id).await.expect("listed");
        request.model = id.to_owned();
        for streamed in [false, true] {
            let outcome = match streamed {
                true => read(&model, &request).await.map(|(_, reply)| reply),
                false => model.chat(&request).await,
            };
            assert_eq!(outcome.expect_err("refused").kind(), kind, "{id}, streamed: {streamed}");
        }
        let Listing::Listed(entry) = model.listing() else { panic!("{id} is not listed") };
        assert!(!entry.problems(&request).is_empty(), "{id}: {kind:?} could not be known");
    }
    let request = ChatRequest::new(plain).user("word ".repeat(131_073));
    let error = workspace.model(plain).await.expect("listed").chat(&request).await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::ContextLength);
}

#[tokio::test]
async fn preferences_that_leave_no_endpoint_are_told_with_a_next_step() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let model = selected(&sandbox, "openai/gpt-4o");
    let wish = ProviderPreferences::new;
    let cheap = MaxPrice::new().prompt("0.1".parse::<Usd>().expect("a price"));
    for (wish, kind) in [
        (wish().only(["groq"]), ErrorKind::NoEndpoint),
        (wish().ignore(["openai", "azure"]), ErrorKind::NoEndpoint),
        (wish().max_price(cheap), ErrorKind::NoEndpoint),
        (wish().require_parameters(true), ErrorKind::UnsupportedFeature),
    ] {
        let request = model.request().user("Hi").top_k(3).options(OpenRouterOptions::new().provider(wish));
        let error = model.chat(&request).await.expect_err("nobody is left");
        assert!(error.kind() == kind && error.next_step().is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn limits_of_the_answer_are_told() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let model = selected(&sandbox, "openai/gpt-4o");
    let reply = model.chat(&model.request().user("Hi").max_tokens(3)).await.expect("a beginning");
    assert_eq!(reply.finish_reason, Some(FinishReason::Length));
    assert!(reply.is_truncated());
    let request = model.request().user("Hi").logprobs(true).top_logprobs(2);
    let (_, reply) = read(&model, &request).await.expect("an answer");
    assert_eq!(reply.logprobs.iter().map(|token| token.token.as_str()).collect::<String>(), reply.text());
    let cut = selected(&sandbox, "sandbox/truncated-tool-call");
    let (_, reply) = read(&cut, &cut.request().user("Hi")).await.expect("half a call");
    assert_eq!(reply.finish_reason, Some(FinishReason::ToolCalls));
    assert!(
        reply.is_truncated() && reply.tool_calls().is_empty() && !reply.message.tool_calls[0].is_complete()
    );
}

/// Returns the kind that the caller sees of one of the sandbox's failures; `None` for those that are answers.
fn kind_of(failure: &str) -> Option<ErrorKind> {
    use ErrorKind::*;
    Some(match failure.trim_start_matches("sandbox/") {
        "rate-limit" | "rate-limit-minute" | "rate-limit-free" | "mid-stream-rate-limit" | "error-200" => {
            RateLimited
        }
        "overload" | "flaky" => Overloaded,
        "upstream-error" | "choice-error" | "mid-stream-error" | "mid-stream-error-bare" => Upstream,
        "moderation" | "content-filter" | "alignment" => ContentPolicy,
        "guardrail" => PermissionDenied,
        "no-credits" | "in-flight-budget" | "too-expensive" | "key-limit" | "key-limit-402"
        | "guardrail-budget" | "workspace-budget" | "upstream-quota" => PaymentRequired,
        "no-endpoints" | "privacy" => NoEndpoint,
        "context-length" | "context-length-upstream" | "context-length-mid-stream" => ContextLength,
        "server-error" => Server,
        "html-error" | "stall" | "stall-comments" => Timeout,
        "empty" => EmptyResponse,
        "truncated" | "reset" => Interrupted,
        _ => return None,
    })
}

/// Whether a part of the answer comes before the failure, and so is kept.
fn fails_midway(failure: &str, streamed: bool) -> bool {
    match failure.trim_start_matches("sandbox/") {
        "choice-error" | "mid-stream-error" | "mid-stream-rate-limit" | "context-length-mid-stream" => true,
        "mid-stream-error-bare" | "truncated" | "reset" | "stall" | "stall-comments" => streamed,
        _ => false,
    }
}

#[tokio::test]
async fn every_failure_is_told_truly_streamed_or_not() {
    for (failure, what) in FAILURES {
        // One sandbox each: `flaky` counts requests.
        for streamed in [true, false] {
            let sandbox = Sandbox::builder()
                .slow_first_token(Duration::from_millis(50))
                .start()
                .await
                .expect("a sandbox");
            let patience =
                if failure.contains("stall") { Duration::from_secs(1) } else { Duration::from_secs(20) };
            let limits = openrouter_provider::Limits::default().total_timeout(patience);
            let client = openrouter_provider::OpenRouter::builder()
                .api_key("k")
                .base_url(sandbox.base_url())
                .limits(limits);
            let client = client.build().expect("good settings");
            let request = ChatRequest::new(*failure).user("Hello");
            let outcome = match streamed {
                true => match client.stream(&request).await {
                    Ok(stream) => stream.collect().await,
                    Err(error) => Err(error),
                },
                false => client.chat(&request).await,
            };
            let kind = outcome.as_ref().err().map(Error::kind);
            assert_eq!(kind, kind_of(failure), "{failure} ({what}), streamed: {streamed}: {outcome:?}");
            if let Err(error) = &outcome {
                assert_eq!(error.model(), Some(*failure));
                let kept = error.partial().is_some_and(|partial| !partial.text().is_empty());
                assert_eq!(
                    kept,
                    fails_midway(failure, streamed),
                    "{failure}, streamed: {streamed}: {error:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_service_says_when_to_come_back() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let model = selected(&sandbox, "sandbox/rate-limit");
    let error = model.chat(&model.request().user("Hi")).await.expect_err("too many requests");
    assert_eq!(error.retry(), RetryAdvice::After(Duration::from_secs(1)));
    assert_eq!(error.upstream().and_then(|upstream| upstream.provider.as_deref()), Some("Sandbox"));
}

#[tokio::test]
async fn dropping_a_stream_stops_the_service() {
    let sandbox = Sandbox::builder().token_delay(Duration::from_millis(50)).start().await.expect("a sandbox");
    let model = selected(&sandbox, "openai/gpt-4o");
    let mut stream = model.stream(&model.request().user("Hello")).await.expect("a stream");
    stream.next().await.expect("an event").expect("a good one");
    assert_eq!(sandbox.open_streams(), 1);
    drop(stream);
    for _ in 0..100 {
        if sandbox.open_streams() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the stream is still open");
}

#[tokio::test]
async fn the_connection_test_tells_a_good_key_from_a_bad_one() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let good = workspace(&sandbox, "sk-or-v1-test");
    let report =
        good.instance("openrouter").expect("configured").provider().check().await.expect("a good key");
    assert!(report.label.is_some());
    let bad = workspace(&sandbox, "sk-or-v1-invalid");
    let provider = bad.instance("openrouter").expect("configured").provider().clone();
    assert_eq!(provider.check().await.expect_err("a bad key").kind(), ErrorKind::Authentication);
    assert_eq!(provider.models().await.expect_err("no models for it").kind(), ErrorKind::Authentication);
}

#[tokio::test]
async fn errors_inside_a_stream_name_the_instance_too() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let registry = Registry::discover().expect("no duplicates");
    let mut workspace = Workspace::new("acme");
    let values = [("api_key", "sk-or-v1-test"), ("base_url", sandbox.base_url())];
    workspace.add_as("prod", &registry, "openrouter", values).expect("good settings");
    let model = workspace.model("prod:sandbox/mid-stream-error").await.expect("taken as it is");
    let stream = model.stream(&model.request().user("Hi")).await.expect("a good beginning");
    let error = stream.collect().await.expect_err("it fails midway");
    assert_eq!((error.provider(), error.model()), (Some("prod"), Some("sandbox/mid-stream-error")));

    let mut stream = model.stream(&model.request().user("Hi")).await.expect("a stream");
    stream.next().await.expect("an event").expect("a good one");
    let error = stream.abandon(Error::new(ErrorKind::Timeout, "no time left"));
    assert_eq!((error.provider(), error.model()), (Some("prod"), Some("sandbox/mid-stream-error")));
    assert!(
        error.generation_id().is_some() && error.partial().is_some_and(|partial| !partial.text().is_empty())
    );
}

#[tokio::test]
async fn an_unknown_model_is_told_with_similar_ones() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let workspace = workspace(&sandbox, "sk-or-v1-test");
    // The catalogue is known once a bare id was looked up.
    workspace.model("openai/gpt-4o").await.expect("a model");
    let model = workspace.model("openrouter:openai/gpt-4o-minni").await.expect("taken as it is");
    let error = model.chat(&model.request().user("Hi")).await.expect_err("no such model");
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
    let step = error.next_step().expect("similar ones");
    assert!(step.contains("openai/gpt-4o-mini"), "{step}");
}
