//! From a body to pieces of an answer: body, framer and decoder together are a [`ChunkSource`].

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use provider_core::author::{
    ChunkSource, DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, text_of_body,
};
use provider_core::{ChatResponse, Error};
use tokio::time::{Sleep, sleep};

use crate::body::BoundedBody;
use crate::context::ResponseContext;
use crate::error;
use crate::framing::{Framer, SseFramer};

/// How long bytes behind an error are waited for: the usage often follows, and was paid for.
const ERROR_TAIL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the end of a body is waited for after the end mark, so that the connection can be used again.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);
/// How many pieces behind the end mark are read for that, of fewer than [`MAX_DRAINED_BYTES`] each. A body
/// with more goes on for its own reasons.
const MAX_DRAINED_PIECES: usize = 16;
const MAX_DRAINED_BYTES: usize = 1 << 10;

/// Drives a decoder with the frames of a framer.
#[derive(Debug)]
struct Driver<F, D> {
    framer: F,
    decoder: D,
    context: ResponseContext,
    /// The first error that the service reported. Frames behind it are decoded all the same.
    reported: Option<Error>,
    /// Whether a frame came that is no keep-alive.
    has_begun: bool,
    /// Whether the wire's own mark of the end was read.
    is_over: bool,
}

/// The outcome of [`Driver::step`].
enum Step {
    Decoded,
    NeedsBytes,
    Over,
}

impl<F: Framer, D: FrameDecoder> Driver<F, D> {
    fn new(framer: F, decoder: D, context: ResponseContext) -> Self {
        Self { framer, decoder, context, reported: None, has_begun: false, is_over: false }
    }

    /// Decodes the next frame.
    ///
    /// # Errors
    /// When the answer cannot be read on: [`give_up`](Self::give_up) has the error that counts.
    fn step(&mut self, out: &mut ResponseAccumulator) -> Result<Step, Error> {
        let Some(frame) = self.framer.next_frame().map_err(error::frame_too_large)? else {
            return Ok(Step::NeedsBytes);
        };
        self.has_begun = self.has_begun || is_content(&frame);
        let decoded = self.decoder.decode(frame, out);
        self.note(decoded, out)?;
        Ok(if self.is_over { Step::Over } else { Step::Decoded })
    }

    /// Notes the outcome of a frame; gives the error that is fatal.
    fn note(
        &mut self,
        decoded: Result<Progress, DecodeError>,
        out: &mut ResponseAccumulator,
    ) -> Result<(), Error> {
        match decoded {
            Ok(Progress::More) => {}
            Ok(Progress::End) => {
                out.set_end_marked();
                self.is_over = true;
            }
            Err(DecodeError::Reported(error)) => drop(self.reported.get_or_insert(error)),
            Err(fatal) => return Err(fatal.into_error()),
        }
        Ok(())
    }

    /// Ends the answer after its last byte: in good order, or cut off by this error.
    ///
    /// # Errors
    /// The one that counts: an error that the service reported, then one of the decoder's, then the cut. Once
    /// the reason of the model's end has come, the answer is whole however its body ends.
    fn end(&mut self, cut: Option<Error>, out: &mut ResponseAccumulator) -> Result<(), Error> {
        let fatal = if self.is_over { None } else { self.decode_rest(cut.is_none(), out).err() };
        let finished = self.decoder.finish(out);
        out.redact(self.context.head.secret());
        let is_empty = !self.has_begun || !self.decoder.has_begun();
        let is_whole = self.is_over || out.response().finish_reason.is_some();
        let decoding = self.reported.take().or(finished.err().map(DecodeError::into_error)).or(fatal);
        match (decoding, cut) {
            (Some(error), _) => Err(error),
            (None, Some(cut)) if !is_whole => Err(cut),
            (None, None) if is_empty && !is_whole => Err(error::empty_answer()),
            (None, _) => Ok(()),
        }
    }

