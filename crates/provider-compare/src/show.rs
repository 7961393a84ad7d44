//! Figures and words for people, as the reports write them. Money is never rounded.

use std::time::Duration;

use provider_core::{Usage, Usd};

/// What stands for something that nobody told.
pub const UNKNOWN: &str = "-";

/// The text of a value, or a dash.
pub fn or_unknown<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), show)
}

/// `$0.00251`, to the last digit.
pub fn dollars(amount: Usd) -> String {
    format!("${amount}")
}

/// What an answer cost. With a key of your own at the upstream provider that one sends a bill besides:
/// `$0 + $0.00251`.
pub fn cost(usage: &Usage) -> String {
    let charged = or_unknown(usage.cost, dollars);
    match usage.upstream_cost.filter(|_| usage.is_byok == Some(true)) {
        Some(upstream) => format!("{charged} + {}", dollars(upstream)),
        None => charged,
    }
}

/// `128,000`
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `85 ms`, `2.41 s`
pub fn duration(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// `7.2`, `104`
pub fn rate(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

/// A text from elsewhere on one line: every run of white space is a single space, and control characters are
/// gone.
pub fn one_line(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| word.chars().filter(|c| !c.is_control()).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use provider_core::Usage;

    use super::{cost, duration, grouped, one_line, rate};

    #[test]
    fn figures_are_readable() {
        assert_eq!([0, 999, 1_000, 1_048_576].map(grouped).join(" "), "0 999 1,000 1,048,576");
        assert_eq!(duration(Duration::from_micros(85_400)), "85 ms");
        assert_eq!(duration(Duration::from_millis(2_410)), "2.41 s");
        assert_eq!((rate(7.24), rate(99.94), rate(104.4)), ("7.2".into(), "99.9".into(), "104".into()));
    }

    #[test]
    fn a_key_of_your_own_has_a_bill_of_its_own() {
        let mut usage = Usage::default();
        assert_eq!(cost(&usage), "-");
        usage.cost = Some("0.10".parse().unwrap());
        usage.upstream_cost = Some("0.2".parse().unwrap());
        assert_eq!(cost(&usage), "$0.1", "the upstream's cost is in it");
        usage.is_byok = Some(true);
        assert_eq!(cost(&usage), "$0.1 + $0.2");
    }

    #[test]
    fn a_line_stays_one() {
        assert_eq!(one_line(" a\r\n\n b\t\x1b c\u{7}d "), "a b cd");
    }
}
