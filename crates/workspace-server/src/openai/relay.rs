//! Relays a stream to an OpenAI client: the provider's own JSON where it speaks chat completions, and chunks
//! made of the events elsewhere.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use http::{HeaderName, HeaderValue, header};
use provider_core::{Error, Event, RawJson};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use super::encode::Encoder;
use crate::call::Running;
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
}

/// In which form chunks are handed on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing has come yet.
    Undecided,
    /// As the provider sent them.
    Raw,
    /// Made of the events.
    Events,
}

impl Relay {
    pub(super) fn new(running: Running, include_usage: bool) -> Self {
        let encoder = Encoder::new(&running.run);
        let form = Form::Undecided;
        Self { running, encoder, form, include_usage, is_withheld: false, is_over: false }
    }

    /// Answers with the stream. An error before the first byte has a status of its own; for that, the head of
    /// the answer waits for the first chunk, though no longer than for a [`KEEP_ALIVE`].
    ///
    /// # Errors
    /// That of a stream that fails at its beginning.
    pub(super) async fn respond(mut self) -> Result<Response> {
        let run = self.running.run.clone();
        let first = match timeout(KEEP_ALIVE, self.step()).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Err(ApiError::from(error).of_request(&run)),
            Err(_) => Some(Bytes::from_static(b": keep-alive\n\n")),
        };
        let chunks = unfold((first, self), |(first, mut relay)| async move {
            let bytes = match first {
                Some(first) => first,
                None => relay.next().await?,
            };
            Some((Ok::<_, std::convert::Infallible>(bytes), (None, relay)))
        });
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            // Nginx would hold chunks back.
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        Ok((headers, Body::from_stream(chunks)).into_response())
    }

    /// The next bytes for the client; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        match timeout(KEEP_ALIVE, self.step()).await {
            Ok(Ok(bytes)) => bytes,
            // No end mark follows, so that no client takes the answer for a whole one.
            Ok(Err(error)) => {
                let error = ApiError::from(error).of_request(&self.running.run).openai_json();
                Some(format!("data: {error}\n\n").into())
            }
            Err(_) => Some(Bytes::from_static(b": keep-alive\n\n")),
        }
    }

    /// Reads events until there is something to hand on. Dropping the future loses nothing: what is read is
    /// handed on at once.
    async fn step(&mut self) -> std::result::Result<Option<Bytes>, Error> {
        while !self.is_over {
            let Some(event) = self.running.next().await else { break };
            let event = event.inspect_err(|_| self.is_over = true)?;
            let mut out = Vec::new();
            match &event {
                Event::Raw(json) => self.raw(json, &mut out),
                // The next part repeats text, which only its events leave out.
                Event::Seam(_) => self.form = Form::Events,
                Event::Finished(finished) => {
                    self.is_over = true;
                    if !self.is_relayed() {
                        let so_far = self.running.so_far();
                        self.encoder.finish(finished, so_far, self.include_usage, &mut out);
                    }
                    out.extend_from_slice(b"data: [DONE]\n\n");
                }
                event if !self.is_relayed() => {
                    self.form = Form::Events;
                    self.encoder.event(event, self.running.so_far(), &mut out);
                }
                _ => {}
            }
            if !out.is_empty() {
                return Ok(Some(out.into()));
            }
        }
        Ok(None)
    }

    /// Whether the client has the chunk already that the next events are of.
    fn is_relayed(&self) -> bool {
        self.form == Form::Raw && !self.is_withheld
    }

    /// Hands the JSON of a chunk on.
    fn raw(&mut self, json: &RawJson, out: &mut Vec<u8>) {
        let text = json.get();
        if self.form == Form::Events {
            return;
        }
        self.is_withheld = !is_chunk(text);
        if self.is_withheld {
            return;
        }
        self.form = Form::Raw;
        if !self.include_usage && is_bare_usage(text) {
            return;
        }
        out.reserve(text.len() + 8);
        out.extend_from_slice(b"data: ");
        let start = out.len();
        out.extend_from_slice(text.as_bytes());
        // A line break would end the line of the event. In JSON it is white space and nothing else.
        for byte in out.iter_mut().skip(start).filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
        out.extend_from_slice(b"\n\n");
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
