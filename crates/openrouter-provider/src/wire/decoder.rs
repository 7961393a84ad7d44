//! Bytes of an event stream to the collected answer.

use lenient_json::without_non_finite;
use provider_core::RawJson;
use provider_core::author::ResponseAccumulator;

use super::chunk::Chunk;
use super::collect::{CollectState, collect};
use super::envelope::Envelope;
use super::error::{Certainty, WireError, says};
use super::sse::{Frame, SseDecoder};
use super::stop::{Stop, UnreadableFrame};
use crate::Limits;

/// Decodes a streamed answer. Sans-IO: feed it bytes, let it take steps.
#[derive(Debug)]
pub(crate) struct ChatDecoder {
    sse: SseDecoder,
    frames: FrameReader,
    /// Whether the end mark was read.
    is_over: bool,
}

/// Reads the frames of a streamed answer.
#[derive(Debug)]
struct FrameReader {
    /// How many there were.
    number: usize,
    /// Whether one of them was more than a sign of life.
    has_begun: bool,
    /// The first frame that could not be read. The answer goes on, so that nothing that was paid for is lost,
    /// and ends in this error.
    unreadable: Option<UnreadableFrame>,
    /// A frame that may be an error, and is one if the answer does not come to its end.
    doubtful: Option<Box<WireError>>,
    state: CollectState,
    envelope: Envelope,
    repeated: usize,
    max_tool_argument_bytes: usize,
    keep_raw: bool,
}

/// What a step of [`ChatDecoder`] came to.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// A frame was decoded.
    Frame,
    /// More bytes are needed.
    NeedsBytes,
    /// The end mark was read; nothing after it counts.
    End,
}

impl ChatDecoder {
    /// `keep_raw`: whether the JSON of the chunks is kept as well.
    pub(crate) fn new(limits: &Limits, keep_raw: bool) -> Self {
        let frames = FrameReader {
            number: 0,
            has_begun: false,
            unreadable: None,
            doubtful: None,
            state: CollectState::default(),
            envelope: Envelope::default(),
            repeated: 0,
            max_tool_argument_bytes: limits.max_tool_argument_bytes,
            keep_raw,
        };
        Self { sse: SseDecoder::new(limits.max_frame_bytes), frames, is_over: false }
    }

