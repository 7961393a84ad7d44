//! The layer that names provider, model and operation in every error.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    Operation, ProviderDescriptor,
};
use provider_layers::{ErrorContextLayer, Layer, StandardSettings, standard};

use support::ACME;

/// Fails in every method, and names nothing; of a stream, output comes before.
#[derive(Debug)]
struct Failing {
    error: Error,
}

struct Breaks(Error);

impl ChunkSource for Breaks {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        accumulator.push_text("Hel");
        Poll::Ready(Err(self.0.clone()))
    }
}

#[async_trait]
impl LlmProvider for Failing {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        match request.model.as_str() {
            "refuses" => Err(self.error.clone()),
            _ => Ok(ChatStream::new(Breaks(self.error.clone()))),
        }
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatResponse, Error> {
        Err(self.error.clone())
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Err(self.error.clone())
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        Err(self.error.clone())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Err(self.error.clone())
    }

    async fn warm_up(&self) -> Result<(), Error> {
        Err(self.error.clone())
    }
}

/// The errors of all methods, with the model and the operation of each.
async fn errors(provider: &dyn LlmProvider) -> Vec<(Error, Option<&'static str>, Operation)> {
    let ask = ChatRequest::new;
    let broken = provider.stream(&ask("breaks")).await.unwrap().collect().await;
    vec![
        (provider.stream(&ask("refuses")).await.unwrap_err(), Some("refuses"), Operation::Stream),
        (broken.unwrap_err(), Some("breaks"), Operation::Stream),
        (provider.chat(&ask("a")).await.unwrap_err(), Some("a"), Operation::Chat),
        (provider.models().await.unwrap_err(), None, Operation::Models),
        (provider.all_models().await.unwrap_err(), None, Operation::AllModels),
        (provider.check().await.unwrap_err(), None, Operation::Check),
        (provider.warm_up().await.unwrap_err(), None, Operation::WarmUp),
    ]
}

#[tokio::test]
async fn error_context_fills_in_every_error() {
    let failing = Arc::new(Failing { error: Error::new(ErrorKind::Authentication, "no") });
    let layered =
        [ErrorContextLayer::new().layer(failing.clone()), standard(failing, &StandardSettings::default())];
    for provider in layered {
        for (error, model, operation) in errors(&*provider).await {
            let named = (error.provider(), error.model(), error.operation());
            assert_eq!(named, (Some("acme"), model, Some(operation)), "{error}");
        }
    }
}

#[tokio::test]
async fn error_context_keeps_what_an_error_says() {
    let error = Error::new(ErrorKind::Authentication, "no").with_provider("upstream").with_model("dated");
    let provider = ErrorContextLayer::new().layer(Arc::new(Failing { error }));
    for (error, _, operation) in errors(&*provider).await {
        let named = (error.provider(), error.model(), error.operation());
        assert_eq!(named, (Some("upstream"), Some("dated"), Some(operation)), "{error}");
    }
}
