//! The words of an error, in whatever JSON a server or the provider behind it wraps them.
//!
//! One reader serves all services: it reads the objects of OpenAI, Anthropic, Google, vLLM, TGI, FastAPI and
//! gateways, and plain text, in lists, in strings, and cut off.

use std::borrow::Cow;
use std::time::Duration;

use lenient_json::{Raw, Reader, Text, object};
use provider_core::author::parse_duration;

/// The most levels that are searched; an object and a string are one each. No known service nests deeper, and
/// the bound keeps an upstream provider from deciding how long the search takes.
const MAX_DEPTH: usize = 16;
/// The most codes that are kept.
const MAX_CODES: usize = 16;
/// The most items of a list that are read.
const MAX_ITEMS: usize = 4;
/// The longest text that counts as a code, in bytes.
const MAX_CODE: usize = 64;

/// The words of an error, from all the levels of its JSON.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Words {
    /// Words for machines (`context_length_exceeded`, `RESOURCE_EXHAUSTED`), the outermost first.
    pub codes: Vec<String>,
    /// The first HTTP status among the codes.
    pub status: Option<u16>,
    /// The text for people.
    pub message: Option<String>,
    /// How long to wait before the next try.
    pub retry_delay: Option<Duration>,
}

object! {
    /// An error, or one of the objects that it is wrapped in.
    struct Layer<'a> {
        code: Text<'a> = "code",
        kind: Text<'a> = "type",
        aws_kind: Text<'a> = "__type",
        error_type: Text<'a> = "error_type",
        error_code: Text<'a> = "error_code",
        provider_code: Text<'a> = "provider_code",
        status: Text<'a> = "status",
        status_code: Text<'a> = "status_code",
        status_code_in_camel_case: Text<'a> = "statusCode",
        http_status: Text<'a> = "http_status",
        reason: Text<'a> = "reason",
        retry_delay: Text<'a> = "retryDelay",
        retry_after: Text<'a> = "retry_after",
        retry_after_seconds: Text<'a> = "retry_after_seconds",
        error: Raw<'a> = "error",
        errors: Raw<'a> = "errors",
        message: Raw<'a> = "message",
        capital_message: Raw<'a> = "Message",
        msg: Raw<'a> = "msg",
        detail: Raw<'a> = "detail",
        details: Raw<'a> = "details",
        error_message: Raw<'a> = "error_message",
        error_description: Raw<'a> = "error_description",
        error_msg: Raw<'a> = "error_msg",
        status_msg: Raw<'a> = "status_msg",
        html_message: Raw<'a> = "html-message",
        base_resp: Raw<'a> = "base_resp",
        inner: Raw<'a> = "innererror",
    }
    skip "object" | "param" | "metadata"
}

impl Words {
    /// Reads a text: JSON, or words.
    pub(crate) fn of_text(text: &str) -> Self {
        let mut words = Self::default();
        words.message = words.read_text(text, MAX_DEPTH);
        words
    }

    /// Reads a JSON value.
    pub fn of(raw: Raw<'_>) -> Self {
        let mut words = Self::default();
        words.message = words.read(raw, MAX_DEPTH);
        words
    }

    /// Adds a code from elsewhere.
    pub fn add_code(&mut self, code: &str) {
        let code = code.trim();
        match code.parse::<f64>() {
            Ok(number) if (400.0..600.0).contains(&number) => drop(self.status.get_or_insert(number as u16)),
            Ok(_) => {}
            Err(_) if code.is_empty() || code.len() > MAX_CODE || self.codes.len() >= MAX_CODES => {}
            Err(_) => self.codes.push(code.to_owned()),
        }
    }

    /// Adds the delay in a field, a duration or a number of seconds. The first one counts.
    pub fn add_retry_delay(&mut self, text: &str) {
        let seconds = || Duration::try_from_secs_f64(text.trim().parse().ok()?).ok();
        if let Some(delay) = parse_duration(text).or_else(seconds) {
            self.retry_delay.get_or_insert(delay);
        }
    }

