//! The stream of an answer.

mod guard;
mod sign;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use self::guard::Guards;
pub use self::guard::StreamGuard;
pub use self::sign::Sign;
use crate::{ChatResponse, Collector, Error, ErrorKind, Event, Finished};

/// An answer while it comes in.
///
/// The law: any number of deltas, then exactly one [`Event::Finished`] or exactly one error, then the end.
/// Everything is collected on the way. Dropping the stream closes the connection; no task is left behind.
///
/// It is a [`Stream`] and has its own [`next`](ChatStream::next), so that no other crate is needed to read
/// it:
///
/// ```
/// # async fn read(mut stream: provider_core::ChatStream) -> Result<(), provider_core::Error> {
/// use provider_core::Event;
///
/// while let Some(event) = stream.next().await {
///     if let Event::Text(text) = event? {
///         print!("{text}");
///     }
/// }
/// let reply = stream.into_response()?;
/// println!("\n{} used {:?} tokens", reply.model, reply.usage.total_tokens);
/// # Ok(())
/// # }
/// ```
pub struct ChatStream {
    /// Boxed, since layers hand streams on by value.
    collector: Box<Collector>,
    state: State,
    /// Whether output has come.
    has_begun: bool,
    /// What errors call the provider, if not what the source calls it.
    provider: Option<String>,
    guards: Guards,
}

enum State {
    /// Pieces are coming.
    Open(Box<dyn EventSource>),
    /// The source is exhausted or failed; its last events are still to be handed out, then this.
    Closing(Box<dyn EventSource>, Result<Box<Finished>, Error>),
    /// A complete answer was handed out; the source may still tidy up.
    Finished(Box<dyn EventSource>),
    /// Everything was handed out.
    Ended(Result<(), Error>),
}

/// Where the pieces of a stream come from: what a provider implements.
///
/// A source has no law to keep: it hands pieces to the [`Collector`] as the wire has them.
pub trait EventSource: Send {
    /// Takes the next step: decodes something into the collector, or says that it has to wait.
    ///
    /// One step should be about one frame of the wire, so that a slow reader holds the socket back.
    /// [`Step::End`] is final, and so is an error: neither is called again after it.
    ///
    /// # Errors
    /// When the answer cannot go on. What was collected stays with the error.
    fn poll_step(&mut self, cx: &mut Context<'_>, collector: &mut Collector) -> Poll<Result<Step, Error>>;

    /// Tidies up after [`Step::End`], for example reads the end of a body so that its connection can be used
    /// again. Called once the reader has the last event, and never for longer than the reader cares to wait;
    /// must be short.
    fn poll_tidy(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Says in an error what was asked and of whom, and takes out what must not be seen. Called once for
    /// every error of the stream, whoever found it, when what had been received is in it.
    fn describe(&self, error: Error) -> Error {
        error
    }
}

/// The outcome of a step of an [`EventSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There may be more.
    More,
    /// There is no more.
    End,
}

impl ChatStream {
    /// A stream of what `source` decodes.
    pub fn new(source: impl EventSource + 'static) -> Self {
        let (collector, state) = (Box::new(Collector::with_events()), State::Open(Box::new(source)));
        Self { collector, state, has_begun: false, provider: None, guards: Guards::default() }
    }

    /// Says what was asked for, for [`ChatResponse::requested`]: the request's model, and those that may
    /// answer in its place.
    #[must_use]
    pub fn requested(mut self, model: &str, fallbacks: &[String]) -> Self {
        self.collector.requested(model, fallbacks);
        self
    }

