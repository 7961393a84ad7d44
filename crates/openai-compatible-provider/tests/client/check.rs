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

#[tokio::test]
async fn server_in_trouble_fails() {
    for (status, body) in [
        (503, r#"{"error":{"code":503,"message":"Loading model"}}"#),
        (429, r#"{"error":"slow down"}"#),
        (403, r#"{"detail":"Forbidden"}"#),
        (404, r#"{"detail":"Not Found"}"#),
        (200, r#"{"error":{"message":"Invalid API key","code":"invalid_api_key"}}"#),
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
