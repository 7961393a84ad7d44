//! Server-sent events that are made as they are read.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use bytes::{BufMut as _, BytesMut};
use futures_core::Stream;
use http::{HeaderValue, header};
use serde::Serialize;

/// How long a stream is silent before a `ping` goes out: below the idle limit of the usual proxies.
pub(crate) const PING: Duration = Duration::from_secs(15);

/// The way from whoever makes events to the body.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Bytes>,
    /// Events are written into it and split off. It is used again once they are sent.
    room: BytesMut,
    /// How many were sent.
    sent: u64,
}

impl Events {
    /// Sends an event.
    pub(crate) fn send(&self, name: &str, data: &impl Serialize) {
        let mut queue = self.queue();
        let room = &mut queue.room;
        for text in ["event: ", name, "\ndata: "] {
            room.extend_from_slice(text.as_bytes());
        }
        if let Err(error) = serde_json::to_writer(room.writer(), data) {
            tracing::error!(%error, name, "an event cannot be written");
            room.clear();
            return;
        }
        room.extend_from_slice(b"\n\n");
        let event = room.split().freeze();
        queue.waiting.push_back(event);
        queue.sent += 1;
    }

    /// Waits until the reader has taken what was sent: the maker of events reads no further before.
    pub(crate) async fn taken(&self) {
        // No waker: the body asks its maker again once the queue is empty.
        poll_fn(|_| if self.queue().waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Waits for a future that may send events, and sends a `ping` whenever nothing was sent for [`PING`].
    pub(crate) async fn with_pings<T>(&self, work: impl Future<Output = T>) -> T {
        self.with_pings_after(PING, work).await
    }

    async fn with_pings_after<T>(&self, silence: Duration, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            let before = self.queue().sent;
            if let Ok(done) = tokio::time::timeout(silence, &mut work).await {
                return done;
            }
            if self.queue().sent == before {
                self.send("ping", &serde_json::json!({}));
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers with the events that `make` sends. It runs only while the body is read, and is dropped with it.
pub(crate) fn answer(events: Events, make: impl Future<Output = ()> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(Pull { events, make: Some(Box::pin(make)) }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would collect the events otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A body that asks its maker for more when everything it made is taken.
struct Pull {
    events: Events,
    /// `None` once it has made its last.
    make: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Stream for Pull {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.events.queue().waiting.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            let Some(make) = &mut self.make else { return Poll::Ready(None) };
            let is_done = make.as_mut().poll(cx).is_ready();
            if is_done {
                self.make = None;
            } else if self.events.queue().waiting.is_empty() {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests;
