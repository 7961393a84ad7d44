//! Reading answers: a body that comes in piece by piece, or one that is there already.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lenient_json::Raw;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{ChatResponse, Error, RawJson};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::time::{Instant, Sleep, sleep};

use crate::failure::{self, Redact};
use crate::response::{CACHE_FIELD, CacheReport, METADATA_FIELD};
use crate::transport::{Received, Transport};
use crate::wire::collect::{CollectState, collect};
use crate::wire::decoder::{ChatDecoder, Decoded, read_chunk, take_error};
use crate::wire::error::WireError;
use crate::wire::metadata;
use crate::wire::stop::Stop;
use crate::wire::text_of_body;
use crate::{ID, Limits};

/// What is known about an answer before its body.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// When they came.
    pub(crate) came: Instant,
    pub(crate) model: String,
    /// The models that may answer in its place.
    pub(crate) fallbacks: Vec<String>,
    pub(crate) keep_raw: bool,
    /// Which connection it came from.
    pub(crate) transport: Arc<Transport>,
}

impl Head {
    /// Says in an error what was asked and which answer it was, and takes out the key: every error of an
    /// answer leaves through here.
    pub(crate) fn place(&self, error: Error) -> Error {
        let error = error.with_provider(ID).with_model(&self.model).with_status(self.status.as_u16());
        failure::with_ids(error, &self.headers).redact(self.transport.api_key())
    }

    /// Adds what the headers say of an answer.
    fn complete(&self, accumulator: &mut ResponseAccumulator) {
        let header = |name: &str| self.headers.get(name)?.to_str().ok();
        if let Some(id) = header("x-generation-id") {
            accumulator.set_id(id);
        }
        if let Some(metadata) = accumulator.response().extra.get(METADATA_FIELD) {
            let provider = metadata::selected_provider(Raw::of(metadata.get()));
            accumulator.set_served_by(provider.as_deref().unwrap_or_default());
        }
        let number = |name: &str| header(name).and_then(|text| text.trim().parse::<u64>().ok());
        if let Some(status) = header("x-openrouter-cache-status") {
            let report = CacheReport {
                status: status.to_owned(),
                age_seconds: number("x-openrouter-cache-age"),
                ttl_seconds: number("x-openrouter-cache-ttl"),
                source_id: header("x-openrouter-cache-source-id").map(str::to_owned),
            };
            // Texts and numbers can always be written.
            accumulator.set_extra(CACHE_FIELD, RawJson::new(&report).unwrap_or_default());
        }
        accumulator.redact(self.transport.api_key());
    }

    fn redact(&self) -> Redact<'_> {
        Redact(self.transport.api_key())
    }

    fn error(&self, stop: Stop) -> Error {
        match stop {
            Stop::Failed(wire) => {
                failure::said(&wire, self.status, &self.headers, self.came.elapsed(), self.redact())
            }
            Stop::Unreadable(frame) => failure::unreadable(&frame, self.redact()),
            Stop::NoAnswer { text, cause } => failure::no_answer(&text, &cause, self.redact()),
            Stop::TooLarge(frame) => failure::frame_too_large(frame),
            Stop::TooManyArguments { limit } => failure::arguments_too_large(limit),
        }
    }
}

/// How long what follows an error is waited for: usage often does, and was paid for.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// How long the end of a body is waited for after the end mark, so that the connection can be used again.
const AFTER_END: Duration = Duration::from_millis(100);
/// How many pieces that are there after the end mark are read for that.
const MOST_AFTER_END: usize = 16;

/// A streamed answer: the body is polled from the reader's own task, so that a slow reader holds the socket
/// back and a dropped one closes it.
#[derive(Debug)]
pub(crate) struct Streamed {
    body: Received,
    decoder: ChatDecoder,
    head: Head,
    received: usize,
    /// The error that the service sent; the rest of the stream is still read, but not waited for.
    failed: Option<Stop>,
    patience: Option<Pin<Box<Sleep>>>,
    /// Whether the end of the body was asked for before.
    has_yielded: bool,
}

impl Streamed {
    pub(crate) fn new(body: Received, head: Head) -> Self {
        let decoder = ChatDecoder::new(&body.limits, head.keep_raw);
        Self { body, decoder, head, received: 0, failed: None, patience: None, has_yielded: false }
    }

    /// The body is over: in good order, or cut off by this error. What the service said of a failure counts
    /// before everything else, and once it has said why the model stopped, the answer is whole however its
    /// body ends.
    fn end(
        &mut self,
        cut_off: Option<Error>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let end = self.decoder.end(accumulator);
        self.head.complete(accumulator);
        let is_whole = self.decoder.is_over() || accumulator.response().finish_reason.is_some();
        Poll::Ready(match (self.failed.take().or(end.err()), cut_off) {
            (Some(stop), _) => Err(self.head.error(stop)),
            (None, Some(error)) if !is_whole => Err(error),
            (None, None) if self.decoder.is_empty() && !is_whole => Err(failure::nothing_came()),
            (None, _) => Ok(Progress::End),
        })
    }

    /// The stream cannot be read on. The first thing that went wrong counts.
    fn give_up(
        &mut self,
        error: Error,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let unreadable = self.decoder.close(accumulator);
        self.head.complete(accumulator);
        let first = self.failed.take().or(unreadable);
        Poll::Ready(Err(first.map_or(error, |stop| self.head.error(stop))))
    }

    /// Whether the time is up.
    fn is_out_of_patience(&mut self, cx: &mut Context<'_>) -> bool {
        self.patience.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
    }
}

