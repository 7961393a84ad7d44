//! Reading answers: a body that comes in piece by piece, or one that is there already.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use openai_wire::{ChatDecoder, text_of_body};
use provider_core::author::{
    ChunkSource, DecodeError, FrameDecoder as _, Progress, ResponseAccumulator, ResponseHead,
};
use provider_core::{ChatResponse, Error};
use tokio::time::{Sleep, sleep};

use crate::dialect::OpenRouterDialect;
use crate::failure;
use crate::sse::SseDecoder;
use crate::transport::Received;
use crate::{ID, Limits};

/// The head of an answer, and what was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) head: ResponseHead,
    pub(crate) model: String,
    /// The models that may answer in its place.
    pub(crate) fallbacks: Vec<String>,
}

impl Asked {
    /// Says in an error what was asked and which answer it was, and takes out the key: every error of an
    /// answer leaves through here.
    pub(crate) fn place(&self, error: Error) -> Error {
        let error = error.with_provider(ID).with_model(&self.model).with_status(self.head.status());
        failure::with_ids(error, &self.head).redact(self.head.secret())
    }
}

type Decoder = ChatDecoder<OpenRouterDialect>;

/// How long what follows an error is waited for: usage often does, and was paid for.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// How long the end of a body is waited for after the end mark, so that the connection can be used again.
const AFTER_END: Duration = Duration::from_millis(100);
/// How many pieces that are there after the end mark are read for that.
const MAX_PIECES_AFTER_END: usize = 16;

/// A streamed answer: the body is polled from the reader's own task, so that a slow reader holds the socket
/// back and a dropped one closes it.
#[derive(Debug)]
pub(crate) struct Streamed {
    body: Received,
    sse: SseDecoder,
    decoder: Decoder,
    asked: Asked,
    received: usize,
    /// Whether the end mark was read.
    is_over: bool,
    /// The error that the service reported; the rest of the stream is still read, but not waited for.
    reported: Option<Error>,
    patience: Option<Pin<Box<Sleep>>>,
    /// Whether the end of the body was asked for before.
    has_yielded: bool,
}

impl Streamed {
    pub(crate) fn new(body: Received, decoder: Decoder, asked: Asked) -> Self {
        let sse = SseDecoder::new(body.limits.max_frame_bytes);
        Self {
            body,
            sse,
            decoder,
            asked,
            received: 0,
            is_over: false,
            reported: None,
            patience: None,
            has_yielded: false,
        }
    }

    /// The body is over: in good order, or cut off by this error. What the service reported counts before
    /// everything else, and once it has said why the model stopped, the answer is whole however its body
    /// ends.
    fn end(
        &mut self,
        cut_off: Option<Error>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let failed = self.read_rest(out);
        let is_whole = self.is_over || out.response().finish_reason.is_some();
        Poll::Ready(match (self.reported.take().or(failed), cut_off) {
            (Some(error), _) => Err(error),
            (None, Some(error)) if !is_whole => Err(error),
            (None, None) if !self.decoder.has_begun() && !is_whole => Err(failure::nothing_came()),
            (None, _) => Ok(Progress::End),
        })
    }

    /// Decodes what stands behind the last finished frame, and gives the error that the stream ends in.
    fn read_rest(&mut self, out: &mut ResponseAccumulator) -> Option<Error> {
        let mut failed = None;
        if !self.is_over {
            if let Ok(Some(frame)) = self.sse.last_frame() {
                let decoded = self.decoder.decode_unfinished(frame, out);
                self.is_over = decoded == Ok(Progress::End);
                failed = decoded.err();
            }
            let lines = self.sse.take_other_lines();
            if !self.is_over && !lines.is_empty() {
                let decoded = self.decoder.decode_stray(&lines, out);
                self.is_over = decoded == Ok(Progress::End);
                failed = failed.or(decoded.err());
            }
        }
        let finished = self.decoder.finish(out).err();
        let first = match failed {
            Some(DecodeError::Reported(error)) => Some(DecodeError::Reported(error)),
            later => finished.or(later),
        };
        first.map(DecodeError::into_error)
    }

