//! Moments as services write them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::date::{date_of, leading_date};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// A moment, UTC, to the second. Written as RFC 3339 has it: `2026-12-01T00:00:00Z`. A time that comes every
/// day is a [`TimeOfDay`](crate::TimeOfDay).
///
/// ```
/// use provider_core::Timestamp;
///
/// let midnight: Timestamp = "2026-12-01T01:00:00.000+01:00".parse()?;
/// assert_eq!(midnight.to_string(), "2026-12-01T00:00:00Z");
/// # Ok::<(), provider_core::ParseTimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Since 1970.
    seconds: i64,
}

/// A text that is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTimestampError(());

impl Timestamp {
    /// The moment so many seconds after the beginning of 1970.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self { seconds }
    }

    /// Seconds since the beginning of 1970.
    pub fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// The time from `now` until then; `None` if it has passed.
    pub fn since(self, now: SystemTime) -> Option<Duration> {
        let then = u64::try_from(self.seconds).ok()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(then))?.duration_since(now).ok()
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let whole = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => whole(since),
            Err(before) => -whole(before.duration()),
        };
        Self { seconds }
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// Reads RFC 3339, and a date alone as its first second.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text.trim()).map(Timestamp::from_unix_seconds).ok_or(ParseTimestampError(()))
    }
}

fn read(text: &str) -> Option<i64> {
    let (date, day) = leading_date(text)?;
    let midnight = day.checked_mul(SECONDS_PER_DAY)?;
    let Some(time) = text.strip_prefix(date)?.strip_prefix(['T', 't', ' ']) else {
        return (text == date).then_some(midnight);
    };
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let offset = match zone.split_at_checked(1) {
        // Without a zone it is UTC.
        None | Some(("Z" | "z", "")) => 0,
        Some(("+", zone)) => seconds_of(zone)?,
        Some(("-", zone)) => -seconds_of(zone)?,
        Some(_) => return None,
    };
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_fraction.then_some(midnight + seconds_of(clock)? - offset)
}

/// The seconds of `hh:mm` or `hh:mm:ss`.
fn seconds_of(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':').map(|part| {
        let is_two_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_two_digits.then(|| part.parse::<i64>().ok()).flatten()
    });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    // A leap second is the next minute's first one.
    let in_range = hours < 24 && minutes < 60 && seconds <= 60 && parts.next().is_none();
    in_range.then_some((hours * 60 + minutes) * 60 + seconds)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
    }
}

impl Serialize for Timestamp {
    /// As the text that it is shown as.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a moment such as 2026-12-01T00:00:00Z")
    }
}

impl std::error::Error for ParseTimestampError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_796_083_199, "2026-11-30T23:59:59Z"),
            (1_796_083_200, "2026-12-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_unix_seconds(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_unix_seconds(seconds)));
        }
    }

    #[test]
    fn zones_and_fractions_are_understood_and_nonsense_is_refused() {
        let midnight = Ok(Timestamp::from_unix_seconds(1_796_083_200));
        for text in [
            "2026-12-01",
            "2026-12-01T00:00Z",
            "2026-12-01 00:00:00",
            "2026-11-30T23:59:60Z",
            "2026-12-01T00:00:00.999Z",
            "2026-12-01T02:30:00+02:30",
            " 2026-11-30T19:00:00-05:00 ",
        ] {
            assert_eq!(text.parse(), midnight, "{text}");
        }
        for text in
            ["", "soon", "2026-13-01", "2026-12-01T", "2026-12-01T25:00:00Z", "2026-12-01T00:00:00Zulu"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        for text in ["2026-12-01T24:00:00Z", "2026-12-01T00:60:00Z", "2026-12-01T00:00:00:00Z"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        for text in
            ["2026-12-01T00:00:00.Z", "2026-12-01T00:00:00.xZ", "2026-12-01T0:0:0Z", "2026-12-01-05:00"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_ahead_or_past() {
        let moment = Timestamp::from_unix_seconds(100);
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(moment.since(at(40)), Some(Duration::from_secs(60)));
        assert_eq!(moment.since(at(101)), None);
        assert_eq!(Timestamp::from(at(100)), moment);
    }
}
