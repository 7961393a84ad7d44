//! The steps of a body: writes, repeats, content codings, chunks and broken chunks.

use std::time::Duration;

use super::{Framing, Script, Step};
use crate::bytes::Bytes;
use crate::coding;

/// The body.
///
/// Each piece is written to the socket on its own, and is a chunk of its own in a chunked body. The network
/// may still join pieces on their way; a wait between them keeps them apart.
impl Script {
    /// Writes these bytes in one piece.
    pub fn write(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.steps.push(single_piece(bytes, true));
        self
    }

    /// Writes each of these in a piece of its own.
    pub fn write_each<B: Into<Vec<u8>>>(mut self, pieces: impl IntoIterator<Item = B>) -> Self {
        self.steps.extend(pieces.into_iter().map(|piece| single_piece(piece, true)));
        self
    }

    /// Writes these bytes in one piece and sends their true `content-length`, unless another framing was set
    /// before: a plain response.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.framing.get_or_insert(Framing::Sized);
        self.write(bytes)
    }

    /// Writes these bytes in pieces of the given sizes, and the rest in one. Waits `interval` between them.
    ///
    /// Cuts an event, a number or a character anywhere: `.write_split("data: é\n\n", [7], ms(20))`.
    pub fn write_split(
        mut self,
        bytes: impl Into<Vec<u8>>,
        sizes: impl IntoIterator<Item = usize>,
        interval: Duration,
    ) -> Self {
        let bytes = bytes.into();
        let mut rest = bytes.as_slice();
        for size in sizes {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            if after.is_empty() {
                break;
            }
            if !piece.is_empty() {
                self = self.write(piece).wait(interval);
                rest = after;
            }
        }
        self.write(rest)
    }

    /// Writes these bytes in pieces of at most `size` bytes (at least one), and waits `interval` between
    /// them. One byte at a time cuts everything that can be cut.
    pub fn trickle(mut self, bytes: impl Into<Vec<u8>>, size: usize, interval: Duration) -> Self {
        let bytes = Bytes::new(bytes);
        self.steps.push(Step::Write { bytes, size: size.max(1), interval, framed: true });
        self
    }

    /// Writes these bytes `times` times, and waits `interval` after each. They are stored once, so that a
    /// body can be larger than any memory.
    pub fn repeat(mut self, bytes: impl Into<Vec<u8>>, times: u64, interval: Duration) -> Self {
        let bytes = Bytes::new(bytes);
        self.steps.push(Step::Repeat { bytes, times: Some(times), interval, framed: true });
        self
    }

    /// Writes these bytes again and again until the client closes the connection, and waits `interval` after
    /// each. Later steps and the end are never reached.
    ///
    /// With `": keep-alive\n\n"`, this is a stream that is alive and has no events.
    pub fn repeat_forever(mut self, bytes: impl Into<Vec<u8>>, interval: Duration) -> Self {
        let bytes = Bytes::new(bytes);
        self.steps.push(Step::Repeat { bytes, times: None, interval, framed: true });
        self
    }

    /// Writes these bytes outside of the framing: between the chunks of a chunked body. In a sized body they
    /// count like any.
    pub fn write_raw(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.steps.push(single_piece(bytes, false));
        self
    }

    /// Writes these bytes outside of the framing until the client closes the connection, and waits `interval`
    /// after each.
    pub fn repeat_raw_forever(mut self, bytes: impl Into<Vec<u8>>, interval: Duration) -> Self {
        let bytes = Bytes::new(bytes);
        self.steps.push(Step::Repeat { bytes, times: None, interval, framed: false });
        self
    }

    /// Compresses the body with gzip and sends `content-encoding: gzip`, whether the client accepts it or
    /// not.
    pub fn gzip(self, data: impl AsRef<[u8]>) -> Self {
        self.header("content-encoding", "gzip").body(coding::gzip(data.as_ref()))
    }

    /// Compresses the body with deflate (in zlib's wrapper, as the standard says) and sends
    /// `content-encoding: deflate`, whether the client accepts it or not.
    pub fn deflate(self, data: impl AsRef<[u8]>) -> Self {
        self.header("content-encoding", "deflate").body(coding::deflate(data.as_ref()))
    }

    /// Sends `size` zero bytes compressed with gzip, about a thousandth of it on the wire.
    ///
    /// A client that limits the bytes it receives, and not those it unpacks, holds all of them in memory.
    pub fn gzip_bomb(self, size: u64) -> Self {
        self.header("content-encoding", "gzip").body(coding::gzip_bomb(size))
    }

    /// Adds a trailer, which comes behind the last chunk.
    pub fn trailer(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.trailers.push((name.into(), Bytes::new(value)));
        self
    }

    /// Inserts a malformed chunk. The body is chunked, and the next pieces follow as if nothing were wrong.
    pub fn bad_chunk(mut self, fault: ChunkFault) -> Self {
        self.framing = Some(Framing::Chunked);
        self.write_raw(fault.bytes())
    }

    /// Leaves out the last chunk of a chunked body, but keeps the connection as if it had been sent.
    ///
    /// A client waits for the end of the body, as for one that [stalls](Self::stall).
    pub fn no_last_chunk(mut self) -> Self {
        self.last_chunk = false;
        self
    }

    /// The bytes that end the body: the last chunk with its trailers, if it is chunked.
    pub(crate) fn body_end(&self, framing: &Framing) -> Vec<u8> {
        let mut end = Vec::new();
        if *framing == Framing::Chunked && self.last_chunk {
            end.extend_from_slice(b"0\r\n");
            for (name, value) in &self.trailers {
                for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                    end.extend_from_slice(part);
                }
            }
            end.extend_from_slice(b"\r\n");
        }
        end
    }
}

