//! Going on with broken answers over sockets: with the sandbox, across providers, and wherever bytes are cut.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Arc;

use fault_server::{FaultServer, Request, Script};
use openai_compatible_provider as _;
use openrouter_provider::OpenRouter;
use openrouter_sandbox::Sandbox;
use provider_core::{ChatRequest, ErrorKind, Event, LlmProvider};
use provider_layers::{ContinueLayer, ContinueSettings, Layer, Stack, StandardSettings, standard};
use provider_registry::Registry;
use serde_json::{Value, json};

const CLAUDE: &str = "anthropic/claude-sonnet-4.5";
/// The sandbox's words behind a prefix.
const REST: &str = " and that is how it goes on";

fn openrouter(url: &str) -> Arc<dyn LlmProvider> {
    let builder = OpenRouter::builder().api_key("sk-or-v1-test").base_url(url);
    Arc::new(builder.build().expect("good settings"))
}

/// A chunk of a stream, with this content.
fn chunk(content: &str) -> String {
    let chunk =
        json!({"id": "gen-1", "model": "m", "choices": [{"index": 0, "delta": {"content": content}}]});
    format!("data: {chunk}\n\n")
}

/// A chunk that ends a stream, and the mark of the end.
const END: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\
    \"usage\":{\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

#[tokio::test]
async fn answers_that_the_service_breaks_off_are_gone_on_with() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let provider = openrouter(sandbox.base_url());
    let settings = ContinueSettings::default().other_models_only().to(provider.clone(), CLAUDE).allow_paid();
    let layered = standard(provider, &StandardSettings::default());
    let layered = ContinueLayer::new(settings).layer(layered);
    let failures = [
        "choice-error",
        "mid-stream-error",
        "mid-stream-error-bare",
        "mid-stream-rate-limit",
        "truncated",
        "reset",
    ];
    for failure in failures {
        let before = sandbox.requests().len();
        let request = ChatRequest::new(format!("sandbox/{failure}")).user("Hello");
        let mut stream = layered.stream(&request).await.expect(failure);
        let (mut text, mut seams) = (String::new(), Vec::new());
        while let Some(event) = stream.next().await {
            match event.expect(failure) {
                Event::Text(piece) => text.push_str(&piece),
                Event::Seam(seam) => seams.push(seam.at),
                _ => {}
            }
        }
        let reply = stream.into_response().expect(failure);
        assert_eq!(reply.text(), text, "{failure}");
        assert_eq!(seams, [text.find(REST).expect("the rest")], "{failure}");
        assert_eq!((&*reply.requested, reply.message.made_by.as_deref()), (&*request.model, Some(CLAUDE)));
        assert_eq!(reply.attempts.len(), 1, "{failure}");
        assert_eq!(reply.attempts[0].partial().map(|part| part.text()), Some(&text[..seams[0]]), "{failure}");
        let sent = &sandbox.requests()[before..];
        let last = sent[1].body["messages"].as_array().and_then(|messages| messages.last());
        assert_eq!(last, Some(&json!({"role": "assistant", "content": text[..seams[0]].trim_end()})));
        assert_eq!(sent.len(), 2, "{failure}");
    }
}

#[tokio::test]
async fn whole_answer_with_an_error_in_it_is_gone_on_with() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let provider = openrouter(sandbox.base_url());
    let settings = ContinueSettings::default().other_models_only().to(provider.clone(), CLAUDE).allow_paid();
    let layered = Stack::new(provider).layer(ContinueLayer::new(settings)).build();
    let reply =
        layered.chat(&ChatRequest::new("sandbox/choice-error").user("Hello")).await.expect("an answer");
    let [seam] = &*reply.seams else { panic!("{:?}", reply.seams) };
    assert!(reply.text()[seam.at..].starts_with(REST), "{}", reply.text());
}

#[tokio::test]
async fn answers_that_may_not_be_gone_on_with_keep_their_errors() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let provider = openrouter(sandbox.base_url());
    let settings = ContinueSettings::default().to(provider.clone(), CLAUDE).allow_paid();
    let layered = ContinueLayer::new(settings).layer(provider);
    let request = ChatRequest::new("sandbox/context-length-mid-stream").user("Hello");
    let error = layered.stream(&request).await.expect("a stream").collect().await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::ContextLength);
    for failure in ["content-filter-cut", "truncated-tool-call"] {
        let request = ChatRequest::new(format!("sandbox/{failure}")).user("Hello");
        let reply = layered.stream(&request).await.expect("a stream").collect().await.expect(failure);
        assert!(reply.seams.is_empty(), "{failure}");
    }
    assert_eq!(sandbox.requests().len(), 3);
}

#[tokio::test]
async fn answer_goes_on_at_another_provider_wherever_its_bytes_are_cut() {
    let texts = [chunk("Grüße "), chunk("an "), chunk("alle, ")];
    let whole = texts.concat();
    let first = texts[0].len();
    for cut in [first, first + 1, first + texts[1].len() / 2, first + texts[1].len(), whole.len()] {
        let part = whole.as_bytes()[..cut].to_vec();
        let broken = FaultServer::always(Script::events(part).reset()).await.expect("a free port");
        let rest = Script::events(chunk("Welt") + END);
        let home = FaultServer::always(rest).await.expect("a free port");
        let registry = Registry::discover().expect("good descriptors");
        let url = home.url();
        let local = registry.connect("openai-compatible", [("base_url", &*url), ("not_billed", "yes")]);
        let provider = openrouter(&broken.url());
        let settings = ContinueSettings::default()
            .other_models_only()
            .to(local.expect("good settings"), "qwen3")
            .allow_paid();
        let layered = ContinueLayer::new(settings).layer(provider);
        let request = ChatRequest::new("m").user("Hello").extra("openrouter", "safe_prompt", true);
        let reply = layered.stream(&request).await.expect("a stream").collect().await.expect("an answer");
        let [seam] = &*reply.seams else { panic!("{:?}", reply.seams) };
        assert_eq!(&reply.text()[seam.at..], "Welt", "{cut}");
        assert_eq!((seam.provider.as_deref(), &*seam.model), (Some("openai-compatible"), "qwen3"), "{cut}");
        assert_eq!(reply.usage.completion_tokens, Some(2), "{cut}");
        assert!(!reply.is_usage_complete(), "{cut}");
        let sent = body(&home.requests()[0]);
        assert_eq!(sent["messages"][1]["content"], reply.text()[..seam.at].trim_end(), "{cut}");
        assert_eq!((&sent["model"], &sent["safe_prompt"]), (&json!("qwen3"), &Value::Null), "{cut}");
        broken.wait_for_all_closed().await.expect("no connection is left");
    }
}
