//! The body of a chat request, read back: the reverse of [`request`](super::request).
//!
//! A value takes its typed place if every key in it is known and every value fits; what does not is kept as
//! the JSON it is, in the nearest place that takes JSON, and goes out again unchanged.

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

pub(crate) use self::exact::exact;
use self::exact::object;
use crate::options::{OpenRouterOptions, Plugin};

/// Reads a body; says whether it asks for a stream.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest) when the text is no JSON object,
/// or when model or messages cannot be read.
pub(crate) fn body(json: &str) -> Result<(ChatRequest, bool), Error> {
    let fields: Fields = serde_json::from_str(json)
        .map_err(|cause| refused("body", format!("is no JSON object: {cause}")).with_source(cause))?;
    let mut reader = Reader::default();
    for (name, raw) in fields.0 {
        reader.field(name, &raw)?;
    }
    let Reader { mut request, options, stream } = reader;
    if options != OpenRouterOptions::new() {
        request = request.options(options);
    }
    Ok((request, stream))
}

#[derive(Default)]
struct Reader {
    request: ChatRequest,
    options: OpenRouterOptions,
    stream: bool,
}

impl Reader {
    fn field(&mut self, name: String, raw: &RawJson) -> Result<(), Error> {
        if raw.get() == "null" {
            return Ok(());
        }
        match name.as_str() {
            "model" => self.request.model = text(raw).ok_or_else(|| refused("model", "is no text"))?,
            "stream" => {
                self.stream = fitting(raw).ok_or_else(|| refused("stream", "is neither true nor false"))?
            }
            "messages" => {
                let messages: Vec<RawJson> =
                    fitting(raw).ok_or_else(|| refused("messages", "is no list of messages"))?;
                self.request.messages = messages.iter().map(message::read).collect();
            }
            _ => {
                if !(self.portable(&name, raw) || self.own(&name, raw)) {
                    // A value can be JSON by its grammar, and nothing that can be held.
                    let value = serde_json::from_str(raw.get()).map_err(|cause| {
                        refused(&name, format!("cannot be kept: {cause}")).with_source(cause)
                    })?;
                    self.request.extra.insert(name, value);
                }
            }
        }
        Ok(())
    }

    /// A field that any provider may know. False when it is none, or does not fit.
    fn portable(&mut self, name: &str, raw: &RawJson) -> bool {
        let request = &mut self.request;
        match name {
            "tools" => return tool::read(raw, request, &mut self.options),
            "tool_choice" => request.tool_choice = Some(tool::choice(raw)),
            "parallel_tool_calls" => return put(&mut request.parallel_tool_calls, raw),
            "response_format" => request.response_format = Some(tool::format(raw)),
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
            "prediction" => return set(&mut request.prediction, prediction(raw)),
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

    /// A field that only this service knows.
    fn own(&mut self, name: &str, raw: &RawJson) -> bool {
        let options = &mut self.options;
        match name {
            "models" => put(&mut options.models, raw),
            "provider" => put(&mut options.provider, raw),
            "plugins" => match fitting::<Vec<RawJson>>(raw) {
                Some(list) => {
                    let plugin = |raw: RawJson| exact(&raw).unwrap_or(Plugin::Other(raw));
                    options.plugins = Some(list.into_iter().map(plugin).collect());
                    true
                }
                None => false,
            },
            "stop_server_tools_when" => put(&mut options.stop_server_tools_when, raw),
            "max_tool_calls" => put(&mut options.max_tool_calls, raw),
            "session_id" => put(&mut options.session_id, raw),
            "trace" => put(&mut options.trace, raw),
            "debug" => put(&mut options.debug, raw),
            "cache_control" => put(&mut options.cache_control, raw),
            "image_config" => put(&mut options.image_config, raw),
            "preset" => put(&mut options.preset, raw),
            "structured_outputs" => put(&mut options.structured_outputs, raw),
            "web_search_options" => put(&mut options.web_search_options, raw),
            "x_search_filter" => put(&mut options.x_search_filter, raw),
            "speed" => put(&mut options.speed, raw),
            "prompt" => put(&mut options.prompt, raw),
            "reasoning_effort" => {
                set(&mut options.reasoning_effort, text(raw).map(|word| Effort::from(&*word)))
            }
            "include_reasoning" => put(&mut options.include_reasoning, raw),
            "route" => put(&mut options.route, raw),
            "transforms" => put(&mut options.transforms, raw),
            "stream_options" => put(&mut options.stream_options, raw),
            "usage" => put(&mut options.usage, raw),
            _ => false,
        }
    }
}

/// The value as `T`, if it fits.
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
        // Only one of them can be meant; which one is the service's to say.
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

fn prediction(raw: &RawJson) -> Option<Content> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        r#type: String,
        content: RawJson,
    }
    let wire: Wire = object(raw)?;
    if wire.r#type == "content" { part::content(&wire.content) } else { None }
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
struct Fields(Vec<(String, RawJson)>);

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
