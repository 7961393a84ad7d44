//! The settings of a server.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use provider_core::{Secret, Usd};
use provider_http::AddressPolicy;
use tracing::Span;

/// Called with the new span of a request and the headers of that request.
pub(crate) type SpanHook = Arc<dyn Fn(&Span, &HeaderMap) + Send + Sync>;

/// The settings of a server: limits, and what its operator allows.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerSettings {
    pub(crate) spill: PathBuf,
    pub(crate) operator_key: Option<Secret>,
    pub(crate) max_body_bytes: usize,
    pub(crate) unlisted_estimate: Usd,
    pub(crate) stop_delay: Duration,
    pub(crate) drain: Duration,
    pub(crate) addresses: AddressPolicy,
    pub(crate) max_connections: usize,
    pub(crate) max_header_bytes: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) max_open_requests: usize,
    pub(crate) max_open_requests_per_token: usize,
    pub(crate) requests_per_minute: u32,
    pub(crate) wrong_tokens_per_minute: u32,
    pub(crate) hosts: Vec<String>,
    pub(crate) public_url: Option<String>,
    pub(crate) request_spans: Option<SpanHook>,
}

impl ServerSettings {
    /// Settings with their defaults. The recorder keeps runs in the file `spill` while the database is away.
    pub fn new(spill: impl Into<PathBuf>) -> Self {
        Self {
            spill: spill.into(),
            operator_key: None,
            max_body_bytes: 32 * 1024 * 1024,
            unlisted_estimate: "0.05".parse().unwrap_or(Usd::ZERO),
            stop_delay: Duration::ZERO,
            drain: Duration::from_secs(30),
            addresses: AddressPolicy::public(),
            max_connections: 10_000,
            max_header_bytes: 64 * 1024,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            max_open_requests: 5_000,
            max_open_requests_per_token: 500,
            requests_per_minute: 6_000,
            wrong_tokens_per_minute: 60,
            hosts: Vec::new(),
            public_url: None,
            request_spans: None,
        }
    }

    /// Lets the bearer of this key do what is above all workspaces: add and list them. Without one, no
    /// request may.
    #[must_use]
    pub fn operator_key(mut self, key: impl Into<Secret>) -> Self {
        self.operator_key = Some(key.into());
        self
    }

    /// Takes request bodies of at most so many bytes. The default is 32 MiB, for images in a prompt.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Reserves this much of a budget for a call whose price no catalogue tells. The default is 0.05 USD.
    #[must_use]
    pub fn unlisted_estimate(mut self, amount: Usd) -> Self {
        self.unlisted_estimate = amount;
        self
    }

    /// Goes on taking requests for so long after the server was told to stop, while `/readyz` says 503: a
    /// proxy that asks it sends its requests elsewhere by then, and none meets a closed port. The default is
    /// none: the listener closes at once.
    #[must_use]
    pub fn stop_delay(mut self, time: Duration) -> Self {
        self.stop_delay = time;
        self
    }

    /// Lets running calls finish for so long after the listener has closed; then they end with an error. The
    /// default is 30 seconds.
    #[must_use]
    pub fn drain(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// Says where the providers of workspaces may connect to, who choose their base URLs. The default is the
    /// public internet alone. A registry whose context has an HTTP client already keeps it, with the policy
    /// of its own.
    #[must_use]
    pub fn addresses(mut self, policy: AddressPolicy) -> Self {
        self.addresses = policy;
        self
    }

    /// Serves so many connections at the same time; one more is answered with 503 and closed. The default
    /// is 10,000.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count.max(1);
        self
    }

    /// Takes the head of a request, and holds what is read ahead of a body, in at most so many bytes, and in
    /// no less than 8 KiB. The default is 64 KiB. A longer head is answered with 431.
    #[must_use]
    pub fn max_header_bytes(mut self, bytes: usize) -> Self {
        self.max_header_bytes = bytes.max(8 * 1024);
        self
    }

    /// Closes a connection that sends no whole head within this time, be it new or kept open after an
    /// answer. The default is 30 seconds.
    #[must_use]
    pub fn header_timeout(mut self, time: Duration) -> Self {
        self.header_timeout = time;
        self
    }

