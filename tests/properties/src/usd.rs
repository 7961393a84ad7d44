//! Amounts of money.

use provider_core::Usd;

/// Any text is refused as an amount, or read exactly: shown and read again it is the same, and if it is a
/// plain decimal number, it is shown as it was written.
pub fn usd(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let text = text.trim();
    let read = text.parse::<Usd>();
    assert_eq!(
        serde_json::to_string(text).ok().and_then(|json| serde_json::from_str(&json).ok()),
        read.clone().ok()
    );
    let plain = plain(text);
    let Ok(amount) = read else {
        // From 170 trillion on it is too much.
        let digits =
            plain.map(|plain| plain.split('.').next().unwrap_or_default().trim_start_matches('-').len());
        assert!(digits.is_none_or(|digits| digits >= 15), "{text:?} is an amount");
        return;
    };
    let shown = amount.to_string();
    assert_eq!(shown.parse(), Ok(amount), "{shown}");
    assert_eq!((-amount).is_negative(), !amount.is_negative() && amount != Usd::ZERO);
    assert_eq!(-(-amount), amount);
    assert_eq!(amount * 2, amount + amount);
    if let Some(plain) = plain {
        assert_eq!(shown, plain, "{text:?}");
    }
    // Binary numbers are less exact, and of very small amounts nothing is left.
    let number: f64 = text.parse().expect("what is an amount is a number");
    let difference = (amount.as_f64() - number).abs();
    assert!(difference <= number.abs() * 1e-12 + 1e-24, "{number} became {amount}");
}

/// A decimal number of up to 24 digits after the point and without an exponent, as it is shown.
fn plain(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole)
        || !all_digits(fraction)
        || digits.len() < 2 && !all_digits(digits)
        || fraction.len() > 24
    {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match (whole, fraction) {
        _ if digits.is_empty() => return None,
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}
