//! A caller that asks a free model gets no bill, unless steps to billed models are allowed.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use provider_core::{ChatRequest, Error, ErrorKind, LlmProvider, RetryAdvice};
use provider_layers::{CatalogueCache, CatalogueCacheSettings, FallbackLayer, FallbackSettings, Layer};
use tokio::time::{Instant, sleep};

use support::{ACME, Listed, OTHER, Script, Scripted, both_ways, catalogue, says, story};

fn overloaded() -> Script {
    let wait = RetryAdvice::After(Duration::from_secs(3));
    Script::Refuses(Error::new(ErrorKind::Upstream, "overloaded").with_retry(wait).with_status(503))
}

/// A model in a catalogue: its price, or none, since the model is not listed or the list cannot be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    As(Listed),
    Unlisted,
    /// Not listed, by an instance that nobody bills.
    OfOnesOwn,
    Unreachable,
}

const ALL: [Known; 11] = [
    Known::As(Listed::Free),
    Known::As(Listed::Paid),
    Known::As(Listed::Varies),
    Known::As(Listed::WithoutPrice),
    Known::As(Listed::FreeAtFirst),
    Known::As(Listed::PerRequest),
    Known::As(Listed::GivenAway),
    Known::As(Listed::NotBilled),
    Known::Unlisted,
    Known::OfOnesOwn,
    Known::Unreachable,
];

fn list(model: &str, known: Known) -> Result<provider_core::Catalogue, Error> {
    match known {
        Known::As(listed) => Ok(catalogue(&[(model, listed)])),
        Known::Unlisted => Ok(catalogue(&[("something-else", Listed::Free)])),
        Known::OfOnesOwn => Ok(catalogue(&[("something-else", Listed::Paid)]).not_billed()),
        Known::Unreachable => Err(Error::new(ErrorKind::Connection, "nobody answers")),
    }
}

