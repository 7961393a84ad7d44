//! The figures of a usage object that only OpenRouter has.

use lenient_json::{Count, Flag, Raw, object};
use openai_wire::charge;
use provider_core::Usage;

object! {
    struct CostDetails<'a> {
        upstream: Raw<'a> = "upstream_inference_cost",
        upstream_prompt: Raw<'a> = "upstream_inference_prompt_cost",
        upstream_completion: Raw<'a> = "upstream_inference_completions_cost",
        server_tool: Raw<'a> = "server_tool_cost",
    }
}

object! {
    struct ServerToolUse<'a> {
        requested: Count = "tool_calls_requested",
        executed: Count = "tool_calls_executed",
        web_search_requests: Count = "web_search_requests",
    }
}

/// Adds the figures in a field of the object.
pub(super) fn read_field(name: &str, value: Raw<'_>, usage: &mut Usage) {
    match name {
        "cost_details" => {
            let costs: CostDetails<'_> = value.read().unwrap_or_default();
            usage.upstream_cost = charge(costs.upstream);
            usage.upstream_prompt_cost = charge(costs.upstream_prompt);
            usage.upstream_completion_cost = charge(costs.upstream_completion);
            usage.server_tool_cost = charge(costs.server_tool);
        }
        "is_byok" => usage.is_byok = value.read::<Flag>().unwrap_or_default().0,
        // The second name is that of the docs. Where both are sent, the first counts.
        "server_tool_use_details" | "server_tool_use" => {
            let tools: ServerToolUse<'_> = value.read().unwrap_or_default();
            let is_second = name == "server_tool_use";
            let put = |place: &mut Option<u64>, count: Count| {
                *place = if is_second { place.or(count.0) } else { count.0.or(*place) };
            };
            put(&mut usage.server_tool_calls_requested, tools.requested);
            put(&mut usage.server_tool_calls_executed, tools.executed);
            put(&mut usage.web_search_requests, tools.web_search_requests);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use lenient_json::Raw;
    use provider_core::Usage;

    use super::read_field;

    #[test]
    fn cost_of_server_tools_is_read() {
        let mut usage = Usage::default();
        let costs = r#"{"upstream_inference_cost":null,"server_tool_cost":0.00125}"#;
        read_field("cost_details", Raw::of(costs), &mut usage);
        assert_eq!((usage.server_tool_cost, usage.upstream_cost), ("0.00125".parse().ok(), None));
    }

    #[test]
    fn first_name_of_the_server_tools_counts_in_any_order() {
        let details = ("server_tool_use_details", r#"{"tool_calls_requested":2}"#);
        let docs = ("server_tool_use", r#"{"tool_calls_requested":3,"web_search_requests":1}"#);
        for fields in [[details, docs], [docs, details]] {
            let mut usage = Usage::default();
            for (name, json) in fields {
                read_field(name, Raw::of(json), &mut usage);
            }
            assert_eq!((usage.server_tool_calls_requested, usage.web_search_requests), (Some(2), Some(1)));
        }
    }
}