    /// Names the provider in the errors of this stream, where it has several instances.
    #[must_use]
    pub fn named(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// Has a guard watch the stream, beside those that it has. It is shown what has come already and waits to
    /// be read, so that guards agree whoever waited for the stream [to begin](Self::ready); of a stream that
    /// is over it is then told at once, and dropped.
    #[must_use]
    pub fn guarded(mut self, mut guard: impl StreamGuard + 'static) -> Self {
        let seen = self.collector.events().filter_map(Sign::of).try_for_each(|sign| guard.sign(sign));
        match (&self.state, seen) {
            (State::Open(_), seen) => {
                self.guards.add(guard);
                if let Err(error) = seen {
                    self.end(Err(error));
                }
            }
            // There is nothing left to end.
            (State::Closing(_, Err(error)) | State::Ended(Err(error)), _) => guard.ended(Err(error)),
            (State::Closing(_, Ok(_)) | State::Finished(_) | State::Ended(Ok(())), _) => {
                guard.ended(Ok(self.collector.response()));
            }
        }
        self
    }

    /// Gives the stream up, because of a deadline of the reader's for example. The connection is closed, and
    /// the error keeps what had been received.
    #[must_use]
    pub fn abandon(mut self, error: Error) -> Error {
        let error = match self.take_state() {
            State::Open(source) | State::Closing(source, _) | State::Finished(source) => {
                self.fail(&*source, error)
            }
            State::Ended(_) => self.collector.fail_mut(error),
        };
        self.guards.leave(self.collector.response(), Some(&error));
        error
    }

    /// Says what was tried before this stream and failed, for [`ChatResponse::attempts`]: what layers do.
    /// Stands in front of what was said so before.
    #[must_use]
    pub fn after(mut self, attempts: Vec<Error>) -> Self {
        self.amend(|error| error.after(attempts.clone()));
        self.collector.after(attempts);
        self
    }

    /// Says which model was asked for at first, where this stream answers in its place: that one is
    /// [`ChatResponse::requested`] then, while [`made_by`](crate::AssistantMessage::made_by) stays a model of
    /// this stream.
    #[must_use]
    pub fn in_place_of(mut self, model: &str) -> Self {
        self.amend(|error| error.in_place_of(model));
        self.collector.in_place_of(model);
        self
    }

    /// Changes the error that this stream is going to end in, if it is known already.
    fn amend(&mut self, change: impl FnOnce(Error) -> Error) {
        if let State::Closing(_, Err(error)) | State::Ended(Err(error)) = &mut self.state {
            *error = change(error.clone());
        }
    }

    /// Waits until the answer has begun, without taking anything of it: [output](Sign::Output) has come, or
    /// the end. A layer that may still ask elsewhere does this before it hands the stream on: what fails
    /// before the first output has cost the reader nothing.
    ///
    /// # Errors
    /// The error, if that is what came first. The stream is over then.
    pub async fn ready(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_ready(cx)).await
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if self.has_begun {
                return Poll::Ready(Ok(()));
            }
            match &self.state {
                State::Open(_) => ready!(self.poll_source(cx)),
                State::Closing(_, Err(error)) | State::Ended(Err(error)) => {
                    return Poll::Ready(Err(error.clone()));
                }
                State::Closing(_, Ok(_)) | State::Finished(_) | State::Ended(Ok(())) => {
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    /// The next event; `None` after the end. Safe to cancel: dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// What has been collected so far: text, model, served by, usage.
    pub fn so_far(&self) -> &ChatResponse {
        self.collector.response()
    }

    /// The whole answer, after the stream was read to its end.
    ///
    /// # Errors
    /// The error the stream ended in, with what had been received in its [`partial`](Error::partial);
    /// [`ErrorKind::Interrupted`] when the stream was not read to its end.
    pub fn into_response(mut self) -> Result<ChatResponse, Error> {
        match self.take_state() {
            State::Finished(_) | State::Ended(Ok(())) => {
                Ok(std::mem::take(&mut *self.collector).into_response())
            }
            State::Ended(Err(error)) | State::Closing(_, Err(error)) => Err(error),
            State::Open(source) | State::Closing(source, Ok(_)) => {
                let message =
                    "the stream was not read to its end; read until `next` gives `None`, or use `collect`";
                let error = self.fail(&*source, Error::new(ErrorKind::Interrupted, message));
                self.guards.leave(self.collector.response(), Some(&error));
                Err(error)
            }
        }
    }

    /// Reads to the end and gives the whole answer.
    ///
    /// # Errors
    /// The error the stream ends in.
    pub async fn collect(mut self) -> Result<ChatResponse, Error> {
        while let Some(event) = self.next().await {
            event?;
        }
        self.into_response()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        loop {
            if let Some(event) = self.collector.next_event() {
                return Poll::Ready(Some(Ok(event)));
            }
            match &mut self.state {
                State::Open(_) => ready!(self.poll_source(cx)),
                State::Closing(..) => return Poll::Ready(self.close()),
                State::Finished(source) => {
                    ready!(source.poll_tidy(cx));
                    self.state = State::Ended(Ok(()));
                    return Poll::Ready(None);
                }
                State::Ended(_) => return Poll::Ready(None),
            }
        }
    }

    /// Lets an open source take a step; at its end the stream closes.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let State::Open(source) = &mut self.state else { return Poll::Ready(()) };
        // The events that wait to be read were shown when they came.
        let shown = self.collector.events().len();
        let step = source.poll_step(cx, &mut self.collector);
        let seen = self.show_guards(shown);
        let end = match (step, seen) {
            (Poll::Ready(Ok(Step::More)), Ok(())) => return Poll::Ready(()),
            (Poll::Ready(Ok(Step::More)) | Poll::Pending, Err(error)) => Err(error),
            (Poll::Pending, Ok(())) if self.collector.events().len() > shown => return Poll::Ready(()),
            (Poll::Pending, Ok(())) => Err(ready!(self.guards.poll_waiting(cx))),
            (Poll::Ready(Ok(Step::End)), _) => self.collector.conclude(),
            (Poll::Ready(Err(error)), _) => Err(error),
        };
        self.end(end);
        Poll::Ready(())
    }

    /// Shows the guards what has come with a step of the source: the output behind the events that were
    /// `shown` before, or else that there was life. An error ends the stream.
    fn show_guards(&mut self, shown: usize) -> Result<(), Error> {
        let has_life = self.collector.take_life();
        if self.has_begun && self.guards.is_empty() {
            return Ok(());
        }
        let mut seen = Ok(());
        let mut has_output = false;
        for sign in self.collector.events().skip(shown).filter_map(Sign::of) {
            has_output |= sign.is_output();
            seen = seen.and(self.guards.sign(sign));
        }
        self.has_begun |= has_output;
        if has_life && !has_output { self.guards.sign(Sign::Life) } else { seen }
    }

    /// Closes an open stream, and lets go of its guards.
    fn end(&mut self, end: Result<Finished, Error>) {
        if let State::Open(source) = self.take_state() {
            let end = match end {
                Ok(finished) => {
                    self.guards.end(Ok(self.collector.response()));
                    Ok(Box::new(finished))
                }
                Err(error) => {
                    let error = self.fail(&*source, error);
                    self.guards.end(Err(&error));
                    Err(error)
                }
            };
            self.state = State::Closing(source, end);
        }
    }

    /// The state, for one that is to be another.
    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Ended(Ok(())))
    }

