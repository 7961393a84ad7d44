//! The table that decides the kind of a failure, whether trying again helps, and the next step.
//!
//! A [`Rule`] names a source and its patterns. The first rule that applies decides. The most specific
//! [`Source`] comes first; within one source the rules of the service's [dialect](crate::Dialect::rules) come
//! first, then the [`common`] ones for any OpenAI-compatible server or upstream provider. Every pattern has
//! an example, which [`check_examples`](crate::error::check_examples) tests.

pub mod common;

use std::ops::RangeInclusive;

use provider_core::{ErrorKind, LimitKind};

/// A place where a rule looks, the most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// The name of the exhausted limit, or else why it refuses: the pattern is a part of it.
    Limit,
    /// A reason for which an endpoint was left out: the pattern is its beginning.
    Excluded,
    /// The reason for which the model could not be served: the pattern is equal to it.
    Availability,
    /// The name of a field with a meaning of its own: the pattern is equal to it.
    Field,
    /// A specific code of the service or of the provider behind it, at any level, in `snake_case`,
    /// `CamelCase` or `CAPITALS`.
    Code,
    /// The texts of both: the pattern is a phrase.
    Text,
    /// A vague code. It counts where no text does.
    VagueCode,
    /// The status alone. The pattern is empty.
    Status,
}

/// The statuses with which a rule applies. [`UNTOLD`] stands for an error inside a success that has none.
pub type Statuses = &'static [RangeInclusive<u16>];

/// The status of an error that has none.
pub const UNTOLD: u16 = 0;
/// Any status.
pub const ANY: Statuses = &[0..=999];
/// Statuses that are not about the key, money, time or rates. With a status that is, a text about tokens is
/// about the same.
pub(crate) const CONTENT: Statuses = &[0..=400, 403..=407, 409..=428, 430..=999];
/// Statuses of a request that was refused for its content.
pub const REFUSED: Statuses = &[UNTOLD..=UNTOLD, 400..=400, 403..=407, 409..=428];
/// Statuses that do not say more than the code.
pub const NOT_REFUSED: Statuses = &[0..=399, 500..=999];

/// Whether trying again helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Another try does not help.
    Never,
    /// Another try helps after the wait that the service asks for. It does not help if the service asks for
    /// none.
    IfTold,
    /// Another try helps after that wait, or else after the caller's back-off.
    Again,
}

/// One row of the tables. A `static` table makes its rows with [`new`](Rule::new) and the methods behind it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rule {
    /// The place to search.
    pub source: Source,
    /// The statuses with which the rule applies.
    pub statuses: Statuses,
    /// The kind of the failure.
    pub kind: ErrorKind,
    /// Whether trying again helps.
    pub advice: Advice,
    /// The limit that was met.
    pub limit: Option<LimitKind>,
    /// The next step, as the second half of a sentence. `{limit}` stands for the limit that was met, and
    /// `{or_wait}` for when it starts anew, if it does. Empty: none is known.
    pub step: &'static str,
    /// The patterns, each with an error that it decides: the JSON of the error, or its text.
    pub patterns: &'static [(&'static str, &'static str)],
}

impl Rule {
    /// Creates a row without a limit and a next step.
    pub const fn new(
        source: Source,
        statuses: Statuses,
        kind: ErrorKind,
        advice: Advice,
        patterns: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { source, statuses, kind, advice, limit: None, step: "", patterns }
    }

    /// Sets which limit was met.
    #[must_use]
    pub const fn limit(mut self, kind: LimitKind) -> Self {
        self.limit = Some(kind);
        self
    }

    /// Sets the next step.
    #[must_use]
    pub const fn step(mut self, step: &'static str) -> Self {
        self.step = step;
        self
    }
}