    /// Adds bytes as they came, cut anywhere.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.sse.feed(bytes);
    }

    /// How many of the bytes so far were the same as in the chunk before, and not kept.
    pub(crate) fn repeated(&self) -> usize {
        self.frames.repeated
    }

    /// Whether nothing came but signs of life.
    pub(crate) fn is_empty(&self) -> bool {
        !self.frames.has_begun && !self.sse.has_other_lines()
    }

    /// Whether the end mark was read.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Decodes the next frame into the accumulator.
    pub(crate) fn step(&mut self, accumulator: &mut ResponseAccumulator) -> Result<Decoded, Stop> {
        match self.sse.next_frame() {
            Ok(Some(frame)) => {
                let decoded = self.frames.read(&frame, accumulator)?;
                self.is_over = matches!(decoded, Decoded::End);
                Ok(decoded)
            }
            Ok(None) => Ok(Decoded::NeedsBytes),
            Err(too_large) => Err(Stop::TooLarge(too_large)),
        }
    }

    /// The end was read, or no more bytes will come. Of an unfinished frame what is whole counts: the end
    /// mark, or an object. Gives what makes the stream fail, the first of it.
    pub(crate) fn end(&mut self, accumulator: &mut ResponseAccumulator) -> Result<(), Stop> {
        let last = if self.is_over { None } else { self.sse.last_frame().ok().flatten() };
        let mut failed = None;
        if let Some(frame) = last.as_ref().filter(|frame| !is_whole(frame)) {
            // An answer broke off in its first frame, which is not the same as none.
            let is_named = !matches!(frame.event.as_deref(), None | Some("" | "message" | "error"));
            self.frames.has_begun |= !is_named && !frame.data.trim().is_empty();
        }
        if let Some(frame) = last.and_then(whole_part) {
            match self.frames.read(&frame, accumulator) {
                Ok(decoded) => self.is_over = matches!(decoded, Decoded::End),
                Err(stop) => failed = Some(stop),
            }
        }
        if !self.is_over && accumulator.response().finish_reason.is_none() {
            let read = self.read_other_lines(accumulator);
            failed = failed.or(read.err());
        }
        let unreadable = self.close(accumulator);
        let first = match failed {
            Some(Stop::Failed(error)) => Some(Stop::Failed(error)),
            later => unreadable.or(later),
        };
        first.map_or(Ok(()), Err)
    }

    /// Reads the lines that are no event stream: some services send an error, or an answer, as plain JSON
    /// all the same. A page of HTML is no answer.
    fn read_other_lines(&mut self, accumulator: &mut ResponseAccumulator) -> Result<(), Stop> {
        let text = self.sse.take_other_lines();
        let data = text.trim();
        if data.is_empty() {
            return Ok(());
        }
        let frame = Frame { event: None, data: data.into() };
        let mut room = None;
        let is_message = match read_chunk(data, &mut room) {
            Ok((chunk, _)) => chunk.choices.0.is_some_and(|choice| choice.message.is_some()),
            Err(_) if is_whole(&frame) || WireError::from_body(data).is_some() => false,
            Err(cause) if data.starts_with('<') && !self.frames.has_begun => {
                return Err(Stop::NoAnswer { text, cause });
            }
            Err(_) => return Ok(()),
        };
        self.is_over = matches!(self.frames.read(&frame, accumulator)?, Decoded::End);
        if is_message {
            accumulator.set_end_marked();
        }
        Ok(())
    }

    /// Hands over what was held back. To be called last, whatever the stream ends in. Gives what may have
    /// been an error and is one, since no finish reason has come, or else the error of a frame that could not
    /// be read.
    pub(crate) fn close(&mut self, accumulator: &mut ResponseAccumulator) -> Option<Stop> {
        self.frames.envelope.forget(accumulator);
        self.frames.state.halves.finish(accumulator);
        let doubtful = self.frames.doubtful.take();
        let failed = doubtful.filter(|_| accumulator.response().finish_reason.is_none());
        failed.map(Stop::Failed).or_else(|| self.frames.unreadable.take().map(Stop::Unreadable))
    }
}

impl FrameReader {
    /// Reads a frame into the accumulator.
    fn read(&mut self, frame: &Frame<'_>, accumulator: &mut ResponseAccumulator) -> Result<Decoded, Stop> {
        self.number += 1;
        let data = frame.data.trim();
        if data == "[DONE]" {
            accumulator.set_end_marked();
            return Ok(Decoded::End);
        }
        if matches!(data, "" | "null") {
            return Ok(Decoded::Frame);
        }
        let repeated = match frame.event {
            None => self.envelope.collect(data, accumulator, &mut self.state.halves),
            Some(_) => None,
        };
        if let Some(repeated) = repeated {
            accumulator.note_chunk();
            self.repeated = self.repeated.saturating_add(repeated);
            return self.within_limits();
        }
        self.envelope.forget(accumulator);
        let mut room = None;
        match read_chunk(data, &mut room) {
            Ok((chunk, json)) => self.read_whole(chunk, json, frame.event.as_deref(), accumulator),
            Err(_) if frame.event.as_deref() == Some("error") => {
                self.has_begun = true;
                Err(Stop::Failed(Box::new(WireError::from_text(data))))
            }
            // Google puts the object in a list.
            Err(_) if data.starts_with('[') && WireError::from_body(data).is_some() => {
                self.has_begun = true;
                Err(Stop::Failed(Box::new(WireError::from_text(data))))
            }
            // An event of another name is another matter, a `ping` for example.
            Err(_) if !matches!(frame.event.as_deref(), None | Some("" | "message")) => Ok(Decoded::Frame),
            Err(_) if is_lines(data) => self.read_lines(data, accumulator),
            // The answer is there. A mark of the end has many spellings.
            Err(_) if accumulator.response().finish_reason.is_some() => Ok(Decoded::Frame),
            Err(cause) => {
                self.has_begun = true;
                self.unreadable.get_or_insert_with(|| UnreadableFrame {
                    number: self.number,
                    text_bytes: accumulator.response().text().len(),
                    data: data.to_owned(),
                    cause,
                });
                Ok(Decoded::Frame)
            }
        }
    }

