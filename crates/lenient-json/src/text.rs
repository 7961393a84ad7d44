//! The escapes of JSON strings, and pairs of them that were cut in half.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memchr;

/// The text that the inside of a JSON string spells. `inside` stands between the quotes and has been checked
/// to be well-formed, as [`Reader::string`](crate::Reader::string) gives it; without escapes it is borrowed.
///
/// Half a surrogate pair, which JSON can spell and text cannot hold, becomes U+FFFD.
pub fn plain(inside: &str) -> Cow<'_, str> {
    let is_escaped = memchr(b'\\', inside.as_bytes()).is_some();
    if is_escaped { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) }
}

/// The text of a JSON string without its quotes.
pub(crate) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    unescape_into(&mut plain, text);
    plain
}

/// Writes the same behind what is there.
fn unescape_into(plain: &mut String, mut text: &str) {
    while let Some(at) = memchr(b'\\', text.as_bytes()) {
        plain.push_str(&text[..at]);
        let escape = &text[at + 1..];
        let (character, used) = match escape.as_bytes().first() {
            Some(b'n') => ('\n', 1),
            Some(b't') => ('\t', 1),
            Some(b'r') => ('\r', 1),
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'u') => {
                let (character, digits) = code_point(&escape[1..]);
                (character, 1 + digits)
            }
            // A quote, a slash or a backslash stands for itself.
            Some(other) if other.is_ascii() => (char::from(*other), 1),
            _ => (char::REPLACEMENT_CHARACTER, 0),
        };
        plain.push(character);
        text = &escape[used..];
    }
    plain.push_str(text);
}

/// The character that `\u` and these digits stand for, and how many bytes after the `u` it takes: a character
/// outside the basic plane is two escapes.
fn code_point(digits: &str) -> (char, usize) {
    let Some(first) = unit(digits) else { return (char::REPLACEMENT_CHARACTER, 0) };
    if let Some(character) = char::from_u32(first) {
        return (character, 4);
    }
    let second = digits.get(4..).and_then(|rest| rest.strip_prefix("\\u")).and_then(unit);
    let pair = match (first, second) {
        (0xD800..0xDC00, Some(second @ 0xDC00..0xE000)) => {
            char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        }
        _ => None,
    };
    pair.map_or((char::REPLACEMENT_CHARACTER, 4), |character| (character, 10))
}

/// Four hexadecimal digits.
fn unit(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits.get(..4)?, 16).ok()
}

/// Joins the pieces of several texts, each known by a key, where a piece may end in the middle of a
/// character.
///
/// A character outside the basic plane is two escapes in JSON, a high and a low surrogate, and a service that
/// counts in UTF-16 may put the first at the end of one piece and the second at the beginning of the next.
/// The joiner buffers the high surrogate under the key of its text, so that pieces of several texts may come
/// in turns. A piece without escapes, while none is buffered, is handed back as it is.
///
/// ```
/// let mut joiner = lenient_json::SurrogateJoiner::default();
/// assert_eq!(joiner.join(r"to\ud83d", || "content"), "to");
/// assert_eq!(joiner.join(r"\uddfc!", || "content"), "🗼!");
/// ```
#[derive(Debug)]
pub struct SurrogateJoiner<K> {
    /// The escapes of high surrogates, by text. Mostly there is none.
    buffered: BTreeMap<K, String>,
    /// Room to write a piece without its escapes, used again for each piece.
    plain: String,
}

impl<K> Default for SurrogateJoiner<K> {
    fn default() -> Self {
        Self { buffered: BTreeMap::new(), plain: String::new() }
    }
}

impl<K: Ord + Copy> SurrogateJoiner<K> {
    /// Returns the text of a piece, with the surrogate that was buffered before it and without one at its own
    /// end. `inside` is the inside of a JSON string; `key` is asked only if it matters.
    pub fn join<'s>(&'s mut self, inside: &'s str, key: impl FnOnce() -> K) -> &'s str {
        let has_escapes = memchr(b'\\', inside.as_bytes()).is_some();
        if inside.is_empty() || (!has_escapes && self.buffered.is_empty()) {
            return inside;
        }
        let (inside, half) = split_high_surrogate(inside);
        self.plain.clear();
        let mut before = None;
        if half.is_some() || !self.buffered.is_empty() {
            let key = key();
            before = self.buffered.remove(&key);
            self.buffered.extend(half.map(|half| (key, half.to_owned())));
        }
        match before {
            None => unescape_into(&mut self.plain, inside),
            Some(before) => unescape_into(&mut self.plain, &(before + inside)),
        }
        &self.plain
    }

