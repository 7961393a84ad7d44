//! Going on with a stream that broke off.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use super::{Activity, ChatStream, ChunkSource, Progress, StreamObserver};
use crate::accumulator::ResponseAccumulator;
use crate::error::ErrorContext;
use crate::response::{Earlier, Overlap};
use crate::{Error, Event, Seam};

/// Goes on with a [`ChatStream`] that broke off after its first output, by another stream: what a layer that
/// does so adds by [`ChatStream::continued_by`].
pub trait Continuation: Send {
    /// The stream broke off in this error, with all that had come in its [`partial`](Error::partial). Returns
    /// the work that begins the stream of the next part, which is done while the reader waits. That stream
    /// has the text behind the partial answer; its beginning is checked for what it repeats of that
    /// ([`ChatResponse::continuing`](crate::ChatResponse::continuing) has the rule).
    ///
    /// It is asked again when the next part breaks off as well, so it counts.
    ///
    /// # Errors
    /// The error that the stream ends in where it is not gone on with: this one, and why not. The same for
    /// the work, where there is no next part to be had.
    fn go_on(&mut self, broken: Error) -> Result<NextPart, Error>;
}

/// The work that begins the stream of the next part of an answer.
pub type NextPart = Pin<Box<dyn Future<Output = Result<ChatStream, Error>> + Send>>;

/// A continuation, and what of its stream stands inside of it.
pub(super) struct Continued {
    pub(super) continuation: Box<dyn Continuation>,
    /// Whether the names in the errors are those of the first part alone.
    pub(super) has_inner_context: bool,
    pub(super) has_inner_instance: bool,
    /// The names for errors of the whole answer, once the first part's are gone.
    pub(super) outer_context: Option<ErrorContext>,
}

/// The wait for the next part.
pub(super) struct Joint {
    /// The error that broke the part before off.
    pub(super) broken: Error,
    pub(super) next: NextPart,
}

/// The next part of an answer, as the source of the stream that has all of them.
///
/// The part stays a stream of its own, so that its decoder sees only its own text, and its errors and
/// observers are its own.
pub(super) struct NextSource {
    part: ChatStream,
    /// The parts before, until they are joined with this one.
    earlier: Option<Earlier>,
    seam: Seam,
    overlap: Overlap,
    /// Whether the part has shown life since it was last asked.
    life: Arc<AtomicBool>,
}

/// Tells that there was life which is no event.
struct Life(Arc<AtomicBool>);

impl StreamObserver for Life {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        if !activity.is_output() {
            self.0.store(true, Relaxed);
        }
        Ok(())
    }
}

impl NextSource {
    /// Begins the part behind what had come by the error before it.
    pub(super) fn new(broken: Error, part: ChatStream, accumulator: &mut ResponseAccumulator) -> Self {
        let earlier = Earlier::of(broken);
        let (provider, model) = part.accumulator.asked();
        let seam = earlier.seam(provider, model);
        let overlap = Overlap::new(earlier.response.message.text.clone());
        accumulator.begin_part(earlier.clone(), seam.clone());
        let life = Arc::new(AtomicBool::new(false));
        let part = part.observed(Life(life.clone()));
        Self { part, earlier: Some(earlier), seam, overlap, life }
    }

    /// Hands on an event of the part.
    fn forward(&mut self, event: Event, accumulator: &mut ResponseAccumulator) {
        match event {
            Event::Text(text) => accumulator.push_text(&self.overlap.push(&text)),
            Event::Seam(seam) => {
                self.release(accumulator, false);
                let at = accumulator.response().message.text.len();
                accumulator.push_event(Event::Seam(Box::new(Seam { at, ..*seam })));
            }
            event => {
                // Text that comes before a tool call must not come behind it.
                if !matches!(event, Event::Reasoning(_) | Event::Raw(_)) {
                    self.release(accumulator, false);
                }
                accumulator.push_event(event);
            }
        }
        accumulator.show_part(self.part.so_far());
    }

    fn release(&mut self, accumulator: &mut ResponseAccumulator, is_cut_off: bool) {
        accumulator.push_text(&self.overlap.finish(is_cut_off));
        self.seam.repeated = self.overlap.repeated();
    }
}

impl ChunkSource for NextSource {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let event = self.part.poll_event(cx);
        if self.life.swap(false, Relaxed) {
            accumulator.note_chunk();
        }
        match ready!(event) {
            Some(Ok(Event::Finished(_))) | None => {
                self.release(accumulator, false);
                let part = std::mem::take(&mut *self.part.accumulator).into_response();
                if let Some(earlier) = self.earlier.take() {
                    accumulator.end_part(earlier.join(part, self.seam.clone()));
                }
                Poll::Ready(Ok(Progress::End))
            }
            Some(Ok(event)) => {
                self.forward(event, accumulator);
                Poll::Ready(Ok(Progress::More))
            }
            Some(Err(error)) => {
                self.release(accumulator, true);
                let Some(earlier) = self.earlier.take() else { return Poll::Ready(Err(error)) };
                let part = error.partial().cloned().unwrap_or_default();
                Poll::Ready(Err(accumulator.fail_part(earlier, part, self.seam.clone(), error)))
            }
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while ready!(self.part.poll_event(cx)).is_some() {}
        Poll::Ready(())
    }
}

/// The source of a stream whose source is gone.
pub(super) struct NoSource;

impl ChunkSource for NoSource {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        _: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        Poll::Ready(Ok(Progress::End))
    }
}
