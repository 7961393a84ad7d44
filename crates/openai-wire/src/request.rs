//! Checks a chat request, and writes its body once, from borrowed values.

mod foreign;
mod message;
mod part;
#[cfg(test)]
mod tests;
mod tool;
mod validate;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::convert::Infallible;

use provider_core::author::unique_call_ids;
use provider_core::{ChatRequest, Error, ErrorKind, Message};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use self::message::WireMessage;
use self::part::WireContent;
use self::tool::{WireChoice, WireFormat, WireReasoning, WireTools};
pub use self::validate::{NOT_FINITE, Problems};
use crate::dialect::{Dialect, WIRE};

/// Writes the body of `POST /chat/completions`. `stream`: whether it asks for a stream.
///
/// The encoder adds, clamps and drops no field: it refuses a field that cannot be sent by its name.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with every field that cannot be sent.
pub fn encode<D: Dialect>(request: &ChatRequest, stream: bool, dialect: &D) -> Result<Vec<u8>, Error> {
    let body = Body { request, messages: unique_call_ids(&request.messages), stream, dialect };
    let problems = validate::problems(&body);
    if !problems.is_empty() {
        return Err(Error::invalid_request(problems));
    }
    serde_json::to_vec(&body).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest, "the request cannot be written as JSON").with_source(cause)
    })
}

/// The parts that a body is made of.
struct Body<'a, D> {
    request: &'a ChatRequest,
    messages: Cow<'a, [Message]>,
    stream: bool,
    dialect: &'a D,
}

/// Writes the fields that are set. A new parameter of requests is one row here.
macro_rules! body_fields {
    ($($name:literal => |$request:ident, $body:ident| $value:expr),* $(,)?) => {
        impl<D: Dialect> Body<'_, D> {
            fn write_portable<W: FieldWriter>(&self, body: &mut W) -> Result<(), W::Error> {
                $({
                    let ($request, $body) = (self.request, self);
                    if let Some(value) = $value {
                        body.field($name, &value)?;
                    }
                })*
                Ok(())
            }
        }
    };
}

body_fields! {
    "model" => |r, _b| Some(&r.model),
    "messages" => |r, b| filled(&b.messages).map(|list| List(list, |m| WireMessage(m, &r.model, b.dialect))),
    "tools" => |r, b| WireTools::of(r, b.dialect),
    "tool_choice" => |r, _b| r.tool_choice.as_ref().map(WireChoice),
    "parallel_tool_calls" => |r, _b| r.parallel_tool_calls,
    "response_format" => |r, _b| r.response_format.as_ref().map(WireFormat),
    "reasoning" => |r, _b| r.reasoning.as_ref().map(WireReasoning),
    "temperature" => |r, _b| r.temperature,
    "top_p" => |r, _b| r.top_p,
    "top_k" => |r, _b| r.top_k,
    "top_a" => |r, _b| r.top_a,
    "min_p" => |r, _b| r.min_p,
    "frequency_penalty" => |r, _b| r.frequency_penalty,
    "presence_penalty" => |r, _b| r.presence_penalty,
    "repetition_penalty" => |r, _b| r.repetition_penalty,
    "seed" => |r, _b| r.seed,
    "stop" => |r, _b| filled(&r.stop),
    "max_tokens" => |r, _b| r.max_tokens,
    "max_completion_tokens" => |r, _b| r.max_completion_tokens,
    "logit_bias" => |r, _b| (!r.logit_bias.is_empty()).then_some(&r.logit_bias),
    "logprobs" => |r, _b| r.logprobs,
    "top_logprobs" => |r, _b| r.top_logprobs,
    "verbosity" => |r, _b| r.verbosity.as_ref(),
    "prediction" => |r, _b| r.prediction.as_ref().map(|text| Prediction { r#type: "content", content: WireContent(text) }),
    "modalities" => |r, _b| filled(&r.modalities),
    "audio" => |r, _b| r.audio.as_ref().map(|audio| json!({ "voice": audio.voice, "format": audio.format })),
    "service_tier" => |r, _b| r.service_tier.as_ref(),
    "prompt_cache_key" => |r, _b| r.prompt_cache_key.as_ref(),
    "prompt_cache_options" => |r, _b| r.prompt_cache_options.as_ref().map(|options| PromptCache {
        mode: &options.mode,
        ttl: options.ttl.as_deref(),
    }),
    "user" => |r, _b| r.user.as_ref(),
    "metadata" => |r, _b| (!r.metadata.is_empty()).then_some(&r.metadata),
    "stream" => |_r, b| b.stream.then_some(true),
    "stream_options" => |_r, b| (b.stream && b.dialect.asks_for_usage()).then_some(StreamOptions { include_usage: true }),
}

impl<D: Dialect> Serialize for Body<'_, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = Fields(serializer.serialize_map(None)?);
        self.write_portable(&mut body)?;
        self.dialect.write_fields(self.request, self.stream, &mut body)?;
        for extra in extra_of(self.request, self.dialect.provider()) {
            body.field(extra.name, extra.value)?;
        }
        body.0.end()
    }
}

impl<D: Dialect> Body<'_, D> {
    /// Returns the names of the fields that are written from a place of their own, so that they cannot come
    /// from `extra` as well. `stream` never can: the called method decides it.
    fn names(&self) -> BTreeSet<String> {
        let mut names = Names(BTreeSet::from(["stream".to_owned()]));
        let Ok(()) = self.write_portable(&mut names);
        let Ok(()) = self.dialect.write_fields(self.request, self.stream, &mut names);
        names.0
    }
}

/// Takes the fields of a body, in the order in which they are to be written.
pub trait FieldWriter {
    /// The error of writing.
    type Error;

    /// Writes a field.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    fn field<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), Self::Error>;
}

/// Writes fields as JSON.
struct Fields<M>(M);

impl<M: SerializeMap> FieldWriter for Fields<M> {
    type Error = M::Error;

    fn field<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }
}

/// Records the names of fields, and writes nothing.
struct Names(BTreeSet<String>);

impl FieldWriter for Names {
    type Error = Infallible;

    fn field<V: Serialize + ?Sized>(&mut self, name: &str, _: &V) -> Result<(), Infallible> {
        self.0.insert(name.to_owned());
        Ok(())
    }
}

/// A parameter from [`ChatRequest::extra`].
struct Extra<'a> {
    /// The provider or the wire that it is set for.
    provider: &'a str,
    name: &'a str,
    value: &'a Value,
}

/// Returns the extra parameters of the wire, then those of the provider.
fn extra_of<'a>(request: &'a ChatRequest, provider: &str) -> impl Iterator<Item = Extra<'a>> {
    let own = Some(provider).filter(|provider| *provider != WIRE);
    let sets = [Some(WIRE), own].map(|name| name.and_then(|name| request.extra.get_key_value(name)));
    sets.into_iter()
        .flatten()
        .flat_map(|(provider, set)| set.iter().map(move |(name, value)| Extra { provider, name, value }))
}

/// A list whose items are written through a wrapper.
struct List<'a, T, F>(&'a [T], F);

impl<'a, T, W: Serialize, F: Fn(&'a T) -> W> Serialize for List<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// Makes the error of a variant of the vocabulary that is newer than this crate: refused rather than dropped.
fn unknown<E: serde::ser::Error>(what: &str, value: &impl std::fmt::Debug) -> E {
    E::custom(format!("{what}: this provider does not know how to send {value:?}"))
}

fn filled<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

#[derive(Serialize)]
struct Prediction<'a> {
    r#type: &'static str,
    content: WireContent<'a>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct PromptCache<'a> {
    mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}
