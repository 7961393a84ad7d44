//! The body of an answer, step by step.

use std::time::Duration;

use super::{Framing, Script, Step};
use crate::bytes::Bytes;
use crate::coding;

/// The body.
///
/// Each piece is handed to the socket on its own, and is a chunk of its own in a chunked body. The network
/// may still join pieces on their way; a wait between them keeps them apart.
impl Script {
    /// Says this in one piece.
    pub fn write(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.steps.push(whole(bytes, true));
        self
    }

    /// Says each of these in a piece of its own.
    pub fn write_each<B: Into<Vec<u8>>>(mut self, pieces: impl IntoIterator<Item = B>) -> Self {
        self.steps.extend(pieces.into_iter().map(|piece| whole(piece, true)));
        self
    }

    /// Says this with its true `content-length`, unless another framing was said before: a plain answer.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.framing.get_or_insert(Framing::Sized);
        self.write(bytes)
    }

    /// Says this in pieces of these sizes, and what is left in one. Waits so long between the pieces.
    ///
    /// Cuts an event, a number or a character anywhere: `.write_split("data: é\n\n", [7], ms(20))`.
    pub fn write_split(
        mut self,
        bytes: impl Into<Vec<u8>>,
        sizes: impl IntoIterator<Item = usize>,
        every: Duration,
    ) -> Self {
        let bytes = bytes.into();
        let mut rest = bytes.as_slice();
        for size in sizes {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            if after.is_empty() {
                break;
            }
            if !piece.is_empty() {
                self = self.write(piece).wait(every);
                rest = after;
            }
        }
        self.write(rest)
    }

    /// Says this in pieces of at most `size` bytes (at least one), and waits between them. One byte at a time
    /// cuts everything that can be cut.
    pub fn trickle(mut self, bytes: impl Into<Vec<u8>>, size: usize, every: Duration) -> Self {
        let bytes = Bytes::new(bytes);
        self.steps.push(Step::Write { bytes, size: size.max(1), every, framed: true });
        self
    }

    /// Says this so many times, and waits after each. What is said is held once: good for bodies that no
    /// memory holds.
    pub fn repeat(mut self, bytes: impl Into<Vec<u8>>, times: u64, every: Duration) -> Self {
        let bytes = Bytes::new(bytes);
        self.steps.push(Step::Repeat { bytes, times: Some(times), every, framed: true });
        self
    }

    /// Says this until the client goes, and waits after each; no later step and no end is reached.
    ///
    /// With `": keep-alive\n\n"` it is a stream in which nothing happens: bytes come, so the link is alive,
    /// but nothing is said.
    pub fn repeat_forever(mut self, bytes: impl Into<Vec<u8>>, every: Duration) -> Self {
        let bytes = Bytes::new(bytes);
        self.steps.push(Step::Repeat { bytes, times: None, every, framed: true });
        self
    }

    /// Sends these bytes past the framing: between the chunks of a chunked body; in a sized body they count
    /// like any.
    pub fn write_raw(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.steps.push(whole(bytes, false));
        self
    }

    /// Sends these bytes past the framing until the client goes, and waits after each.
    pub fn repeat_raw_forever(mut self, bytes: impl Into<Vec<u8>>, every: Duration) -> Self {
        let bytes = Bytes::new(bytes);
        self.steps.push(Step::Repeat { bytes, times: None, every, framed: false });
        self
    }

    /// Says this as gzip, and says so. It is stored, not made smaller; see [`coding`].
    pub fn gzip(self, data: impl AsRef<[u8]>) -> Self {
        self.header("content-encoding", "gzip").body(coding::gzip(data.as_ref()))
    }

    /// Says this as deflate (in zlib's wrapper, as the standard has it), and says so.
    pub fn deflate(self, data: impl AsRef<[u8]>) -> Self {
        self.header("content-encoding", "deflate").body(coding::deflate(data.as_ref()))
    }

    /// Says so many zero bytes as gzip, a thousand times smaller on the wire.
    ///
    /// A client that bounds what it reads by what came over the wire holds all of them.
    pub fn gzip_bomb(self, size: u64) -> Self {
        self.header("content-encoding", "gzip").body(coding::gzip_bomb(size))
    }

    /// Adds a trailer, which comes behind the last chunk.
    pub fn trailer(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.trailers.push((name.into(), Bytes::new(value)));
        self
    }

    /// Leaves out the last chunk of a chunked body, but goes on as if it had come: the connection serves the
    /// next request.
    ///
    /// A client waits for the end of the body, as for one that [stalls](Self::stall).
    pub fn no_last_chunk(mut self) -> Self {
        self.last_chunk = false;
        self
    }

    /// What ends the body.
    pub(crate) fn body_end(&self, framing: &Framing) -> Vec<u8> {
        match framing {
            Framing::Chunked if self.last_chunk => super::last_chunk(&self.trailers),
            _ => Vec::new(),
        }
    }
}

fn whole(bytes: impl Into<Vec<u8>>, framed: bool) -> Step {
    Step::Write { bytes: Bytes::new(bytes), size: usize::MAX, every: Duration::ZERO, framed }
}
