//! A stream of a stream: hands on what comes, with a fault.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use provider_core::author::{ChunkSource, Progress, ResponseAccumulator, ToolCallPiece};
use provider_core::{ChatResponse, ChatStream, Error, ErrorKind, Event};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::errors::remade;
use crate::fault::Fault;

pub(crate) struct Forward {
    inner: Inner,
    fault: Fault,
    key: String,
    /// Whether another call has broken this provider.
    is_dead: Arc<AtomicBool>,
    held_back: VecDeque<Event>,
    has_ended: bool,
}

enum Inner {
    Stream(ChatStream),
    Task(UnboundedReceiver<Result<Event, Error>>),
}

impl Forward {
    pub(crate) fn stream(
        mut inner: ChatStream,
        fault: Fault,
        key: &str,
        is_dead: Arc<AtomicBool>,
    ) -> ChatStream {
        let requested = inner.so_far().requested.clone();
        let inner = match fault {
            Fault::ReadsInATask | Fault::ReadsAhead => {
                let (sender, receiver) = unbounded_channel();
                tokio::spawn(async move {
                    while let Some(event) = inner.next().await {
                        let is_read = sender.send(event).is_ok();
                        if !is_read && fault == Fault::ReadsAhead {
                            break;
                        }
                    }
                });
                Inner::Task(receiver)
            }
            _ => Inner::Stream(inner),
        };
        let (key, held_back) = (key.to_owned(), VecDeque::new());
        let source = Self { inner, fault, key, is_dead, held_back, has_ended: false };
        ChatStream::new(source).requested(&requested, &[])
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        match &mut self.inner {
            Inner::Stream(stream) => pin!(stream.next()).poll(cx),
            Inner::Task(receiver) => receiver.poll_recv(cx),
        }
    }
}

impl ChunkSource for Forward {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let event = ready!(self.poll_inner(cx));
        if let Inner::Stream(stream) = &self.inner {
            let so_far = stream.so_far();
            out.set_model(&so_far.model);
            out.set_id(so_far.id.as_deref().unwrap_or_default());
            out.update_usage(so_far.usage.clone());
        }
        if self.is_dead.load(Ordering::Relaxed) {
            return Poll::Ready(Err(Error::new(ErrorKind::Interrupted, "another call failed")));
        }
        let is_held_back = |event: &Event| match self.fault {
            Fault::WaitsForTheEnd | Fault::LosesBrokenAnswers => true,
            Fault::HoldsBackThoughts => matches!(event, Event::Reasoning(_)),
            Fault::HoldsBackCalls => matches!(event, Event::ToolCall(_)),
            _ => false,
        };
        Poll::Ready(match event {
            Some(Ok(Event::Finished(finished))) => {
                self.has_ended = true;
                self.held_back.drain(..).for_each(|event| push(out, &event));
                out.update_usage(finished.usage.clone());
                out.set_finish_reason(finished.finish_reason.as_ref().map_or("", |reason| reason.as_str()));
                // An answer that the service ended without a reason.
                out.set_end_marked();
                Ok(Progress::More)
            }
            Some(Ok(event)) if is_held_back(&event) => {
                self.held_back.push_back(event);
                Ok(Progress::More)
            }
            Some(Ok(event)) => {
                push(out, &event);
                Ok(Progress::More)
            }
            Some(Err(error)) => {
                self.has_ended = true;
                Err(match (self.fault, error.partial().cloned()) {
                    (Fault::KeepsTextAlone, Some(partial)) => {
                        let mut kept = ChatResponse::default();
                        kept.message.text = partial.message.text;
                        error.with_partial(kept)
                    }
                    (Fault::LeaksInAnswers, Some(mut partial)) => {
                        partial.message.text = partial.message.text.replace("***", &self.key);
                        error.with_partial(partial)
                    }
                    _ => remade(error, self.fault, &self.key),
                })
            }
            None => Ok(Progress::End),
        })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        if self.fault == Fault::OneDropEndsAll && !self.has_ended {
            self.is_dead.store(true, Ordering::Relaxed);
        }
    }
}

fn push(out: &mut ResponseAccumulator, event: &Event) {
    match event {
        Event::Text(text) => out.push_text(text),
        Event::Reasoning(text) => out.push_reasoning(text),
        Event::ToolCall(delta) => {
            let piece = ToolCallPiece {
                index: u64::try_from(delta.call).ok(),
                id: delta.id.as_deref(),
                name: delta.name.as_deref(),
                arguments: &delta.arguments,
                ..ToolCallPiece::default()
            };
            out.push_tool_call(piece);
        }
        _ => {}
    }
}

/// A stream that ends in this error.
pub(crate) struct Fails(pub(crate) Error);

impl ChunkSource for Fails {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        _: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        Poll::Ready(Err(self.0.clone()))
    }
}

/// A stream that has this text.
pub(crate) struct Says(pub(crate) &'static str);

impl ChunkSource for Says {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        out.push_text(self.0);
        out.set_finish_reason("stop");
        Poll::Ready(Ok(Progress::End))
    }
}
