//! Reads the body of a chat request back.

mod exact;
mod message;
mod part;
mod tool;

use std::fmt;

use provider_core::{
    AudioOutput, ChatRequest, Content, Effort, Error, FieldProblem, PromptCacheOptions, RawJson, Reasoning,
    ReasoningBudget,
};
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;

pub use self::exact::exact;
use self::exact::object;
use crate::dialect::Dialect;

/// A body that was read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReadBody {
    /// The request in the body.
    pub request: ChatRequest,
    /// Whether it asks for a stream.
    pub stream: bool,
}

/// Reads the body of a chat request, strictly: the reverse of [`encode`](crate::encode).
///
/// A value becomes typed if every key in it is known and every value fits. Anything else stays JSON, and
/// [`encode`](crate::encode) writes it as it came: unknown fields in [`ChatRequest::extra`], unknown
/// messages, parts and tools in the `Other` of their types, under the name of the dialect's
/// [provider](Dialect::provider), or of the [wire](crate::WIRE) where the dialect has none. `null` counts as
/// absent.
///
/// To store a request, use its `Serialize`: a body has neither the options that are no fields of it, nor the
/// makers of messages, and no provider but the dialect's.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest) when the text is no JSON object,
/// when `model`, `messages` or `stream` cannot be read, or when an unknown field has a value that nothing can
/// hold (`1e999`, half a character).
pub fn decode<D: Dialect>(json: &str, dialect: &D) -> Result<ReadBody, Error> {
    let fields: Fields = serde_json::from_str(json)
        .map_err(|cause| refused("body", format!("is no JSON object: {cause}")).with_source(cause))?;
    let mut body = ReadBody { request: ChatRequest::default(), stream: false };
    for (name, raw) in fields.0 {
        if raw.get() != "null" {
            body.field(name, &raw, dialect)?;
        }
    }
    Ok(body)
}

impl ReadBody {
    fn field<D: Dialect>(&mut self, name: String, raw: &RawJson, dialect: &D) -> Result<(), Error> {
        match name.as_str() {
            "model" => self.request.model = text(raw).ok_or_else(|| refused("model", "is no text"))?,
            "stream" => {
                self.stream = fitting(raw).ok_or_else(|| refused("stream", "is neither true nor false"))?;
            }
            "messages" => {
                let messages: Vec<RawJson> =
                    fitting(raw).ok_or_else(|| refused("messages", "is no list of messages"))?;
                let provider = dialect.provider();
                self.request.messages = messages.iter().map(|raw| message::read(raw, provider)).collect();
            }
            _ => {
                let is_read = portable(&name, raw, &mut self.request, dialect)
                    || dialect.read_field(&name, raw, &mut self.request);
                if !is_read {
                    // JSON's grammar allows values that `Value` cannot hold.
                    let value = serde_json::from_str(raw.get()).map_err(|cause| {
                        refused(&name, format!("cannot be kept: {cause}")).with_source(cause)
                    })?;
                    let extra = self.request.extra.entry(dialect.provider().to_owned());
                    extra.or_default().insert(name, value);
                }
            }
        }
        Ok(())
    }
}

