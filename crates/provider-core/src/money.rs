//! Exact amounts of money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Neg, Sub};
use std::str::FromStr;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Digits after the decimal point that [`Usd`] keeps.
const SCALE: u32 = 24;
/// One US dollar.
const ONE: i128 = 10_i128.pow(SCALE);

/// An amount in US dollars, exact to 24 digits after the point.
///
/// Prices per token are tiny decimal numbers (`"0.0000025"`) and binary floats lose exactness when they are
/// multiplied and summed, so amounts are integers inside. The range is about ±170 trillion dollars;
/// arithmetic saturates there.
///
/// ```
/// use provider_core::Usd;
///
/// let price: Usd = "0.0000025".parse()?;          // per token
/// let cost = price * 1_000 + "1e-5".parse()?;
/// assert_eq!(cost.to_string(), "0.00251");
/// assert_eq!(cost.as_f64(), 0.00251);
/// # Ok::<(), provider_core::ParseUsdError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i128);

impl Usd {
    /// Zero dollars.
    pub const ZERO: Usd = Usd(0);

    /// The nearest binary number, for display.
    pub fn as_f64(self) -> f64 {
        // Reading the decimal text gives the nearest float; dividing two rounded floats would not.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// Whether the amount is below zero. Catalogues use `-1` for "depends on the model that is picked".
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// This share of the amount, to nine digits of the share; nothing for shares below zero.
    pub(crate) fn share(self, share: f64) -> Usd {
        const WHOLE: i128 = 1_000_000_000;
        let parts = (share.max(0.0) * WHOLE as f64).round() as i128;
        let exact = self.0.checked_mul(parts).map(|product| product / WHOLE);
        // Amounts of a size that no price has lose their last digits.
        Usd(exact.unwrap_or_else(|| (self.0 / WHOLE).saturating_mul(parts)))
    }
}

/// A text that is no decimal number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseUsdError(());

impl fmt::Display for ParseUsdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a decimal amount: expected something like 0.0000025 or 2.5e-6")
    }
}

impl std::error::Error for ParseUsdError {}

impl FromStr for Usd {
    type Err = ParseUsdError;

    /// Reads a decimal number as JSON spells it. Digits beyond the 24th after the point are rounded.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_short(text).or_else(|| parse(text.trim())).map(Usd).ok_or(ParseUsdError(()))
    }
}

/// The powers of ten up to that of one dollar.
const POWERS: [i128; SCALE as usize + 1] = {
    let mut powers = [1; SCALE as usize + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Reads digits with or without a point, if all of them fit in 64 bits: the prices of a catalogue do, and
/// nearly all costs. One multiplication then gives them their place. `None`: [`parse`] decides.
fn parse_short(text: &str) -> Option<i128> {
    let mut value: u64 = 0;
    let (mut digits, mut point) = (0, None);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    let in_fraction = digits - point.unwrap_or(digits);
    let power = POWERS.get((SCALE as usize).checked_sub(in_fraction)?)?;
    i128::from(value).checked_mul(*power).filter(|_| digits > 0)
}

/// Reads any decimal number, digit by digit in 128 bits.
fn parse(text: &str) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    // The power of ten that one unit of the last digit stands for, in units of 10^-SCALE.
    let mut power = i64::from(SCALE) + i64::from(exponent) + whole.len() as i64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        power -= 1;
        let digit = i128::from(digit - b'0');
        if power >= 0 {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else if power == -1 && digit >= 5 {
            value = value.checked_add(1)?;
        }
    }
    if power > 0 && value != 0 {
        value = value.checked_mul(10_i128.checked_pow(u32::try_from(power).ok()?)?)?;
    }
    Some(if negative { -value } else { value })
}

impl fmt::Display for Usd {
    /// Plain decimal digits without a currency sign: `0.00251`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (whole, fraction) = (magnitude / ONE.unsigned_abs(), magnitude % ONE.unsigned_abs());
        let mut text = whole.to_string();
        if fraction != 0 {
            let digits = format!("{fraction:0width$}", width = SCALE as usize);
            text.push('.');
            text.push_str(digits.trim_end_matches('0'));
        }
        f.pad_integral(self.0 >= 0, "", &text)
    }
}

impl fmt::Debug for Usd {
    /// `0.00251 USD`: what is inside would tell nobody anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} USD")
    }
}

impl Serialize for Usd {
    /// As a JSON number with exactly the digits of the amount, and always with a point (`2.0`), so that it is
    /// read as the same type everywhere.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = self.to_string();
        if !text.contains('.') {
            text.push_str(".0");
        }
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Usd {
    /// From JSON: a number, or a text with a decimal number in it, both exactly as they are spelled.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let text = if json.get().starts_with('"') {
            serde_json::from_str(json.get())
        } else {
            Ok(json.get().into())
        };
        let text: String = text.map_err(D::Error::custom)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Add for Usd {
    type Output = Usd;

    fn add(self, other: Usd) -> Usd {
        Usd(self.0.saturating_add(other.0))
    }
}

impl Sub for Usd {
    type Output = Usd;

