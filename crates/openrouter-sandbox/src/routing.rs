//! Which provider serves a model, under the caller's `provider` preferences.

use serde_json::{Value, json};

use crate::catalogue::{Endpoint, Model};
use crate::errors::ApiError;
use crate::money::Usd;

/// Request fields that say nothing about what an endpoint must support.
const NOT_PARAMETERS: [&str; 12] = [
    "messages",
    "model",
    "models",
    "provider",
    "stream",
    "stream_options",
    "user",
    "metadata",
    "trace",
    "usage",
    "session_id",
    "plugins",
];

/// The endpoints left for this request, best first; an error when none is.
pub(crate) fn endpoints<'a>(model: &'a Model, request: &Value) -> Result<Vec<&'a Endpoint>, ApiError> {
    let wishes = &request["provider"];
    let names = |key: &str| -> Option<Vec<&str>> {
        wishes[key].as_array().map(|names| names.iter().filter_map(Value::as_str).collect())
    };
    let called = |endpoint: &Endpoint, names: &[&str]| names.iter().any(|name| endpoint.is_called(name));

    let mut left: Vec<&Endpoint> = model.endpoints.iter().collect();
    if let Some(only) = names("only") {
        left.retain(|endpoint| called(endpoint, &only));
    }
    if let Some(ignore) = names("ignore") {
        left.retain(|endpoint| !called(endpoint, &ignore));
    }
    if let Some(order) = names("order") {
        // A stable sort: those without a place keep their order behind the others.
        let place = |endpoint: &&Endpoint| order.iter().position(|name| endpoint.is_called(name));
        left.sort_by_key(|endpoint| place(endpoint).unwrap_or(usize::MAX));
        if wishes["allow_fallbacks"] == false {
            left.retain(|endpoint| place(endpoint).is_some());
        }
    }
    if left.is_empty() {
        return Err(nothing_left(model, "allowed_providers", "the providers that may be used"));
    }
    if wishes["require_parameters"] == true {
        if let Some(missing) = unsupported(model, request) {
            return Err(nothing_left(model, "require_parameters", &format!("the parameter {missing}")));
        }
    }
    if too_expensive(model, &wishes["max_price"]) {
        return Err(nothing_left(model, "max_price", "the price limit"));
    }
    for modality in request["modalities"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !model.lists("output_modalities", modality) {
            return Err(ApiError::not_found(format!("No endpoints found that answer with {modality}")));
        }
    }
    Ok(left)
}

fn nothing_left(model: &Model, excluded_by: &str, what: &str) -> ApiError {
    ApiError::not_found(format!("No endpoints found for {} that fit {what}.", model.id)).availability(json!({
        "code": "constraint_filtered",
        "retryable": false,
        "requested_models": [model.id],
        "excluded_by": [excluded_by],
        "constraint": { "field": format!("provider.{excluded_by}"), "detail": what },
    }))
}

fn unsupported<'a>(model: &Model, request: &'a Value) -> Option<&'a str> {
    let sent = request.as_object()?.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str());
    sent.filter(|key| !NOT_PARAMETERS.contains(key)).find(|key| !model.lists("supported_parameters", key))
}

/// Limits are dollars per million tokens, prices are dollars per token.
fn too_expensive(model: &Model, limits: &Value) -> bool {
    let above =
        |price: Usd, limit: &Value| per_million(limit).is_some_and(|limit| price.times(1_000_000) > limit);
    above(model.prompt_price, &limits["prompt"]) || above(model.completion_price, &limits["completion"])
}

/// An amount given as a number or as a string.
pub(crate) fn per_million(amount: &Value) -> Option<Usd> {
    match amount {
        Value::String(text) => Usd::parse(text),
        Value::Number(number) => Usd::parse(&number.to_string()),
        _ => None,
    }
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
    }

    #[test]
    fn nothing_left_is_404() {
        assert_eq!(served_by(json!({"only": ["openai"]})), Err(404));
        assert_eq!(served_by(json!({"require_parameters": true})), Err(404));
        assert_eq!(served_by(json!({"max_price": {"prompt": 0.1}})), Err(404));
    }
}
