//! Methods that a layer does not change go through it: the public list of models as well as that of the key.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider, Model,
    ProviderDescriptor, TimeoutPhase,
};
use provider_layers::{
    BreakerLayer, BreakerSettings, FallbackLayer, FallbackSettings, Layer, LimitLayer, LimitSettings,
    RetryLayer, RetrySettings, StandardSettings, TimeoutLayer, TimeoutSettings, TraceLayer, TraceSettings,
    standard,
};

use support::ACME;

/// A provider with two lists; the public one fails at first.
#[derive(Debug, Default)]
struct Lists {
    failures: usize,
    takes: Duration,
    asked: AtomicUsize,
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
}

#[tokio::test]
async fn every_layer_hands_the_public_list_on() {
    let lists: Arc<dyn LlmProvider> = Arc::new(Lists::default());
    let layers: [Arc<dyn LlmProvider>; 7] = [
        BreakerLayer::new(BreakerSettings::default()).layer(lists.clone()),
        FallbackLayer::new(FallbackSettings::default()).layer(lists.clone()),
        LimitLayer::new(LimitSettings::off()).layer(lists.clone()),
        RetryLayer::new(RetrySettings::default()).layer(lists.clone()),
        TimeoutLayer::new(TimeoutSettings::default()).layer(lists.clone()),
        TraceLayer::new(TraceSettings::default()).layer(lists.clone()),
        standard(lists, &StandardSettings::default()),
    ];
    for layer in layers {
        assert_eq!(layer.all_models().await.expect("a list").models.len(), 1, "{layer:?}");
        assert_eq!(layer.models().await.expect("a list").models.len(), 0, "{layer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_public_list_is_tried_again_and_has_a_deadline() {
    let lists = Arc::new(Lists { failures: 2, ..Lists::default() });
    let retry = RetryLayer::new(RetrySettings::default()).layer(lists.clone());
    assert_eq!(retry.all_models().await.expect("the third time").models.len(), 1);
    assert_eq!(lists.asked.load(Ordering::SeqCst), 3);

    let slow = Arc::new(Lists { takes: Duration::from_secs(60), ..Lists::default() });
    let settings = TimeoutSettings::default().deadline(Duration::from_secs(30));
    let error = standard(slow, &StandardSettings::default().timeouts(settings)).all_models().await;
    assert_eq!(error.expect_err("too slow").timeout(), Some(TimeoutPhase::Deadline));
}
