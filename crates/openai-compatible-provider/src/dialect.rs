//! The dialect of a server: what it lacks of chat completions.

use std::borrow::Cow;

use openai_wire::{Dialect, Problems, WIRE};
use provider_core::{ChatRequest, ConfigValues};

use crate::{ID, config};

/// A server's way to speak chat completions, by its settings.
#[derive(Debug)]
pub(crate) struct CompatibleDialect {
    unsupported: Vec<String>,
    output_cap: OutputCap,
    include_usage: bool,
}

/// The name under which the server takes the output cap.
#[derive(Clone, Copy, Debug)]
enum OutputCap {
    AsRequested,
    MaxTokens,
    MaxCompletionTokens,
}

impl CompatibleDialect {
    pub(crate) fn new(values: &ConfigValues) -> Self {
        let unsupported = config::items(values.get("unsupported_parameters").unwrap_or_default());
        Self {
            unsupported: unsupported.filter(|name| *name != config::NONE).map(str::to_owned).collect(),
            output_cap: match values.get("output_cap") {
                Some("max_tokens") => OutputCap::MaxTokens,
                Some("max_completion_tokens") => OutputCap::MaxCompletionTokens,
                _ => OutputCap::AsRequested,
            },
            include_usage: values.flag("stream_options").unwrap_or(true),
        }
    }

    /// Returns the request with its output cap under the name that the server takes. One with both names is
    /// left as it is, and refused.
    pub(crate) fn with_output_cap<'r>(&self, request: &'r ChatRequest) -> Cow<'r, ChatRequest> {
        let mut request = Cow::Borrowed(request);
        match (self.output_cap, request.max_tokens, request.max_completion_tokens) {
            (OutputCap::MaxTokens, None, cap @ Some(_)) => {
                let request = request.to_mut();
                (request.max_tokens, request.max_completion_tokens) = (cap, None);
            }
            (OutputCap::MaxCompletionTokens, cap @ Some(_), None) => {
                let request = request.to_mut();
                (request.max_tokens, request.max_completion_tokens) = (None, cap);
            }
            _ => {}
        }
        request
    }

    fn refuse(&self, name: &str, field: impl FnOnce() -> String, problems: &mut Problems) {
        if self.unsupported.iter().any(|unsupported| unsupported == name) {
            problems.add(
                field(),
                "this server does not take it (its setting unsupported_parameters); leave it out",
            );
        }
    }
}

impl Dialect for CompatibleDialect {
    fn provider(&self) -> &str {
        ID
    }

    fn include_usage(&self) -> bool {
        self.include_usage
    }

    fn validate(&self, request: &ChatRequest, problems: &mut Problems) {
        let tools = (!request.tools.is_empty()).then_some("tools");
        for name in tools.into_iter().chain(request.parameters().map(|parameter| parameter.name)) {
            self.refuse(name, || name.to_owned(), problems);
        }
        for provider in [WIRE, ID] {
            for name in request.extra.get(provider).into_iter().flat_map(|extra| extra.keys()) {
                self.refuse(name, || format!("extra.{provider}.{name}"), problems);
            }
        }
    }
}