    /// Decodes the frame at the end that lacks its end, and stray lines.
    fn decode_rest(&mut self, has_good_end: bool, out: &mut ResponseAccumulator) -> Result<(), Error> {
        // One that is too large has no end that could be read.
        if let Ok(Some(frame)) = self.framer.last_frame() {
            self.has_begun = self.has_begun || is_content(&frame);
            match F::BODY_END_FINISHES_FRAME && has_good_end {
                true => {
                    let decoded = self.decoder.decode(frame, out);
                    // The body ended in good order, and yet inside the line.
                    self.note(decoded, out).map_err(error::truncated_frame)?;
                }
                false => {
                    let decoded = self.decoder.decode_unfinished(frame, out);
                    self.note(decoded, out)?;
                }
            }
        }
        let stray = self.framer.take_stray_lines();
        let is_whole = self.is_over || out.response().finish_reason.is_some();
        if !is_whole && !stray.trim().is_empty() {
            let is_page =
                !std::mem::replace(&mut self.has_begun, true) && stray.trim_start().starts_with('<');
            let decoded = self.decoder.decode_stray(&stray, out);
            self.note(decoded, out)?;
            if is_page {
                return Err(self.context.undecodable("an answer", &stray, ""));
            }
        }
        Ok(())
    }

    /// Ends an answer that cannot be read on. Gives the first thing that went wrong.
    fn give_up(&mut self, error: Error, out: &mut ResponseAccumulator) -> Error {
        let finished = self.decoder.finish(out).err().map(DecodeError::into_error);
        out.redact(self.context.head.secret());
        self.reported.take().or(finished).unwrap_or(error)
    }
}

/// Whether a frame is more than a keep-alive.
fn is_content(frame: &Frame<'_>) -> bool {
    frame.event.as_deref() != Some("ping") && !frame.data.trim().is_empty()
}

/// A streamed answer: a body, cut into frames and decoded by the task that reads the stream. One step decodes
/// one frame, and no task, channel or box stands between the body and the decoder.
#[derive(Debug)]
pub(crate) struct FrameSource<F, D> {
    body: BoundedBody,
    driver: Driver<F, D>,
    received: usize,
    /// How long the source still waits: behind an error, or for the end of the body.
    tail_timer: Option<Pin<Box<Sleep>>>,
    /// Whether the end of the body was asked for before.
    has_yielded: bool,
}

impl<F: Framer, D: FrameDecoder> FrameSource<F, D> {
    pub(crate) fn new(body: BoundedBody, framer: F, decoder: D, context: ResponseContext) -> Self {
        let driver = Driver::new(framer, decoder, context);
        Self { body, driver, received: 0, tail_timer: None, has_yielded: false }
    }

    fn is_tail_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.tail_timer.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
    }
}

