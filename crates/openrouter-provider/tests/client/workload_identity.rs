//! Access tokens for tokens of an identity provider, against the sandbox: when one is got, and each way in
//! which none is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fault_server::{FaultServer, Request, Script};
use openrouter_provider::OpenRouter;
use openrouter_provider::workload_identity::WorkloadIdentity;
use openrouter_sandbox::Sandbox;
use provider_core::{ChatRequest, ConfigValues, Error, ErrorKind, ProviderContext, Secret};
use provider_http::KeySources;

/// A JWT that expires in the year 2100, and one that did in 2001.
const JWT: &str = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln";
const EXPIRED: &str = "e30.eyJleHAiOjEwMDAwMDAwMDB9.c2ln";

fn identity(base_url: &str, policy: &str, token: &'static str) -> WorkloadIdentity {
    let values = ConfigValues::from([("base_url", base_url)]);
    // A key of the host, which no request of this flow may carry.
    let keys = KeySources::new().with_base_url(openrouter_provider::ID, base_url, "sk-or-v1-of-the-host");
    let context = ProviderContext::new().with(keys);
    let token = move || async move { Ok(Secret::new(token)) };
    WorkloadIdentity::new(policy, token, &values, &context).expect("good settings")
}

fn client(base_url: &str, identity: WorkloadIdentity) -> OpenRouter {
    OpenRouter::builder().base_url(base_url).key_source(identity).build().expect("good settings")
}

fn request() -> ChatRequest {
    ChatRequest::new("openai/gpt-4o").user("Hi")
}

#[tokio::test]
async fn requests_share_a_token_that_is_got_once() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let client = client(
        sandbox.base_url(),
        identity(sandbox.base_url(), "policy 1", "  e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln\n"),
    );
    let request = request();
    let (one, other) = tokio::join!(client.chat(&request), client.chat(&request));
    one.and(other).expect("answers");
    client.check().await.expect("a good token");
    let sent = sandbox.requests();
    let exchanges: Vec<_> = sent.iter().filter(|request| request.path == "/api/v1/oauth/token").collect();
    let [exchange] = exchanges.as_slice() else { panic!("{exchanges:?}") };
    assert_eq!((exchange.method.as_str(), exchange.header("authorization")), ("POST", None));
    assert_eq!(exchange.header("content-type"), Some("application/x-www-form-urlencoded"));
    let form = exchange.body.as_str().expect("a form");
    assert_eq!(
        form,
        format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&subject_token={JWT}\
             &federation_policy_id=policy+1&scope=inference"
        )
    );
    let keys = sent.iter().filter(|request| request.path != "/api/v1/oauth/token");
    let mut keys: Vec<_> = keys.map(|request| request.header("authorization")).collect();
    keys.dedup();
    assert!(keys.len() == 1 && keys[0].is_some_and(|key| key.starts_with("Bearer ey")), "{keys:?}");
}

