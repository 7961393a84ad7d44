//! The reader of JSON.

use lenient_json::Reader;

/// A text is JSON for our reader if and only if it is for `serde_json`, and what is taken of it is the value
/// without the space around it.
pub fn json_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let theirs = serde_json::from_str::<&serde_json::value::RawValue>(text).ok().map(|value| value.get());
    assert_eq!(value(text), theirs, "{text:?}");
}

/// The value that a text is, without the space around it; `None` if it is no JSON.
fn value(text: &str) -> Option<&str> {
    let mut reader = Reader::new(text);
    reader.value().filter(|_| reader.is_at_end())
}
