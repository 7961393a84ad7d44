use provider_core::ErrorKind;

use super::*;
use crate::dialect::Plain;

#[test]
fn each_example_is_decided_by_its_row() {
    assert_eq!(check_examples(&Plain, common::RULES), Ok(()));
    assert!(SOURCES.is_sorted());
}

#[test]
fn texts_inside_a_message_decide_like_the_message() {
    let in_message = |text: &str| {
        let message = serde_json::to_string(text).unwrap();
        Some(serde_json::json!({ "message": format!(r#"{{"error":{{"message":{message}}}}}"#) }).to_string())
    };
    let of_texts = |rule: &Rule| rule.source == Source::Text;
    assert_eq!(strays(common::RULES, &Plain, of_texts, in_message), Vec::<String>::new());
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
        let (rule, by) = decide(&WireError::from_text(text, &Plain), 400, &[]);
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
        assert_eq!(decide(&WireError::from_text(text, &Plain), status, &[]).0.kind, kind);
    }
}

#[test]
fn codes_are_the_same_in_any_spelling() {
    assert!(
        is_same_word("content_filter", "ContentFilter") && is_same_word("CONTENT-FILTER", "content_filter")
    );
    assert!(!is_same_word("content_filters", "content_filter"));
}
