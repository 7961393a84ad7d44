//! The parts of an answer beside its text: sound, routing, cache status, raw JSON, cut calls, whose thoughts
//! they are. Over real sockets.

use fault_server::{FaultServer, Script};
use openrouter_provider::{Limits, OpenRouterOptions, OpenRouterResponse, body};
use provider_core::{AudioOutput, ChatRequest, ChatResponse, Event, FinishReason, LlmProvider};
use serde_json::{Value, json};

use crate::support::{openrouter, request};

fn stream_of(chunks: &[Value]) -> Script {
    let events: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    Script::events(events + "data: [DONE]\n\n")
}

fn delta(delta: Value) -> Value {
    json!({"id": "gen-1", "model": "openai/gpt-4o-audio-2025", "choices": [{"index": 0, "delta": delta}]})
}

fn end(reason: &str) -> Value {
    json!({"id": "gen-1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

async fn server(reply: Script) -> FaultServer {
    FaultServer::always(reply).await.expect("a free port")
}

/// The events of a stream, and the answer.
async fn read(reply: Script, request: &ChatRequest) -> (Vec<Event>, ChatResponse) {
    let server = server(reply).await;
    let mut stream = openrouter(&server, Limits::default()).stream(request).await.expect("a stream");
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event.expect("an event"));
    }
    (events, stream.into_response().expect("an answer"))
}

async fn whole(reply: Script, request: &ChatRequest) -> ChatResponse {
    let server = server(reply).await;
    openrouter(&server, Limits::default()).chat(request).await.expect("an answer")
}

#[tokio::test]
async fn a_spoken_answer_streams_and_goes_back() {
    let chunks = [
        delta(json!({"audio": {"id": "audio_1", "transcript": "Hel"}})),
        delta(json!({"audio": {"data": "AAAA"}})),
        delta(json!({"audio": {"data": "BBBB", "transcript": "lo", "expires_at": 1_700_000_000}})),
        end("stop"),
    ];
    let asked = ChatRequest::new("openai/gpt-4o-audio")
        .user("Say hello")
        .modalities(["text", "audio"])
        .audio(AudioOutput::new("alloy", "pcm16"));
    let (events, reply) = read(stream_of(&chunks), &asked).await;
    let pieces: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Audio(piece) => Some((piece.data.as_deref(), piece.transcript.as_deref())),
            _ => None,
        })
        .collect();
    assert_eq!(pieces, [(None, Some("Hel")), (Some("AAAA"), None), (Some("BBBB"), Some("lo"))]);
    let audio = reply.message.audio.as_ref().expect("a sound");
    assert_eq!((audio.data.as_deref(), audio.transcript.as_deref()), (Some("AAAABBBB"), Some("Hello")));
    let body: Value =
        body::to_json(&asked.message(reply.message)).expect("a good request").read().expect("JSON");
    assert_eq!(
        body["messages"][1],
        json!({"role": "assistant", "content": null, "audio": {
            "id": "audio_1", "data": "AAAABBBB", "transcript": "Hello", "expires_at": 1_700_000_000,
        }})
    );
}

#[tokio::test]
async fn the_routing_is_told_when_asked_for() {
    let metadata = json!({
        "requested": "openrouter/auto", "strategy": "auto", "region": null, "summary": "picked one", "attempt": 2,
        "is_byok": false, "endpoints": {"total": 2, "available": [
            {"provider": "Azure", "model": "openai/gpt-4o", "selected": false},
            {"provider": "OpenAI", "model": "openai/gpt-4o", "selected": true},
        ]},
        "attempts": [{"provider": "Azure", "model": "openai/gpt-4o", "status": 429}],
        "pipeline": [{"type": "plugin", "name": "file-parser", "cost_usd": 0.002, "new": 1}],
    });
    let mut last = end("stop");
    last["openrouter_metadata"] = metadata.clone();
    let (_, reply) = read(stream_of(&[delta(json!({"content": "Hi"})), last]), &request()).await;
    let routing = reply.routing().expect("routing");
    assert_eq!(routing.strategy.as_deref(), Some("auto"));
    assert_eq!((routing.attempt, routing.endpoints_total), (Some(2), Some(2)));
    assert_eq!(routing.attempts[0].status, Some(429));
    assert_eq!(routing.pipeline[0].cost.expect("a cost").to_string(), "0.002");
    assert_eq!(routing.raw.expect("raw").read::<Value>().expect("JSON"), metadata);
    assert_eq!(reply.served_by.to_string(), "OpenAI", "the metadata says who served where nothing else does");
    let plain = whole(Script::json(200, ANSWER), &request()).await;
    assert_eq!((plain.routing(), plain.response_cache()), (None, None));
}

