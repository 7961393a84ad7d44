//! Requests: what goes over the wire, keys that rotate, error responses, and that no error has the key.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use fault_server::{FaultServer, Script};
use provider_core::{ConfigValues, Error, ErrorKind, ProviderContext, RetryAdvice, Secret, TimeoutPhase};
use provider_http::{Endpoint, HttpClient, HttpLimits, JsonLinesFramer, KeySource, KeySources, Transport};
use support::{KEY, Words, builder, endpoint, event, streamed, whole};

#[tokio::test]
async fn requests_carry_what_was_said() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let base = format!("{}/api/v1/", server.url());
    let endpoint = builder(&base).header("x-title", "My App").build(&HttpClient::new()).expect("settings");
    drop(
        endpoint
            .post("/chat?a=b%2Fc")
            .header("x-gateway", "g-1")
            .json(&[1, 2])
            .stream(Words::new)
            .await
            .expect("it"),
    );
    endpoint.post("chat").json_text("{\"a\":1}").chat(Words::new).await.expect("an answer");
    assert_eq!(endpoint.get("../up").text().await.expect("a text"), "w:Hi");
    let [stream, chat, get] = &server.requests()[..] else { panic!("three requests") };
    assert_eq!((&*stream.method, &*stream.path, &*stream.text()), ("POST", "/api/v1/chat?a=b%2Fc", "[1,2]"));
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("accept", "text/event-stream".to_owned()),
        ("content-type", "application/json".to_owned()),
        ("x-title", "My App".to_owned()),
        ("x-gateway", "g-1".to_owned()),
        ("host", server.address().to_string()),
    ] {
        assert_eq!(stream.header(name), Some(&*value), "{name}");
    }
    assert!(stream.header("user-agent").is_some_and(|agent| agent.starts_with("provider-http/")));
    assert_eq!((stream.header("accept-encoding"), chat.header("x-gateway")), (None, None));
    assert_eq!((&*chat.text(), chat.header("accept")), ("{\"a\":1}", Some("application/json")));
    assert_eq!((&*get.path, &*get.body, get.header("content-type")), ("/api/v1/../up", &b""[..], None));
}

#[tokio::test]
async fn form_is_encoded_and_says_so() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let form = [("grant_type", "urn:a"), ("a b", "é&=+"), ("empty", "")];
    endpoint(&server.url()).post("token").form(form).text().await.expect("a text");
    endpoint(&server.url()).post("token").form(form).json(&[1]).text().await.expect("a text");
    let [sent, json] = &server.requests()[..] else { panic!("two requests") };
    assert_eq!(sent.text(), "grant_type=urn%3Aa&a+b=%C3%A9%26%3D%2B&empty=");
    assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((&*json.text(), json.header("content-type")), ("[1]", Some("application/json")));
}

#[tokio::test]
async fn bad_headers_and_paths_are_named_and_not_sent() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let endpoint = builder(&server.url()).header("x-title", "t").build(&HttpClient::new()).expect("settings");
    for (name, value, words) in [
        ("Authorization", "x", "written by the provider itself"),
        ("content-length", "1", "written by the provider itself"),
        ("x-title", "x", "written by the provider itself"),
        ("x y", "x", "no name"),
        ("x-a", "line\nbreak", "no header can carry"),
        ("x-a", "é", "no header can carry"),
    ] {
        let error = endpoint.get("models").header(name, value).text().await.expect_err(name);
        assert_eq!((error.kind(), error.provider()), (ErrorKind::InvalidRequest, Some("toy")));
        assert!(error.fields()[0].problem.contains(words), "{name}: {error:?}");
        assert!(error.fields()[0].field.starts_with("headers."), "{name}: {error:?}");
    }
    let twice = endpoint.get("models").header("x-a", "1").header("X-A", "2").text().await;
    assert!(twice.expect_err("twice").fields()[0].problem.contains("set twice"));
    let error = endpoint.get("white space").text().await.expect_err("no path");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert_eq!(server.connection_count(), 0);
}

