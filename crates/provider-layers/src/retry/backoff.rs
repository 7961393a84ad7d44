//! Chance, good enough to spread callers out.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Throws numbers for many at once: SplitMix64, whose state only counts up. Nothing to keep a secret with.
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

impl Dice {
    /// Without a seed, one of the standard library's: each process has its own.
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(AtomicU64::new(seed.unwrap_or_else(|| RandomState::new().hash_one(()))))
    }

    /// Any time from half of this up to all of it: callers are spread out, and none comes back at once.
    pub(super) fn half_to_all(&self, planned: Duration) -> Duration {
        let half = planned / 2;
        half.saturating_add(self.up_to(planned - half))
    }

    /// Any time from none up to this.
    pub(super) fn up_to(&self, limit: Duration) -> Duration {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(STEP, Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // As many bits as a float has digits for: from 0 to just below 1.
        limit.mul_f64((bits >> 11) as f64 / (1_u64 << 53) as f64)
    }
}
