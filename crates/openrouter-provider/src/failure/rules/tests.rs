use super::*;
use lenient_json::Raw;

/// The error that an example is, and its status: that in it, or the first one with which the rule applies.
fn example(rule: &Rule, example: &str) -> (WireError, u16) {
    let error = if example.starts_with('{') {
        WireError::read(Raw::of(example))
    } else {
        WireError::from_text(example)
    };
    let first = *rule.statuses[0].start();
    let told =
        error.words.status.or_else(|| rule.statuses.iter().any(|range| range.contains(&400)).then_some(400));
    (error, told.unwrap_or(first))
}

/// The examples of these rows that another row or pattern decides, and which.
fn stray(
    rows: impl Fn(&Rule) -> bool,
    wrapped: impl Fn(&str) -> Option<String>,
) -> Vec<(&'static str, ErrorKind, &'static str)> {
    let mut stray = Vec::new();
    for rule in TABLES.into_iter().flatten().filter(|rule| rows(rule)) {
        for (pattern, text) in rule.patterns {
            let (_, status) = example(rule, text);
            let Some(wrapped) = wrapped(text) else { continue };
            let (decided, by) = decide(&example(rule, &wrapped).0, status);
            if !std::ptr::eq(decided, rule) || by != *pattern {
                stray.push((*text, decided.kind, by));
            }
        }
    }
    stray
}

#[test]
fn every_example_is_decided_by_its_row_and_its_pattern() {
    assert_eq!(stray(|_| true, |text| Some(text.to_owned())), []);
    assert!(TABLES.into_iter().flatten().all(|rule| !rule.patterns.is_empty()));
}

#[test]
fn rows_stand_in_the_order_in_which_they_count() {
    for table in TABLES {
        assert!(table.is_sorted_by_key(|rule| rule.source));
    }
    assert!(SOURCES.is_sorted());
}

#[test]
fn codes_and_texts_of_upstream_decide_like_those_of_the_service() {
    let is_heard = |rule: &Rule| matches!(rule.source, Source::Code | Source::Text);
    // The metadata are the service's alone.
    let in_raw = |text: &str| {
        let raw = serde_json::to_string(text).unwrap();
        let wrapped = format!(r#"{{"message":"Provider returned error","metadata":{{"raw":{raw}}}}}"#);
        (!text.contains("metadata")).then_some(wrapped)
    };
    assert_eq!(stray(is_heard, in_raw), []);
    let in_message = |text: &str| {
        let message = serde_json::to_string(text).unwrap();
        Some(serde_json::json!({ "message": format!(r#"{{"error":{{"message":{message}}}}}"#) }).to_string())
    };
    assert_eq!(stray(|rule| rule.source == Source::Text, in_message), []);
}

#[test]
fn words_that_mean_something_else_are_left_to_the_status() {
    let mut wrong = Vec::new();
    for text in [
        "The file file-1 does not exist or has expired.",
        "The tool 'get_model' does not exist.",
        "Tool call call_1 of the model's last turn does not exist",
        "Invalid value for content: 'please explain what maximum context length means'.",
        "Expected a number, got \"the prompt is too long to count\".",
        "An accurate limit exceeded the expectations.",
        "`deprecated` is not a boolean",
        "The field function_call is deprecated, use tools",
        "The schema is too long",
        "model is required",
        "temperature must be between 0 and 2",
        "messages.0.content: Input should be a valid string",
        "Model parameters are invalid",
    ] {
        let (rule, by) = decide(&WireError::from_text(text), 400);
        if (rule.kind, rule.source) != (ErrorKind::InvalidRequest, Source::Status) {
            wrong.push((text, rule.kind, by));
        }
    }
    assert_eq!(wrong, []);
    // A text about tokens is about money or rates where the status says so.
    for (status, kind) in
        [(401, ErrorKind::Authentication), (402, ErrorKind::PaymentRequired), (429, ErrorKind::RateLimited)]
    {
        let text = "This would exceed the limit: reduce the length of the messages";
        assert_eq!(decide(&WireError::from_text(text), status).0.kind, kind);
    }
}

#[test]
fn endpoints_that_are_busy_are_not_left_out() {
    let error =
        r#"{"availability":{"code":"capacity_exhausted","excluded_by":["max_price"],"retryable":true}}"#;
    let kind = |status| decide(&WireError::read(Raw::of(error)), status).0.kind;
    assert_eq!((kind(429), kind(404)), (ErrorKind::RateLimited, ErrorKind::NoEndpoint));
}

#[test]
fn codes_are_the_same_in_any_spelling() {
    assert!(
        is_same_word("content_filter", "ContentFilter") && is_same_word("CONTENT-FILTER", "content_filter")
    );
    assert!(!is_same_word("content_filters", "content_filter"));
}
