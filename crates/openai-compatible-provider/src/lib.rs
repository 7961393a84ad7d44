//! Any server that speaks OpenAI's chat completions as a provider: vLLM, Ollama, llama.cpp, LM Studio, OpenAI
//! itself, a gateway.
//!
//! # Alone
//!
//! ```no_run
//! use openai_compatible_provider::OpenAiCompatible;
//! use provider_core::{ChatRequest, LlmProvider};
//!
//! # async fn run() -> Result<(), provider_core::Error> {
//! let local = OpenAiCompatible::from_values([("preset", "ollama"), ("not_billed", "yes")])?;
//! let reply = local.chat(&ChatRequest::new("llama3.2").user("Hello")).await?;
//! println!("{}", reply.text());
//! # Ok(())
//! # }
//! ```
//!
//! # Inside a host
//!
//! The crate makes itself known to every registry that discovers, provided that the program names it. A
//! workspace can have any number of such servers, each under an id of its own:
//!
//! ```
//! use openai_compatible_provider as _;
//!
//! assert!(provider_core::linked_providers().any(|provider| provider.id == "openai-compatible"));
//! ```
//!
//! [`FIELDS`] is the table of settings. A preset ([`PRESETS`]) fills those that are not set.
//!
//! # The base URL
//!
//! With or without `/v1`. Where its path has no version, and the server answers a request with 404, the
//! provider sends the request once more below `/v1`, and keeps to the place that answers. No other error has
//! it try.
//!
//! # Models and prices
//!
//! The catalogue is the server's list, and the server takes those models alone. With the setting `models`,
//! the catalogue is that setting, nothing is fetched, and any other id may be tried as well. Context length
//! and prices are the settings', since such lists rarely have them; `not_billed` says that no request costs
//! anything ([`Pricing::not_billed`](provider_core::Pricing::not_billed)).
//!
//! # The connection test
//!
//! It fetches the list of models with the key, and once more without: a server that refuses the second has
//! looked at the key, and the test is over. Where that does not tell (the list is public, as OpenRouter's is;
//! no key is set; the setting `models` stands in for the list), it sends `POST /chat/completions` with an
//! empty object: that names no model to run, and costs nothing. Servers look at the key before they look at
//! the body, so one that has keys refuses a wrong one there. A passed test proves that the API is there, and
//! that the server does not refuse the key. It proves no more of a server that looks at no key at all, or
//! that has a public list and looks at the body first.

mod client;
mod config;
mod dialect;
mod preset;
mod provider;

pub use client::OpenAiCompatible;
pub use config::FIELDS;
pub use preset::{PRESETS, Preset};
pub use provider::OPENAI_COMPATIBLE;

/// The provider's id in code and in model references.
pub const ID: &str = "openai-compatible";
