//! When circuits open, and for how long.

use std::time::Duration;

/// The settings of a [`BreakerLayer`](crate::BreakerLayer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerSettings {
    failures: u32,
    cool_down: Duration,
    max_cool_down: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, cool_down: Duration::from_secs(30), max_cool_down: Duration::from_secs(5 * 60) }
    }
}

impl BreakerSettings {
    /// The longest cool-down that can be set: a caller may not wait longer for a probe.
    const MAX_COOL_DOWN: Duration = Duration::from_secs(24 * 60 * 60);

    /// No circuit ever opens: the layer is off.
    pub fn off() -> Self {
        Self::default().failures(0)
    }

    /// Sets after how many failures in a row the circuit of a model opens. Default: 5. 0: never.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// Sets how long a circuit stays open at first. Default: 30 s, at most 24 h. It doubles each time that
    /// the probe fails.
    #[must_use]
    pub fn cool_down(mut self, time: Duration) -> Self {
        self.cool_down = time.min(Self::MAX_COOL_DOWN);
        self
    }

    /// Sets how long a circuit stays open at most. Default: 5 minutes, at most 24 h. Less than
    /// [`cool_down`](Self::cool_down): it does not double.
    #[must_use]
    pub fn max_cool_down(mut self, time: Duration) -> Self {
        self.max_cool_down = time.min(Self::MAX_COOL_DOWN);
        self
    }

    /// Whether no circuit ever opens.
    pub(super) fn is_off(&self) -> bool {
        self.failures == 0
    }

    /// The failures that a closed circuit lets pass before the one that opens it.
    pub(super) fn failures_left(&self) -> u32 {
        self.failures.saturating_sub(1)
    }

    /// How long a circuit stays open that has been opened so often already without an answer between.
    pub(super) fn cool_down_after(&self, openings: u32) -> Duration {
        let doubled = self.cool_down.saturating_mul(2_u32.saturating_pow(openings));
        doubled.min(self.max_cool_down.max(self.cool_down))
    }
}
