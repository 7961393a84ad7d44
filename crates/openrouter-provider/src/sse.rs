//! Bytes to frames: the event-stream format, read incrementally.
//!
//! By the rules of the WHATWG standard: lines end with LF, CR or CRLF; a line that begins with a colon is a
//! comment; the `data` lines of an event are joined with line feeds; an event counts once an empty line ends
//! it, so that one the connection cut off never counts. What there is of that one can be [asked
//! for](SseDecoder::last_frame), since services forget the empty line behind their last event.
//!
//! Positions are remembered between calls: every byte is looked at once, however many pieces a frame comes
//! in.

use std::borrow::Cow;

use memchr::memchr2;
use provider_core::author::Frame;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An incremental decoder of an event stream. Does no I/O: [`feed`](Self::feed) it bytes, take
/// [`next_frame`](Self::next_frame) until there is none.
#[derive(Debug)]
pub struct SseDecoder {
    /// Bytes that are still needed. Everything before `event` is history.
    buffer: Vec<u8>,
    /// Where the current event begins.
    event: usize,
    /// Where the current line begins.
    line: usize,
    /// How far the search for the current line's end has come.
    scanned: usize,
    /// The value of the current event's only `data` line, relative to `event`.
    data: Option<(usize, usize)>,
    /// The joined values, once there are several `data` lines.
    joined: Option<Vec<u8>>,
    /// The value of the current event's `event` line.
    name: Option<String>,
    /// Whether a line feed at the current position belongs to a carriage return before it.
    skip_line_feed: bool,
    /// Whether the beginning of the stream was looked at for a byte order mark.
    begun: bool,
    comments: usize,
    /// Such lines, as many as one frame may hold.
    other_lines: Vec<u8>,
    max_frame_bytes: usize,
}

/// A frame that is larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

impl SseDecoder {
    /// A decoder that refuses frames of more than `max_frame_bytes`.
    pub fn new(max_frame_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            event: 0,
            line: 0,
            scanned: 0,
            data: None,
            joined: None,
            name: None,
            skip_line_feed: false,
            begun: false,
            comments: 0,
            other_lines: Vec::new(),
            max_frame_bytes,
        }
    }

    /// Adds bytes as they came from the network, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.event > 0 {
            self.buffer.drain(..self.event);
            self.line -= self.event;
            self.scanned -= self.event;
            self.event = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event, or `None` until more bytes are fed.
    ///
    /// # Errors
    /// When the current event has outgrown the limit. The stream cannot be read on.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        if !self.begun && !self.skip_byte_order_mark() {
            return Ok(None);
        }
        while let Some(end) = self.end_of_line() {
            let (from, to) = (self.line, end);
            self.line = end + 1;
            self.scanned = end + 1;
            self.skip_line_feed = self.buffer[end] == b'\r';
            if from == to {
                if self.data.is_some() {
                    self.check_size(self.line)?;
                    return Ok(Some(self.take_frame()));
                }
                self.name = None;
            } else {
                self.read_line(from, to);
            }
            if self.data.is_none() && self.name.is_none() {
                // Nothing before this point is needed any more. It is checked all the same: in smaller pieces
                // it would have been.
                self.check_size(self.line)?;
                self.event = self.line;
            }
        }
        self.check_size(self.buffer.len())?;
        Ok(None)
    }

    /// The event at the end of a stream that lacks its empty line, as far as it has come; to be asked once no
    /// more bytes will come. The standard discards it: whether it is whole, only its data can tell.
    ///
    /// # Errors
    /// When it has outgrown the limit.
    pub fn last_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        self.check_size(self.buffer.len())?;
        let (from, to) = (self.line, self.buffer.len());
        if from < to {
            self.read_line(from, to);
            (self.line, self.scanned) = (to, to);
        }
        Ok(if self.data.is_some() { Some(self.take_frame()) } else { None })
    }

    /// Takes the lines that have no place in an event stream. Some services send JSON there without a field's
    /// name in front.
    pub(crate) fn take_other_lines(&mut self) -> String {
        text(&std::mem::take(&mut self.other_lines)).into_owned()
    }

    /// How many comment lines have come: signs of life between events.
    pub fn comments(&self) -> usize {
        self.comments
    }

    /// Checks the current event, which reaches up to `end` so far, against the limit.
    fn check_size(&self, end: usize) -> Result<(), FrameTooLarge> {
        let limit = self.max_frame_bytes;
        if end - self.event > limit { Err(FrameTooLarge { limit }) } else { Ok(()) }
    }

    /// Decides on a byte order mark; false while there are too few bytes to decide.
    fn skip_byte_order_mark(&mut self) -> bool {
        let seen = self.buffer.len().min(BYTE_ORDER_MARK.len());
        if self.buffer[..seen] != BYTE_ORDER_MARK[..seen] {
            self.begun = true;
        } else if seen == BYTE_ORDER_MARK.len() {
            (self.event, self.line, self.scanned) = (seen, seen, seen);
            self.begun = true;
        }
        self.begun
    }

    /// Where the current line ends, if its end has come.
    fn end_of_line(&mut self) -> Option<usize> {
        if self.skip_line_feed && self.line < self.buffer.len() {
            self.skip_line_feed = false;
            if self.buffer[self.line] == b'\n' {
                self.line += 1;
                self.scanned = self.line;
            }
            if self.data.is_none() && self.name.is_none() {
                self.event = self.line;
            }
        }
        let from = self.scanned.max(self.line);
        match memchr2(b'\n', b'\r', &self.buffer[from..]) {
            Some(offset) => Some(from + offset),
            None => {
                self.scanned = self.buffer.len();
                None
            }
        }
    }

    fn read_line(&mut self, from: usize, to: usize) {
        let line = &self.buffer[from..to];
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
        match field {
            b"data" => self.add_data(from + value, to),
            b"event" => self.name = Some(String::from_utf8_lossy(&line[value..]).into_owned()),
            // These are about reconnecting, which a generation cannot do.
            b"id" | b"retry" => {}
            _ if line.trim_ascii().is_empty() => {}
            _ => {
                if self.other_lines.len() + line.len() < self.max_frame_bytes {
                    self.other_lines.extend_from_slice(line);
                    self.other_lines.push(b'\n');
                }
            }
        }
    }

    fn add_data(&mut self, from: usize, to: usize) {
        match self.data {
            None => self.data = Some((from - self.event, to - self.event)),
            Some((first, last)) => {
                let (buffer, event) = (&self.buffer, self.event);
                let joined = self.joined.get_or_insert_with(|| buffer[event + first..event + last].to_vec());
                joined.push(b'\n');
                joined.extend_from_slice(&buffer[from..to]);
            }
        }
    }

    fn take_frame(&mut self) -> Frame<'_> {
        let event = self.name.take();
        let (from, to) = self.data.take().unwrap_or_default();
        let start = self.event;
        self.event = self.line;
        let data = match self.joined.take() {
            Some(joined) => Cow::Owned(text(&joined).into_owned()),
            None => text(&self.buffer[start + from..start + to]),
        };
        {
            let frame = Frame::new(data);
            match event {
                Some(event) => frame.named(event),
                None => frame,
            }
        }
    }
}

/// Text, with what is none replaced. The check alone is several times quicker than a search for what to
/// replace.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests;
