//! The fields of a chat request's body, borrowed from the [`ChatRequest`].

use std::borrow::Cow;

use provider_core::author::unique_call_ids;
use provider_core::{ChatRequest, Message};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::message::WireMessage;
use super::part::WireContent;
use super::tool::{WireChoice, WireFormat, WireReasoning, WireTools};
use super::write::List;
use crate::options::{OpenRouterOptions, ProviderPreferences};

/// What a body is made of.
pub(super) struct Body<'a> {
    pub(super) request: &'a ChatRequest,
    pub(super) options: &'a OpenRouterOptions,
    messages: Cow<'a, [Message]>,
    /// The request's preferences and the workspace's, joined.
    pub(super) preferences: Cow<'a, ProviderPreferences>,
    stream: bool,
}

static NO_OPTIONS: OpenRouterOptions = OpenRouterOptions::NONE;

impl<'a> Body<'a> {
    pub(super) fn new(request: &'a ChatRequest, defaults: &'a ProviderPreferences, stream: bool) -> Self {
        let options = request.options.get::<OpenRouterOptions>().unwrap_or(&NO_OPTIONS);
        let preferences = match &options.provider {
            None => Cow::Borrowed(defaults),
            Some(own) if *defaults == ProviderPreferences::default() => Cow::Borrowed(own),
            Some(own) => Cow::Owned(own.or(defaults)),
        };
        Self { request, options, messages: unique_call_ids(&request.messages), preferences, stream }
    }
}

/// Writes the fields that are set, and knows which are.
macro_rules! body_fields {
    ($($name:literal => |$request:ident, $options:ident, $body:ident| $value:expr),* $(,)?) => {
        impl Serialize for Body<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut body = serializer.serialize_map(None)?;
                $({
                    let ($request, $options, $body) = (self.request, self.options, self);
                    if let Some(value) = $value {
                        body.serialize_entry($name, &value)?;
                    }
                })*
                for (name, value) in &self.request.extra {
                    body.serialize_entry(name, value)?;
                }
                body.end()
            }
        }

        impl Body<'_> {
            /// Whether a field is written from a place of its own, so that it cannot come from `extra` as
            /// well.
            ///
            /// `stream` never can: the method that is called says it.
            pub(super) fn writes(&self, name: &str) -> bool {
                name == "stream" || self.has(name)
            }

            fn has(&self, name: &str) -> bool {
                match name {
                    $($name => {
                        let ($request, $options, $body) = (self.request, self.options, self);
                        $value.is_some()
                    })*
                    _ => false,
                }
            }
        }
    };
}

body_fields! {
    "model" => |r, _o, _b| Some(&r.model),
    "models" => |_r, o, _b| o.models.as_ref(),
    "messages" => |r, _o, b| filled(&b.messages).map(|list| List(list, |m| WireMessage(m, &r.model))),
    "prompt" => |_r, o, _b| o.prompt.as_ref(),
    "tools" => |r, o, _b| WireTools::of(r, o),
    "tool_choice" => |r, _o, _b| r.tool_choice.as_ref().map(WireChoice),
    "parallel_tool_calls" => |r, _o, _b| r.parallel_tool_calls,
    "max_tool_calls" => |_r, o, _b| o.max_tool_calls,
    "stop_server_tools_when" => |_r, o, _b| o.stop_server_tools_when.as_ref(),
    "response_format" => |r, _o, _b| r.response_format.as_ref().map(WireFormat),
    "structured_outputs" => |_r, o, _b| o.structured_outputs,
    "reasoning" => |r, _o, _b| r.reasoning.as_ref().map(WireReasoning),
    "reasoning_effort" => |_r, o, _b| o.reasoning_effort.as_ref().map(|effort| effort.as_str()),
    "include_reasoning" => |_r, o, _b| o.include_reasoning,
    "temperature" => |r, _o, _b| r.temperature,
    "top_p" => |r, _o, _b| r.top_p,
    "top_k" => |r, _o, _b| r.top_k,
    "top_a" => |r, _o, _b| r.top_a,
    "min_p" => |r, _o, _b| r.min_p,
    "frequency_penalty" => |r, _o, _b| r.frequency_penalty,
    "presence_penalty" => |r, _o, _b| r.presence_penalty,
    "repetition_penalty" => |r, _o, _b| r.repetition_penalty,
    "seed" => |r, _o, _b| r.seed,
    "stop" => |r, _o, _b| filled(&r.stop),
    "max_tokens" => |r, _o, _b| r.max_tokens,
    "max_completion_tokens" => |r, _o, _b| r.max_completion_tokens,
    "logit_bias" => |r, _o, _b| (!r.logit_bias.is_empty()).then_some(&r.logit_bias),
    "logprobs" => |r, _o, _b| r.logprobs,
    "top_logprobs" => |r, _o, _b| r.top_logprobs,
    "verbosity" => |r, _o, _b| r.verbosity.as_ref(),
    "prediction" => |r, _o, _b| r.prediction.as_ref().map(|text| Prediction { r#type: "content", content: WireContent(text) }),
    "modalities" => |r, _o, _b| filled(&r.modalities),
    "audio" => |r, _o, _b| r.audio.as_ref().map(|audio| json!({ "voice": audio.voice, "format": audio.format })),
    "image_config" => |_r, o, _b| o.image_config.as_ref(),
    "service_tier" => |r, _o, _b| r.service_tier.as_ref(),
    "speed" => |_r, o, _b| o.speed.as_ref(),
    "prompt_cache_key" => |r, _o, _b| r.prompt_cache_key.as_ref(),
    "prompt_cache_options" => |r, _o, _b| r.prompt_cache_options.as_ref().map(|options| PromptCache {
        mode: &options.mode,
        ttl: options.ttl.as_deref(),
    }),
    "cache_control" => |_r, o, _b| o.cache_control.as_ref(),
    "provider" => |_r, o, b| (o.provider.is_some() || *b.preferences != ProviderPreferences::default()).then_some(&*b.preferences),
    "route" => |_r, o, _b| o.route.as_ref(),
    "plugins" => |_r, o, _b| o.plugins.as_ref(),
    "preset" => |_r, o, _b| o.preset.as_ref(),
    "web_search_options" => |_r, o, _b| o.web_search_options.as_ref(),
    "x_search_filter" => |_r, o, _b| o.x_search_filter.as_ref(),
    "transforms" => |_r, o, _b| o.transforms.as_ref(),
    "user" => |r, _o, _b| r.user.as_ref(),
    "session_id" => |_r, o, _b| o.session_id.as_ref(),
    "metadata" => |r, _o, _b| (!r.metadata.is_empty()).then_some(&r.metadata),
    "trace" => |_r, o, _b| o.trace.as_ref(),
    "debug" => |_r, o, _b| o.debug.as_ref(),
    "stream" => |_r, _o, b| b.stream.then_some(true),
    "stream_options" => |_r, o, _b| o.stream_options.as_ref(),
    "usage" => |_r, o, _b| o.usage.as_ref(),
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
struct PromptCache<'a> {
    mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}
