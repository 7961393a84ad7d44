//! A host's own `reqwest::Client` as the transport.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::time::Duration;

use fault_server::{FaultServer, RefusedPort, Script};
use provider_core::{ErrorKind, RetryAdvice, TimeoutPhase};
use provider_http::{Endpoint, HttpClient};
use support::{KEY, builder, event, events, limits, streamed, whole};

/// Without TLS, as this build of reqwest has none.
fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy()
}

#[tokio::test]
async fn requests_go_through_the_hosts_client() {
    let server = FaultServer::sequence([
        Script::events(event("w:Hel") + &event("w:lo") + &event(".")),
        Script::json(200, "w:Hello"),
    ]);
    let server = server.await.expect("a free port");
    let own = client()
        .default_headers([(http::header::VIA, http::HeaderValue::from_static("host"))].into_iter().collect());
    let http = HttpClient::from_transport(own.build().expect("a client"));
    let endpoint = builder(&server.url()).build(&http).expect("settings");
    assert_eq!(streamed(&endpoint).await.expect("an answer").text(), "Hello");
    assert_eq!(whole(&endpoint).await.expect("an answer").text(), "Hello");
    assert_eq!(server.requests()[0].header("via"), Some("host"));
    assert_eq!(server.connection_count(), 1);
}

#[tokio::test]
async fn its_failures_are_told_apart() {
    let http = HttpClient::from_transport(
        client().read_timeout(Duration::from_millis(200)).build().expect("a client"),
    );
    let refused = RefusedPort::new().expect("a port");
    let error = whole(&builder(&refused.url()).build(&http).expect("settings")).await.expect_err("no server");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error}");
    let error =
        whole(&builder("https://localhost:1").build(&http).expect("settings")).await.expect_err("no TLS");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Config, false), "{error}");
    for (script, kind, text) in [
        (Script::no_response().close(), ErrorKind::Connection, ""),
        (events().write(event("w:Hi")).close(), ErrorKind::Interrupted, "Hi"),
        (events().write(event("w:Hi")).stall(), ErrorKind::Timeout, "Hi"),
        (Script::redirect(307, "http://127.0.0.1:1/"), ErrorKind::InvalidResponse, ""),
    ] {
        let server = FaultServer::always(script).await.expect("a free port");
        let endpoint = builder(&server.url()).build(&http).expect("settings");
        let error = streamed(&endpoint).await.expect_err("a failure");
        assert_eq!(
            (error.kind(), error.partial().map_or("", |partial| partial.text())),
            (kind, text),
            "{error}"
        );
        if kind == ErrorKind::Timeout {
            assert_eq!(error.timeout(), Some(TimeoutPhase::Read));
        }
    }
}

/// A client that follows redirects, as reqwest's does by default, is found out by its first redirect.
#[tokio::test]
async fn redirects_that_the_client_follows_are_refused() {
    let http = HttpClient::from_transport(reqwest::Client::builder().no_proxy().build().expect("a client"));
    for status in [301, 302, 303, 307, 308] {
        let other = FaultServer::always(Script::json(200, "w:Hello")).await.expect("a free port");
        let server = FaultServer::always(Script::redirect(status, other.url())).await.expect("a free port");
        for is_bearer in [true, false] {
            let endpoint = Endpoint::builder(server.url()).limits(limits());
            let endpoint = match is_bearer {
                true => endpoint.bearer(KEY),
                false => endpoint.key_header("x-api-key", KEY),
            };
            let endpoint = endpoint.build(&http).expect("settings");
            for is_post in [true, false] {
                let case = format!("{status}, bearer: {is_bearer}, POST: {is_post}");
                let before = other.requests().len();
                let outcome = match is_post {
                    true => whole(&endpoint).await.map(|reply| reply.text().to_owned()),
                    false => endpoint.get("models").text().await,
                };
                let error = outcome.expect_err(&case);
                let is_followed = status == 303 || (is_post && status < 303);
                let kind = if is_followed { ErrorKind::Config } else { ErrorKind::InvalidResponse };
                assert_eq!((error.kind(), error.retry()), (kind, RetryAdvice::Never), "{case}: {error}");
                assert!(!error.to_string().contains(KEY), "{error}");
                let step = error.next_step().unwrap_or_default();
                assert_eq!(
                    step.contains("redirect(reqwest::redirect::Policy::none())"),
                    is_followed,
                    "{case}"
                );
                let seen = other.requests().split_off(before);
                assert_eq!(seen.len(), usize::from(is_followed), "{case}");
                for request in seen {
                    assert_eq!(request.header("authorization"), None, "{case}");
                    // The documentation of the transport says so: reqwest leaves other headers in.
                    assert_eq!(request.header("x-api-key").is_some(), !is_bearer, "{case}");
                    assert!(request.body.is_empty(), "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn client_built_from_its_builder_follows_no_redirect() {
    let follows = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::limited(10));
    let http = HttpClient::from_reqwest(follows).expect("a client");
    let other = FaultServer::always(Script::json(200, "w:Hello")).await.expect("a free port");
    let server = FaultServer::always(Script::redirect(303, other.url())).await.expect("a free port");
    let endpoint = builder(&server.url()).key_header("x-api-key", KEY).build(&http).expect("settings");
    let error = whole(&endpoint).await.expect_err("a redirect");
    assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidResponse, Some(303)), "{error}");
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn redirects_within_the_origin_are_refused_too() {
    let http = HttpClient::from_transport(reqwest::Client::builder().no_proxy().build().expect("a client"));
    let server = FaultServer::sequence([Script::redirect(302, "/v2/chat"), Script::json(200, "w:Hello")]);
    let server = server.await.expect("a free port");
    let error = whole(&builder(&server.url()).build(&http).expect("settings")).await.expect_err("a GET");
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}

#[tokio::test]
async fn bodies_have_their_length_and_requests_without_one_have_none() {
    let server = FaultServer::always(Script::json(200, "w:Hello")).await.expect("a free port");
    let http = HttpClient::from_transport(client().build().expect("a client"));
    let endpoint = builder(&server.url()).build(&http).expect("settings");
    whole(&endpoint).await.expect("an answer");
    endpoint.get("models").text().await.expect("an answer");
    let [post, get] = &server.requests()[..] else { panic!("two requests") };
    assert_eq!((post.header("content-length"), post.header("transfer-encoding")), (Some("4"), None));
    assert_eq!((get.header("content-length"), get.header("transfer-encoding")), (None, None));
    assert_eq!(post.body, b"\"Hi\"");
}
