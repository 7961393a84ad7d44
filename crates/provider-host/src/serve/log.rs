//! The log on standard error, written by a thread of its own: a reader that is slow, or a terminal that is
//! stopped, holds no request up.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// How many lines wait at most: a second's worth at several thousand requests. One more is dropped and
/// counted.
const MAX_WAITING: usize = 8192;

/// How long the end of the program waits for the lines that are left.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes lines for the thread.
#[derive(Clone)]
pub(super) struct LogWriter {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(Vec<u8>),
    End,
}

/// The thread that writes. Dropping it writes what is left, for two seconds at most.
pub(super) struct LogThread {
    queue: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn to_standard_error() -> io::Result<(LogWriter, LogThread)> {
    start(io::stderr(), MAX_WAITING)
}

fn start(to: impl Write + Send + 'static, max_waiting: usize) -> io::Result<(LogWriter, LogThread)> {
    let (queue, lines) = sync_channel(max_waiting);
    let dropped = Arc::new(AtomicU64::new(0));
    let counted = dropped.clone();
    let thread =
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write(to, &lines, &counted))?;
    Ok((LogWriter { queue: queue.clone(), dropped }, LogThread { queue, thread: Some(thread) }))
}

/// Writes lines until the end, and says after each how many were dropped before it.
fn write(mut to: impl Write, lines: &Receiver<Message>, dropped: &AtomicU64) {
    // A log that cannot be written has no place to say so.
    while let Ok(message) = lines.recv() {
        if let Message::Line(line) = &message {
            let _ = to.write_all(line);
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(to, "the log is written too slowly: {lost} lines were dropped");
        }
        if let Message::End = message {
            let _ = to.flush();
            return;
        }
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = &'a LogWriter;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &LogWriter {
    /// Takes a whole line: the subscriber writes each at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogThread {
    fn drop(&mut self) {
        let begun = Instant::now();
        let Some(thread) = self.thread.take() else { return };
        // A full queue has room soon, unless standard error is stuck.
        while self.queue.try_send(Message::End).is_err() {
            if thread.is_finished() || begun.elapsed() > PATIENCE {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        while !thread.is_finished() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests;
