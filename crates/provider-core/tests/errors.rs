//! Limits, bills and attempts: the things that an error tells besides its kind.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::task::{Context, Poll};
use std::time::Duration;

use provider_core::author::{ChunkSource, ErrorContext, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LimitAmount,
    LimitKind, LlmProvider, Operation, ProviderDescriptor, RetryAdvice, Secret, UsageLimit,
};
use serde_json::json;

/// A provider whose `chat` is the default one.
#[derive(Debug)]
struct Streams;

static STREAMS: ProviderDescriptor =
    ProviderDescriptor::new("acme", "Acme", |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")));

#[async_trait::async_trait]
impl LlmProvider for Streams {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &STREAMS
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream, Error> {
        let error = Error::new(ErrorKind::Overloaded, "busy");
        Err(ErrorContext::new(STREAMS.id, Operation::Stream).apply(error))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

#[tokio::test]
async fn error_names_the_operation_that_was_called() {
    let request = ChatRequest::new("m").user("Hi");
    let streamed = Streams.stream(&request).await.expect_err("busy");
    let whole = Streams.chat(&request).await.expect_err("busy");
    assert_eq!(streamed.operation(), Some(Operation::Stream));
    assert_eq!(whole.operation(), Some(Operation::Chat));
}

fn failed(change: impl FnOnce(&mut ChatResponse)) -> Error {
    let mut partial = ChatResponse::default();
    change(&mut partial);
    Error::new(ErrorKind::Upstream, "fell over").with_partial(partial)
}

#[test]
fn output_tokens_and_costs_were_paid_for_and_a_prompt_alone_was_not() {
    let usd = |text: &str| text.parse().ok();
    let paid = [
        failed(|partial| partial.message.text.push_str("Hel")),
        failed(|partial| partial.usage.completion_tokens = Some(1)),
        failed(|partial| partial.usage.cost = usd("0.0001")),
        failed(|partial| partial.usage.upstream_cost = usd("0.0001")),
    ];
    assert!(paid.iter().all(Error::was_paid_for));
    let free = [
        Error::new(ErrorKind::Upstream, "fell over"),
        failed(|_| {}),
        failed(|partial| {
            partial.usage.prompt_tokens = Some(9);
            partial.usage.completion_tokens = Some(0);
            partial.usage.cost = usd("0");
        }),
    ];
    assert!(!free.iter().any(Error::was_paid_for));
}

#[test]
fn a_limit_is_part_of_the_error_and_of_its_json() {
    let mut limit = UsageLimit::new(LimitKind::Key);
    limit.source = Some("their_key_limit sk-secret".to_owned());
    limit.window = Some("daily".to_owned());
    limit.limit = "10".parse().ok().map(LimitAmount::Usd);
    limit.used = "10.02".parse().ok().map(LimitAmount::Usd);
    limit.resets_at = "2026-12-01".parse().ok();
    let plain = Error::new(ErrorKind::PaymentRequired, "spent");
    let error = plain.clone().with_limit(limit).redact(&Secret::new("sk-secret"));
    assert_ne!(plain, error);
    let limit = error.limit().expect("the limit");
    assert_eq!(
        limit.to_string(),
        "the key's limit of 10 USD (daily), of which 10.02 USD are used, which resets at 2026-12-01T00:00:00Z"
    );
    let shown = serde_json::to_value(&error).expect("an error can be written");
    assert_eq!(shown["limit"]["kind"], "key");
    assert_eq!(shown["limit"]["limit"], json!({ "usd": limit_of(limit) }));
    assert_eq!(shown["limit"]["resets_at"], "2026-12-01T00:00:00Z");
    assert!(!format!("{error:?} {shown}").contains("sk-secret"));
}

/// The amount of a limit in dollars, as JSON has it.
fn limit_of(limit: &UsageLimit) -> serde_json::Value {
    let Some(LimitAmount::Usd(amount)) = limit.limit else { panic!("no dollars in {limit:?}") };
    serde_json::to_value(amount).expect("an amount can be written")
}

/// A stream that ends in an error which knows of an attempt of the service's.
struct FailsAgain;

impl ChunkSource for FailsAgain {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        _: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let second = Error::new(ErrorKind::Overloaded, "second");
        Poll::Ready(Err(Error::new(ErrorKind::Upstream, "third").with_attempts(vec![second])))
    }
}

#[tokio::test]
async fn attempts_of_a_layer_come_before_those_of_the_service() {
    let first = Error::new(ErrorKind::RateLimited, "first");
    let told = ChatStream::new(FailsAgain).after(vec![first.clone()]).collect().await;
    // The error may be known before a layer says what it tried.
    let mut stream = ChatStream::new(FailsAgain);
    stream.ready().await.expect_err("it fails");
    let known = stream.after(vec![first]).collect().await;
    for error in [told, known].map(|end| end.expect_err("it fails")) {
        let attempts: Vec<_> = error.attempts().iter().map(Error::message).collect();
        assert_eq!((error.message(), attempts), ("third", vec!["first", "second"]));
    }
}

#[test]
fn exhausted_retries_keep_the_wait_but_advise_no_retry() {
    let wait = Duration::from_secs(7);
    for (advice, exhausted) in [
        (RetryAdvice::Now, Some(None)),
        (RetryAdvice::After(wait), Some(Some(wait))),
        (RetryAdvice::Never, None),
    ] {
        let fresh = Error::new(ErrorKind::RateLimited, "slow down").with_retry(advice);
        let error = fresh.clone().with_exhausted_retries();
        assert_eq!(error.has_exhausted_retries().then(|| error.retry().after()), exhausted);
        assert!(!error.is_retryable());
        // A person reads the same of both, and a machine that the retries are exhausted.
        assert_eq!(error.to_string(), fresh.to_string());
        let shown = serde_json::to_value(&error).expect("an error can be written");
        assert_eq!(shown["retries_exhausted"] == true, exhausted.is_some());
        assert_eq!(shown["retry_after_seconds"].as_f64(), advice.after().map(|wait| wait.as_secs_f64()));
        assert_eq!(error.clone().with_exhausted_retries(), error);
    }
}
