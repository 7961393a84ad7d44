//! The place of the API: with and without `/v1` in the base URL.

use fault_server::{FaultServer, Request, Script};
use provider_core::{ErrorKind, LlmProvider as _};

use crate::support::{HELLO, client, request};

/// A server whose API is below this path, where it says these.
async fn api_below(path: &'static str, list: fn() -> Script, chat: fn() -> Script) -> FaultServer {
    let script = move |request: &Request| match request.path.strip_prefix(path) {
        Some("/models") => list(),
        Some("/chat/completions") => chat(),
        _ => Script::json(404, r#"{"detail":"Not Found"}"#),
    };
    FaultServer::start(script).await.expect("a free port")
}

fn list() -> Script {
    Script::json(200, r#"{"data":[{"id":"m"}]}"#)
}

fn hello() -> Script {
    Script::json(200, HELLO)
}

fn paths(server: &FaultServer) -> Vec<String> {
    server.requests().into_iter().map(|request| request.path).collect()
}

#[tokio::test]
async fn base_url_without_version_is_found_out_once() {
    let server = api_below("/v1", list, hello).await;
    let client = client(&server.url(), []);
    for _ in 0..2 {
        assert_eq!(client.chat(&request()).await.expect("an answer").text(), "Hello");
    }
    client.models().await.expect("a list");
    assert_eq!(
        paths(&server),
        ["/chat/completions", "/v1/chat/completions", "/v1/chat/completions", "/v1/models"]
    );
}

#[tokio::test]
async fn base_url_without_version_is_kept_where_it_is_right() {
    let server = api_below("", list, hello).await;
    let client = client(&server.url(), []);
    client.models().await.expect("a list");
    let answer = client.stream(&request()).await.expect("a stream").collect().await;
    assert_eq!(answer.expect("an answer").text(), "Hello");
    assert_eq!(paths(&server), ["/models", "/chat/completions"]);
}

#[tokio::test]
async fn base_url_with_version_is_taken_as_it_is() {
    let server = api_below("/v1", list, hello).await;
    for path in ["/v1", "/api/v2", "/v1beta/openai"] {
        let before = server.request_count();
        let _ = client(&format!("{}{path}", server.url()), []).chat(&request()).await;
        assert_eq!(server.request_count() - before, 1, "{path}");
    }
}

#[tokio::test]
async fn other_errors_try_no_other_place() {
    for status in [400, 401, 403, 405, 429, 500, 503] {
        let server = FaultServer::always(Script::json(status, r#"{"error":"no"}"#)).await.expect("a port");
        let client = client(&server.url(), []);
        for _ in 0..2 {
            let error = client.chat(&request()).await.expect_err("a failure");
            assert_eq!(error.status(), Some(status));
        }
        assert_eq!(paths(&server), ["/chat/completions"; 2], "{status}");
    }
}

#[tokio::test]
async fn unknown_model_is_told_in_the_words_of_the_api() {
    let unknown = || Script::json(404, r#"{"error":{"message":"model \"m\" not found"}}"#);
    for path in ["", "/v1"] {
        let server = api_below(path, list, unknown).await;
        let client = client(&server.url(), []);
        let error = client.chat(&request()).await.expect_err("no such model");
        assert_eq!(error.kind(), ErrorKind::ModelNotFound, "below {path:?}: {error}");
        assert!(error.message().contains("\"m\" not found"), "below {path:?}: {error}");
        // The place is still open, and found by the next request.
        assert_eq!(client.models().await.expect("a list").models.len(), 1, "below {path:?}");
    }
}

#[tokio::test]
async fn api_that_is_nowhere_is_a_wrong_base_url() {
    let server = api_below("/elsewhere", list, hello).await;
    let error = client(&server.url(), []).chat(&request()).await.expect_err("no API");
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(404)), "{error}");
    assert_eq!(server.request_count(), 2);
}
