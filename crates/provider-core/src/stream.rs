//! The stream of an answer.

mod activity;
mod continuation;
mod observer;

use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

pub use self::activity::Activity;
pub use self::continuation::{Continuation, NextPart};
use self::continuation::{Continued, Joint, NextSource, NoSource};
pub use self::observer::StreamObserver;
use self::observer::{Halt, Observers};
use crate::accumulator::ResponseAccumulator;
use crate::error::ErrorContext;
use crate::{ChatResponse, Error, ErrorKind, Event, Finished};

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
#[must_use = "a stream does its work when it is read; dropping it closes the connection"]
pub struct ChatStream {
    /// Boxed, since layers hand streams on by value.
    accumulator: Box<ResponseAccumulator>,
    state: State,
    /// Whether output has come.
    has_begun: bool,
    /// Fills in what the errors of this stream do not say.
    context: Option<ErrorContext>,
    /// The name of the provider's instance, which its errors have in place of its id.
    instance: Option<String>,
    observers: Observers,
    /// Goes on with the answer where it breaks off.
    continued: Option<Box<Continued>>,
}

enum State {
    /// Pieces are coming.
    Open(Box<dyn ChunkSource>),
    /// The answer broke off, and its next part is asked for.
    Broken(Box<Joint>),
    /// The source is exhausted or failed; its last events are still to be handed out, then this.
    Closing(Box<dyn ChunkSource>, Result<Box<Finished>, Error>),
    /// A complete answer was handed out; the source may still tidy up.
    Finished(Box<dyn ChunkSource>),
    /// Everything was handed out.
    Ended(Result<(), Error>),
}

/// Where the pieces of a stream come from: what a provider implements.
///
/// A source has no law to keep: it hands pieces to the [`ResponseAccumulator`] as the wire has them.
pub trait ChunkSource: Send {
    /// Takes the next step: decodes something into the accumulator, or says that it has to wait.
    ///
    /// One step should be about one frame of the wire, so that a slow reader holds the socket back.
    /// [`Progress::End`] is final, and so is an error: neither is called again after it.
    ///
    /// # Errors
    /// When the answer cannot go on. The stream's error keeps what was collected.
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>>;

    /// Tidies up after [`Progress::End`], for example reads the end of a body so that its connection can be
    /// used again. Called once the reader has the last event, and never for longer than the reader cares to
    /// wait; must be short.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Adds to an error what only the source knows, such as the HTTP status, and takes out what must not be
    /// seen. Called once for every error of the stream, whoever found it, when what had been received is in
    /// it. Provider, model and operation are up to [`ChatStream::in_context`].
    fn describe(&self, error: Error) -> Error {
        error
    }
}

/// The outcome of a step of a [`ChunkSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There may be more.
    More,
    /// There is no more.
    End,
}

impl ChatStream {
    /// A stream of what `source` decodes.
    pub fn new(source: impl ChunkSource + 'static) -> Self {
        let (accumulator, state) =
            (Box::new(ResponseAccumulator::with_events()), State::Open(Box::new(source)));
        let observers = Observers::default();
        let (context, instance, continued) = (None, None, None);
        Self { accumulator, state, has_begun: false, context, instance, observers, continued }
    }

    /// Says what was asked for, for [`ChatResponse::requested`]: the request's model, and those that may
    /// answer in its place.
    pub fn requested(mut self, model: &str, fallbacks: &[String]) -> Self {
        self.accumulator.set_requested(model, fallbacks);
        self
    }

    /// Says which provider makes the answer, by its id, for
    /// [`AssistantMessage::made_by_provider`](crate::AssistantMessage::made_by_provider).
    pub fn provided_by(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.accumulator.set_provider(id);
        self
    }