    /// Answers a request whose body is not there within this time with 408. The default is 60 seconds.
    #[must_use]
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.body_timeout = time;
        self
    }

    /// Closes a connection whose client takes nothing of an answer for so long, which ends its call. The
    /// default is 30 seconds.
    #[must_use]
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.write_timeout = time;
        self
    }

    /// Works on so many requests at the same time, streams until their end included; one more is answered
    /// with 503. The routes for operators are not counted. The default is 5,000.
    #[must_use]
    pub fn max_open_requests(mut self, count: usize) -> Self {
        self.max_open_requests = count.max(1);
        self
    }

    /// Works on so many requests of one token at the same time, streams until their end included; one more is
    /// answered with 429. Each host counts for itself. The default is 500.
    #[must_use]
    pub fn max_open_requests_per_token(mut self, count: usize) -> Self {
        self.max_open_requests_per_token = count.max(1);
        self
    }

    /// Takes so many requests of one token in a minute, as a token bucket: after a pause, up to a sixth of
    /// them at once. One more is answered with 429 and the time to wait. Each host counts for itself. The
    /// default is 6,000.
    #[must_use]
    pub fn requests_per_minute(mut self, count: u32) -> Self {
        self.requests_per_minute = count.max(1);
        self
    }

    /// Answers so many wrong tokens of one address in a minute with 401, as a token bucket: after a pause, up
    /// to a third of them at once. One more is answered with 429, whatever was wrong, and its connection
    /// closes. Tokens that are right are taken all the same, so that nobody is locked out by others behind
    /// the same proxy. Each host counts for itself. The default is 60.
    #[must_use]
    pub fn wrong_tokens_per_minute(mut self, count: u32) -> Self {
        self.wrong_tokens_per_minute = count.max(1);
        self
    }

    /// Answers requests for these host names alone, without ports: `models.example.com`, `127.0.0.1`,
    /// `[::1]`. By default every name is taken. The paths `/healthz` and `/readyz` answer to any name.
    #[must_use]
    pub fn hosts<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.hosts = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the address at which browsers find this host: `https://models.example.com`. A provider's page
    /// where a user approves sends the browser back there. Without it, that works at `localhost` and
    /// `127.0.0.1` alone.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into().trim_end_matches('/').to_owned());
        self
    }

    /// Makes a span of every request but those for `/healthz`, `/readyz` and `/metrics`. The default is none.
    ///
    /// It has the target `workspace_server::span`, the level `INFO` and the names that OpenTelemetry's
    /// conventions have for HTTP servers: `http.request.method`, `http.route` and
    /// `http.response.status_code`; `otel.status_code` is `ERROR` for a status from 500 on. `request.id` is
    /// the one of the log, and `run.id` that of the run, where the request is one run. The span lasts until
    /// the answer is through, and the spans of its calls are its children.
    ///
    /// `hook` gets each span before it begins, with the headers of the request: a bridge to OpenTelemetry
    /// takes its parent from `traceparent`.
    #[must_use]
    pub fn request_spans(mut self, hook: impl Fn(&Span, &HeaderMap) + Send + Sync + 'static) -> Self {
        self.request_spans = Some(Arc::new(hook));
        self
    }
}

impl fmt::Debug for ServerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSettings")
            .field("spill", &self.spill)
            .field("has_operator_key", &self.operator_key.is_some())
            .field("max_body_bytes", &self.max_body_bytes)
            .field("unlisted_estimate", &self.unlisted_estimate)
            .field("stop_delay", &self.stop_delay)
            .field("drain", &self.drain)
            .field("addresses", &self.addresses)
            .field("max_connections", &self.max_connections)
            .field("max_header_bytes", &self.max_header_bytes)
            .field("header_timeout", &self.header_timeout)
            .field("body_timeout", &self.body_timeout)
            .field("write_timeout", &self.write_timeout)
            .field("max_open_requests", &self.max_open_requests)
            .field("max_open_requests_per_token", &self.max_open_requests_per_token)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("wrong_tokens_per_minute", &self.wrong_tokens_per_minute)
            .field("hosts", &self.hosts)
            .field("public_url", &self.public_url)
            .field("has_request_spans", &self.request_spans.is_some())
            .finish()
    }
}
