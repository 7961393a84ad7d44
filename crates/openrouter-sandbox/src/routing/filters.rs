//! Which endpoint serves a model: a line of filters, each of which refuses in the words of the service when
//! it leaves none.
//!
//! The endpoints of a model share the abilities and prices of its row, so a filter of those takes all of them
//! or none.

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::catalogue::{Endpoint, Model};
use crate::conversation::Conversation;
use crate::cost::Usd;
use crate::failures::{context_length, upstream};

/// The request fields that `supported_parameters` speaks of.
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

/// The content parts that a model must be able to read: their type, the modality of the catalogue, what the
/// service says when no endpoint reads it, and the step of its router that says so, where that is known.
const INPUTS: [(&str, &str, &str, Option<&str>); 5] = [
    ("image_url", "image", "image input", Some("Filter by Image Support")),
    ("input_audio", "audio", "input audio", Some("Filter by Input Audio Support")),
    ("video_url", "video", "input video", Some("Filter by Input Video Support")),
    ("input_video", "video", "input video", Some("Filter by Input Video Support")),
    ("file", "file", "file input", None),
];

/// The metadata that the service adds to some refusals.
const LEARN_MORE: &str = "To learn more about provider routing, visit: \
                          https://openrouter.ai/docs/guides/routing/provider-selection";

/// A filter's verdict: whether it leaves the endpoints, or the error to answer with.
type Verdict = Result<(), ApiError>;

/// The endpoints left for this request, best first; an error when none is.
pub(crate) fn endpoints<'a>(model: &'a Model, request: &Value) -> Result<Vec<&'a Endpoint>, ApiError> {
    let wishes = &request["provider"];
    let left = allowed(model, wishes)?;
    let left = discreet(model, wishes, left)?;
    let left = quantized(model, wishes, left)?;
    for check in [price, input, tools, output, parameters] {
        check(model, request)?;
    }
    lengths(model, &left, request)?;
    Ok(left)
}

/// The endpoints that `only`, `ignore` and `order` leave.
fn allowed<'a>(model: &'a Model, wishes: &Value) -> Result<Vec<&'a Endpoint>, ApiError> {
    let called = |endpoint: &Endpoint, names: &[&str]| names.iter().any(|name| endpoint.matches(name));
    let mut left: Vec<&Endpoint> = model.endpoints.iter().collect();
    if let Some(only) = names(wishes, "only") {
        left.retain(|endpoint| called(endpoint, &only));
        if left.is_empty() {
            return Err(none_allowed(model, "only", &only));
        }
    }
    if let Some(ignore) = names(wishes, "ignore") {
        left.retain(|endpoint| !called(endpoint, &ignore));
        if left.is_empty() {
            let message = "All providers have been ignored. To change your default ignored providers, visit: \
                           https://openrouter.ai/settings/preferences";
            return Err(refused(model, message, None));
        }
    }
    if let Some(order) = names(wishes, "order") {
        // A stable sort: those without a place keep their order behind the others.
        let place = |endpoint: &&Endpoint| order.iter().position(|name| endpoint.matches(name));
        left.sort_by_key(|endpoint| place(endpoint).unwrap_or(usize::MAX));
        if wishes["allow_fallbacks"] == false {
            left.retain(|endpoint| place(endpoint).is_some());
            if left.is_empty() {
                return Err(none_allowed(model, "order", &order));
            }
        }
    }
    Ok(left)
}

fn none_allowed(model: &Model, preference: &str, requested: &[&str]) -> ApiError {
    let available: Vec<&str> = model.endpoints.iter().map(Endpoint::slug).collect();
    let message = format!(
        "No allowed providers are available for the selected model. Providers serving {}: {}, but your request's \
         `provider.{preference}` preference permits only: {}.",
        model.canonical_slug,
        available.join(", "),
        requested.join(", ")
    );
    refused(model, &message, Some("Filter by Allowed Providers"))
        .add_metadata("available_providers", available.into())
        .add_metadata("requested_providers", requested.into())
}

