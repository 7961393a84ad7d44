//! Reads JSON, and says where it does not fit.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// The most of the parser's words to repeat, in bytes: they can quote a value of any length.
const MAX_WORDS: usize = 400;

/// Why a text is no `T`.
pub(crate) struct Misfit {
    /// Where in the JSON it does not fit (`order.items[2].price`), `.` for all of it; `None` when the text is
    /// no JSON.
    pub(super) path: Option<String>,
    /// The words of the parser: what it found there, and what it expected.
    pub(super) problem: String,
    /// Whether the text ends in the middle of its JSON.
    pub(super) is_cut_off: bool,
}

/// Reads the whole text as `T`.
pub(crate) fn read_json<T: DeserializeOwned>(text: &str) -> Result<T, Misfit> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        misfit(path, error.inner())
    })?;
    json.end().map_err(|error| misfit(String::new(), &error))?;
    Ok(value)
}

fn misfit(path: String, error: &serde_json::Error) -> Misfit {
    let words = error.to_string();
    let problem = match shorten(&words, MAX_WORDS) {
        whole if whole.len() == words.len() => words,
        start => format!("{start}… at line {} column {}", error.line(), error.column()),
    };
    let category = error.classify();
    let path = (category == Category::Data).then_some(path);
    Misfit { path, problem, is_cut_off: category == Category::Eof }
}

/// At most this many bytes of a text.
pub(super) fn shorten(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

impl fmt::Display for Misfit {
    /// For the model to read, which is to mend it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_deref() {
            None => write!(f, "no JSON: {}", self.problem),
            Some(".") => f.write_str(&self.problem),
            Some(path) => write!(f, "`{path}`: {}", self.problem),
        }
    }
}
