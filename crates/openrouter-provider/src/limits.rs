//! Bounds on waits and buffers.

use std::time::Duration;

use provider_http::HttpLimits;

/// Bounds on every wait and every buffer of a connection to OpenRouter.
///
/// ```
/// use openrouter_provider::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::default().read_timeout(Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) http: HttpLimits,
    pub(crate) max_tool_argument_bytes: usize,
    pub(crate) generation_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            http: HttpLimits::default(),
            max_tool_argument_bytes: 8 << 20,
            generation_wait: Duration::from_millis(3_750),
        }
    }
}

/// The limits of HTTP, and the default ones for the rest.
impl From<HttpLimits> for Limits {
    fn from(http: HttpLimits) -> Self {
        Self { http, ..Self::default() }
    }
}

impl Limits {
    /// How long connecting may take, TLS included. Default: 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.http = self.http.connect_timeout(limit);
        self
    }

    /// How long it may be silent: before the answer begins, and whenever the next piece of it is waited for.
    /// The service sends keep-alives while a model thinks, and they count. A year at most. Default: 120 s.
    #[must_use]
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.http = self.http.read_timeout(limit);
        self
    }

    /// How long a request may take from its beginning to the end of the answer. Generous, since thinking
    /// models take minutes. Default: 1 h.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.http = self.http.total_timeout(limit);
        self
    }

    /// How large one event of a stream may be; a generated image is one event. Default: 32 MiB.
    #[must_use]
    pub fn max_frame_bytes(mut self, limit: usize) -> Self {
        self.http = self.http.max_frame_bytes(limit);
        self
    }

    /// How large an answer may be as a whole, streamed or not. What a chunk of a stream repeats of the one
    /// before is not kept, and does not count: it is nine tenths of a long answer. Default: 64 MiB.
    #[must_use]
    pub fn max_body_bytes(mut self, limit: usize) -> Self {
        self.http = self.http.max_body_bytes(limit);
        self
    }

    /// How large the arguments of an answer's tool calls may be, all calls together. Default: 8 MiB.
    #[must_use]
    pub fn max_tool_argument_bytes(mut self, limit: usize) -> Self {
        self.max_tool_argument_bytes = limit;
        self
    }

    /// How much of an error's body is read. Default: 256 KiB.
    #[must_use]
    pub fn max_error_bytes(mut self, limit: usize) -> Self {
        self.http = self.http.max_error_bytes(limit);
        self
    }

    /// How long the record of an answer is waited for while the service has not written it yet, see
    /// [`OpenRouter::generation`](crate::OpenRouter::generation). Four waits between five tries, each twice
    /// as long as the one before: 0.25 s, 0.5 s, 1 s and 2 s by default. Zero: one try. Default: 3.75 s.
    #[must_use]
    pub fn generation_wait(mut self, limit: Duration) -> Self {
        self.generation_wait = limit;
        self
    }
}