/// The endpoints that `zdr` leaves.
fn discreet<'a>(
    model: &Model,
    wishes: &Value,
    mut left: Vec<&'a Endpoint>,
) -> Result<Vec<&'a Endpoint>, ApiError> {
    let count = left.len();
    if wishes["zdr"] == true {
        left.retain(|endpoint| endpoint.is_zdr());
    }
    if left.is_empty() {
        let message = format!(
            "0 endpoints out of {count} requested are available matching your guardrail restrictions and data policy. We \
             removed them for the following reasons (an endpoint may have matched multiple reasons):\nZDR violation \
             (request): {count} endpoints excluded"
        );
        return Err(refused(model, &message, Some("Filter by Guardrails")));
    }
    Ok(left)
}

/// The endpoints that `quantizations` leaves.
fn quantized<'a>(
    model: &Model,
    wishes: &Value,
    mut left: Vec<&'a Endpoint>,
) -> Result<Vec<&'a Endpoint>, ApiError> {
    if let Some(wanted) = names(wishes, "quantizations") {
        left.retain(|endpoint| wanted.contains(&endpoint.quantization().unwrap_or("unknown")));
    }
    if left.is_empty() {
        // These words alone would say that there is no such model.
        let error = refused(model, &format!("No endpoints found for {}.", model.id), None);
        return Err(error.availability(json!({
            "code": "constraint_filtered",
            "retryable": false,
            "requested_models": [model.id],
            "excluded_by": ["quantization"],
        })));
    }
    Ok(left)
}

/// Holds prices against `max_price`. Limits are dollars per million tokens, prices are dollars per token.
fn price(model: &Model, request: &Value) -> Verdict {
    let limits = &request["provider"]["max_price"];
    let above =
        |price: Usd, limit: &Value| Usd::from_json(limit).is_some_and(|limit| price.times(1_000_000) > limit);
    if above(model.prompt_price, &limits["prompt"]) || above(model.completion_price, &limits["completion"]) {
        let message = "No endpoints found that satisfy the max price for this request";
        return Err(refused(model, message, Some("Filter by Max Price")));
    }
    Ok(())
}

/// Holds the parts of all messages against what the model reads.
fn input(model: &Model, request: &Value) -> Verdict {
    let messages = request["messages"].as_array().into_iter().flatten();
    let parts: Vec<&Value> =
        messages.flat_map(|message| message["content"].as_array().into_iter().flatten()).collect();
    for (kind, modality, what, step) in INPUTS {
        let mut sent = parts.iter().filter(|part| part["type"] == kind);
        let unreadable = |part: &&Value| kind != "file" || !is_parsed(part, request);
        if !model.lists("input_modalities", modality) && sent.any(unreadable) {
            return Err(refused(model, &format!("No endpoints found that support {what}"), step));
        }
    }
    Ok(())
}

/// Whether the service reads a file itself for a model that cannot: it does so with every PDF, unless the
/// request leaves that to the model. What the type of a linked file is shows only when it is fetched, so a
/// link counts as a PDF.
fn is_parsed(part: &Value, request: &Value) -> bool {
    let mut plugins = request["plugins"].as_array().into_iter().flatten();
    let native = |plugin: &Value| plugin["id"] == "file-parser" && plugin["pdf"]["engine"] == "native";
    let data = part["file"]["file_data"].as_str().unwrap_or_default();
    let is_pdf = !data.starts_with("data:") || data.starts_with("data:application/pdf");
    is_pdf && !plugins.any(native)
}

/// Tools, the choice among them, and schemas for the answer are asked of the model whether or not
/// `require_parameters` is set.
fn tools(model: &Model, request: &Value) -> Verdict {
    let offered = request["tools"].as_array().into_iter().flatten();
    let mut functions = offered.filter_map(|tool| tool["function"]["name"].as_str());
    if let (Some(name), false) = (functions.next(), model.lists("supported_parameters", "tools")) {
        let message =
            format!("No endpoints found that support tool use. Try disabling \"{name}\". {LEARN_MORE}");
        return Err(refused(model, &message, Some("Filter by Tool Compatibility")));
    }
    let choice = &request["tool_choice"];
    let forced = !choice.is_null() && choice != "auto" && choice != "none";
    if forced && !model.lists("supported_parameters", "tool_choice") {
        let message =
            format!("No endpoints found that support the provided 'tool_choice' value. {LEARN_MORE}");
        return Err(refused(model, &message, Some("Filter by Tool Compatibility")));
    }
    let structured = request["response_format"]["type"] == "json_schema";
    match structured && !model.lists("supported_parameters", "structured_outputs") {
        true => Err(no_parameters(model)),
        false => Ok(()),
    }
}

