//! OpenRouter's dialect of chat completions: its fields of requests and answers, and its words for errors.

mod error;
mod model_id;
mod rules;
mod usage;
mod validate;

use std::borrow::Cow;

use lenient_json::Raw;
use openai_wire::error::{Rule, WireError};
use openai_wire::{Dialect, FieldWriter, Problems, exact};
use provider_core::author::{ResponseAccumulator, ResponseHead};
use provider_core::{ChatRequest, Effort, RawJson, Usage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::SerializeSeq;

use crate::config::DEFAULT_BASE_URL;
use crate::options::{OpenRouterOptions, Plugin, ProviderPreferences, ServerTool};
use crate::response::{self, DEBUG_FIELD};

/// OpenRouter's way to speak chat completions.
#[derive(Debug, Default)]
pub(crate) struct OpenRouterDialect {
    /// The workspace's preferences among upstream providers, for what a request leaves open.
    pub(crate) preferences: ProviderPreferences,
}

static NO_OPTIONS: OpenRouterOptions = OpenRouterOptions::NONE;

fn options(request: &ChatRequest) -> &OpenRouterOptions {
    request.options.get().unwrap_or(&NO_OPTIONS)
}

impl OpenRouterDialect {
    /// The request's preferences and the workspace's, joined; `None` when neither has any.
    fn preferences<'a>(&'a self, options: &'a OpenRouterOptions) -> Option<Cow<'a, ProviderPreferences>> {
        let has_defaults = self.preferences != ProviderPreferences::default();
        match &options.provider {
            None => has_defaults.then_some(Cow::Borrowed(&self.preferences)),
            Some(own) if has_defaults => Some(Cow::Owned(own.or(&self.preferences))),
            Some(own) => Some(Cow::Borrowed(own)),
        }
    }
}

/// Writes the options that are fields of the body. A new one is a row here and in [`read_option`].
macro_rules! option_fields {
    ($($name:literal => |$options:ident| $value:expr),* $(,)?) => {
        fn write_options<W: FieldWriter>(options: &OpenRouterOptions, body: &mut W) -> Result<(), W::Error> {
            $({
                let $options = options;
                if let Some(value) = $value {
                    body.field($name, &value)?;
                }
            })*
            Ok(())
        }
    };
}

option_fields! {
    "models" => |o| o.models.as_ref(),
    "prompt" => |o| o.prompt.as_ref(),
    "max_tool_calls" => |o| o.max_tool_calls,
    "stop_server_tools_when" => |o| o.stop_server_tools_when.as_ref(),
    "structured_outputs" => |o| o.structured_outputs,
    "reasoning_effort" => |o| o.reasoning_effort.as_ref().map(|effort| effort.as_str()),
    "include_reasoning" => |o| o.include_reasoning,
    "image_config" => |o| o.image_config.as_ref(),
    "speed" => |o| o.speed.as_ref(),
    "cache_control" => |o| o.cache_control.as_ref(),
    "route" => |o| o.route.as_ref(),
    "plugins" => |o| o.plugins.as_ref(),
    "preset" => |o| o.preset.as_ref(),
    "web_search_options" => |o| o.web_search_options.as_ref(),
    "x_search_filter" => |o| o.x_search_filter.as_ref(),
    "transforms" => |o| o.transforms.as_ref(),
    "session_id" => |o| o.session_id.as_ref(),
    "trace" => |o| o.trace.as_ref(),
    "debug" => |o| o.debug.as_ref(),
    "stream_options" => |o| o.stream_options.as_ref(),
    "usage" => |o| o.usage.as_ref(),
}

/// Reads an option from its field. False when it is none, or does not fit.
fn read_option(name: &str, raw: &RawJson, options: &mut OpenRouterOptions) -> bool {
    match name {
        "models" => put(&mut options.models, raw),
        "provider" => put(&mut options.provider, raw),
        "plugins" => match raw.read::<Vec<RawJson>>().ok() {
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
            set(&mut options.reasoning_effort, raw.read::<String>().ok().map(|word| Effort::from(&*word)))
        }
        "include_reasoning" => put(&mut options.include_reasoning, raw),
        "route" => put(&mut options.route, raw),
        "transforms" => put(&mut options.transforms, raw),
        "stream_options" => put(&mut options.stream_options, raw),
        "usage" => put(&mut options.usage, raw),
        _ => false,
    }
}

fn put<T: DeserializeOwned + Serialize>(place: &mut Option<T>, raw: &RawJson) -> bool {
    set(place, exact(raw))
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some();
    *place = value;
    fits
}

impl Dialect for OpenRouterDialect {
    fn write_fields<W: FieldWriter>(
        &self,
        request: &ChatRequest,
        _stream: bool,
        body: &mut W,
    ) -> Result<(), W::Error> {
        let options = options(request);
        if let Some(preferences) = self.preferences(options) {
            body.field("provider", &*preferences)?;
        }
        write_options(options, body)
    }

    fn asks_for_usage(&self) -> bool {
        // The service sends it unasked.
        false
    }

    fn tool_count(&self, request: &ChatRequest) -> usize {
        options(request).server_tools.as_ref().map_or(0, |tools| tools.len())
    }

    fn write_tools<S: SerializeSeq>(&self, request: &ChatRequest, tools: &mut S) -> Result<(), S::Error> {
        let server_tools = options(request).server_tools.as_ref().map_or(&[][..], |tools| tools);
        server_tools.iter().try_for_each(|tool| tools.serialize_element(tool))
    }

    fn has_prompt(&self, request: &ChatRequest) -> bool {
        options(request).prompt.is_some()
    }

    fn validate(&self, request: &ChatRequest, problems: &mut Problems) {
        let options = options(request);
        validate::options(request, options, problems);
        if let Some(preferences) = self.preferences(options) {
            validate::preferences(&preferences, problems);
        }
    }

    fn is_same_model(&self, one: &str, other: &str) -> bool {
        model_id::is_same_model(one, other)
    }

    fn read_field(&self, name: &str, value: &RawJson, request: &mut ChatRequest) -> bool {
        request.options.edit(|options: &mut OpenRouterOptions| read_option(name, value, options))
    }

    fn read_tools(&self, tools: &[RawJson], request: &mut ChatRequest) -> bool {
        let server_tool = |raw: &RawJson| exact(raw).unwrap_or_else(|| ServerTool::Other(raw.clone()));
        let tools = tools.iter().map(server_tool).collect();
        request.options.edit(|options: &mut OpenRouterOptions| options.server_tools = Some(tools));
        true
    }

    fn is_repeated_field(&self, name: &str) -> bool {
        name == DEBUG_FIELD
    }

    fn read_usage(&self, raw: Raw<'_>, figures: &mut Usage) {
        usage::read(raw, figures);
    }

    fn complete(&self, head: &ResponseHead, out: &mut ResponseAccumulator) {
        response::complete(head, out);
    }

    fn read_error(&self, error: Raw<'_>, out: &mut WireError) {
        error::read(error, out);
    }

    fn rules(&self) -> &'static [Rule] {
        rules::RULES
    }

    fn example_base_url(&self) -> &str {
        DEFAULT_BASE_URL
    }
}
