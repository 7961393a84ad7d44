//! The sandbox's two clocks: a fixed one for completions, and the real one for limits that are reset.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The creation time of the first completion, in seconds since 1970; each completion adds a second. It is
/// fixed, so that two runs with the same requests get the same completions.
pub(crate) const START: u64 = 1_760_000_000;

const DAY: u64 = 24 * 60 * 60;

/// The real time since 1970, for limits: clients compare it with their own clock.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The next midnight (UTC) that is more than a minute away, in seconds since 1970.
pub(crate) fn next_midnight() -> u64 {
    ((now().as_secs() + 60) / DAY + 1) * DAY
}

/// Formats seconds since 1970 as RFC 3339: `2025-10-09T08:53:20Z`.
pub(crate) fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The algorithm `civil_from_days`: it counts years from March, so that the leap day is the last of a
    // year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use super::{DAY, next_midnight, now, rfc3339};

    #[test]
    fn rfc3339_knows_leap_days() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_760_000_000), "2025-10-09T08:53:20Z");
    }

    #[test]
    fn next_midnight_is_over_a_minute_away() {
        let left = next_midnight() - now().as_secs();
        assert!((60..=DAY + 60).contains(&left), "{left}");
        assert_eq!(next_midnight() % DAY, 0);
    }
}
