//! Plays a script on a socket.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;

use crate::script::{Disposition, End, Framing, Script, Step, Throttle, chunk};

/// Plays a script to its end, and returns what the caller has to do with the connection.
///
/// # Errors
/// When the client has closed the connection.
pub(crate) async fn play(script: &Script, socket: &mut WriteHalf<'_>) -> io::Result<Disposition> {
    let framing = script.framing();
    let (head, bytes) = script.head();
    let chunked = framing == Framing::Chunked;
    let mut out = Output { socket, throttle: script.throttling(), chunked };
    if let Some(head) = head {
        wait(head.delay()).await;
        match head.byte_interval() {
            Some(interval) => out.send(&bytes, Some(Throttle { size: 1, interval })).await?,
            None => out.send(&bytes, out.throttle).await?,
        }
    }
    for step in script.steps() {
        match step {
            Step::Write { bytes, size, interval, framed } => {
                let mut pieces = bytes.chunks(*size).peekable();
                while let Some(piece) = pieces.next() {
                    out.write(piece, *framed).await?;
                    if pieces.peek().is_some() {
                        wait(*interval).await;
                    }
                }
            }
            Step::Repeat { bytes, times, interval, framed } => {
                let mut written = 0;
                while times.is_none_or(|times| written < times) {
                    out.write(bytes, *framed).await?;
                    wait(*interval).await;
                    written += 1;
                }
            }
            Step::Wait(time) => wait(*time).await,
        }
    }
    match script.end() {
        End::Finish(disposition) => {
            out.send(&script.body_end(&framing), out.throttle).await?;
            Ok(disposition)
        }
        End::Break(disposition) => Ok(disposition),
        End::Stall => std::future::pending().await,
    }
}

/// The writing half of a connection, with the framing and the pace of one script.
struct Output<'a, 'b> {
    socket: &'a mut WriteHalf<'b>,
    throttle: Option<Throttle>,
    chunked: bool,
}

impl Output<'_, '_> {
    /// Writes a piece of the body, as a chunk if it is framed. An empty piece is skipped: as a chunk it would
    /// be the last one.
    async fn write(&mut self, bytes: &[u8], framed: bool) -> io::Result<()> {
        match bytes.is_empty() {
            // Without this, repeating nothing for ever would block the thread.
            true => tokio::task::yield_now().await,
            false if framed && self.chunked => self.send(&chunk(bytes), self.throttle).await?,
            false => self.send(bytes, self.throttle).await?,
        }
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8], throttle: Option<Throttle>) -> io::Result<()> {
        match throttle {
            None => self.socket.write_all(bytes).await,
            Some(Throttle { size, interval }) => {
                for piece in bytes.chunks(size) {
                    self.socket.write_all(piece).await?;
                    wait(interval).await;
                }
                Ok(())
            }
        }
    }
}

/// Sleeps. A time of zero does not even yield, so that the steps around it go out together.
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
