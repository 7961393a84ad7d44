//! Who serves a request: the model and provider that were found for a model id.

use serde_json::{Value, json};

use crate::catalogue::{Catalogue, Endpoint, Model};
use crate::errors::ApiError;
use crate::failures::Failure;
use crate::model_id::{self, Target};
use crate::money::Usd;
use crate::{reasoning, routing};

/// What the failures cost per token, in and out.
const FAILURE_PRICES: (&str, &str) = ("0.000001", "0.000002");

/// The model and provider behind an answer.
#[derive(Clone, Debug)]
pub(crate) struct Served<'a> {
    /// The id that was asked for.
    pub(crate) asked: &'a str,
    /// The name in the answer.
    pub(crate) model: String,
    /// The provider's display name.
    pub(crate) provider: &'a str,
    pub(crate) author: &'a str,
    /// Dynamic variants, e.g. `online`.
    pub(crate) variants: Vec<&'a str>,
    /// Whether the model thinks unasked.
    pub(crate) thinks: bool,
    /// What is to go wrong.
    pub(crate) failure: Option<Failure>,
    row: Option<&'a Model>,
    endpoints: Vec<&'a Endpoint>,
}

impl<'a> Served<'a> {
    /// Finds who serves `asked`.
    pub(crate) fn find(catalogue: &'a Catalogue, asked: &'a str, request: &Value) -> Result<Self, ApiError> {
        match model_id::resolve(catalogue, asked)? {
            Target::Failure(failure) => Ok(Self {
                asked,
                model: failure.id().to_owned(),
                provider: "Sandbox",
                author: "sandbox",
                variants: Vec::new(),
                thinks: false,
                failure: Some(failure),
                row: None,
                endpoints: Vec::new(),
            }),
            Target::Model(model, variants) => {
                if model.must_reason() && reasoning::is_forbidden(request) && !asked.starts_with('~') {
                    return Err(ApiError::bad_request(format!("{asked} cannot answer without reasoning")));
                }
                let endpoints = routing::endpoints(model, request)?;
                Ok(Self {
                    asked,
                    model: model.answers_as(),
                    provider: endpoints.first().map_or("Sandbox", |endpoint| &endpoint.provider),
                    author: model.author(),
                    thinks: model.must_reason() || variants.contains(&"thinking"),
                    variants,
                    failure: None,
                    row: Some(model),
                    endpoints,
                })
            }
        }
    }

    /// Dollars per token of a prompt this long, in and out.
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

    /// `fp_…` from some providers, null from others, and not even a key from the rest.
    pub(crate) fn fingerprint(&self) -> Option<Value> {
        match self.author {
            "openai" => Some("fp_5a9d3c17e0".into()),
            "google" => None,
            _ => Some(Value::Null),
        }
    }

    /// `openrouter_metadata`, for those who opted in.
    pub(crate) fn metadata(&self, attempt: usize) -> Value {
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
            "requested": self.asked,
            "strategy": if attempt > 1 { "fallback" } else { model_id::strategy(self.asked) },
            "region": null,
            "summary": format!("available={total}, selected={}", self.provider),
            "attempt": attempt,
            "is_byok": false,
            "endpoints": {"total": total, "available": available},
        })
    }
}