    /// The stream cannot be read on. The first thing that went wrong counts.
    fn give_up(&mut self, error: Error, out: &mut ResponseAccumulator) -> Poll<Result<Progress, Error>> {
        let finished = self.decoder.finish(out).err().map(DecodeError::into_error);
        Poll::Ready(Err(self.reported.take().or(finished).unwrap_or(error)))
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
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        loop {
            let decoded = match self.sse.next_frame() {
                Ok(Some(frame)) => Some(self.decoder.decode(frame, out)),
                Ok(None) => None,
                Err(too_large) => return self.give_up(failure::frame_too_large(too_large), out),
            };
            match decoded {
                Some(Ok(Progress::More)) => return Poll::Ready(Ok(Progress::More)),
                Some(Ok(Progress::End)) => {
                    self.is_over = true;
                    return self.end(None, out);
                }
                Some(Err(DecodeError::Reported(error))) => {
                    if self.reported.is_none() {
                        self.reported = Some(error);
                        self.patience = Some(Box::pin(sleep(AFTER_ERROR)));
                    }
                    continue;
                }
                Some(Err(DecodeError::Fatal(error))) => return self.give_up(error, out),
                None => {}
            }
            // Now it is known of every byte whether it was kept.
            let limit = self.body.limits.max_body_bytes;
            if self.received.saturating_sub(self.decoder.repeated_bytes()) > limit {
                return self.give_up(failure::body_too_large(limit), out);
            }
            let piece = match self.body.poll_piece(cx) {
                Poll::Ready(Ok(Some(piece))) => piece,
                Poll::Ready(Ok(None)) => return self.end(None, out),
                Poll::Ready(Err(error)) => return self.end(Some(error), out),
                Poll::Pending if self.is_out_of_patience(cx) => return self.end(None, out),
                Poll::Pending => return Poll::Pending,
            };
            self.received = self.received.saturating_add(piece.len());
            self.sse.feed(&piece);
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Nothing after the end mark counts, but there should not be much of it.
        for _ in 0..MAX_PIECES_AFTER_END {
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
        self.asked.place(error)
    }
}

/// An answer that came whole although a stream was asked for.
#[derive(Debug)]
pub(crate) struct Whole {
    body: Option<String>,
    decoder: Decoder,
    asked: Asked,
    limits: Limits,
}

impl Whole {
    pub(crate) fn new(body: String, decoder: Decoder, asked: Asked, limits: Limits) -> Self {
        Self { body: Some(body), decoder, asked, limits }
    }

    /// The answer, without streaming.
    pub(crate) fn read(mut self) -> Result<ChatResponse, Error> {
        let mut out = ResponseAccumulator::without_events();
        out.set_requested(&self.asked.model, &self.asked.fallbacks);
        match self.collect(&mut out) {
            Ok(()) => out.finish(),
            Err(error) => Err(out.fail(error)),
        }
        .map_err(|error| self.asked.place(error))
    }

    fn collect(&mut self, out: &mut ResponseAccumulator) -> Result<(), Error> {
        let body = self.body.take().unwrap_or_default();
        if ["data:", "event:", ":"].iter().any(|beginning| text_of_body(&body).starts_with(beginning)) {
            return self.collect_events(&body, out);
        }
        let decoded = self.decoder.decode_body(&body, out);
        let finished = self.decoder.finish(out);
        decoded.and(finished).map_err(DecodeError::into_error)
    }

    /// Reads an event stream that does not call itself one.
    fn collect_events(&mut self, body: &str, out: &mut ResponseAccumulator) -> Result<(), Error> {
        let mut sse = SseDecoder::new(self.limits.max_frame_bytes);
        sse.feed(body.as_bytes());
        let (mut reported, mut is_over) = (None, false);
        loop {
            let decoded = match sse.next_frame() {
                Ok(Some(frame)) => self.decoder.decode(frame, out),
                Ok(None) => break,
                Err(too_large) => Err(DecodeError::Fatal(failure::frame_too_large(too_large))),
            };
            match decoded {
                Ok(Progress::More) => {}
                Ok(Progress::End) => {
                    is_over = true;
                    break;
                }
                // The rest is still read: usage often follows an error of the service.
                Err(DecodeError::Reported(error)) => reported = reported.or(Some(error)),
                Err(DecodeError::Fatal(error)) => {
                    let finished = self.decoder.finish(out).err().map(DecodeError::into_error);
                    return Err(reported.or(finished).unwrap_or(error));
                }
            }
        }
        let mut failed = None;
        if let (false, Ok(Some(frame))) = (is_over, sse.last_frame()) {
            let decoded = self.decoder.decode_unfinished(frame, out);
            is_over = decoded == Ok(Progress::End);
            failed = decoded.err();
        }
        let lines = sse.take_other_lines();
        if !is_over && !lines.is_empty() {
            failed = failed.or(self.decoder.decode_stray(&lines, out).err());
        }
        let finished = self.decoder.finish(out).err();
        let failed = match failed {
            Some(DecodeError::Reported(error)) => Some(DecodeError::Reported(error)),
            later => finished.or(later),
        };
        match reported.or(failed.map(DecodeError::into_error)) {
            Some(error) => Err(error),
            None if !self.decoder.has_begun() && !is_over => Err(failure::nothing_came()),
            None => Ok(()),
        }
    }
}

impl ChunkSource for Whole {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        Poll::Ready(self.collect(out).map(|()| Progress::End))
    }

    fn describe(&self, error: Error) -> Error {
        self.asked.place(error)
    }
}
