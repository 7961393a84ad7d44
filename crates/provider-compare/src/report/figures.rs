//! The figures of a cell, as texts.

use std::time::Duration;

use super::cell::CellReport;
use crate::display::{cost, duration, grouped, or_unknown, rate};

/// The figures of a cell, as texts for a row of a table; `-` stands for an unknown one. Names may have any
/// characters, as the service sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// The model that answered.
    pub served: String,
    /// The upstream provider that ran it.
    pub provider: String,
    /// The time to the first token.
    pub first_token: String,
    /// The time to the end.
    pub total: String,
    /// Tokens of the request.
    pub tokens_in: String,
    /// Tokens of the answer.
    pub tokens_out: String,
    /// Tokens of the answer per second.
    pub tokens_per_second: String,
    /// The cost, exactly.
    pub cost: String,
    /// The finish reason, or `error`.
    pub finish: String,
}

impl CellReport {
    /// The figures of this cell, as texts.
    pub fn figures(&self) -> Figures {
        let time = |time: Option<Duration>| or_unknown(time, duration);
        let response = self.response();
        let usage = response.map(|response| &response.usage);
        let model = response.map(|response| response.model.clone()).filter(|model| !model.is_empty());
        let provider = response.and_then(|response| response.served_by.provider.clone());
        Figures {
            served: or_unknown(model, |model| model),
            provider: or_unknown(provider, |provider| provider),
            first_token: time(self.timings.first_token),
            total: time(self.timings.total),
            tokens_in: or_unknown(usage.and_then(|usage| usage.prompt_tokens), grouped),
            tokens_out: or_unknown(usage.and_then(|usage| usage.completion_tokens), grouped),
            tokens_per_second: or_unknown(self.timings.tokens_per_second, rate),
            cost: or_unknown(usage, cost),
            finish: match &self.result {
                Ok(response) => or_unknown(response.finish_reason.as_ref(), |reason| reason.to_string()),
                Err(_) => "error".to_owned(),
            },
        }
    }
}