impl<F: Framer, D: FrameDecoder> ChunkSource for FrameSource<F, D> {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let end = |ended: Result<(), Error>| Poll::Ready(ended.map(|()| Progress::End));
        loop {
            match self.driver.step(out) {
                Ok(Step::Decoded) => {
                    if self.driver.reported.is_some() {
                        self.tail_timer.get_or_insert_with(|| Box::pin(sleep(ERROR_TAIL_TIMEOUT)));
                    }
                    return Poll::Ready(Ok(Progress::More));
                }
                Ok(Step::Over) => return end(self.driver.end(None, out)),
                Ok(Step::NeedsBytes) => {}
                Err(fatal) => return Poll::Ready(Err(self.driver.give_up(fatal, out))),
            }
            // All bytes so far are decoded, so that it is known which of them were kept.
            let limit = self.body.limits().max_body_bytes;
            if self.received.saturating_sub(self.driver.decoder.repeated_bytes()) > limit {
                return Poll::Ready(Err(self.driver.give_up(error::body_too_large(limit), out)));
            }
            match self.body.poll_piece(cx) {
                Poll::Ready(Ok(Some(piece))) => {
                    self.received = self.received.saturating_add(piece.len());
                    self.driver.framer.feed(&piece);
                }
                Poll::Ready(Ok(None)) => return end(self.driver.end(None, out)),
                Poll::Ready(Err(cut)) => return end(self.driver.end(Some(cut), out)),
                Poll::Pending if self.is_tail_over(cx) => return end(self.driver.end(None, out)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..MAX_DRAINED_PIECES {
            match self.body.poll_piece(cx) {
                Poll::Ready(Ok(Some(piece))) if piece.len() < MAX_DRAINED_BYTES => {}
                Poll::Ready(_) => break,
                // The end is mostly there, and only the connection's own task has to run to see it. That is
                // quicker than a timer.
                Poll::Pending if !std::mem::replace(&mut self.has_yielded, true) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {
                    self.tail_timer.get_or_insert_with(|| Box::pin(sleep(DRAIN_TIMEOUT)));
                    if self.is_tail_over(cx) {
                        break;
                    }
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(())
    }

    fn describe(&self, error: Error) -> Error {
        self.driver.context.apply(error)
    }
}

/// An answer whose body came whole.
#[derive(Debug)]
pub(crate) struct WholeSource<D> {
    body: String,
    /// The decoder, and how large a frame may be, until the body is decoded.
    decoder: Option<(D, usize)>,
    context: ResponseContext,
}

impl<D: FrameDecoder> WholeSource<D> {
    pub(crate) fn new(body: String, max_frame_bytes: usize, decoder: D, context: ResponseContext) -> Self {
        Self { body, decoder: Some((decoder, max_frame_bytes)), context }
    }

    /// Decodes the answer, without events.
    pub(crate) fn into_response(mut self) -> Result<ChatResponse, Error> {
        let mut out = ResponseAccumulator::without_events();
        out.set_provider(self.context.request.provider.clone());
        if !self.context.request.model.is_empty() {
            out.set_requested(&self.context.request.model, &self.context.request.fallbacks);
        }
        let decoded = match self.decode(&mut out) {
            Ok(()) => out.finish(),
            Err(error) => Err(out.fail(error)),
        };
        decoded.map_err(|error| self.context.apply(error))
    }

    fn decode(&mut self, out: &mut ResponseAccumulator) -> Result<(), Error> {
        let Some((mut decoder, max_frame_bytes)) = self.decoder.take() else { return Ok(()) };
        let text = text_of_body(&self.body);
        if ["data:", "event:", ":"].iter().any(|beginning| text.starts_with(beginning)) {
            return self.decode_events(SseFramer::new(max_frame_bytes), decoder, out);
        }
        if text.is_empty() {
            return Err(error::empty_answer());
        }
        let decoded = decoder.decode_body(text, out);
        let finished = decoder.finish(out);
        out.redact(self.context.head.secret());
        let fatal = match (decoded, finished) {
            (Err(DecodeError::Reported(error)), _) | (_, Err(DecodeError::Reported(error))) => {
                return Err(error);
            }
            (_, Err(fatal)) | (Err(fatal), Ok(())) => fatal.into_error(),
            (Ok(()), Ok(())) => {
                // The end of the body is the mark of the end.
                out.set_end_marked();
                return Ok(());
            }
        };
        // Not every decoder knows a page when it sees one.
        Err(match text.starts_with('<') && fatal.details().is_none() {
            true => self.context.undecodable("an answer", text, ""),
            false => fatal,
        })
    }

    /// Decodes an event stream that does not call itself one.
    fn decode_events(
        &self,
        mut framer: SseFramer,
        decoder: D,
        out: &mut ResponseAccumulator,
    ) -> Result<(), Error> {
        framer.feed(self.body.as_bytes());
        let mut driver = Driver::new(framer, decoder, self.context.clone());
        loop {
            match driver.step(out) {
                Ok(Step::Decoded) => {}
                Ok(Step::Over | Step::NeedsBytes) => return driver.end(None, out),
                Err(fatal) => return Err(driver.give_up(fatal, out)),
            }
        }
    }
}

impl<D: FrameDecoder> ChunkSource for WholeSource<D> {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        Poll::Ready(self.decode(out).map(|()| Progress::End))
    }

    fn describe(&self, error: Error) -> Error {
        self.context.apply(error)
    }
}
