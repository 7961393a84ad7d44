//! Server-sent events, cut incrementally by the rules of the WHATWG standard.
//!
//! Lines end with LF, CR or CRLF; a line that begins with a colon is a comment; the `data` lines of an event
//! are joined with line feeds; an empty line ends an event, so that one that the connection cut off never
//! counts. Services forget the empty line behind their last event: [`last_frame`](Framer::last_frame) has
//! that event all the same.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;
use provider_core::author::Frame;

use super::{BYTE_ORDER_MARK, FrameTooLarge, Framer, begins_with_mark, text};

/// Cuts an event stream into its events.
///
/// Offsets into `buffer`, always `event_start <= line_start <= scanned <= buffer.len()`:
///
/// ```text
/// |  consumed  | complete lines of this event | partial line | unscanned |
///              ^ event_start                  ^ line_start   ^ scanned
/// ```
///
/// Spans are relative to `event_start`, which [`feed`](Framer::feed) moves to 0.
#[derive(Debug)]
pub struct SseFramer {
    buffer: Vec<u8>,
    event_start: usize,
    line_start: usize,
    scanned: usize,
    position: Position,
    /// The value of the current event's last `event` line.
    name: Option<Span>,
    data: Data,
    /// Lines that are neither a comment nor a field of an event, as many as one frame may hold.
    stray: Vec<u8>,
    comments: usize,
    max_frame_bytes: usize,
}

/// A range of bytes, relative to the beginning of the current event.
type Span = Range<usize>;

/// How `line_start` was reached, which decides on the bytes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// No byte was read: a byte order mark may stand here.
    Start,
    /// A line begins.
    Line,
    /// A line begins, and a line feed at its front belongs to the carriage return before it.
    AfterCr,
}

/// The `data` lines of the current event.
#[derive(Debug)]
enum Data {
    None,
    One(Span),
    Joined(Vec<u8>),
}

