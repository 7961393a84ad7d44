//! JSON lines: one document per line, as in NDJSON.

use memchr::memchr;
use provider_core::author::Frame;

use super::{BYTE_ORDER_MARK, FrameTooLarge, Framer, begins_with_mark, text};

/// Cuts a body into lines. Lines end with LF or CRLF; blank ones, which some services send as keep-alives,
/// are passed over. The last line needs no end.
///
/// Offsets into `buffer`, always `line_start <= scanned <= buffer.len()`:
///
/// ```text
/// |  consumed  |  partial line  |  unscanned  |
///              ^ line_start     ^ scanned
/// ```
#[derive(Debug)]
pub struct JsonLinesFramer {
    buffer: Vec<u8>,
    line_start: usize,
    scanned: usize,
    /// Whether the beginning of the stream was looked at for a byte order mark.
    has_begun: bool,
    max_frame_bytes: usize,
}

impl JsonLinesFramer {
    /// A framer that refuses lines of more than `max_frame_bytes`.
    pub fn new(max_frame_bytes: usize) -> Self {
        Self { buffer: Vec::new(), line_start: 0, scanned: 0, has_begun: false, max_frame_bytes }
    }

    /// Decides on a byte order mark; false while there are too few bytes to decide.
    fn skip_byte_order_mark(&mut self) -> bool {
        if let (false, Some(has_mark)) = (self.has_begun, begins_with_mark(&self.buffer)) {
            self.has_begun = true;
            self.line_start = if has_mark { BYTE_ORDER_MARK.len() } else { 0 };
            self.scanned = self.line_start;
        }
        self.has_begun
    }

    fn check_size(&self, end: usize) -> Result<(), FrameTooLarge> {
        let limit = self.max_frame_bytes;
        if end - self.line_start > limit { Err(FrameTooLarge { limit }) } else { Ok(()) }
    }

    fn assert_offsets(&self) {
        debug_assert!(self.line_start <= self.scanned && self.scanned <= self.buffer.len());
    }
}

impl Framer for JsonLinesFramer {
    const BODY_END_FINISHES_FRAME: bool = true;

    fn feed(&mut self, bytes: &[u8]) {
        if self.line_start > 0 {
            self.buffer.drain(..self.line_start);
            self.scanned -= self.line_start;
            self.line_start = 0;
        }
        self.buffer.extend_from_slice(bytes);
        self.assert_offsets();
    }

    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        if !self.skip_byte_order_mark() {
            return Ok(None);
        }
        while let Some(length) = memchr(b'\n', &self.buffer[self.scanned..]) {
            let (from, to) = (self.line_start, self.scanned + length);
            self.check_size(to)?;
            self.line_start = to + 1;
            self.scanned = self.line_start;
            self.assert_offsets();
            if !self.buffer[from..to].trim_ascii().is_empty() {
                return Ok(Some(Frame::new(text(self.buffer[from..to].trim_ascii()))));
            }
        }
        self.scanned = self.buffer.len();
        self.check_size(self.scanned)?;
        Ok(None)
    }

    fn last_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        self.check_size(self.buffer.len())?;
        let line = self.line_start..self.buffer.len();
        (self.line_start, self.scanned) = (line.end, line.end);
        let line = self.buffer[line].trim_ascii();
        Ok((!line.is_empty()).then(|| Frame::new(text(line))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of all frames when the stream comes in these pieces, the last one included.
    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut framer = JsonLinesFramer::new(100);
        let mut lines = Vec::new();
        for piece in pieces {
            framer.feed(piece);
            while let Some(frame) = framer.next_frame().expect("small lines") {
                lines.push(frame.data.into_owned());
            }
        }
        lines.extend(framer.last_frame().expect("a small line").map(|frame| frame.data.into_owned()));
        assert_eq!(framer.last_frame(), Ok(None), "once");
        lines
    }

    #[test]
    fn cuts_change_no_line() {
        let stream = "\u{feff}{\"a\":\"東京\"}\r\n\n  \r\n{\"b\":1}\n{\"c\":\"🗼\"}".as_bytes();
        let whole = ["{\"a\":\"東京\"}", "{\"b\":1}", "{\"c\":\"🗼\"}"];
        for at in 0..=stream.len() {
            for then in at..=stream.len() {
                let pieces = [&stream[..at], &stream[at..then], &stream[then..]];
                assert_eq!(lines(&pieces), whole, "cut at {at} and {then}");
            }
        }
        assert_eq!(lines(&stream.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
        assert_eq!(lines(&[b"a\xffb"]), ["a\u{fffd}b"]);
        assert_eq!(lines(&[b"", b"\n", b" \n"]), [""; 0]);
    }

    #[test]
    fn long_line_is_refused_however_it_is_cut() {
        for line in ["x".repeat(60), "x".repeat(60) + "\n", " ".repeat(60) + "\n"] {
            for size in [1, 7, 100] {
                let mut framer = JsonLinesFramer::new(50);
                let refused = line.as_bytes().chunks(size).any(|piece| {
                    framer.feed(piece);
                    framer.next_frame() == Err(FrameTooLarge { limit: 50 })
                });
                assert!(refused, "{line:?} in pieces of {size}");
            }
        }
        let many = "{\"small\":1}\n".repeat(100);
        let mut framer = JsonLinesFramer::new(50);
        framer.feed(many.as_bytes());
        for _ in 0..100 {
            assert!(framer.next_frame().expect("a small line").is_some());
        }
    }

    /// A scan that began anew with every read would need 2^39 steps here, and never end.
    #[test]
    fn long_line_byte_by_byte_is_scanned_once() {
        let mut framer = JsonLinesFramer::new(2 << 20);
        framer.feed(b"{}\n");
        assert!(framer.next_frame().expect("a line").is_some());
        for _ in 0..1 << 20 {
            framer.feed(b"x");
            assert_eq!(framer.next_frame(), Ok(None));
        }
        framer.feed(b"\n");
        assert_eq!(framer.next_frame().expect("a line").map(|frame| frame.data.len()), Some(1 << 20));
    }
}
