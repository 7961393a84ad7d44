//! Filters the endpoints of a model by the request. A filter that leaves none returns the service's error.
//!
//! The endpoints of a model share the abilities and prices of its row, so that a filter by those accepts all
//! of them or none.

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::catalogue::{Endpoint, Model};
use crate::conversation::Conversation;
use crate::cost::Usd;
use crate::failures::{context_length, upstream};

/// The request fields that `supported_parameters` lists.
const PARAMETERS: [&str; 26] = [
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "top_a",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "max_tokens",
    "max_completion_tokens",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "prediction",
    "seed",
    "response_format",
    "structured_outputs",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "include_reasoning",
    "reasoning",
    "reasoning_effort",
    "web_search_options",
    "verbosity",
];

/// The content parts that a model must support: type, modality in the catalogue, the words of the service's
/// error, and the routing step in its metadata, where that is known.
const INPUTS: [(&str, &str, &str, Option<&str>); 5] = [
    ("image_url", "image", "image input", Some("Filter by Image Support")),
    ("input_audio", "audio", "input audio", Some("Filter by Input Audio Support")),
    ("video_url", "video", "input video", Some("Filter by Input Video Support")),
    ("input_video", "video", "input video", Some("Filter by Input Video Support")),
    ("file", "file", "file input", None),
];

/// The sentence that the service adds to some errors.
const LEARN_MORE: &str = "To learn more about provider routing, visit: \
                          https://openrouter.ai/docs/guides/routing/provider-selection";

/// The result of a filter that accepts all endpoints or none.
type Check = Result<(), ApiError>;

/// The endpoints that may serve this request, best first; an error if there is none.
pub(crate) fn endpoints<'a>(model: &'a Model, request: &Value) -> Result<Vec<&'a Endpoint>, ApiError> {
    let preferences = &request["provider"];
    let endpoints = filter_providers(model, preferences)?;
    let endpoints = filter_zdr(model, preferences, endpoints)?;
    let endpoints = filter_quantizations(model, preferences, endpoints)?;
    for check in [check_max_price, check_input, check_tools, check_output, check_parameters, check_updates] {
        check(model, request)?;
    }
    check_lengths(model, &endpoints, request)?;
    Ok(endpoints)
}

/// Refuses a change of the effort for a model that does not take it.
fn check_updates(model: &Model, request: &Value) -> Check {
    let mut messages = request["messages"].as_array().into_iter().flatten();
    let is_changed = messages.any(|message| !message["configuration_update"].is_null());
    match is_changed && !model.takes_updates() {
        true => Err(ApiError::bad_request(format!("{} does not support configuration_update", model.id))),
        false => Ok(()),
    }
}

/// Keeps the endpoints that `only`, `ignore` and `order` allow.
fn filter_providers<'a>(model: &'a Model, preferences: &Value) -> Result<Vec<&'a Endpoint>, ApiError> {
    let matches_any = |endpoint: &Endpoint, names: &[&str]| names.iter().any(|name| endpoint.matches(name));
    let mut endpoints: Vec<&Endpoint> = model.endpoints.iter().collect();
    if let Some(only) = strings(preferences, "only") {
        endpoints.retain(|endpoint| matches_any(endpoint, &only));
        if endpoints.is_empty() {
            return Err(no_allowed_provider(model, "only", &only));
        }
    }
    if let Some(ignore) = strings(preferences, "ignore") {
        endpoints.retain(|endpoint| !matches_any(endpoint, &ignore));
        if endpoints.is_empty() {
            let message = "All providers have been ignored. To change your default ignored providers, visit: \
                           https://openrouter.ai/settings/preferences";
            return Err(routing_error(model, message, None));
        }
    }
    if let Some(order) = strings(preferences, "order") {
        // The sort is stable: endpoints that are not listed keep their order behind the others.
        let place = |endpoint: &&Endpoint| order.iter().position(|name| endpoint.matches(name));
        endpoints.sort_by_key(|endpoint| place(endpoint).unwrap_or(usize::MAX));
        if preferences["allow_fallbacks"] == false {
            endpoints.retain(|endpoint| place(endpoint).is_some());
            if endpoints.is_empty() {
                return Err(no_allowed_provider(model, "order", &order));
            }
        }
    }
    Ok(endpoints)
}

fn no_allowed_provider(model: &Model, preference: &str, requested: &[&str]) -> ApiError {
    let available: Vec<&str> = model.endpoints.iter().map(Endpoint::slug).collect();
    let message = format!(
        "No allowed providers are available for the selected model. Providers serving {}: {}, but your request's \
         `provider.{preference}` preference permits only: {}.",
        model.canonical_slug,
        available.join(", "),
        requested.join(", ")
    );
    routing_error(model, &message, Some("Filter by Allowed Providers"))
        .add_metadata("available_providers", available.into())
        .add_metadata("requested_providers", requested.into())
}

