//! Which clock ran out.

use std::fmt;

use serde::Serialize;

/// Which clock of a call ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeoutPhase {
    /// Connecting took too long.
    Connect,
    /// No output came, from the request on.
    FirstOutput,
    /// Output had begun, and then nothing came any more.
    Idle,
    /// The whole call took too long.
    Deadline,
    /// The service itself says that it, or the provider behind it, ran out of time.
    Service,
}

impl TimeoutPhase {
    /// The phase in words.
    pub const fn label(self) -> &'static str {
        match self {
            TimeoutPhase::Connect => "connect",
            TimeoutPhase::FirstOutput => "first output",
            TimeoutPhase::Idle => "idle",
            TimeoutPhase::Deadline => "deadline",
            TimeoutPhase::Service => "service",
        }
    }
}

impl fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
