//! The answers of servers that keep to the wire by and large, whole and streamed.

use fault_server::Script;
use provider_core::{ErrorKind, FinishReason};

use crate::support::{both, events};

/// Answers with these whole and streamed forms.
async fn answers(
    whole: &str,
    chunks: &[&str],
) -> [Result<provider_core::ChatResponse, provider_core::Error>; 2] {
    both(Script::json(200, whole), events(chunks), []).await
}

#[tokio::test]
async fn answer_without_ids_models_and_end_mark_is_one() {
    let whole = r#"{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],"usage":{}}"#;
    let chunks = [
        r#"{"choices":[{"delta":{"role":"assistant"}}]}"#,
        r#"{"choices":[{"delta":{"content":"Hel"}}]}"#,
        r#"{"choices":[{"delta":{"content":"lo"}}],"usage":{}}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{}}"#,
    ];
    for answer in answers(whole, &chunks).await {
        let answer = answer.expect("an answer");
        assert_eq!((answer.text(), answer.id.as_deref(), &*answer.requested), ("Hello", None, "m"));
        assert_eq!((answer.usage.prompt_tokens, answer.usage.completion_tokens), (None, None));
    }
}

#[tokio::test]
async fn finish_reasons_of_other_servers_keep_their_word_and_meaning() {
    for (word, meaning) in
        [("eos_token", FinishReason::Stop), ("eos", FinishReason::Stop), ("max_tokens", FinishReason::Length)]
    {
        let whole =
            format!(r#"{{"choices":[{{"message":{{"content":"Hello"}},"finish_reason":"{word}"}}]}}"#);
        let end = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{word}"}}]}}"#);
        let chunks = [r#"{"choices":[{"delta":{"content":"Hello"}}]}"#, &end];
        for answer in answers(&whole, &chunks).await {
            let reason = answer.expect("an answer").finish_reason.expect("a reason");
            assert_eq!((reason.as_str(), reason.meaning()), (word, &meaning));
        }
    }
}

#[tokio::test]
async fn tool_arguments_as_an_object_are_their_text() {
    let call = r#"{"function":{"name":"f","arguments":{"a":1}}}"#;
    let whole =
        format!(r#"{{"choices":[{{"message":{{"tool_calls":[{call}]}},"finish_reason":"tool_calls"}}]}}"#);
    let chunk = format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{call}]}}}}]}}"#);
    let chunks = [&*chunk, r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#];
    for answer in answers(&whole, &chunks).await {
        let answer = answer.expect("an answer");
        let calls = answer.tool_calls();
        assert_eq!((calls.len(), &*calls[0].name, &*calls[0].arguments), (1, "f", r#"{"a":1}"#));
        assert!(!calls[0].id.is_empty(), "a call has an id to be answered by");
    }
}

#[tokio::test]
async fn errors_without_an_envelope_keep_kind_and_words() {
    for (status, body, kind, words) in [
        (400, r#"{"message":"temperature is too hot"}"#, ErrorKind::InvalidRequest, "too hot"),
        (401, r#"{"detail":"Unauthorized"}"#, ErrorKind::Authentication, "Unauthorized"),
        (401, r#"{"error":"Unauthorized"}"#, ErrorKind::Authentication, "Unauthorized"),
        (
            422,
            r#"{"detail":[{"loc":["body","messages"],"msg":"Field required","type":"missing"}]}"#,
            ErrorKind::InvalidRequest,
            "Field required",
        ),
        (
            404,
            r#"{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","code":404}"#,
            ErrorKind::ModelNotFound,
            "does not exist",
        ),
        (503, r#"{"error":{"code":503,"message":"Loading model"}}"#, ErrorKind::Overloaded, "Loading model"),
    ] {
        for answer in both(Script::json(status, body), Script::json(status, body), []).await {
            let error = answer.expect_err(body);
            assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{body}: {error}");
            assert!(error.message().contains(words), "{body}: {error}");
            assert_eq!((error.provider(), error.model()), (Some("openai-compatible"), Some("m")), "{body}");
        }
    }
}

#[tokio::test]
async fn errors_of_gateways_have_kind_and_words() {
    for (status, body, kind, words) in [
        // LiteLLM: a wrong key where it has no database, and a model that it does not know.
        (
            400,
            r#"{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}"#,
            ErrorKind::Authentication,
            "No connected db.",
        ),
        (
            400,
            r#"{"error":{"message":"/chat/completions: Invalid model name passed in model=m.","type":"invalid_request_error","param":null,"code":"400"}}"#,
            ErrorKind::ModelNotFound,
            "Invalid model name",
        ),
        (
            429,
            r#"{"error":{"message":"litellm.RateLimitError: slow down","type":"throttling_error","param":null,"code":"429"}}"#,
            ErrorKind::RateLimited,
            "slow down",
        ),
        // Portkey: a service that does not answer, and a header that is missing.
        (
            500,
            r#"{"html-message":"Message: fetch failed Cause: Error: connect ECONNREFUSED 10.0.0.1:80 Name: TypeError"}"#,
            ErrorKind::Server,
            "fetch failed Cause",
        ),
        (
            400,
            r#"{"status":"failure","message":"Either x-portkey-config or x-portkey-provider header is required"}"#,
            ErrorKind::InvalidRequest,
            "x-portkey-provider header is required",
        ),
        // llama.cpp: a prompt that is too long.
        (
            400,
            r#"{"error":{"code":400,"message":"request (6052 tokens) exceeds the available context size (2048 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":6052,"n_ctx":2048}}"#,
            ErrorKind::ContextLength,
            "6052 tokens",
        ),
    ] {
        for answer in both(Script::json(status, body), Script::json(status, body), []).await {
            let error = answer.expect_err(body);
            assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{body}: {error}");
            assert!(error.message().contains(words) && !error.message().starts_with('{'), "{body}: {error}");
        }
    }
}

#[tokio::test]
async fn error_inside_a_success_is_an_error() {
    for body in [
        r#"{"error":{"message":"out of memory","code":500}}"#,
        r#"{"error":"out of memory"}"#,
        r#"{"object":"error","message":"out of memory","code":500}"#,
    ] {
        for answer in answers(body, &[r#"{"choices":[{"delta":{"content":"Hel"}}]}"#, body]).await {
            let error = answer.expect_err(body);
            assert!(error.message().contains("out of memory"), "{body}: {error}");
            let partial = error.partial().map(|partial| partial.text());
            assert!(partial.is_none_or(|text| text == "Hel" || text.is_empty()), "{body}: {partial:?}");
        }
    }
}

#[tokio::test]
async fn thoughts_between_tags_are_read_where_that_is_set() {
    let whole =
        r#"{"choices":[{"message":{"content":"<think>\nHm.\n</think>\n\nHello"},"finish_reason":"stop"}]}"#;
    let chunks = [
        r#"{"choices":[{"delta":{"role":"assistant","content":"<th"}}]}"#,
        r#"{"choices":[{"delta":{"content":"ink>\nHm"}}]}"#,
        r#"{"choices":[{"delta":{"content":".\n</thi"}}]}"#,
        r#"{"choices":[{"delta":{"content":"nk>\n\nHel"}}]}"#,
        r#"{"choices":[{"delta":{"content":"lo"}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
    ];
    for answer in both(Script::json(200, whole), events(&chunks), [("reasoning_tags", "yes")]).await {
        let answer = answer.expect("an answer");
        assert_eq!((answer.text(), &*answer.reasoning()), ("Hello", "\nHm.\n"));
    }
    for answer in answers(whole, &chunks).await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.text(), "<think>\nHm.\n</think>\n\nHello");
        assert_eq!(answer.reasoning(), "");
    }
}

#[tokio::test]
async fn thoughts_between_tags_in_whole_messages_are_read_once() {
    let message = |text: &str, end: &str| {
        format!(r#"{{"choices":[{{"message":{{"content":"{text}"}},"finish_reason":{end}}}]}}"#)
    };
    let delta = |text: &str| format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
    for chunks in [
        // The whole so far, each time.
        vec![
            message("<think>Hm", "null"),
            message("<think>Hm.</think> Hel", "null"),
            message("<think>Hm.</think> Hello", "\"stop\""),
        ],
        vec![message("<th", "null"), message("<think>Hm.</think> Hello", "\"stop\"")],
        // Pieces, and the whole at the end.
        vec![
            message("<think>H", "null"),
            message("m.</th", "null"),
            message("ink> Hel", "null"),
            message("lo", "null"),
            message("<think>Hm.</think> Hello", "\"stop\""),
        ],
        // Behind deltas.
        vec![
            delta("<think>Hm."),
            delta("</think> Hel"),
            delta("lo"),
            message("<think>Hm.</think> Hello", "\"stop\""),
        ],
        vec![delta("<thi"), delta("nk>Hm.</think> Hel"), message("<think>Hm.</think> Hello", "\"stop\"")],
    ] {
        let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
        let [_, streamed] = both(Script::json(200, "{}"), events(&chunks), [("reasoning_tags", "yes")]).await;
        let answer = streamed.expect("an answer");
        assert_eq!((answer.text(), &*answer.reasoning()), ("Hello", "Hm."), "{chunks:?}");
    }
}
