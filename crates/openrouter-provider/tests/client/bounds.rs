//! Bounds on what a stream may take, and its end: in time, on its end mark, or because the reader goes. Over
//! real sockets, through the public API.

use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ChatResponse, ErrorKind, Event, TimeoutPhase};

use crate::support::{chunk, openrouter, read, request};

#[tokio::test]
async fn silence_ends_in_a_timeout() {
    let limits = Limits::default().read_timeout(Duration::from_millis(200));
    let server = FaultServer::always(Script::events(chunk("Hello")).stall()).await.expect("a free port");
    let (text, outcome) = read(openrouter(&server, limits)).await;
    let error = outcome.expect_err("it went silent");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true));
    assert_eq!(error.timeout(), Some(TimeoutPhase::Read), "{error}");
    assert_eq!((text.as_str(), error.partial().expect("what came").text()), ("Hello", "Hello"));
    server.wait_for_client_close(1).await.expect("the connection was closed");

    let limits = Limits::default().total_timeout(Duration::from_millis(200));
    let server = FaultServer::always(Script::json(200, " ").chunked().stall()).await.expect("a free port");
    let error = openrouter(&server, limits).chat(&request()).await.expect_err("it took too long");
    assert_eq!(
        (error.kind(), error.timeout()),
        (ErrorKind::Timeout, Some(TimeoutPhase::Deadline)),
        "{error}"
    );

    let limits = Limits::default().read_timeout(Duration::from_millis(200));
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let client =
        OpenRouter::builder().api_key("k").base_url(url).limits(limits).build().expect("good settings");
    let error = client.chat(&request()).await.expect_err("nobody answered");
    assert_eq!((error.kind(), error.timeout()), (ErrorKind::Timeout, Some(TimeoutPhase::Read)), "{error}");
}

#[tokio::test]
async fn buffers_are_bounded() {
    let long = "x".repeat(5_000);
    let cases = [
        (Script::events(chunk(&long)), Limits::default().max_frame_bytes(1_000), "max_frame_bytes"),
        (Script::events(chunk("a").repeat(500)), Limits::default().max_body_bytes(1_000), "max_body_bytes"),
        (
            Script::events(
                format!(
                    r#"data: {{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"{long}"}}}}]}}}}]}}"#
                ) + "\n\n",
            ),
            Limits::default().max_tool_argument_bytes(1_000),
            "max_tool_argument_bytes",
        ),
        (Script::json(200, format!("\"{long}\"")), Limits::default().max_body_bytes(1_000), "max_body_bytes"),
    ];
    for (reply, limits, name) in cases {
        let server = FaultServer::always(reply).await.expect("a free port");
        let error = read(openrouter(&server, limits)).await.1.expect_err(name);
        assert_eq!(error.next_step(), None, "the base URL is not to blame: {error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        assert!(error.message().contains(name) && error.message().contains("1000"), "{error}");
    }
    let server = FaultServer::always(Script::json(500, long)).await.expect("a free port");
    let error =
        openrouter(&server, Limits::default().max_error_bytes(100)).chat(&request()).await.expect_err("500");
    assert_eq!((error.kind(), error.message().len()), (ErrorKind::Server, 100));
}

/// The time is up for a reader, too, who never has to wait.
#[tokio::test]
async fn an_answer_that_always_has_something_more_ends_in_time() {
    let reply = Script::events("").repeat(chunk("a"), 20_000, Duration::ZERO);
    let server = FaultServer::always(reply).await.expect("a free port");
    let limits = Limits::default().total_timeout(Duration::from_millis(100));
    let mut stream = openrouter(&server, limits).stream(&request()).await.expect("a stream");
    let error = loop {
        // Long enough for the next piece to be there.
        tokio::time::sleep(Duration::from_millis(2)).await;
        match stream.next().await.expect("an event or an error") {
            Ok(event) => assert_eq!(event, Event::Text("a".into())),
            Err(error) => break error,
        }
    };
    assert_eq!(
        (error.kind(), error.timeout()),
        (ErrorKind::Timeout, Some(TimeoutPhase::Deadline)),
        "{error}"
    );
    assert!(error.partial().is_some_and(|partial| partial.text().len() < 20_000));
}

/// The client does not keep what repeats from chunk to chunk, so a long answer does not run into the limit
/// because of it.
#[tokio::test]
async fn what_repeats_does_not_count() {
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let body = chunk("a").repeat(500) + end;
    assert!(body.len() > 50_000);
    let server = FaultServer::always(Script::events(body)).await.expect("a free port");
    let limits = Limits::default().max_body_bytes(20_000);
    let (text, outcome) = read(openrouter(&server, limits)).await;
    assert_eq!((text.len(), outcome.expect("an answer").text().len()), (500, 500));
}

#[tokio::test]
async fn dropping_a_stream_closes_the_connection() {
    let server = FaultServer::always(Script::events(chunk("Hello")).stall()).await.expect("a free port");
    let mut stream = openrouter(&server, Limits::default()).stream(&request()).await.expect("a stream");
    assert_eq!(stream.next().await.expect("an event").expect("a good one"), Event::Text("Hello".into()));
    assert_eq!(server.closed_by_client(), 0);
    drop(stream);
    server.wait_for_client_close(1).await.expect("the connection was closed");
}

#[tokio::test]
async fn the_end_mark_is_the_end_though_the_body_goes_on() {
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let reply = Script::events(chunk("Hello") + finish + &chunk("more")).stall();
    let server = FaultServer::always(reply).await.expect("a free port");
    let (text, outcome) = read(openrouter(&server, Limits::default())).await;
    assert_eq!((text.as_str(), outcome.expect("complete").text()), ("Hello", "Hello"));
}

#[tokio::test]
async fn a_stream_that_was_not_read_to_its_end_gives_no_answer() {
    let server = FaultServer::always(Script::events(chunk("Hel") + &chunk("lo"))).await.expect("a free port");
    let mut stream = openrouter(&server, Limits::default()).stream(&request()).await.expect("a stream");
    stream.next().await.expect("an event").expect("a good one");
    assert_eq!(stream.so_far().text(), "Hel");
    let error = stream.into_response().expect_err("not complete");
    assert_eq!(
        (error.kind(), error.partial().map(ChatResponse::text)),
        (ErrorKind::Interrupted, Some("Hel"))
    );
}

#[tokio::test]
async fn limits_may_be_as_long_as_time() {
    let limits = Limits::default().read_timeout(Duration::MAX).connect_timeout(Duration::MAX);
    let script = Script::json(200, r#"{"choices":[{"message":{"content":"Hi"}}]}"#);
    let server = FaultServer::always(script).await.expect("a free port");
    assert_eq!(openrouter(&server, limits).chat(&request()).await.expect("an answer").text(), "Hi");
}
