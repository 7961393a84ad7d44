//! OpenRouter's dialect of chat completions: its fields of requests and answers, and its words for errors.

mod error;
pub(crate) mod model_id;
mod rules;
#[cfg(test)]
mod tests;
mod usage;
mod validate;

use std::borrow::Cow;

use lenient_json::Raw;
use openai_wire::error::WireError;
use openai_wire::rules::Rule;
use openai_wire::{Dialect, FieldWriter, Problems, exact};
use provider_core::author::{ResponseAccumulator, ResponseHead};
use provider_core::{ChatRequest, Effort, RawJson, Usage};
use serde::ser::SerializeSeq;

use crate::config::DEFAULT_BASE_URL;
use crate::options::{List, OpenRouterOptions, Plugin, ProviderPreferences, ServerTool};
use crate::response::{self, DEBUG_FIELD, SAFEGUARD_FIELD};

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

/// Reads an option from its field. False when it is none, or does not fit.
fn read_option(name: &str, raw: &RawJson, options: &mut OpenRouterOptions) -> bool {
    match name {
        "provider" => set(&mut options.provider, exact(raw)),
        "plugins" => set(&mut options.plugins, raw.read::<Vec<RawJson>>().ok().map(plugins)),
        "reasoning_effort" => set(&mut options.reasoning_effort, raw.read().ok().map(effort)),
        name => options.read_field(name, raw),
    }
}

/// Reads plugins; one that does not fit stays the JSON that it is.
fn plugins(list: Vec<RawJson>) -> List<Plugin> {
    list.into_iter().map(|raw| exact(&raw).unwrap_or(Plugin::Other(raw))).collect()
}

fn effort(word: String) -> Effort {
    Effort::from(&*word)
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some();
    *place = value;
    fits
}

impl Dialect for OpenRouterDialect {
    fn provider(&self) -> &str {
        crate::ID
    }

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
        if let Some(effort) = &options.reasoning_effort {
            body.field("reasoning_effort", effort.as_str())?;
        }
        if let Some(plugins) = &options.plugins {
            body.field("plugins", plugins)?;
        }
        options.write_fields(body)
    }

    fn include_usage(&self) -> bool {
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
        name == DEBUG_FIELD || name == SAFEGUARD_FIELD
    }

    fn read_usage_field(&self, name: &str, value: Raw<'_>, figures: &mut Usage) {
        usage::read_field(name, value, figures);
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
