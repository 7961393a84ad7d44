//! OpenRouter as a provider.
//!
//! # Alone
//!
//! ```no_run
//! use openrouter_provider::OpenRouter;
//! use provider_core::{ChatRequest, Event};
//!
//! # async fn run() -> Result<(), provider_core::Error> {
//! let openrouter = OpenRouter::from_env()?;
//! let request = ChatRequest::new("openai/gpt-4o").user("Hello");
//!
//! let reply = openrouter.chat(&request).await?;
//! println!("{} ({} by {}, {:?})", reply.text(), reply.model, reply.served_by, reply.usage.cost);
//!
//! let mut stream = openrouter.stream(&request).await?;
//! while let Some(event) = stream.next().await {
//!     if let Event::Text(text) = event? {
//!         print!("{text}");
//!     }
//! }
//! let reply = stream.into_response()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Inside a host
//!
//! The crate makes itself known to every registry that discovers, provided that the program names it:
//!
//! ```
//! use openrouter_provider as _;
//!
//! assert!(provider_core::linked_providers().any(|provider| provider.display_name == "OpenRouter"));
//! ```
//!
//! # Catalogue and account
//!
//! ```no_run
//! use openrouter_provider::{ModelsQuery, OpenRouter};
//! use provider_core::ModelQuery;
//!
//! # async fn run() -> Result<(), provider_core::Error> {
//! let openrouter = OpenRouter::from_env()?;
//! let models = openrouter.models().await?; // those that the key may use
//! for model in models.select(&ModelQuery::new("claude").supports("tools").limit(5)) {
//!     println!("{} {:?}", model.id, model.pricing.prompt);
//! }
//! let zdr = openrouter.search_models(&ModelsQuery::new().zdr().region("eu")).await?;
//! let endpoints = openrouter.endpoints("openai/gpt-4o").await?; // who serves it, how fast, at which price
//! let key = openrouter.key().await?; // what the key may spend and has left
//! # Ok(())
//! # }
//! ```
//!
//! [`OpenRouter::generation`] looks up later how much a finished answer cost and who served it.
//!
//! # HTTP
//!
//! Requests go through an [`HttpClient`](provider_http::HttpClient): the one that the host shares among its
//! providers, in the context of a registry or by way of [`OpenRouterBuilder::http_client`], or one of the
//! provider's own. TLS is rustls with ring and the platform's certificates by default (`rustls-ring`); other
//! choices are the features `rustls-aws-lc` and `native-tls`. Nothing process-wide is installed or switched
//! on.
//!
//! Requests go through the proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, less
//! `NO_PROXY`), except to addresses of this machine. Proxies that speak SOCKS need the feature `socks`. A
//! proxy that stands in the way is named in the error, with its variable and without its password.
//!
//! Connecting a provider checks its settings, which takes microseconds; it sends nothing and reads no files.
//! TLS and the first connection are made with the first request, or ahead of it by [`OpenRouter::warm_up`]. A
//! connection serves one request at a time (HTTP/1.1), so any number of streams goes through one client; the
//! feature `http2` is for hosts that want fewer sockets, and wait where their server allows no more streams.
//!
//! # Inside
//!
//! `openai-wire` has the wire, `provider-http` the rest of the way. This crate has what only OpenRouter has:
//! its dialect (fields, words for errors), its options, its catalogue and the account.

mod account;
pub mod body;
mod builder;
mod catalogue;
mod client;
mod config;
mod dialect;
mod document;
mod error;
mod headers;
mod limits;
pub mod options;
mod other_models;
mod path;
#[cfg(feature = "pkce")]
pub mod pkce;
mod provider;
mod record;
mod response;
pub mod workload_identity;

pub use account::{Budget, Credits, FreeRequests, Generation, KeyInfo, Preset, ProviderResponse};
pub use builder::OpenRouterBuilder;
pub use catalogue::{
    Choice, Endpoint, ModelEndpoints, ModelsQuery, ModelsSort, NativeModel, Percentiles, ProviderInfo,
    ServerToolAlias, ServerToolEngine, ServerToolInfo, ServerToolPrice, ToolChoiceSupport,
    WorkloadPerformance,
};
pub use client::OpenRouter;
pub use config::{DEFAULT_BASE_URL, FIELDS};
pub use limits::Limits;
pub use options::OpenRouterOptions;
pub use provider::OPENROUTER;
pub use response::{
    Alignment, AlignmentCall, AlignmentVerdict, CacheReport, OpenRouterError, OpenRouterResponse,
    PipelineStage, RoutedEndpoint, Routing, RoutingAttempt, SafeguardResult, SafeguardVerdict,
};

/// The provider's id in code and in model references.
pub const ID: &str = "openrouter";