    /// The error of this stream, with what had been received.
    fn fail(&mut self, source: &dyn EventSource, error: Error) -> Error {
        let error = source.describe(self.collector.fail_mut(error));
        match &self.provider {
            Some(provider) => error.with_provider(provider),
            None => error,
        }
    }

    /// Hands out the terminal event.
    fn close(&mut self) -> Option<Result<Event, Error>> {
        match self.take_state() {
            State::Closing(source, Ok(finished)) => {
                self.state = State::Finished(source);
                Some(Ok(Event::Finished(finished)))
            }
            State::Closing(_, Err(error)) => {
                self.state = State::Ended(Err(error.clone()));
                Some(Err(error))
            }
            state => {
                self.state = state;
                None
            }
        }
    }
}

impl Stream for ChatStream {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl Drop for ChatStream {
    fn drop(&mut self) {
        self.guards.leave(self.collector.response(), None);
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Open(_) => "open",
            State::Closing(..) => "closing",
            State::Finished(_) | State::Ended(Ok(())) => "finished",
            State::Ended(Err(_)) => "failed",
        };
        // What a model says does not belong in a log.
        let so_far = format_args!("{} bytes of text", self.so_far().text().len());
        let mut shown = f.debug_struct("ChatStream");
        shown.field("state", &state).field("so_far", &so_far).field("guards", &self.guards).finish()
    }
}