/// Reads a field that any provider may know. False when it is none, or does not fit.
fn portable<D: Dialect>(name: &str, raw: &RawJson, request: &mut ChatRequest, dialect: &D) -> bool {
    match name {
        "tools" => return tool::read(raw, request, dialect),
        "tool_choice" => request.tool_choice = Some(tool::choice(raw, dialect.provider())),
        "parallel_tool_calls" => return put(&mut request.parallel_tool_calls, raw),
        "response_format" => request.response_format = Some(tool::format(raw, dialect.provider())),
        "reasoning" => return set(&mut request.reasoning, reasoning(raw)),
        "temperature" => return put(&mut request.temperature, raw),
        "top_p" => return put(&mut request.top_p, raw),
        "top_k" => return put(&mut request.top_k, raw),
        "top_a" => return put(&mut request.top_a, raw),
        "min_p" => return put(&mut request.min_p, raw),
        "frequency_penalty" => return put(&mut request.frequency_penalty, raw),
        "presence_penalty" => return put(&mut request.presence_penalty, raw),
        "repetition_penalty" => return put(&mut request.repetition_penalty, raw),
        "seed" => return put(&mut request.seed, raw),
        "stop" => {
            let list = fitting(raw).or_else(|| text(raw).map(|one| vec![one]));
            return list.map(|list| request.stop = list).is_some();
        }
        "max_tokens" => return put(&mut request.max_tokens, raw),
        "max_completion_tokens" => return put(&mut request.max_completion_tokens, raw),
        "logit_bias" => return fitting(raw).map(|bias| request.logit_bias = bias).is_some(),
        "logprobs" => return put(&mut request.logprobs, raw),
        "top_logprobs" => return put(&mut request.top_logprobs, raw),
        "verbosity" => return put(&mut request.verbosity, raw),
        "prediction" => return set(&mut request.prediction, prediction(raw, dialect.provider())),
        "modalities" => return fitting(raw).map(|list| request.modalities = list).is_some(),
        "audio" => return set(&mut request.audio, audio(raw)),
        "service_tier" => return put(&mut request.service_tier, raw),
        "prompt_cache_key" => return put(&mut request.prompt_cache_key, raw),
        "prompt_cache_options" => return set(&mut request.prompt_cache_options, prompt_cache(raw)),
        "user" => return put(&mut request.user, raw),
        "metadata" => return fitting(raw).map(|labels| request.metadata = labels).is_some(),
        _ => return false,
    }
    true
}

/// Returns the value as `T`, if it fits.
fn fitting<T: DeserializeOwned>(raw: &RawJson) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn text(raw: &RawJson) -> Option<String> {
    fitting(raw)
}

fn put<T: DeserializeOwned + Serialize>(place: &mut Option<T>, raw: &RawJson) -> bool {
    set(place, exact(raw))
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some();
    *place = value;
    fits
}

fn refused(field: &str, what: impl Into<String>) -> Error {
    Error::invalid_request(vec![FieldProblem::new(field, what)])
}

fn reasoning(raw: &RawJson) -> Option<Reasoning> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        effort: Option<String>,
        max_tokens: Option<u32>,
        enabled: Option<bool>,
        exclude: Option<bool>,
        summary: Option<String>,
        context: Option<String>,
        mode: Option<String>,
    }
    let wire: Wire = object(raw)?;
    let mut reasoning = Reasoning::default();
    reasoning.budget = match (wire.effort, wire.max_tokens) {
        // Only one of them can be meant, and only the service knows which.
        (Some(_), Some(_)) => return None,
        (Some(effort), None) => Some(ReasoningBudget::Effort(Effort::from(&*effort))),
        (None, tokens) => tokens.map(ReasoningBudget::MaxTokens),
    };
    reasoning.enabled = wire.enabled;
    reasoning.exclude = wire.exclude;
    reasoning.summary = wire.summary;
    reasoning.context = wire.context;
    reasoning.mode = wire.mode;
    Some(reasoning)
}

fn prediction(raw: &RawJson, provider: &str) -> Option<Content> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        r#type: String,
        content: RawJson,
    }
    let wire: Wire = object(raw)?;
    if wire.r#type == "content" { part::content(&wire.content, provider) } else { None }
}

fn audio(raw: &RawJson) -> Option<AudioOutput> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        voice: String,
        format: String,
    }
    let wire: Wire = object(raw)?;
    Some(AudioOutput::new(wire.voice, wire.format))
}

fn prompt_cache(raw: &RawJson) -> Option<PromptCacheOptions> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        mode: String,
        ttl: Option<String>,
    }
    let wire: Wire = object(raw)?;
    let mut options = PromptCacheOptions::explicit();
    options.mode = wire.mode;
    options.ttl = wire.ttl;
    Some(options)
}

/// The fields of an object in order, unread.
pub(crate) struct Fields(pub(crate) Vec<(String, RawJson)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A value, for places that keep it.
fn value(raw: &RawJson) -> Value {
    fitting(raw).unwrap_or_default()
}
