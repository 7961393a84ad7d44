//! When the catalogue is fetched, by whom, and what those who ask get.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use provider_core::{Catalogue, Error, ErrorKind};
use provider_layers::{CachedCatalogue, CatalogueCache, CatalogueCacheSettings, CatalogueOrigin};
use tokio::task::JoinSet;
use tokio::time::{advance, sleep};

use support::{Listed, Scripted, catalogue};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn of(id: &str) -> Result<Catalogue, Error> {
    Ok(catalogue(&[(id, Listed::Paid)]))
}

fn unreachable() -> Result<Catalogue, Error> {
    Err(Error::new(ErrorKind::Connection, "nobody answers"))
}

/// A provider whose list takes a second, and a cache of it.
fn cached(list: Result<Catalogue, Error>) -> (Arc<Scripted>, CatalogueCache) {
    cached_with(list, CatalogueCacheSettings::default())
}

fn cached_with(
    list: Result<Catalogue, Error>,
    settings: CatalogueCacheSettings,
) -> (Arc<Scripted>, CatalogueCache) {
    let provider = Scripted::listing(list, SECOND);
    (provider.clone(), CatalogueCache::new(provider, settings))
}

fn model(cached: &CachedCatalogue) -> &str {
    &cached.catalogue.models[0].id
}

