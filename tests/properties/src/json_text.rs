//! The reader of JSON.

use openrouter_provider::fuzzing;

/// A text is JSON for our reader if and only if it is for `serde_json`, and what is taken of it is the value
/// without the space around it.
pub fn json_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let theirs = serde_json::from_str::<&serde_json::value::RawValue>(text).ok().map(|value| value.get());
    assert_eq!(fuzzing::json(text), theirs, "{text:?}");
}