    /// Fills in the provider, the model and the operation in every error that the stream ends in, whoever
    /// finds it: its source or an observer. A stream that has a context keeps it, so the innermost counts.
    pub fn in_context(mut self, context: ErrorContext) -> Self {
        if self.context.is_none() {
            self.amend(|error| context.apply(error));
            self.context = Some(context);
        } else if let Some(continued) =
            self.continued.as_mut().filter(|continued| continued.has_inner_context)
        {
            continued.outer_context.get_or_insert(context);
        }
        self
    }

    /// Names the instance of the provider in the errors of this stream, in place of the provider's id: for
    /// hosts that have several instances of one provider.
    pub fn named(mut self, instance: impl Into<String>) -> Self {
        if let Some(continued) = &mut self.continued {
            continued.has_inner_instance = false;
        }
        self.instance = Some(instance.into());
        self
    }

    /// Has an observer watch the stream, beside those that it has. It is shown what has come already and
    /// waits to be read, so that observers agree whoever waited for the stream [to begin](Self::ready); of a
    /// stream that is over it is then told at once, and dropped.
    pub fn observed(mut self, mut observer: impl StreamObserver + 'static) -> Self {
        let seen = self
            .accumulator
            .events()
            .filter_map(Activity::of)
            .try_for_each(|activity| observer.on_activity(activity));
        match (&self.state, seen) {
            (State::Open(_), seen) => {
                self.observers.add(observer);
                if let Err(error) = seen {
                    self.end(Err(Halt { error, is_inner: false }));
                }
            }
            // The end of this part is told to those inside. Output that waits has been shown.
            (State::Broken(_), Ok(())) => self.observers.add(observer),
            (State::Broken(_), Err(error)) => {
                self.observers.add(observer);
                self.end_between(error);
            }
            // There is nothing left to end.
            (State::Closing(_, Err(error)) | State::Ended(Err(error)), _) => observer.on_end(Err(error)),
            (State::Closing(_, Ok(_)) | State::Finished(_) | State::Ended(Ok(())), _) => {
                observer.on_end(Ok(self.accumulator.response()));
            }
        }
        self
    }

    /// Has the answer gone on with where it breaks off after its first output: by an error of its source, or
    /// of an observer that the stream has by now. Observers that come later watch the answer with all its
    /// parts, and are told nothing of a break; their errors end it. A stream that has a continuation keeps
    /// it, so the innermost counts.
    ///
    /// An [`Event::Seam`] stands between the parts, and [`ChatResponse::seams`] has it.
    pub fn continued_by(mut self, continuation: impl Continuation + 'static) -> Self {
        if self.continued.is_none() {
            self.observers.enclose();
            self.continued = Some(Box::new(Continued {
                continuation: Box::new(continuation),
                has_inner_context: self.context.is_some(),
                has_inner_instance: self.instance.is_some(),
                outer_context: None,
            }));
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
            State::Broken(joint) => self.fail_between(*joint, error),
            State::Ended(_) => {
                let error = self.accumulator.fail_mut(error);
                self.name(error)
            }
        };
        self.observers.leave(self.accumulator.response(), Some(&error));
        error
    }

    /// Says what was tried before this stream and failed, for [`ChatResponse::attempts`]: what layers do.
    /// Stands in front of what was said so before.
    pub fn after(mut self, attempts: Vec<Error>) -> Self {
        self.amend(|error| error.after(attempts.clone()));
        self.accumulator.after(attempts);
        self
    }

    /// Says which model was asked for at first, where this stream answers in its place: that one is
    /// [`ChatResponse::requested`] then, while [`made_by`](crate::AssistantMessage::made_by) stays a model of
    /// this stream.
    pub fn in_place_of(mut self, model: &str) -> Self {
        self.amend(|error| error.in_place_of(model));
        self.accumulator.in_place_of(model);
        self
    }

    /// Changes the error that this stream is going to end in, if it is known already.
    fn amend(&mut self, change: impl FnOnce(Error) -> Error) {
        if let State::Closing(_, Err(error)) | State::Ended(Err(error)) = &mut self.state {
            *error = change(error.clone());
        }
    }

