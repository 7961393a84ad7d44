//! A key by one click, against the sandbox: what is sent, and each way in which it fails.

use std::time::Duration;

use fault_server::{FaultServer, Request, Script};
use openrouter_provider::OpenRouter;
use openrouter_provider::pkce::Authorization;
use openrouter_sandbox::Sandbox;
use provider_core::{ConfigValues, Error, ErrorKind, ProviderContext};
use provider_http::{Endpoint, HttpClient, KeySources};

const CALLBACK: &str = "http://localhost:3000/callback?from=settings";

fn start(base_url: &str) -> Result<Authorization, Error> {
    let values = ConfigValues::from([("base_url", base_url)]);
    // A key of the host, which no request of this flow may carry.
    let keys = KeySources::new().with_base_url(openrouter_provider::ID, base_url, "sk-or-v1-of-the-host");
    Authorization::start(CALLBACK, &values, &ProviderContext::new().with(keys))
}

/// Visits the page of the sandbox, which approves at once. Returns the address that the browser is sent to.
async fn approve(sandbox: &Sandbox, authorization: &Authorization) -> String {
    let root = format!("http://{}", sandbox.address());
    let path = authorization.url().strip_prefix(&root).expect("a page of the sandbox");
    let browser = Endpoint::builder(root).build(&HttpClient::new()).expect("an endpoint");
    let response = browser.get(path).send().await.expect("an answer");
    assert_eq!(response.head().status(), 302);
    response.head().header("location").expect("an address").to_owned()
}

#[tokio::test]
async fn approval_becomes_a_key_that_works() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let authorization = start(sandbox.base_url()).expect("a request");
    let redirected = approve(&sandbox, &authorization).await;
    assert!(redirected.starts_with("http://localhost:3000/callback?from=settings&state="), "{redirected}");
    assert!(!authorization.url().contains(authorization.verifier().expose()), "the verifier stays here");
    let shown = format!("{authorization:?}");
    assert!(!shown.contains(authorization.verifier().expose()) && !shown.contains(authorization.state()));

    let code = authorization.code(&redirected).expect("a code");
    let granted = authorization.exchange(code).await.expect("a key");
    assert!(granted.user_id.is_some() && !format!("{granted:?}").contains(granted.key.expose()));
    let requests = sandbox.requests();
    let sent = requests.last().expect("the exchange");
    assert_eq!((sent.path.as_str(), sent.header("authorization")), ("/api/v1/auth/keys", None));
    assert_eq!(sent.body["code_challenge_method"], "S256");
    let client = OpenRouter::builder().api_key(granted.key.expose()).base_url(sandbox.base_url());
    client.build().expect("a client").check().await.expect("a good key");
}

#[tokio::test]
async fn answer_to_another_request_is_refused() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let (one, other) = (start(sandbox.base_url()).expect("one"), start(sandbox.base_url()).expect("other"));
    assert_ne!((one.state(), one.verifier().expose()), (other.state(), other.verifier().expose()));
    let redirected = approve(&sandbox, &other).await;
    let state = one.state();
    for (address, kind) in [
        (redirected.clone(), ErrorKind::Authentication),
        ("/callback?code=abc".to_owned(), ErrorKind::Authentication),
        (format!("/callback?state=&code=abc#state={state}"), ErrorKind::Authentication),
        (String::new(), ErrorKind::Authentication),
        (format!("state={state}"), ErrorKind::InvalidResponse),
        (format!("/callback?code=&state={state}"), ErrorKind::InvalidResponse),
        (format!("?state={state}&error=access_denied&code=abc"), ErrorKind::PermissionDenied),
    ] {
        let error = one.code(&address).expect_err(&address);
        assert_eq!(error.kind(), kind, "{address}");
        assert!(!error.to_string().contains("abc"), "{error}");
    }
    assert!(other.code(&redirected).is_ok());
}

