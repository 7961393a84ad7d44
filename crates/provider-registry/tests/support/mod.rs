//! Providers with a fixed or a failing catalogue.

// Each test program uses its own part of this. A panic is a failed test.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;

use provider_core::{Error, ErrorKind, ProviderDescriptor};
use provider_registry::Workspace;
use provider_testing::{Operation, ScriptedProvider, Turn};

/// An LLM provider without settings that takes only the models it lists.
pub(crate) const fn describe(id: &'static str, display_name: &'static str) -> ProviderDescriptor {
    ProviderDescriptor::new(id, display_name, |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
        .description("Made up for a test.")
}

/// A provider that accepts any id, and claims presets, variants and its own routers, as OpenRouter does.
pub(crate) static OPENROUTER: ProviderDescriptor =
    describe("openrouter", "OpenRouter").accepts_unlisted_models().claims(is_claimed);

fn is_claimed(id: &str) -> bool {
    match id.strip_prefix("openrouter/") {
        Some(own) => !own.contains(['/', '@']),
        None => id.contains("@preset/") || (id.contains('/') && id.ends_with(":nitro")),
    }
}

/// A provider that accepts listed ids alone.
pub(crate) static OLLAMA: ProviderDescriptor = describe("ollama", "Ollama");

/// A workspace with these providers, under these ids.
pub(crate) fn workspace<const N: usize>(providers: [(&str, &Arc<ScriptedProvider>); N]) -> Workspace {
    let mut workspace = Workspace::new("acme");
    for (id, provider) in providers {
        let added = workspace.add_provider(id, provider.clone());
        assert!(added.is_ok(), "{added:?}");
    }
    workspace
}

/// A provider with these models, which says hello.
pub(crate) fn listing(descriptor: &'static ProviderDescriptor, ids: &[&str]) -> Arc<ScriptedProvider> {
    let provider = ScriptedProvider::new([Turn::says("Hello")]).with_descriptor(descriptor);
    Arc::new(provider.with_listing(ids.iter().copied()))
}

/// A provider whose catalogue cannot be fetched.
pub(crate) fn unreachable(descriptor: &'static ProviderDescriptor) -> Arc<ScriptedProvider> {
    let error = Error::new(ErrorKind::Connection, "nobody answers").with_provider(descriptor.id);
    Arc::new(ScriptedProvider::new([]).with_descriptor(descriptor).with_catalogue(Err(error)))
}

/// How often the catalogue was fetched.
pub(crate) fn fetches(provider: &ScriptedProvider) -> usize {
    provider.count(Operation::Models)
}
