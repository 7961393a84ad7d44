//! Which errors make another model be asked, and what answer and error say of it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use provider_core::author::ProviderOptions;
use provider_core::{ChatRequest, Error, ErrorKind, Event, LlmProvider, LlmProviderExt, RetryAdvice};
use provider_layers::{FallbackLayer, FallbackSettings, Layer};
use serde::{Deserialize, Serialize};

use support::{ACME, OTHER, Play, Script, Scripted, both_ways, refuses, says, story};

fn hello(model: &str) -> ChatRequest {
    ChatRequest::new(model).user("Hello")
}

/// Asks `a` first, then `b`, then `c`.
fn chain(provider: &Arc<Scripted>, kinds: &[ErrorKind]) -> Arc<dyn LlmProvider> {
    FallbackLayer::new(
        FallbackSettings::default()
            .kinds(kinds)
            .to(provider.clone(), "b")
            .to(provider.clone(), "c")
            .allow_paid(),
    )
    .layer(provider.clone())
}

#[tokio::test]
async fn outages_fall_back() {
    use ErrorKind::*;
    let yes = [RateLimited, Timeout, Upstream, Server, Connection, EmptyResponse, Interrupted];
    let no = [
        Config,
        InvalidRequest,
        Authentication,
        PaymentRequired,
        PermissionDenied,
        ContentPolicy,
        ModelNotFound,
        NoEndpoint,
        ContextLength,
        InvalidResponse,
        Unsupported,
        NotFound,
        Ambiguous,
        Duplicate,
    ];
    for (kind, qualifies) in yes.map(|kind| (kind, true)).into_iter().chain(no.map(|kind| (kind, false))) {
        for script in [refuses(kind), Script::Says(vec![Play::Fails(Error::new(kind, "not now"))])] {
            let provider = Scripted::new(&ACME, &[("a", script), ("b", says("Hi"))]);
            for (way, outcome) in both_ways(&*chain(&provider, FallbackSettings::OUTAGES), &hello("a")).await
            {
                match outcome {
                    Ok(reply) => assert!(qualifies && reply.text() == "Hi", "{kind:?} {way}"),
                    Err(error) => assert!(!qualifies && error.kind() == kind, "{kind:?} {way}: {error}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn only_given_kinds_fall_back() {
    let scripts =
        [("a", refuses(ErrorKind::NoEndpoint)), ("b", refuses(ErrorKind::Server)), ("c", says("Hi"))];
    let provider = Scripted::new(&ACME, &scripts);
    let cases: [(&[ErrorKind], Option<ErrorKind>, usize); 4] = [
        (&[], Some(ErrorKind::NoEndpoint), 1),
        (FallbackSettings::OUTAGES, Some(ErrorKind::NoEndpoint), 1),
        (&[ErrorKind::NoEndpoint], Some(ErrorKind::Server), 2),
        (&[FallbackSettings::OUTAGES, &[ErrorKind::NoEndpoint]].concat(), None, 3),
    ];
    for (kinds, failure, asked) in cases {
        let before = provider.asked().len();
        let outcome = chain(&provider, kinds).chat(&hello("a")).await;
        assert_eq!(outcome.err().map(|error| error.kind()), failure, "{kinds:?}");
        assert_eq!(provider.asked().len() - before, asked, "{kinds:?}");
    }
}

#[tokio::test]
async fn fallback_without_routes_is_the_provider() {
    let provider = Scripted::new(&ACME, &[("a", refuses(ErrorKind::Server)), ("b", says("Hi"))]);
    let alone = FallbackLayer::new(FallbackSettings::default()).layer(provider.clone());
    for (_, outcome) in both_ways(&*alone, &hello("a")).await {
        let error = outcome.unwrap_err();
        assert_eq!(
            (error.kind(), error.message(), error.attempts()),
            (ErrorKind::Server, "not now", &[][..])
        );
    }
    for (_, outcome) in both_ways(&*alone, &hello("b")).await {
        let reply = outcome.unwrap();
        assert_eq!((&*reply.requested, reply.attempts.len()), ("b", 0));
    }
}

#[tokio::test]
async fn answer_names_requested_model_and_attempts() {
    let acme = Scripted::new(&ACME, &[("a", refuses(ErrorKind::Timeout))]);
    let other = Scripted::new(&OTHER, &[("b", refuses(ErrorKind::RateLimited)), ("c", says("Hi"))]);
    let fallback = FallbackLayer::new(
        FallbackSettings::default()
            .to(other.clone(), "b")
            .to(other.clone(), "c")
            .to(acme.clone(), "never asked")
            .allow_paid(),
    )
    .layer(acme.clone());
    for (way, outcome) in both_ways(&*fallback, &hello("a")).await {
        let reply = outcome.unwrap();
        assert_eq!(reply.text(), "Hi");
        assert_eq!((&*reply.requested, &*reply.model), ("a", "c-2026"), "{way}");
        assert_eq!(reply.served_by.to_string(), "Scripts Inc.");
        assert_eq!(
            reply.message.made_by.as_deref(),
            Some("c"),
            "{way}: its thoughts are the answering model's"
        );
        let failed = [("acme", "a", ErrorKind::Timeout), ("other", "b", ErrorKind::RateLimited)];
        assert_eq!(story(&reply.attempts), failed, "{way}");
    }
    assert_eq!(acme.models_asked(), ["a", "a"]);
    assert_eq!(other.models_asked(), ["b", "c", "b", "c"]);
}

#[tokio::test]
async fn route_gets_the_request_with_its_own_model() {
    #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
    struct AcmeOptions(u8);
    impl ProviderOptions for AcmeOptions {
        const PROVIDER: &'static str = "acme";
    }
    let acme = Scripted::new(&ACME, &[("a", refuses(ErrorKind::Server))]);
    let other = Scripted::new(&OTHER, &[("b", says("Hi"))]);
    let fallback = FallbackLayer::new(FallbackSettings::default().to(other.clone(), "b").allow_paid())
        .layer(acme.clone());
    let mut request = hello("a").temperature(0.0).options(AcmeOptions(7));
    fallback.chat(&request).await.unwrap();
    assert_eq!(acme.asked(), [request.clone()]);
    assert!(other.asked()[0].messages.shares_with(&request.messages), "nothing is copied");
    request.model = "b".to_owned();
    assert_eq!(other.asked(), [request]);
}

#[tokio::test]
async fn last_error_has_the_others_as_attempts() {
    let last =
        Error::new(ErrorKind::RateLimited, "later").with_retry(RetryAdvice::After(Duration::from_secs(7)));
    let scripts =
        [("a", refuses(ErrorKind::Timeout)), ("b", refuses(ErrorKind::Server)), ("c", Script::Refuses(last))];
    let provider = Scripted::new(&ACME, &scripts);
    for (way, outcome) in both_ways(&*chain(&provider, FallbackSettings::OUTAGES), &hello("a")).await {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::RateLimited, "later"), "{way}");
        assert_eq!((error.provider(), error.model()), (Some("acme"), Some("c")), "{way}");
        assert_eq!(error.retry(), RetryAdvice::After(Duration::from_secs(7)), "{way}");
        let failed = [("acme", "a", ErrorKind::Timeout), ("acme", "b", ErrorKind::Server)];
        assert_eq!(story(error.attempts()), failed, "{way}");
    }
}

#[tokio::test]
async fn final_error_ends_the_chain_with_attempts() {
    let scripts =
        [("a", refuses(ErrorKind::Timeout)), ("b", refuses(ErrorKind::ContentPolicy)), ("c", says("Hi"))];
    let provider = Scripted::new(&ACME, &scripts);
    for (way, outcome) in both_ways(&*chain(&provider, FallbackSettings::OUTAGES), &hello("a")).await {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.model()), (ErrorKind::ContentPolicy, Some("b")), "{way}");
        assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Timeout)], "{way}");
    }
    assert_eq!(provider.models_asked(), ["a", "b", "a", "b"]);
}