const ANSWER: &str = r#"{"id":"gen-1","model":"m","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"x":[1.50]}"#;

#[tokio::test]
async fn headers_tell_the_cache_and_the_generation() {
    let mut reply = Script::json(200, ANSWER.replace(r#""id":"gen-1","#, ""));
    for (name, value) in [
        ("x-generation-id", "gen-7"),
        ("x-openrouter-cache-status", "HIT"),
        ("x-openrouter-cache-age", "12"),
        ("x-openrouter-cache-ttl", "288"),
        ("x-openrouter-cache-source-id", "gen-3"),
    ] {
        reply = reply.header(name, value);
    }
    let reply = whole(reply, &request()).await;
    assert_eq!(reply.id.as_deref(), Some("gen-7"));
    let cache = reply.response_cache().expect("a report");
    assert!(cache.is_hit());
    assert_eq!(
        (cache.age_seconds, cache.ttl_seconds, cache.source_id.as_deref()),
        (Some(12), Some(288), Some("gen-3"))
    );
}

#[tokio::test]
async fn the_json_is_kept_when_asked_for() {
    let chunks = [delta(json!({"content": "Hi", "x": 1})), end("stop")];
    let (events, reply) = read(stream_of(&chunks), &request().keep_raw()).await;
    let raw: Vec<Value> = reply.raw.iter().map(|raw| raw.read().expect("JSON")).collect();
    assert_eq!(raw, chunks);
    assert!(
        matches!(events.as_slice(), [Event::Raw(_), Event::Text(_), Event::Raw(_), Event::Finished(_)]),
        "{events:?}"
    );
    let kept = whole(Script::json(200, ANSWER), &request().keep_raw()).await;
    assert_eq!(kept.raw[0].get(), ANSWER, "byte for byte");
    let (events, reply) = read(stream_of(&chunks), &request()).await;
    assert!(reply.raw.is_empty() && events.len() == 2, "only when asked for");
}

#[tokio::test]
async fn the_json_is_handed_out_without_being_kept() {
    let text = |text: &str| delta(json!({"content": text, "x": 1}));
    let chunks = [text("a"), text("b"), text("c"), end("stop")];
    let (kept, _) = read(stream_of(&chunks), &request().keep_raw()).await;
    let (events, reply) = read(stream_of(&chunks), &request().raw_events()).await;
    assert_eq!(events, kept, "in the same places");
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Raw(_))).count(), 4);
    assert!(reply.raw.is_empty() && reply.text() == "abc");
}

