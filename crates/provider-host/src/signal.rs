//! The signals that end the program, or what it does.

#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM, on Unix.
    Terminated,
}

/// Listens to the signals from the moment it is made: one that comes before it is asked for is not lost.
#[derive(Debug)]
pub(crate) struct Signals {
    // Without a handler, a signal never comes from here.
    #[cfg(unix)]
    interrupted: Option<unix::Signal>,
    #[cfg(unix)]
    terminated: Option<unix::Signal>,
}

impl Signals {
    pub(crate) fn listen() -> Self {
        Self {
            #[cfg(unix)]
            interrupted: unix::signal(SignalKind::interrupt()).ok(),
            #[cfg(unix)]
            terminated: unix::signal(SignalKind::terminate()).ok(),
        }
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            () = received(&mut self.interrupted) => Signal::Interrupted,
            () = received(&mut self.terminated) => Signal::Terminated,
        }
    }

    /// Waits for the next signal.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
        Signal::Interrupted
    }
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
pub(crate) async fn shutdown() {
    Signals::listen().next().await;
}

#[cfg(unix)]
async fn received(signal: &mut Option<unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
