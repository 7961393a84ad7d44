//! Test providers with a fixed or a failing catalogue, which count their calls.

// Each test program uses its own part of this. A panic is a failed test.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider, Model,
    ProviderDescriptor,
};
use provider_registry::Workspace;
use tokio::sync::Barrier;

/// An LLM provider without settings that takes only the models it lists.
pub(crate) const fn describe(id: &'static str, display_name: &'static str) -> ProviderDescriptor {
    ProviderDescriptor::new(id, display_name, |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
        .description("Made up for a test.")
}

/// A provider that accepts any id, as OpenRouter does.
pub(crate) static OPENROUTER: ProviderDescriptor =
    describe("openrouter", "OpenRouter").accepts_unlisted_models();

/// A provider that accepts listed ids alone.
pub(crate) static OLLAMA: ProviderDescriptor = describe("ollama", "Ollama");

/// A workspace with these providers, under these ids.
pub(crate) fn workspace<const N: usize>(providers: [(&str, &Arc<Fake>); N]) -> Workspace {
    let mut workspace = Workspace::new("acme");
    for (id, provider) in providers {
        let added = workspace.add_provider(id, provider.clone());
        assert!(added.is_ok(), "{added:?}");
    }
    workspace
}

/// A provider that answers "hello", and counts its calls.
#[derive(Debug)]
pub(crate) struct Fake {
    descriptor: &'static ProviderDescriptor,
    catalogue: Mutex<Result<Catalogue, Error>>,
    fetches: AtomicUsize,
    chats: AtomicUsize,
    /// A barrier at which a fetch waits for others.
    barrier: Option<Arc<Barrier>>,
}

impl Fake {
    /// A provider with these models.
    pub(crate) fn listing(descriptor: &'static ProviderDescriptor, ids: &[&str]) -> Arc<Self> {
        Self::with(descriptor, Ok(catalogue(ids)), None)
    }

    /// A provider with these models, whose fetch waits until all others at the barrier have begun.
    pub(crate) fn listing_together(
        descriptor: &'static ProviderDescriptor,
        ids: &[&str],
        barrier: &Arc<Barrier>,
    ) -> Arc<Self> {
        Self::with(descriptor, Ok(catalogue(ids)), Some(barrier.clone()))
    }

    /// A provider whose catalogue cannot be fetched.
    pub(crate) fn unreachable(descriptor: &'static ProviderDescriptor) -> Arc<Self> {
        let error = Error::new(ErrorKind::Connection, "nobody answers").with_provider(descriptor.id);
        Self::with(descriptor, Err(error), None)
    }

    fn with(
        descriptor: &'static ProviderDescriptor,
        catalogue: Result<Catalogue, Error>,
        barrier: Option<Arc<Barrier>>,
    ) -> Arc<Self> {
        let (fetches, chats) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { descriptor, catalogue: Mutex::new(catalogue), fetches, chats, barrier })
    }

    /// Replaces its models.
    pub(crate) fn now_lists(&self, ids: &[&str]) {
        *self.catalogue.lock().unwrap() = Ok(catalogue(ids));
    }

    /// The number of fetches of the catalogue.
    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Relaxed)
    }

    /// The number of chat requests.
    pub(crate) fn chats(&self) -> usize {
        self.chats.load(Relaxed)
    }
}

#[async_trait]
impl LlmProvider for Fake {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.descriptor
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream, Error> {
        self.chats.fetch_add(1, Relaxed);
        Err(Error::new(ErrorKind::Server, "it only lists models").with_provider(self.descriptor.id))
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatResponse, Error> {
        self.chats.fetch_add(1, Relaxed);
        let mut reply = ChatResponse::default();
        reply.message.text.push_str("Hello");
        Ok(reply)
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.fetches.fetch_add(1, Relaxed);
        if let Some(barrier) = &self.barrier {
            barrier.wait().await;
        }
        self.catalogue.lock().unwrap().clone()
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

fn catalogue(ids: &[&str]) -> Catalogue {
    let models = ids.iter().map(|id| {
        let mut model = Model::default();
        model.id.push_str(id);
        model
    });
    Catalogue::new(models.collect(), None)
}
