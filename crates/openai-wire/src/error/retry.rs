//! Decides whether and when to try again.

use std::time::{Duration, SystemTime};

use provider_core::author::ResponseHead;
use provider_core::{ErrorKind, RetryAdvice, Timestamp};

use super::rules::{Advice, Rule};
use super::{WireError, Words, duration};

/// The longest wait; a longer one becomes this one.
const MAX_WAIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The headers of the answer that an error came in, and the headers that the service reports in the error.
pub(super) struct Hints<'a> {
    pub(super) head: &'a ResponseHead,
    wire: &'a WireError,
    /// By the service's clock.
    now: SystemTime,
}

impl<'a> Hints<'a> {
    pub(super) fn new(wire: &'a WireError, head: &'a ResponseHead) -> Self {
        let date = head.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
        let now = date.and_then(|date| date.checked_add(head.age())).unwrap_or_else(SystemTime::now);
        Self { head, wire, now }
    }

    /// Returns whether and when to try again. The service's explicit advice counts before the rule's.
    pub(super) fn advice(&self, rule: &Rule) -> RetryAdvice {
        let asked =
            self.header("x-should-retry").and_then(|word| word.trim().to_ascii_lowercase().parse().ok());
        let asked = asked.or(self.wire.retryable);
        let advice = match asked {
            Some(true) => Advice::Again,
            Some(false) => Advice::Never,
            None => rule.advice,
        };
        let wait = || self.wait(rule.kind).map(|wait| RetryAdvice::After(wait.min(MAX_WAIT)));
        match advice {
            Advice::Never => RetryAdvice::Never,
            Advice::IfTold => wait().unwrap_or(RetryAdvice::Never),
            Advice::Again => wait().unwrap_or(RetryAdvice::Now),
        }
    }

    /// Returns when the limit of requests starts anew.
    pub(super) fn resets_at(&self) -> Option<Timestamp> {
        moment(self.header("x-ratelimit-reset")?)
    }

    /// Returns a number in the headers.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// Returns the wait that the service asks for. Its own field counts before headers, and headers count
    /// before its words and those of the provider behind it.
    fn wait(&self, kind: ErrorKind) -> Option<Duration> {
        let words = [Some(&self.wire.words), self.wire.upstream.as_ref()];
        let told = |find: fn(&Words) -> Option<Duration>| words.into_iter().flatten().find_map(find);
        let is_rate = kind == ErrorKind::RateLimited;
        self.wire
            .retry_after
            .or_else(|| self.retry_after())
            .or_else(|| told(|words| words.retry_delay))
            // The reset of a limit has no bearing on any other failure.
            .or_else(|| is_rate.then(|| self.resets_in()).flatten())
            .or_else(|| told(|words| wait_in_text(words.message.as_deref()?)).filter(|_| is_rate))
    }

    /// Reads `retry-after-ms`, or `retry-after` as seconds or a date.
    fn retry_after(&self) -> Option<Duration> {
        let number = |name: &str| self.header(name)?.trim().parse::<f64>().ok();
        let seconds = number("retry-after-ms").map(|number| number / 1e3).or_else(|| number("retry-after"));
        match seconds {
            Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            None => {
                let text = self.header("retry-after")?.trim();
                let until = |date: SystemTime| date.duration_since(self.now).ok();
                httpdate::parse_http_date(text).ok().and_then(until).or_else(|| duration(text))
            }
        }
    }

    /// Returns the time until the limit of requests starts anew.
    fn resets_in(&self) -> Option<Duration> {
        let span = |name: &str| {
            let text = self.header(name)?.trim();
            match text.parse::<f64>() {
                Ok(seconds) if moment(text).is_none() => Duration::try_from_secs_f64(seconds).ok(),
                Ok(_) => None,
                Err(_) => duration(text),
            }
        };
        let until = self.resets_at().and_then(|moment| moment.since(self.now));
        let of_window = until.or_else(|| span("x-ratelimit-reset")).or_else(|| span("ratelimit-reset"));
        let of = |what: &str| {
            let is_met = self.number(&format!("x-ratelimit-remaining-{what}")) == Some(0);
            is_met.then(|| span(&format!("x-ratelimit-reset-{what}"))).flatten()
        };
        of_window.or_else(|| of("requests")).or_else(|| of("tokens"))
    }

    /// Returns a header of the answer, or else of the answer that the service got.
    fn header(&self, name: &str) -> Option<&'a str> {
        let inner =
            || self.wire.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
        self.head.header(name).or_else(inner)
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
        let amount = duration(word).or_else(|| duration(&format!("{word}{}", unit(words.next()?))));
        match amount {
            Some(amount) => wait = Some(wait.unwrap_or_default().saturating_add(amount)),
            None => break,
        }
    }
    wait
}

/// Returns a unit of time as [`duration`] knows it; empty for other words.
fn unit(word: &str) -> &'static str {
    match word {
        "ms" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hour" | "hours" => "h",
        _ => "",
    }
}

/// Reads a moment as services write it: RFC 3339, or milliseconds or seconds since 1970.
pub fn moment(text: &str) -> Option<Timestamp> {
    // The year 2001 in seconds, and 1973 in milliseconds: less is a time span.
    const SECONDS: f64 = 1e9;
    const MILLISECONDS: f64 = 1e11;
    match text.trim().parse::<f64>() {
        Ok(number) if number >= MILLISECONDS => {
            Some(Timestamp::from_unix_seconds((number / 1e3).ceil() as i64))
        }
        Ok(number) if number >= SECONDS => Some(Timestamp::from_unix_seconds(number.ceil() as i64)),
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use provider_core::Secret;

    use super::super::rules::decide;
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
            (429, "Slow", &[("retry-after", "99999999")], RetryAdvice::After(MAX_WAIT)),
            (429, "Slow", &[DATE, ("retry-after", "Tue, 01 Dec 2026 00:01:00 GMT")], after(60_000)),
            (429, "Slow", &[("retry-after", "3"), ("x-should-retry", "false")], RetryAdvice::Never),
            (429, "Slow", &[DATE, RESET], RetryAdvice::After(MAX_WAIT)),
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

    #[test]
    fn moments_are_read_in_seconds_milliseconds_and_words() {
        let midnight = Some(Timestamp::from_unix_seconds(1_796_083_200));
        for text in
            ["1796083200", "1796083200000", " 1796083199001 ", "1796083200.0", "2026-12-01T00:00:00.000Z"]
        {
            assert_eq!(moment(text), midnight, "{text}");
        }
        for text in ["", "60", "-1796083200000", "daily", "NaN", "1000"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
