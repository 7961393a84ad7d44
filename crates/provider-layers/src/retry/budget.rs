//! The retry budget that all calls of a layer share.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a retry costs.
const RETRY: u64 = 1000;

/// A bucket of tokens, in thousandths. Full at first.
#[derive(Debug)]
pub(super) struct Tokens {
    left: AtomicU64,
    full: u64,
    per_call: u64,
}

impl Tokens {
    pub(super) fn new(tokens: u32, per_call: f64) -> Self {
        let full = u64::from(tokens) * RETRY;
        // A cast of a float stays within bounds, and makes nothing of what is no number.
        Self { left: AtomicU64::new(full), full, per_call: (per_call * RETRY as f64).round() as u64 }
    }

    /// A call begins.
    pub(super) fn earn(&self) {
        let earned = |left: u64| Some(left.saturating_add(self.per_call).min(self.full));
        // The closure always has an answer.
        let _ = self.left.fetch_update(Relaxed, Relaxed, earned);
    }

    /// Takes what a retry costs, if it is there.
    pub(super) fn spend(&self) -> bool {
        self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(RETRY)).is_ok()
    }
}
