//! The wait that an answer asks for: `retry-after` in its forms, and the resets of rate limits.

use std::time::{Duration, SystemTime};

use crate::frame::{Headers, ResponseHead};
use crate::{ErrorKind, RetryAdvice, Timestamp};

/// The longest wait that is passed on; a longer one becomes this one.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The headers of an answer that say whether and when to try again.
///
/// A wire's table of errors asks for [`advice`](Self::advice) with the advice that it has for the error
/// itself.
///
/// ```
/// use provider_core::author::{ResponseHead, RetryHints};
/// use provider_core::{ErrorKind, RetryAdvice, Secret};
/// use std::time::Duration;
///
/// let head = ResponseHead::new(429, &[("retry-after", "6m0s")][..], Secret::new("key"));
/// let advice = RetryHints::of(&head).advice(ErrorKind::RateLimited, RetryAdvice::Now);
/// assert_eq!(advice, RetryAdvice::After(Duration::from_secs(360)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RetryHints<'h> {
    head: &'h ResponseHead,
    quoted: Option<&'h dyn Headers>,
    /// The time by the service's clock.
    now: SystemTime,
}

impl<'h> RetryHints<'h> {
    /// The hints in these headers. The time is that of the answer's `date`, and the answer's age on top of
    /// it; without it, that of this machine.
    pub fn of(head: &'h ResponseHead) -> Self {
        let date = head.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
        let now = date.and_then(|date| date.checked_add(head.age())).unwrap_or_else(SystemTime::now);
        Self { head, quoted: None, now }
    }

    /// Looks in these headers too, for those that the answer lacks: a service may quote the headers of the
    /// service behind it.
    #[must_use]
    pub fn or(mut self, quoted: &'h dyn Headers) -> Self {
        self.quoted = Some(quoted);
        self
    }

    /// Returns the value of a header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&'h str> {
        self.head.header(name).or_else(|| self.quoted?.get(name))
    }

    /// Returns the advice on trying again. `x-should-retry` counts before `usual`, which is what the error
    /// itself means; if trying again can help, the wait counts that the headers ask for.
    pub fn advice(&self, kind: ErrorKind, usual: RetryAdvice) -> RetryAdvice {
        let may_pass = self.should_retry().unwrap_or(usual != RetryAdvice::Never);
        match (may_pass, self.wait(kind), usual) {
            (false, _, _) => RetryAdvice::Never,
            (true, Some(wait), _) => RetryAdvice::After(wait),
            (true, None, RetryAdvice::After(wait)) => RetryAdvice::After(wait.min(MAX_RETRY_AFTER)),
            (true, None, _) => RetryAdvice::Now,
        }
    }

    /// Returns the wait that the headers ask for, at most [`MAX_RETRY_AFTER`]. The moment when a limit of
    /// requests starts anew counts for [`ErrorKind::RateLimited`] alone.
    pub(crate) fn wait(&self, kind: ErrorKind) -> Option<Duration> {
        let of_limit = || (kind == ErrorKind::RateLimited).then(|| self.resets_in()).flatten();
        self.retry_after().or_else(of_limit).map(|wait| wait.min(MAX_RETRY_AFTER))
    }

    /// Returns what `x-should-retry` says.
    pub fn should_retry(&self) -> Option<bool> {
        self.header("x-should-retry")?.trim().to_ascii_lowercase().parse().ok()
    }

    /// Returns the wait of `retry-after-ms`, or of `retry-after` in seconds, as a date or as in `6m0s`.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Some(millis) = self.number("retry-after-ms") {
            return Duration::try_from_secs_f64(millis / 1e3).ok();
        }
        if let Some(seconds) = self.number("retry-after") {
            return Duration::try_from_secs_f64(seconds).ok();
        }
        let text = self.header("retry-after")?.trim();
        match httpdate::parse_http_date(text) {
            Ok(date) => date.duration_since(self.now).ok(),
            Err(_) => parse_duration(text),
        }
    }

    /// Returns the moment of `x-ratelimit-reset`, where that is a moment.
    pub fn resets_at(&self) -> Option<Timestamp> {
        parse_moment(self.header("x-ratelimit-reset")?)
    }

    /// Returns the time until the limit of requests, or of tokens, starts anew: by `x-ratelimit-reset`,
    /// `ratelimit-reset`, or by the `x-ratelimit-reset-…` of the limit of which nothing remains.
    pub fn resets_in(&self) -> Option<Duration> {
        let until = self.resets_at().and_then(|moment| moment.since(self.now));
        let of_window =
            until.or_else(|| self.span("x-ratelimit-reset")).or_else(|| self.span("ratelimit-reset"));
        let of = |what: &str| {
            let is_met = self.number(&format!("x-ratelimit-remaining-{what}")) == Some(0.0);
            is_met.then(|| self.span(&format!("x-ratelimit-reset-{what}"))).flatten()
        };
        of_window.or_else(|| of("requests")).or_else(|| of("tokens"))
    }

    /// The span of time in a header, which may have a moment instead.
    fn span(&self, name: &str) -> Option<Duration> {
        let text = self.header(name)?.trim();
        match text.parse::<f64>() {
            Ok(seconds) if parse_moment(text).is_none() => Duration::try_from_secs_f64(seconds).ok(),
            Ok(_) => None,
            Err(_) => parse_duration(text),
        }
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.header(name)?.trim().parse().ok()
    }
}

