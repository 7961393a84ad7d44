//! Days of the calendar: the dates that services write.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// The date that a text begins with (`2026-06-19`, `2026-06-19T00:00:00Z`), and its day counted from 1970.
pub(crate) fn leading_date(text: &str) -> Option<(&str, i64)> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10)?;
    // More digits would make it another number.
    if rest.starts_with(|next: char| next.is_ascii_digit()) {
        return None;
    }
    let mut numbers = date.split('-').map(|number| {
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| number.parse::<i64>().ok()).flatten()
    });
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let in_range = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    (in_range && numbers.next().is_none()).then(|| (date, day_number(year, month, day)))
}

/// The day of a moment, UTC, counted from 1970.
pub(crate) fn day_of(time: SystemTime) -> i64 {
    let days = |seconds: u64| i64::try_from(seconds / SECONDS_PER_DAY).unwrap_or(i64::MAX / 2);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => days(since.as_secs()),
        Err(before) => -days(before.duration().as_secs().saturating_add(SECONDS_PER_DAY - 1)),
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    // Years are counted from March, so that the leap day comes last.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 306 + 5) / 10
        + day
        - 719_469
}

/// Year, month and day of a day counted from 1970-01-01.
pub(crate) fn date_of(day: i64) -> (i64, i64, i64) {
    // Days from 0000-03-01, in eras of 400 years.
    let day = day.saturating_add(719_468);
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_become_days() {
        for (text, day) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("2000-03-01", Some(11_017)),
            ("2026-06-19", Some(20_623)),
            (" 2026-06-19T23:59:59Z ", Some(20_623)),
            ("2026-06-19 00:00", Some(20_623)),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-06-00", None),
            ("2026-06-191", None),
            ("2026/06/19", None),
            ("19-06-2026", None),
            ("+026-06-19", None),
            ("soon", None),
            ("日本語日本", None),
            ("", None),
        ] {
            assert_eq!(leading_date(text).map(|(_, day)| day), day, "{text:?}");
        }
    }

    #[test]
    fn days_become_dates() {
        // Every day from 1600 to 2400.
        for day in day_number(1600, 1, 1)..day_number(2400, 12, 31) {
            let (year, month, of_month) = date_of(day);
            assert_eq!(day_number(year, month, of_month), day);
            assert!((1..=days_in(year, month)).contains(&of_month), "{year}-{month}-{of_month}");
        }
    }

    #[test]
    fn moments_have_a_day() {
        let day = Duration::from_secs(SECONDS_PER_DAY);
        let second = Duration::from_secs(1);
        assert_eq!(day_of(UNIX_EPOCH), 0);
        assert_eq!(day_of(UNIX_EPOCH + day - second), 0);
        assert_eq!(day_of(UNIX_EPOCH + day * 20_623), 20_623);
        assert_eq!(day_of(UNIX_EPOCH - second), -1);
        assert_eq!(day_of(UNIX_EPOCH - day), -1);
    }
}
