//! The state of the terminal, which is put back however the program ends.

#[cfg(unix)]
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// The state that the terminal of standard input had when this was made. Dropped, also by a panic, it is put
/// back: a thread that reads a line or a key without showing it may still wait then, with the terminal as it
/// needs it.
#[derive(Debug)]
#[must_use = "dropped, it puts the state back"]
pub(crate) struct Restore {
    #[cfg(unix)]
    state: Option<Termios>,
}

impl Restore {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(unix)]
            state: tcgetattr(std::io::stdin()).ok(),
        }
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(state) = &self.state {
            // A terminal that is gone needs no state.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, state);
        }
    }
}
