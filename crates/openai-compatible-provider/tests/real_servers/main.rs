//! Servers of other projects, as `.ci/real-servers` starts them. Without that script, each test says in a
//! line that it is skipped, and passes.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]
#![allow(clippy::print_stdout, reason = "a test says when it is skipped, and the kit what it saw")]

mod litellm;
mod llama_cpp;
mod portkey;

use openai_compatible_provider::OpenAiCompatible;
use provider_core::{ChatRequest, ChatResponse, ConfigValues, Error, ErrorKind, LlmProvider as _};

/// The key that the servers are started with.
const KEY: &str = "sk-real-server";

/// The origin of a server, which the script puts into this variable. Says so where it is not set.
fn origin(variable: &str) -> Option<String> {
    let origin = std::env::var(variable).ok();
    if origin.is_none() {
        println!("skipped: {variable} is not set; .ci/real-servers sets it");
    }
    origin
}

/// A client of a server, with its key and these settings in their place.
fn client<const N: usize>(base_url: &str, settings: [(&str, &str); N]) -> OpenAiCompatible {
    let settings = ConfigValues::from(settings);
    let values = settings.or([("base_url", base_url), ("api_key", KEY)].into());
    OpenAiCompatible::from_values(values).expect("good settings")
}

/// The same whole answer and streamed one.
async fn both(client: &OpenAiCompatible, request: &ChatRequest) -> [Result<ChatResponse, Error>; 2] {
    let streamed = match client.stream(request).await {
        Ok(stream) => stream.collect().await,
        Err(error) => Err(error),
    };
    [client.chat(request).await, streamed]
}

/// Checks that the connection test tells a good key from a wrong one and from none, whether or not the
/// settings have the models.
async fn check_tells_keys_apart(base_url: &str) {
    for models in ["", "tiny"] {
        client(base_url, [("models", models)]).check().await.expect("a good key");
        for api_key in ["sk-wrong", ""] {
            let values = [("base_url", base_url), ("api_key", api_key), ("models", models)];
            let client = OpenAiCompatible::from_values(values).expect("good settings");
            let error = client.check().await.expect_err("no good key");
            // LiteLLM without its database answers a request without key with 500.
            let is_refused = error.kind() == ErrorKind::Authentication || api_key.is_empty();
            assert!(is_refused, "{api_key:?}, models {models:?}: {error}");
        }
    }
}
