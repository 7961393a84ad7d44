//! The usage object.

use provider_core::{Usage, Usd};

use super::lenient::{Count, Flag, Raw, object};

object! {
    /// `usage` of an answer.
    WireUsage<'a> {
        prompt_tokens: Count = "prompt_tokens",
        completion_tokens: Count = "completion_tokens",
        total_tokens: Count = "total_tokens",
        prompt: PromptDetails<'a> = "prompt_tokens_details",
        completion: CompletionDetails<'a> = "completion_tokens_details",
        cost: Raw<'a> = "cost",
        cost_details: CostDetails<'a> = "cost_details",
        is_byok: Flag = "is_byok",
    }
}

object! {
    PromptDetails<'a> {
        cached_tokens: Count = "cached_tokens",
        cache_write_tokens: Count = "cache_write_tokens",
    }
    skip "audio_tokens" | "video_tokens"
}

object! {
    CompletionDetails<'a> {
        reasoning_tokens: Count = "reasoning_tokens",
    }
    skip "audio_tokens" | "image_tokens"
}

object! {
    CostDetails<'a> {
        upstream: Raw<'a> = "upstream_inference_cost",
    }
}

/// Reads a usage object.
pub(crate) fn read(raw: Raw<'_>) -> Option<Usage> {
    let wire = raw.read::<WireUsage<'_>>()?;
    let mut usage = Usage::default();
    usage.prompt_tokens = wire.prompt_tokens.0;
    usage.completion_tokens = wire.completion_tokens.0;
    usage.total_tokens = wire.total_tokens.0;
    usage.cached_tokens = wire.prompt.cached_tokens.0;
    usage.cache_write_tokens = wire.prompt.cache_write_tokens.0;
    usage.reasoning_tokens = wire.completion.reasoning_tokens.0;
    usage.cost = amount(wire.cost);
    usage.upstream_cost = amount(wire.cost_details.upstream);
    usage.is_byok = wire.is_byok.0;
    usage.raw = raw.0.map(Into::into);
    Some(usage)
}

/// An amount of money: a number, exactly as it is spelled, or a text with a number in it.
pub(crate) fn amount(raw: Raw<'_>) -> Option<Usd> {
    raw.text().filled()?.parse().ok()
}
