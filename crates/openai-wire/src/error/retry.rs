//! Decides whether and when to try again.

use std::time::Duration;

use provider_core::author::{MAX_RETRY_AFTER, ResponseHead, RetryHints, parse_duration};
use provider_core::{ErrorKind, RetryAdvice, Timestamp};

use crate::rules::{Advice, Rule};
use crate::wire_error::{WireError, Words};

/// The hints of an error: the headers of its answer and those that the service quotes in it, and its words.
pub(super) struct Hints<'a> {
    pub(super) head: &'a ResponseHead,
    wire: &'a WireError,
    headers: RetryHints<'a>,
}

impl<'a> Hints<'a> {
    pub(super) fn new(wire: &'a WireError, head: &'a ResponseHead) -> Self {
        Self { head, wire, headers: RetryHints::of(head).or(&wire.headers) }
    }

    /// Returns whether and when to try again. The service's explicit advice counts before the rule's.
    pub(super) fn advice(&self, rule: &Rule) -> RetryAdvice {
        let advice = match self.headers.should_retry().or(self.wire.retryable) {
            Some(true) => Advice::Again,
            Some(false) => Advice::Never,
            None => rule.advice,
        };
        let wait = || self.wait(rule.kind).map(|wait| RetryAdvice::After(wait.min(MAX_RETRY_AFTER)));
        match advice {
            Advice::Never => RetryAdvice::Never,
            Advice::IfTold => wait().unwrap_or(RetryAdvice::Never),
            Advice::Again => wait().unwrap_or(RetryAdvice::Now),
        }
    }

    /// Returns when the limit of requests starts anew.
    pub(super) fn resets_at(&self) -> Option<Timestamp> {
        self.headers.resets_at()
    }

    /// Returns a number in the headers.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.headers.header(name)?.trim().parse().ok()
    }

    /// Returns the wait that the service asks for. Its own field counts before headers, and headers count
    /// before its words and those of the provider behind it.
    fn wait(&self, kind: ErrorKind) -> Option<Duration> {
        let words = [Some(&self.wire.words), self.wire.upstream.as_ref()];
        let told = |find: fn(&Words) -> Option<Duration>| words.into_iter().flatten().find_map(find);
        let is_rate = kind == ErrorKind::RateLimited;
        self.wire
            .retry_after
            .or_else(|| self.headers.retry_after())
            .or_else(|| told(|words| words.retry_delay))
            // The reset of a limit has no bearing on any other failure.
            .or_else(|| is_rate.then(|| self.headers.resets_in()).flatten())
            .or_else(|| told(|words| wait_in_text(words.message.as_deref()?)).filter(|_| is_rate))
    }
}

/// Reads the wait in `Please try again in 6m0s.`, `retry after 20 seconds` or
/// `try again in 1 minute 20 seconds`.
fn wait_in_text(text: &str) -> Option<Duration> {
    const BEGINNINGS: [&str; 6] =
        ["try again in ", "try again after ", "retry in ", "retry after ", "please wait ", "wait for "];
    let text = text.to_lowercase();
    let after = BEGINNINGS.iter().find_map(|words| text.split_once(words).map(|(_, after)| after))?;
    let mut words =
        after.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ';', ')', '"', '!']));
    let mut wait: Option<Duration> = None;
    while let Some(word) = words.next() {
        let amount =
            parse_duration(word).or_else(|| parse_duration(&format!("{word}{}", unit(words.next()?))));
        match amount {
            Some(amount) => wait = Some(wait.unwrap_or_default().saturating_add(amount)),
            None => break,
        }
    }
    wait
}

/// Returns a unit of time as [`parse_duration`] knows it; empty for other words.
fn unit(word: &str) -> &'static str {
    match word {
        "ms" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hour" | "hours" => "h",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use provider_core::Secret;

    use super::super::decide;
    use super::*;
    use crate::dialect::Plain;

    type Pairs = &'static [(&'static str, &'static str)];

    /// Returns the advice for an answer with these headers.
    fn advice(status: u16, body: &str, headers: Pairs) -> RetryAdvice {
        let wire = WireError::from_text(body, &Plain);
        let head = ResponseHead::new(status, headers, Secret::new(""));
        match Hints::new(&wire, &head).advice(decide(&wire, status, &[]).0) {
            // The head is some microseconds old.
            RetryAdvice::After(wait) => {
                RetryAdvice::After(Duration::from_millis(wait.as_secs_f64().mul_add(1e3, 0.5) as u64))
            }
            other => other,
        }
    }

    #[test]
    fn waits_in_headers_are_heeded_where_they_are_about_the_failure() {
        let after = |millis| RetryAdvice::After(Duration::from_millis(millis));
        const DATE: (&str, &str) = ("date", "Tue, 01 Dec 2026 00:00:00 GMT");
        const RESET: (&str, &str) = ("x-ratelimit-reset", "4102444800000");
        let cases: [(u16, &str, Pairs, RetryAdvice); 7] = [
            (429, "Slow", &[("retry-after-ms", "1500"), ("retry-after", "9")], after(1500)),
            (429, "Slow", &[("retry-after", "99999999")], RetryAdvice::After(MAX_RETRY_AFTER)),
            (429, "Slow", &[DATE, ("retry-after", "Tue, 01 Dec 2026 00:01:00 GMT")], after(60_000)),
            (429, "Slow", &[("retry-after", "3"), ("x-should-retry", "false")], RetryAdvice::Never),
            (429, "Slow", &[DATE, RESET], RetryAdvice::After(MAX_RETRY_AFTER)),
            (500, "Down", &[DATE, RESET], RetryAdvice::Now),
            (500, "Down. Please try again in 20s.", &[], RetryAdvice::Now),
        ];
        for (status, body, headers, expected) in cases {
            assert_eq!(advice(status, body, headers), expected, "{status} {body} {headers:?}");
        }
    }

    #[test]
    fn waits_in_texts_are_understood() {
        for (text, seconds) in [
            ("Rate limit reached. Please try again in 6m0s. Visit the docs", Some(360.0)),
            ("Please try again in 20ms.", Some(0.02)),
            ("Please retry in 26.4s.", Some(26.4)),
            ("Try again in 5s", Some(5.0)),
            ("Try again in 1 minute 20 seconds", Some(80.0)),
            ("please try again after 1 seconds, or later", Some(1.0)),
            ("Please wait 20 sec.", Some(20.0)),
            ("Please wait for a slot", None),
            ("Too fast. Retry after 20 seconds.", Some(20.0)),
            ("try again in 20 seconds", Some(20.0)),
            ("Please retry after 1 minute.", Some(60.0)),
            ("Please try again in a while", None),
            ("try again in 5", None),
            ("Please retry shortly", None),
            ("", None),
        ] {
            assert_eq!(wait_in_text(text).map(|wait| wait.as_secs_f64()), seconds, "{text}");
        }
    }
}