#[tokio::test(start_paused = true)]
async fn concurrent_callers_share_one_fetch() {
    for (list, expected) in [(of("a"), Ok("a")), (unreachable(), Err(ErrorKind::Connection))] {
        let (provider, cache) = cached(list);
        let cache = Arc::new(cache);
        let mut callers = JoinSet::new();
        for _ in 0..50 {
            let cache = cache.clone();
            callers.spawn(async move { cache.get().await });
        }
        for outcome in callers.join_all().await {
            let outcome = outcome.map_err(|error| error.kind());
            assert_eq!(outcome.as_ref().map(model), expected.as_ref().map(|id| *id));
            assert!(outcome.is_err() || outcome.unwrap().origin == CatalogueOrigin::Network);
        }
        assert_eq!(provider.fetches(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_wait_for_one_fetch() {
    for _ in 0..20 {
        let provider = Scripted::listing(of("a"), Duration::from_millis(5));
        let cache = Arc::new(CatalogueCache::new(provider.clone(), CatalogueCacheSettings::default()));
        let mut callers = JoinSet::new();
        for _ in 0..50 {
            let cache = cache.clone();
            callers.spawn(async move { cache.get().await.map(drop) });
        }
        assert!(callers.join_all().await.iter().all(Result::is_ok));
        assert_eq!(provider.fetches(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn fresh_list_is_used_again() {
    let (provider, cache) = cached(of("a"));
    assert!(cache.peek().is_none(), "nothing is asked");
    cache.get().await.unwrap();
    for _ in 0..4 {
        advance(MINUTE).await;
        let again = cache.get().await.unwrap();
        assert_eq!((again.origin, again.is_stale()), (CatalogueOrigin::Memory, false));
    }
    assert_eq!(cache.peek().unwrap().age(), 4 * MINUTE);
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn stale_list_is_returned_while_revalidated() {
    let (provider, cache) = cached(of("a"));
    cache.get().await.unwrap();
    provider.now_lists(of("b"));
    advance(HOUR).await;
    for _ in 0..50 {
        let stale = cache.get().await.unwrap();
        assert_eq!((model(&stale), stale.is_stale(), stale.age()), ("a", true, HOUR));
        assert_eq!(stale.origin, CatalogueOrigin::Memory);
    }
    sleep(2 * SECOND).await;
    let new = cache.get().await.unwrap();
    assert_eq!((model(&new), new.is_stale(), new.age()), ("b", false, SECOND));
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn list_that_is_too_old_is_fetched() {
    let (provider, cache) = cached(of("a"));
    cache.get().await.unwrap();
    provider.now_lists(unreachable());
    advance(24 * HOUR + 5 * MINUTE).await;
    assert_eq!(cache.get().await.unwrap_err().kind(), ErrorKind::Connection);
    assert_eq!(model(&cache.peek().unwrap()), "a", "it is there for those who want it all the same");
    provider.now_lists(of("b"));
    advance(11 * SECOND).await;
    let new = cache.get().await.unwrap();
    assert_eq!((model(&new), new.origin), ("b", CatalogueOrigin::Network));
}

#[tokio::test(start_paused = true)]
async fn zero_max_age_fetches_every_time() {
    let settings = CatalogueCacheSettings::default().max_age(Duration::ZERO);
    let (provider, cache) = cached_with(of("a"), settings);
    for fetches in 1..4 {
        assert_eq!(cache.get().await.unwrap().origin, CatalogueOrigin::Network);
        assert_eq!(provider.fetches(), fetches);
    }
}

#[tokio::test(start_paused = true)]
async fn failed_fetch_stands_for_negative_ttl() {
    let (provider, cache) = cached(unreachable());
    for _ in 0..5 {
        assert_eq!(cache.get().await.unwrap_err().message(), "nobody answers");
        advance(SECOND).await;
    }
    assert_eq!(provider.fetches(), 1);
    provider.now_lists(of("a"));
    assert!(cache.get().await.is_err(), "still remembered");
    advance(6 * SECOND).await;
    assert_eq!(model(&cache.get().await.unwrap()), "a");
    assert_eq!(provider.fetches(), 2);

    let settings = CatalogueCacheSettings::default().negative_ttl(Duration::ZERO);
    let (provider, cache) = cached_with(unreachable(), settings);
    for _ in 0..3 {
        cache.get().await.unwrap_err();
    }
    assert_eq!(provider.fetches(), 3, "unless it is not to be");
}

#[tokio::test(start_paused = true)]
async fn refresh_fetches_whatever_is_there() {
    let (provider, cache) = cached(unreachable());
    cache.get().await.unwrap_err();
    provider.now_lists(of("a"));
    assert_eq!(model(&cache.refresh().await.unwrap()), "a", "in spite of the failure before");
    provider.now_lists(of("b"));
    let new = cache.refresh().await.unwrap();
    assert_eq!((model(&new), new.origin), ("b", CatalogueOrigin::Network), "in spite of the fresh list");
    provider.now_lists(unreachable());
    cache.refresh().await.unwrap_err();
    let kept = cache.get().await.unwrap();
    assert_eq!(model(&kept), "b", "what was there stays");
    assert_eq!(kept.refresh_error.unwrap().kind(), ErrorKind::Connection);
}

#[tokio::test(start_paused = true)]
async fn stale_list_has_the_refresh_error() {
    let (provider, cache) = cached(of("a"));
    cache.get().await.unwrap();
    provider.now_lists(unreachable());
    advance(HOUR).await;
    assert!(cache.get().await.unwrap().refresh_error.is_none(), "nobody knows yet");
    sleep(2 * SECOND).await;
    for _ in 0..5 {
        let stale = cache.get().await.unwrap();
        assert_eq!(
            (model(&stale), stale.refresh_error.as_ref().unwrap().kind()),
            ("a", ErrorKind::Connection)
        );
        sleep(SECOND).await;
    }
    assert_eq!(provider.fetches(), 2, "no other attempt yet");
    provider.now_lists(of("b"));
    sleep(10 * SECOND).await;
    cache.get().await.unwrap();
    sleep(2 * SECOND).await;
    let new = cache.get().await.unwrap();
    assert_eq!((model(&new), new.refresh_error.is_none()), ("b", true));
    assert_eq!(provider.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn dropped_caller_stops_no_shared_fetch() {
    let (provider, cache) = cached(of("a"));
    let cache = Arc::new(cache);
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await })
        })
        .collect();
    sleep(SECOND / 2).await;
    callers[0].abort();
    callers[1].abort();
    let [_, _, last] = <[_; 3]>::try_from(callers).unwrap();
    assert_eq!(model(&last.await.unwrap().unwrap()), "a");
    assert_eq!(provider.fetches(), 1, "the first fetch was not lost");
}

#[tokio::test(start_paused = true)]
async fn unpolled_caller_stops_no_shared_fetch() {
    let (provider, cache) = cached(of("a"));
    let mut idle = pin!(cache.get());
    let waker = Waker::noop();
    assert!(idle.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    assert_eq!(model(&cache.get().await.unwrap()), "a");
    assert!(idle.as_mut().poll(&mut Context::from_waker(waker)).is_ready());
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn fetch_stops_with_its_last_caller() {
    let (provider, cache) = cached(of("a"));
    {
        let (mut one, mut other) = (pin!(cache.get()), pin!(cache.get()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(one.as_mut().poll(&mut cx).is_pending() && other.as_mut().poll(&mut cx).is_pending());
        assert_eq!(provider.running.load(SeqCst), 1);
    }
    assert_eq!(provider.running.load(SeqCst), 0);
    assert_eq!(model(&cache.get().await.unwrap()), "a");
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn background_refresh_ends_with_the_cache() {
    let (provider, cache) = cached(of("a"));
    cache.get().await.unwrap();
    advance(HOUR).await;
    cache.get().await.unwrap();
    sleep(SECOND / 2).await;
    assert_eq!(provider.running.load(SeqCst), 1);
    drop(cache);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(provider.running.load(SeqCst), 0);
    assert_eq!(Arc::strong_count(&provider), 1, "nothing of it is left");
}

#[tokio::test(start_paused = true)]
async fn forgotten_list_is_fetched_again() {
    let (provider, cache) = cached(of("a"));
    cache.get().await.unwrap();
    cache.forget();
    assert!(cache.peek().is_none());
    provider.now_lists(of("b"));
    assert_eq!(model(&cache.get().await.unwrap()), "b");

    provider.now_lists(unreachable());
    cache.forget();
    cache.get().await.unwrap_err();
    provider.now_lists(of("c"));
    cache.forget();
    assert_eq!(model(&cache.get().await.unwrap()), "c", "so is a failure");
}

#[tokio::test(start_paused = true)]
async fn fetch_from_before_forget_is_not_kept() {
    let (provider, cache) = cached(of("a"));
    let mut early = pin!(cache.get());
    assert!(early.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    cache.forget();
    assert_eq!(model(&early.await.unwrap()), "a", "who waits for it gets it");
    assert!(cache.peek().is_none());
    provider.now_lists(of("b"));
    assert_eq!(model(&cache.get().await.unwrap()), "b");
    assert_eq!(provider.fetches(), 2);
}

// Without tokio.

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn caller_refreshes_without_a_runtime() {
    let provider = Scripted::listing(of("a"), Duration::ZERO);
    let file = support::folder("no_runtime").join("acme.json");
    let settings = CatalogueCacheSettings::default().disk(&file).negative_ttl(Duration::ZERO);
    let cache = CatalogueCache::new(provider.clone(), settings.max_age(Duration::from_nanos(1)));
    assert_eq!(model(&block_on(cache.get()).unwrap()), "a");
    assert!(file.exists());
    provider.now_lists(of("b"));
    let new = block_on(cache.get()).unwrap();
    assert_eq!((model(&new), new.origin), ("b", CatalogueOrigin::Network));
    provider.now_lists(unreachable());
    let stale = block_on(cache.get()).unwrap();
    assert_eq!((model(&stale), stale.origin), ("b", CatalogueOrigin::Memory));
    assert_eq!(stale.refresh_error.as_ref().unwrap().kind(), ErrorKind::Connection);
    assert_eq!(provider.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn list_is_stale_from_max_age_on() {
    let (_, cache) = cached_with(of("a"), CatalogueCacheSettings::default().max_age(MINUTE));
    cache.get().await.unwrap();
    advance(MINUTE - Duration::from_nanos(1)).await;
    assert!(!cache.peek().unwrap().is_stale());
    advance(Duration::from_nanos(1)).await;
    assert!(cache.peek().unwrap().is_stale());
}

#[tokio::test(start_paused = true)]
async fn list_that_comes_late_is_there_for_the_next_caller() {
    let (provider, cache) = cached(of("a"));
    let late = cache.get_within(SECOND / 2).await.expect_err("it takes a second");
    assert_eq!(late.kind(), ErrorKind::Timeout);
    // The failure counts for now, and the fetch goes on.
    assert_eq!(cache.get().await.expect_err("it has just failed").kind(), ErrorKind::Timeout);
    sleep(SECOND).await;
    assert_eq!(model(&cache.get_within(SECOND / 2).await.expect("it is there")), "a");
    assert_eq!(provider.fetches(), 1);
}
