//! Formats figures and texts for people, as the reports do. Amounts of money are never rounded.

use std::borrow::Cow;
use std::time::Duration;

use provider_core::{Usage, Usd};

/// The text for an unknown value.
pub const UNKNOWN: &str = "-";

/// Formats a value, or returns a dash for `None`.
pub fn or_unknown<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), show)
}

/// Formats an amount to the last digit: `$0.00251`.
pub fn dollars(amount: Usd) -> String {
    format!("${amount}")
}

/// Formats the cost of an answer. With a key of your own at the upstream provider, its charge is added:
/// `$0 + $0.00251`.
pub fn cost(usage: &Usage) -> String {
    let charged = or_unknown(usage.cost, dollars);
    match usage.upstream_cost.filter(|_| usage.is_byok == Some(true)) {
        Some(upstream) => format!("{charged} + {}", dollars(upstream)),
        None => charged,
    }
}

/// Formats a count with separators: `128,000`.
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

/// Formats a time: `85 ms`, `2.41 s`.
pub fn duration(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// Formats a rate: `7.2`, `104`.
pub fn rate(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

/// Puts a foreign text on one line: a run of white space becomes one space, control characters are removed,
/// and those that reverse the order of text show as [escapes](visible).
pub fn one_line(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| visible(&word.chars().filter(|c| !c.is_control()).collect::<String>()).into_owned())
        .filter(|word: &String| !word.is_empty())
        .collect();
    words.join(" ")
}

/// Shows the characters that reverse the order of the text behind them, as in `<U+202E>`. With them a text
/// can look like another one: a command at a prompt, for example.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Embeddings, overrides and isolates. The marks (U+200E and U+200F) turn no text but their own.
    let reverses = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(reverses) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match reverses(c) {
            true => shown.push_str(&format!("<U+{:04X}>", u32::from(c))),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use provider_core::Usage;

    use super::{cost, duration, grouped, one_line, rate};

    #[test]
    fn figures_are_formatted_for_people() {
        assert_eq!([0, 999, 1_000, 1_048_576].map(grouped).join(" "), "0 999 1,000 1,048,576");
        assert_eq!(duration(Duration::from_micros(85_400)), "85 ms");
        assert_eq!(duration(Duration::from_millis(2_410)), "2.41 s");
        assert_eq!((rate(7.24), rate(99.94), rate(104.4)), ("7.2".into(), "99.9".into(), "104".into()));
    }

    #[test]
    fn byok_cost_adds_the_upstream_charge() {
        let mut usage = Usage::default();
        assert_eq!(cost(&usage), "-");
        usage.cost = Some("0.10".parse().unwrap());
        usage.upstream_cost = Some("0.2".parse().unwrap());
        assert_eq!(cost(&usage), "$0.1", "the upstream's cost is in it");
        usage.is_byok = Some(true);
        assert_eq!(cost(&usage), "$0.1 + $0.2");
    }

    #[test]
    fn one_line_joins_lines_and_drops_controls() {
        assert_eq!(one_line(" a\r\n\n b\t\x1b c\u{7}d "), "a b cd");
        assert_eq!(one_line("rm \u{202e}fr-\u{2066} \u{200f}א"), "rm <U+202E>fr-<U+2066> \u{200f}א");
    }
}
