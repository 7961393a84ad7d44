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
        server_tools: Option<ServerToolUse<'a>> = "server_tool_use_details",
        server_tools_in_the_docs: Option<ServerToolUse<'a>> = "server_tool_use",
    }
}

object! {
    PromptDetails<'a> {
        cached_tokens: Count = "cached_tokens",
        cache_write_tokens: Count = "cache_write_tokens",
        audio_tokens: Count = "audio_tokens",
        video_tokens: Count = "video_tokens",
    }
}

object! {
    CompletionDetails<'a> {
        reasoning_tokens: Count = "reasoning_tokens",
        audio_tokens: Count = "audio_tokens",
        image_tokens: Count = "image_tokens",
        accepted_prediction_tokens: Count = "accepted_prediction_tokens",
        rejected_prediction_tokens: Count = "rejected_prediction_tokens",
    }
}

object! {
    CostDetails<'a> {
        upstream: Raw<'a> = "upstream_inference_cost",
        upstream_prompt: Raw<'a> = "upstream_inference_prompt_cost",
        upstream_completion: Raw<'a> = "upstream_inference_completions_cost",
    }
}

object! {
    ServerToolUse<'a> {
        requested: Count = "tool_calls_requested",
        executed: Count = "tool_calls_executed",
        web_search_requests: Count = "web_search_requests",
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
    usage.prompt_audio_tokens = wire.prompt.audio_tokens.0;
    usage.prompt_video_tokens = wire.prompt.video_tokens.0;
    usage.reasoning_tokens = wire.completion.reasoning_tokens.0;
    usage.completion_audio_tokens = wire.completion.audio_tokens.0;
    usage.completion_image_tokens = wire.completion.image_tokens.0;
    usage.accepted_prediction_tokens = wire.completion.accepted_prediction_tokens.0;
    usage.rejected_prediction_tokens = wire.completion.rejected_prediction_tokens.0;
    usage.cost = amount(wire.cost);
    usage.upstream_cost = amount(wire.cost_details.upstream);
    usage.upstream_prompt_cost = amount(wire.cost_details.upstream_prompt);
    usage.upstream_completion_cost = amount(wire.cost_details.upstream_completion);
    usage.is_byok = wire.is_byok.0;
    let tools = wire.server_tools.or(wire.server_tools_in_the_docs).unwrap_or_default();
    usage.server_tool_calls_requested = tools.requested.0;
    usage.server_tool_calls_executed = tools.executed.0;
    usage.web_search_requests = tools.web_search_requests.0;
    usage.raw = raw.keep();
    Some(usage)
}

/// An amount of money: a number, exactly as it is spelled, or a text with a number in it.
pub(crate) fn amount(raw: Raw<'_>) -> Option<Usd> {
    raw.text().filled()?.parse().ok()
}
