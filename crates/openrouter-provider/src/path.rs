//! Ids in paths and values in queries.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use provider_core::{Error, FieldProblem};

use crate::ID;

const WHITE_SPACE: &str = "has white space or control characters; take them out";

/// Makes sure that a text that names something can be one.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest), naming the field.
pub(crate) fn check_text(field: &str, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(refused(field, "is empty"));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(refused(field, WHITE_SPACE));
    }
    Ok(())
}

/// The path of a model: its author and slug, escaped.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest), naming `id`, for what has no
/// path.
pub(crate) fn model(id: &str) -> Result<String, Error> {
    check_text("id", id)?;
    if id.contains("@preset/") {
        return Err(refused("id", "is a preset, which is not in the catalogue; ask for the model it uses"));
    }
    if !id.contains('/') {
        return Err(refused("id", "has no author; write it as author/slug, such as openai/gpt-4o"));
    }
    let segments: Vec<&str> = id.split('/').collect();
    // A URL would take dots for a way to somewhere else.
    if segments.iter().any(|segment| ["", ".", ".."].contains(segment)) {
        return Err(refused(
            "id",
            "has an empty part beside a slash; write it as author/slug, such as openai/gpt-4o",
        ));
    }
    let escaped = |segment| utf8_percent_encode(segment, ESCAPED_IN_PATH).to_string();
    Ok(segments.into_iter().map(escaped).collect::<Vec<_>>().join("/"))
}

/// One segment of a path, escaped.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest), naming the field, for what would
/// be another path.
pub(crate) fn segment(field: &str, text: &str) -> Result<String, Error> {
    check_text(field, text)?;
    if [".", ".."].contains(&text) {
        return Err(refused(field, "is a way to another path; write a name"));
    }
    Ok(utf8_percent_encode(text, ESCAPED_IN_PATH).to_string())
}

/// A value of a query, escaped.
pub(crate) fn encode_value(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED_IN_VALUE).to_string()
}

/// The query of the next page: what its link says, and what it does not repeat of the first one.
pub(crate) fn merge_queries(first: &str, next: &str) -> String {
    let next = next.split('#').next().unwrap_or_default();
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let named: Vec<String> = next.split('&').map(name).collect();
    let kept = first.split('&').filter(|pair| !pair.is_empty() && !named.contains(&name(pair)));
    kept.chain([next]).collect::<Vec<_>>().join("&")
}

/// The bytes that are escaped in a path or a value: all but letters, digits and `-._~`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same in a path, where a colon stands before a variant.
const ESCAPED_IN_PATH: &AsciiSet = &ESCAPED.remove(b':');
/// The same in the value of a query, where lists and ids keep their marks.
const ESCAPED_IN_VALUE: &AsciiSet = &ESCAPED.remove(b',').remove(b':').remove(b'/');

fn refused(field: &str, problem: &str) -> Error {
    Error::invalid_request(vec![FieldProblem::new(field, problem)]).with_provider(ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_paths() {
        for (id, path) in [
            ("openai/gpt-4o", "openai/gpt-4o"),
            ("openai/gpt-4o:free", "openai/gpt-4o:free"),
            ("~anthropic/claude-opus-latest", "~anthropic/claude-opus-latest"),
            ("a/b/c", "a/b/c"),
            ("a/b?c#d%2e&é\\", "a/b%3Fc%23d%252e%26%C3%A9%5C"),
        ] {
            assert_eq!(model(id).ok().as_deref(), Some(path), "{id}");
        }
    }

    #[test]
    fn id_without_a_path_is_refused_by_name() {
        for (id, words) in [
            ("", "is empty"),
            ("openai/gpt 4o", "white space"),
            ("openai/gpt-4o\n", "white space"),
            ("@preset/x", "preset"),
            ("openai/gpt-4o@preset/x", "preset"),
            ("gpt-4o", "no author"),
            ("openai/", "empty part"),
            ("/gpt-4o", "empty part"),
            ("a//b", "empty part"),
            ("../key", "empty part"),
            ("a/..", "empty part"),
        ] {
            let error = model(id).expect_err(id);
            assert_eq!(error.kind(), provider_core::ErrorKind::InvalidRequest);
            assert_eq!(error.fields()[0].field, "id");
            assert!(error.fields()[0].problem.contains(words), "{id}: {error}");
        }
    }

    #[test]
    fn later_pages_keep_the_filters() {
        for (first, next, merged) in [
            ("", "offset=5", "offset=5"),
            ("q=a&limit=5", "offset=5&limit=5", "q=a&offset=5&limit=5"),
            ("q=a", "q=a&offset=5#x", "q=a&offset=5"),
        ] {
            assert_eq!(merge_queries(first, next), merged);
        }
    }
}
