//! Value parsers for numbers, amounts, times and pairs. Their errors name the valid range; clap adds the
//! option's name.
//!
//! An option with one of these parsers must allow negative numbers, or clap takes `-1` for an unknown option.

use std::ops::RangeInclusive;
use std::time::Duration;

use provider_core::Usd;

/// Parses a whole number of at least `least`.
pub(crate) fn at_least<T>(least: i128) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: TryFrom<i128>,
{
    move |text| {
        let range = match least {
            1 => "above 0".to_owned(),
            least => format!("of {least} or more"),
        };
        whole(text, &range, least..=i128::MAX)
    }
}

/// Parses `KEY=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

/// Parses a whole number within a range.
pub(crate) fn between<T>(least: i128, most: i128) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: TryFrom<i128>,
{
    move |text| whole(text, &format!("from {least} to {most}"), least..=most)
}

fn whole<T: TryFrom<i128>>(text: &str, words: &str, range: RangeInclusive<i128>) -> Result<T, String> {
    let number: i128 = text.parse().map_err(|_| format!("must be a whole number {words}"))?;
    if !range.contains(&number) {
        return Err(format!("must be a whole number {words}"));
    }
    T::try_from(number).map_err(|_| format!("is too large; it must be a whole number {words}"))
}

/// Parses a number within a range. NaN and infinity are invalid, since JSON has neither.
pub(crate) fn number(least: f64, most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone {
    move |text| match text.parse::<f64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("must be a number from {least} to {most}")),
    }
}

/// Parses a time in seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let time = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| "must be a number of seconds above 0".to_owned())
}

/// Parses an amount of US dollars.
pub(crate) fn dollars(text: &str) -> Result<Usd, String> {
    let amount = text.parse::<Usd>().ok().filter(|amount| !amount.is_negative());
    amount.ok_or_else(|| "must be a decimal amount of US dollars of 0 or more, such as 2.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{at_least, between, dollars, number, seconds};

    #[test]
    fn seconds_must_be_above_zero() {
        assert_eq!(seconds("1.5").map(|time| time.as_millis()), Ok(1_500));
        for text in ["0", "-1", "NaN", "inf", "1e300", "1e-12", "soon", ""] {
            assert_eq!(seconds(text), Err("must be a number of seconds above 0".to_owned()), "{text}");
        }
    }

    #[test]
    fn whole_numbers_must_be_in_range() {
        assert_eq!(at_least::<u32>(1)("1"), Ok(1));
        for text in ["0", "-1", "1.5", "NaN", "many", ""] {
            let range = "must be a whole number above 0";
            assert_eq!(at_least::<u32>(1)(text), Err(range.to_owned()), "{text}");
        }
        assert_eq!(at_least::<u32>(0)("-1"), Err("must be a whole number of 0 or more".to_owned()));
        let large = "is too large; it must be a whole number above 0";
        assert_eq!(at_least::<u32>(1)("4294967296"), Err(large.to_owned()));
        assert_eq!(between::<u8>(0, 20)("20"), Ok(20));
        assert_eq!(between::<u8>(0, 20)("21"), Err("must be a whole number from 0 to 20".to_owned()));
        assert_eq!(between::<i64>(i64::MIN.into(), i64::MAX.into())("-7"), Ok(-7));
    }

    #[test]
    fn numbers_must_be_in_range() {
        assert_eq!(number(-2.0, 2.0)("-1.5"), Ok(-1.5));
        for text in ["-2.1", "2.1", "NaN", "inf", "warm", ""] {
            let range = "must be a number from -2 to 2";
            assert_eq!(number(-2.0, 2.0)(text), Err(range.to_owned()), "{text}");
        }
    }

    #[test]
    fn amounts_must_not_be_negative() {
        assert_eq!(dollars("0.5").map(|amount| amount.to_string()), Ok("0.5".to_owned()));
        assert!(["-1", "cheap", "NaN", ""].iter().all(|text| dollars(text).is_err()));
    }
}
