//! The table of what counts as output, and what as life.

use crate::Event;

/// Something that has come of an answer, as those see it who watch a stream: its clocks, a circuit breaker,
/// retries, a trace.
///
/// This is the one table of what counts as what:
///
/// | from the service | sign |
/// |---|---|
/// | a piece of text, thoughts, refusal, tool call, image, sound; an annotation | [`Output`] |
/// | any other chunk: role, usage, finish reason, empty delta, logprobs, thoughts without a text | [`Life`] |
/// | the JSON that is kept of the wire ([`Event::Raw`]) | none: the chunk that it is of is one |
/// | a keep-alive: an SSE comment, an empty event, an event of another name such as `ping` | none |
/// | a seam ([`Event::Seam`]) | none: it is a layer's, and not the service's |
/// | the end, or an error | none: [`StreamObserver::on_end`] tells it |
///
/// [`Output`]: Self::Output
/// [`Life`]: Self::Life
/// [`StreamObserver::on_end`]: crate::author::StreamObserver::on_end
///
/// Output says that the model has begun to answer. It was handed on or will be, so the question is not asked
/// again. Life says that the connection carries an answer and not only keep-alives of the service.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activity<'a> {
    /// A piece of the answer, which the reader gets next.
    Output(&'a Event),
    /// Something of the answer that is no piece of it.
    Life,
}

impl<'a> Activity<'a> {
    /// The sign that an event is, if it is one.
    pub(crate) fn of(event: &'a Event) -> Option<Self> {
        match event {
            Event::Text(_)
            | Event::Reasoning(_)
            | Event::Refusal(_)
            | Event::ToolCall(_)
            | Event::Image(_)
            | Event::Audio(_)
            | Event::Annotation(_) => Some(Self::Output(event)),
            Event::Raw(_) | Event::Seam(_) | Event::Finished(_) => None,
        }
    }

    /// Whether it is output.
    pub fn is_output(self) -> bool {
        matches!(self, Self::Output(_))
    }
}
