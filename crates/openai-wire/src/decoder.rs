//! Decodes the frames of an answer, or its whole body, into the accumulator.

use std::sync::Arc;

use lenient_json::without_non_finite;
use provider_core::author::{
    DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead, text_of_body,
};
use provider_core::{Error, RawJson};

use crate::apply::{ApplyState, apply, finish_texts};
use crate::chunk::Chunk;
use crate::dialect::{Dialect, WIRE};
use crate::error::{self, Certainty, WireError};
use crate::template::Template;
use crate::values::is_truthy;

/// Decodes an answer of chat completions, streamed or whole.
///
/// The decoder compares a streamed chunk with the one before it (see the module `template`), and decodes it
/// in full where it differs in more than its texts. Sans-IO: `provider-http` feeds it, or a test does by
/// hand.
///
/// ```
/// use std::sync::Arc;
///
/// use openai_wire::{ChatDecoder, Plain};
/// use provider_core::author::{Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead};
///
/// let mut decoder = ChatDecoder::new(Arc::new(Plain), ResponseHead::default());
/// let mut out = ResponseAccumulator::without_events();
/// for data in [
///     r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"Hel"}}]}"#,
///     r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"lo"}}]}"#,
///     r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
/// ] {
///     assert_eq!(decoder.decode(Frame::new(data), &mut out), Ok(Progress::More));
/// }
/// assert_eq!(decoder.decode(Frame::new("[DONE]"), &mut out), Ok(Progress::End));
/// assert_eq!(decoder.finish(&mut out), Ok(()));
/// assert_eq!(out.finish()?.text(), "Hello");
/// # Ok::<(), provider_core::Error>(())
/// ```
#[derive(Debug)]
pub struct ChatDecoder<D> {
    dialect: Arc<D>,
    head: ResponseHead,
    max_tool_argument_bytes: usize,
    keep_raw: bool,
    raw_events: bool,
    /// The number of frames so far.
    number: usize,
    /// Whether one of them was more than a keep-alive.
    has_begun: bool,
    /// Whether the end mark has come.
    is_over: bool,
    /// The error of the first unreadable frame. The answer continues, so that the caller keeps all that was
    /// paid for, and ends in this error.
    unreadable: Option<Error>,
    /// A frame that may be an error. It counts as one if no finish reason comes.
    doubtful: Option<Box<WireError>>,
    state: ApplyState,
    template: Template,
    repeated: usize,
}

impl<D: Dialect> ChatDecoder<D> {
    /// Creates a decoder of the answer that has this head.
    pub fn new(dialect: Arc<D>, head: ResponseHead) -> Self {
        Self {
            dialect,
            head,
            max_tool_argument_bytes: 8 << 20,
            keep_raw: false,
            raw_events: false,
            number: 0,
            has_begun: false,
            is_over: false,
            unreadable: None,
            doubtful: None,
            state: ApplyState::default(),
            template: Template::default(),
            repeated: 0,
        }
    }

    /// Sets the largest size of the arguments of the answer's tool calls, all calls together, in bytes.
    /// Default: 8 MiB.
    #[must_use]
    pub fn max_tool_argument_bytes(mut self, limit: usize) -> Self {
        self.max_tool_argument_bytes = limit;
        self
    }

    /// Sets whether the decoder keeps the JSON of each chunk as well. Default: false.
    #[must_use]
    pub fn keep_raw(mut self, keep: bool) -> Self {
        self.keep_raw = keep;
        self
    }

    /// Sets whether the decoder hands out the JSON of each chunk of a stream, without keeping it. Unlike
    /// [`keep_raw`](Self::keep_raw) it decodes no chunk in full for that. Default: false.
    #[must_use]
    pub fn raw_events(mut self, show: bool) -> Self {
        self.raw_events = show;
        self
    }

    /// Sets whether `<think>…</think>` at the beginning of the text is read as reasoning, as many open models
    /// write it where their server does not take it apart. White space around the tags goes with them; a tag
    /// elsewhere is text. Default: false.
    #[must_use]
    pub fn reasoning_tags(mut self, read: bool) -> Self {
        if read {
            self.state.texts.read_reasoning_tags();
        }
        self
    }