#[test]
fn settings_that_cannot_be_used_are_named_all_at_once() {
    let http = HttpClient::new();
    let broken =
        Endpoint::builder("http://far.example/v1").provider("toy").bearer("sk-\n").header("host", "x");
    let error = broken.build(&http).expect_err("bad settings");
    let fields: Vec<&str> = error.fields().iter().map(|problem| &*problem.field).collect();
    assert_eq!((error.kind(), &*fields), (ErrorKind::Config, &["headers.host", "base_url", "api_key"][..]));
    let values = ConfigValues::from([
        ("base_url", "http://far.example/v1"),
        ("allow_http", "yes"),
        ("read_timeout", "7"),
        ("connect_timeout", "0.5"),
    ]);
    let endpoint = Endpoint::builder("https://acme.example").values(&values).build(&http).expect("settings");
    let limits = HttpLimits::default();
    let limits = limits.read_timeout(Duration::from_secs(7)).connect_timeout(Duration::from_millis(500));
    assert_eq!(endpoint.limits(), &limits);
    assert!(format!("{endpoint:?}").contains("http://far.example/v1"));
}

#[tokio::test]
async fn key_may_change_from_request_to_request() {
    let server =
        FaultServer::always(Script::json(500, "echo sk-rotating-1 sk-rotating-2")).await.expect("a port");
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let keys = KeySource::from_fn(move || {
        let number = counter.fetch_add(1, SeqCst) + 1;
        async move {
            tokio::task::yield_now().await;
            match number {
                3 => Err(Error::new(ErrorKind::Authentication, "the vault is closed")),
                4 => Ok(Secret::new("no\nkey")),
                _ => Ok(Secret::new(format!("sk-rotating-{number}"))),
            }
        }
    });
    let endpoint =
        builder(&server.url()).key_header("x-api-key", keys).build(&HttpClient::new()).expect("settings");
    let first = whole(&endpoint).await.expect_err("500");
    let second = whole(&endpoint).await.expect_err("500");
    assert_eq!((first.message(), second.message()), ("echo *** sk-rotating-2", "echo sk-rotating-1 ***"));
    let sent = server.requests();
    assert_eq!(sent[0].header("x-api-key"), Some("sk-rotating-1"));
    assert_eq!(sent[1].header("x-api-key"), Some("sk-rotating-2"));
    assert_eq!(sent[1].header("authorization"), None);
    let closed = whole(&endpoint).await.expect_err("no key");
    assert_eq!((closed.kind(), closed.provider()), (ErrorKind::Authentication, Some("toy")));
    let unfit = whole(&endpoint).await.expect_err("no header");
    assert_eq!((unfit.kind(), &*unfit.fields()[0].field), (ErrorKind::Config, "api_key"));
    assert_eq!(server.request_count(), 2);
}

#[tokio::test]
async fn blank_key_of_a_source_is_an_error_and_sends_nothing() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let keys = KeySource::from_fn(|| async { Ok(Secret::new(" ")) });
    let endpoint = builder(&server.url()).bearer(keys).build(&HttpClient::new()).expect("settings");
    let error = whole(&endpoint).await.expect_err("no key");
    assert_eq!((error.kind(), &*error.fields()[0].field), (ErrorKind::Config, "api_key"));
    assert_eq!(server.request_count(), 0);
}

#[tokio::test]
async fn host_context_gives_what_settings_leave_open() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let context = ProviderContext::new()
        .with(HttpLimits::default().max_body_bytes(3).read_timeout(Duration::from_secs(7)))
        .with(KeySources::new().with("acme", "sk-host").with("other", "sk-other"));
    let builder = || Endpoint::builder(server.url()).provider("acme");
    let settings = ConfigValues::from([("read_timeout", "5")]);
    let endpoint = builder().values(&settings).build_in(&context).expect("settings");
    let limits = HttpLimits::default().max_body_bytes(3).read_timeout(Duration::from_secs(5));
    assert_eq!(*endpoint.limits(), limits);
    let error = endpoint.get("x").text().await.expect_err("four bytes");
    assert!(error.to_string().contains("3 bytes"), "{error}");
    builder().bearer("sk-own").build_in(&context).expect("settings").warm_up("x").await.expect("it");
    let elsewhere = ConfigValues::from([("base_url", server.url().replace("127.0.0.1", "localhost"))]);
    builder().values(&elsewhere).build_in(&context).expect("settings").warm_up("x").await.expect("it");
    let requests = server.requests();
    let keys: Vec<_> = requests.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(keys, [Some("Bearer sk-host"), Some("Bearer sk-own"), None]);
}

