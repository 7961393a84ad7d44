//! Chunks, and what can be wrong with them.

use super::{Framing, Script};
use crate::bytes::Bytes;

/// A chunk that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkFault {
    /// Its size is not hexadecimal: `zz`.
    NotHex,
    /// Its size is negative: `-5`.
    Negative,
    /// It has no size: an empty line.
    NoSize,
    /// Its size is larger than any memory, 2^63 - 1, and five bytes follow. A client must not set the memory
    /// aside.
    Huge,
    /// Its size does not fit in 64 bits: 2^64 + 5. A client that lets it overflow reads five bytes.
    Overflow,
    /// No line ends behind its size.
    NoSizeEnd,
    /// No line ends behind its data: the next chunk's size follows at once.
    NoDataEnd,
    /// It has fewer bytes than it says: five of ten. What follows is swallowed.
    TooShort,
    /// It has more bytes than it says: five for two.
    TooLong,
    /// Its lines end in LF alone. Some clients read it, others refuse it.
    LoneLf,
    /// An extension stands behind its size: `5;key=value`. Legal, and seldom seen: a client passes over it.
    Extension,
}

impl ChunkFault {
    /// All of them, for tests that go through every one.
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

    /// What goes over the wire.
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

impl Script {
    /// Puts a chunk in here that is none. The body is chunked, and goes on as if nothing had been wrong.
    pub fn bad_chunk(mut self, fault: ChunkFault) -> Self {
        self.framing = Some(Framing::Chunked);
        self.write_raw(fault.bytes())
    }
}

/// A chunk of these bytes.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// The last chunk, and what comes behind it.
pub(crate) fn last_chunk(trailers: &[(String, Bytes)]) -> Vec<u8> {
    let mut end = b"0\r\n".to_vec();
    for (name, value) in trailers {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            end.extend_from_slice(part);
        }
    }
    end.extend_from_slice(b"\r\n");
    end
}