#[tokio::test]
async fn token_is_got_anew_when_it_is_about_to_expire() {
    let exchanges = Arc::new(AtomicUsize::new(0));
    let count = exchanges.clone();
    // Of two seconds a quarter is the margin.
    let server = FaultServer::start(move |_| {
        let number = count.fetch_add(1, SeqCst);
        Script::json(200, format!(r#"{{"access_token":"token-{number}","expires_in":2}}"#))
    });
    let server = server.await.expect("a free port");
    let identity = identity(&server.url(), "p", JWT);
    let token = async || identity.token().await.expect("a token").expose().to_owned();
    assert_eq!((token().await, token().await), ("token-0".to_owned(), "token-0".to_owned()));
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!((token().await, exchanges.load(SeqCst)), ("token-1".to_owned(), 2));
}

#[tokio::test]
async fn token_that_expired_under_way_is_a_wrong_key_and_the_next_request_gets_another() {
    let sandbox = Sandbox::builder().access_token_life(Duration::ZERO).start().await.expect("a sandbox");
    let client = client(sandbox.base_url(), identity(sandbox.base_url(), "p", JWT));
    for exchanges in [1, 2] {
        let error = client.chat(&request()).await.expect_err("an expired token");
        assert_eq!((error.kind(), error.status()), (ErrorKind::Authentication, Some(401)));
        let sent = sandbox.requests();
        let got = sent.iter().filter(|request| request.path == "/api/v1/oauth/token").count();
        assert_eq!(got, exchanges);
    }
}

#[tokio::test]
async fn refused_exchange_fails_the_request_with_the_services_words() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    for (policy, token, kind, words, step) in [
        (
            "p",
            EXPIRED,
            ErrorKind::Authentication,
            "(invalid_grant): The subject token is expired",
            "Check that",
        ),
        ("unknown", JWT, ErrorKind::Authentication, "(invalid_grant): No federation policy", "Check that"),
        ("management", JWT, ErrorKind::PermissionDenied, "(invalid_scope)", "Let the federation policy"),
    ] {
        let client = client(sandbox.base_url(), identity(sandbox.base_url(), policy, token));
        let error = client.chat(&request()).await.expect_err("no token");
        assert_eq!((error.kind(), error.status()), (kind, Some(400)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.next_step().is_some_and(|shown| shown.starts_with(step)), "{error}");
        assert!(!error.is_retryable() && !format!("{error:?}").contains(token), "{error}");
    }
    assert!(sandbox.requests().iter().all(|request| request.path == "/api/v1/oauth/token"));
}

#[tokio::test]
async fn failed_exchange_shows_no_secret_and_says_when_to_try_again() {
    let echo = |request: &Request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Script::json(400, format!(r#"{{"error":"invalid_request","error_description":"refused: {body}"}}"#))
    };
    let busy = |_: &Request| {
        Script::json(429, r#"{"error":"slow_down","error_description":"too many"}"#)
            .header("retry-after", "7")
    };
    let odd = |_: &Request| Script::json(200, r#"{"access_token":"sk-secret","expires_in":"soon"}"#);
    let page = |_: &Request| Script::json(503, "upstream gone");
    for (server, kind) in [
        (FaultServer::start(echo).await, ErrorKind::InvalidRequest),
        (FaultServer::start(busy).await, ErrorKind::RateLimited),
        (FaultServer::start(odd).await, ErrorKind::InvalidResponse),
        (FaultServer::start(page).await, ErrorKind::Overloaded),
    ] {
        let server = server.expect("a free port");
        let identity = identity(&server.url(), "p", JWT);
        let error = identity.token().await.expect_err("no token");
        assert_eq!(error.kind(), kind, "{error}");
        let wait = error.retry().after();
        assert_eq!(wait, (kind == ErrorKind::RateLimited).then_some(Duration::from_secs(7)));
        let told = format!("{error} {error:?} {identity:?}");
        assert!(!told.contains(JWT) && !told.contains("sk-secret"), "{told}");
    }
}

#[tokio::test]
async fn exchange_without_an_identity_is_not_sent() {
    let server = FaultServer::always(Script::json(200, "{}")).await.expect("a free port");
    let error = identity(&server.url(), "p", " \n").token().await.expect_err("a blank token");
    assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::Config, "subject_token"));
    let values = ConfigValues::from([("base_url", server.url())]);
    let lost = || async { Err(Error::new(ErrorKind::Config, "the file is gone")) };
    let context = ProviderContext::new();
    let identity = WorkloadIdentity::new("p", lost, &values, &context).expect("good settings");
    let error = identity.token().await.expect_err("no token");
    assert_eq!(error.message(), "the file is gone");
    let blank = WorkloadIdentity::new(" ", lost, &values, &context).expect_err("no policy");
    assert_eq!(blank.fields()[0].field, "federation_policy_id");
    assert_eq!(server.request_count(), 0);
}
