//! The retry budget that all calls of a layer share: a token bucket.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The price of a retry, in tokens. A call deposits a fraction of it.
const RETRY: u64 = 1000;

/// A token bucket that calls fill and retries empty. It is full at first.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    tokens: AtomicU64,
    capacity: u64,
    deposit: u64,
}

impl RetryBudget {
    /// Makes a bucket that holds `capacity` retries, into which each call puts `deposit` retries.
    pub(crate) fn new(capacity: u32, deposit: f64) -> Self {
        let capacity = u64::from(capacity) * RETRY;
        // A cast of a float saturates, and turns NaN into 0.
        Self { tokens: AtomicU64::new(capacity), capacity, deposit: (deposit * RETRY as f64).round() as u64 }
    }

    /// Puts in the share of a call that begins, up to the capacity.
    pub(crate) fn deposit(&self) {
        let filled = |tokens: u64| Some(tokens.saturating_add(self.deposit).min(self.capacity));
        // The closure never returns `None`, so the update cannot fail.
        let _ = self.tokens.fetch_update(Relaxed, Relaxed, filled);
    }

    /// Takes out the price of a retry. Returns `false`, and takes nothing, if there is less.
    pub(crate) fn withdraw(&self) -> bool {
        self.tokens.fetch_update(Relaxed, Relaxed, |tokens| tokens.checked_sub(RETRY)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_never_above_its_capacity_or_below_zero() {
        let budget = RetryBudget::new(2, 0.5);
        budget.deposit();
        assert_eq!([budget.withdraw(), budget.withdraw(), budget.withdraw()], [true, true, false]);
        budget.deposit();
        assert!(!budget.withdraw(), "half a retry is none");
        budget.deposit();
        assert!(budget.withdraw());
    }

    #[test]
    fn budget_survives_odd_deposits() {
        for (deposit, allows) in [(f64::NAN, false), (-1.0, false), (f64::INFINITY, true)] {
            let budget = RetryBudget::new(1, deposit);
            assert!(budget.withdraw());
            budget.deposit();
            assert_eq!(budget.withdraw(), allows, "{deposit}");
        }
        assert!(!RetryBudget::new(0, 1.0).withdraw());
    }
}