#[tokio::test]
async fn code_that_is_used_late_or_anothers_gets_no_key() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let late = Sandbox::builder().auth_code_life(Duration::ZERO).start().await.expect("a sandbox");
    let values = |sandbox: &Sandbox| ConfigValues::from([("base_url", sandbox.base_url())]);
    let context = ProviderContext::new();

    let first = start(sandbox.base_url()).expect("a request");
    let redirected = approve(&sandbox, &first).await;
    let code = first.code(&redirected).expect("a code");
    // Another process of the host has the same request from its store.
    let again = Authorization::resume(first.state(), first.verifier().clone(), &values(&sandbox), &context)
        .expect("it");
    first.exchange(code.clone()).await.expect("a key");
    let reused = again.exchange(code).await;

    let other = start(sandbox.base_url()).expect("a request");
    let code = other.code(&approve(&sandbox, &other).await).expect("a code");
    let wrong_verifier = start(sandbox.base_url()).expect("a request").exchange(code).await;

    let slow = start(late.base_url()).expect("a request");
    let code = slow.code(&approve(&late, &slow).await).expect("a code");
    let expired = slow.exchange(code).await;

    for outcome in [reused, wrong_verifier, expired] {
        let error = outcome.expect_err("no key");
        assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(403)));
        assert!(error.next_step().is_some_and(|step| step.starts_with("Start again")), "{error}");
    }
}

#[tokio::test]
async fn failed_exchange_shows_no_secret() {
    let echo = |request: &Request| {
        let body = String::from_utf8_lossy(&request.body).replace('"', "'");
        Script::json(403, format!(r#"{{"error":{{"code":403,"message":"refused: {body}"}}}}"#))
    };
    let odd = |_: &Request| Script::json(200, r#"{"kee":"sk-or-v1-secret","key":["sk-or-v1-secret"]}"#);
    let servers = [
        (FaultServer::start(echo).await.expect("a free port"), ErrorKind::PermissionDenied),
        (FaultServer::start(odd).await.expect("a free port"), ErrorKind::InvalidResponse),
    ];
    for (server, kind) in servers {
        let base_url = format!("{}/api/v1", server.url().trim_end_matches('/').trim_end_matches("/api/v1"));
        let authorization = start(&base_url).expect("a request");
        let verifier = authorization.verifier().clone();
        let code = authorization.code(&format!("?code=the-code&state={}", authorization.state()));
        let error = authorization.exchange(code.expect("a code")).await.expect_err("no key");
        assert_eq!(error.kind(), kind, "{error}");
        let told = format!("{error} {error:?}");
        let secrets = ["the-code", "sk-or-v1-secret", verifier.expose()];
        assert!(secrets.iter().all(|secret| !told.contains(secret)), "{told}");
    }
}

#[test]
fn callback_must_be_https_or_this_machine() {
    let start = |callback: &str| {
        let values = ConfigValues::new();
        Authorization::start(callback, &values, &ProviderContext::new())
    };
    for good in ["https://app.example/cb", "http://localhost:1/", "http://127.0.0.1:8/cb?a=b"] {
        let authorization = start(good).expect(good);
        assert!(authorization.url().starts_with("https://openrouter.ai/auth?callback_url=http"), "{good}");
        assert!(authorization.url().ends_with("&code_challenge_method=S256"), "{good}");
    }
    for (bad, words) in [
        ("nonsense", "no URL"),
        ("http://app.example/cb", "must be https"),
        ("http://localhost.evil.example/", "must be https"),
        ("ftp://localhost/", "must be https"),
        ("https://app.example/?state=mine", "leave it out"),
        ("https://app.example/?code=1", "leave it out"),
        ("https://app.example/#top", "fragment"),
    ] {
        let error = start(bad).expect_err(bad);
        assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::Config, "callback_url"));
        assert!(error.fields()[0].problem.contains(words), "{error}");
    }
}

#[test]
fn page_stands_beside_the_api() {
    for (base_url, page) in [
        ("https://openrouter.ai/api/v1/", Some("https://openrouter.ai/auth?")),
        ("https://eu.openrouter.ai/api/v1", Some("https://openrouter.ai/auth?")),
        ("http://127.0.0.1:8787/api/v1", Some("http://127.0.0.1:8787/auth?")),
        ("https://gateway.example/openrouter/api/v1", Some("https://gateway.example/openrouter/auth?")),
        ("https://gateway.example/v1", None),
    ] {
        match (start(base_url), page) {
            (Ok(authorization), Some(page)) => {
                assert!(authorization.url().starts_with(page), "{}", authorization.url());
            }
            (Err(error), None) => assert_eq!(error.fields()[0].field, "base_url"),
            (outcome, _) => panic!("{base_url}: {outcome:?}"),
        }
    }
}