#[tokio::test]
async fn step_needs_billed_before_or_free_after() {
    for from in ALL {
        for to in ALL {
            // The mark of a free model means nothing where the catalogue does not say so.
            let scripts = [("a:free", overloaded())];
            let first = Scripted::with(&ACME, &scripts, list("a:free", from), Duration::ZERO);
            let scripts = [("b:free", says("Hi"))];
            let second = Scripted::with(&OTHER, &scripts, list("b:free", to), Duration::ZERO);
            let fallback = FallbackLayer::new(FallbackSettings::default().to(second.clone(), "b:free"))
                .layer(first.clone());
            let is_billed = [Listed::Paid, Listed::PerRequest].map(Known::As).contains(&from);
            let free = [Known::As(Listed::Free), Known::As(Listed::NotBilled), Known::OfOnesOwn];
            let is_free = free.contains(&to);
            let expected = is_billed || is_free;
            for (way, outcome) in both_ways(&*fallback, &ChatRequest::new("a:free").user("Hello")).await {
                match outcome {
                    Ok(reply) => assert!(expected && reply.text() == "Hi", "{from:?} to {to:?}, {way}"),
                    Err(error) => {
                        assert!(!expected, "{from:?} to {to:?}, {way}: {error}");
                        assert_eq!((error.kind(), error.status()), (ErrorKind::Upstream, Some(503)));
                        assert_eq!(error.retry(), RetryAdvice::After(Duration::from_secs(3)));
                        let words = error.message();
                        for word in [
                            "overloaded; no fallback to",
                            "\"b:free\" of other",
                            "`FallbackSettings::allow_paid`",
                        ] {
                            assert!(words.contains(word), "{words}");
                        }
                        let next_step = error.next_step().expect("what to do");
                        assert!(next_step.starts_with("allow the step from free to paid"), "{next_step}");
                        assert!(second.asked().is_empty(), "it was not asked");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn error_says_why_a_step_was_refused() {
    let cases = [
        (Known::As(Listed::Free), Known::As(Listed::Paid), "which is billed, since \"a\" is free"),
        (Known::Unlisted, Known::As(Listed::Paid), "since \"a\" may be free (it is not in the catalogue)"),
        (
            Known::As(Listed::Varies),
            Known::As(Listed::Paid),
            "may be free (the catalogue has no fixed price for it)",
        ),
        (Known::As(Listed::Free), Known::Unlisted, "which may be billed (it is not in the catalogue), since"),
        (
            Known::As(Listed::Free),
            Known::Unreachable,
            "may be billed (the catalogue cannot be had: nobody answers)",
        ),
    ];
    for (from, to, words) in cases {
        let first = Scripted::with(&ACME, &[("a", overloaded())], list("a", from), Duration::ZERO);
        let second = Scripted::with(&OTHER, &[("b", says("Hi"))], list("b", to), Duration::ZERO);
        let fallback = FallbackLayer::new(FallbackSettings::default().to(second, "b")).layer(first);
        let error = fallback.chat(&ChatRequest::new("a").user("Hello")).await.unwrap_err();
        assert!(error.message().contains(words), "{error}");
    }
}

#[tokio::test]
async fn refused_step_keeps_earlier_attempts() {
    let models = [("a", Listed::Free), ("b", Listed::Free), ("c", Listed::Paid)];
    let scripts = [("a", overloaded()), ("b", overloaded()), ("c", says("Hi"))];
    let provider = Scripted::with(&ACME, &scripts, Ok(catalogue(&models)), Duration::ZERO);
    let fallback =
        FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b").to(provider.clone(), "c"))
            .layer(provider.clone());
    let error = fallback.chat(&ChatRequest::new("a").user("Hello")).await.unwrap_err();
    assert_eq!(error.model(), Some("b"));
    assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Upstream)]);
    assert!(error.message().contains("no fallback to \"c\""), "{error}");
    assert_eq!(provider.models_asked(), ["a", "b"]);
    assert_eq!(provider.fetches(), 1, "one catalogue for all steps");
}

#[tokio::test]
async fn allowed_step_looks_no_price_up() {
    let scripts = [("a", overloaded()), ("b", says("Hi"))];
    let listed = Ok(catalogue(&[("a", Listed::Free), ("b", Listed::Paid)]));
    let provider = Scripted::with(&ACME, &scripts, listed, Duration::ZERO);
    let fallback = FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b").allow_paid())
        .layer(provider.clone());
    assert_eq!(fallback.chat(&ChatRequest::new("a").user("Hello")).await.unwrap().text(), "Hi");
    assert_eq!(provider.fetches(), 0);
}

#[tokio::test]
async fn prices_are_looked_up_only_for_a_step() {
    let scripts = [("fine", says("Hi")), ("wrong", support::refuses(ErrorKind::InvalidRequest))];
    let provider = Scripted::with(&ACME, &scripts, Ok(catalogue(&[])), Duration::ZERO);
    let fallback =
        FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b")).layer(provider.clone());
    for model in ["fine", "wrong"] {
        let _ = both_ways(&*fallback, &ChatRequest::new(model).user("Hello")).await;
    }
    assert_eq!(provider.fetches(), 0);
}

#[tokio::test]
async fn prices_come_from_the_given_catalogue() {
    let scripts = [("a", overloaded()), ("b", says("Hi"))];
    let listed = Ok(catalogue(&[("a", Listed::Paid), ("b", Listed::Paid)]));
    let provider = Scripted::with(&ACME, &scripts, listed, Duration::ZERO);
    let shared: Arc<dyn LlmProvider> = provider.clone();
    let cache = Arc::new(CatalogueCache::new(shared.clone(), CatalogueCacheSettings::default()));
    cache.get().await.unwrap();
    provider.now_lists(Err(Error::new(ErrorKind::Connection, "nobody answers")));
    let fallback = FallbackLayer::new(FallbackSettings::default().catalogue(cache).to(shared.clone(), "b"))
        .layer(shared);
    assert_eq!(fallback.chat(&ChatRequest::new("a").user("Hello")).await.unwrap().text(), "Hi");
    assert_eq!(provider.fetches(), 1);
}

// In an outage.

/// A provider whose list takes an hour.
fn with_hanging_list(scripts: &[(&str, Script)]) -> Arc<Scripted> {
    Scripted::with(&ACME, scripts, Ok(catalogue(&[])), Duration::from_secs(3600))
}

#[tokio::test(start_paused = true)]
async fn hanging_price_list_is_waited_for_once() {
    let provider = with_hanging_list(&[("a", overloaded()), ("b", says("Hi"))]);
    let fallback =
        FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b")).layer(provider.clone());
    for expected in [3, 0] {
        let start = Instant::now();
        let error = fallback.chat(&ChatRequest::new("a").user("Hello")).await.unwrap_err();
        assert_eq!(start.elapsed().as_secs(), expected);
        let words =
            "may be billed (the catalogue cannot be had: the list of models was not there within 3 s)";
        assert!(error.message().contains(words), "{error}");
    }
    let provider = with_hanging_list(&[("a", overloaded()), ("b", says("Hi"))]);
    let settings = FallbackSettings::default().price_timeout(Duration::from_millis(500));
    let impatient = FallbackLayer::new(settings.to(provider.clone(), "b")).layer(provider);
    let start = Instant::now();
    impatient.chat(&ChatRequest::new("a").user("Hello")).await.unwrap_err();
    assert_eq!(start.elapsed().as_millis(), 500);
}

#[tokio::test(start_paused = true)]
async fn known_prices_decide_without_a_wait() {
    let hello = ChatRequest::new("a").user("Hello");
    // The next one is free, and the list of the one that failed hangs.
    let down = with_hanging_list(&[("a", overloaded())]);
    let free = Ok(catalogue(&[("b", Listed::Free)]));
    let other = Scripted::with(&OTHER, &[("b", says("Hi"))], free, Duration::ZERO);
    let fallback = FallbackLayer::new(FallbackSettings::default().to(other, "b")).layer(down.clone());
    let start = Instant::now();
    assert_eq!(fallback.chat(&hello).await.unwrap().text(), "Hi");
    assert_eq!((start.elapsed(), down.fetches()), (Duration::ZERO, 0));

    // The one that failed is billed, as is known, and the list of the next one hangs.
    let billed = Ok(catalogue(&[("a", Listed::Paid)]));
    let down: Arc<dyn LlmProvider> = Scripted::with(&OTHER, &[("a", overloaded())], billed, Duration::ZERO);
    let cache = Arc::new(CatalogueCache::new(down.clone(), CatalogueCacheSettings::default()));
    cache.get().await.unwrap();
    let other = with_hanging_list(&[("b", says("Hi"))]);
    let fallback =
        FallbackLayer::new(FallbackSettings::default().catalogue(cache).to(other.clone(), "b")).layer(down);
    let start = Instant::now();
    assert_eq!(fallback.chat(&hello).await.unwrap().text(), "Hi");
    assert_eq!((start.elapsed(), other.fetches()), (Duration::ZERO, 0));
}

#[tokio::test(start_paused = true)]
async fn old_price_list_serves_in_an_outage() {
    let billed = Ok(catalogue(&[("a", Listed::Paid), ("b", Listed::Paid)]));
    let scripts = [("a", overloaded()), ("b", says("Hi"))];
    let provider = Scripted::with(&ACME, &scripts, billed, Duration::ZERO);
    let shared: Arc<dyn LlmProvider> = provider.clone();
    let cache = Arc::new(CatalogueCache::new(shared.clone(), CatalogueCacheSettings::default()));
    cache.get().await.unwrap();
    provider.now_lists(Err(Error::new(ErrorKind::Connection, "nobody answers")));
    sleep(Duration::from_secs(10 * 24 * 3600)).await;
    let fallback = FallbackLayer::new(FallbackSettings::default().catalogue(cache).to(shared.clone(), "b"))
        .layer(shared);
    assert_eq!(fallback.chat(&ChatRequest::new("a").user("Hello")).await.unwrap().text(), "Hi");
    assert_eq!(provider.fetches(), 2, "a new one was asked for");
}

#[tokio::test(start_paused = true)]
async fn billed_route_is_left_out_for_the_next() {
    let models = [("a", Listed::Free), ("b", Listed::Paid), ("c", Listed::Free)];
    let scripts = [("a", overloaded()), ("b", says("not for free")), ("c", says("Hi"))];
    let provider = Scripted::with(&ACME, &scripts, Ok(catalogue(&models)), Duration::ZERO);
    let fallback =
        FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b").to(provider.clone(), "c"))
            .layer(provider.clone());
    for (way, outcome) in both_ways(&*fallback, &ChatRequest::new("a").user("Hello")).await {
        let reply = outcome.unwrap();
        assert_eq!(
            (reply.text(), story(&reply.attempts)),
            ("Hi", vec![("acme", "a", ErrorKind::Upstream)]),
            "{way}"
        );
        assert!(
            reply.attempts[0].message().contains("no fallback to \"b\" of acme, which is billed"),
            "{way}"
        );
    }
    assert_eq!(provider.models_asked(), ["a", "c", "a", "c"]);
}

#[tokio::test]
async fn refused_step_keeps_the_advice_of_the_error() {
    let error = Error::new(ErrorKind::Upstream, "overloaded").with_next_step("ask again later");
    let models = [("a", Listed::Free), ("b", Listed::Paid), ("c", Listed::Paid)];
    let scripts = [("a", Script::Refuses(error)), ("b", says("Hi")), ("c", says("Hi"))];
    let provider = Scripted::with(&ACME, &scripts, Ok(catalogue(&models)), Duration::ZERO);
    let fallback =
        FallbackLayer::new(FallbackSettings::default().to(provider.clone(), "b").to(provider.clone(), "c"))
            .layer(provider);
    let error = fallback.chat(&ChatRequest::new("a").user("Hello")).await.unwrap_err();
    assert_eq!(
        error.next_step(),
        Some("ask again later; or allow the step from free to paid with `FallbackSettings::allow_paid`")
    );
    for model in ["\"b\"", "\"c\""] {
        assert!(error.message().contains(&format!("no fallback to {model}")), "{error}");
    }
}
