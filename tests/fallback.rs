//! Falling back to other models of OpenRouter, which is the sandbox.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use openai_wire::{Dialect, encode};
use openrouter_provider::OpenRouter;
use openrouter_provider::options::{OpenRouterOptions, ServerTool};
use openrouter_sandbox::Sandbox;
use provider_core::author::ResponseAccumulator;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, Event, LlmProvider,
    ProviderDescriptor, ProviderJson, RetryAdvice, Tool,
};
use provider_layers::{FallbackLayer, FallbackSettings, Layer};
use provider_registry::Workspace;

fn openrouter(sandbox: &Sandbox) -> Arc<dyn LlmProvider> {
    let builder = OpenRouter::builder().api_key("sk-or-v1-test").base_url(sandbox.base_url());
    Arc::new(builder.build().expect("good settings"))
}

/// The models that were asked, in order.
fn asked(sandbox: &Sandbox) -> Vec<String> {
    let chats = sandbox.requests().into_iter().filter(|request| request.path.ends_with("/chat/completions"));
    chats.map(|request| request.body["model"].as_str().expect("a model").to_owned()).collect()
}

async fn both_ways(provider: &dyn LlmProvider, model: &str) -> [Result<ChatResponse, Error>; 2] {
    let request = ChatRequest::new(model).user("Hello");
    let streamed = match provider.stream(&request).await {
        Ok(stream) => stream.collect().await,
        Err(error) => Err(error),
    };
    [provider.chat(&request).await, streamed]
}

#[tokio::test]
async fn a_model_that_cannot_answer_is_replaced_by_one_that_can() {
    let cases = [
        ("sandbox/overload", ErrorKind::Overloaded),
        ("sandbox/rate-limit", ErrorKind::RateLimited),
        ("sandbox/upstream-error", ErrorKind::Upstream),
        ("sandbox/server-error", ErrorKind::Server),
        ("sandbox/error-200", ErrorKind::RateLimited),
        ("sandbox/empty", ErrorKind::EmptyResponse),
    ];
    for (model, kind) in cases {
        let sandbox = Sandbox::start().await.expect("a sandbox");
        let openrouter = openrouter(&sandbox);
        let fallback = FallbackLayer::new(
            FallbackSettings::default()
                .to(openrouter.clone(), "anthropic/claude-sonnet-4.5")
                .to(openrouter.clone(), "openai/gpt-4o")
                .allow_paid(),
        )
        .layer(openrouter);
        for outcome in both_ways(&*fallback, model).await {
            let reply = outcome.expect("an answer");
            assert!(!reply.text().is_empty());
            assert_eq!(reply.requested, model);
            assert!(reply.model.starts_with("anthropic/claude"), "{}", reply.model);
            assert_eq!(reply.message.made_by.as_deref(), Some("anthropic/claude-sonnet-4.5"));
            let [failed] = &*reply.attempts else { panic!("one attempt failed: {:?}", reply.attempts) };
            assert_eq!(
                (failed.kind(), failed.provider(), failed.model()),
                (kind, Some("openrouter"), Some(model))
            );
        }
        assert_eq!(asked(&sandbox), [model, "anthropic/claude-sonnet-4.5"].repeat(2));
    }
}

#[tokio::test]
async fn what_another_model_would_not_mend_is_returned() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let openrouter = openrouter(&sandbox);
    let fallback =
        FallbackLayer::new(FallbackSettings::default().to(openrouter.clone(), "openai/gpt-4o").allow_paid())
            .layer(openrouter);
    let models = [
        ("sandbox/moderation", ErrorKind::ContentPolicy),
        ("sandbox/no-credits", ErrorKind::PaymentRequired),
        ("sandbox/context-length", ErrorKind::ContextLength),
    ];
    for (model, kind) in models {
        for outcome in both_ways(&*fallback, model).await {
            let error = outcome.expect_err("a refusal");
            assert_eq!((error.kind(), error.attempts().len()), (kind, 0), "{error}");
        }
    }
    assert_eq!(asked(&sandbox), models.map(|(model, _)| [model; 2]).concat());
}