#[tokio::test]
async fn attempts_of_inner_layers_are_in_one_list() {
    let tried = |kind| Error::new(kind, "tried").with_provider("inner").with_model("a");
    let retried = Error::new(ErrorKind::Server, "gave up").with_attempts(vec![
        tried(ErrorKind::Timeout),
        Error::new(ErrorKind::Connection, "tried").with_provider("inner"),
    ]);
    let acme = Scripted::new(&ACME, &[("a", Script::Refuses(retried)), ("b", says("Hi"))]);
    // A layer further in that has an answer, after an attempt of its own.
    let inner = Scripted::new(&OTHER, &[("b", refuses(ErrorKind::Upstream)), ("c", says("Hi"))]);
    let inner =
        FallbackLayer::new(FallbackSettings::default().to(inner.clone(), "c").allow_paid()).layer(inner);
    let fallback = FallbackLayer::new(FallbackSettings::default().to(inner, "b").allow_paid()).layer(acme);
    for (way, outcome) in both_ways(&*fallback, &hello("a")).await {
        let reply = outcome.unwrap();
        let failed = [
            ("inner", "a", ErrorKind::Timeout),
            ("inner", "a", ErrorKind::Connection),
            ("acme", "a", ErrorKind::Server),
            ("other", "b", ErrorKind::Upstream),
        ];
        assert_eq!(story(&reply.attempts), failed, "{way}");
        assert_eq!((&*reply.requested, reply.message.made_by.as_deref()), ("a", Some("c")), "{way}");
    }
}

