//! The connection test: a wrong key cannot pass it where the server has keys.

use fault_server::{FaultServer, Request, Script};
use provider_core::{ErrorKind, LlmProvider as _};

use crate::support::{client, v1};

/// A server whose list is public, and whose chats want a key. It refuses an empty chat like this.
async fn with_public_list(status: u16, body: &'static str) -> FaultServer {
    let script = move |request: &Request| match (&*request.path, request.header("authorization")) {
        ("/v1/models", _) if request.method == "HEAD" => Script::json(200, ""),
        ("/v1/models", _) => Script::json(200, r#"{"data":[{"id":"m"}]}"#),
        (_, Some("Bearer sk-good")) => Script::json(status, body),
        _ => Script::json(401, r#"{"error":{"message":"Invalid API Key","code":401}}"#),
    };
    FaultServer::start(script).await.expect("a free port")
}

const REFUSALS: [(u16, &str); 4] = [
    (400, r#"{"error":{"message":"you must provide a model parameter"}}"#),
    (422, r#"{"detail":[{"loc":["body","messages"],"msg":"Field required"}]}"#),
    (404, r#"{"error":{"message":"model \"\" not found"}}"#),
    (500, r#"{"error":{"code":500,"message":"'messages' is required","type":"server_error"}}"#),
];

#[tokio::test]
async fn good_key_passes_however_the_empty_chat_is_refused() {
    for (status, body) in REFUSALS {
        let server = with_public_list(status, body).await;
        let settings = [("api_key", "sk-good"), ("name", "GPU box")];
        let report = client(&v1(&server), settings).check().await;
        assert_eq!(report.expect(body).label.as_deref(), Some("GPU box"));
        let last = server.requests().pop().expect("a request");
        assert_eq!((&*last.path, &*last.body), ("/v1/chat/completions", &b"{}"[..]));
    }
}

#[tokio::test]
async fn wrong_or_missing_key_fails_though_the_list_is_public() {
    let (status, body) = REFUSALS[0];
    let server = with_public_list(status, body).await;
    for settings in [[("api_key", "sk-wrong")], [("name", "GPU box")]] {
        let error = client(&v1(&server), settings).check().await.expect_err("a wrong key");
        assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
    }
}

/// A server whose list wants a key. Its chats are never asked for.
async fn with_protected_list(refusal: u16) -> FaultServer {
    let script = move |request: &Request| match (&*request.path, request.header("x-api-key")) {
        ("/v1/models", Some("sk-good")) => Script::json(200, r#"{"data":[{"id":"m"}]}"#),
        ("/v1/models", _) => Script::json(refusal, r#"{"error":{"message":"no"}}"#),
        ("/v1/chat/completions", _) => Script::json(500, "{}"),
        _ => Script::json(404, "{}"),
    };
    FaultServer::start(script).await.expect("a free port")
}

#[tokio::test]
async fn list_for_keys_alone_proves_the_key_without_a_chat() {
    for refusal in [401, 403] {
        let server = with_protected_list(refusal).await;
        let settings = [("api_key", "sk-good"), ("key_header", "x-api-key")];
        client(&server.url(), settings).check().await.expect("a good key");
        let asked = server.requests().into_iter().map(|request| {
            let has_key = request.header("x-api-key").is_some();
            (request.path, has_key)
        });
        // The first is how the place is found.
        let asked: Vec<_> = asked.collect();
        assert_eq!(
            asked.iter().map(|(path, has_key)| (&**path, *has_key)).collect::<Vec<_>>()[..],
            [("/models", true), ("/v1/models", true), ("/v1/models", false)]
        );
        let wrong = [("api_key", "sk-wrong"), ("key_header", "x-api-key")];
        let error = client(&v1(&server), wrong).check().await.expect_err("a wrong key");
        assert_eq!(error.status(), Some(refusal), "{error}");
    }
}

#[tokio::test]
async fn list_that_fails_without_key_for_another_reason_proves_nothing() {
    for (status, body) in [(500, "Internal Server Error"), (429, "{}"), (400, "{}"), (404, "{}")] {
        let script = move |request: &Request| match (&*request.path, request.header("authorization")) {
            ("/v1/models", Some(_)) => Script::json(200, r#"{"data":[{"id":"m"}]}"#),
            ("/v1/models", None) => Script::json(status, body),
            _ => Script::json(401, r#"{"error":{"message":"Invalid API Key"}}"#),
        };
        let server = FaultServer::start(script).await.expect("a free port");
        let error = client(&v1(&server), [("api_key", "sk-wrong")]).check().await.expect_err("a wrong key");
        assert_eq!((error.kind(), server.request_count()), (ErrorKind::Authentication, 3), "{error}");
    }
}

#[tokio::test]
async fn server_in_trouble_fails() {
    for (status, body) in [
        (503, r#"{"error":{"code":503,"message":"Loading model"}}"#),
        (429, r#"{"error":"slow down"}"#),
        (403, r#"{"detail":"Forbidden"}"#),
        (404, r#"{"detail":"Not Found"}"#),
        (200, r#"{"error":{"message":"Invalid API key","code":"invalid_api_key"}}"#),
        (500, "Internal Server Error"),
        (400, r#"{"error":{"message":"No connected db.","type":"no_db_connection","code":"400"}}"#),
    ] {
        let server = with_public_list(status, body).await;
        let report = client(&v1(&server), [("api_key", "sk-good")]).check().await;
        assert!(report.is_err(), "{body}: {report:?}");
    }
}

#[tokio::test]
async fn list_is_not_asked_for_where_the_settings_have_the_models() {
    let server = with_public_list(400, REFUSALS[0].1).await;
    let settings = [("api_key", "sk-good"), ("models", "m")];
    client(&v1(&server), settings).check().await.expect("a good key");
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn warming_up_opens_a_connection_that_the_next_request_takes() {
    let server = with_public_list(400, REFUSALS[0].1).await;
    let client = client(&v1(&server), []);
    client.warm_up().await.expect("a connection");
    client.models().await.expect("a list");
    let sent: Vec<String> = server.requests().into_iter().map(|request| request.method).collect();
    assert_eq!((sent, server.connection_count()), (vec!["HEAD".to_owned(), "GET".to_owned()], 1));
}
