//! Relays a stream to an OpenAI client: the provider's own JSON where it speaks chat completions, and chunks
//! made of the events elsewhere.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures_core::Stream;
use http::{HeaderName, HeaderValue, header};
use provider_core::{ChatResponse, Error, Event, FinishReason, RawJson};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::{Instant, Sleep, sleep};

use super::encode::Encoder;
use crate::call::{Running, cut_call};
use crate::error::{ApiError, Result};

/// The longest silence of a stream. Proxies on the way cut connections that are silent for longer; most wait
/// 30 or 60 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream on its way to a client. Dropping it ends the call upstream.
pub(super) struct Relay {
    running: Running,
    encoder: Encoder,
    form: Form,
    include_usage: bool,
    /// The last JSON was not relayed: its events are encoded in its place.
    is_withheld: bool,
    is_over: bool,
    /// Chunks are written into it and split off. It is used again once they are sent.
    room: BytesMut,
    /// Fires after a silence, or later: it is set anew when it fires, and not with every chunk.
    silence: Pin<Box<Sleep>>,
    heard: Instant,
    /// The bytes that came before the head of the answer was sent.
    first: Option<Bytes>,
}

/// In which form chunks are handed on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// No chunk has come yet.
    Undecided,
    /// As the provider sent them.
    Raw,
    /// Made of the events.
    Events,
}

impl Relay {
    pub(super) fn new(running: Running, include_usage: bool) -> Self {
        Self {
            encoder: Encoder::new(&running.run),
            running,
            form: Form::Undecided,
            include_usage,
            is_withheld: false,
            is_over: false,
            room: BytesMut::new(),
            silence: Box::pin(sleep(KEEP_ALIVE)),
            heard: Instant::now(),
            first: None,
        }
    }

    /// Answers with the stream. An error before the first byte has a status of its own; for that, the head of
    /// the answer waits for the first chunk, though no longer than for a [`KEEP_ALIVE`].
    ///
    /// # Errors
    /// That of a stream that fails at its beginning.
    pub(super) async fn respond(mut self) -> Result<Response> {
        let first = poll_fn(|cx| self.poll_step(cx)).await;
        let of_request = |error| ApiError::from(error).of_request(&self.running.run);
        self.first = first.map_err(of_request)?;
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            // Nginx would hold chunks back.
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        Ok((headers, Body::from_stream(self)).into_response())
    }