#[tokio::test]
async fn chat_without_a_model_names_none_in_its_error() {
    let server = FaultServer::always(Script::json(500, "{}")).await.expect("a free port");
    let endpoint = endpoint(&server.url());
    let error = endpoint.post("chat").json_text("{}").chat(Words::new).await.expect_err("a failure");
    assert_eq!(error.model(), None, "{error}");
}

#[tokio::test(start_paused = true)]
async fn key_that_never_comes_ends_in_a_timeout() {
    let keys = KeySource::from_fn(std::future::pending);
    let endpoint = Endpoint::builder("https://acme.example").bearer(keys).build(&HttpClient::new());
    let error = whole(&endpoint.expect("settings")).await.expect_err("no key");
    assert_eq!((error.kind(), error.timeout()), (ErrorKind::Timeout, Some(TimeoutPhase::Deadline)));
    assert!(error.message().contains("source of the key"), "{error}");
}

#[tokio::test]
async fn headers_of_the_settings_go_out_with_every_request_and_stay_hidden() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let values = ConfigValues::from([
        ("api_key", "sk-s3cret"),
        ("key_header", "api-key"),
        ("headers", "x-team: blue\nx-gateway-key: s3cret"),
    ]);
    let endpoint = builder(&server.url()).values(&values).key(&values, values.get("api_key"));
    let endpoint = endpoint.build(&HttpClient::new()).expect("settings");
    assert!(!format!("{endpoint:?}").contains("s3cret"), "{endpoint:?}");
    whole(&endpoint).await.expect("an answer");
    let sent = &server.requests()[0];
    for (name, value) in [
        ("api-key", Some("sk-s3cret")),
        ("x-team", Some("blue")),
        ("x-gateway-key", Some("s3cret")),
        ("authorization", None),
    ] {
        assert_eq!(sent.header(name), value, "{name}");
    }
    let bad = ConfigValues::from([("headers", "host: a.example")]);
    let error = builder(&server.url()).values(&bad).build(&HttpClient::new()).expect_err("bad settings");
    assert_eq!((error.kind(), &*error.fields()[0].field), (ErrorKind::Config, "headers"));
}

#[tokio::test]
async fn secret_of_a_header_is_taken_out_of_errors_and_a_word_is_not() {
    let (secret, word) = ("gw-0123456789-s3cret", "blue");
    let server = FaultServer::always(Script::json(500, format!("no {secret} for {word}"))).await;
    let server = server.expect("a free port");
    let endpoint = builder(&server.url()).header("x-gateway-key", secret).header("x-team", word);
    let endpoint = endpoint.build(&HttpClient::new()).expect("settings");
    for error in
        [whole(&endpoint).await.expect_err("500"), endpoint.get("key").text().await.expect_err("500")]
    {
        assert_eq!(error.message(), "no *** for blue");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

#[tokio::test]
async fn keyless_endpoint_sends_no_key() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let endpoint = builder(&server.url()).bearer(ConfigValues::new().get("api_key"));
    whole(&endpoint.build(&HttpClient::new()).expect("settings")).await.expect("an answer");
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn error_response_reaches_the_wire_and_leaves_complete() {
    let script = Script::json(418, format!("{{\"why\":\"teapot {KEY}\"}}"))
        .header("retry-after", "3")
        .header("x-request-id", "req-1");
    let server = FaultServer::always(script).await.expect("a free port");
    let endpoint = builder(&server.url()).error_response(|head, body| {
        assert_eq!((head.status(), head.header("retry-after")), (418, Some("3")));
        Error::new(ErrorKind::Overloaded, body).with_retry(RetryAdvice::After(Duration::from_secs(3)))
    });
    let endpoint = endpoint.build(&HttpClient::new()).expect("settings");
    for outcome in [streamed(&endpoint).await, whole(&endpoint).await] {
        let error = outcome.expect_err("refused");
        assert_eq!((error.kind(), error.message()), (ErrorKind::Overloaded, "{\"why\":\"teapot ***\"}"));
        assert_eq!((error.status(), error.request_id()), (Some(418), Some("req-1")));
        assert_eq!((error.provider(), error.model()), (Some("toy"), Some("m")));
    }
    // The head and the body as they are, for a caller that has uses for any status.
    let answer = endpoint.get("x").send().await.expect("an answer");
    assert_eq!(answer.head().status(), 418);
    assert_eq!(answer.text().await.expect("a text"), "{\"why\":\"teapot ***\"}");
}

#[tokio::test]
async fn answer_is_cut_by_the_framer_that_the_caller_gives() {
    let server = FaultServer::sequence([
        Script::with_body(200, "text/plain", "w:Hel\nw:lo\n.\n"),
        Script::json(503, "{\"message\":\"busy\"}"),
    ]);
    let server = server.await.expect("a free port");
    let endpoint = endpoint(&server.url());
    let answer = endpoint.get("x").model("m").send().await.expect("an answer");
    let answer = answer.error_for_status().await.expect("a success");
    let decoder = Words::new(answer.head().clone());
    let reply = answer.stream_framed(JsonLinesFramer::new(1 << 10), decoder).collect().await;
    let reply = reply.expect("a whole answer");
    assert_eq!((reply.text(), &*reply.requested), ("Hello", "m"));
    let answer = endpoint.get("x").send().await.expect("an answer");
    let error = answer.error_for_status().await.expect_err("busy");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Overloaded, "busy"));
}

