//! Plays a script on a socket.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;

use crate::script::{Disposition, End, Framing, Script, Step, Throttle, chunk};

/// Plays it to its end. What becomes of the connection is the caller's to do.
///
/// # Errors
/// When the client is gone.
pub(crate) async fn play(script: &Script, out: &mut WriteHalf<'_>) -> io::Result<Disposition> {
    let framing = script.framing();
    let (head, bytes) = script.head();
    let mut out = Out { half: out, pace: script.throttled(), chunked: framing == Framing::Chunked };
    if let Some(head) = head {
        pause(head.late()).await;
        match head.slow() {
            Some(every) => out.send(&bytes, Some(Throttle { size: 1, every })).await?,
            None => out.send(&bytes, out.pace).await?,
        }
    }
    for step in script.steps() {
        match step {
            Step::Write { bytes, size, every, framed } => {
                let mut pieces = bytes.chunks(*size).peekable();
                while let Some(piece) = pieces.next() {
                    out.say(piece, *framed).await?;
                    if pieces.peek().is_some() {
                        pause(*every).await;
                    }
                }
            }
            Step::Repeat { bytes, times, every, framed } => {
                let mut said = 0;
                while times.is_none_or(|times| said < times) {
                    out.say(bytes, *framed).await?;
                    pause(*every).await;
                    said += 1;
                }
            }
            Step::Wait(time) => pause(*time).await,
        }
    }
    match script.end() {
        End::Finish(after) => {
            out.send(&script.body_end(&framing), out.pace).await?;
            Ok(after)
        }
        End::Break(after) => Ok(after),
        End::Stall => std::future::pending().await,
    }
}

struct Out<'a, 'b> {
    half: &'a mut WriteHalf<'b>,
    pace: Option<Throttle>,
    chunked: bool,
}

impl Out<'_, '_> {
    /// Sends a piece of the body. An empty one is none: as a chunk it would be the last.
    async fn say(&mut self, bytes: &[u8], framed: bool) -> io::Result<()> {
        match bytes.is_empty() {
            // For ever nothing must not keep the others from their turn.
            true => tokio::task::yield_now().await,
            false if framed && self.chunked => self.send(&chunk(bytes), self.pace).await?,
            false => self.send(bytes, self.pace).await?,
        }
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8], pace: Option<Throttle>) -> io::Result<()> {
        match pace {
            None => self.half.write_all(bytes).await,
            Some(Throttle { size, every }) => {
                for piece in bytes.chunks(size) {
                    self.half.write_all(piece).await?;
                    pause(every).await;
                }
                Ok(())
            }
        }
    }
}

/// Waits; not at all when there is nothing to wait for.
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