    /// Reads events until there is something to hand on; `None` at the end. What is read is handed on at
    /// once, so that nothing is lost where nobody polls again.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<Option<Bytes>, Error>> {
        while !self.is_over {
            let event = match self.running.poll_next(cx) {
                Poll::Ready(Some(event)) => event.inspect_err(|_| self.is_over = true)?,
                Poll::Ready(None) => break,
                Poll::Pending => {
                    std::task::ready!(self.poll_silence(cx));
                    return Poll::Ready(Ok(Some(Bytes::from_static(b": keep-alive\n\n"))));
                }
            };
            self.hand_on(&event)?;
            if !self.room.is_empty() {
                self.heard = Instant::now();
                return Poll::Ready(Ok(Some(self.room.split().freeze())));
            }
        }
        Poll::Ready(Ok(None))
    }

    /// Waits until nothing was handed on for a [`KEEP_ALIVE`].
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            std::task::ready!(self.silence.as_mut().poll(cx));
            let is_silent = self.heard.elapsed() >= KEEP_ALIVE;
            if is_silent {
                self.heard = Instant::now();
            }
            self.silence.as_mut().reset(self.heard + KEEP_ALIVE);
            if is_silent {
                return Poll::Ready(());
            }
        }
    }

    /// Writes what an event has for the client.
    ///
    /// # Errors
    /// That of an answer that is called finished in the middle of a tool call.
    fn hand_on(&mut self, event: &Event) -> std::result::Result<(), Error> {
        match event {
            Event::Raw(json) => self.raw(json),
            // The next part repeats text, which only its events leave out.
            Event::Seam(_) => self.form = Form::Events,
            Event::Finished(finished) => {
                self.is_over = true;
                let so_far = self.running.so_far();
                if let Some(error) = falsely_finished(so_far) {
                    return Err(error);
                }
                if !self.is_relayed() {
                    self.encoder.finish(finished, so_far, self.include_usage, &mut self.room);
                }
                self.room.extend_from_slice(b"data: [DONE]\n\n");
            }
            event if !self.is_relayed() => {
                self.form = Form::Events;
                self.encoder.event(event, self.running.so_far(), &mut self.room);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the client has the chunk already that the next events are of.
    fn is_relayed(&self) -> bool {
        self.form == Form::Raw && !self.is_withheld
    }

    /// Hands the JSON of a chunk on.
    fn raw(&mut self, json: &RawJson) {
        let text = json.get();
        if self.form == Form::Events {
            return;
        }
        // The collected answer has this chunk already. A false finish waits for the usage behind it.
        let so_far = self.running.so_far();
        let is_false = so_far.finish_reason.is_some() && falsely_finished(so_far).is_some();
        self.is_withheld = is_false || !is_chunk(text);
        if self.is_withheld {
            return;
        }
        self.form = Form::Raw;
        if !self.include_usage && is_bare_usage(text) {
            return;
        }
        let room = &mut self.room;
        room.reserve(text.len() + 8);
        room.extend_from_slice(b"data: ");
        let start = room.len();
        room.extend_from_slice(text.as_bytes());
        // A line break would end the line of the event. In JSON it is white space and nothing else.
        for byte in room.iter_mut().skip(start).filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
        room.extend_from_slice(b"\n\n");
    }
}

impl Stream for Relay {
    type Item = std::result::Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let bytes = match std::task::ready!(self.poll_step(cx)) {
            Ok(bytes) => bytes,
            // No end mark follows, so that no client takes the answer for a whole one.
            Err(error) => {
                let error = ApiError::from(error).of_request(&self.running.run).openai_json();
                Some(format!("data: {error}\n\n").into())
            }
        };
        Poll::Ready(bytes.map(Ok))
    }
}

/// The error of an answer that is called finished although a tool call in it breaks off: clients run calls by
/// that word. `length` and its like say by themselves that the answer was cut.
pub(super) fn falsely_finished(response: &ChatResponse) -> Option<Error> {
    match response.finish_reason.as_ref().map(FinishReason::meaning) {
        None | Some(FinishReason::Stop | FinishReason::ToolCalls) => cut_call(response),
        Some(_) => None,
    }
}

/// Whether this is a chunk of chat completions without an error. A whole answer in the place of a stream, the
/// JSON of another wire and an error are none. Most chunks are told by three searches, without a parser.
fn is_chunk(json: &str) -> bool {
    let is_piece = json.contains("\"delta\"") || !json.contains("\"message\"");
    let is_shaped = is_piece && json.contains("\"choices\"");
    is_shaped && !(json.contains("\"error\"") && has_error(json))
}

fn has_error(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Failing {
        #[serde(default)]
        error: Option<IgnoredAny>,
        #[serde(default)]
        choices: Vec<Choice>,
        #[serde(default)]
        object: Option<String>,
    }
    #[derive(Deserialize)]
    struct Choice {
        #[serde(default)]
        error: Option<IgnoredAny>,
        #[serde(default)]
        finish_reason: Option<String>,
    }
    match serde_json::from_str::<Failing>(json) {
        Ok(Failing { error, choices, object }) => {
            error.is_some()
                || object.as_deref() == Some("error")
                || choices
                    .iter()
                    .any(|choice| choice.error.is_some() || choice.finish_reason.as_deref() == Some("error"))
        }
        Err(_) => true,
    }
}

/// Whether this is the chunk that has the usage and no choice. Clients that have not asked for it fail on it.
fn is_bare_usage(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Bare {
        choices: Vec<IgnoredAny>,
    }
    json.contains("\"usage\"")
        && serde_json::from_str::<Bare>(json).is_ok_and(|chunk| chunk.choices.is_empty())
}