#[tokio::test]
async fn an_answer_that_broke_off_is_not_asked_for_again() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let openrouter = openrouter(&sandbox);
    let fallback =
        FallbackLayer::new(FallbackSettings::default().to(openrouter.clone(), "openai/gpt-4o").allow_paid())
            .layer(openrouter);
    for model in
        ["sandbox/mid-stream-error", "sandbox/mid-stream-error-bare", "sandbox/truncated", "sandbox/reset"]
    {
        let request = ChatRequest::new(model).user("Hello");
        let mut stream = fallback.stream(&request).await.expect("a stream");
        let (mut text, mut failure) = (String::new(), None);
        while let Some(event) = stream.next().await {
            match event {
                Ok(Event::Text(piece)) => text.push_str(&piece),
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        let failure = failure.expect("it broke off");
        assert!(!text.is_empty());
        assert_eq!(failure.partial().expect("what came").text(), text, "{model}");
        assert_eq!(asked(&sandbox).last().map(String::as_str), Some(model));
    }
}

#[tokio::test]
async fn nobody_is_billed_who_may_have_asked_for_something_free() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let openrouter = openrouter(&sandbox);
    let to = |model: &str| FallbackSettings::default().to(openrouter.clone(), model);
    let around = |settings| FallbackLayer::new(settings).layer(openrouter.clone());

    // The models that fail are not in the catalogue, so they may be free.
    let error = both_ways(&*around(to("openai/gpt-4o")), "sandbox/overload").await[0]
        .clone()
        .expect_err("not allowed");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Overloaded, Some(503)));
    assert!(matches!(error.retry(), RetryAdvice::After(_)), "{error}");
    for words in
        ["no fallback to \"openai/gpt-4o\"", "is billed", "may be free", "`FallbackSettings::allow_paid`"]
    {
        assert!(error.message().contains(words), "{error}");
    }
    assert_eq!(asked(&sandbox), ["sandbox/overload"; 2]);

    for outcome in both_ways(&*around(to("openai/gpt-oss-20b:free")), "sandbox/overload").await {
        assert_eq!(outcome.expect("free to free").attempts.len(), 1);
    }
    for outcome in both_ways(&*around(to("openai/gpt-4o").allow_paid()), "sandbox/overload").await {
        assert_eq!(outcome.expect("allowed").attempts.len(), 1);
    }
}

#[tokio::test]
async fn a_workspace_takes_a_provider_with_a_fallback_around_it() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let openrouter = openrouter(&sandbox);
    let fallback = FallbackLayer::new(
        FallbackSettings::default()
            .to(openrouter.clone(), "sandbox/rate-limit")
            .to(openrouter.clone(), "sandbox/server-error")
            .allow_paid(),
    )
    .layer(openrouter);
    let mut workspace = Workspace::new("acme");
    let instance = workspace.add_provider("prod", fallback).expect("a new id");
    let model = instance.model("sandbox/overload");
    let error = model.chat(&model.request().user("Hello")).await.expect_err("all are down");
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Server, Some("prod")));
    assert_eq!(error.model(), Some("sandbox/server-error"));
    let before: Vec<_> = error.attempts().iter().map(|failed| (failed.kind(), failed.model())).collect();
    let expected = [
        (ErrorKind::Overloaded, Some("sandbox/overload")),
        (ErrorKind::RateLimited, Some("sandbox/rate-limit")),
    ];
    assert_eq!(before, expected);
}

static ACME: ProviderDescriptor =
    ProviderDescriptor::new("acme", "Acme", |_, _| Err(Error::new(ErrorKind::Config, "is made by hand")));

/// Another service that speaks chat completions. Keeps the bodies that it is sent, and answers each.
#[derive(Debug, Default)]
struct Acme {
    bodies: Mutex<Vec<String>>,
}

impl Dialect for Acme {
    fn provider(&self) -> &str {
        ACME.id
    }
}

#[async_trait]
impl LlmProvider for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream, Error> {
        Err(Error::new(ErrorKind::Config, "is made by hand"))
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let body = encode(request, false, self)?;
        self.bodies.lock().expect("no panic").push(String::from_utf8(body).expect("JSON is text"));
        let mut answer = ResponseAccumulator::without_events();
        answer.push_text("Hi");
        answer.set_finish_reason("stop");
        answer.finish()
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

#[tokio::test]
async fn what_is_for_openrouter_does_not_reach_another_service() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let openrouter = openrouter(&sandbox);
    let acme = Arc::new(Acme::default());
    let settings = FallbackSettings::default().to(acme.clone(), "acme-1").allow_paid();
    let provider = FallbackLayer::new(settings).layer(openrouter);
    let bodies = || std::mem::take(&mut *acme.bodies.lock().expect("no panic"));

    // Options and extra parameters of OpenRouter are left out.
    let hello = ChatRequest::new("sandbox/overload")
        .user("Hello")
        .options(OpenRouterOptions::new().server_tools([ServerTool::datetime()]))
        .extra("openrouter", "transforms", serde_json::json!(["middle-out"]));
    assert_eq!(provider.chat(&hello).await.expect("an answer").text(), "Hi");
    let expected = r#"{"model":"acme-1","messages":[{"role":"user","content":"Hello"}]}"#;
    assert_eq!(bodies(), [expected]);

    // A tool that is part of the request itself is refused, and the failure before it is told.
    let search = ProviderJson::new("openrouter", serde_json::json!({"type": "openrouter:web_search"}));
    let error = provider.chat(&hello.tool(Tool::Other(search))).await.expect_err("not for acme");
    assert_eq!((error.kind(), error.provider()), (ErrorKind::InvalidRequest, Some("acme")));
    assert_eq!(error.fields()[0].field, "tools[0]");
    assert!(error.to_string().contains("is for openrouter, and acme cannot send it"), "{error}");
    assert_eq!(error.attempts()[0].kind(), ErrorKind::Overloaded);
    assert_eq!(bodies(), [""; 0]);
}
