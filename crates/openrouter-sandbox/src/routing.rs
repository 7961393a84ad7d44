//! Routes a request: from a model id to the model and the provider that serve it.

mod filters;

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::catalogue::{Catalogue, Endpoint, Model};
use crate::cost::Usd;
use crate::failures::Failure;
use crate::model_id::{self, Target};
use crate::reasoning;

/// The prices of the failures in dollars per token, of prompt and completion.
const FAILURE_PRICES: (&str, &str) = ("0.000001", "0.000002");

/// The model and the provider that serve a request.
#[derive(Clone, Debug)]
pub(crate) struct Route<'a> {
    /// The model id in the request.
    pub(crate) requested_model: &'a str,
    /// The model id in the response.
    pub(crate) model: String,
    /// The provider's display name.
    pub(crate) provider: &'a str,
    pub(crate) author: &'a str,
    /// Dynamic variants, e.g. `online`.
    pub(crate) variants: Vec<&'a str>,
    /// Whether the model reasons without being asked to.
    pub(crate) must_reason: bool,
    /// The failure to play.
    pub(crate) failure: Option<Failure>,
    row: Option<&'a Model>,
    endpoints: Vec<&'a Endpoint>,
}

impl<'a> Route<'a> {
    /// Finds the model of an id and the endpoints that may serve the request.
    pub(crate) fn find(
        catalogue: &'a Catalogue,
        requested_model: &'a str,
        request: &Value,
    ) -> Result<Self, ApiError> {
        match model_id::resolve(catalogue, requested_model)? {
            Target::Failure(failure) => Ok(Self {
                requested_model,
                model: failure.id().to_owned(),
                provider: "Sandbox",
                author: "sandbox",
                variants: Vec::new(),
                must_reason: false,
                failure: Some(failure),
                row: None,
                endpoints: Vec::new(),
            }),
            Target::Model(model, variants) => {
                if model.must_reason()
                    && reasoning::is_forbidden(request)
                    && !requested_model.starts_with('~')
                {
                    return Err(ApiError::bad_request(format!(
                        "{requested_model} cannot answer without reasoning"
                    )));
                }
                let endpoints = filters::endpoints(model, request)?;
                Ok(Self {
                    requested_model,
                    model: model.response_model(),
                    provider: endpoints.first().map_or("Sandbox", |endpoint| &endpoint.provider),
                    author: model.author(),
                    must_reason: model.must_reason() || variants.contains(&"thinking"),
                    variants,
                    failure: None,
                    row: Some(model),
                    endpoints,
                })
            }
        }
    }

    /// Lets the endpoint at this place serve, counted around; those behind it come next.
    pub(crate) fn start_at(&mut self, place: usize) {
        if let Some(place) = place.checked_rem(self.endpoints.len()) {
            self.endpoints.rotate_left(place);
            self.provider = self.endpoints.first().map_or("Sandbox", |endpoint| &endpoint.provider);
        }
    }

    /// The display names of the providers that serve the model.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &'a str> {
        let all = self.row.map_or(&[][..], |model| &model.endpoints);
        all.iter().map(|endpoint| endpoint.provider.as_str())
    }

    /// The prices in dollars per token, of prompt and completion, for a prompt of this length.
    pub(crate) fn prices(&self, prompt_tokens: u64) -> (Usd, Usd) {
        let parse = |text: &str| Usd::parse(text).unwrap_or_default();
        let Some(model) = self.row else {
            return (parse(FAILURE_PRICES.0), parse(FAILURE_PRICES.1));
        };
        let mut prices = (model.prompt_price, model.completion_price);
        let overrides = model.row["pricing"]["overrides"].as_array().into_iter().flatten();
        for entry in overrides {
            if entry["min_prompt_tokens"].as_u64().is_some_and(|least| prompt_tokens > least) {
                prices.0 = entry["prompt"].as_str().map_or(prices.0, parse);
                prices.1 = entry["completion"].as_str().map_or(prices.1, parse);
            }
        }
        prices
    }

    /// The field `system_fingerprint`: some providers have one, some send null, others leave it out.
    pub(crate) fn fingerprint(&self) -> Option<Value> {
        match self.author {
            "openai" => Some("fp_5a9d3c17e0".into()),
            "google" => None,
            _ => Some(Value::Null),
        }
    }

    /// The field `openrouter_metadata` of an answer with so many tokens.
    pub(crate) fn metadata(&self, attempt: usize, tokens: u64) -> Value {
        let mut available: Vec<Value> = self
            .endpoints
            .iter()
            .map(|endpoint| json!({"provider": endpoint.provider, "model": self.model, "selected": false}))
            .collect();
        if let Some(first) = available.first_mut() {
            first["selected"] = true.into();
        }
        let total = available.len();
        json!({
            "requested": self.requested_model,
            "strategy": if attempt > 1 { "fallback" } else { model_id::strategy(self.requested_model) },
            "region": null,
            "summary": format!("available={total}, selected={}", self.provider),
            "attempt": attempt,
            "is_byok": false,
            // Milliseconds.
            "generation_time": 120 + 8 * tokens,
            "endpoints": {"total": total, "available": available},
        })
    }
}
