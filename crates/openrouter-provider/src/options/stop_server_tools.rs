//! The option that ends the service's own tools.

use serde::{Deserialize, Serialize};

/// When OpenRouter stops calling its own tools. The first condition that holds counts; one last turn without
/// tools follows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum StopServerTools {
    /// After so many steps.
    StepCountIs {
        /// The number of steps.
        step_count: u32,
    },
    /// Once this tool was called.
    HasToolCall {
        /// The tool's name.
        tool_name: String,
    },
    /// Once so many tokens were used.
    MaxTokensUsed {
        /// The number of tokens.
        max_tokens: u64,
    },
    /// Once it cost so much.
    MaxCost {
        /// In US dollars.
        max_cost_in_dollars: f64,
    },
    /// Once a step ended like this.
    FinishReasonIs {
        /// The finish reason.
        reason: String,
    },
}