    fn decode_data(
        &mut self,
        event: Option<&str>,
        data: &str,
        out: &mut ResponseAccumulator,
    ) -> Result<Progress, DecodeError> {
        self.number += 1;
        // Most chunks match the template as they are, so it is tried before anything else is looked at.
        if event.is_none() && self.decode_by_template(data, out) {
            return self.within_limits();
        }
        let untrimmed_length = data.len();
        let data = data.trim();
        if data == "[DONE]" {
            out.set_end_marked();
            self.is_over = true;
            return Ok(Progress::End);
        }
        if matches!(data, "" | "null") {
            return Ok(Progress::More);
        }
        if event.is_none() && data.len() != untrimmed_length && self.decode_by_template(data, out) {
            return self.within_limits();
        }
        self.template.clear(out);
        let mut room = None;
        match read_chunk(data, &mut room) {
            Ok((mut chunk, json)) => {
                chunk.name_reasoning(self.dialect.reasoning_field());
                self.decode_chunk(chunk, json, event, out)
            }
            Err(_) if event == Some("error") => {
                Err(self.reported(&WireError::from_text(data, &*self.dialect)))
            }
            // Google puts the object in a list.
            Err(_) if data.starts_with('[') && WireError::from_body(data, &*self.dialect).is_some() => {
                Err(self.reported(&WireError::from_text(data, &*self.dialect)))
            }
            // An event of another name is no chunk, a `ping` for example.
            Err(_) if !is_message(event) => Ok(Progress::More),
            Err(_) if is_lines(data) => self.decode_lines(data, out),
            // The answer is complete, and end marks have many spellings.
            Err(_) if out.response().finish_reason.is_some() => Ok(Progress::More),
            Err(cause) => {
                self.has_begun = true;
                let (number, text_bytes) = (self.number, out.response().text().len());
                let head = &self.head;
                self.unreadable
                    .get_or_insert_with(|| error::unreadable_frame(head, data, number, text_bytes, &cause));
                Ok(Progress::More)
            }
        }
    }

    /// Decodes a chunk that matches the template. False when it does not, and nothing was decoded.
    fn decode_by_template(&mut self, data: &str, out: &mut ResponseAccumulator) -> bool {
        let applied = self.template.apply(data, out, &mut self.state.texts, self.raw_events);
        let Some(repeated) = applied else { return false };
        out.note_chunk();
        self.repeated = self.repeated.saturating_add(repeated);
        true
    }

    /// Decodes the events of a service that puts no empty line between them. An error in one does not stop
    /// the decoding of the rest.
    fn decode_lines(&mut self, lines: &str, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        let mut failed = None;
        let mut progress = Progress::More;
        for line in lines.lines() {
            match self.decode_data(None, line, out) {
                Ok(Progress::End) => {
                    progress = Progress::End;
                    break;
                }
                Ok(Progress::More) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(progress), Err)
    }

    /// Decodes in full a chunk that does not match the template.
    fn decode_chunk(
        &mut self,
        chunk: Chunk<'_>,
        json: &str,
        event: Option<&str>,
        out: &mut ResponseAccumulator,
    ) -> Result<Progress, DecodeError> {
        self.has_begun = true;
        self.hand_out(json, out);
        let error = take_error(&chunk, event, json, &*self.dialect);
        // An event of another name may be a keep-alive.
        if error.is_none() && is_message(event) {
            out.note_chunk();
        }
        // A chunk that is kept raw is decoded in full, and so is one that follows an error.
        if error.is_none() && !self.keep_raw {
            self.template.capture(json, &chunk, &*self.dialect, out.response());
        }
        apply(chunk, &*self.dialect, out, &mut self.state);
        match error {
            Some((error, Certainty::Certain)) => return Err(self.reported(&error)),
            Some((error, Certainty::Likely)) => drop(self.doubtful.get_or_insert_with(|| Box::new(error))),
            None => {}
        }
        self.within_limits()
    }

    fn hand_out(&self, json: &str, out: &mut ResponseAccumulator) {
        if self.keep_raw {
            out.push_raw(RawJson::from_checked(json));
        } else if self.raw_events {
            out.show_raw(json);
        }
    }

    fn within_limits(&self) -> Result<Progress, DecodeError> {
        match self.state.texts.argument_bytes() > self.max_tool_argument_bytes {
            true => Err(DecodeError::Fatal(error::arguments_too_large(self.max_tool_argument_bytes))),
            false => Ok(Progress::More),
        }
    }

    fn reported(&mut self, wire: &WireError) -> DecodeError {
        self.has_begun = true;
        DecodeError::Reported(error::from_wire(&self.head, wire, &*self.dialect))
    }
}

impl<D: Dialect> FrameDecoder for ChatDecoder<D> {
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        self.decode_data(frame.event.as_deref(), &frame.data, out)
    }

    fn decode_body(&mut self, body: &str, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        let text = text_of_body(body);
        let mut room = None;
        let (mut chunk, json) = match read_chunk(text, &mut room) {
            Ok(read) => read,
            Err(cause) => {
                return Err(match WireError::from_body(text, &*self.dialect) {
                    Some(wire) => self.reported(&wire),
                    None => DecodeError::Fatal(error::no_answer(&self.head, text, &cause, &*self.dialect)),
                });
            }
        };
        self.has_begun = true;
        chunk.name_reasoning(self.dialect.reasoning_field());
        let error = take_error(&chunk, None, json, &*self.dialect);
        self.hand_out(json, out);
        apply(chunk, &*self.dialect, out, &mut self.state);
        if let Some((error, _)) = error {
            return Err(self.reported(&error));
        }
        out.set_end_marked();
        self.is_over = true;
        self.within_limits().map(drop)
    }

