//! Answers made up from the schema, with more in them than it knows, read over a real socket.

use fault_server::{FaultServer, Script};
use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind};
use serde_json::{Value, json};
use wire_properties::same_json;

use super::generate::Generator;
use super::{document, say};

const HOW_MANY: u64 = 600;

/// Fields that nobody knows, in every place that can have them.
fn with_unknown_fields(mut answer: Value, piece: &str) -> Value {
    answer["x_top"] = json!({"deep": [1, 2.50, null]});
    for (index, choice) in answer["choices"].as_array_mut().into_iter().flatten().enumerate() {
        choice["index"] = json!(index);
        choice["x_choice"] = json!("kept");
        choice[piece]["x_piece"] = json!([true]);
        for call in choice[piece]["tool_calls"].as_array_mut().into_iter().flatten() {
            call["x_call"] = json!(7);
        }
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_answers_are_read() {
    let Some(document) = document() else { return };
    let answers: Vec<Value> = (1..=HOW_MANY)
        .map(|seed| with_unknown_fields(Generator::new(&document, seed).named("ChatResult"), "message"))
        .collect();
    let script = answers.clone();
    let server =
        FaultServer::start(move |request| Script::json(200, script[number(&request.path)].to_string()))
            .await
            .expect("a free port");
    for (place, answer) in answers.iter().enumerate() {
        let client = client(&server, place);
        let reply = client.chat(&ChatRequest::new("a/b").user("Hi")).await;
        check(reply, answer, "message");
    }
    say(&format!("{HOW_MANY} answers made up and read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_chunks_are_read() {
    let Some(document) = document() else { return };
    let chunks: Vec<Value> = (1..=HOW_MANY)
        .map(|seed| with_unknown_fields(Generator::new(&document, seed).named("ChatStreamChunk"), "delta"))
        .collect();
    let script = chunks.clone();
    let server = FaultServer::start(move |request| {
        let body = format!("data: {}\n\ndata: [DONE]\n\n", script[number(&request.path)]);
        Script::with_body(200, "text/event-stream", body.into_bytes())
    })
    .await
    .expect("a free port");
    for (place, chunk) in chunks.iter().enumerate() {
        let client = client(&server, place);
        let stream = client.stream(&ChatRequest::new("a/b").user("Hi")).await.expect("a stream");
        check(stream.collect().await, chunk, "delta");
    }
    say(&format!("{HOW_MANY} chunks made up and read"));
}

fn client(server: &FaultServer, place: usize) -> OpenRouter {
    let base_url = format!("{}/{place}", server.url());
    OpenRouter::builder().api_key("k").base_url(base_url).build().expect("good settings")
}

fn number(path: &str) -> usize {
    path.split('/').nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Whether what was read is what was sent. An answer that says it failed is an error which keeps what came.
fn check(reply: Result<ChatResponse, Error>, sent: &Value, piece: &str) {
    let failed = !sent["error"].is_null() || sent["choices"][0]["finish_reason"] == "error";
    let reply = match reply {
        Ok(reply) => {
            assert!(!failed, "an error was read as an answer: {sent:#}");
            reply
        }
        Err(error) => {
            // An answer of blanks alone is none.
            let blank =
                error.kind() == ErrorKind::EmptyResponse && sent["choices"][0]["finish_reason"].is_null();
            assert!(failed || blank, "{error:?}\n{sent:#}");
            assert_ne!(error.kind(), ErrorKind::InvalidResponse, "{error:?}\n{sent:#}");
            error.partial().expect("what came").clone()
        }
    };
    let choice = sent["choices"].as_array().into_iter().flatten().find(|choice| choice["index"] == 0);
    assert_eq!(reply.id.as_deref(), sent["id"].as_str());
    assert_eq!(reply.model, sent["model"].as_str().unwrap_or_default());
    assert_eq!(reply.service_tier.as_deref(), sent["service_tier"].as_str());
    for (ours, name) in [
        (reply.usage.prompt_tokens, "prompt_tokens"),
        (reply.usage.completion_tokens, "completion_tokens"),
        (reply.usage.total_tokens, "total_tokens"),
    ] {
        assert_eq!(ours, sent["usage"][name].as_u64(), "{name}");
    }
    let kept = |raw: Option<&provider_core::RawJson>| raw.and_then(|raw| raw.read::<Value>().ok());
    assert_eq!(kept(reply.extra.get("x_top")), Some(sent["x_top"].clone()), "{sent:#}");
    if let Some(metadata) = sent.get("openrouter_metadata") {
        assert_eq!(kept(reply.extra.get("openrouter_metadata")).as_ref(), Some(metadata));
    }
    let Some(choice) = choice else { return };
    assert_eq!(reply.finish_reason.as_ref().map(|reason| reason.as_str()), choice["finish_reason"].as_str());
    assert_eq!(kept(reply.extra.get("x_choice")), Some(json!("kept")));
    let (message, theirs) = (&reply.message, &choice[piece]);
    assert_eq!(kept(message.extra.get("x_piece")), Some(json!([true])));
    if let Some(text) = theirs["content"].as_str() {
        assert_eq!(message.text, text);
    }
    assert_eq!(message.refusal.as_deref(), theirs["refusal"].as_str().filter(|words| !words.is_empty()));
    let calls = theirs["tool_calls"].as_array().map_or(0, Vec::len);
    // Calls of a stream may share an index, and are then joined.
    assert!(if piece == "message" {
        message.tool_calls.len() == calls
    } else {
        message.tool_calls.len() <= calls
    });
    for call in &message.tool_calls {
        assert_eq!(kept(call.extra.get("x_call")), Some(json!(7)));
    }
    if piece == "message" {
        let details = serde_json::to_value(&message.reasoning_details).expect("JSON");
        assert!(same_json(&details, &theirs["reasoning_details"]), "{details:#}\n{theirs:#}");
    }
    let audio = &theirs["audio"];
    let ours = message.audio.clone().unwrap_or_default();
    assert_eq!((ours.data.as_deref(), ours.id.as_deref()), (audio["data"].as_str(), audio["id"].as_str()));
}