/// Keeps the endpoints that `zdr` allows.
fn filter_zdr<'a>(
    model: &Model,
    preferences: &Value,
    mut endpoints: Vec<&'a Endpoint>,
) -> Result<Vec<&'a Endpoint>, ApiError> {
    let count = endpoints.len();
    if preferences["zdr"] == true {
        endpoints.retain(|endpoint| endpoint.is_zdr());
    }
    if endpoints.is_empty() {
        let message = format!(
            "0 endpoints out of {count} requested are available matching your guardrail restrictions and data policy. We \
             removed them for the following reasons (an endpoint may have matched multiple reasons):\nZDR violation \
             (request): {count} endpoints excluded"
        );
        return Err(routing_error(model, &message, Some("Filter by Guardrails")));
    }
    Ok(endpoints)
}

/// Keeps the endpoints that `quantizations` allows.
fn filter_quantizations<'a>(
    model: &Model,
    preferences: &Value,
    mut endpoints: Vec<&'a Endpoint>,
) -> Result<Vec<&'a Endpoint>, ApiError> {
    if let Some(wanted) = strings(preferences, "quantizations") {
        endpoints.retain(|endpoint| wanted.contains(&endpoint.quantization().unwrap_or("unknown")));
    }
    if endpoints.is_empty() {
        // The message alone reads as if the model did not exist; `availability` says why.
        let error = routing_error(model, &format!("No endpoints found for {}.", model.id), None);
        return Err(error.availability(json!({
            "code": "constraint_filtered",
            "retryable": false,
            "requested_models": [model.id],
            "excluded_by": ["quantization"],
        })));
    }
    Ok(endpoints)
}

/// Compares prices with `max_price`. Limits are in dollars per million tokens, prices in dollars per token.
fn check_max_price(model: &Model, request: &Value) -> Check {
    let limits = &request["provider"]["max_price"];
    let above =
        |price: Usd, limit: &Value| Usd::from_json(limit).is_some_and(|limit| price.times(1_000_000) > limit);
    if above(model.prompt_price, &limits["prompt"]) || above(model.completion_price, &limits["completion"]) {
        let message = "No endpoints found that satisfy the max price for this request";
        return Err(routing_error(model, message, Some("Filter by Max Price")));
    }
    Ok(())
}

/// Compares the content parts of all messages with the model's input modalities.
fn check_input(model: &Model, request: &Value) -> Check {
    let messages = request["messages"].as_array().into_iter().flatten();
    let parts: Vec<&Value> =
        messages.flat_map(|message| message["content"].as_array().into_iter().flatten()).collect();
    for (kind, modality, what, step) in INPUTS {
        let mut sent = parts.iter().filter(|part| part["type"] == kind);
        let unreadable = |part: &&Value| kind != "file" || !parses_pdf(part, request);
        if !model.lists("input_modalities", modality) && sent.any(unreadable) {
            return Err(routing_error(model, &format!("No endpoints found that support {what}"), step));
        }
    }
    Ok(())
}

/// Whether the service parses a file for a model that cannot. It does so with every PDF, unless the request
/// asks for the model's own (`native`) parsing. The type of a linked file is unknown before it is fetched, so
/// a link counts as a PDF.
fn parses_pdf(part: &Value, request: &Value) -> bool {
    let mut plugins = request["plugins"].as_array().into_iter().flatten();
    let native = |plugin: &Value| plugin["id"] == "file-parser" && plugin["pdf"]["engine"] == "native";
    let data = part["file"]["file_data"].as_str().unwrap_or_default();
    let is_pdf = !data.starts_with("data:") || data.starts_with("data:application/pdf");
    is_pdf && !plugins.any(native)
}

/// Requires support for tools, a forced tool choice and JSON schemas, with or without `require_parameters`.
fn check_tools(model: &Model, request: &Value) -> Check {
    let offered = request["tools"].as_array().into_iter().flatten();
    let mut functions = offered.filter_map(|tool| tool["function"]["name"].as_str());
    if let (Some(name), false) = (functions.next(), model.lists("supported_parameters", "tools")) {
        let message =
            format!("No endpoints found that support tool use. Try disabling \"{name}\". {LEARN_MORE}");
        return Err(routing_error(model, &message, Some("Filter by Tool Compatibility")));
    }
    let choice = &request["tool_choice"];
    let forced = !choice.is_null() && choice != "auto" && choice != "none";
    if forced && !model.takes_forced_tools() {
        let message =
            format!("No endpoints found that support the provided 'tool_choice' value. {LEARN_MORE}");
        return Err(routing_error(model, &message, Some("Filter by Tool Compatibility")));
    }
    let structured = request["response_format"]["type"] == "json_schema";
    match structured && !model.lists("supported_parameters", "structured_outputs") {
        true => Err(unsupported_parameters(model)),
        false => Ok(()),
    }
}

/// Compares `modalities` with the model's output modalities.
fn check_output(model: &Model, request: &Value) -> Check {
    let wanted: Vec<&str> = strings(request, "modalities").unwrap_or_default();
    if wanted.iter().all(|modality| model.lists("output_modalities", modality)) {
        return Ok(());
    }
    let message =
        format!("No endpoints found that support the requested output modalities: {}", wanted.join(", "));
    Err(routing_error(model, &message, Some("Filter by Model Output Modalities")))
}