/// Reads a span of time as in `26s`, `1.5s`, `6m0s` or `120ms`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, unit) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let unit_end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let in_seconds = match &unit[..unit_end] {
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * in_seconds;
        rest = &unit[unit_end..];
    }
    (!text.trim().is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// Reads a moment in any of the ways that services write one: RFC 3339, or milliseconds or seconds since
/// 1970. A smaller number is a span of time, and none.
pub fn parse_moment(text: &str) -> Option<Timestamp> {
    // The year 2001 in seconds, and 1973 in milliseconds.
    const MIN_SECONDS: f64 = 1e9;
    const MIN_MILLISECONDS: f64 = 1e11;
    match text.trim().parse::<f64>() {
        Ok(number) if number >= MIN_MILLISECONDS => {
            Some(Timestamp::from_unix_seconds((number / 1e3).ceil() as i64))
        }
        Ok(number) if number >= MIN_SECONDS => Some(Timestamp::from_unix_seconds(number.ceil() as i64)),
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::Secret;

    use super::*;

    #[derive(Debug)]
    struct Map(HashMap<&'static str, &'static str>);

    impl Headers for Map {
        fn get(&self, name: &str) -> Option<&str> {
            self.0.get(name).copied()
        }
    }

    fn advice(kind: ErrorKind, headers: &[(&'static str, &'static str)]) -> RetryAdvice {
        let head = ResponseHead::new(429, Map(headers.iter().copied().collect()), Secret::new(""));
        RetryHints::of(&head).advice(kind, kind.usual_retry())
    }

    #[test]
    fn headers_say_when_to_try_again() {
        let after = |millis| RetryAdvice::After(Duration::from_millis(millis));
        let date = ("date", "Tue, 01 Dec 2026 00:00:00 GMT");
        let (limited, down) = (ErrorKind::RateLimited, ErrorKind::Server);
        for (kind, headers, expected) in [
            (limited, &[("retry-after-ms", "1500"), ("retry-after", "9")][..], after(1_500)),
            (limited, &[("retry-after", " 2.5 ")], after(2_500)),
            (limited, &[("retry-after", "6m0s")], after(360_000)),
            (limited, &[("retry-after", "soon")], RetryAdvice::Now),
            (limited, &[("retry-after", "-1")], RetryAdvice::Now),
            (limited, &[("retry-after", "99999999")], RetryAdvice::After(MAX_RETRY_AFTER)),
            (limited, &[date, ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], RetryAdvice::Now),
            (limited, &[("retry-after", "3"), ("x-should-retry", "FALSE")], RetryAdvice::Never),
            (ErrorKind::InvalidRequest, &[("retry-after", "3")], RetryAdvice::Never),
            (ErrorKind::InvalidRequest, &[("x-should-retry", "true")], RetryAdvice::Now),
            (limited, &[("x-ratelimit-reset", "20")], after(20_000)),
            (limited, &[("ratelimit-reset", "20")], after(20_000)),
            (limited, &[date, ("x-ratelimit-reset", "4102444800000")], RetryAdvice::After(MAX_RETRY_AFTER)),
            (down, &[date, ("x-ratelimit-reset", "4102444800000")], RetryAdvice::Now),
            (
                limited,
                &[("x-ratelimit-remaining-requests", "5"), ("x-ratelimit-reset-requests", "1h")],
                RetryAdvice::Now,
            ),
            (
                limited,
                &[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "120ms")],
                after(120),
            ),
        ] {
            assert_eq!(advice(kind, headers), expected, "{kind:?} {headers:?}");
        }
        let head = ResponseHead::new(429, &[("x-should-retry", "true")][..], Secret::new(""));
        let quoted = [("retry-after", "9"), ("x-should-retry", "false")];
        let quoted = Map(quoted.into_iter().collect());
        assert_eq!(RetryHints::of(&head).or(&quoted).advice(limited, RetryAdvice::Never), after(9_000));
        let headers = [date, ("retry-after", "Tue, 01 Dec 2026 00:01:00 GMT")];
        // By the service's clock, less the moment that the answer is old.
        let RetryAdvice::After(wait) = advice(limited, &headers) else { panic!("no wait") };
        assert!(wait <= Duration::from_secs(60) && wait > Duration::from_secs(50), "{wait:?}");
    }

    #[test]
    fn durations_and_moments_are_told_apart() {
        for (text, millis) in [
            ("26s", Some(26_000)),
            ("1.5s", Some(1_500)),
            ("6m0s", Some(360_000)),
            ("1h1ms", Some(3_600_001)),
        ] {
            assert_eq!(parse_duration(text), millis.map(Duration::from_millis), "{text}");
        }
        for text in ["", " ", "5", "s", "1d", "-1s", "1.2.3s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        let midnight = Some(Timestamp::from_unix_seconds(1_796_083_200));
        for text in
            ["1796083200", "1796083200000", " 1796083199001 ", "1796083200.0", "2026-12-01T00:00:00.000Z"]
        {
            assert_eq!(parse_moment(text), midnight, "{text}");
        }
        for text in ["", "60", "-1796083200000", "daily", "NaN", "1000"] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }
}
