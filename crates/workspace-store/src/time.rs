//! The store's clock, and the days, weeks and months of a time zone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use jiff::{Timestamp as Moment, ZonedDateTime};
use provider_core::Timestamp;

use crate::error::{Result, StoreError};

/// The clock of a store: the host's, moved by its difference from the database's, so that hosts agree.
#[derive(Clone)]
pub(crate) struct Clock {
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// The database's time less the host's, in milliseconds.
    difference: Arc<AtomicI64>,
}

impl Clock {
    pub(crate) fn new(now: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Self {
        Self { now, difference: Arc::default() }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.host() + self.difference.load(Ordering::Relaxed)
    }

    /// The same by the host's clock alone.
    pub(crate) fn host(&self) -> i64 {
        let since = (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Sets the database's time, as it was when the host's was `host`.
    pub(crate) fn adjust(&self, host: i64, database: i64) {
        self.difference.store(database - host, Ordering::Relaxed);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("difference_ms", &self.difference).finish_non_exhaustive()
    }
}

pub(crate) fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(milliseconds.div_euclid(1000))
}

/// Finds a time zone by its name in the IANA database.
pub(crate) fn time_zone(name: &str) -> Result<TimeZone> {
    let unknown = |_| StoreError::invalid("time_zone", "is no time zone such as UTC or Europe/Berlin");
    // Files of the database that mean another zone on each machine, or no zone.
    let lower = name.to_ascii_lowercase();
    if ["localtime", "posixrules", "factory"].contains(&&*lower) {
        return Err(StoreError::invalid("time_zone", "must be the same on every machine, as UTC is"));
    }
    TimeZone::get(name).map_err(unknown)
}

/// The day of a moment in a time zone. A zone that this build does not know counts as UTC, and a moment
/// beyond the range of dates (the year 9999) as its end.
pub(crate) fn date_of(now: i64, zone: &str) -> jiff::civil::Date {
    let moment = Moment::from_millisecond(now).unwrap_or(if now < 0 { Moment::MIN } else { Moment::MAX });
    moment.to_zoned_datetime(time_zone(zone).unwrap_or(TimeZone::UTC)).date()
}

/// The ends of the day, the week (Monday is its first day) and the month that a moment is in, in
/// milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeriodEnds {
    pub(crate) day: i64,
    pub(crate) week: i64,
    pub(crate) month: i64,
}

/// The end of a period that never ends.
pub(crate) const NEVER: i64 = i64::MAX;

impl PeriodEnds {
    /// A period whose end lies beyond the range of dates (the year 9999) does not end.
    pub(crate) fn of(now: i64, zone: TimeZone) -> Self {
        let never = Self { day: NEVER, week: NEVER, month: NEVER };
        let Ok(moment) = Moment::from_millisecond(now) else { return never };
        let now = moment.to_zoned_datetime(zone);
        let end = |found: std::result::Result<ZonedDateTime, jiff::Error>| {
            found.map_or(NEVER, |zoned| zoned.timestamp().as_millisecond())
        };
        let day = || now.tomorrow()?.start_of_day();
        let week = || {
            let days = 7 - i64::from(now.weekday().to_monday_zero_offset());
            now.checked_add(jiff::Span::new().days(days))?.start_of_day()
        };
        let month = || now.last_of_month()?.tomorrow()?.start_of_day();
        Self { day: end(day()), week: end(week()), month: end(month()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(now: &str, zone: &str) -> [String; 3] {
        let now: Moment = now.parse().unwrap();
        let ends = PeriodEnds::of(now.as_millisecond(), time_zone(zone).unwrap());
        [ends.day, ends.week, ends.month].map(|end| timestamp(end).to_string())
    }

    #[test]
    fn periods_end_at_midnight_of_the_zone() {
        let utc = ends("2026-11-29T23:30:00Z", "UTC");
        assert_eq!(utc, ["2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"]);
        let berlin = ends("2026-11-29T23:30:00Z", "Europe/Berlin");
        assert_eq!(berlin, ["2026-11-30T23:00:00Z", "2026-12-06T23:00:00Z", "2026-11-30T23:00:00Z"]);
        let tokyo = ends("2026-12-31T14:59:59Z", "Asia/Tokyo");
        assert_eq!(tokyo, ["2026-12-31T15:00:00Z", "2027-01-03T15:00:00Z", "2026-12-31T15:00:00Z"]);
    }

    #[test]
    fn days_of_a_clock_change_are_shorter_or_longer() {
        let [spring, ..] = ends("2026-03-29T00:30:00Z", "Europe/Berlin");
        assert_eq!(spring, "2026-03-29T22:00:00Z", "23 hours after 2026-03-28T23:00:00Z");
        let [autumn, ..] = ends("2026-10-25T00:30:00Z", "Europe/Berlin");
        assert_eq!(autumn, "2026-10-25T23:00:00Z", "25 hours after 2026-10-24T22:00:00Z");
    }

    #[test]
    fn unknown_zones_are_refused() {
        for name in ["Europe/Atlantis", "localtime", "posixrules", "Factory"] {
            assert!(time_zone(name).is_err(), "{name}");
        }
        assert!(time_zone("America/New_York").is_ok());
    }
}