/// Requires support for every parameter of the request, if `require_parameters` is set.
fn check_parameters(model: &Model, request: &Value) -> Check {
    if request["provider"]["require_parameters"] != true {
        return Ok(());
    }
    let mut sent = PARAMETERS.iter().filter(|name| !request[**name].is_null());
    match sent.all(|name| model.lists("supported_parameters", name)) {
        true => Ok(()),
        false => Err(unsupported_parameters(model)),
    }
}

fn unsupported_parameters(model: &Model) -> ApiError {
    let message = format!("No endpoints found that can handle the requested parameters. {LEARN_MORE}");
    routing_error(model, &message, Some("Filter by Parameters"))
}

/// Compares prompt and answer with the model's context, and the answer with its `max_completion_tokens`.
fn check_lengths(model: &Model, endpoints: &[&Endpoint], request: &Value) -> Check {
    let conversation = Conversation::of(request);
    let (tokens, tools) = (conversation.token_count(), conversation.tool_tokens());
    let output = conversation.max_output_tokens();
    let context = model.row["context_length"].as_u64().unwrap_or(u64::MAX);
    if tokens.saturating_add(output.unwrap_or(0)) > context && !compresses_prompt(request) {
        return Err(context_length(context, tokens - tools, tools, output));
    }
    let most = model.row["top_provider"]["max_completion_tokens"].as_u64();
    match (output, most) {
        // The service passes this on, and the provider refuses it.
        (Some(output), Some(most)) if output > most => {
            let message = format!(
                "max_tokens is too large: {output}. This model supports at most {most} completion tokens, whereas you \
                 provided {output}."
            );
            let provider = endpoints.first().map_or("Sandbox", |endpoint| &endpoint.provider);
            let raw = json!({"error": {
                "message": message,
                "type": "invalid_request_error",
                "param": "max_tokens",
                "code": "invalid_value",
            }});
            Err(upstream(400, provider, &raw))
        }
        _ => Ok(()),
    }
}

/// Whether the request lets the service shorten a prompt that is too long.
fn compresses_prompt(request: &Value) -> bool {
    let mut plugins = request["plugins"].as_array().into_iter().flatten();
    let legacy = strings(request, "transforms").unwrap_or_default();
    plugins.any(|plugin| plugin["id"] == "context-compression" && plugin["enabled"] != false)
        || legacy.contains(&"middle-out")
}

/// The 404 of a routing step.
fn routing_error(model: &Model, message: &str, step: Option<&str>) -> ApiError {
    let funnel = json!([{"step": "Initial Endpoints", "endpoint_count": model.endpoints.len()}]);
    let error = ApiError::not_found(message).metadata(json!({ "routing_funnel": funnel }));
    match step {
        Some(step) => error.add_metadata("failed_routing_step", step.into()),
        None => error,
    }
}

/// The strings of a list.
fn strings<'a>(object: &'a Value, key: &str) -> Option<Vec<&'a str>> {
    Some(object[key].as_array()?.iter().filter_map(Value::as_str).collect())
}

#[cfg(test)]
mod tests {
    use super::endpoints;
    use crate::catalogue::Catalogue;
    use serde_json::{Value, json};

    fn served_by(provider: Value) -> Result<Vec<String>, u16> {
        let catalogue = Catalogue::load().unwrap();
        let model = catalogue.row("meta-llama/llama-3.3-70b-instruct").unwrap();
        endpoints(model, &json!({ "messages": [], "top_a": 0.5, "provider": provider }))
            .map(|endpoints| endpoints.iter().map(|endpoint| endpoint.provider.clone()).collect())
            .map_err(|error| error.status)
    }

    #[test]
    fn preferences_filter_and_order_endpoints() {
        let names = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(served_by(Value::Null), names(&["DeepInfra", "Groq", "Fireworks"]));
        assert_eq!(served_by(json!({"order": ["groq"]})), names(&["Groq", "DeepInfra", "Fireworks"]));
        assert_eq!(served_by(json!({"order": ["Groq"], "allow_fallbacks": false})), names(&["Groq"]));
        assert_eq!(served_by(json!({"only": ["deepinfra/turbo"]})), names(&["DeepInfra"]));
        assert_eq!(served_by(json!({"ignore": ["deepinfra", "groq"]})), names(&["Fireworks"]));
        assert_eq!(
            served_by(json!({"max_price": {"completion": "0.4"}})).map(|endpoints| endpoints.len()),
            Ok(3)
        );
        assert_eq!(served_by(json!({"quantizations": ["unknown"]})).map(|endpoints| endpoints.len()), Ok(3));
    }

    #[test]
    fn filter_that_leaves_nothing_is_404() {
        for wish in [
            json!({"only": ["openai"]}),
            json!({"ignore": ["deepinfra", "groq", "fireworks"]}),
            json!({"order": ["openai"], "allow_fallbacks": false}),
            json!({"require_parameters": true}),
            json!({"max_price": {"prompt": 0.1}}),
            json!({"quantizations": ["fp4"]}),
            json!({"zdr": true}),
        ] {
            assert_eq!(served_by(wish.clone()), Err(404), "{wish}");
        }
    }
}
