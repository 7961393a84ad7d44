//! The client that everything is read with.

use std::future::Future;
use std::sync::LazyLock;

use openrouter_provider::fuzzing::{self, Received};
use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ChatRequest, ChatStream, ConfigValues, Error};
use tokio::runtime::{Builder, Runtime};

/// The key of the client: no error may show it, wherever the service repeats it.
pub const KEY: &str = "sk-or-v1-0a1b2c3d";

/// The model that is asked.
pub(crate) const MODEL: &str = "openai/gpt-4o";

static CLIENT: LazyLock<OpenRouter> = LazyLock::new(|| {
    // An address of this machine: no certificates are read for it, and nothing is sent to it.
    let builder = OpenRouter::builder().api_key(KEY).base_url("http://127.0.0.1:9/api/v1");
    builder.build().expect("good settings")
});

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
}

/// Runs what never waits.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// A client with these settings.
pub(crate) fn connect(values: ConfigValues) -> Result<OpenRouter, Error> {
    fuzzing::connect(values, Limits::default())
}

/// The client, with these limits.
pub(crate) fn limited(limits: Limits) -> OpenRouter {
    let values = ConfigValues::from([("api_key", KEY), ("base_url", "http://127.0.0.1:9/api/v1")]);
    fuzzing::connect(values, limits).expect("good settings")
}

/// The client.
pub(crate) fn client() -> &'static OpenRouter {
    &CLIENT
}

/// A request to which anything may be answered.
pub(crate) fn request() -> ChatRequest {
    ChatRequest::new(MODEL).user("Hello")
}

/// The stream that an answer gives.
pub(crate) fn stream(
    client: &OpenRouter,
    request: &ChatRequest,
    received: Received,
) -> Result<ChatStream, Error> {
    now(fuzzing::stream(client, request, received))
}