    /// Buffers the surrogate at the end of a text that was put together elsewhere, in the place of the one
    /// that is buffered now.
    pub fn buffer(&mut self, key: K, half: Option<&str>) {
        self.buffered.remove(&key);
        self.buffered.extend(half.map(|half| (key, half.to_owned())));
    }

    /// Whether no surrogate is buffered.
    pub fn is_empty(&self) -> bool {
        self.buffered.is_empty()
    }

    /// Takes the keys of the texts whose last character will not be completed: [`UNPAIRED`] stands in its
    /// place.
    pub fn finish(&mut self) -> impl Iterator<Item = K> + use<K> {
        std::mem::take(&mut self.buffered).into_keys()
    }
}

/// Stands in the place of a high surrogate whose low one never came.
pub const UNPAIRED: &str = "\u{fffd}";

/// Splits the escape of a high surrogate off the end of a JSON string's inside.
pub fn split_high_surrogate(text: &str) -> (&str, Option<&str>) {
    let Some(at) = text.len().checked_sub(6) else { return (text, None) };
    match text.as_bytes()[at..] {
        [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _] => {}
        _ => return (text, None),
    }
    // A backslash that is escaped itself begins no escape.
    let backslashes = text.as_bytes()[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    if backslashes % 2 == 1 { (text, None) } else { (&text[..at], Some(&text[at..])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_what_they_stand_for() {
        for (json, text) in [
            ("plain", "plain"),
            (r"a\nb\tc\rd\be\ff", "a\nb\tc\rd\u{8}e\u{c}f"),
            (r#"\"q\" \\ \/"#, "\"q\" \\ /"),
            (r"\u00e9\u6771\u0000", "é東\0"),
            (r"\ud83d\uddfc!", "🗼!"),
            (r"東\n京", "東\n京"),
            (r"\ud83d", "\u{fffd}"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d\ud83d\uddfc", "\u{fffd}🗼"),
            (r"\uddfc", "\u{fffd}"),
        ] {
            assert_eq!(unescape(json), text, "{json}");
        }
    }

    #[test]
    fn it_agrees_with_serde_json() {
        for text in ["", "a\nb", "\u{1}\u{7f}\u{2028}", "\\\"/", "🗼é東", "\\u0041"] {
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(unescape(&json[1..json.len() - 1]), text);
        }
    }

    #[test]
    fn joiner_buffers_a_surrogate_for_each_text() {
        let mut joiner = SurrogateJoiner::default();
        assert_eq!(joiner.join(r"a\ud83d", || 0), "a");
        assert_eq!(joiner.join(r"b\ud83d", || 1), "b");
        assert_eq!(joiner.join("plain", || 2), "plain");
        assert_eq!(joiner.join("", || 0), "");
        assert_eq!(joiner.join(r"\ude80", || 0), "🚀");
        assert_eq!(joiner.join(r"\ude81s", || 1), "🚁s");
        assert!(joiner.is_empty());
        assert_eq!(joiner.join(r"c\ud83d", || 3), "c");
        assert_eq!(joiner.finish().collect::<Vec<_>>(), [3]);
        assert!(joiner.is_empty());
    }

    #[test]
    fn only_a_high_surrogate_at_the_end_is_split_off() {
        assert_eq!(split_high_surrogate(r"a\ud83d"), ("a", Some(r"\ud83d")));
        assert_eq!(split_high_surrogate(r"\uDBFF"), ("", Some(r"\uDBFF")));
        assert_eq!(split_high_surrogate(r"\\\ud83d"), (r"\\", Some(r"\ud83d")));
        for whole in [r"\ud83d\uddfc", r"\uddfc", r"\\ud83d", r"\u00e9", "ud83d", "", "東京京京", "d83d東"]
        {
            assert_eq!(split_high_surrogate(whole), (whole, None));
        }
    }
}
