//! Shapes that no agreement covers and that services send all the same.

use std::time::Duration;

use provider_core::{ChatResponse, Error, ErrorKind, Event, LlmProvider as _, RetryAdvice};
use serde_json::json;

use crate::support::{Reply, Server, chat, request};

/// Reads an event stream; also the pieces of text as they were handed out.
async fn read(reply: Reply) -> (Vec<String>, Result<ChatResponse, Error>) {
    let mut stream = Server::always(reply).stream(&request()).await.expect("a stream");
    let mut pieces = Vec::new();
    while let Some(event) = stream.next().await {
        if let Ok(Event::Text(piece)) = event {
            pieces.push(piece.to_string());
        }
    }
    (pieces, stream.into_response())
}

/// A stream of these chunks and its end.
fn events(chunks: &[&str]) -> Reply {
    let mut body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    body.push_str("data: [DONE]\n\n");
    Reply::events(body)
}

fn delta(fields: &str) -> String {
    format!(r#"{{"choices":[{{"delta":{{{fields}}}}}]}}"#)
}

const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;

#[tokio::test]
async fn what_follows_an_error_is_still_read_but_not_waited_for() {
    let error = r#"{"choices":[],"error":{"code":502,"message":"lost it"}}"#;
    let usage = r#"{"choices":[],"usage":{"total_tokens":7,"cost":0.5}}"#;
    let (_, end) = read(events(&[&delta(r#""content":"hi""#), error, usage])).await;
    let failure = end.expect_err("it failed");
    let partial = failure.partial().expect("what came");
    assert_eq!((failure.message(), partial.text(), partial.usage.total_tokens), ("lost it", "hi", Some(7)));
}

#[tokio::test]
async fn negative_cost_is_no_cost() {
    let usage = r#"{"choices":[],"usage":{"total_tokens":7,"cost":-5}}"#;
    let (_, end) = read(events(&[&delta(r#""content":"hi""#), STOP, usage])).await;
    let usage = end.expect("it answered").usage;
    assert_eq!((usage.cost, usage.total_tokens), (None, Some(7)));
}

#[tokio::test]
async fn the_words_of_an_error_count_where_its_number_is_missing() {
    use ErrorKind::*;
    for (error, kind, retry) in [
        (json!({"code": "invalid_request_error", "message": "m"}), InvalidRequest, RetryAdvice::Never),
        (json!({"code": "rate_limit_exceeded", "message": "m"}), RateLimited, RetryAdvice::Now),
        (json!({"code": "context_length_exceeded", "message": "m"}), ContextLength, RetryAdvice::Never),
        (json!({"code": 429.0, "message": "m"}), RateLimited, RetryAdvice::Now),
        (
            json!({"code": "whatever", "http_status": 402, "message": "m"}),
            PaymentRequired,
            RetryAdvice::Never,
        ),
        (json!({"code": "server_error", "message": "m"}), Server, RetryAdvice::Now),
        (json!({"message": "m"}), Upstream, RetryAdvice::Now),
        (json!("just words"), Upstream, RetryAdvice::Now),
        (json!({"code": 500, "message": " "}), Server, RetryAdvice::Now),
        (json!("  "), Upstream, RetryAdvice::Now),
    ] {
        let failure =
            chat(Reply::json(200, json!({ "error": error }).to_string())).await.expect_err("an error");
        assert!(!failure.message().trim().is_empty(), "{failure:?} says nothing");
        assert_eq!((failure.kind(), failure.retry()), (kind, retry), "{error}");
    }
}

#[tokio::test]
async fn an_empty_error_beside_an_answer_is_none() {
    for error in ["null", "false", "\"\"", "{}", "0"] {
        let body = format!(
            r#"{{"error":{error},"choices":[{{"message":{{"content":"Hi"}},"finish_reason":"stop"}}]}}"#
        );
        assert_eq!(chat(Reply::json(200, body)).await.expect(error).text(), "Hi");
    }
}

#[tokio::test]
async fn an_id_without_end_is_not_in_the_line_of_an_error() {
    let id = "gen-".repeat(10_000);
    let failure =
        read(events(&[&json!({ "id": id, "error": "lost" }).to_string()])).await.1.expect_err("lost");
    assert!(failure.to_string().len() < 1_000, "{failure}");
    assert_eq!(failure.partial().and_then(|partial| partial.id.as_deref()), Some(&*id), "but kept");
}

#[tokio::test]
async fn a_wait_is_bounded() {
    let failure = chat(Reply::json(429, "{}").header("retry-after", "99999999999")).await.expect_err("429");
    assert_eq!(failure.retry(), RetryAdvice::After(Duration::from_secs(7 * 24 * 60 * 60)));
}

#[tokio::test]
async fn what_has_the_wrong_type_survives() {
    let body = r#"{"choices":[{"message":{
        "content":{"type":"text","text":"Hi"},"reasoning":["a"],"refusal":{"r":1},"annotations":true,
        "tool_calls":{"id":"c","function":{"name":"f","arguments":{"a":1},"novel":2},"type":"custom"},
        "images":{"type":"image_url","image_url":{"url":"data:,"}},
        "reasoning_details":{"type":"reasoning.text","text":"hm"}},
        "finish_reason":"tool_calls"}],"usage":"free"}"#;
    let reply = chat(Reply::json(200, body)).await.expect("an answer");
    assert_eq!(reply.text(), "Hi");
    let [call] = &reply.message.tool_calls[..] else { panic!("one call, not {:?}", reply.message) };
    assert_eq!((call.name.as_str(), call.arguments.as_str()), ("f", r#"{"a":1}"#));
    assert_eq!(json!(call.extra), json!({"type": "custom", "function.novel": 2}));
    assert!(reply.tool_calls().is_empty(), "what is no function is not to be run");
    assert_eq!(reply.message.images[0].url().as_deref(), Some("data:,"));
    assert_eq!(reply.reasoning(), "hm");
    assert_eq!(
        json!(reply.message.extra),
        json!({"reasoning": ["a"], "refusal": {"r": 1}, "annotations": true})
    );
    assert_eq!(json!(reply.extra), json!({"usage": "free"}));
}

#[tokio::test]
async fn numbers_beyond_all_measure_cost_nothing_else() {
    let body = r#"{"created":1e999,"choices":[{"index":1e999,"message":{"content":"Hi","tool_calls":[
        {"index":1e999,"id":"a","function":{"name":"f","arguments":"{}"}}]}}],
        "usage":{"prompt_tokens":1e999,"completion_tokens":5.0,"total_tokens":1e1,"cost":1e999}}"#;
    let reply = chat(Reply::json(200, body)).await.expect("an answer");
    assert_eq!((reply.text(), reply.tool_calls().len()), ("Hi", 1));
    assert_eq!((reply.usage.completion_tokens, reply.usage.total_tokens), (Some(5), Some(10)));
}

#[tokio::test]
async fn usage_in_several_pieces_is_one() {
    let first = r#"{"choices":[],"usage":{"prompt_tokens":5,"total_tokens":7}}"#;
    let second = r#"{"choices":[],"usage":{"cost":0.5,"total_tokens":8,"prompt_tokens":null}}"#;
    let (_, end) = read(events(&[&delta(r#""content":"hi""#), first, STOP, second])).await;
    let usage = end.expect("an answer").usage;
    assert_eq!((usage.prompt_tokens, usage.total_tokens), (Some(5), Some(8)));
    assert_eq!(usage.cost.map(|cost| cost.to_string()).as_deref(), Some("0.5"));
}

#[tokio::test]
async fn a_message_beside_its_deltas_counts_once() {
    let whole =
        r#"{"choices":[{"delta":{"content":""},"message":{"content":"Hello"},"finish_reason":"stop"}]}"#;
    let (pieces, end) =
        read(events(&[&delta(r#""content":"Hel""#), &delta(r#""content":"lo""#), whole])).await;
    assert_eq!((pieces.concat(), end.expect("an answer").text()), ("Hello".to_owned(), "Hello"));
    let (pieces, _) = read(events(&[whole])).await;
    assert_eq!(pieces.concat(), "Hello", "without deltas it is all there is");
}

#[tokio::test]
async fn a_character_cut_in_half_is_whole_again() {
    let chunks = [
        delta(r#""content":"a\ud83d""#),
        delta(r#""content":"""#),
        delta(r#""content":"\uddfcb\ud83d""#),
        delta(r#""content":"c\ud83d""#),
        delta(
            r#""content":null,"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"\"\ud83d"}}]"#,
        ),
        delta(r#""tool_calls":[{"index":0,"function":{"arguments":"\uddfc\""}}]"#),
    ];
    let chunks: Vec<&str> = chunks.iter().map(String::as_str).chain([STOP]).collect();
    let (pieces, end) = read(events(&chunks)).await;
    let reply = end.expect("an answer");
    assert_eq!(reply.text(), "a🗼b\u{fffd}c\u{fffd}", "a half that stays alone is replaced");
    assert_eq!(pieces.concat(), reply.text());
    assert_eq!(reply.tool_calls()[0].arguments, "\"🗼\"");
}

#[tokio::test]
async fn encrypted_reasoning_is_not_shown() {
    let details = r#""reasoning_details":[{"type":"reasoning.encrypted","data":"AAA=","text":"[REDACTED]"}]"#;
    let server = Server::always(events(&[&delta(details), &delta(r#""content":"Hi""#), STOP]));
    let mut stream = server.stream(&request()).await.expect("a stream");
    while let Some(event) = stream.next().await {
        assert!(!matches!(event.expect("a good event"), Event::Reasoning(_)));
    }
    let reply = stream.into_response().expect("an answer");
    assert_eq!(reply.reasoning(), "");
    assert_eq!(reply.message.reasoning_details.expect("details").len(), 1, "but kept");
}

#[tokio::test]
async fn an_answer_of_the_wrong_content_type_is_an_answer() {
    let stream = format!("data: {}\n\ndata: {STOP}\n\ndata: [DONE]\n\n", delta(r#""content":"Hi""#));
    let whole = "\u{feff}{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}";
    for body in [stream.as_str(), whole] {
        let reply = Reply::new(200, "text/plain", body);
        assert_eq!(chat(reply.clone()).await.expect(body).text(), "Hi");
        assert_eq!(read(reply).await.1.expect(body).text(), "Hi");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_shown() {
    let failure = chat(Reply::new(200, "text/html", "<html>Welcome</html>")).await.expect_err("a web page");
    assert!(failure.message().contains("web page") && failure.message().contains("base_url"), "{failure}");
    assert!(failure.details().expect("an excerpt").get().contains("Welcome"));
    let cut = r#"{"id":"gen-1","choices":[{"message":{"content":"Hello wor"#;
    let failure = chat(Reply::json(200, cut)).await.expect_err("cut");
    assert_eq!(failure.kind(), ErrorKind::Interrupted);
    assert!(
        failure.details().expect("an excerpt").get().contains("Hello wor"),
        "what was paid for is not lost"
    );
}

#[tokio::test]
async fn a_wrong_address_is_said_so() {
    for body in ["<html>nothing here</html>", r#"{"detail":"Not Found"}"#, ""] {
        let failure = chat(Reply::json(404, body)).await.expect_err("404");
        assert_eq!(failure.kind(), ErrorKind::NotFound);
        assert!(failure.to_string().contains("base_url"), "{failure}");
    }
    let failure =
        chat(Reply::json(502, r#"[{"error":{"message":"from a gateway"}}]"#)).await.expect_err("502");
    assert_eq!((failure.kind(), failure.message()), (ErrorKind::Upstream, "from a gateway"));
}

#[tokio::test]
async fn events_of_other_names_and_null_are_no_answer_and_no_error() {
    let body = format!(
        "event: ping\ndata: ping\n\ndata: null\n\nevent: message\ndata: {}\n\ndata: {STOP}\n\ndata: [DONE]\n\n",
        delta(r#""content":"Hi""#)
    );
    assert_eq!(read(Reply::events(body)).await.1.expect("an answer").text(), "Hi");
}

#[tokio::test]
async fn an_answer_of_blank_fields_is_empty() {
    let body =
        r#"{"choices":[{"message":{"content":"","reasoning_content":"","novel":[]},"finish_reason":null}]}"#;
    assert_eq!(chat(Reply::json(200, body)).await.expect_err("empty").kind(), ErrorKind::EmptyResponse);
}

/// As many items as one likes must not cost the square of their number.
#[tokio::test]
async fn very_many_items_are_read_in_good_time() {
    let items = |item: fn(usize) -> String| (0..20_000).map(item).collect::<Vec<_>>().join(",");
    let details = items(|n| format!(r#"{{"type":"reasoning.text","text":"x","index":{n}}}"#));
    let calls =
        items(|n| format!(r#"{{"index":0,"id":"c{n}","function":{{"name":"f","arguments":"{{}}"}}}}"#));
    let fields = items(|n| format!(r#""f{n}":{n}"#));
    let chunks = [
        delta(&format!(r#""reasoning_details":[{details}]"#)),
        delta(&format!(r#""tool_calls":[{calls}]"#)),
        delta(&fields),
    ];
    let chunks: Vec<&str> = chunks.iter().map(String::as_str).chain([STOP]).collect();
    let reply = read(events(&chunks)).await.1.expect("an answer");
    assert_eq!(reply.message.reasoning_details.expect("details").len(), 20_000);
    assert_eq!((reply.message.tool_calls.len(), reply.message.extra.iter().count()), (20_000, 20_000));
}
