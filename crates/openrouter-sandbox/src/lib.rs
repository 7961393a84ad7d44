//! A local stand-in for the OpenRouter service: strict, realistic, deterministic.
//!
//! A [`Sandbox`] serves the service's HTTP interface on a loopback port, so that a client can be tried and
//! tested without a key and without cost, and against the service's failures. It is written from the facts
//! about the wire and shares no type with any client, so that neither can hide a mistake of the other.
//!
//! ```
//! use openrouter_sandbox::Sandbox;
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let sandbox = Sandbox::start().await?;
//!
//! // Your client goes here, with `sandbox.base_url()` as its base URL and any key.
//! let mut client = tokio::net::TcpStream::connect(sandbox.address()).await?;
//! client.write_all(b"GET /api/v1/models/count HTTP/1.0\r\nauthorization: Bearer any\r\n\r\n").await?;
//! let mut response = String::new();
//! client.read_to_string(&mut response).await?;
//!
//! assert!(response.contains(r#"{"data":{"count":"#));
//! assert_eq!(sandbox.requests()[0].path, "/api/v1/models/count");
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Keys
//!
//! The sandbox accepts every key, unless it contains one of these words: `invalid` is rejected (401), `poor`
//! has no credits (402), `capped` belongs to a workspace whose budget is spent (403), `management` may read
//! `/credits` but not run models (403).
//!
//! # Models
//!
//! `GET /models` lists about 25 models. Variants (`openai/gpt-4o:nitro`), presets (`@preset/any`), dated
//! slugs and `~…-latest` aliases work, too. Every model reasons if the request asks for `reasoning`, and
//! calls a tool if the last message shares a word with the tool's name or description.
//!
//! The ids in [`FAILURES`] fail on purpose: `sandbox/rate-limit`, `sandbox/stall`, …
//!
//! # Refusals
//!
//! A model of the list refuses a request that it cannot serve, with the service's status and words:
//!
//! * 400 for more tokens than the model's context;
//! * 404 for images, audio, video, tools, schemas or output modalities that the model lacks;
//! * 404 for preferences under `provider` that leave no endpoint: lists of providers, a price limit, `zdr`,
//!   `quantizations`, `require_parameters`.
//!
//! Ids under `sandbox/` have no such limits.
//!
//! # Response cache
//!
//! With the header `X-OpenRouter-Cache: true`, a repeated request with the same key gets the same completion,
//! streamed or not, with a usage and a cost of zero. `X-OpenRouter-Cache-TTL` and `X-OpenRouter-Cache-Clear`
//! work as documented. The cache stores complete answers alone, the newest 1,000.
//!
//! # A key by one click
//!
//! `GET /auth` (beside the API, not below it) stands for the page on which a user approves: the user of the
//! sandbox approves at once, and the browser is sent back to the `callback_url` with a code.
//! `POST /auth/keys` gives a key for it, and refuses with 403 a code that is unknown, used or
//! [too old](SandboxBuilder::auth_code_life), and a verifier that is not that of the challenge.
//!
//! # Guarantees
//!
//! * The same seed and request get the same content, streamed or not. Ids and times count up from a fixed
//!   start.
//! * Costs are exact: tokens times the listed prices.
//! * A field that the service does not document is refused with 400, by name.

mod account;
mod alignment;
mod answer;
mod api_error;
mod armor;
mod auth;
mod catalogue;
mod chat;
mod clock;
mod completion;
mod conversation;
mod cost;
mod event_stream;
mod failures;
mod generate;
mod generation;
mod json_body;
mod model_id;
mod models;
mod oauth_token;
mod pkce;
mod reasoning;
mod record;
mod response_cache;
mod rng;
mod router;
mod routing;
mod sandbox;
mod schema_fill;
mod scripted_body;
mod server_tools;
mod signature;
mod socket;
mod state;
mod tokens;
mod tools;
mod validate;
mod words;

pub use failures::FAILURES;
pub use record::RecordedRequest;
pub use sandbox::{Sandbox, SandboxBuilder};
