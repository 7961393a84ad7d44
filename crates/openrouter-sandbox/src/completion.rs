//! A completion: the data from which the JSON body or the event stream is written.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::alignment::Alignment;
use crate::answer::{Answer, FinishReason};
use crate::api_error::ApiError;
use crate::cost::Usage;
use crate::failures::{self, Failure};
use crate::rng::Rng;
use crate::tokens::Logprobs;

/// The data of one completion.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    pub(crate) id: String,
    pub(crate) created: u64,
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) author: String,
    /// The field `system_fingerprint`; `None` leaves it out.
    pub(crate) fingerprint: Option<Value>,
    pub(crate) service_tier: Value,
    /// The field `openrouter_metadata`, if the request asks for it.
    pub(crate) metadata: Option<Value>,
    /// The upstream request, which a stream echoes first if the request asks for it.
    pub(crate) echo: Option<Value>,
    pub(crate) user_id: String,
    pub(crate) answer: Answer,
    /// The field `safeguard_results`, if the plugin `armor` judged the answer.
    pub(crate) safeguard_results: Option<Value>,
    /// The verdict of the plugin `alignment`, if it judged the answer.
    pub(crate) alignment: Option<Alignment>,
    pub(crate) usage: Usage,
    pub(crate) logprobs: Option<Logprobs>,
    /// The failure to play after the first token.
    pub(crate) failure: Option<Failure>,
    pub(crate) token_delay: Duration,
    pub(crate) slow_first_token: Duration,
    pub(crate) rng: Rng,
}

impl Completion {
    /// The fields with which the JSON body and every chunk begin.
    pub(crate) fn head(&self, object: &str) -> Map<String, Value> {
        let mut head = Map::new();
        head.insert("id".into(), self.id.clone().into());
        head.insert("object".into(), object.into());
        head.insert("created".into(), self.created.into());
        head.insert("model".into(), self.model.clone().into());
        head.insert("provider".into(), self.provider.clone().into());
        head
    }

    pub(crate) fn native_finish_reason(&self, finish: FinishReason) -> Value {
        finish.native(&self.author, self.answer.capped).into()
    }

    /// A copy for the cache to send, under a new id and time, with a usage of zero.
    pub(crate) fn replayed(self, id: String, created: u64) -> Self {
        Self { id, created, metadata: None, usage: Usage::default(), ..self }
    }

    /// The error that breaks the answer off.
    pub(crate) fn mid_stream_error(&self) -> Value {
        self.failure.map_or(Value::Null, Failure::mid_stream_error)
    }

    /// The error that replaces an answer which broke a rule of the alignment plugin.
    pub(crate) fn alignment_error(&self) -> ApiError {
        let verdict = self.alignment.as_ref().map(|alignment| alignment.json["calls"].clone());
        failures::alignment(self.answer.content.as_deref(), verdict)
    }

    /// Whether the plugin `alignment` holds the answer back.
    pub(crate) fn is_held_back(&self) -> bool {
        self.failure_name() == "alignment"
            || self.alignment.as_ref().is_some_and(|alignment| alignment.is_blocked)
    }

    /// The fields that plugins add beside the choices.
    pub(crate) fn plugin_fields(&self) -> impl Iterator<Item = (String, Value)> {
        let alignment = self.alignment.as_ref().map(|alignment| alignment.json.clone());
        let fields = [("safeguard_results", self.safeguard_results.clone()), ("alignment", alignment)];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }

    /// The name of the failure to play, or an empty string.
    pub(crate) fn failure_name(&self) -> &'static str {
        self.failure.map_or("", Failure::name)
    }
}

/// A body with an error alone, which the service sends with status 200.
pub(crate) fn error_envelope(user_id: &str) -> Value {
    json!({
        "error": {
            "code": 429,
            "message": "Provider returned error",
            "metadata": {"provider_name": "Sandbox", "raw": "too many requests, said with a smile and status 200"},
        },
        "user_id": user_id,
    })
}

/// A body whose fields are all null, which the service sends with status 200.
pub(crate) fn empty_body(created: u64) -> Value {
    json!({"id": null, "object": null, "created": created, "model": null, "choices": null, "usage": null})
}
