//! Times of the day, at which prices change.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time of the day, UTC, to the minute. 24:00 is a good end of a window. A moment is a
/// [`Timestamp`](crate::Timestamp).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// 00:00.
    pub const MIDNIGHT: TimeOfDay = TimeOfDay { minutes: 0 };
    /// 12:00.
    pub const NOON: TimeOfDay = TimeOfDay { minutes: 12 * 60 };
    /// 24:00, the end of the day.
    pub const END_OF_DAY: TimeOfDay = TimeOfDay { minutes: 24 * 60 };

    /// The time that a clock number such as 1030 (10:30) means, 0 to 2400.
    pub fn from_hhmm(number: u16) -> Option<Self> {
        let (hour, minute) = (number / 100, number % 100);
        let time = TimeOfDay { minutes: hour * 60 + minute };
        (minute < 60 && time <= Self::END_OF_DAY).then_some(time)
    }

    /// The time of the day at this moment.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for TimeOfDay {
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // Always fits: a day has 1,440 minutes.
        TimeOfDay { minutes: u16::try_from(seconds / 60 % (24 * 60)).unwrap_or_default() }
    }
}

impl fmt::Display for TimeOfDay {
    /// `10:30`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl Serialize for TimeOfDay {
    /// As a text: `"10:30"`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    /// From a text: `"10:30"`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.split_once(':').and_then(|(hour, minute)| {
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            hour.checked_mul(100)?.checked_add(minute).filter(|_| minute < 60)
        });
        number
            .and_then(Self::from_hhmm)
            .ok_or_else(|| D::Error::custom("not a time of the day such as 10:30"))
    }
}

/// A part of every day: from `start` until before `end`, past midnight if `end` is earlier. Empty if both are
/// the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DailyWindow {
    /// Its first minute.
    pub start: TimeOfDay,
    /// The minute after its last one.
    pub end: TimeOfDay,
}

impl DailyWindow {
    /// Whether a time is in it.
    pub(crate) fn contains(self, time: TimeOfDay) -> bool {
        if self.start <= self.end {
            (self.start..self.end).contains(&time)
        } else {
            time >= self.start || time < self.end
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clock_numbers_are_times() {
        for (number, text) in [(0, "00:00"), (5, "00:05"), (100, "01:00"), (1030, "10:30"), (2400, "24:00")] {
            assert_eq!(TimeOfDay::from_hhmm(number).unwrap().to_string(), text);
        }
        assert!([60, 199, 2401, 2500, u16::MAX].iter().all(|number| TimeOfDay::from_hhmm(*number).is_none()));
        let moment = UNIX_EPOCH + Duration::from_secs(1_760_000_000);
        assert_eq!(TimeOfDay::from(moment).to_string(), "08:53");
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for text in ["00:00", "00:05", "10:30", "24:00"] {
            let json = format!("\"{text}\"");
            let time: TimeOfDay = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&time).unwrap(), json);
        }
        for json in ["\"24:01\"", "\"1:60\"", "\"9:100\"", "\"noon\"", "\"655:36\"", "1030", "null"] {
            assert!(serde_json::from_str::<TimeOfDay>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_window_of_no_length_is_empty_and_a_whole_day_is_not() {
        let window = |start, end| DailyWindow { start, end };
        assert!(!window(TimeOfDay::NOON, TimeOfDay::NOON).contains(TimeOfDay::NOON));
        let day = window(TimeOfDay::MIDNIGHT, TimeOfDay::END_OF_DAY);
        assert!([0, 1200, 2359].iter().all(|time| day.contains(TimeOfDay::from_hhmm(*time).unwrap())));
    }
}
