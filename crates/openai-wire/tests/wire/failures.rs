//! Failures inside a success: errors in the body, streams that fail on the way or break off, odd values.

use provider_core::ErrorKind;

use crate::support::{Reply, chat, chunk, stream};

#[tokio::test]
async fn a_success_without_an_answer_is_an_error() {
    for body in [
        r#"{"id":null,"choices":null,"created":1,"model":null,"usage":null}"#,
        r#"{"id":"gen-1"}"#,
        r#"{"choices":[]}"#,
        r#"{"choices":[{"message":{"role":"assistant","content":""},"finish_reason":null}]}"#,
    ] {
        let error = chat(Reply::json(200, body)).await.expect_err(body);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::EmptyResponse, true), "{body}");
    }
    let (_, end) = stream(Reply::events("data: [DONE]\n\n")).await;
    assert_eq!(end.expect_err("nothing came").kind(), ErrorKind::EmptyResponse);
    let error = chat(Reply::json(200, "<html>")).await.expect_err("no JSON");
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    let error = chat(Reply::json(200, " \n \n")).await.expect_err("only keep-alives");
    assert_eq!(error.kind(), ErrorKind::EmptyResponse);
}

#[tokio::test]
async fn a_stream_that_fails_on_the_way_keeps_what_came() {
    let usage = r#""usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"cost":0.001}"#;
    let ends = [
        format!(
            r#"{{"id":"gen-1","error":{{"code":502,"message":"lost it"}},"choices":[{{"delta":{{"content":""}},"finish_reason":"error"}}],{usage}}}"#
        ),
        format!(r#"{{"choices":[],"error":{{"code":502,"message":"lost it"}},{usage}}}"#),
        format!(r#"{{"error":{{"code":502,"message":"lost it"}},{usage}}}"#),
        format!(
            r#"{{"error":{{"code":"502","message":"lost it"}},"choices":[{{"delta":{{}},"finish_reason":null}}],{usage}}}"#
        ),
        format!(
            r#"{{"choices":[{{"delta":{{}},"finish_reason":"error","error":{{"code":502,"message":"lost it"}}}}],{usage}}}"#
        ),
    ];
    for end in ends {
        for tail in ["", "data: [DONE]\n\n"] {
            let body = format!("{}{}data: {end}\n\n{tail}", chunk("Hel"), chunk("lo"));
            let (text, outcome) = stream(Reply::events(body)).await;
            let error = outcome.expect_err(&end);
            assert_eq!(
                (error.kind(), error.message(), error.code()),
                (ErrorKind::Upstream, "lost it", Some("502")),
                "{end}"
            );
            let partial = error.partial().expect("what came");
            assert_eq!((text.as_str(), partial.text()), ("Hello", "Hello"));
            assert_eq!(partial.usage.total_tokens, Some(11), "what was paid for is known: {end}");
            assert_eq!(error.generation_id(), Some("gen-1"));
        }
    }
    // Called an error by its event, whatever is in it.
    for data in [r#"{"message":"lost it"}"#, "lost it"] {
        let (_, outcome) =
            stream(Reply::events(format!("{}event: error\ndata: {data}\n\n", chunk("Hi")))).await;
        assert_eq!(outcome.expect_err(data).message(), "lost it");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error_and_keeps_what_came() {
    let body = chunk("Hel") + &chunk("lo");
    for reply in [
        Reply::events(body.clone()),
        Reply::events(body.clone()).cut_off(),
        Reply::events(body.clone() + "data: {\"choices\":[{\"finish_rea"),
    ] {
        let (text, outcome) = stream(reply).await;
        let error = outcome.expect_err("no end came");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Interrupted, true));
        assert_eq!(error.partial().expect("what came").text(), "Hello");
        assert_eq!(text, "Hello");
    }
    // With a finish reason the answer is complete, end mark or not.
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let (_, outcome) = stream(Reply::events(body + finish)).await;
    assert_eq!(outcome.expect("complete").text(), "Hello");
    // Cut inside a whole answer.
    let error = chat(Reply::json(200, r#"{"id":"gen-1","choices":[{"mess"#)).await.expect_err("cut");
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    let error = chat(Reply::json(200, r#"{"id":"gen-1","cho"#).cut_off()).await.expect_err("cut off");
    assert_eq!((error.kind(), error.model()), (ErrorKind::Interrupted, Some("openai/gpt-4o")));
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_does_not_cost_the_answer_and_is_not_swallowed() {
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (text, outcome) =
        stream(Reply::events(chunk("Hel") + "data: {oops\n\n" + &chunk("lo") + finish)).await;
    let error = outcome.expect_err("one frame was unreadable");
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.message().contains("event 2"), "{error}");
    assert_eq!((text.as_str(), error.partial().expect("the answer").text()), ("Hello", "Hello"));
}

#[tokio::test]
async fn odd_values_do_not_cost_the_answer() {
    let body = r#"{"id":17,"model":"m","created":"yesterday","provider":{"name":"x"},"choices":[{"index":"0",
        "message":{"content":"Hello","tool_calls":{},"reasoning":7,"annotations":3},"finish_reason":["stop"],
        "native_finish_reason":"eos","logprobs":[]}],"usage":{"prompt_tokens":"9","completion_tokens":2.0,
        "total_tokens":-1,"cost":"0.25","prompt_tokens_details":[]},"error":null}"#;
    let reply = chat(Reply::json(200, body)).await.expect("an answer");
    assert_eq!((reply.text(), reply.id.as_deref()), ("Hello", Some("17")));
    assert_eq!((reply.usage.prompt_tokens, reply.usage.completion_tokens), (Some(9), Some(2)));
    assert_eq!(
        (reply.usage.total_tokens, reply.usage.cost.map(|cost| cost.to_string())),
        (None, Some("0.25".into()))
    );
    assert_eq!((reply.finish_reason, reply.native_finish_reason.as_deref()), (None, Some("eos")));
}

#[tokio::test]
async fn an_error_inside_a_success_is_an_error() {
    for body in [
        r#"{"error":{"code":429,"message":"slow down"},"user_id":"u"}"#,
        r#"{"id":null,"choices":null,"error":{"code":"429","message":"slow down"}}"#,
        r#"{"id":"gen-1","choices":[{"message":{"content":""},"finish_reason":"error","error":{"code":429,"message":"slow down"}}]}"#,
    ] {
        for error in [
            chat(Reply::json(200, body)).await.expect_err(body),
            stream(Reply::json(200, body)).await.1.expect_err(body),
            stream(Reply::events(format!("data: {body}\n\n"))).await.1.expect_err(body),
        ] {
            assert_eq!(error.kind(), ErrorKind::RateLimited, "{body}");
            assert_eq!((error.status(), error.code()), (Some(200), Some("429")), "{body}");
            assert_eq!(error.message(), "slow down");
        }
    }
}