#[tokio::test]
async fn default_error_response_has_kind_words_and_wait() {
    for (script, kind, words, retry) in [
        (
            Script::json(401, "{\"error\":{\"message\":\"bad key\"}}"),
            ErrorKind::Authentication,
            "bad key",
            RetryAdvice::Never,
        ),
        (Script::json(404, "{\"error\":\"no model\"}"), ErrorKind::NotFound, "no model", RetryAdvice::Never),
        (
            Script::json(429, "slow").header("retry-after", "2"),
            ErrorKind::RateLimited,
            "slow",
            RetryAdvice::After(Duration::from_secs(2)),
        ),
        (Script::json(503, "{\"message\":\"busy\"}"), ErrorKind::Overloaded, "busy", RetryAdvice::Now),
        (Script::json(500, ""), ErrorKind::Server, "an empty body", RetryAdvice::Now),
        (Script::json(422, "{\"detail\":\"odd\"}"), ErrorKind::InvalidRequest, "odd", RetryAdvice::Never),
        (
            Script::html_error(407),
            ErrorKind::Connection,
            "a proxy on the way wants a user name",
            RetryAdvice::Never,
        ),
    ] {
        let server = FaultServer::always(script).await.expect("a free port");
        let error = whole(&endpoint(&server.url())).await.expect_err("refused");
        assert_eq!((error.kind(), error.retry()), (kind, retry), "{error:?}");
        assert!(error.message().starts_with(words), "{error}");
    }
}

#[tokio::test]
async fn documents_are_parsed_or_told_apart() {
    let server = FaultServer::sequence([
        Script::json(200, "\u{feff} [1, 2] "),
        Script::json(200, format!("[1, \"{KEY}\"]")),
        Script::html_error(200),
    ]);
    let server = server.await.expect("a free port");
    let endpoint = endpoint(&server.url());
    let read = || endpoint.get("numbers").parse("the list", |text| serde_json::from_str::<Vec<u8>>(text));
    assert_eq!(read().await.expect("a list"), [1, 2]);
    let error = read().await.expect_err("no list");
    assert!(error.message().starts_with("the list cannot be read: invalid type: string \"***\""), "{error}");
    let error = read().await.expect_err("a page");
    assert!(error.message().starts_with("a web page came instead of the list"), "{error}");
    assert!(error.next_step().is_some() && error.request_id().is_some_and(|id| id.ends_with("-FRA")));
}

#[tokio::test]
async fn echoed_key_is_in_no_error() {
    let escaped = KEY.replace('M', "\\u004d");
    let scripts = [
        Script::json(400, format!("{{\"error\":{{\"message\":\"{KEY}\",\"more\":\"{escaped}\"}}}}")),
        Script::json(400, KEY).header("x-request-id", KEY).header("location", KEY),
        Script::redirect(302, format!("https://evil.example/{KEY}")),
        Script::events(event(&format!("!{KEY}"))),
        Script::events(event("w:Hi") + &event(&format!("x{KEY}"))),
        Script::events(format!("{KEY}\n")),
        Script::json(200, format!("<html>{KEY}")),
        Script::json(200, "").header("content-encoding", KEY).body("w:Hi"),
    ];
    for script in scripts {
        let server = FaultServer::always(script).await.expect("a free port");
        let endpoint = endpoint(&server.url());
        for outcome in [streamed(&endpoint).await, whole(&endpoint).await] {
            let error = outcome.expect_err("a failure");
            let source = std::error::Error::source(&error).map(|source| format!("{source} {source:?}"));
            let shown =
                format!("{error} {error:?} {source:?} {}", serde_json::to_string(&error).expect("JSON"));
            assert!(!shown.contains("MARKER") && !shown.contains("u004d"), "{shown}");
        }
        assert!(!format!("{endpoint:?} {:?}", endpoint.get("x")).contains("MARKER"));
    }
}

