//! Layers: what can be put around any provider.
//!
//! A provider asks once and says truly what came of it. Everything else that a host wants to happen around a
//! request is a layer of its own: it holds an `Arc<dyn LlmProvider>`, is an [`LlmProvider`] itself, and knows
//! no provider by name. So layers go around each other, and whoever holds the outermost sees one provider.
//!
//! # The order
//!
//! From the outside in:
//!
//! ```text
//! trace( fallback( breaker( retry( limit( timeouts( provider ))))))
//! ```
//!
//! Each sees one thing of those inside it. [`Timeouts`] bound one try, from the moment it is sent. A
//! [`Limit`] has a try wait for its turn, which is not the service's time. [`Retry`] makes one call of
//! several tries, within one deadline. A [`Breaker`] counts calls that failed with all their tries, and
//! refuses at once what is in vain. [`Fallback`] asks elsewhere when the tries are used up, and [`Traced`]
//! tells all of it as one request. In another order they work, too, but mean something else: a retry around a
//! fallback goes through all the models again.
//!
//! [`standard`] puts those around a provider that every provider should have; a registry does so with all
//! that it connects.
//!
//! # What every layer promises
//!
//! * It does nothing until somebody puts it around a provider, and nothing then that its settings do not say.
//! * It changes nothing that was handed on: once the first output of a stream is out, no layer asks again.
//! * What it tried is in the answer ([`ChatResponse::attempts`](provider_core::ChatResponse::attempts)) or in
//!   the error ([`Error::attempts`](provider_core::Error::attempts)), oldest first, in one flat list.
//! * Dropping its future or its stream stops everything inside it.
//!
//! # What there is
//!
//! * [`Timeouts`] ends what takes too long to begin, to go on, or in all.
//! * [`Limit`] has calls wait for their turn: so many at once, so many per second.
//! * [`Breaker`] leaves models alone that are out of order.
//! * [`Retry`] asks once more when that may help.
//! * [`Fallback`] asks other models, of the same or of other providers, when one cannot answer.
//! * [`Traced`] tells the host's `tracing` of every call, in OpenTelemetry's words.
//! * [`standard`] is a stack of them, with [settings](FIELDS) for a form.
//! * [`CatalogueCache`] is no layer but a helper of layers and hosts: it fetches a provider's list of models
//!   once for everybody who asks, and keeps it.
//!
//! [`LlmProvider`]: provider_core::LlmProvider

mod breaker;
mod catalogue_cache;

mod fallback;
mod limit;
mod retry;
mod standard;
mod timeout;
mod trace;

pub use breaker::{Breaker, BreakerSettings, BreakerState, BreakerStatus};
pub use catalogue_cache::{CachedCatalogue, CatalogueCache, CatalogueOrigin};
pub use fallback::Fallback;
pub use limit::{Limit, LimitSettings};
pub use retry::{Retry, RetrySettings};
pub use standard::{FIELDS, StandardSettings, standard};
pub use timeout::{TimeoutSettings, Timeouts};
pub use trace::{TraceSettings, Traced};
