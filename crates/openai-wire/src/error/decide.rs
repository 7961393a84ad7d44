//! Finds the rule that decides about an error.

mod phrase;

use lenient_json::Raw;

use self::phrase::Phrases;
use crate::dialect::Dialect;
use crate::rules::{Rule, Source, UNTOLD, common};
use crate::wire_error::WireError;

const SOURCES: [Source; 8] = [
    Source::Limit,
    Source::Excluded,
    Source::Availability,
    Source::Field,
    Source::Code,
    Source::Text,
    Source::VagueCode,
    Source::Status,
];

/// Returns the rule that decides about an error, and which of its patterns applies. `status`: the one that
/// counts, or [`UNTOLD`]. `own`: the rows of the service.
pub fn decide(error: &WireError, status: u16, own: &'static [Rule]) -> (&'static Rule, &'static str) {
    let searched = Searched::new(error);
    let tables = [own, common::RULES];
    let rules = SOURCES
        .iter()
        .flat_map(|source| tables.into_iter().flatten().filter(move |rule| rule.source == *source));
    let mut decided =
        rules.filter(|rule| rule.statuses.iter().any(|range| range.contains(&status))).filter_map(|rule| {
            let pattern = rule.patterns.iter().find(|(pattern, _)| searched.has(rule.source, pattern))?;
            Some((rule, pattern.0))
        });
    decided.next().unwrap_or((&common::OTHERWISE, ""))
}

/// An error, prepared for the search.
struct Searched<'e> {
    error: &'e WireError,
    texts: Vec<Phrases>,
}

impl<'e> Searched<'e> {
    fn new(error: &'e WireError) -> Self {
        let words = [Some(&error.words), error.upstream.as_ref()].into_iter().flatten();
        Self { error, texts: words.filter_map(|words| words.message.as_deref()).map(Phrases::new).collect() }
    }

    fn has(&self, source: Source, pattern: &str) -> bool {
        let fact = |fits: fn(&str, &str) -> bool| {
            self.error.facts.iter().any(|(of, fact)| *of == source && fits(fact, pattern))
        };
        match source {
            Source::Limit => fact(|fact, pattern| fact.contains(pattern)),
            Source::Excluded => fact(|fact, pattern| fact.starts_with(pattern)),
            Source::Availability | Source::Field => fact(|fact, pattern| fact == pattern),
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

/// Checks the examples of a table, as the test of a dialect does with its own: the row and the pattern of an
/// example must decide it, and the rows must stand in the order of their sources.
///
/// # Errors
/// The examples that another row or pattern decides, and which one.
pub fn check_examples<D: Dialect>(dialect: &D, table: &'static [Rule]) -> Result<(), Vec<String>> {
    let mut strays = strays(table, dialect, |_| true, |text| Some(text.to_owned()));
    if !table.is_sorted_by_key(|rule| rule.source) {
        strays.push("the rows do not stand in the order of their sources".to_owned());
    }
    strays.extend(
        table.iter().filter(|rule| rule.patterns.is_empty()).map(|rule| format!("{rule:?} is empty")),
    );
    if strays.is_empty() { Ok(()) } else { Err(strays) }
}

/// Checks the examples of rows that are `chosen`, each `wrapped` in another text.
fn strays<D: Dialect>(
    table: &'static [Rule],
    dialect: &D,
    chosen: impl Fn(&Rule) -> bool,
    wrapped: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut strays = Vec::new();
    for rule in table.iter().filter(|rule| chosen(rule)) {
        for (pattern, text) in rule.patterns {
            let (_, status) = example(rule, text, dialect);
            // A service may mean more by a status.
            let is_own = dialect.rules().iter().any(|own| {
                own.source == Source::Status && own.statuses.iter().any(|range| range.contains(&status))
            });
            if rule.source == Source::Status && is_own && !std::ptr::eq(table, dialect.rules()) {
                continue;
            }
            let Some(wrapped) = wrapped(text) else { continue };
            let (decided, by) = decide(&example(rule, &wrapped, dialect).0, status, dialect.rules());
            if !std::ptr::eq(decided, rule) || by != *pattern {
                strays.push(format!("{text} is {:?} by {by:?}, and not by {pattern:?}", decided.kind));
            }
        }
    }
    strays
}

/// Returns the error of an example, and its status: the one in it, or the first one with which the rule
/// applies.
fn example<D: Dialect>(rule: &Rule, example: &str, dialect: &D) -> (WireError, u16) {
    let error = if example.starts_with('{') {
        WireError::read(Raw::of(example), dialect)
    } else {
        WireError::from_text(example, dialect)
    };
    let first = rule.statuses.first().map_or(UNTOLD, |range| *range.start());
    let told =
        error.words.status.or_else(|| rule.statuses.iter().any(|range| range.contains(&400)).then_some(400));
    (error, told.unwrap_or(first))
}

#[cfg(test)]
mod tests;
