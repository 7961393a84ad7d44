//! Moments for people: days of a time zone, and spans of time that flags name.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The moment that `--since` means, in milliseconds since 1970.
///
/// # Errors
/// When it is neither a span nor a day.
pub(crate) fn since(text: &str, now_ms: i64, zone: &TimeZone) -> Result<i64, String> {
    let wrong = || format!("--since {text}: write 12h, 7d, 4w, today, or a day such as 2026-11-01");
    let start = |date: Date| {
        let start = date.to_zoned_datetime(zone.clone()).map_err(|_| wrong())?;
        Ok(start.timestamp().as_millisecond())
    };
    if text == "today" {
        return start(date(now_ms, zone).ok_or_else(wrong)?);
    }
    if let Ok(date) = text.parse::<Date>() {
        return start(date);
    }
    let unit = match text.as_bytes().last() {
        Some(b'h') => DAY / 24,
        Some(b'd') => DAY,
        Some(b'w') => 7 * DAY,
        _ => return Err(wrong()),
    };
    let count = text[..text.len() - 1].parse::<u32>().map_err(|_| wrong())?;
    Ok(now_ms.saturating_sub(unit.saturating_mul(count.into())))
}

/// The day of a moment.
pub(crate) fn day(ms: i64, zone: &TimeZone) -> String {
    date(ms, zone).map_or_else(String::new, |date| date.to_string())
}

/// A moment to the minute.
pub(crate) fn minute(ms: i64, zone: &TimeZone) -> String {
    let moment = Timestamp::from_millisecond(ms).map(|moment| moment.to_zoned_datetime(zone.clone()));
    moment.map_or_else(|_| String::new(), |moment| moment.strftime("%Y-%m-%d %H:%M").to_string())
}

fn date(ms: i64, zone: &TimeZone) -> Option<Date> {
    Some(Timestamp::from_millisecond(ms).ok()?.to_zoned_datetime(zone.clone()).date())
}

/// The time zone of this name; UTC for one that is not known.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::{day, minute, since, zone};

    #[test]
    fn since_takes_spans_and_days_of_the_zone() {
        let berlin = zone("Europe/Berlin");
        // 2026-11-29 00:30 in Berlin, the day before in UTC.
        let now = 1_795_908_600_000;
        assert_eq!(minute(now, &berlin), "2026-11-29 00:30");
        assert_eq!(
            (day(now, &berlin).as_str(), day(now, &zone("UTC")).as_str()),
            ("2026-11-29", "2026-11-28")
        );
        assert_eq!(since("12h", now, &berlin), Ok(now - 12 * 3_600_000));
        assert_eq!(since("1w", now, &berlin), Ok(now - 7 * 24 * 3_600_000));
        assert_eq!(since("today", now, &berlin), Ok(now - 30 * 60_000));
        assert_eq!(since("2026-11-29", now, &berlin), Ok(now - 30 * 60_000));
        for text in ["", "7", "d", "-1d", "7 d", "yesterday", "2026-13-01", "1é"] {
            assert!(since(text, now, &berlin).is_err(), "{text}");
        }
    }
}
