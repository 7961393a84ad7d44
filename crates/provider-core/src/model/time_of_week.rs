//! Times of the week, at which prices change.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::time_of_day::TimeOfDay;
use crate::date::day_of;

/// A day of the week, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "monday"),
    (Weekday::Tuesday, "tuesday"),
    (Weekday::Wednesday, "wednesday"),
    (Weekday::Thursday, "thursday"),
    (Weekday::Friday, "friday"),
    (Weekday::Saturday, "saturday"),
    (Weekday::Sunday, "sunday"),
];

impl Weekday {
    /// The day that an English word means, in any letter case; `None` if it means none.
    pub fn from_word(word: &str) -> Option<Self> {
        DAYS.iter().find(|(_, known)| known.eq_ignore_ascii_case(word)).map(|(day, _)| *day)
    }

    /// The day in English, in lower case.
    pub fn as_str(self) -> &'static str {
        DAYS.iter().find(|(day, _)| *day == self).map_or("", |(_, word)| word)
    }
}

impl From<SystemTime> for Weekday {
    fn from(time: SystemTime) -> Self {
        // The first day of 1970 was a Thursday.
        let place = usize::try_from((day_of(time) + 3).rem_euclid(7)).unwrap_or_default();
        DAYS.get(place).map_or(Weekday::Monday, |(day, _)| *day)
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A time of the week, UTC: the moment at which prices count.
///
/// A [`TimeOfDay`] is one without a day: prices of certain days do not count then.
///
/// ```
/// use provider_core::{Pricing, TimeOfDay, TimeOfWeek, Weekday};
///
/// let pricing = Pricing::default();
/// let now = pricing.in_force(1_000, TimeOfWeek::now());
/// let sunday = pricing.in_force(1_000, TimeOfWeek::new(Weekday::Sunday, TimeOfDay::NOON));
/// let any_day = pricing.in_force(1_000, TimeOfDay::NOON);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TimeOfWeek {
    /// The day, if it is known.
    pub day: Option<Weekday>,
    /// The time of the day.
    pub time: TimeOfDay,
}

impl TimeOfWeek {
    /// This time on this day.
    pub fn new(day: Weekday, time: TimeOfDay) -> Self {
        Self { day: Some(day), time }
    }

    /// The time of the week at this moment.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for TimeOfWeek {
    fn from(time: SystemTime) -> Self {
        Self::new(time.into(), time.into())
    }
}

impl From<TimeOfDay> for TimeOfWeek {
    fn from(time: TimeOfDay) -> Self {
        Self { day: None, time }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn days_of_the_week_are_counted_from_1970() {
        for (seconds, day) in [
            (0, Weekday::Thursday),
            (86_399, Weekday::Thursday),
            (86_400, Weekday::Friday),
            (4 * 86_400, Weekday::Monday),
            // 2026-11-29
            (1_795_910_400, Weekday::Sunday),
        ] {
            assert_eq!(Weekday::from(UNIX_EPOCH + Duration::from_secs(seconds)), day, "{seconds}");
        }
        assert_eq!(Weekday::from(UNIX_EPOCH - Duration::from_secs(1)), Weekday::Wednesday);
    }

    #[test]
    fn days_are_read_as_they_are_written() {
        for (day, word) in DAYS {
            assert_eq!((Weekday::from_word(word), day.to_string().as_str()), (Some(day), word));
            assert_eq!(serde_json::to_value(day).unwrap(), word);
        }
        assert_eq!(Weekday::from_word("Sunday"), Some(Weekday::Sunday));
        assert_eq!(Weekday::from_word("sun"), None);
    }
}
