//! Finds phrases in a text for people.

/// How much of a text is searched, in bytes. The beginning of a text tells what it is about.
const MAX_TEXT: usize = 8 << 10;
/// The most words that a `*` stands for.
const MAX_GAP: usize = 8;

/// The words of a text, in lower case and without the punctuation around them.
///
/// A quotation of several words does not count, since a user may have written it.
///
/// The words of a pattern stand for themselves, as a whole (`rate limit` is not in `accurate limits`),
/// `this|that` for either, `?` for any one word, `#` for a number, `*` for up to eight words, `^` for the
/// beginning of the text and `$` for its end.
pub(crate) struct Phrases(Vec<String>);

impl Phrases {
    pub(crate) fn new(text: &str) -> Self {
        let end = (0..=MAX_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        let text = text[..end.unwrap_or(0)].to_lowercase();
        let (mut words, mut before) = (Vec::new(), "");
        // Quotes that the rest of the text does not close. The list spares a second search for them.
        let mut unclosed = Vec::new();
        let mut tokens = text.split_whitespace();
        while let Some(token) = tokens.next() {
            let is_value = before.ends_with(':') && NAMES_OF_TEXTS.contains(&trimmed(before));
            before = token;
            let begins = |quote: &char| !is_value && !closes(&token[quote.len_utf8()..], *quote);
            let quote = opening_quote(token).filter(begins).filter(|quote| !unclosed.contains(quote));
            let after = quote.and_then(|quote| after_quote(quote, &tokens));
            unclosed.extend(quote.filter(|_| after.is_none()));
            // A text that is quoted as a whole is no quotation in it.
            match after.filter(|after| !words.is_empty() || after.clone().next().is_some()) {
                Some(after) => {
                    tokens = after;
                    words.push("\"\"".to_owned());
                }
                None => words.extend(Some(trimmed(token)).filter(|word| !word.is_empty()).map(str::to_owned)),
            }
        }
        Self(words)
    }

    /// Whether the pattern is anywhere in the text.
    pub(crate) fn have(&self, pattern: &str) -> bool {
        let pattern: Vec<_> = pattern.split_whitespace().collect();
        match pattern.split_first() {
            Some((&"^", rest)) => begins(&self.0, rest),
            _ => (0..=self.0.len()).any(|from| begins(&self.0[from..], &pattern)),
        }
    }
}

fn begins(words: &[String], pattern: &[&str]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return true };
    match (*first, words.split_first()) {
        ("$", word) => word.is_none(),
        ("*", _) => (0..=words.len().min(MAX_GAP)).any(|gap| begins(&words[gap..], rest)),
        (_, None) => false,
        ("?", Some((_, words))) => begins(words, rest),
        ("#", Some((word, words))) => word.starts_with(|c: char| c.is_ascii_digit()) && begins(words, rest),
        (first, Some((word, words))) => first.split('|').any(|either| either == word) && begins(words, rest),
    }
}

/// Names in front of a quoted text that is a message, where an object was printed into one.
const NAMES_OF_TEXTS: [&str; 4] = ["message", "msg", "detail", "error"];
const QUOTES: [(char, char); 6] = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»')];

/// Returns a word without the punctuation around it.
fn trimmed(token: &str) -> &str {
    token.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Returns the quote that a token opens with.
fn opening_quote(token: &str) -> Option<char> {
    token.chars().next().filter(|first| QUOTES.iter().any(|(opening, _)| opening == first))
}

/// Whether a token ends a quotation, but for punctuation.
fn closes(token: &str, quote: char) -> bool {
    let closing = QUOTES.iter().find(|(opening, _)| *opening == quote).map(|(_, closing)| *closing);
    let end = token.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']);
    closing.is_some_and(|closing| end.ends_with(closing))
}

/// Returns the tokens after a quotation of several words, if it ends.
fn after_quote<'t>(
    quote: char,
    tokens: &std::str::SplitWhitespace<'t>,
) -> Option<std::str::SplitWhitespace<'t>> {
    let mut tokens = tokens.clone();
    tokens.find(|token| closes(token, quote))?;
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(text: &str, pattern: &str) -> bool {
        Phrases::new(text).have(pattern)
    }

    #[test]
    fn words_are_found_whole_and_in_order() {
        assert!(has("You hit the Rate-Limit; rate limit exceeded!", "rate limit exceeded"));
        assert!(!has("An accurate limit exceeded expectations.", "rate limit exceeded"));
        assert!(!has("limit rate exceeded", "rate limit exceeded"));
        assert!(has("the model `acme/none:free` does not exist.", "model ? does not exist"));
        assert!(!has("the model of the file does not exist", "model ? does not exist"));
        assert!(has("at most 4096 tokens", "at most # tokens"));
        assert!(!has("at most four tokens", "at most # tokens"));
        assert!(has("exceed the context size", "exceed|exceeds * context window|size"));
        assert!(!has("exceed 1 2 3 4 5 6 7 8 9 context size", "exceed * context size"));
        assert!(has("Not Found", "^ not found $") && !has("Model not found", "^ not found $"));
        assert!(has("anything", "") && has("", ""));
    }

    #[test]
    fn quotes_that_are_not_closed_are_words() {
        let text = format!("{} rate limit exceeded", "'a \"b ".repeat(3));
        assert!(has(&text, "a b a"));
        assert!(has(&text, "rate limit exceeded"));
        assert!(!has("'it is \"not closed 'rate limit exceeded' here", "rate limit exceeded"));
    }

    #[test]
    fn what_is_quoted_counts_for_nothing_unless_it_is_the_message() {
        for text in [
            "Invalid value: 'tell me why the prompt is too long'.",
            "got \"prompt is too long\", which is no number",
            "not JSON: “prompt is too long”",
            "'prompt is too long' is no name",
            "no message 'prompt is too long' in here",
        ] {
            assert!(!has(text, "prompt is too long"), "{text}");
        }
        for text in [
            "\"prompt is too long\"",
            "the model's prompt is too long, that's all",
            "400 - {'error': {'message': 'prompt is too long: 5 > 3', 'type': 'x'}}",
            "`prompt` is too long",
            "error: 'the prompt is too long'",
            "'tis certain: the prompt is too long",
        ] {
            assert!(has(text, "prompt is too long"), "{text}");
        }
    }

    #[test]
    fn a_text_of_any_length_is_searched_at_its_beginning() {
        let text = format!("{} prompt is too long", "é ".repeat(10_000));
        assert!(!has(&text, "prompt is too long") && has(&text, "é é"));
    }
}
