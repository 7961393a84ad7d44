//! When a circuit opens, and for how long.

use std::time::Duration;

/// The longest cool-down that can be set: nobody waits longer to see whether something works.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings of a [`Breaker`](crate::Breaker).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    pub(super) failures: u32,
    cool_down: Duration,
    max_cool_down: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, cool_down: Duration::from_secs(30), max_cool_down: Duration::from_secs(5 * 60) }
    }
}

impl BreakerSettings {
    /// No circuit ever opens, and nothing is counted.
    pub fn off() -> Self {
        Self::default().failures(0)
    }

    /// After how many failures in a row a model is left alone. Default: 5. 0: never.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// How long a model is left alone at first. Default: 30 s, at most 24 h. It doubles each time that it
    /// turns out not to have been enough.
    #[must_use]
    pub fn cool_down(mut self, time: Duration) -> Self {
        self.cool_down = time.min(LONGEST);
        self
    }

    /// How long a model is left alone at most. Default: 5 minutes, at most 24 h. Less than
    /// [`cool_down`](Self::cool_down): it does not double.
    #[must_use]
    pub fn max_cool_down(mut self, time: Duration) -> Self {
        self.max_cool_down = time.min(LONGEST);
        self
    }

    pub(super) fn is_on(&self) -> bool {
        self.failures > 0
    }

    /// How long to leave a model alone that has been left alone so often already.
    pub(super) fn cool_down_after(&self, openings: u32) -> Duration {
        let doubled = self.cool_down.saturating_mul(2_u32.saturating_pow(openings));
        doubled.min(self.max_cool_down.max(self.cool_down))
    }
}
