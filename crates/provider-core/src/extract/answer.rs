//! An answer's text as a value, or why it is none.

use serde::de::DeserializeOwned;

use super::read::{Misfit, read_json, shorten};
use crate::{ChatResponse, Error, ErrorKind, FieldProblem, RawJson, RetryAdvice, ToolCall};

/// How much of a text that does not fit an error shows, in bytes. The whole answer is in the error too.
const MAX_SHOWN: usize = 8 * 1024;

/// The value; the error is still without the answer.
pub(super) fn read<T: DeserializeOwned>(response: &ChatResponse) -> Result<T, Error> {
    let text = unwrapped(response.text());
    // Half a number is a number; what ends in its own bracket is whole, however the answer ended.
    let whole = !response.is_truncated() || text.ends_with(['}', ']', '"']);
    let misfit = match read_json(text) {
        Ok(value) if whole => return Ok(value),
        Ok(_) => None,
        Err(misfit) => Some(misfit),
    };
    let error = why_none(response, text).or_else(|| Some(no_fit::<T>(misfit?, text))).unwrap_or_else(limited);
    let error = match response.requested.as_str() {
        "" => error,
        model => error.with_model(model),
    };
    Err(match &response.id {
        Some(id) => error.with_generation_id(id),
        None => error,
    })
}

/// The error for a text that is no `T`.
fn no_fit<T>(misfit: Misfit, text: &str) -> Error {
    let error = match misfit.path {
        // Prose can end in a quotation too.
        None if misfit.is_cut_off && text.starts_with(['{', '[']) => {
            let message =
                "the answer ends in the middle of its JSON; if a token limit cut it off, raise max_tokens";
            Error::new(ErrorKind::Truncated, message).with_retry(RetryAdvice::Now)
        }
        None => Error::new(ErrorKind::InvalidOutput, format!("the answer is no JSON: {}", misfit.problem)),
        Some(path) => {
            let path = if path == "." { "the whole answer" } else { &path };
            let message = format!("the answer does not fit {}", std::any::type_name::<T>());
            let problem = FieldProblem::new(path, misfit.problem);
            Error::new(ErrorKind::InvalidOutput, message).with_fields(vec![problem])
        }
    };
    error.with_details(RawJson::new(&shorten(text, MAX_SHOWN)).unwrap_or_default())
}

fn limited() -> Error {
    Error::new(ErrorKind::Truncated, "a token limit cut the answer off; raise max_tokens")
}

/// Why there is no value to be expected in this answer.
fn why_none(response: &ChatResponse, text: &str) -> Option<Error> {
    let message = &response.message;
    if let Some(words) = message.refusal.as_deref().filter(|words| !words.trim().is_empty()) {
        let words = shorten(words, MAX_SHOWN);
        return Some(Error::new(ErrorKind::ContentPolicy, format!("the model refused: {words}")));
    }
    if response.is_filtered() {
        return Some(Error::new(ErrorKind::ContentPolicy, "a content filter stopped the answer"));
    }
    if response.is_truncated() {
        return Some(limited());
    }
    if text.is_empty() && !message.tool_calls.is_empty() {
        let names: Vec<&str> = message.tool_calls.iter().map(ToolCall::label).collect();
        let message = format!(
            "the model called tools in place of an answer ({}); run them and ask again",
            names.join(", ")
        );
        // Asked the same, it would call them again.
        return Some(Error::new(ErrorKind::InvalidOutput, message).with_retry(RetryAdvice::Never));
    }
    text.is_empty().then(|| Error::new(ErrorKind::EmptyResponse, "the answer has no text"))
}

/// The text without white space and without a Markdown fence around it.
fn unwrapped(text: &str) -> &str {
    let text = text.trim();
    // An answer that was cut off has no fence behind it.
    let inner = text.strip_prefix("```").map(|text| text.strip_suffix("```").unwrap_or(text));
    let inner = inner.filter(|inner| !inner.is_empty());
    match inner.and_then(|inner| inner.split_once('\n')) {
        // The first line is the fence's language.
        Some((language, json)) if !language.contains(['{', '[', '"']) => json.trim(),
        _ => inner.map_or(text, str::trim),
    }
}

#[cfg(test)]
mod tests {
    use super::unwrapped;

    #[test]
    fn fences_and_white_space_come_off() {
        for text in [
            "{\"a\": 1}",
            "\n {\"a\": 1}\r\n",
            "```json\n{\"a\": 1}\n```",
            "```JSON\r\n{\"a\": 1}\r\n```\n",
            "```\n{\"a\": 1}\n```",
            "```{\"a\": 1}```",
            "```json\n{\"a\": 1}",
        ] {
            assert_eq!(unwrapped(text), "{\"a\": 1}", "{text:?}");
        }
        assert_eq!(unwrapped("```json\n{\"a\":\n 1}\n```"), "{\"a\":\n 1}");
        for text in ["", "``", "```", "Here it is: {}"] {
            assert_eq!(unwrapped(text), text, "no fence around it");
        }
    }
}
