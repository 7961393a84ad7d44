//! Excerpts of text from outside: bounded, and without the secret that went out with the request.

use provider_core::author::ResponseHead;
use provider_core::{RawJson, Secret};

/// How much of a text from outside an error keeps, in bytes.
const MAX_TEXT_BYTES: usize = 8 << 10;
/// How much JSON from outside an error keeps, in bytes.
const MAX_JSON_BYTES: usize = 8 << 10;

/// Makes excerpts of text from outside, which a server may have put the key into.
///
/// ```
/// use provider_core::Secret;
/// use provider_http::Redactor;
///
/// let key = Secret::new("sk-abc-123");
/// assert_eq!(Redactor::new(&key).text("no such key: sk-abc-123"), "no such key: ***");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Redactor<'a>(&'a Secret);

impl<'a> Redactor<'a> {
    /// Takes this secret out.
    pub fn new(secret: &'a Secret) -> Self {
        Self(secret)
    }

    /// Takes out the secret that went out with the request of this answer.
    pub fn of(head: &'a ResponseHead) -> Self {
        Self(head.secret())
    }

    /// Returns at most 8 KiB of a text. A longer one ends in `…`.
    pub fn text(self, text: &str) -> String {
        let text = self.0.redact(text);
        if text.len() <= MAX_TEXT_BYTES {
            return text;
        }
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        let end = ends.take_while(|end| *end <= MAX_TEXT_BYTES - '…'.len_utf8()).last();
        format!("{}…", &text[..end.unwrap_or(0)])
    }

    /// Returns a JSON document of at most 8 KiB. Of a larger one, the [excerpt](Self::excerpt); of text that
    /// is no JSON, nothing.
    pub fn json(self, json: &str) -> Option<RawJson> {
        let redacted = self.0.redact(json);
        if redacted.len() > MAX_JSON_BYTES { Some(self.excerpt(json)) } else { redacted.parse().ok() }
    }

    /// Returns the beginning of a text as JSON: `{"excerpt": …}`.
    pub fn excerpt(self, text: &str) -> RawJson {
        serde_json::json!({ "excerpt": self.text(text) }).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_bounded_and_whole_characters() {
        let key = Secret::new("sk-key");
        let redactor = Redactor::new(&key);
        for long in ["é".repeat(5_000), "x".repeat(100_000), format!("x{}", "🗼".repeat(3_000))] {
            let text = redactor.text(&long);
            assert!(text.len() <= MAX_TEXT_BYTES && text.ends_with('…'), "{} bytes", text.len());
        }
        let long = format!("\"{}\"", "x".repeat(9_000));
        assert!(redactor.json(&long).is_some_and(|json| json.get().starts_with("{\"excerpt\":")));
        assert_eq!(
            redactor.json("{\"key\":\"sk-key\"}").map(|json| json.get().to_owned()).as_deref(),
            Some("{\"key\":\"***\"}")
        );
        assert!(redactor.json("no JSON").is_none());
    }
}
