//! A host's own `reqwest::Client` as the transport.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::time::Duration;

use fault_server::{FaultServer, RefusedPort, Script};
use provider_core::{ErrorKind, TimeoutPhase};
use provider_http::HttpClient;
use support::{builder, event, events, streamed, whole};

/// Without TLS, as this build of reqwest has none.
fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy()
}

#[tokio::test]
async fn requests_go_through_the_hosts_client() {
    let server = FaultServer::answers([
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
    assert_eq!(server.connections(), 1);
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
        (Script::nothing().close(), ErrorKind::Connection, ""),
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