    fn sub(self, other: Usd) -> Usd {
        Usd(self.0.saturating_sub(other.0))
    }
}

impl Neg for Usd {
    type Output = Usd;

    fn neg(self) -> Usd {
        Usd(self.0.saturating_neg())
    }
}

impl Mul<u64> for Usd {
    type Output = Usd;

    fn mul(self, count: u64) -> Usd {
        Usd(self.0.saturating_mul(i128::from(count)))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Usd>>(amounts: I) -> Usd {
        amounts.fold(Usd::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_texts_survive() {
        for (text, shown) in [
            ("0", "0"),
            ("-1", "-1"),
            ("0.0000025", "0.0000025"),
            ("2.5e-6", "0.0000025"),
            ("3.645e-05", "0.00003645"),
            ("1E3", "1000"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+1.10", "1.1"),
            ("0.00011915000000000001", "0.00011915000000000001"),
            ("0.0000000000000000000000005", "0.000000000000000000000001"),
            ("0e999999999", "0"),
        ] {
            assert_eq!(text.parse::<Usd>().map(|usd| usd.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn short_texts_are_read_as_long_ones_are() {
        for text in [
            "0",
            "0.0",
            "00.10",
            ".5",
            "5.",
            ".",
            "",
            "0.0000025",
            "0.00011915000000000001",
            "-1",
            "1e-5",
            "1.2.3",
            "18446744073709551615",
            "18446744073709551616",
            "170141183460469",
            "170141183460470",
            "0.000000000000000000000001",
            "0.0000000000000000000000005",
            "1,5",
        ] {
            let short = parse_short(text);
            assert!(short.is_none() || short == parse(text), "{text}: {short:?}");
        }
        let are_short = ["0", "0.00", "0.0000025", "0.00011915000000000001", "25.", ".75", "12345.678"];
        assert_eq!(are_short.map(|text| parse_short(text).is_some()), [true; 7]);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", ".", "-", "1,5", "0x10", "NaN", "inf", "1e", "1e400", "--1", "1.2.3", "1e-99999999999"]
        {
            assert_eq!(text.parse::<Usd>(), Err(ParseUsdError(())), "{text}");
        }
    }

    #[test]
    fn the_nearest_float_is_given() {
        for value in [0.0, 0.00011915, 3.645e-05, 0.1 + 0.2, 1e-12, 12345.678] {
            assert_eq!(format!("{value}").parse::<Usd>().map(Usd::as_f64), Ok(value));
        }
    }

    #[test]
    fn json_gives_amounts_back() {
        for (json, shown) in [
            ("0.0000025", "0.0000025"),
            ("\"0.00011915000000000001\"", "0.00011915000000000001"),
            ("\" 2.5e-6 \"", "0.0000025"),
            ("3.645e-05", "0.00003645"),
            ("0", "0"),
            ("-1", "-1"),
            ("100", "100"),
        ] {
            let amount: Usd = serde_json::from_str(json).unwrap();
            assert_eq!(amount.to_string(), shown, "{json}");
            let again: Usd = serde_json::from_str(&serde_json::to_string(&amount).unwrap()).unwrap();
            assert_eq!(again, amount, "{json}");
        }
        let exact: Usd = serde_json::from_str("0.00000000012345678901234").unwrap();
        assert_eq!(exact.to_string(), "0.00000000012345678901234", "more digits than a float has");
        assert_eq!(serde_json::to_string(&exact).unwrap(), "0.00000000012345678901234");
        assert_eq!(serde_json::to_string(&Usd::ZERO).unwrap(), "0.0");
        assert_eq!(serde_json::to_value("0.25".parse::<Usd>().unwrap()).unwrap(), serde_json::json!(0.25));
        assert_eq!(serde_json::from_value::<Usd>(serde_json::json!(0.25)).unwrap().to_string(), "0.25");
        for json in ["\"\"", "\"free\"", "null", "true", "[1]", "{}", "1e300", "\"\\ud800\""] {
            assert!(serde_json::from_str::<Usd>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn amounts_are_taken_away_and_shared() {
        let usd = |text: &str| text.parse::<Usd>().unwrap();
        assert_eq!(usd("1") - usd("0.000001"), usd("0.999999"));
        assert_eq!((-usd("0.5")).to_string(), "-0.5");
        assert_eq!(-Usd(i128::MIN), Usd(i128::MAX), "out of range saturates");
        assert_eq!(usd("0.0000025").share(0.75), usd("0.000001875"));
        assert_eq!(usd("100000000000000").share(0.5), usd("50000000000000"), "even if it is huge");
        assert_eq!(usd("3").share(-1.0), Usd::ZERO);
    }

    #[test]
    fn sums_are_exact() {
        let tenth: Usd = "0.1".parse().unwrap();
        assert_eq!(std::iter::repeat_n(tenth, 10).sum::<Usd>().to_string(), "1");
        assert_eq!((tenth * 1_000_000_007).to_string(), "100000000.7");
        assert_eq!(tenth * u64::MAX, Usd(i128::MAX), "out of range saturates");
        assert_eq!(format!("{:?}", Some(tenth)), "Some(0.1 USD)");
    }
}
