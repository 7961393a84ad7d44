//! Numbers that JSON does not have.
//!
//! `NaN` and the infinities are no JSON, and some services write them all the same: Python's encoder does,
//! for a log probability of minus infinity. The reader takes what JSON allows and nothing else, since the
//! texts of values are handed on as JSON. So a text that it refuses is read once more with `null` in the
//! place of such words, which costs the odd value alone.

/// The words, in lower case and without their sign.
const WORDS: [&str; 3] = ["nan", "infinity", "inf"];

/// The text with `null` for every number that JSON does not have; nothing if there is none in it.
pub fn without_non_finite(text: &str) -> Option<String> {
    let (mut finite, mut copied, mut at) = (String::new(), 0, 0);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at + 1),
            b'+' | b'-' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                let end = end_of_word(bytes, at);
                if is_not_finite(text.get(at..end)?) {
                    finite.push_str(text.get(copied..at)?);
                    finite.push_str("null");
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    finite.push_str(text.get(copied..)?);
    (copied > 0).then_some(finite)
}

/// Reads a document; and once more with `null` for the numbers that JSON does not have, if it cannot be read
/// and has some.
///
/// # Errors
/// When it cannot be read either way.
pub fn or_without_non_finite<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
    read(text).or_else(|cause| match without_non_finite(text) {
        Some(text) => read(&text).map_err(|_| cause),
        None => Err(cause),
    })
}

/// Where a string ends whose inside begins at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Where a number or a word ends that begins at `at`.
fn end_of_word(bytes: &[u8], at: usize) -> usize {
    let is_in_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_');
    at + bytes[at..].iter().take_while(is_in_word).count()
}

fn is_not_finite(word: &str) -> bool {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    WORDS.iter().any(|other| unsigned.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use super::without_non_finite;

    #[test]
    fn only_numbers_that_json_lacks_become_null() {
        for (text, expected) in [
            ("-Infinity", "null"),
            (r#"{"a":NaN,"b":[Infinity, -Infinity,+inf,1.5]}"#, r#"{"a":null,"b":[null, null,null,1.5]}"#),
            (r#"{"NaN":"-Infinity\\","x":-NaN}"#, r#"{"NaN":"-Infinity\\","x":null}"#),
            ("[\"東\",nan", "[\"東\",null"),
        ] {
            assert_eq!(without_non_finite(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "{}",
            "null",
            r#"["NaN"]"#,
            r#""a\"NaN"#,
            "\"NaN",
            "Nano",
            "[NaN_]",
            "東NaNs",
            "-1e5",
            "info",
            "\\",
        ] {
            assert_eq!(without_non_finite(text), None, "{text}");
        }
    }
}
