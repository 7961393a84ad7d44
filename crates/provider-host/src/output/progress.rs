//! A spinner for the time before there is output.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Output, text};

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TICK: Duration = Duration::from_millis(100);
/// The most columns of the spinner's line: erasing removes one line only, so it must not wrap.
const MAX_COLUMNS: usize = 70;
/// Moves to the beginning of the line and erases it.
const ERASE: &str = "\r\x1b[2K";

/// A spinner with the elapsed seconds, on standard error if that is a terminal.
///
/// The task that polls the work draws it, too, so that it is never drawn after it was cleared.
#[derive(Debug)]
pub(crate) struct Progress {
    output: Output,
    label: RefCell<String>,
    drawn: Cell<bool>,
    over: Cell<bool>,
}

impl Progress {
    pub(crate) fn new(output: Output, label: impl Into<String>) -> Self {
        Self {
            output,
            label: RefCell::new(label.into()),
            drawn: Cell::new(false),
            over: Cell::new(!output.err_is_terminal),
        }
    }

    /// Replaces the text from the next frame on.
    pub(crate) fn relabel(&self, label: String) {
        self.label.replace(label);
    }

    /// Shows the spinner until `work` is done or [`clear`](Self::clear) is called.
    pub(crate) async fn during<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        let started = Instant::now();
        let mut ticks = interval_at(started + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        for frame in FRAMES.iter().cycle() {
            if self.over.get() {
                break;
            }
            tokio::select! {
                biased;
                output = &mut work => {
                    self.clear();
                    return output;
                }
                _ = ticks.tick() => self.draw(frame, started.elapsed()),
            }
        }
        work.await
    }

    /// Removes the spinner for good, to make room for output.
    pub(crate) fn clear(&self) {
        self.over.set(true);
        if self.drawn.replace(false) {
            self.output.remark(ERASE);
        }
    }

    fn draw(&self, frame: &str, passed: Duration) {
        // The work may have cleared it in the same poll.
        if !self.over.get() {
            self.drawn.set(true);
            let line = format!("{frame} {:.1} s {}", passed.as_secs_f64(), self.label.borrow());
            let line = text::cut(&line, MAX_COLUMNS);
            self.output.remark(&format!("{ERASE}{}", self.output.err.dim(line)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
