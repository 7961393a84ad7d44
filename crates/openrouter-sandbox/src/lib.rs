//! A local stand-in for the OpenRouter service: strict, lifelike, deterministic.
//!
//! It speaks the service's HTTP interface on a loopback port, so that clients can be tried and tested
//! without a key, without money, and on the service's bad days as well as on its good ones. It is written
//! from the facts about the wire and shares no types with any client: one's mistake cannot hide the other's.
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use openrouter_sandbox::Sandbox;
//!
//! let sandbox = Sandbox::start().await?;
//! println!("send requests to {}/chat/completions", sandbox.base_url());
//! for request in sandbox.requests() {
//!     println!("{} {}: {}", request.method, request.path, request.body);
//! }
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Keys
//!
//! Every key is good, unless it contains one of these words: `invalid` is rejected (401), `poor` has no
//! credits (402), `management` may read `/credits` but not run models (403).
//!
//! # Models
//!
//! `GET /models` lists about 25 models. Variants (`openai/gpt-4o:nitro`), presets (`@preset/any`), dated
//! slugs and `~…-latest` aliases work too. Every model thinks when `reasoning` is asked for, and calls a tool
//! when the last message shares a word with the tool's name or description.
//!
//! The ids in [`FAILURES`] fail on purpose: `sandbox/rate-limit`, `sandbox/stall`, …
//!
//! # What a model refuses
//!
//! A request that a model of the list cannot serve is refused as the service does it, in its words: more
//! tokens than the model's context (400); images, sounds, videos, tools, schemas or output modalities that it
//! lacks (404); under `provider`, lists of providers, a price limit, `zdr`, `quantizations` or
//! `require_parameters` that leave no endpoint (404). Ids under `sandbox/` have no such limits.
//!
//! # The cache of answers
//!
//! With the header `X-OpenRouter-Cache: true` the same request of the same key gets the same answer again,
//! streamed or not, with a usage of zero and a cost of zero; `X-OpenRouter-Cache-TTL` and
//! `X-OpenRouter-Cache-Clear` work as documented. Only whole answers are kept, the newest 1,000.
//!
//! # Promises
//!
//! The same seed and request always get the same answer, streamed or not; ids and times count up from a
//! fixed start. Costs are computed exactly from the listed prices. Fields the service does not document are
//! refused with 400, by name.

mod account;
mod answer;
mod api_error;
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
mod reasoning;
mod record;
mod response_cache;
mod rng;
mod router;
mod routing;
mod sandbox;
mod schema_fill;
mod scripted_body;
mod socket;
mod state;
mod tokens;
mod tools;
mod validate;
mod words;

pub use failures::FAILURES;
pub use record::RecordedRequest;
pub use sandbox::{Sandbox, SandboxBuilder};
