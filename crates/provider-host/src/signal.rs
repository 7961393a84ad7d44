//! The signals that end the program.

use std::future::pending;

/// A signal that ends the program, or what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
pub(crate) async fn shutdown() {
    next().await;
}

/// The same, and tells which of them it was.
pub(crate) async fn next() -> Signal {
    tokio::select! {
        () = ctrl_c() => Signal::Interrupted,
        () = terminated() => Signal::Terminated,
    }
}

async fn ctrl_c() {
    // If no handler can be installed, this waits for ever.
    if tokio::signal::ctrl_c().await.is_err() {
        pending().await
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    pending().await
}
