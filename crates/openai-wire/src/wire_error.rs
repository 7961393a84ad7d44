//! The service's account of a failure, as read from the wire.

mod words;

use std::time::Duration;

use provider_core::{Timestamp, Usd};

pub use self::words::Words;
use crate::rules::Source;

/// The service's account of a failure.
///
/// This crate reads the code, the words and the details of any server's error. A dialect reads the rest in
/// [`Dialect::read_error`](crate::Dialect::read_error), and what the headers say in
/// [`Dialect::read_error_head`](crate::Dialect::read_error_head).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct WireError {
    /// The code, number or word.
    pub code: Option<String>,
    /// The service's own words.
    pub words: Words,
    /// The upstream provider that failed.
    pub upstream_name: Option<String>,
    /// The upstream provider's words, without what wraps them.
    pub upstream: Option<Words>,
    /// Facts beside the words that rules look at, each with its [source](Source).
    pub facts: Vec<(Source, String)>,
    /// The exhausted limit.
    pub limit: LimitFacts,
    /// The headers of the answer that the service got, or would have sent, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The upstream providers that the service tried before.
    pub previous: Vec<PreviousError>,
    /// Whether the service says that another try may succeed.
    pub retryable: Option<bool>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// Models that could be asked instead. Their prices and abilities differ.
    pub alternatives: Vec<String>,
    /// JSON to keep as the details of the error.
    pub details: Option<String>,
}

/// An upstream provider that the service tried before, and how it failed.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PreviousError {
    /// Its name.
    pub provider: Option<String>,
    /// Its code, number or word.
    pub code: Option<String>,
    /// Its words.
    pub message: Option<String>,
}

/// The facts about an exhausted limit in the error object.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LimitFacts {
    /// The place where the limit is set (`openrouter_key_limit`), or else why it refuses.
    pub source: Option<String>,
    /// The key, member or workspace that it is set for.
    pub scope: Option<String>,
    /// The time after which it starts anew (`daily`).
    pub window: Option<String>,
    /// Its height.
    pub limit: Option<Usd>,
    /// The part of it that is used up.
    pub spent: Option<Usd>,
    /// The part of it that is left.
    pub remaining: Option<Usd>,
    /// When it starts anew.
    pub resets_at: Option<Timestamp>,
}
