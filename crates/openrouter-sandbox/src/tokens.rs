//! A simple tokenizer, which cuts text into word-like tokens of about four characters, and log probabilities.
//!
//! Streams, usage and `max_tokens` use the same tokens, so that the three always agree.

use serde_json::{Value, json};

use crate::rng::Rng;

/// The most characters of a token, besides the white space with which it begins.
const MAX_TOKEN_CHARS: usize = 5;

/// Splits a text into tokens; joined, they are the text again.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut letters = 0;
    for (at, character) in text.char_indices() {
        let word_begins = character.is_whitespace() && letters > 0;
        if word_begins || letters == MAX_TOKEN_CHARS {
            pieces.push(&text[start..at]);
            start = at;
            letters = 0;
        }
        if !character.is_whitespace() {
            letters += 1;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

/// The number of tokens of a text.
pub(crate) fn count(text: &str) -> u64 {
    split(text).len() as u64
}

/// The first `limit` tokens of a text.
pub(crate) fn truncate(text: &str, limit: u64) -> &str {
    let kept: usize =
        split(text).iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).map(|p| p.len()).sum();
    &text[..kept]
}

/// Generates log probabilities, with alternatives, for one token after the other.
#[derive(Clone, Debug)]
pub(crate) struct Logprobs {
    alternatives: u64,
    rng: Rng,
}

impl Logprobs {
    /// `None` unless the request asks for them.
    pub(crate) fn wanted(request: &Value, rng: &Rng) -> Option<Self> {
        let alternatives = request["top_logprobs"].as_u64().unwrap_or(0);
        (request["logprobs"] == true).then(|| Self { alternatives, rng: rng.clone() })
    }

    /// The field `logprobs` of a choice with these tokens.
    pub(crate) fn of(&mut self, tokens: &[&str]) -> Value {
        let entries: Vec<Value> = tokens.iter().map(|token| self.entry(token)).collect();
        json!({"content": entries, "refusal": null})
    }

    fn entry(&mut self, token: &str) -> Value {
        // The service writes certainty as the integer 0, not 0.0.
        let logprob = match self.rng.below(3) {
            0 => json!(0),
            step => json!(-0.0625 * (step as f64 + self.rng.below(16) as f64)),
        };
        let mut top = Vec::new();
        for rank in 0..self.alternatives {
            top.push(match rank {
                0 => json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()}),
                _ => {
                    let other = format!(" {}", self.rng.pick(&["so", "well", "and", "maybe", "the"]));
                    json!({"token": other, "logprob": -7.5 - rank as f64, "bytes": other.as_bytes()})
                }
            });
        }
        json!({"token": token, "logprob": logprob, "bytes": token.as_bytes(), "top_logprobs": top})
    }
}

#[cfg(test)]
mod tests {
    use super::{count, split, truncate};

    #[test]
    fn split_keeps_every_character() {
        assert_eq!(split("Hello there, world"), ["Hello", " there", ",", " world"]);
        for text in ["", " ", "日本語のとても長い文章です", "a\n\nb  c", "👩‍👩‍👧 family"]
        {
            assert_eq!(split(text).concat(), text);
        }
    }

    #[test]
    fn truncate_agrees_with_count() {
        assert_eq!(count(""), 0);
        assert_eq!(truncate("one two three", 2), "one two");
        assert_eq!(count(truncate("one two three", 2)), 2);
        assert_eq!(truncate("one", 9), "one");
    }
}
