//! Names and values as lines of a text, for inputs that a person can read and write.

/// The pairs of lines such as `name=value`; `\n`, `\r`, `\t`, `\0` and `\\` in them stand for what they are
/// elsewhere.
pub(crate) fn pairs(input: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(input);
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (unescape(name), unescape(value)));
    text.split('\n').filter_map(pair).collect()
}

/// The text whose pairs these are.
pub fn lines(pairs: &[(String, String)]) -> Vec<u8> {
    let line = |(name, value): &(String, String)| format!("{}={}\n", escape(name), escape(value));
    pairs.iter().map(line).collect::<String>().into_bytes()
}

fn escape(text: &str) -> String {
    let escaped = [("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\0", "\\0")];
    escaped.iter().fold(text.to_owned(), |text, (plain, escaped)| text.replace(plain, escaped))
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('0') => '\0',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    plain
}
