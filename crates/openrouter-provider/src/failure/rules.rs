//! The table that decides the kind of a failure, whether trying again helps, and the next step.
//!
//! A [`Rule`] says where to look and for what. The first one that applies decides: the most telling
//! [`Source`] first, and of one source the rules in the order of the tables. [`service`] has the words of
//! OpenRouter, [`common`] those that any OpenAI-compatible server or upstream provider says. Beside every
//! pattern stands an example, which the tests play.

mod common;
mod phrase;
mod service;

use std::ops::RangeInclusive;

use provider_core::{ErrorKind, LimitKind};

use self::phrase::Phrases;
use crate::wire::error::WireError;

/// Where a rule looks, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// `metadata.limit_source`, or else `metadata.reason`: the pattern is a part of it.
    Limit,
    /// `availability.excluded_by`: the pattern begins one of the reasons.
    Excluded,
    /// `availability.code`.
    Availability,
    /// A field of the metadata that says something: the pattern is its name.
    Mark,
    /// A telling code of the service or of the provider behind it, wherever it stands, in `snake_case`,
    /// `CamelCase` or `CAPITALS`.
    Code,
    /// The texts of both: the pattern is a [phrase](Phrases).
    Text,
    /// A code that says little. It counts where no text does.
    VagueCode,
    /// The status alone. The pattern is empty.
    Status,
}

/// The statuses with which a rule applies. [`UNTOLD`] stands for an error inside a success that has none.
pub(super) type Statuses = &'static [RangeInclusive<u16>];

/// The status of an error that has none.
pub(super) const UNTOLD: u16 = 0;
/// Any status.
const ANY: Statuses = &[0..=999];
/// Not one that is about the key, money, time or rates: then a text about tokens is about those.
const CONTENT: Statuses = &[0..=400, 403..=407, 409..=428, 430..=999];
/// The request was refused for what is in it.
const REFUSED: Statuses = &[UNTOLD..=UNTOLD, 400..=400, 403..=407, 409..=428];
/// Not one that says more than the code.
const NOT_REFUSED: Statuses = &[0..=399, 500..=999];

/// Whether trying again helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    Never,
    /// After the wait that the service asks for, if it asks for one, and else not.
    IfTold,
    /// After that wait, or else with the caller's back-off.
    Again,
}

/// One row of the tables.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) source: Source,
    pub(super) statuses: Statuses,
    pub(super) kind: ErrorKind,
    pub(super) advice: Advice,
    /// Which limit was met.
    pub(super) limit: Option<LimitKind>,
    /// The next step, as the second half of a sentence; see [`next_step`](super::next_step). Empty: none is
    /// known.
    pub(super) step: &'static str,
    /// Each with an error that it decides: the JSON of the error, or its text.
    pub(super) patterns: &'static [(&'static str, &'static str)],
}

impl Rule {
    const fn new(
        source: Source,
        statuses: Statuses,
        kind: ErrorKind,
        advice: Advice,
        patterns: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { source, statuses, kind, advice, limit: None, step: "", patterns }
    }

    const fn limit(mut self, kind: LimitKind) -> Self {
        self.limit = Some(kind);
        self
    }

    const fn step(mut self, step: &'static str) -> Self {
        self.step = step;
        self
    }
}

/// The tables, the service's own first.
static TABLES: [&[Rule]; 2] = [service::RULES, common::RULES];
const SOURCES: [Source; 8] = [
    Source::Limit,
    Source::Excluded,
    Source::Availability,
    Source::Mark,
    Source::Code,
    Source::Text,
    Source::VagueCode,
    Source::Status,
];

/// The rule that decides about an error, and which of its patterns applies. `status`: the one that counts, or
/// [`UNTOLD`].
pub(super) fn decide(error: &WireError, status: u16) -> (&'static Rule, &'static str) {
    let heard = Heard::new(error);
    let rules = SOURCES
        .iter()
        .flat_map(|source| TABLES.iter().flat_map(|table| *table).filter(move |rule| rule.source == *source));
    let mut decided =
        rules.filter(|rule| rule.statuses.iter().any(|range| range.contains(&status))).filter_map(|rule| {
            let pattern = rule.patterns.iter().find(|(pattern, _)| heard.has(rule.source, pattern))?;
            Some((rule, pattern.0))
        });
    decided.next().unwrap_or((&common::OTHERWISE, ""))
}

/// An error, made ready to be searched.
struct Heard<'e> {
    error: &'e WireError,
    texts: Vec<Phrases>,
}

impl<'e> Heard<'e> {
    fn new(error: &'e WireError) -> Self {
        let words = [Some(&error.words), error.upstream.as_ref()].into_iter().flatten();
        Self { error, texts: words.filter_map(|words| words.message.as_deref()).map(Phrases::new).collect() }
    }

    fn has(&self, source: Source, pattern: &str) -> bool {
        let availability = self.error.availability.as_ref();
        match source {
            Source::Limit => self.error.budget.source.as_ref().is_some_and(|word| word.contains(pattern)),
            Source::Excluded => availability
                .is_some_and(|known| known.excluded_by.iter().any(|reason| reason.starts_with(pattern))),
            Source::Availability => availability.is_some_and(|known| known.code.as_deref() == Some(pattern)),
            Source::Mark => self.error.marks.iter().any(|name| name == pattern),
            Source::Code | Source::VagueCode => self.codes().any(|code| is_same_word(code, pattern)),
            Source::Text => self.texts.iter().any(|text| text.have(pattern)),
            Source::Status => true,
        }
    }

    fn codes(&self) -> impl Iterator<Item = &'e str> {
        let upstream = self.error.upstream.iter().flat_map(|words| &words.codes);
        self.error.words.codes.iter().chain(upstream).map(String::as_str)
    }
}

/// Whether two codes are the same but for their spelling: `content_filter`, `ContentFilter`,
/// `CONTENT_FILTER`.
fn is_same_word(one: &str, other: &str) -> bool {
    let letters = |word: &'_ str| {
        let letters = word.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
        letters.collect::<Vec<_>>()
    };
    one == other || letters(one) == letters(other)
}

#[cfg(test)]
mod tests;
