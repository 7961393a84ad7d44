//! The spans of calls: which fields they have, and which content never gets into them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    dead_code,
    reason = "tests fail by panicking, their helpers too"
)]

#[path = "support/paced.rs"]
mod paced;
#[path = "support/recorder.rs"]
mod recorder;

use std::sync::Arc;

use paced::{Beat, Paced, Turn, breaks, refuses, says, seconds};
use provider_core::author::ProviderOptions;
use provider_core::{
    ChatRequest, Effort, Error, ErrorKind, LlmProvider, LlmProviderExt, Message, Part, Reasoning, ToolCall,
    Usage,
};
use provider_layers::{
    ContinueLayer, ContinueSettings, FallbackLayer, FallbackSettings, Layer, TraceLayer, TraceSettings,
};
use recorder::Recorder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Must never be told.
const SECRET: &str = "sk-or-v1-marker";
/// Must be told only if that is switched on.
const PROMPT: &str = "What is a marker?";
const ANSWER: &str = "It is this.";

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct AcmeOptions {
    header: String,
}

impl ProviderOptions for AcmeOptions {
    const PROVIDER: &'static str = "acme";
}

fn question() -> ChatRequest {
    ChatRequest::new("acme/m")
        .user(PROMPT)
        .temperature(0.5)
        .max_tokens(100)
        .reasoning(Reasoning::effort(Effort::Low))
        .options(AcmeOptions { header: SECRET.to_owned() })
        .extra("acme", "api_key", SECRET)
        .metadata("key", SECRET)
        .end_user(SECRET)
}

/// An answer that begins after 2 s and is whole after 5.
fn answer() -> Turn {
    let mut usage = Usage::default();
    (usage.prompt_tokens, usage.completion_tokens) = (Some(12), Some(34));
    (usage.cached_tokens, usage.reasoning_tokens) = (Some(10), Some(0));
    usage.cost = Some("0.00125".parse().expect("a price"));
    let beats = [Beat::Waits(seconds(2)), Beat::Text("It is "), Beat::Waits(seconds(3)), Beat::Text("this.")];
    Ok(beats.into_iter().chain([Beat::Usage(Box::new(usage)), Beat::Ends]).collect())
}

fn traced(provider: &Arc<Paced>) -> Arc<dyn LlmProvider> {
    TraceLayer::new(TraceSettings::default()).layer(provider.clone())
}

/// The fields of every answer of [`answer`].
const ANSWERED: &[(&str, &str)] = &[
    ("otel.name", "chat acme/m"),
    ("otel.kind", "client"),
    ("otel.status_code", ""),
    ("error.type", ""),
    ("gen_ai.operation.name", "chat"),
    ("gen_ai.provider.name", "acme"),
    ("gen_ai.request.model", "acme/m"),
    ("gen_ai.request.temperature", "0.5"),
    ("gen_ai.request.max_tokens", "100"),
    ("gen_ai.request.reasoning.level", "low"),
    ("gen_ai.request.top_p", ""),
    ("gen_ai.request.seed", ""),
    ("gen_ai.response.id", "gen-1"),
    ("gen_ai.response.model", "acme/dated-1"),
    ("gen_ai.response.finish_reasons", "[\"stop\"]"),
    ("gen_ai.usage.input_tokens", "12"),
    ("gen_ai.usage.output_tokens", "34"),
    ("gen_ai.usage.cache_read.input_tokens", "10"),
    ("gen_ai.usage.cache_creation.input_tokens", ""),
    ("gen_ai.usage.reasoning.output_tokens", "0"),
    ("served_by", "Acme Cloud"),
    ("cost_usd", "0.00125"),
    ("attempts", "1"),
    ("dropped", ""),
    ("gen_ai.input.messages", ""),
    ("gen_ai.output.messages", ""),
];

