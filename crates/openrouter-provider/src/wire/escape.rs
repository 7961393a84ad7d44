//! The escapes of JSON strings.

use memchr::memchr;

/// The text of a JSON string without its quotes, which has been checked to be well-formed.
///
/// Half a surrogate pair, which JSON can spell and text cannot hold, becomes U+FFFD.
pub(crate) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    unescape_into(&mut plain, text);
    plain
}

/// The same, written behind what is there.
pub(crate) fn unescape_into(plain: &mut String, mut text: &str) {
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
}
