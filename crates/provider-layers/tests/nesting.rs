//! Layers agree on what came of a stream, in whatever order they stand around each other, and hand on all
//! that a provider has.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, Event, LlmProvider,
    ProviderDescriptor, TimeoutPhase,
};
use provider_layers::{
    BreakerLayer, BreakerSettings, FallbackLayer, FallbackSettings, Layer, LimitLayer, LimitSettings,
    RetryLayer, RetrySettings, StandardSettings, TimeoutLayer, TimeoutSettings, TraceLayer, TraceSettings,
    standard,
};
use tokio::time::{Instant, advance};

use support::turns::{Beat, InTurn, Turn};
use support::{ACME, says};

const SECOND: Duration = Duration::from_secs(1);

type Provider = Arc<dyn LlmProvider>;
/// Puts a layer of its own around a provider.
type Wrap = Box<dyn Fn(Provider) -> Provider>;

fn hello() -> ChatRequest {
    ChatRequest::new("a").user("Hello")
}

/// Every layer, with so many attempts.
fn layers(attempts: u32) -> [(&'static str, Wrap); 6] {
    let times = TimeoutSettings::off().first_output(20 * SECOND).idle(5 * SECOND);
    let breaker = BreakerSettings::default().failures(1).cool_down(10 * SECOND);
    let retries = RetrySettings::default().max_attempts(attempts);
    let limit = LimitSettings::off().max_concurrency(3);
    [
        ("timeouts", Box::new(move |inner| TimeoutLayer::new(times).layer(inner))),
        ("retry", Box::new(move |inner| RetryLayer::new(retries).layer(inner))),
        ("limit", Box::new(move |inner| LimitLayer::new(limit).layer(inner))),
        ("breaker", Box::new(move |inner| BreakerLayer::new(breaker).layer(inner))),
        ("traced", Box::new(|inner| TraceLayer::new(TraceSettings::default()).layer(inner))),
        (
            "fallback",
            Box::new(|inner| {
                // There is a route, so the layer is on, but no error is a reason to take it.
                let settings = FallbackSettings::default().kinds([]).to(InTurn::new([]), "b");
                FallbackLayer::new(settings).layer(inner)
            }),
        ),
    ]
}

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let with_last = |order: Vec<usize>| {
        (0..=order.len()).map(move |at| {
            let mut longer = order.clone();
            longer.insert(at, last);
            longer
        })
    };
    orders(last).into_iter().flat_map(with_last).collect()
}

/// The layers in every order around a provider of its own that plays these turns.
fn stacks(attempts: u32, turns: &[Turn]) -> Vec<(String, Arc<InTurn>, Provider)> {
    let layers = layers(attempts);
    let stack = |order: Vec<usize>| {
        let provider = InTurn::new(turns.to_vec());
        let names: Vec<&str> = order.iter().map(|at| layers[*at].0).collect();
        let stack = order.iter().fold(provider.clone() as Provider, |inner, at| (layers[*at].1)(inner));
        (names.join(" in "), provider, stack)
    };
    orders(layers.len()).into_iter().map(stack).collect()
}

#[tokio::test(start_paused = true)]
async fn silence_behind_output_is_idle_in_every_order() {
    let turn = Turn::streams([Beat::Text("x"), Beat::Silence(3600 * SECOND)]);
    for (order, _, stack) in stacks(3, &[turn]) {
        let start = Instant::now();
        let error = stack.stream(&hello()).await.expect(&order).collect().await.expect_err(&order);
        assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(TimeoutPhase::Idle), 5), "{order}");
        assert_eq!(error.partial().map(ChatResponse::text), Some("x"), "{order}");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_do_not_run_into_the_first_output_timeout() {
    let texts = vec![[Beat::Text("x"), Beat::Silence(4 * SECOND)]; 10].concat();
    for (order, _, stack) in stacks(3, &[Turn::streams([texts, vec![Beat::Ends]].concat())]) {
        let reply = stack.stream(&hello()).await.expect(&order).collect().await;
        assert_eq!(reply.expect(&order).text().len(), 10, "{order}");
    }
}

