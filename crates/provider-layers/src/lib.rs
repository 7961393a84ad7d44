//! Layers: mechanisms that a host puts around any provider.
//!
//! A provider sends a request once and reports truly how it ended. Everything else that a host wants around a
//! request is a layer of its own: it holds an `Arc<dyn LlmProvider>`, is an [`LlmProvider`] itself, and knows
//! no provider by name. So layers go around each other, and the caller of the outermost sees one provider.
//!
//! # What there is
//!
//! * [`ErrorContextLayer`] names provider, model and operation in every error.
//! * [`TimeoutLayer`] ends a call that takes too long to begin, to go on, or in all.
//! * [`LimitLayer`] has calls wait for their turn: so many at once, so many per second.
//! * [`RetryLayer`] makes another attempt when that may help.
//! * [`BreakerLayer`] refuses calls to models that keep failing.
//! * [`FallbackLayer`] asks other models, of the same or of other providers, when one cannot answer.
//! * [`ContinueLayer`] goes on with an answer that broke off, where a host asks for it.
//! * [`TraceLayer`] makes spans for the host's `tracing`, in OpenTelemetry's words.
//! * [`CatalogueCache`] is no layer but a helper of layers and hosts: it fetches a provider's list of models
//!   once for all callers, and keeps it.
//!
//! Each layer is made by `XxxLayer::new(settings)`, and a [`Stack`] puts them around a provider.
//! [`standard()`] is the stack that a registry puts around every provider that it connects, with
//! [settings](FIELDS) for a form. The trait [`Layer`] is for layers of a host.
//!
//! # The order
//!
//! From the outside in:
//!
//! ```text
//! trace( continue( fallback( breaker( retry( limit( timeout( error context( provider ))))))))
//! ```
//!
//! | layer | stands there because |
//! |---|---|
//! | error context | each attempt is named before another layer files it |
//! | timeout | it bounds one attempt, from the moment it is sent |
//! | limit | waiting for a turn is not the service's time, and every attempt takes a turn |
//! | retry | it makes one call of several attempts, within one deadline |
//! | breaker | it counts calls with all their attempts, and refuses a call before they begin |
//! | fallback | it asks elsewhere when the attempts at one model are used up |
//! | continue | it asks for the rest of an answer, by calls with all that stands inside |
//! | trace | one request is one span, whatever happened in it |
//!
//! In another order they work, too, but mean something else: a retry around a fallback goes through all the
//! models again. The documentation of each layer shows a right and a wrong stack where that matters.
//!
//! # What every layer promises
//!
//! - A layer that is off, by its settings, returns the provider itself.
//! - State lives in the layer. Its clones share it; two calls of `new` share nothing.
//! - It changes nothing that was handed on: once the first output of a stream is out, no layer asks again.
//!   [`ContinueLayer`] asks for the rest.
//! - It lists failed attempts in the answer
//!   ([`ChatResponse::attempts`](provider_core::ChatResponse::attempts)) or in the error
//!   ([`Error::attempts`](provider_core::Error::attempts)), oldest first, in one flat list.
//! - It forwards every method of the trait: clippy refuses a layer that has not decided about a method that
//!   is added later (`missing_trait_methods`).
//! - Dropping its future or its stream stops everything inside it. It has no task of its own, but for one of
//!   a [`CatalogueCache`].
//!
//! [`LlmProvider`]: provider_core::LlmProvider

mod billing;
mod breaker;
mod catalogue_cache;
mod continuation;
mod error_context;
mod fallback;
mod layer;
mod limit;
mod retry;
mod stack;
mod standard;
mod timeout;
mod trace;

pub use breaker::{BreakerLayer, BreakerSettings, BreakerState, BreakerStatus};
pub use catalogue_cache::{CachedCatalogue, CatalogueCache, CatalogueCacheSettings, CatalogueOrigin};
pub use continuation::{ContinueLayer, ContinueSettings};
pub use error_context::ErrorContextLayer;
pub use fallback::{FallbackLayer, FallbackSettings};
pub use layer::Layer;
pub use limit::{LimitLayer, LimitSettings};
pub use retry::{RetryLayer, RetrySettings};
pub use stack::Stack;
pub use standard::{FIELDS, StandardSettings, standard};
pub use timeout::{TimeoutLayer, TimeoutSettings};
pub use trace::{TraceLayer, TraceSettings};