    /// Reads the events of a service that does not put an empty line between them. All of them are read,
    /// whatever goes wrong first.
    fn read_lines(&mut self, lines: &str, accumulator: &mut ResponseAccumulator) -> Result<Decoded, Stop> {
        let mut failed = None;
        let mut decoded = Decoded::Frame;
        for line in lines.lines() {
            match self.read(&Frame { event: None, data: line.into() }, accumulator) {
                Ok(Decoded::End) => {
                    decoded = Decoded::End;
                    break;
                }
                Ok(_) => {}
                Err(stop) => failed = failed.or(Some(stop)),
            }
        }
        failed.map_or(Ok(decoded), Err)
    }

    /// Collects a chunk that is not like the one before it.
    fn read_whole(
        &mut self,
        chunk: Chunk<'_>,
        json: &str,
        event: Option<&str>,
        accumulator: &mut ResponseAccumulator,
    ) -> Result<Decoded, Stop> {
        self.has_begun = true;
        if self.keep_raw {
            accumulator.push_raw(RawJson::from_checked(json));
        }
        let error = take_error(&chunk, event, json);
        // An event of another name may be a keep-alive.
        if error.is_none() && matches!(event, None | Some("" | "message")) {
            accumulator.note_chunk();
        }
        // A chunk that is kept raw is read in full, and so is one that follows an error.
        if error.is_none() && !self.keep_raw {
            self.envelope.remember(json, &chunk, accumulator.response());
        }
        collect(chunk, accumulator, &mut self.state);
        match error {
            Some((error, Certainty::Certain)) => return Err(Stop::Failed(Box::new(error))),
            Some((error, Certainty::Likely)) => drop(self.doubtful.get_or_insert_with(|| Box::new(error))),
            None => {}
        }
        self.within_limits()
    }

    fn within_limits(&self) -> Result<Decoded, Stop> {
        self.state.halves.within(self.max_tool_argument_bytes).map(|()| Decoded::Frame)
    }
}

/// Whether a frame that was not ended is whole all the same: only the end mark, an object, and words can be,
/// of which words are none but in an error.
fn is_whole(frame: &Frame<'_>) -> bool {
    let data = frame.data.trim();
    let is_words = frame.event.as_deref() == Some("error") && !data.starts_with('{');
    data == "[DONE]" || is_words || read_chunk(data, &mut None).is_ok() || is_lines(data)
}

/// Whether a frame is several, whose lines the service did not keep apart: each line is an object or the
/// end mark.
fn is_lines(data: &str) -> bool {
    let is_frame = |line: &str| {
        let line = line.trim();
        line.is_empty() || line == "[DONE]" || read_chunk(line, &mut None).is_ok()
    };
    data.contains('\n') && data.lines().all(is_frame)
}

/// The whole part of a frame that was not ended: the frame, or the lines before the last one.
fn whole_part(frame: Frame<'_>) -> Option<Frame<'_>> {
    if is_whole(&frame) {
        return Some(frame);
    }
    let lines = frame.data.trim().rsplit_once('\n')?.0.to_owned();
    Some(Frame { event: frame.event, data: lines.into() }).filter(is_whole)
}

/// Reads a chunk or an answer, and gives its JSON. Numbers that JSON does not have are read as `null`; `room`
/// is for the JSON without them.
///
/// # Errors
/// When the text is no JSON object.
pub(crate) fn read_chunk<'a>(
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

/// The error in a chunk: at the top, or in its choice, or the chunk itself, and how sure it is that it is
/// one.
pub(crate) fn take_error(
    chunk: &Chunk<'_>,
    event: Option<&str>,
    json: &str,
) -> Option<(WireError, Certainty)> {
    let in_choice = chunk.choices.0.as_ref().map(|choice| choice.error);
    if let Some(error) = in_choice.filter(|error| says(*error) && !says(chunk.error)) {
        return Some((WireError::read(error), Certainty::Certain));
    }
    // An error without an envelope has names that no chunk has, and no choice.
    let may_be_bare = chunk.choices.0.is_none() && !chunk.unknown.is_empty();
    match event {
        Some("error") => Some((WireError::from_text(json), Certainty::Certain)),
        _ if says(chunk.error) || may_be_bare => WireError::found(json),
        _ => None,
    }
}

#[cfg(test)]
mod life;
#[cfg(test)]
mod tests;