    /// Reads a value, and returns its text for people.
    fn read(&mut self, raw: Raw<'_>, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        if raw.is_string() {
            return self.read_text(&raw.text().into_cow(), depth);
        }
        if raw.is_object() {
            return self.read_layer(raw.read().unwrap_or_default(), depth);
        }
        let (mut message, mut left) = (None, MAX_ITEMS);
        if raw.is_list() {
            raw.for_each(|item: Raw<'_>| {
                if left > 0 {
                    left -= 1;
                    let text = self.read(item, depth);
                    message = message.take().or(text);
                }
            });
        }
        message
    }

    fn read_layer(&mut self, layer: Layer<'_>, depth: usize) -> Option<String> {
        let codes = [
            &layer.code,
            &layer.kind,
            &layer.aws_kind,
            &layer.error_type,
            &layer.error_code,
            &layer.provider_code,
            &layer.status,
            &layer.status_code,
            &layer.status_code_in_camel_case,
            &layer.http_status,
            &layer.reason,
        ];
        for code in codes {
            self.add_code(code.as_str());
        }
        if layer.status_msg.is_string() {
            self.add_code(minimax_code(layer.status_code.as_str()));
        }
        self.add_retry_delay(layer.retry_delay.as_str());
        self.add_retry_delay(layer.retry_after.as_str());
        self.add_retry_delay(layer.retry_after_seconds.as_str());
        // A text in `error` is often a title or a word, with the full text beside it.
        let (titled, wrapped) =
            if layer.error.is_string() { (layer.error, Raw(None)) } else { (Raw(None), layer.error) };
        if let Some(word) = titled.text().filled().filter(|text| !text.contains(char::is_whitespace)) {
            self.add_code(word);
        }
        let (detail, validated) =
            if layer.detail.is_list() { (Raw(None), layer.detail) } else { (layer.detail, Raw(None)) };
        let texts = [
            wrapped,
            layer.message,
            layer.capital_message,
            layer.error_message,
            layer.error_description,
            layer.msg,
            layer.error_msg,
            layer.status_msg,
            layer.html_message,
            layer.base_resp,
            detail,
            layer.errors,
            titled,
        ];
        let message = texts.into_iter().find_map(|text| self.read(text, depth));
        // A validator's list of fields: its codes are about the fields.
        let message = message.or_else(|| Self::of(validated).message);
        // Azure's reason and Google's wait are beside the text.
        let inner =
            [layer.inner, layer.details].into_iter().filter_map(|inner| self.read(inner, depth)).last();
        message.or(inner)
    }

    fn read_text(&mut self, text: &str, depth: usize) -> Option<String> {
        let trimmed = text.trim();
        // An event of a stream, as it came.
        let trimmed = trimmed.strip_prefix("data:").map_or(trimmed, str::trim_start);
        let read = match (trimmed.as_bytes().first()?, depth.checked_sub(1)) {
            (_, None) => None,
            (b'{' | b'[', Some(depth)) => whole(trimmed).and_then(|json| self.read(Raw::of(&json), depth)),
            // JSON in a string in a string.
            (b'"', Some(depth)) => {
                let inside = whole(trimmed).map(|json| Raw::of(&json).text().into_cow().into_owned());
                let inside = inside.filter(|inside| inside.trim_start().starts_with(['{', '[']));
                inside.and_then(|inside| self.read_text(&inside, depth))
            }
            (_, Some(depth)) => self.read_embedded(text, depth),
        };
        // JSON without words for people is its own text.
        Some(read.unwrap_or_else(|| text.to_owned()))
    }

    /// Reads `Error code: 400 - {"error": …}`, and returns the text with the words of the error in place of
    /// its JSON.
    fn read_embedded(&mut self, text: &str, depth: usize) -> Option<String> {
        let at = text.find("{\"").or_else(|| text.find("{ \"")).or_else(|| text.find("{\n"))?;
        let (before, json) = text.split_at(at);
        let mut json = Reader::new(json);
        let value = Raw::of(json.value()?);
        let layer: Layer<'_> = value.read().unwrap_or_default();
        // Any other object is a part of the message: a schema, or what a user wrote.
        let is_error = layer.error.is_object() || layer.code.filled().is_some() && layer.message.is_string();
        let words = is_error.then(|| self.read(value, depth))??;
        Some(format!("{before}{words}{}", json.rest()))
    }
}

/// Returns the JSON value that a text begins with, completed where it was cut off.
fn whole(text: &str) -> Option<Cow<'_, str>> {
    if let Some(value) = Reader::new(text).value() {
        return Some(Cow::Borrowed(value));
    }
    let completed = completed(text)?;
    Reader::new(&completed).value().is_some().then_some(Cow::Owned(completed))
}

/// Closes the string, the lists and the objects that are open at the end of a text.
fn completed(text: &str) -> Option<String> {
    let (mut open, mut in_string, mut is_escaped) = (Vec::new(), false, false);
    for byte in text.bytes() {
        match (in_string, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{') => open.push('}'),
            (false, b'[') => open.push(']'),
            (false, b'}' | b']') => drop(open.pop()?),
            _ => {}
        }
    }
    let mut text = text.to_owned();
    if in_string {
        // Half an escape cannot be completed.
        let tail =
            text.rfind('\\').filter(|at| is_escaped || text[*at..].starts_with("\\u") && text.len() - at < 6);
        text.truncate(tail.unwrap_or(text.len()));
        text.push('"');
    }
    let end = text.trim_end().trim_end_matches(',').len();
    text.truncate(end);
    if text.ends_with(':') {
        text.push_str("null");
    }
    text.extend(open.into_iter().rev());
    Some(text)
}

