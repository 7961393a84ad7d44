//! Prices that count under a condition: for long prompts, at times of the day.

use serde::{Deserialize, Serialize};

use super::pricing::Prices;
use super::time_of_day::{DailyWindow, TimeOfDay};
use super::time_of_week::{TimeOfWeek, Weekday};

/// Prices that count instead of the listed ones when all conditions hold. Prices that are `None` stay as they
/// are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PriceOverride {
    /// For prompts of more tokens than this; exactly this many do not count.
    pub min_prompt_tokens: Option<u64>,
    /// At these times of the day.
    pub window: Option<DailyWindow>,
    /// On these days, UTC. Of a window past midnight the part behind it belongs to the next day. Empty: on
    /// every day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// The prices that count then.
    pub prices: Prices,
}

impl PriceOverride {
    /// Prices without a condition yet: they always count.
    pub fn new(prices: Prices) -> Self {
        Self { prices, ..Self::default() }
    }

    /// Makes them count for prompts of more tokens than this only.
    #[must_use]
    pub fn above_prompt_tokens(mut self, tokens: u64) -> Self {
        self.min_prompt_tokens = Some(tokens);
        self
    }

    /// Makes them count from `start` until before `end` only, every day.
    #[must_use]
    pub fn between(mut self, start: TimeOfDay, end: TimeOfDay) -> Self {
        self.window = Some(DailyWindow { start, end });
        self
    }

    /// Makes them count on these days only, UTC.
    #[must_use]
    pub fn on(mut self, days: impl IntoIterator<Item = Weekday>) -> Self {
        self.days = days.into_iter().collect();
        self
    }

    /// Whether they count for a prompt of this size at this time.
    pub(crate) fn applies(&self, prompt_tokens: u64, at: TimeOfWeek) -> bool {
        self.min_prompt_tokens.is_none_or(|threshold| prompt_tokens > threshold)
            && self.window.is_none_or(|window| window.contains(at.time))
            && (self.days.is_empty() || at.day.is_some_and(|day| self.days.contains(&day)))
    }
}