#[tokio::test]
async fn request_without_key_sends_none_and_the_extra_headers() {
    let server = FaultServer::always(Script::json(200, "{}")).await.expect("a free port");
    let source = KeySource::from_fn(|| async { Ok(Secret::new(KEY)) });
    for (key, name) in [(KeySource::from(KEY), "authorization"), (source, "x-api-key")] {
        let endpoint = Endpoint::builder(server.url()).header("x-team", "blue");
        let endpoint = match name {
            "x-api-key" => endpoint.key_header(name, key),
            _ => endpoint.bearer(key),
        };
        let endpoint = endpoint.build(&HttpClient::new()).expect("settings");
        assert!(endpoint.has_key());
        endpoint.get("models").text().await.expect("an answer");
        endpoint.get("models").without_key().text().await.expect("an answer");
        let requests = server.requests();
        let [.., with, without] = &requests[..] else { panic!("two requests") };
        assert!(with.header(name).is_some_and(|value| value.contains(KEY)), "{name}");
        assert_eq!((without.header(name), without.header("x-team")), (None, Some("blue")));
    }
    let keyless = Endpoint::builder(server.url()).build(&HttpClient::new()).expect("settings");
    assert!(!keyless.has_key());
}

#[tokio::test]
async fn name_stands_in_errors_and_the_id_finds_the_key_of_the_host() {
    let server = FaultServer::always(Script::json(500, "{}")).await.expect("a free port");
    let sources = KeySources::new().with_base_url("acme", &server.url(), KEY);
    let context = ProviderContext::new().with(sources);
    for (name, shown) in [(Some("GPU box"), "GPU box"), (None, "acme")] {
        let endpoint = Endpoint::builder(server.url()).provider("acme").name(name).build_in(&context);
        let error = endpoint.expect("settings").post("chat").chat(Words::new).await.expect_err("a failure");
        let sent = server.requests().pop().expect("a request");
        assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {KEY}")));
        assert_eq!(error.provider(), Some(shown));
    }
}

#[tokio::test]
async fn client_sends_requests_of_the_host_as_they_are() {
    let server = FaultServer::always(Script::json(503, "{}")).await.expect("a free port");
    let request = http::Request::post(format!("{}/v1/traces", server.url()))
        .header("content-type", "application/x-protobuf")
        .body(Bytes::from_static(&[10, 0]))
        .expect("a request");
    let answer = HttpClient::new().send(request).await.expect("an answer, whatever its status");
    assert_eq!(answer.status(), 503);
    let sent = &server.requests()[0];
    assert_eq!((&*sent.path, sent.header("authorization"), &*sent.body), ("/v1/traces", None, &[10, 0][..]));
    assert_eq!(sent.header("content-type"), Some("application/x-protobuf"));
}

#[tokio::test]
async fn web_page_does_not_tell_where_the_api_is() {
    let server = FaultServer::start(|request| match &*request.path {
        "/home" => Script::html_error(200),
        "/v1/models" => Script::json(200, "{}"),
        _ => Script::json(404, "{}"),
    });
    let server = server.await.expect("a free port");
    let endpoint = Endpoint::builder(server.url()).default_version("v1");
    let endpoint = endpoint.build(&HttpClient::new()).expect("settings");
    endpoint.get("home").text().await.expect("a page");
    for _ in 0..2 {
        endpoint.get("models").text().await.expect("a list");
    }
    // A warm-up goes to the place that was found.
    endpoint.clone().warm_up("models").await.expect("a connection");
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/home", "/models", "/v1/models", "/v1/models", "/v1/models"]);
}
