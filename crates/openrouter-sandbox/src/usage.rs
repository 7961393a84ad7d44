//! What an answer cost, in tokens and in dollars.

use serde_json::{Value, json};

use crate::money::Usd;

/// Tokens, and their price.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    pub(crate) reasoning_tokens: u64,
    prompt_cost: Usd,
    completion_cost: Usd,
}

impl Usage {
    pub(crate) fn new(prompt: u64, completion: u64, reasoning: u64, prices: (Usd, Usd)) -> Self {
        Self {
            prompt_tokens: prompt,
            completion_tokens: completion,
            reasoning_tokens: reasoning,
            prompt_cost: prices.0.times(prompt),
            completion_cost: prices.1.times(completion),
        }
    }

    pub(crate) fn cost(&self) -> Usd {
        self.prompt_cost.plus(self.completion_cost)
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "cost": self.cost().to_json(),
            "is_byok": false,
            "prompt_tokens_details": {
                "cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0, "video_tokens": 0,
            },
            "cost_details": {
                "upstream_inference_cost": self.cost().to_json(),
                "upstream_inference_prompt_cost": self.prompt_cost.to_json(),
                "upstream_inference_completions_cost": self.completion_cost.to_json(),
            },
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning_tokens, "image_tokens": 0, "audio_tokens": 0,
            },
        })
    }
}
