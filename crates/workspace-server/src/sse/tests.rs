use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_core::Stream;

use super::{Events, answer};

#[tokio::test]
async fn unread_body_stops_its_maker() {
    let (events, made) = (Events::default(), Arc::new(AtomicUsize::new(0)));
    let (sender, count) = (events.clone(), made.clone());
    let mut body = answer(events, async move {
        loop {
            sender.taken().await;
            count.fetch_add(1, Ordering::Relaxed);
            sender.send("text_chunk", &1);
        }
    })
    .into_body()
    .into_data_stream();
    assert_eq!(made.load(Ordering::Relaxed), 0, "nothing is made before it is read");
    for read in 1..=3 {
        poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await.expect("an event").expect("no error");
        assert_eq!(made.load(Ordering::Relaxed), read);
    }
    tokio::task::yield_now().await;
    assert_eq!(made.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn silence_is_broken_by_pings() {
    let events = Events::default();
    let sender = events.clone();
    let mut body = answer(events, async move {
        let work = tokio::time::sleep(Duration::from_millis(200));
        sender.with_pings_after(Duration::from_millis(50), work).await;
    })
    .into_body()
    .into_data_stream();
    let mut pings = 0;
    while let Some(event) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
        assert_eq!(event.expect("no error"), "event: ping\ndata: {}\n\n");
        pings += 1;
    }
    assert!((1..=3).contains(&pings), "{pings}");
}
