//! Layers forward the methods that they do not change, also those that the trait has by default, and the
//! capabilities that come later.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::Delegate;
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider, LlmProviderExt,
    Model, ProviderDescriptor, TimeoutPhase,
};
use provider_layers::{
    BreakerLayer, BreakerSettings, ContinueLayer, ContinueSettings, ErrorContextLayer, FallbackLayer,
    FallbackSettings, Layer, LimitLayer, LimitSettings, RetryLayer, RetrySettings, Stack, StandardSettings,
    TimeoutLayer, TimeoutSettings, TraceLayer, TraceSettings, standard,
};

use support::ACME;

/// A provider with two lists; the public one fails at first.
#[derive(Debug)]
struct Lists {
    embeddings: Arc<dyn Embeddings>,
    failures: usize,
    takes: Duration,
    asked: AtomicUsize,
}

impl Default for Lists {
    fn default() -> Self {
        let embeddings = Arc::new(Lengths);
        Self { embeddings, failures: 0, takes: Duration::ZERO, asked: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl LlmProvider for Lists {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream, Error> {
        Err(Error::new(ErrorKind::Server, "it only lists"))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        tokio::time::sleep(self.takes).await;
        if self.asked.fetch_add(1, Ordering::SeqCst) < self.failures {
            return Err(Error::new(ErrorKind::Server, "not yet"));
        }
        Ok(Catalogue::new(vec![Model::default()], None))
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        (wanted == TypeId::of::<Arc<dyn Embeddings>>()).then_some(&self.embeddings)
    }
}

/// Every layer around a provider, the standard layers, and a foreign wrapper.
fn layers(inner: Arc<dyn LlmProvider>) -> [Arc<dyn LlmProvider>; 10] {
    let fallback = FallbackSettings::default().to(inner.clone(), "b");
    let limit = LimitSettings::off().max_concurrency(1);
    [
        ErrorContextLayer::new().layer(inner.clone()),
        TimeoutLayer::new(TimeoutSettings::default()).layer(inner.clone()),
        LimitLayer::new(limit).layer(inner.clone()),
        RetryLayer::new(RetrySettings::default()).layer(inner.clone()),
        BreakerLayer::new(BreakerSettings::default()).layer(inner.clone()),
        FallbackLayer::new(fallback).layer(inner.clone()),
        ContinueLayer::new(ContinueSettings::default()).layer(inner.clone()),
        TraceLayer::new(TraceSettings::default()).layer(inner.clone()),
        standard(inner.clone(), &StandardSettings::default().limit(limit)),
        Arc::new(Foreign(inner)),
    ]
}

/// A wrapper of another crate, which changes nothing.
#[derive(Debug)]
struct Foreign(Arc<dyn LlmProvider>);

impl Delegate for Foreign {
    fn inner(&self) -> &dyn LlmProvider {
        &*self.0
    }
}

#[tokio::test]
async fn layers_forward_both_lists() {
    for layer in layers(Arc::new(Lists::default())) {
        assert_eq!(LlmProvider::all_models(&*layer).await.expect("a list").models.len(), 1, "{layer:?}");
        assert_eq!(LlmProvider::models(&*layer).await.expect("a list").models.len(), 0, "{layer:?}");
    }
}

/// A capability that no layer knows.
trait Embeddings: fmt::Debug + Send + Sync {
    fn embed(&self, text: &str) -> Vec<usize>;
}

#[derive(Debug)]
struct Lengths;

impl Embeddings for Lengths {
    fn embed(&self, text: &str) -> Vec<usize> {
        text.split(' ').map(str::len).collect()
    }
}

#[test]
fn later_capability_reaches_through_every_layer() {
    for layer in layers(Arc::new(Lists::default())) {
        let embeddings = layer.extension::<Arc<dyn Embeddings>>().expect("a capability");
        assert_eq!(embeddings.embed("to be or not"), [2, 2, 2, 3], "{layer:?}");
        assert!(layer.extension::<String>().is_none(), "{layer:?}");
    }
}

/// A host's layer that knows the capability, and wraps it.
#[derive(Debug)]
struct Doubling {
    inner: Arc<dyn LlmProvider>,
    embeddings: Option<Arc<dyn Embeddings>>,
}

#[derive(Debug)]
struct Doubled(Arc<dyn Embeddings>);

impl Embeddings for Doubled {
    fn embed(&self, text: &str) -> Vec<usize> {
        self.0.embed(text).into_iter().map(|number| number * 2).collect()
    }
}

impl Delegate for Doubling {
    fn inner(&self) -> &dyn LlmProvider {
        &*self.inner
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        match &self.embeddings {
            Some(embeddings) if wanted == TypeId::of::<Arc<dyn Embeddings>>() => Some(embeddings),
            _ => self.inner().extension_by_id(wanted),
        }
    }
}

#[test]
fn layer_that_knows_a_capability_wraps_it() {
    let stack = Stack::new(Arc::new(Lists::default()))
        .layer(|inner: Arc<dyn LlmProvider>| {
            let embeddings = inner.extension::<Arc<dyn Embeddings>>().cloned();
            let embeddings = embeddings.map(|inner| Arc::new(Doubled(inner)) as Arc<dyn Embeddings>);
            Arc::new(Doubling { inner, embeddings }) as Arc<dyn LlmProvider>
        })
        .layer(RetryLayer::new(RetrySettings::default()))
        .build();
    assert_eq!(stack.extension::<Arc<dyn Embeddings>>().expect("a capability").embed("to be"), [4, 4]);
}

#[tokio::test(start_paused = true)]
async fn public_list_is_retried_within_a_deadline() {
    let lists = Arc::new(Lists { failures: 2, ..Lists::default() });
    let retry = RetryLayer::new(RetrySettings::default()).layer(lists.clone());
    assert_eq!(retry.all_models().await.expect("the third time").models.len(), 1);
    assert_eq!(lists.asked.load(Ordering::SeqCst), 3);

    let slow = Arc::new(Lists { takes: Duration::from_secs(60), ..Lists::default() });
    let settings = TimeoutSettings::default().deadline(Duration::from_secs(30));
    let error = standard(slow, &StandardSettings::default().timeouts(settings)).all_models().await;
    assert_eq!(error.expect_err("too slow").timeout(), Some(TimeoutPhase::Deadline));
}