impl ChunkSource for Streamed {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        loop {
            match self.decoder.step(accumulator) {
                Ok(Decoded::Frame) => return Poll::Ready(Ok(Progress::More)),
                Ok(Decoded::End) => return self.end(None, accumulator),
                Ok(Decoded::NeedsBytes) => {}
                Err(stop @ Stop::Failed(_)) => {
                    if self.failed.is_none() {
                        self.failed = Some(stop);
                        self.patience = Some(Box::pin(sleep(AFTER_ERROR)));
                    }
                    continue;
                }
                Err(stop) => {
                    let error = self.head.error(stop);
                    return self.give_up(error, accumulator);
                }
            }
            // Now it is known of every byte whether it was kept.
            let limit = self.body.limits.max_body_bytes;
            if self.received.saturating_sub(self.decoder.repeated()) > limit {
                return self.give_up(failure::body_too_large(limit), accumulator);
            }
            let piece = match self.body.poll_piece(cx) {
                Poll::Ready(Ok(Some(piece))) => piece,
                Poll::Ready(Ok(None)) => return self.end(None, accumulator),
                Poll::Ready(Err(error)) => return self.end(Some(error), accumulator),
                Poll::Pending if self.is_out_of_patience(cx) => return self.end(None, accumulator),
                Poll::Pending => return Poll::Pending,
            };
            self.received = self.received.saturating_add(piece.len());
            self.decoder.feed(&piece);
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Nothing after the end mark counts, but there should not be much of it.
        for _ in 0..MOST_AFTER_END {
            match self.body.poll_piece(cx) {
                Poll::Ready(Ok(Some(piece))) if piece.len() < 1024 => {}
                Poll::Ready(_) => break,
                // The end is mostly there, and only the connection's own task has to run to see it. That is
                // quicker than a timer.
                Poll::Pending if !std::mem::replace(&mut self.has_yielded, true) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {
                    self.patience.get_or_insert_with(|| Box::pin(sleep(AFTER_END)));
                    if self.is_out_of_patience(cx) {
                        break;
                    }
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(())
    }

    fn describe(&self, error: Error) -> Error {
        self.head.place(error)
    }
}

/// An answer that came whole although a stream was asked for.
#[derive(Debug)]
pub(crate) struct Whole {
    body: Option<String>,
    head: Head,
    limits: Limits,
}

impl Whole {
    pub(crate) fn new(body: String, head: Head, limits: Limits) -> Self {
        Self { body: Some(body), head, limits }
    }

    /// The answer, without streaming.
    pub(crate) fn read(mut self) -> Result<ChatResponse, Error> {
        let mut accumulator = ResponseAccumulator::without_events();
        accumulator.set_requested(&self.head.model, &self.head.fallbacks);
        match self.collect(&mut accumulator) {
            Ok(()) => accumulator.finish(),
            Err(error) => Err(accumulator.fail(error)),
        }
        .map_err(|error| self.head.place(error))
    }

    fn collect(&mut self, accumulator: &mut ResponseAccumulator) -> Result<(), Error> {
        let body = self.body.take().unwrap_or_default();
        let text = text_of_body(&body);
        if ["data:", "event:", ":"].iter().any(|beginning| text.starts_with(beginning)) {
            let end = self.collect_events(&body, accumulator);
            self.head.complete(accumulator);
            return end;
        }
        let mut room = None;
        let (chunk, json) =
            read_chunk(text, &mut room).map_err(|cause| match WireError::from_body(text) {
                Some(error) => self.head.error(Stop::Failed(Box::new(error))),
                None => failure::no_answer(text, &cause, self.head.redact()),
            })?;
        let error = take_error(&chunk, None, json).map(|(error, _)| error);
        if self.head.keep_raw {
            accumulator.push_raw(RawJson::from_checked(json));
        }
        let mut state = CollectState::default();
        collect(chunk, accumulator, &mut state);
        state.halves.finish(accumulator);
        self.head.complete(accumulator);
        if let Some(error) = error {
            return Err(self.head.error(Stop::Failed(Box::new(error))));
        }
        accumulator.set_end_marked();
        let limit = self.limits.max_tool_argument_bytes;
        state.halves.within(limit).map_err(|stop| self.head.error(stop))
    }

    /// Reads an event stream that does not call itself one.
    fn collect_events(&self, body: &str, accumulator: &mut ResponseAccumulator) -> Result<(), Error> {
        let mut decoder = ChatDecoder::new(&self.limits, self.head.keep_raw);
        decoder.feed(body.as_bytes());
        let mut failed = None;
        loop {
            match decoder.step(accumulator) {
                Ok(Decoded::Frame) => {}
                Ok(Decoded::End | Decoded::NeedsBytes) => break,
                // The rest is still read: usage often follows an error of the service.
                Err(stop @ Stop::Failed(_)) => failed = failed.or(Some(stop)),
                Err(stop) => {
                    failed = failed.or(decoder.close(accumulator)).or(Some(stop));
                    break;
                }
            }
        }
        let end = decoder.end(accumulator);
        match failed.or(end.err()) {
            Some(stop) => Err(self.head.error(stop)),
            None if decoder.is_empty() && !decoder.is_over() => Err(failure::nothing_came()),
            None => Ok(()),
        }
    }
}

impl ChunkSource for Whole {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        Poll::Ready(self.collect(accumulator).map(|()| Progress::End))
    }

    fn describe(&self, error: Error) -> Error {
        self.head.place(error)
    }
}
