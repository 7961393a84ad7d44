//! A watch on a stream while a client reads it.

use std::pin::Pin;
use std::time::Duration;

use crate::client::Failure;
use crate::work::Sums;

/// Counts pieces, and does something at one of them.
pub struct Watch<'a> {
    /// The piece at which something happens, from one on; never at zero.
    at: usize,
    then: Then<'a>,
}

enum Then<'a> {
    Call(&'a mut (dyn FnMut() + Send)),
    /// Waits, keeps by how many bytes the process grew meanwhile, and reads no further.
    Pause(Duration, &'a mut Option<usize>),
    Nothing,
}

impl<'a> Watch<'a> {
    /// Only counts.
    pub fn count() -> Self {
        Self { at: 0, then: Then::Nothing }
    }

    /// Calls this at the first piece.
    pub fn first(call: &'a mut (dyn FnMut() + Send)) -> Self {
        Self { at: 1, then: Then::Call(call) }
    }

    /// Reads so many pieces, pauses, and reads no further. `grown`: by how many bytes the process grew in the
    /// pause.
    pub fn pause(pieces: usize, pause: Duration, grown: &'a mut Option<usize>) -> Self {
        Self { at: pieces, then: Then::Pause(pause, grown) }
    }

    /// Counts a piece. When it is the one at which something happens, [`reached`](Self::reached) is to be
    /// awaited.
    pub fn piece(&self, sums: &mut Sums) -> bool {
        sums.pieces += 1;
        sums.pieces == self.at
    }

    /// Does what is to be done; whether the client is to read no further. In a box, so that those who wait
    /// for nothing hold no timer.
    pub fn reached(&mut self) -> Pin<Box<dyn Future<Output = Result<bool, Failure>> + Send + '_>> {
        Box::pin(async {
            match &mut self.then {
                Then::Nothing => Ok(false),
                Then::Call(call) => {
                    call();
                    Ok(false)
                }
                Then::Pause(pause, grown) => {
                    let before = resident()?;
                    tokio::time::sleep(*pause).await;
                    **grown = Some(resident()?.saturating_sub(before));
                    Ok(true)
                }
            }
        })
    }
}

/// The resident memory of this process, in bytes.
pub fn resident() -> Result<usize, Failure> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = pages.split(' ').nth(1).ok_or("no resident pages")?.parse()?;
    Ok(pages * 4096)
}
