//! A codec and an endpoint together: chats as the codec has them, at the service's address.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use fault_server::{FaultServer, Script};
use provider_core::author::{ChatCodec, ResponseHead, refuse_all_but};
use provider_core::{ChatRequest, ConfigValues, Error, ErrorKind, Operation, ProviderContext};
use provider_http::{ChatApi, Endpoint, HttpClient, HttpLimits, KeySources};
use support::Words;

/// A wire of one word, whose answers are [`Words`].
#[derive(Debug)]
struct OneWord;

impl ChatCodec for OneWord {
    type Decoder = Words;

    fn path(&self) -> &str {
        "say"
    }

    fn encode(&self, request: &ChatRequest, stream: bool) -> Result<Vec<u8>, Error> {
        refuse_all_but(request, "acme", &[])?;
        Ok(format!("{{\"stream\":{stream}}}").into_bytes())
    }

    fn decoder(&self, _request: &ChatRequest, head: ResponseHead) -> Words {
        Words::new(head)
    }

    fn decode_error(&self, head: &ResponseHead, body: &str) -> Error {
        let kind = match head.status() {
            400 => ErrorKind::InvalidRequest,
            401 => ErrorKind::Authentication,
            402 => ErrorKind::PaymentRequired,
            404 => ErrorKind::ModelNotFound,
            _ => ErrorKind::Server,
        };
        Error::new(kind, head.redact(body))
    }
}

fn api(server: &FaultServer, context: &ProviderContext) -> Result<ChatApi<OneWord>, Error> {
    let values = ConfigValues::from([("base_url", server.url())]);
    let endpoint = Endpoint::builder("https://acme.example").provider("acme").values(&values);
    ChatApi::new(endpoint, OneWord, context)
}

#[tokio::test]
async fn chats_go_to_the_path_of_the_codec_with_its_body() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let keys = KeySources::new().with_base_url("acme", &server.url(), "sk-of-the-host");
    let context = ProviderContext::new().with(keys).with(HttpClient::new());
    let api = api(&server, &context).expect("good settings");
    let request = ChatRequest::new("large").user("Hello");
    let streamed = api.stream(&request).await.expect("a stream").collect().await.expect("an answer");
    let whole = api.chat(&request).await.expect("an answer");
    for reply in [&streamed, &whole] {
        assert_eq!((reply.text(), &*reply.requested), ("Hi", "large"));
        assert_eq!(reply.message.made_by_provider.as_deref(), Some("acme"));
    }
    for (request, body) in server.requests().iter().zip(["{\"stream\":true}", "{\"stream\":false}"]) {
        assert_eq!((&*request.method, &*request.path, &*request.text()), ("POST", "/say", body));
        assert_eq!(request.header("authorization"), Some("Bearer sk-of-the-host"));
    }
}

#[tokio::test]
async fn request_that_the_codec_refuses_is_not_sent_and_names_the_call() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let api = api(&server, &ProviderContext::new()).expect("good settings");
    let request = ChatRequest::new("large").user("Hello").seed(7);
    let streamed = api.stream(&request).await.map(drop).expect_err("a refusal");
    let whole = api.chat(&request).await.map(drop).expect_err("a refusal");
    for (error, operation) in [(streamed, Operation::Stream), (whole, Operation::Chat)] {
        assert_eq!((error.kind(), &*error.fields()[0].field), (ErrorKind::InvalidRequest, "seed"));
        assert_eq!((error.provider(), error.model()), (Some("acme"), Some("large")));
        assert_eq!(error.operation(), Some(operation));
    }
    assert_eq!(server.request_count(), 0);
}

#[tokio::test]
async fn codec_makes_the_errors_of_every_request() {
    let server = FaultServer::always(Script::json(402, "broke")).await.expect("a free port");
    let limits = HttpLimits::default().max_error_bytes(3);
    let api = api(&server, &ProviderContext::new().with(limits)).expect("good settings");
    let chat = api.chat(&ChatRequest::new("large").user("Hello")).await.map(drop);
    let list = api.endpoint().get("models").text().await.map(drop);
    for error in [chat, list].map(|outcome| outcome.expect_err("a refusal")) {
        assert_eq!((error.kind(), error.message()), (ErrorKind::PaymentRequired, "bro"));
    }
}

#[tokio::test]
async fn check_of_the_key_passes_where_the_body_alone_is_at_fault() {
    for (status, body, kind) in [
        (200, "w:Hi", None),
        (200, "", None),
        (400, "no model", None),
        (404, "no model", None),
        (500, "KeyError: model", None),
        (200, "<html>", Some(ErrorKind::InvalidResponse)),
        (401, "no such key", Some(ErrorKind::Authentication)),
        (402, "broke", Some(ErrorKind::PaymentRequired)),
        (500, "Internal Server Error", Some(ErrorKind::Server)),
        (503, "down", Some(ErrorKind::Server)),
    ] {
        let server = FaultServer::always(Script::json(status, body)).await.expect("a free port");
        let api = api(&server, &ProviderContext::new()).expect("good settings");
        let outcome = api.check_key().await;
        assert_eq!(outcome.err().map(|error| error.kind()), kind, "{status} {body}");
        assert_eq!(server.requests()[0].text(), "{}");
    }
}
