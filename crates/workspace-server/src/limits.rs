//! The limits of a token: requests per minute, and requests that are open at the same time; and the limit of
//! wrong tokens per address. Each host counts for itself.

mod wrong_tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;

pub(crate) use self::wrong_tokens::WrongTokens;
use crate::error::ApiError;
use crate::settings::ServerSettings;

/// The limits of all tokens.
pub(crate) struct Limits {
    /// Requests that a bucket gains in a second.
    rate: f64,
    /// Requests that a full bucket has.
    burst: f64,
    max_open: usize,
    tokens: Arc<Mutex<HashMap<String, Usage>>>,
}

struct Usage {
    /// The requests that are left in the bucket.
    left: f64,
    filled: Instant,
    open: usize,
}

/// A request that is open. The last clone, dropped, closes it.
#[derive(Clone)]
pub(crate) struct OpenRequest(#[allow(dead_code, reason = "held, and dropped")] Arc<Held>);

struct Held {
    tokens: Arc<Mutex<HashMap<String, Usage>>>,
    token: String,
}

/// The refusal of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limited {
    /// Too many in a minute; the bucket has the next after this time.
    Rate(Duration),
    /// Too many at the same time.
    Open(usize),
}

/// How many tokens are remembered before those that use nothing are forgotten. Their buckets are full, so
/// that a new one is no different.
const SWEEP_ABOVE: usize = 1024;

impl Limits {
    pub(crate) fn new(settings: &ServerSettings) -> Self {
        let per_minute = f64::from(settings.requests_per_minute);
        Self {
            rate: per_minute / 60.0,
            burst: (per_minute / 6.0).max(1.0),
            max_open: settings.max_open_requests_per_token,
            tokens: Arc::default(),
        }
    }

    /// Takes a request of a token, or refuses it.
    pub(crate) fn enter(&self, token: &str) -> Result<OpenRequest, Limited> {
        self.enter_at(token, Instant::now())
    }

    fn enter_at(&self, token: &str, now: Instant) -> Result<OpenRequest, Limited> {
        let mut tokens = lock(&self.tokens);
        if tokens.len() > SWEEP_ABOVE && !tokens.contains_key(token) {
            tokens.retain(|_, usage| usage.open > 0 || self.filled(usage, now) < self.burst);
        }
        let usage =
            tokens.entry(token.to_owned()).or_insert(Usage { left: self.burst, filled: now, open: 0 });
        usage.left = self.filled(usage, now);
        usage.filled = now;
        if usage.open >= self.max_open {
            return Err(Limited::Open(self.max_open));
        }
        if usage.left < 1.0 {
            return Err(Limited::Rate(Duration::from_secs_f64((1.0 - usage.left) / self.rate)));
        }
        usage.left -= 1.0;
        usage.open += 1;
        Ok(OpenRequest(Arc::new(Held { tokens: self.tokens.clone(), token: token.to_owned() })))
    }

    /// The requests that a bucket has by now.
    fn filled(&self, usage: &Usage, now: Instant) -> f64 {
        let since = now.saturating_duration_since(usage.filled).as_secs_f64();
        (usage.left + since * self.rate).min(self.burst)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(usage) = lock(&self.tokens).get_mut(&self.token) {
            usage.open = usage.open.saturating_sub(1);
        }
    }
}

impl From<Limited> for ApiError {
    fn from(limited: Limited) -> Self {
        let (message, wait) = match limited {
            Limited::Rate(wait) => ("this token has sent too many requests in a minute".to_owned(), wait),
            Limited::Open(most) => {
                (format!("this token has {most} requests open, which is the most"), Duration::ZERO)
            }
        };
        let seconds = wait.as_secs() + 1;
        Self {
            retry_after_seconds: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
            should_retry: true,
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit", message)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