    /// Waits until the answer has begun, without taking anything of it: [output](Activity::Output) has come,
    /// or the end. A layer that may still ask elsewhere does this before it hands the stream on: what fails
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
                State::Open(_) | State::Broken(_) => ready!(self.poll_source(cx)),
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

    /// Returns the answer as collected so far: text, model, served by, usage.
    pub fn so_far(&self) -> &ChatResponse {
        self.accumulator.response()
    }

    /// The whole answer, after the stream was read to its end.
    ///
    /// # Errors
    /// The error the stream ended in, with what had been received in its [`partial`](Error::partial);
    /// [`ErrorKind::Interrupted`] when the stream was not read to its end.
    pub fn into_response(mut self) -> Result<ChatResponse, Error> {
        match self.take_state() {
            State::Finished(_) | State::Ended(Ok(())) => {
                Ok(std::mem::take(&mut *self.accumulator).into_response())
            }
            State::Ended(Err(error)) | State::Closing(_, Err(error)) => Err(error),
            state => {
                let message =
                    "the stream was not read to its end; read until `next` gives `None`, or use `collect`";
                let error = Error::new(ErrorKind::Interrupted, message);
                let error = match state {
                    State::Open(source) | State::Closing(source, _) => self.fail(&*source, error),
                    State::Broken(joint) => self.fail_between(*joint, error),
                    State::Finished(_) | State::Ended(_) => error,
                };
                self.observers.leave(self.accumulator.response(), Some(&error));
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
            if let Some(event) = self.accumulator.next_event() {
                return Poll::Ready(Some(Ok(event)));
            }
            match &mut self.state {
                State::Open(_) | State::Broken(_) => ready!(self.poll_source(cx)),
                State::Closing(..) => return Poll::Ready(self.close()),
                State::Finished(source) => {
                    ready!(source.poll_drain(cx));
                    self.state = State::Ended(Ok(()));
                    return Poll::Ready(None);
                }
                State::Ended(_) => return Poll::Ready(None),
            }
        }
    }

    /// Lets an open source take a step; at its end the stream closes.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let source = match &mut self.state {
            State::Open(source) => source,
            State::Broken(_) => return self.poll_next_part(cx),
            _ => return Poll::Ready(()),
        };
        // The events that wait to be read were shown when they came.
        let shown = self.accumulator.events().len();
        let step = source.poll_progress(cx, &mut self.accumulator);
        let seen = self.show_guards(shown);
        let end = match (step, seen) {
            (Poll::Ready(Ok(Progress::More)), Ok(())) => return Poll::Ready(()),
            (Poll::Ready(Ok(Progress::More)) | Poll::Pending, Err(halt)) => Err(halt),
            (Poll::Pending, Ok(())) if self.accumulator.events().len() > shown => return Poll::Ready(()),
            (Poll::Pending, Ok(())) => Err(ready!(self.observers.poll_waiting(cx))),
            // An error of the answer itself is none that an observer outside of its parts has found.
            (Poll::Ready(Ok(Progress::End)), _) => {
                self.accumulator.conclude().map_err(|error| Halt { error, is_inner: true })
            }
            (Poll::Ready(Err(error)), _) => Err(Halt { error, is_inner: true }),
        };
        self.end(end);
        Poll::Ready(())
    }

    /// Shows the observers what has come with a step of the source: the output behind the events that were
    /// `shown` before, or else that there was life. An error ends the stream.
    fn show_guards(&mut self, shown: usize) -> Result<(), Halt> {
        let has_life = self.accumulator.take_life();
        if self.has_begun && self.observers.is_empty() {
            return Ok(());
        }
        let mut seen = Ok(());
        let mut has_output = false;
        for activity in self.accumulator.events().skip(shown).filter_map(Activity::of) {
            has_output |= activity.is_output();
            seen = seen.and(self.observers.on_activity(activity));
        }
        self.has_begun |= has_output;
        if has_life && !has_output { self.observers.on_activity(Activity::Life) } else { seen }
    }

    /// Closes an open stream, and lets go of its observers.
    fn end(&mut self, end: Result<Finished, Halt>) {
        if let State::Open(source) = self.take_state() {
            let end = match end {
                Ok(finished) => {
                    self.observers.end(Ok(self.accumulator.response()));
                    Ok(Box::new(finished))
                }
                Err(Halt { error, is_inner }) => {
                    let error = self.fail(&*source, error);
                    match if is_inner { self.go_on(error) } else { Err(error) } {
                        Ok(joint) => {
                            self.state = State::Broken(Box::new(joint));
                            return;
                        }
                        Err(error) => {
                            self.observers.end(Err(&error));
                            Err(error)
                        }
                    }
                }
            };
            self.state = State::Closing(source, end);
        }
    }

    /// Begins to go on with an answer that broke off in this error.
    ///
    /// # Errors
    /// The error that the stream ends in, if it is not gone on with.
    fn go_on(&mut self, broken: Error) -> Result<Joint, Error> {
        let Some(continued) = self.continued.as_mut().filter(|_| self.has_begun) else { return Err(broken) };
        let next = continued.continuation.go_on(broken.clone())?;
        self.observers.end_part(&broken);
        Ok(Joint { broken, next })
    }

    /// Waits for the next part of a broken answer.
    fn poll_next_part(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let State::Broken(joint) = &mut self.state else { return Poll::Ready(()) };
        match joint.next.as_mut().poll(cx) {
            Poll::Ready(Ok(part)) => {
                if let State::Broken(joint) = self.take_state() {
                    let source = NextSource::new(joint.broken, part, &mut self.accumulator);
                    self.state = State::Open(Box::new(source));
                }
                // The next part has names of its own.
                if let Some(continued) = &mut self.continued {
                    if std::mem::take(&mut continued.has_inner_context) {
                        self.context = continued.outer_context.take();
                    }
                    if std::mem::take(&mut continued.has_inner_instance) {
                        self.instance = None;
                    }
                }
            }
            Poll::Ready(Err(error)) => {
                self.observers.end(Err(&error));
                self.state = State::Closing(Box::new(NoSource), Err(error));
            }
            Poll::Pending => {
                let halt = ready!(self.observers.poll_waiting(cx));
                self.end_between(halt.error);
            }
        }
        Poll::Ready(())
    }

    /// Ends the stream between two parts.
    fn end_between(&mut self, error: Error) {
        if let State::Broken(joint) = self.take_state() {
            let error = self.fail_between(*joint, error);
            self.observers.end(Err(&error));
            self.state = State::Closing(Box::new(NoSource), Err(error));
        }
    }

    /// The error of a stream that ends between two parts, behind the one that broke the first off.
    fn fail_between(&mut self, joint: Joint, error: Error) -> Error {
        let error = self.accumulator.fail_mut(error.after(joint.broken.into_attempts()));
        self.name(error)
    }

    /// The state, for one that is to be another.
    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Ended(Ok(())))
    }

    /// The error of this stream, with what had been received.
    fn fail(&mut self, source: &dyn ChunkSource, error: Error) -> Error {
        let error = source.describe(self.accumulator.fail_mut(error));
        self.name(error)
    }

    /// The error with what is known of the call.
    fn name(&self, error: Error) -> Error {
        let error = match &self.context {
            Some(context) => context.apply(error),
            None => error,
        };
        match &self.instance {
            Some(instance) => error.with_provider(instance),
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
        self.observers.leave(self.accumulator.response(), None);
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Open(_) => "open",
            State::Broken(_) => "broken off",
            State::Closing(..) => "closing",
            State::Finished(_) | State::Ended(Ok(())) => "finished",
            State::Ended(Err(_)) => "failed",
        };
        // The words of a model do not belong in a log.
        let bytes = self.so_far().text().len();
        let mut shown = f.debug_struct("ChatStream");
        shown
            .field("state", &state)
            .field("so_far", &format_args!("{bytes} bytes of text"))
            .field("observers", &self.observers)
            .finish()
    }
}
