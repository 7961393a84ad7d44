//! The figures of a usage object that only OpenRouter has.

use lenient_json::{Count, Flag, Raw, object};
use openai_wire::amount;
use provider_core::Usage;

object! {
    struct WireUsage<'a> {
        cost_details: CostDetails<'a> = "cost_details",
        is_byok: Flag = "is_byok",
        server_tools: Option<ServerToolUse<'a>> = "server_tool_use_details",
        server_tools_in_the_docs: Option<ServerToolUse<'a>> = "server_tool_use",
    }
}

object! {
    struct CostDetails<'a> {
        upstream: Raw<'a> = "upstream_inference_cost",
        upstream_prompt: Raw<'a> = "upstream_inference_prompt_cost",
        upstream_completion: Raw<'a> = "upstream_inference_completions_cost",
    }
}

object! {
    struct ServerToolUse<'a> {
        requested: Count = "tool_calls_requested",
        executed: Count = "tool_calls_executed",
        web_search_requests: Count = "web_search_requests",
    }
}

/// Adds the figures.
pub(super) fn read(raw: Raw<'_>, usage: &mut Usage) {
    let wire: WireUsage<'_> = raw.read().unwrap_or_default();
    usage.upstream_cost = amount(wire.cost_details.upstream);
    usage.upstream_prompt_cost = amount(wire.cost_details.upstream_prompt);
    usage.upstream_completion_cost = amount(wire.cost_details.upstream_completion);
    usage.is_byok = wire.is_byok.0;
    let tools = wire.server_tools.or(wire.server_tools_in_the_docs).unwrap_or_default();
    usage.server_tool_calls_requested = tools.requested.0;
    usage.server_tool_calls_executed = tools.executed.0;
    usage.web_search_requests = tools.web_search_requests.0;
}
