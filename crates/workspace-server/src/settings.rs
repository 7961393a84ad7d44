//! The settings of a server.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use provider_core::{Secret, Usd};

/// The settings of a server: limits, and what its operator allows.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerSettings {
    pub(crate) spill: PathBuf,
    pub(crate) operator_key: Option<Secret>,
    pub(crate) max_body_bytes: usize,
    pub(crate) unlisted_estimate: Usd,
    pub(crate) drain: Duration,
    pub(crate) hosts: Vec<String>,
}

impl ServerSettings {
    /// Settings with their defaults. The recorder keeps runs in the file `spill` while the database is away.
    pub fn new(spill: impl Into<PathBuf>) -> Self {
        Self {
            spill: spill.into(),
            operator_key: None,
            max_body_bytes: 32 * 1024 * 1024,
            unlisted_estimate: "0.05".parse().unwrap_or(Usd::ZERO),
            drain: Duration::from_secs(30),
            hosts: Vec::new(),
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

    /// Lets running calls finish for so long after the server was told to stop. The default is 30 seconds.
    #[must_use]
    pub fn drain(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// Answers requests for these host names alone, without ports: `models.example.com`, `127.0.0.1`, `[::1]`.
    /// By default every name is taken. The paths `/healthz` and `/readyz` answer to any name.
    #[must_use]
    pub fn hosts<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.hosts = names.into_iter().map(Into::into).collect();
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
            .field("drain", &self.drain)
            .field("hosts", &self.hosts)
            .finish()
    }
}