/// Returns the code for one of MiniMax's numbers; empty for those that its texts explain as well.
fn minimax_code(number: &str) -> &'static str {
    match number {
        "1000" | "1013" | "1024" | "1033" => "500",
        "1001" => "504",
        "1002" | "1039" | "1041" => "429",
        "1004" | "2049" => "401",
        "1008" => "402",
        "1026" | "1027" => "content_filter",
        "2013" => "400",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Words::of_text(text).message.unwrap_or_default()
    }

    #[test]
    fn the_words_of_every_shape_are_found() {
        for (text, words, codes) in [
            ("just words", "just words", &[][..]),
            ("", "", &[]),
            (r#"{"error":{"message":"m","type":"t","code":"c"}}"#, "m", &["c", "t"]),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
                "m",
                &["error", "overloaded_error"],
            ),
            (
                r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#,
                "m",
                &["INVALID_ARGUMENT"],
            ),
            (
                r#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#,
                "m",
                &["BadRequestError"],
            ),
            (r#"{"error":"m m","error_type":"validation"}"#, "m m", &["validation"]),
            (r#"{"detail":"m"}"#, "m", &[]),
            (
                r#"{"detail":[{"loc":["body","x"],"msg":"m","type":"missing","input":"prompt is too long"}]}"#,
                "m",
                &[],
            ),
            (r#"{"errors":[{"code":7003,"message":"m"}],"success":false}"#, "m", &[]),
            (r#"{"errors":["m"]}"#, "m", &[]),
            (r#"{"statusCode":404,"message":"Cannot POST /x","error":"Not Found"}"#, "Cannot POST /x", &[]),
            (r#"{"error":"invalid_grant","error_description":"m"}"#, "m", &["invalid_grant"]),
            (r#"{"code":"c","error":"m m"}"#, "m m", &["c"]),
            (r#""{\"message\":\"m\"}""#, "m", &[]),
            (r#""just words""#, r#""just words""#, &[]),
            (r#""auto" is no choice"#, r#""auto" is no choice"#, &[]),
            (" words ", " words ", &[]),
            (r#"{"__type":"ThrottlingException","Message":"m"}"#, "m", &["ThrottlingException"]),
            (r#"{"error":{"message":"{\"error\":{\"message\":\"m\",\"code\":\"c\"}}"}}"#, "m", &["c"]),
            (
                r#"{"error":{"message":"m","code":"content_filter","innererror":{"code":"Policy"}}}"#,
                "m",
                &["content_filter", "Policy"],
            ),
            (
                r#"{"error":{"code":"c","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                r#"{"error":{"code":"c","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                &["c", "API_KEY_INVALID"],
            ),
            (
                r#"Error code: 400 - {"error":{"message":"m","code":"c"}} (again)"#,
                "Error code: 400 - m (again)",
                &["c"],
            ),
            (r#"not in the schema: {"type":"object"}"#, r#"not in the schema: {"type":"object"}"#, &[]),
            ("{oops", "{oops", &[]),
            ("[1,2]", "[1,2]", &[]),
        ] {
            let read = Words::of_text(text);
            assert_eq!(
                (read.message.unwrap_or_default().as_str(), read.codes),
                (words, codes.iter().map(ToString::to_string).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn json_that_was_cut_off_is_read_as_far_as_it_goes() {
        for (text, words) in [
            (r#"{"error":{"message":"prompt is too lo"#, "prompt is too lo"),
            (r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARG"#, "m"),
            (r#"{"error":{"message":"m","code":"#, "m"),
            (r#"{"error":{"message":"m","#, "m"),
            (r#"{"error":{"message":"a \"quote"#, "a \"quote"),
            (r#"{"error":{"message":"cut \"#, "cut "),
            (r#"{"error":{"message":"cut \u00"#, "cut "),
        ] {
            assert_eq!(message(text), words, "{text}");
        }
        let name_is_cut = r#"{"error":{"mess"#;
        assert_eq!(message(name_is_cut), name_is_cut);
    }

    #[test]
    fn the_status_and_the_wait_are_found_at_any_depth() {
        let words = Words::of_text(
            r#"{"error":{"code":429,"message":"m","details":[{"violations":[{"quota":"q"}]},{"@type":"RetryInfo","retryDelay":"1.5s"}]}}"#,
        );
        assert_eq!((words.status, words.retry_delay), (Some(429), Some(Duration::from_millis(1500))));
        for (text, seconds) in
            [("26s", Some(26.0)), ("6m0s", Some(360.0)), ("120ms", Some(0.12)), ("1h2m3s", Some(3723.0))]
        {
            assert_eq!(parse_duration(text).map(|time| time.as_secs_f64()), seconds, "{text}");
        }
        for text in ["", "s", "5", "5 s", "5d", "-5s", "1.2.3s", "9e9s", "soon"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrapped_without_end_is_left_as_it_is() {
        let deep = r#"{"error":"#.repeat(20_000);
        assert!(message(&deep).len() <= deep.len());
        let mut quoted = "m".to_owned();
        for _ in 0..12 {
            quoted = serde_json::json!({ "message": quoted }).to_string();
        }
        assert!(message(&quoted).contains("message"));
    }
}