fn single_piece(bytes: impl Into<Vec<u8>>, framed: bool) -> Step {
    Step::Write { bytes: Bytes::new(bytes), size: usize::MAX, interval: Duration::ZERO, framed }
}

/// Frames these bytes as a chunk.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// A fault in the framing of a chunk of five bytes, `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkFault {
    /// Its size is not hexadecimal: `zz`.
    NotHex,
    /// Its size is negative: `-5`.
    Negative,
    /// It has no size: an empty line.
    NoSize,
    /// Its size is 2^63 - 1, larger than any memory, and five bytes follow. A client must not allocate it.
    Huge,
    /// Its size is 2^64 + 5, which does not fit in 64 bits. A client that lets it overflow reads five bytes.
    Overflow,
    /// The line end behind its size is missing.
    NoSizeEnd,
    /// The line end behind its data is missing: the next chunk's size follows at once.
    NoDataEnd,
    /// It has fewer bytes than its size says, five of ten. A client swallows the next bytes.
    TooShort,
    /// It has more bytes than its size says, five for two.
    TooLong,
    /// Its lines end in LF alone. Some clients accept it, others refuse it.
    LoneLf,
    /// It has an extension behind its size: `5;key=value`. Legal but rare; a client ignores it.
    Extension,
}

impl ChunkFault {
    /// All faults, for tests that try each.
    pub const ALL: [Self; 11] = [
        Self::NotHex,
        Self::Negative,
        Self::NoSize,
        Self::Huge,
        Self::Overflow,
        Self::NoSizeEnd,
        Self::NoDataEnd,
        Self::TooShort,
        Self::TooLong,
        Self::LoneLf,
        Self::Extension,
    ];

    /// The bytes that go over the wire.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::NotHex => b"zz\r\nhello\r\n",
            Self::Negative => b"-5\r\nhello\r\n",
            Self::NoSize => b"\r\nhello\r\n",
            Self::Huge => b"7fffffffffffffff\r\nhello\r\n",
            Self::Overflow => b"10000000000000005\r\nhello\r\n",
            Self::NoSizeEnd => b"5hello\r\n",
            Self::NoDataEnd => b"5\r\nhello",
            Self::TooShort => b"a\r\nhello\r\n",
            Self::TooLong => b"2\r\nhello\r\n",
            Self::LoneLf => b"5\nhello\n",
            Self::Extension => b"5;key=value\r\nhello\r\n",
        }
    }
}
