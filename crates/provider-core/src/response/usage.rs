//! What an answer used and cost.

use serde::Serialize;

use crate::{RawJson, Usd};

/// What an answer used and cost. `None` means that the service did not say, which is not the same as zero.
///
/// Counts are the upstream's own. Do not compute one from the others: cached and written tokens can overlap, and
/// reasoning has been seen to exceed completion.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer, thoughts included.
    pub completion_tokens: Option<u64>,
    /// Both together.
    pub total_tokens: Option<u64>,
    /// Tokens of the request that were read from the prompt cache.
    pub cached_tokens: Option<u64>,
    /// Tokens of the request that were written to the prompt cache.
    pub cache_write_tokens: Option<u64>,
    /// Tokens the model thought with.
    pub reasoning_tokens: Option<u64>,
    /// What the service charged.
    pub cost: Option<Usd>,
    /// What the upstream provider charged. With a key of your own at the provider (`is_byok`) this is billed by the
    /// provider, besides `cost`.
    pub upstream_cost: Option<Usd>,
    /// Whether a key of your own at the upstream provider was used ("bring your own key").
    pub is_byok: Option<bool>,
    /// The whole object as it was sent: it keeps growing.
    pub raw: Option<RawJson>,
}

impl Usage {
    /// Takes over everything that a newer object says, and keeps what it does not.
    pub fn update(&mut self, newer: Usage) {
        let Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            cost,
            upstream_cost,
            is_byok,
            raw,
        } = newer;
        self.prompt_tokens = prompt_tokens.or(self.prompt_tokens);
        self.completion_tokens = completion_tokens.or(self.completion_tokens);
        self.total_tokens = total_tokens.or(self.total_tokens);
        self.cached_tokens = cached_tokens.or(self.cached_tokens);
        self.cache_write_tokens = cache_write_tokens.or(self.cache_write_tokens);
        self.reasoning_tokens = reasoning_tokens.or(self.reasoning_tokens);
        self.cost = cost.or(self.cost);
        self.upstream_cost = upstream_cost.or(self.upstream_cost);
        self.is_byok = is_byok.or(self.is_byok);
        self.raw = raw.or(self.raw.take());
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        let Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            cost,
            upstream_cost,
            is_byok,
            raw: _,
        } = self;
        let counts = [
            prompt_tokens,
            completion_tokens,
            total_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
        ];
        counts.iter().all(|count| count.is_none())
            && cost.is_none()
            && upstream_cost.is_none()
            && is_byok.is_none()
    }
}