impl SseFramer {
    /// A framer that refuses events of more than `max_frame_bytes`.
    pub fn new(max_frame_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            event_start: 0,
            line_start: 0,
            scanned: 0,
            position: Position::Start,
            name: None,
            data: Data::None,
            stray: Vec::new(),
            comments: 0,
            max_frame_bytes,
        }
    }

    /// Returns how many comment lines have come: keep-alives between events.
    pub fn comments(&self) -> usize {
        self.comments
    }

    /// Checks the current event, which reaches up to `end` so far, against the limit.
    fn check_size(&self, end: usize) -> Result<(), FrameTooLarge> {
        let limit = self.max_frame_bytes;
        if end - self.event_start > limit { Err(FrameTooLarge { limit }) } else { Ok(()) }
    }

    /// Decides on the bytes at the front of a line that are no part of it; false while there are too few.
    fn settle_position(&mut self) -> bool {
        match self.position {
            Position::Line => return true,
            Position::Start => match begins_with_mark(&self.buffer) {
                Some(has_mark) => self.skip(if has_mark { BYTE_ORDER_MARK.len() } else { 0 }),
                None => return false,
            },
            Position::AfterCr => match self.buffer.get(self.line_start) {
                Some(byte) => self.skip(usize::from(*byte == b'\n')),
                None => return false,
            },
        }
        self.position = Position::Line;
        true
    }

    /// Passes over bytes at the front of a line.
    fn skip(&mut self, count: usize) {
        self.line_start += count;
        self.scanned = self.line_start;
        self.consume_unless_in_event();
    }

    /// Moves the event's beginning to the current line, unless a line before that belongs to the event.
    fn consume_unless_in_event(&mut self) {
        if matches!(self.data, Data::None) && self.name.is_none() {
            self.event_start = self.line_start;
        }
    }

    /// Takes the current line, without its end, once its end has come.
    fn next_line(&mut self) -> Option<Range<usize>> {
        let Some(length) = memchr2(b'\n', b'\r', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let line = self.line_start..self.scanned + length;
        self.position = if self.buffer[line.end] == b'\r' { Position::AfterCr } else { Position::Line };
        self.line_start = line.end + 1;
        self.scanned = self.line_start;
        Some(line)
    }

    fn read_line(&mut self, range: Range<usize>) {
        let line = &self.buffer[range.clone()];
        let (field, mut value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => {
                self.comments += 1;
                return;
            }
            Some(colon) => (&line[..colon], colon + 1),
            None => (line, line.len()),
        };
        if line.get(value) == Some(&b' ') {
            value += 1;
        }
        let span = range.start + value - self.event_start..range.end - self.event_start;
        match field {
            b"data" => self.add_data(span),
            b"event" => self.name = Some(span),
            // These are about reconnecting, which a generation cannot do.
            b"id" | b"retry" => {}
            _ if line.trim_ascii().is_empty() => {}
            _ if self.stray.len() + line.len() < self.max_frame_bytes => {
                self.stray.extend_from_slice(line);
                self.stray.push(b'\n');
            }
            _ => {}
        }
    }

    fn add_data(&mut self, span: Span) {
        let event = &self.buffer[self.event_start..];
        match &mut self.data {
            Data::None => self.data = Data::One(span),
            Data::One(first) => {
                let joined = [&event[first.clone()], b"\n", &event[span]].concat();
                self.data = Data::Joined(joined);
            }
            Data::Joined(joined) => {
                joined.push(b'\n');
                joined.extend_from_slice(&event[span]);
            }
        }
    }

    /// Takes the current event, if it has data.
    fn take_frame(&mut self) -> Option<Frame<'_>> {
        let (data, name) = (std::mem::replace(&mut self.data, Data::None), self.name.take());
        let event = &self.buffer[self.event_start..];
        self.event_start = self.line_start;
        let data = match data {
            Data::None => return None,
            Data::One(span) => text(&event[span]),
            Data::Joined(joined) => Cow::Owned(text(&joined).into_owned()),
        };
        let frame = Frame::new(data);
        Some(match name {
            Some(span) => frame.named(text(&event[span])),
            None => frame,
        })
    }

    fn assert_offsets(&self) {
        debug_assert!(self.event_start <= self.line_start);
        debug_assert!(self.line_start <= self.scanned && self.scanned <= self.buffer.len());
    }
}

impl Framer for SseFramer {
    const BODY_END_FINISHES_FRAME: bool = false;

    fn feed(&mut self, bytes: &[u8]) {
        if self.event_start > 0 {
            self.buffer.drain(..self.event_start);
            self.line_start -= self.event_start;
            self.scanned -= self.event_start;
            self.event_start = 0;
        }
        self.buffer.extend_from_slice(bytes);
        self.assert_offsets();
    }

    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        loop {
            if !self.settle_position() {
                // Whether these bytes are of a frame is not known yet.
                return Ok(None);
            }
            let Some(line) = self.next_line() else { break };
            self.assert_offsets();
            // Checked before anything is dropped: in smaller pieces, the line would have been refused.
            self.check_size(self.line_start)?;
            if !line.is_empty() {
                self.read_line(line);
            } else if matches!(self.data, Data::None) {
                self.name = None;
            } else {
                return Ok(self.take_frame());
            }
            self.consume_unless_in_event();
        }
        self.check_size(self.buffer.len())?;
        Ok(None)
    }

    fn last_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        self.settle_position();
        self.check_size(self.buffer.len())?;
        let line = self.line_start..self.buffer.len();
        if !line.is_empty() {
            self.read_line(line.clone());
            (self.line_start, self.scanned) = (line.end, line.end);
        }
        Ok(self.take_frame())
    }

    fn take_stray_lines(&mut self) -> String {
        text(&std::mem::take(&mut self.stray)).into_owned()
    }
}

#[cfg(test)]
mod tests;