#[tokio::test]
async fn other_methods_go_to_the_first_provider() {
    let acme = Scripted::new(&ACME, &[]);
    let fallback = FallbackLayer::new(FallbackSettings::default().to(Scripted::new(&OTHER, &[]), "b"))
        .layer(acme.clone());
    assert_eq!(fallback.id(), "acme");
    assert_eq!(fallback.check().await.unwrap().label.as_deref(), Some("acme"));
    fallback.models().await.unwrap();
    assert_eq!(acme.fetches(), 1);
}

// Before and after the first event.

fn broken(kind: ErrorKind) -> Play {
    Play::Fails(Error::new(kind, "broke off"))
}

#[tokio::test]
async fn stream_falls_back_before_its_first_event() {
    let cases = [
        vec![broken(ErrorKind::Upstream)],
        vec![Play::Usage(7), broken(ErrorKind::Interrupted)],
        vec![],
        vec![Play::Ends],
        vec![Play::Raw, Play::Raw, broken(ErrorKind::Interrupted)],
    ];
    for plays in cases {
        let scripts = [("a", Script::Says(plays.clone())), ("b", says("Hi"))];
        let provider = Scripted::new(&ACME, &scripts);
        let mut stream = chain(&provider, FallbackSettings::OUTAGES).stream(&hello("a")).await.unwrap();
        assert_eq!(stream.next().await, Some(Ok(Event::Text("Hi".into()))), "{plays:?}");
        let reply = stream.collect().await.unwrap();
        assert_eq!((reply.attempts.len(), &*reply.requested), (1, "a"), "{plays:?}");
        if matches!(plays.first(), Some(Play::Usage(_))) {
            let paid = reply.attempts[0].partial().expect("what was used was paid for");
            assert_eq!((paid.usage.total_tokens, &*paid.requested), (Some(7), "a"));
        }
    }
}

#[tokio::test]
async fn billed_answer_does_not_fall_back() {
    let empty = |tokens| vec![Play::Completion(tokens), Play::Ends];
    let broken_off = |tokens| vec![Play::Completion(tokens), broken(ErrorKind::Interrupted)];
    for (plays, is_paid) in
        [(empty(7), true), (broken_off(7), true), (empty(0), false), (broken_off(0), false)]
    {
        let provider = Scripted::new(&ACME, &[("a", Script::Says(plays.clone())), ("b", says("Hi"))]);
        for (way, outcome) in both_ways(&*chain(&provider, FallbackSettings::OUTAGES), &hello("a")).await {
            assert_eq!(outcome.is_err(), is_paid, "{way} {plays:?}: {outcome:?}");
            if let Err(error) = outcome {
                assert_eq!(error.partial().unwrap().usage.completion_tokens, Some(7));
            }
        }
    }
}

#[tokio::test]
async fn begun_answer_does_not_fall_back() {
    for begin in [Play::Text("Hel"), Play::TextAtOnce("Hel")] {
        let scripts = [
            ("a", refuses(ErrorKind::Timeout)),
            ("b", Script::Says(vec![begin, broken(ErrorKind::Interrupted)])),
            ("c", says("Hi")),
        ];
        let provider = Scripted::new(&ACME, &scripts);
        for (way, outcome) in both_ways(&*chain(&provider, FallbackSettings::OUTAGES), &hello("a")).await {
            let error = outcome.unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Interrupted, "broke off"), "{way}");
            assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Timeout)], "{way}");
            let partial = error.partial().expect("it was paid for");
            assert_eq!(
                (partial.text(), &*partial.model, &*partial.requested),
                ("Hel", "b-2026", "a"),
                "{way}"
            );
            assert_eq!(partial.message.made_by.as_deref(), Some("b"), "{way}");
        }
        assert_eq!(provider.models_asked(), ["a", "b", "a", "b"]);
    }
}

#[tokio::test]
async fn abandoned_stream_keeps_attempts() {
    let scripts =
        [("a", refuses(ErrorKind::Timeout)), ("b", Script::Says(vec![Play::Text("Hel"), Play::Text("lo")]))];
    let provider = Scripted::new(&ACME, &scripts);
    let mut stream = chain(&provider, FallbackSettings::OUTAGES).stream(&hello("a")).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let error = stream.abandon(Error::new(ErrorKind::Timeout, "too slow for me"));
    assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Timeout)]);
    let partial = error.partial().expect("what came");
    assert_eq!((&*partial.requested, partial.message.made_by.as_deref()), ("a", Some("b")));
}