#[tokio::test(start_paused = true)]
async fn circuit_closes_with_output_in_every_order() {
    let slow = Turn::streams([Beat::Text("x"), Beat::Silence(3 * SECOND), Beat::Text("y"), Beat::Ends]);
    for (order, provider, stack) in stacks(1, &[Turn::fails(ErrorKind::Server), slow]) {
        stack.stream(&hello()).await.map(drop).expect_err(&order);
        assert_eq!(stack.chat(&hello()).await.expect_err(&order).kind(), ErrorKind::Overloaded, "{order}");
        advance(10 * SECOND).await;
        let mut probe = stack.stream(&hello()).await.expect(&order);
        assert!(matches!(probe.next().await, Some(Ok(Event::Text(_)))), "{order}");
        assert_eq!(stack.chat(&hello()).await.expect(&order).text(), "xy", "{order}");
        assert_eq!(provider.asked(), 3, "{order}");
        probe.collect().await.expect(&order);
    }
}

#[tokio::test(start_paused = true)]
async fn circuit_closes_before_the_probe_is_read() {
    let slow = Turn::streams([Beat::Text("x"), Beat::Silence(3 * SECOND), Beat::Text("y"), Beat::Ends]);
    let provider = InTurn::new([Turn::fails(ErrorKind::Server), slow]);
    let mut settings = StandardSettings::default().retry(RetrySettings::off());
    settings.breaker = BreakerSettings::default().failures(1).cool_down(10 * SECOND);
    let stack = standard(provider, &settings);
    stack.chat(&hello()).await.unwrap_err();
    advance(10 * SECOND).await;
    let unread = stack.stream(&hello()).await.unwrap();
    assert_eq!(stack.chat(&hello()).await.unwrap().text(), "xy");
    drop(unread);
}

#[tokio::test(start_paused = true)]
async fn raw_chunks_are_no_output_in_any_order() {
    let broken = Error::new(ErrorKind::Interrupted, "broke off");
    let fails =
        Turn::streams([Beat::Raw, Beat::Chunk, Beat::Silence(SECOND), Beat::Raw, Beat::Fails(broken)]);
    let speaks = Turn::streams([Beat::Raw, Beat::Text("x"), Beat::Ends]);
    for order in orders(layers(2).len()) {
        let layers = layers(2);
        // A circuit that opens with the first failure would refuse the second attempt.
        let order: Vec<usize> = order.into_iter().filter(|at| layers[*at].0 != "breaker").collect();
        let provider = InTurn::new([fails.clone(), speaks.clone()]);
        let stack = order.iter().fold(provider.clone() as Provider, |inner, at| (layers[*at].1)(inner));
        let reply = stack.stream(&hello()).await.unwrap().collect().await.unwrap();
        assert_eq!((reply.text(), reply.attempts.len(), provider.asked()), ("x", 1, 2), "{order:?}");
    }
}

/// Counts what it is asked for, in the order of the trait.
#[derive(Debug, Default)]
struct Counted([AtomicUsize; 6]);

impl Counted {
    fn count(&self, method: usize) {
        self.0[method].fetch_add(1, SeqCst);
    }
}

#[async_trait]
impl LlmProvider for Counted {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.count(0);
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.count(1);
        support::Scripted::new(&ACME, &[("a", says("Hi"))]).stream(request).await
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatResponse, Error> {
        self.count(2);
        Ok(ChatResponse::default())
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.count(3);
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.count(4);
        Ok(ConnectionReport::default())
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.count(5);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn every_layer_forwards_every_method() {
    for (name, layer) in layers(3) {
        let provider = Arc::new(Counted::default());
        let layer = layer(provider.clone());
        let counts = || provider.0.each_ref().map(|count| count.swap(0, SeqCst));
        counts();
        layer.descriptor();
        assert!(counts()[0] > 0, "{name}");
        layer.stream(&hello()).await.unwrap().collect().await.unwrap();
        assert_eq!(counts()[1..], [1, 0, 0, 0, 0], "{name}");
        layer.chat(&hello()).await.unwrap();
        assert_eq!(counts()[1..], [0, 1, 0, 0, 0], "{name}");
        layer.models().await.unwrap();
        assert_eq!(counts()[1..], [0, 0, 1, 0, 0], "{name}");
        layer.check().await.unwrap();
        assert_eq!(counts()[1..], [0, 0, 0, 1, 0], "{name}");
        layer.warm_up().await.unwrap();
        assert_eq!(counts()[1..], [0, 0, 0, 0, 1], "{name}");
    }
}
