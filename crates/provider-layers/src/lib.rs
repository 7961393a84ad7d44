//! Layers: what can be put around any provider.
//!
//! A provider asks once and says truly what came of it. Everything else that a host wants to happen around a request is a
//! layer of its own: it holds an `Arc<dyn LlmProvider>`, is an [`LlmProvider`] itself, and knows no provider by
//! name. So layers go around each other, and whoever holds the outermost sees one provider.
//!
//! # The order
//!
//! From the outside in:
//!
//! ```text
//! trace( fallback( retry( timeout( provider ))))
//! ```
//!
//! Each sees one thing of those inside it: a timeout bounds one attempt, a retry repeats attempts that ran out of time, a
//! fallback asks elsewhere when the retries are used up, and a trace tells all of it as one request. In another order they
//! work, too, but mean something else: a retry around a fallback goes through all the models again.
//!
//! # What every layer promises
//!
//! * It is off until somebody builds it, and does nothing that it was not told to.
//! * It changes nothing that was handed on: once the first event of a stream is out, no layer asks again.
//! * What it tried is in the answer ([`ChatResponse::attempts`](provider_core::ChatResponse::attempts)) or in the error
//!   ([`Error::attempts`](provider_core::Error::attempts)), oldest first, in one flat list.
//! * Dropping its future or its stream stops everything inside it.
//!
//! # What there is
//!
//! * [`Fallback`] asks other models, of the same or of other providers, when one cannot answer.
//! * [`CatalogueCache`] is no layer but a helper of layers and hosts: it fetches a provider's list of models once for
//!   everybody who asks, and keeps it.
//!
//! [`LlmProvider`]: provider_core::LlmProvider

mod catalogue_cache;
mod fallback;

pub use catalogue_cache::{CachedCatalogue, CatalogueCache, CatalogueOrigin};
pub use fallback::Fallback;
