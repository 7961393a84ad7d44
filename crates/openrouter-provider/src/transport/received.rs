//! The body of an answer while it comes in.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use provider_core::Error;
use reqwest::Response;

use super::clock::Clock;
use crate::{Limits, failure};

/// An answer whose head is there, and whose body is not yet.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) response: Response,
    pub(crate) limits: Limits,
    clock: Clock,
}

impl Received {
    pub(crate) fn new(response: Response, limits: Limits, mut clock: Clock) -> Self {
        clock.head_came();
        Self { response, limits, clock }
    }

    /// The next piece of the body; nothing at its end. Polled from the task of whoever wants it, so that a
    /// slow reader holds the socket back.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        // Before a piece is taken: what was received is not thrown away.
        if let Err(run_out) = self.clock.has_time() {
            return Poll::Ready(Err(failure::too_slow(run_out, &self.limits)));
        }
        // The future keeps nothing between two polls: all that is known of the body is in the response.
        match pin!(self.response.chunk()).poll(cx) {
            Poll::Ready(Ok(piece)) => {
                self.clock.came();
                Poll::Ready(Ok(piece))
            }
            Poll::Ready(Err(cause)) => Poll::Ready(Err(failure::broken_off(&cause))),
            Poll::Pending => {
                self.clock.poll_waiting(cx).map(|run_out| Err(failure::too_slow(run_out, &self.limits)))
            }
        }
    }

    /// Reads the body whole. Bytes that are no UTF-8 are replaced.
    pub(crate) async fn text(mut self) -> Result<String, Error> {
        let limit = self.limits.max_body_bytes;
        let (bytes, complete) = self.read(limit).await?;
        if complete { Ok(into_text(bytes)) } else { Err(failure::body_too_large(limit)) }
    }

    /// Reads what there is of the body, up to `limit` bytes.
    pub(crate) async fn excerpt(mut self, limit: usize) -> String {
        // What cannot be read does not change what is known.
        self.read(limit).await.map(|(bytes, _)| into_text(bytes)).unwrap_or_default()
    }

    /// Reads up to `limit` bytes; false when there is more.
    async fn read(&mut self, limit: usize) -> Result<(Vec<u8>, bool), Error> {
        let announced = self.response.content_length().unwrap_or(0);
        let mut bytes =
            Vec::with_capacity(usize::try_from(announced).unwrap_or(limit).min(limit).min(1 << 20));
        while let Some(piece) = poll_fn(|cx| self.poll_piece(cx)).await? {
            let room = limit - bytes.len();
            if piece.len() > room {
                bytes.extend_from_slice(&piece[..room]);
                return Ok((bytes, false));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok((bytes, true))
    }
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|not_utf8| String::from_utf8_lossy(not_utf8.as_bytes()).into_owned())
}
