//! A stand-in tokenizer: cuts text into word-like pieces of about four characters.
//!
//! The same pieces are streamed, counted and capped by `max_tokens`, so the three always agree.

/// The most characters in one piece, not counting the white space it begins with.
const LONGEST: usize = 5;

/// The pieces of a text, in order; joined they are the text again.
pub(crate) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut letters = 0;
    for (at, character) in text.char_indices() {
        let word_begins = character.is_whitespace() && letters > 0;
        if word_begins || letters == LONGEST {
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

/// How many tokens a text is.
pub(crate) fn count(text: &str) -> u64 {
    pieces(text).len() as u64
}

/// The beginning of a text that is at most `limit` tokens long.
pub(crate) fn truncate(text: &str, limit: u64) -> &str {
    let kept: usize =
        pieces(text).iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).map(|p| p.len()).sum();
    &text[..kept]
}

#[cfg(test)]
mod tests {
    use super::{count, pieces, truncate};

    #[test]
    fn cuts_words_and_keeps_every_character() {
        assert_eq!(pieces("Hello there, world"), ["Hello", " there", ",", " world"]);
        for text in ["", " ", "日本語のとても長い文章です", "a\n\nb  c", "👩‍👩‍👧 family"]
        {
            assert_eq!(pieces(text).concat(), text);
        }
    }

    #[test]
    fn counts_what_it_cuts() {
        assert_eq!(count(""), 0);
        assert_eq!(truncate("one two three", 2), "one two");
        assert_eq!(count(truncate("one two three", 2)), 2);
        assert_eq!(truncate("one", 9), "one");
    }
}