#[tokio::test(start_paused = true)]
async fn answer_is_a_span_with_request_and_response() {
    let (recorder, _guard) = Recorder::start();
    traced(&Paced::new([answer()])).chat(&question()).await.unwrap();
    let span = recorder.span();
    assert!(span.is_closed());
    assert_eq!(span.name, "chat");
    span.assert(ANSWERED);
    span.assert(&[("gen_ai.request.stream", "false"), ("gen_ai.response.time_to_first_chunk", "")]);
    assert!(span.events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn span_of_a_stream_ends_with_the_stream() {
    let (recorder, _guard) = Recorder::start();
    let mut stream = traced(&Paced::new([answer()])).stream(&question()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let begun = recorder.span();
    assert!(!begun.is_closed());
    begun.assert(&[("gen_ai.request.stream", "true"), ("gen_ai.response.time_to_first_chunk", "2.0")]);
    begun.assert(&[("gen_ai.response.id", ""), ("dropped", "")]);
    while let Some(event) = stream.next().await {
        event.unwrap();
    }
    let span = recorder.span();
    assert!(span.is_closed(), "the stream is still there, but over");
    span.assert(ANSWERED);
    span.assert(&[("gen_ai.response.time_to_first_chunk", "2.0")]);
}

/// A fallback has waited for the first event, and the whole answer came with it.
#[tokio::test(start_paused = true)]
async fn span_records_a_stream_that_was_begun_inside() {
    let whole = || Ok(vec![Beat::Waits(seconds(2)), Beat::TextAtOnce("Hi"), Beat::Ends]);
    let broken = || {
        let error = Error::new(ErrorKind::Interrupted, "broke off");
        Ok(vec![Beat::Waits(seconds(2)), Beat::TextAtOnce("Hi"), Beat::Fails(error)])
    };
    for (turn, outcome) in [(whole(), ""), (broken(), "interrupted")] {
        let (recorder, _guard) = Recorder::start();
        let provider = Paced::new([refuses(ErrorKind::Server), turn]);
        let fallback = FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b").allow_paid())
            .layer(provider.clone());
        let traced = TraceLayer::new(TraceSettings::default()).layer(fallback);
        let mut stream = traced.stream(&question()).await.unwrap();
        while stream.next().await.is_some() {}
        let span = recorder.span();
        assert!(span.is_closed());
        span.assert(&[("error.type", outcome), ("attempts", "2"), ("gen_ai.response.model", "acme/dated-1")]);
        span.assert(&[("gen_ai.response.time_to_first_chunk", "2.0")]);
    }
}

#[tokio::test(start_paused = true)]
async fn span_records_error_and_attempts() {
    let limited = Error::new(ErrorKind::RateLimited, "slow down").with_status(429);
    for is_streamed in [false, true] {
        let (recorder, _guard) = Recorder::start();
        let provider = Paced::new([Err(limited.clone()), refuses(ErrorKind::InvalidRequest)]);
        let fallback = FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b").allow_paid())
            .layer(provider.clone());
        let traced = TraceLayer::new(TraceSettings::default()).layer(fallback);
        if is_streamed {
            traced.stream(&question()).await.unwrap_err();
        } else {
            traced.chat(&question()).await.unwrap_err();
        }
        let span = recorder.span();
        assert!(span.is_closed());
        span.assert(&[
            ("error.type", "invalid_request"),
            ("otel.status_code", "ERROR"),
            (
                "otel.status_description",
                "invalid request: not now (provider acme, model b, 1 earlier attempt failed)",
            ),
            ("attempts", "2"),
            ("dropped", ""),
        ]);
        let attempts: Vec<Vec<_>> = span
            .events
            .iter()
            .map(|event| event.0.iter().map(|(name, value)| (*name, &**value)).collect())
            .collect();
        let expected = vec![vec![
            ("error.type", "rate_limited"),
            ("gen_ai.provider.name", "acme"),
            ("gen_ai.request.model", "acme/m"),
            ("http.response.status_code", "429"),
            ("message", "attempt failed: rate limited: slow down (provider acme, model acme/m, HTTP 429)"),
        ]];
        assert_eq!(attempts, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn span_has_an_event_for_each_seam() {
    for (is_streamed, second) in
        [(false, says("lo", 1)), (true, says("lo", 1)), (true, breaks(ErrorKind::Upstream))]
    {
        let (recorder, _guard) = Recorder::start();
        let provider = Paced::new([breaks(ErrorKind::Upstream), second]);
        let settings = ContinueSettings::default().max_seams(1);
        let continued = ContinueLayer::new(settings).layer(provider.clone());
        let traced = TraceLayer::new(TraceSettings::default()).layer(continued);
        let request = ChatRequest::new("acme/m").user(PROMPT);
        if is_streamed {
            let mut stream = traced.stream(&request).await.unwrap();
            while stream.next().await.is_some() {}
        } else {
            traced.chat(&request).await.unwrap();
        }
        let span = recorder.span();
        let seams: Vec<Vec<_>> = span
            .events
            .iter()
            .map(|event| event.0.iter().map(|(name, value)| (*name, &**value)).collect::<Vec<_>>())
            .filter(|event| event.contains(&("message", "answer broke off and was gone on with")))
            .collect();
        let expected = vec![vec![
            ("error.type", "upstream"),
            ("gen_ai.request.model", "acme/m"),
            ("message", "answer broke off and was gone on with"),
            ("seam.at", "3"),
        ]];
        assert_eq!(seams, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn span_records_the_partial_answer() {
    let (recorder, _guard) = Recorder::start();
    let stream = traced(&Paced::new([breaks(ErrorKind::Upstream)])).stream(&question()).await.unwrap();
    stream.collect().await.unwrap_err();
    let span = recorder.span();
    span.assert(&[
        ("error.type", "upstream"),
        ("otel.status_code", "ERROR"),
        ("gen_ai.response.id", "gen-1"),
    ]);
    assert!(span.is_closed());
}

#[tokio::test(start_paused = true)]
async fn span_records_callers_that_leave() {
    let provider = Paced::new([answer()]);
    // A stream, before and after it has begun.
    for reads in [0, 1] {
        let (recorder, _guard) = Recorder::start();
        let mut stream = traced(&provider).stream(&question()).await.unwrap();
        for _ in 0..reads {
            stream.next().await.unwrap().unwrap();
        }
        drop(stream);
        let span = recorder.span();
        assert!(span.is_closed());
        let id = if reads == 0 { "" } else { "gen-1" };
        span.assert(&[
            ("dropped", "true"),
            ("error.type", ""),
            ("gen_ai.response.id", id),
            ("attempts", "1"),
        ]);
    }
    // A stream that is given up for a reason.
    let (recorder, guard) = Recorder::start();
    let stream = traced(&provider).stream(&question()).await.unwrap();
    let _ = stream.abandon(Error::new(ErrorKind::Timeout, "too slow for me"));
    recorder.span().assert(&[("dropped", "true"), ("error.type", "timeout")]);
    drop(guard);
    // A call that is dropped while it is under way.
    let (recorder, _guard) = Recorder::start();
    let late = tokio::time::timeout(seconds(1), traced(&provider).chat(&question())).await;
    late.expect_err("it takes 5 s");
    let span = recorder.span();
    assert!(span.is_closed());
    span.assert(&[("dropped", "true"), ("error.type", ""), ("gen_ai.usage.input_tokens", "")]);
}

/// Everything that was told, whatever it was.
async fn everything(settings: TraceSettings) -> (Recorder, String) {
    let (recorder, _guard) = Recorder::start();
    let provider = Paced::new([
        refuses(ErrorKind::Server),
        answer(),
        refuses(ErrorKind::Server),
        answer(),
        answer(),
        refuses(ErrorKind::Server),
    ]);
    let fallback = FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b").allow_paid())
        .layer(provider.clone());
    let traced = TraceLayer::new(settings).layer(fallback);
    traced.chat(&question()).await.unwrap();
    traced.stream(&question()).await.unwrap().collect().await.unwrap();
    let mut dropped = traced.stream(&question()).await.unwrap();
    dropped.next().await.unwrap().unwrap();
    drop(dropped);
    traced.chat(&question()).await.unwrap_err();
    traced.models().await.unwrap();
    traced.check().await.unwrap_err();
    let told = format!("{:#?}", recorder.spans());
    (recorder, told)
}

#[tokio::test(start_paused = true)]
async fn span_has_content_only_if_on_and_never_secrets() {
    let (_, told) = everything(TraceSettings::default()).await;
    for hidden in [PROMPT, ANSWER, "It is", SECRET] {
        assert!(!told.contains(hidden), "{hidden} in {told}");
    }
    let (recorder, told) = everything(TraceSettings::default().content(true)).await;
    assert!(!told.contains(SECRET), "{told}");
    let spans = recorder.spans();
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    for span in &spans[..4] {
        let asked = json!([{"role": "user", "parts": [{"type": "text", "content": PROMPT}]}]);
        assert_eq!(json(span.get("gen_ai.input.messages")), asked);
    }
    let whole = json!([
        {"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"}
    ]);
    let part = json!([{"role": "assistant", "parts": [{"type": "text", "content": "It is "}]}]);
    for (span, answer) in spans.iter().zip([&whole, &whole, &part]) {
        assert_eq!(json(span.get("gen_ai.output.messages")), *answer);
    }
    assert_eq!(spans[3].get("gen_ai.output.messages"), "");
}

#[tokio::test(start_paused = true)]
async fn content_names_files_without_their_bytes() {
    let mut called = provider_core::AssistantMessage::default();
    called.reasoning = Some("Hm.".to_owned());
    called.tool_calls =
        vec![ToolCall::new("call_1", "look", r#"{"at":"it"}"#), ToolCall::new("call_2", "look", "{")];
    let image = Part::image(b"\x89PNG\r\n\x1a\n0000").unwrap();
    let request = ChatRequest::new("m")
        .system("Be terse.")
        .message(
            Message::user([Part::text("See:"), image, Part::image_url("https://example.com/a.png")])
                .named("Ada"),
        )
        .message(called)
        .tool_result("call_1", "a marker");
    let (recorder, _guard) = Recorder::start();
    let traced = TraceLayer::new(TraceSettings::default().content(true)).layer(Paced::new([answer()]));
    traced.chat(&request).await.unwrap();
    let told: Value = serde_json::from_str(recorder.span().get("gen_ai.input.messages")).expect("JSON");
    let expected = json!([
        {"role": "system", "parts": [{"type": "text", "content": "Be terse."}]},
        {"role": "user", "name": "Ada", "parts": [
            {"type": "text", "content": "See:"},
            {"type": "blob", "modality": "image"},
            {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
        ]},
        {"role": "assistant", "parts": [
            {"type": "reasoning", "content": "Hm."},
            {"type": "tool_call", "id": "call_1", "name": "look", "arguments": {"at": "it"}},
            {"type": "tool_call", "id": "call_2", "name": "look", "arguments": "{"},
        ]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "a marker"}]},
    ]);
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn lists_and_connection_tests_are_spans() {
    let (recorder, _guard) = Recorder::start();
    let traced = traced(&Paced::new([answer()]));
    traced.models().await.unwrap();
    traced.check().await.unwrap_err();
    let spans = recorder.spans();
    assert!(spans.iter().all(recorder::Seen::is_closed));
    let names: Vec<_> = spans.iter().map(|span| (span.name, span.get("otel.name"))).collect();
    assert_eq!(names, [("models", "models acme"), ("check", "check acme")]);
    spans[0].assert(&[("models", "0"), ("error.type", ""), ("otel.kind", "client")]);
    spans[1].assert(&[("error.type", "authentication"), ("otel.status_code", "ERROR")]);
    assert_eq!(traced.id(), "acme");
}

#[tokio::test(start_paused = true)]
async fn trace_forwards_without_a_subscriber() {
    let traced = traced(&Paced::new([answer()]));
    assert_eq!(traced.chat(&question()).await.unwrap().text(), ANSWER);
    let stream = traced.stream(&question()).await.unwrap();
    assert!(format!("{stream:?}").contains("Observers(0)"), "nobody watches: {stream:?}");
    assert_eq!(stream.collect().await.unwrap().text(), ANSWER);
    traced.models().await.unwrap();
}
