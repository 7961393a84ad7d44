//! Bounds on every wait and every buffer.

use std::time::Duration;

use provider_core::{ConfigValues, ProviderContext};

use crate::settings;

/// Bounds on every wait and every buffer of an [`Endpoint`](crate::Endpoint).
///
/// ```
/// use provider_http::HttpLimits;
/// use std::time::Duration;
///
/// let limits = HttpLimits::default().read_timeout(Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) total_timeout: Duration,
    pub(crate) max_frame_bytes: usize,
    pub(crate) max_body_bytes: usize,
    pub(crate) max_error_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(120),
            total_timeout: Duration::from_secs(60 * 60),
            max_frame_bytes: 32 << 20,
            max_body_bytes: 64 << 20,
            max_error_bytes: 256 << 10,
        }
    }
}

impl HttpLimits {
    /// The limits of a host's context, or the default ones where the host has none. Settings count before
    /// them ([`EndpointBuilder::values`](crate::EndpointBuilder::values)).
    ///
    /// ```
    /// use provider_core::ProviderContext;
    /// use provider_http::HttpLimits;
    ///
    /// let limits = HttpLimits::default().max_body_bytes(8 << 20);
    /// let context = ProviderContext::new().with(limits);
    /// assert_eq!(HttpLimits::of(&context), limits);
    /// assert_eq!(HttpLimits::of(&ProviderContext::new()), HttpLimits::default());
    /// ```
    pub fn of(context: &ProviderContext) -> Self {
        context.get::<Self>().copied().unwrap_or_default()
    }

    /// Takes the limits that settings spell, under the keys of [`settings`]. The others stay.
    #[must_use]
    pub(crate) fn with_values(self, values: &ConfigValues) -> Self {
        let connect = values.duration(settings::CONNECT_TIMEOUT).unwrap_or(self.connect_timeout);
        let read = values.duration(settings::READ_TIMEOUT).unwrap_or(self.read_timeout);
        let total = values.duration(settings::TOTAL_TIMEOUT).unwrap_or(self.total_timeout);
        self.connect_timeout(connect).read_timeout(read).total_timeout(total)
    }

    /// How long connecting may take, TLS and proxies included. Default: 10 s.
    ///
    /// A transport of the host's own may have its own time instead.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long the service may be silent: before its answer begins, and whenever the next piece of it is
    /// waited for. Every byte counts, those of SSE comments included. Silence in the midst of an answer may
    /// be noticed late, by a sixteenth of this at most. At most a year. Default: 120 s.
    #[must_use]
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        // A clock cannot count to all the limits that a `Duration` can hold.
        self.read_timeout = limit.min(Duration::from_secs(365 * 24 * 60 * 60));
        self
    }

    /// How long a request may take from its beginning to the end of the answer. Generous, since thinking
    /// models take minutes. Default: 1 h.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.total_timeout = limit;
        self
    }

    /// How large one frame of a stream may be, in bytes; a generated image is one frame. Default: 32 MiB.
    #[must_use]
    pub fn max_frame_bytes(mut self, limit: usize) -> Self {
        self.max_frame_bytes = limit;
        self
    }

    /// How large an answer may be as a whole, in bytes, streamed or not. Bytes that a decoder
    /// [did not keep](provider_core::author::FrameDecoder::repeated_bytes) do not count. Default: 64 MiB.
    #[must_use]
    pub fn max_body_bytes(mut self, limit: usize) -> Self {
        self.max_body_bytes = limit;
        self
    }

    /// How much of an error response's body is read, in bytes. Default: 256 KiB.
    #[must_use]
    pub fn max_error_bytes(mut self, limit: usize) -> Self {
        self.max_error_bytes = limit;
        self
    }
}