    /// Decodes the whole part of an unfinished frame: the end mark, or an object.
    fn decode_unfinished(
        &mut self,
        frame: Frame<'_>,
        out: &mut ResponseAccumulator,
    ) -> Result<Progress, DecodeError> {
        if !is_whole(&frame) {
            // The answer broke off in its first frame, which is not the same as none.
            let is_named = !matches!(frame.event.as_deref(), None | Some("" | "message" | "error"));
            self.has_begun |= !is_named && !frame.data.trim().is_empty();
        }
        match whole_part(frame) {
            Some(frame) => self.decode(frame, out),
            None => Ok(Progress::More),
        }
    }

    /// Decodes an error or an answer that a service writes between the events as plain JSON. A page of HTML
    /// is no answer.
    fn decode_stray(&mut self, lines: &str, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        let data = lines.trim();
        if data.is_empty() || self.is_over || out.response().finish_reason.is_some() {
            return Ok(Progress::More);
        }
        let mut room = None;
        let is_message = match read_chunk(data, &mut room) {
            Ok((chunk, _)) => chunk.choices.0.is_some_and(|choice| choice.message.is_some()),
            Err(_) if is_whole(&Frame::new(data)) || WireError::from_body(data, &*self.dialect).is_some() => {
                false
            }
            Err(cause) if data.starts_with('<') && !self.has_begun => {
                return Err(DecodeError::Fatal(error::no_answer(&self.head, lines, &cause, &*self.dialect)));
            }
            Err(_) => {
                self.has_begun = true;
                return Ok(Progress::More);
            }
        };
        let progress = self.decode_data(None, data, out)?;
        if is_message {
            out.set_end_marked();
        }
        Ok(progress)
    }

    fn finish(&mut self, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        self.template.clear(out);
        finish_texts(&mut self.state.texts, out);
        self.dialect.complete(&self.head, out);
        let provider = self.dialect.provider();
        if provider != WIRE {
            // The id, where errors have the name of an instance.
            out.set_provider(provider.to_owned());
        }
        let doubtful = self.doubtful.take().filter(|_| out.response().finish_reason.is_none());
        if let Some(wire) = doubtful {
            return Err(self.reported(&wire));
        }
        self.unreadable.take().map_or(Ok(()), |error| Err(DecodeError::Fatal(error)))
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn repeated_bytes(&self) -> usize {
        self.repeated
    }
}

/// Whether an event has no name, or the default one.
fn is_message(event: Option<&str>) -> bool {
    matches!(event, None | Some("" | "message"))
}

/// Whether a frame without its end is whole all the same: the end mark, an object, lines of these, or words
/// in an event that is called an error.
fn is_whole(frame: &Frame<'_>) -> bool {
    let data = frame.data.trim();
    let is_words = frame.event.as_deref() == Some("error") && !data.starts_with('{');
    data == "[DONE]" || is_words || read_chunk(data, &mut None).is_ok() || is_lines(data)
}

/// Whether a frame is several events without empty lines between them: each line is an object or the end
/// mark.
fn is_lines(data: &str) -> bool {
    let is_frame = |line: &str| {
        let line = line.trim();
        line.is_empty() || line == "[DONE]" || read_chunk(line, &mut None).is_ok()
    };
    data.contains('\n') && data.lines().all(is_frame)
}

/// Returns the whole part of a frame without its end: the frame, or the lines before the last one.
fn whole_part(frame: Frame<'_>) -> Option<Frame<'_>> {
    if is_whole(&frame) {
        return Some(frame);
    }
    let mut part = Frame::new(frame.data.trim().rsplit_once('\n')?.0.to_owned());
    part.event = frame.event;
    Some(part).filter(is_whole)
}

/// Reads a chunk or an answer, and returns its JSON. Numbers that JSON does not have read as `null`; `room`
/// holds the JSON without them.
///
/// # Errors
/// When the text is no JSON object.
fn read_chunk<'a>(
    json: &'a str,
    room: &'a mut Option<String>,
) -> Result<(Chunk<'a>, &'a str), serde_json::Error> {
    let cause = match Chunk::from_str(json) {
        Ok(chunk) => return Ok((chunk, json)),
        Err(cause) => cause,
    };
    *room = without_non_finite(json);
    let Some(json) = room.as_deref() else { return Err(cause) };
    Chunk::from_str(json).map(|chunk| (chunk, json)).map_err(|_| cause)
}

/// Returns the error in a chunk (at the top, in its choice, or the chunk itself), and how certain it is.
fn take_error<D: Dialect>(
    chunk: &Chunk<'_>,
    event: Option<&str>,
    json: &str,
    dialect: &D,
) -> Option<(WireError, Certainty)> {
    let in_choice = chunk.choices.0.as_ref().map(|choice| choice.error);
    if let Some(error) = in_choice.filter(|error| is_truthy(*error) && !is_truthy(chunk.error)) {
        return Some((WireError::read(error, dialect), Certainty::Certain));
    }
    // An error without an envelope has names that no chunk has, and no choice.
    let may_be_bare = chunk.choices.0.is_none() && !chunk.unknown.is_empty();
    match event {
        Some("error") => Some((WireError::from_text(json, dialect), Certainty::Certain)),
        _ if is_truthy(chunk.error) || may_be_bare => WireError::detect(json, dialect),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
