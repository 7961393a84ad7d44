//! Bad days of the service, which is the sandbox, as an agent node of a workspace sees them.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::time::Duration;

use openrouter_provider as _; // links the provider in
use openrouter_sandbox::Sandbox;
use provider_core::{ChatResponse, ConfigValues, Error, ErrorKind, RetryAdvice, TimeoutPhase};
use provider_registry::{Registry, SelectedModel, Workspace};

/// A model of a provider with these settings beside those it needs.
fn model(sandbox: &Sandbox, id: &str, settings: &[(&str, &str)]) -> SelectedModel {
    let registry = Registry::discover().expect("one provider");
    let given: ConfigValues = settings.iter().copied().collect();
    let values = given.set("api_key", "sk-or-v1-test").set("base_url", sandbox.base_url());
    let mut workspace = Workspace::new("acme");
    workspace.add_as("prod", &registry, "OpenRouter", values).expect("good settings").model(id)
}

async fn ask(model: &SelectedModel, streamed: bool) -> Result<ChatResponse, Error> {
    let request = model.request().user("Hello");
    match streamed {
        true => model.stream(&request).await?.collect().await,
        false => model.chat(&request).await,
    }
}

/// How often the sandbox was asked for an answer, and whether it was the same question every time.
fn asked(sandbox: &Sandbox) -> usize {
    let requests = sandbox.requests();
    let bodies: Vec<_> =
        requests.iter().filter(|request| request.method == "POST").map(|r| &r.body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    bodies.len()
}

/// Waits until the sandbox has no stream open.
async fn all_closed(sandbox: &Sandbox) -> bool {
    for _ in 0..200 {
        if sandbox.open_streams() == 0 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn what_fails_every_other_time_is_an_answer_and_says_so() {
    for streamed in [false, true] {
        let sandbox = Sandbox::start().await.expect("a sandbox");
        let reply = ask(&model(&sandbox, "sandbox/flaky", &[]), streamed).await.expect("the second time");
        assert!(!reply.text().is_empty());
        let [failed] = &*reply.attempts else { panic!("one attempt failed: {:?}", reply.attempts) };
        assert_eq!((failed.status(), failed.model()), (Some(503), Some("sandbox/flaky")));
        assert_eq!(asked(&sandbox), 2);
    }
}

#[tokio::test]
async fn what_keeps_failing_is_an_error_with_every_attempt_in_it() {
    for streamed in [false, true] {
        let sandbox = Sandbox::start().await.expect("a sandbox");
        let settings = [("max_attempts", "2")];
        let error =
            ask(&model(&sandbox, "sandbox/server-error", &settings), streamed).await.expect_err("down");
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Server, Some("prod")));
        let [before] = error.attempts() else { panic!("one more attempt: {error}") };
        assert_eq!((before.kind(), before.model()), (ErrorKind::Server, Some("sandbox/server-error")));
        assert_eq!(asked(&sandbox), 2);
    }
}

#[tokio::test]
async fn what_will_fail_again_is_asked_once() {
    let cases = [
        ("sandbox/no-credits", ErrorKind::PaymentRequired),
        ("sandbox/moderation", ErrorKind::ContentPolicy),
        ("sandbox/context-length", ErrorKind::ContextLength),
        // The quota comes back in a minute, which is too long to wait for.
        ("sandbox/rate-limit-free", ErrorKind::RateLimited),
    ];
    for (id, kind) in cases {
        let sandbox = Sandbox::start().await.expect("a sandbox");
        let error = ask(&model(&sandbox, id, &[("deadline", "50")]), true).await.expect_err("refused");
        assert_eq!((error.kind(), error.attempts().len(), asked(&sandbox)), (kind, 0, 1));
        let is_hint = matches!(error.retry(), RetryAdvice::After(wait) if wait > Duration::from_secs(50));
        assert_eq!(is_hint, kind == ErrorKind::RateLimited, "{error}");
    }
}

#[tokio::test]
async fn what_broke_off_after_its_beginning_is_asked_once_and_kept() {
    let cases = [
        ("sandbox/mid-stream-error", ErrorKind::Upstream),
        ("sandbox/truncated", ErrorKind::Interrupted),
        ("sandbox/reset", ErrorKind::Interrupted),
    ];
    for (id, kind) in cases {
        let sandbox = Sandbox::start().await.expect("a sandbox");
        let error = ask(&model(&sandbox, id, &[]), true).await.expect_err("it breaks off");
        assert_eq!((error.kind(), asked(&sandbox)), (kind, 1), "{error}");
        assert!(error.partial().is_some_and(|partial| !partial.text().is_empty()), "{error}");
    }
}

#[tokio::test]
async fn silence_ends_whether_the_service_gives_signs_of_life_or_not() {
    for id in ["sandbox/stall", "sandbox/stall-comments"] {
        let sandbox = Sandbox::start().await.expect("a sandbox");
        let error = ask(&model(&sandbox, id, &[("idle_timeout", "0.3")]), true).await.expect_err("silence");
        assert_eq!(
            (error.kind(), error.timeout()),
            (ErrorKind::Timeout, Some(TimeoutPhase::Idle)),
            "{error}"
        );
        assert_eq!((error.provider(), error.model(), asked(&sandbox)), (Some("prod"), Some(id), 1));
        assert!(error.partial().is_some_and(|partial| !partial.text().is_empty()), "{error}");
        assert!(all_closed(&sandbox).await, "the connection is closed");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_given_up_and_asked_for_again() {
    let sandbox =
        Sandbox::builder().slow_first_token(Duration::from_secs(2)).start().await.expect("a sandbox");
    let settings = [("first_output_timeout", "0.2"), ("max_attempts", "2")];
    let error =
        ask(&model(&sandbox, "sandbox/slow-first-token", &settings), true).await.expect_err("too slow");
    assert_eq!(error.timeout(), Some(TimeoutPhase::FirstOutput), "{error}");
    assert_eq!((error.attempts().len(), asked(&sandbox)), (1, 2));
    assert_eq!(error.attempts()[0].timeout(), Some(TimeoutPhase::FirstOutput));

    // Keep-alives are no output, but with patience the answer comes.
    let settings = [("first_output_timeout", "60"), ("idle_timeout", "0.5")];
    let reply = ask(&model(&sandbox, "sandbox/slow-first-token", &settings), true).await.expect("an answer");
    assert!(!reply.text().is_empty() && reply.attempts.is_empty());
}

#[tokio::test]
async fn the_deadline_ends_everything() {
    for (id, streamed) in [("sandbox/stall", true), ("sandbox/slow-first-token", false)] {
        let sandbox = Sandbox::start().await.expect("a sandbox");
        let error = ask(&model(&sandbox, id, &[("deadline", "0.4")]), streamed).await.expect_err("too late");
        assert_eq!(
            (error.kind(), error.timeout()),
            (ErrorKind::Timeout, Some(TimeoutPhase::Deadline)),
            "{error}"
        );
        assert_eq!((error.provider(), error.model(), asked(&sandbox)), (Some("prod"), Some(id), 1));
    }
}
