//! The body of an answer while it comes in: within its deadlines, and as large as it may be.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body as _;
use provider_core::Error;

use crate::deadlines::Deadlines;
use crate::transport::Body;
use crate::{HttpLimits, error};

/// A body that is read within its limits. It is polled by the task that wants it: a slow reader holds the
/// socket back, and dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct BoundedBody {
    body: Body,
    limits: HttpLimits,
    deadlines: Deadlines,
}

impl BoundedBody {
    pub(crate) fn new(body: Body, limits: HttpLimits, deadlines: Deadlines) -> Self {
        Self { body, limits, deadlines }
    }

    pub(crate) fn limits(&self) -> &HttpLimits {
        &self.limits
    }

    /// Returns the next piece, or `None` at the end.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        // Before a piece is taken: bytes that were received are not thrown away.
        if let Err(passed) = self.deadlines.check() {
            return Poll::Ready(Err(error::body_timeout(passed, &self.limits)));
        }
        match self.body.poll_piece(cx) {
            Poll::Ready(piece) => {
                self.deadlines.note_progress();
                Poll::Ready(piece.transpose().map_err(error::interrupted))
            }
            Poll::Pending => {
                let passed = self.deadlines.poll_waiting(cx);
                passed.map(|passed| Err(error::body_timeout(passed, &self.limits)))
            }
        }
    }

    /// Reads the body whole. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When it breaks off, is too slow or too large.
    pub(crate) async fn text(mut self) -> Result<String, Error> {
        let limit = self.limits.max_body_bytes;
        let (bytes, is_complete) = self.read(limit).await?;
        if is_complete { Ok(into_text(bytes)) } else { Err(error::body_too_large(limit)) }
    }

    /// Reads as much of the body as can be read, up to `limit` bytes.
    pub(crate) async fn excerpt(mut self, limit: usize) -> String {
        let mut bytes = Vec::new();
        // A body that breaks off does not change what is known.
        let _ = self.read_into(&mut bytes, limit).await;
        into_text(bytes)
    }

    async fn read(&mut self, limit: usize) -> Result<(Vec<u8>, bool), Error> {
        // No more than a megabyte is set aside for a length that is only claimed.
        const MAX_RESERVED: usize = 1 << 20;
        let announced = usize::try_from(self.body.size_hint().lower()).unwrap_or(limit);
        let mut bytes = Vec::with_capacity(announced.min(limit).min(MAX_RESERVED));
        let is_complete = self.read_into(&mut bytes, limit).await?;
        Ok((bytes, is_complete))
    }

    /// Reads up to `limit` bytes; false when there is more.
    async fn read_into(&mut self, bytes: &mut Vec<u8>, limit: usize) -> Result<bool, Error> {
        while let Some(piece) = poll_fn(|cx| self.poll_piece(cx)).await? {
            let room = limit - bytes.len();
            if piece.len() > room {
                bytes.extend_from_slice(&piece[..room]);
                return Ok(false);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(true)
    }
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|not_utf8| String::from_utf8_lossy(not_utf8.as_bytes()).into_owned())
}
