//! Which clock ran out.

use std::fmt;

use serde::Serialize;

/// Which clock of a call ran out. Each has the name of its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeoutPhase {
    /// `connect_timeout`: connecting took too long.
    Connect,
    /// `read_timeout`: nothing at all came from the service, not even a keep-alive.
    Read,
    /// `first_output_timeout`: no [output](crate::author::Activity::Output) came, from the request on.
    FirstOutput,
    /// `idle_timeout`: output had begun, and then nothing came of the answer any more, whatever keep-alives
    /// there were.
    Idle,
    /// `deadline`: the whole call took too long, or one request of it.
    Deadline,
    /// None of ours: the service itself says that it, or the provider behind it, ran out of time.
    Service,
}

impl TimeoutPhase {
    /// The phase in words.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            TimeoutPhase::Connect => "connect",
            TimeoutPhase::Read => "read",
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