#[tokio::test]
async fn a_call_that_was_cut_is_never_callable() {
    let call = |arguments: &str| {
        delta(
            json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": arguments}}]}),
        )
    };
    let native = |native: &str| json!({"id": "gen-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls", "native_finish_reason": native}]});
    for (arguments, native_reason, callable) in [
        (r#"{"a":1}"#, "tool_calls", 1),
        ("", "tool_calls", 1),
        (r#"{"a":"#, "length", 0),
        (r#"{"a":"#, "max_output_tokens", 0),
        (r#"{"a":"#, "tool_calls", 0),
        (r#"{"a":1}"#, "MAX_TOKENS", 0),
        (r#"{"a":1}"#, "tool_use", 1),
    ] {
        let (_, reply) = read(stream_of(&[call(arguments), native(native_reason)]), &request()).await;
        assert_eq!(reply.finish_reason, Some(FinishReason::ToolCalls));
        assert_eq!(reply.tool_calls().len(), callable, "{arguments} {native_reason}");
        assert_eq!(reply.is_truncated(), callable == 0);
        assert_eq!(reply.message.tool_calls[0].arguments, arguments, "what came is kept");
    }
}

#[tokio::test]
async fn thoughts_go_back_to_the_model_that_had_them() {
    let answer = |model: &str| {
        Script::json(
            200,
            json!({"id": "gen-1", "model": model, "choices": [{"finish_reason": "stop", "message": {
                "content": "4", "reasoning": "2 and 2", "reasoning_details": [
                    {"type": "reasoning.text", "text": "2 and 2", "signature": "c2ln", "index": 0},
                ],
            }}]})
            .to_string(),
        )
    };
    let options = OpenRouterOptions::new().models(["openai/gpt-5-mini"]).allow_paid_fallback();
    let asked = ChatRequest::new("anthropic/claude-sonnet-4.5").user("2+2?").options(options);
    let sent_back = |request: ChatRequest, reply: ChatResponse| {
        let body: Value =
            body::to_json(&request.message(reply.message)).expect("a good request").read().expect("JSON");
        !body["messages"][1]["reasoning_details"].is_null() && !body["messages"][1]["reasoning"].is_null()
    };
    // A dated name is the same model, whatever it looks like.
    let same = whole(answer("anthropic/claude-4.5-sonnet-20250929"), &asked).await;
    assert_eq!(same.requested, "anthropic/claude-sonnet-4.5");
    assert_eq!(same.message.made_by.as_deref(), Some("anthropic/claude-sonnet-4.5"));
    assert!(sent_back(asked.clone(), same.clone()));
    let mut other = asked.clone();
    other.model = "google/gemini-2.5-pro".to_owned();
    assert!(!sent_back(other, same));
    // A variant is the same model, chosen otherwise.
    for variant in ["", ":nitro", ":online", ":exacto", ":free", ":free:online", "@preset/terse"] {
        for asked_variant in ["", ":floor"] {
            let mut first = asked.clone();
            first.model += asked_variant;
            let reply = whole(answer("anthropic/claude-4.5-sonnet-20250929"), &first).await;
            let mut next = asked.clone();
            next.model += variant;
            assert!(sent_back(next, reply), "{asked_variant} and {variant}");
        }
    }
    // A fallback answered: its thoughts are not those of the model that is asked again.
    let fallback = whole(answer("openai/gpt-5-mini-2025-08-07"), &asked).await;
    assert_eq!(fallback.message.made_by.as_deref(), Some("openai/gpt-5-mini"));
    assert!(!sent_back(asked.clone(), fallback.clone()));
    let mut mini = asked.clone();
    mini.model = "openai/gpt-5-mini".to_owned();
    assert!(sent_back(mini.clone(), fallback.clone()));
    mini.model = "openai/gpt-5-mini:nitro".to_owned();
    assert!(sent_back(mini.clone(), fallback));
    // Its name may come with its words in another order.
    let options = OpenRouterOptions::new().models(["anthropic/claude-sonnet-4.5"]);
    let turned = whole(answer("anthropic/claude-4.5-sonnet-20250929"), &mini.clone().options(options)).await;
    assert_eq!(turned.message.made_by.as_deref(), Some("anthropic/claude-sonnet-4.5"));
    assert!(!sent_back(mini, turned.clone()) && sent_back(asked.clone(), turned));
    // A router picks a model itself: thoughts go back to the router, and to no model that is named
    // afterwards.
    let mut router = asked.clone();
    router.model = "openrouter/auto".to_owned();
    let routed = whole(answer("google/gemini-2.5-pro"), &router).await;
    assert!(sent_back(router, routed.clone()) && !sent_back(asked, routed));
}

#[tokio::test]
async fn a_first_event_can_be_waited_for() {
    let server = server(stream_of(&[delta(json!({"content": "Hi"})), end("stop")])).await;
    let client: Box<dyn LlmProvider> = Box::new(openrouter(&server, Limits::default()));
    let mut stream = client.stream(&request()).await.expect("a stream");
    stream.ready().await.expect("an event");
    stream.ready().await.expect("the same event");
    assert_eq!(stream.next().await.expect("an event").expect("a text"), Event::Text("Hi".into()));
    let failing = self::server(stream_of(&[json!({"error": {"code": 429, "message": "slow down"}})])).await;
    let mut stream = openrouter(&failing, Limits::default()).stream(&request()).await.expect("a stream");
    let error = stream.ready().await.expect_err("an error comes first");
    assert_eq!(stream.into_response().expect_err("the same").to_string(), error.to_string());
}
