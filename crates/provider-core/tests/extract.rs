//! Answers read into the caller's own type, and what is said when they cannot be.

#![cfg(feature = "schemars")]
#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use provider_core::schemars::{self, JsonSchema};
use provider_core::{
    ChatRequest, ErrorKind, JsonSchema as Format, LlmProvider, LlmProviderExt, ResponseFormat, RetryAdvice,
};
use provider_testing::{ScriptedProvider, Turn};
use serde::Deserialize;
use support::cost;

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Mail {
    order: Order,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Order {
    items: Vec<Item>,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Item {
    price: u32,
}

const GOOD: &str = r#"{"order":{"items":[{"price":1},{"price":2}]}}"#;

fn request() -> ChatRequest {
    ChatRequest::new("acme/model").user("Read this")
}

#[tokio::test]
async fn an_answer_becomes_a_value() {
    let fenced = "```json\n{\"order\": {\"items\": [{\"price\": 1}, {\"price\": 2}]}}\n```\n";
    // A loop of white space up to the limit takes nothing away from what came before it.
    let cut = Turn::says("{\"order\":{\"items\":[{\"price\":1},{\"price\":2}]}}\n\n\n").finish("length");
    // A call that cannot be run takes nothing away either.
    let beside = Turn::calls([("note", "{,}")]).text(GOOD).finish("end_turn");
    for turn in [Turn::says(GOOD), Turn::says(fenced), cut, beside] {
        let scripted = ScriptedProvider::new([turn.usage(cost("0.1"))]);
        let mail = scripted.extract::<Mail>(&request()).await.expect("it fits");
        assert_eq!(mail.response.usage.cost.map(|cost| cost.to_string()).as_deref(), Some("0.1"));
        assert_eq!(mail.into_value().order.items, [Item { price: 1 }, Item { price: 2 }]);
        assert_eq!(scripted.requests()[0].response_format, Some(ResponseFormat::of::<Mail>()));
    }
    let scripted = ScriptedProvider::new([Turn::says(GOOD)]);
    let strict = Format::strict_of::<Mail>().expect("strict");
    scripted.extract::<Mail>(&request().response_format(strict.clone())).await.expect("it fits");
    assert_eq!(scripted.requests()[0].response_format, Some(strict.into()), "a format that is there stays");
}

#[tokio::test]
async fn what_is_no_value_is_told_with_the_whole_answer() {
    use ErrorKind::*;
    let long = "x".repeat(20_000).leak();
    for (turn, kind, retry, told) in [
        (
            Turn::says(r#"{"order":{"items":[{"price":1},{},{"price":2}]}}"#),
            InvalidOutput,
            RetryAdvice::Now,
            "order.items[1]: missing field `price`",
        ),
        (
            Turn::says(r#"{"order":{"items":[{"price":1},{"price":"two"}]}}"#),
            InvalidOutput,
            RetryAdvice::Now,
            "order.items[1].price: invalid type: string \"two\", expected u32",
        ),
        (Turn::says("[1]"), InvalidOutput, RetryAdvice::Now, "does not fit extract::Mail"),
        (
            Turn::says("I think it is 5."),
            InvalidOutput,
            RetryAdvice::Now,
            "the answer is no JSON: expected value",
        ),
        (Turn::says(long), InvalidOutput, RetryAdvice::Now, "the answer is no JSON"),
        (
            Turn::says("{\"order\":{\"items\":[]}} And more?"),
            InvalidOutput,
            RetryAdvice::Now,
            "the answer is no JSON: trailing characters",
        ),
        (Turn::says("{\"order\":{").finish("length"), Truncated, RetryAdvice::Never, "raise max_tokens"),
        (Turn::says("{'order': [").finish("max_tokens"), Truncated, RetryAdvice::Never, "raise max_tokens"),
        // No limit is named, but the JSON ends too early.
        (Turn::says("{\"order\":{"), Truncated, RetryAdvice::Now, "in the middle of its JSON"),
        (
            Turn::says("{'order': {}}"),
            InvalidOutput,
            RetryAdvice::Now,
            "the answer is no JSON: key must be a string",
        ),
        (Turn::says("{\"order\": {\"items\": []},}"), InvalidOutput, RetryAdvice::Now, "trailing comma"),
        (Turn::says("\"Order"), InvalidOutput, RetryAdvice::Now, "the answer is no JSON: EOF"),
        (Turn::calls([("get_mail", "{,}")]), InvalidOutput, RetryAdvice::Never, "called tools"),
        (Turn::calls([("get_mail", "{")]), Truncated, RetryAdvice::Never, "raise max_tokens"),
        (Turn::says("{\"or").finish("SAFETY"), ContentPolicy, RetryAdvice::Never, "content filter"),
        (
            Turn::new().refusal("I cannot help with that.").finish("stop"),
            ContentPolicy,
            RetryAdvice::Never,
            "I cannot help with that.",
        ),
        (Turn::says("{\"or").finish("content_filter"), ContentPolicy, RetryAdvice::Never, "content filter"),
        (
            Turn::calls([("get_mail", "{}")]),
            InvalidOutput,
            RetryAdvice::Never,
            "called tools in place of an answer (get_mail)",
        ),
        (Turn::says(" \n "), EmptyResponse, RetryAdvice::Now, "no text"),
    ] {
        let scripted = ScriptedProvider::new([turn.clone().usage(cost("0.1"))]);
        let error = scripted.extract::<Mail>(&request()).await.expect_err("no mail");
        assert_eq!((error.kind(), error.retry()), (kind, retry), "{error}");
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!((error.provider(), error.model()), (Some("scripted"), Some("acme/model")));
        assert_eq!(error.generation_id(), Some("gen-1"));
        let partial = error.partial().expect("nothing that was paid for is lost");
        if let Some(shown) = error.details() {
            let said = ScriptedProvider::new([turn]).chat(&request()).await.expect("an answer");
            let text = said.text();
            assert_eq!(partial.text(), text);
            let shown: String = shown.read().expect("a text");
            assert!(text.trim().starts_with(&shown) && shown.len() == text.trim().len().min(8192));
        }
        let parsed = partial.parse::<Mail>().expect_err("no mail").with_provider("scripted");
        assert_eq!(parsed, error, "parsing it later says the same");
    }
}

#[tokio::test]
async fn half_a_number_is_no_number() {
    let scripted = ScriptedProvider::new([Turn::says("12").finish("length"), Turn::says("12")]);
    let error = scripted.extract::<u32>(&request()).await.expect_err("it may have been 123");
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(scripted.extract::<u32>(&request()).await.expect("a number").into_value(), 12);
}

#[tokio::test]
async fn a_fence_that_is_not_closed_hides_nothing() {
    let scripted = ScriptedProvider::new([Turn::says("```json\n{\"order\":{"), Turn::says("```json\n12")]);
    let error = scripted.extract::<Mail>(&request()).await.expect_err("half a mail");
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(scripted.extract::<u32>(&request()).await.expect("a number").into_value(), 12);
}

#[tokio::test]
async fn the_words_of_an_error_have_an_end() {
    let text: &str = format!(r#"{{"order":{{"items":[{{"price":"{}"}}]}}}}"#, "é".repeat(50_000)).leak();
    let error =
        ScriptedProvider::new([Turn::says(text)]).extract::<Mail>(&request()).await.expect_err("no number");
    assert!(error.to_string().len() < 1000 && error.to_string().contains("order.items[0].price"), "{error}");
    assert_eq!(error.partial().map(|partial| partial.text().len()), Some(text.len()));
}
