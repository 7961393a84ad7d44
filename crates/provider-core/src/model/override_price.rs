//! Prices that count under a condition: for long prompts, at times of the day.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Prices;

/// Prices that count instead of the listed ones when all conditions hold. Prices that are `None` stay as they
/// are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PriceOverride {
    /// For prompts of more tokens than this; exactly this many do not count.
    pub min_prompt_tokens: Option<u64>,
    /// At these times of the day.
    pub window: Option<UtcWindow>,
    /// The prices that count then.
    pub prices: Prices,
}

impl PriceOverride {
    /// Prices without a condition yet: they always count.
    pub fn new(prices: Prices) -> Self {
        Self { prices, ..Self::default() }
    }

    /// Makes them count for prompts of more tokens than this only.
    #[must_use]
    pub fn above_prompt_tokens(mut self, tokens: u64) -> Self {
        self.min_prompt_tokens = Some(tokens);
        self
    }

    /// Makes them count from `start` until before `end` only, every day.
    #[must_use]
    pub fn between(mut self, start: UtcTime, end: UtcTime) -> Self {
        self.window = Some(UtcWindow { start, end });
        self
    }

    /// Whether they count for a prompt of this size at this time.
    pub fn applies(&self, prompt_tokens: u64, at: UtcTime) -> bool {
        self.min_prompt_tokens.is_none_or(|threshold| prompt_tokens > threshold)
            && self.window.is_none_or(|window| window.contains(at))
    }
}

/// A time of the day, UTC, to the minute. 24:00 is a good end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime {
    minutes: u16,
}

impl UtcTime {
    /// 00:00.
    pub const MIDNIGHT: UtcTime = UtcTime { minutes: 0 };
    /// 12:00.
    pub const NOON: UtcTime = UtcTime { minutes: 12 * 60 };
    /// 24:00, the end of the day.
    pub const END_OF_DAY: UtcTime = UtcTime { minutes: 24 * 60 };

    /// The time that a clock number such as 1030 (10:30) means, 0 to 2400.
    pub fn from_hhmm(number: u16) -> Option<Self> {
        let (hour, minute) = (number / 100, number % 100);
        let time = UtcTime { minutes: hour * 60 + minute };
        (minute < 60 && time <= Self::END_OF_DAY).then_some(time)
    }

    /// The time of the day at this moment.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for UtcTime {
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // Always fits: a day has 1,440 minutes.
        UtcTime { minutes: u16::try_from(seconds / 60 % (24 * 60)).unwrap_or_default() }
    }
}

impl fmt::Display for UtcTime {
    /// `10:30`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl Serialize for UtcTime {
    /// As a text: `"10:30"`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcTime {
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
pub struct UtcWindow {
    /// Its first minute.
    pub start: UtcTime,
    /// The minute after its last one.
    pub end: UtcTime,
}

impl UtcWindow {
    /// Whether a time is in it.
    pub fn contains(self, time: UtcTime) -> bool {
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
            assert_eq!(UtcTime::from_hhmm(number).unwrap().to_string(), text);
        }
        assert!([60, 199, 2401, 2500, u16::MAX].iter().all(|number| UtcTime::from_hhmm(*number).is_none()));
        let moment = UNIX_EPOCH + Duration::from_secs(1_760_000_000);
        assert_eq!(UtcTime::from(moment).to_string(), "08:53");
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for text in ["00:00", "00:05", "10:30", "24:00"] {
            let json = format!("\"{text}\"");
            let time: UtcTime = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&time).unwrap(), json);
        }
        for json in ["\"24:01\"", "\"1:60\"", "\"9:100\"", "\"noon\"", "\"655:36\"", "1030", "null"] {
            assert!(serde_json::from_str::<UtcTime>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_window_of_no_length_is_empty_and_a_whole_day_is_not() {
        let window = |start, end| UtcWindow { start, end };
        assert!(!window(UtcTime::NOON, UtcTime::NOON).contains(UtcTime::NOON));
        let day = window(UtcTime::MIDNIGHT, UtcTime::END_OF_DAY);
        assert!([0, 1200, 2359].iter().all(|time| day.contains(UtcTime::from_hhmm(*time).unwrap())));
    }
}
