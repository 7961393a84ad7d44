//! Scripts for the models of a comparison.

// Each test program uses its own part of this. A panic is a failed test.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use provider_core::{Capability, Error, ErrorKind, ProviderDescriptor, Usage};
use provider_testing::{ScriptedProvider, Turn};

/// A duration in milliseconds.
pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const fn describe(id: &'static str, capability: Capability) -> ProviderDescriptor {
    ProviderDescriptor::new(id, "Scripted", |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
        .description("Made up for a test.")
        .capabilities(&[capability])
        .accepts_unlisted_models()
}

/// A provider of these models.
pub(crate) fn scripted(models: impl IntoIterator<Item = (&'static str, Turn)>) -> Arc<ScriptedProvider> {
    Arc::new(ScriptedProvider::of_models(models))
}

/// A complete answer after a time.
pub(crate) fn answers(after: Duration, text: &str) -> Turn {
    Turn::new().wait(after).text(text).finish("stop")
}

/// A text at once, and silence behind it.
pub(crate) fn stalls(text: &str) -> Turn {
    Turn::new().text(text).stalls()
}

pub(crate) fn usage(prompt_tokens: u64, completion_tokens: u64, cost: Option<&str>) -> Usage {
    let mut usage = Usage::default();
    usage.prompt_tokens = Some(prompt_tokens);
    usage.completion_tokens = Some(completion_tokens);
    usage.cost = cost.map(|cost| cost.parse().unwrap());
    usage
}