/// Holds `modalities` against what the model answers with.
fn output(model: &Model, request: &Value) -> Verdict {
    let wanted: Vec<&str> = names(request, "modalities").unwrap_or_default();
    if wanted.iter().all(|modality| model.lists("output_modalities", modality)) {
        return Ok(());
    }
    let message =
        format!("No endpoints found that support the requested output modalities: {}", wanted.join(", "));
    Err(refused(model, &message, Some("Filter by Model Output Modalities")))
}

/// Holds every parameter that was sent against the model's, if `require_parameters` says so.
fn parameters(model: &Model, request: &Value) -> Verdict {
    if request["provider"]["require_parameters"] != true {
        return Ok(());
    }
    let mut sent = PARAMETERS.iter().filter(|name| !request[**name].is_null());
    match sent.all(|name| model.lists("supported_parameters", name)) {
        true => Ok(()),
        false => Err(no_parameters(model)),
    }
}

fn no_parameters(model: &Model) -> ApiError {
    let message = format!("No endpoints found that can handle the requested parameters. {LEARN_MORE}");
    refused(model, &message, Some("Filter by Parameters"))
}

/// Holds prompt and answer against the model's context, and the answer against the longest that it gives.
fn lengths(model: &Model, left: &[&Endpoint], request: &Value) -> Verdict {
    let conversation = Conversation::of(request);
    let (tokens, tools) = (conversation.token_count(), conversation.tool_tokens());
    let output = conversation.max_output_tokens();
    let context = model.row["context_length"].as_u64().unwrap_or(u64::MAX);
    if tokens.saturating_add(output.unwrap_or(0)) > context && !is_compressed(request) {
        return Err(context_length(context, tokens - tools, tools, output));
    }
    let most = model.row["top_provider"]["max_completion_tokens"].as_u64();
    match (output, most) {
        // The service hands it on; the provider refuses it.
        (Some(output), Some(most)) if output > most => {
            let message = format!(
                "max_tokens is too large: {output}. This model supports at most {most} completion tokens, whereas you \
                 provided {output}."
            );
            let provider = left.first().map_or("Sandbox", |endpoint| &endpoint.provider);
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

/// Whether the service shortens a prompt that is too long.
fn is_compressed(request: &Value) -> bool {
    let mut plugins = request["plugins"].as_array().into_iter().flatten();
    let old = names(request, "transforms").unwrap_or_default();
    plugins.any(|plugin| plugin["id"] == "context-compression" && plugin["enabled"] != false)
        || old.contains(&"middle-out")
}

/// A 404 of the router.
fn refused(model: &Model, message: &str, step: Option<&str>) -> ApiError {
    let funnel = json!([{"step": "Initial Endpoints", "endpoint_count": model.endpoints.len()}]);
    let error = ApiError::not_found(message).metadata(json!({ "routing_funnel": funnel }));
    match step {
        Some(step) => error.add_metadata("failed_routing_step", step.into()),
        None => error,
    }
}

/// The texts of a list.
fn names<'a>(object: &'a Value, key: &str) -> Option<Vec<&'a str>> {
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
            .map(|left| left.iter().map(|endpoint| endpoint.provider.clone()).collect())
            .map_err(|error| error.status)
    }

    #[test]
    fn preferences_choose_the_provider() {
        let names = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(served_by(Value::Null), names(&["DeepInfra", "Groq", "Fireworks"]));
        assert_eq!(served_by(json!({"order": ["groq"]})), names(&["Groq", "DeepInfra", "Fireworks"]));
        assert_eq!(served_by(json!({"order": ["Groq"], "allow_fallbacks": false})), names(&["Groq"]));
        assert_eq!(served_by(json!({"only": ["deepinfra/turbo"]})), names(&["DeepInfra"]));
        assert_eq!(served_by(json!({"ignore": ["deepinfra", "groq"]})), names(&["Fireworks"]));
        assert_eq!(served_by(json!({"max_price": {"completion": "0.4"}})).map(|left| left.len()), Ok(3));
        assert_eq!(served_by(json!({"quantizations": ["unknown"]})).map(|left| left.len()), Ok(3));
    }

    #[test]
    fn nothing_left_is_404() {
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
