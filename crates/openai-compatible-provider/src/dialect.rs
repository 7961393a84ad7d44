//! The dialect of a server: what it lacks of chat completions.

use openai_wire::{Dialect, Problems};
use provider_core::{ChatRequest, ConfigValues};

use crate::config::OUTPUT_CAPS;
use crate::{ID, preset};

/// A server's way to speak chat completions, by its settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompatibleDialect {
    unsupported: Vec<String>,
    /// The name under which the server takes the output cap. `None`: as the request has it.
    output_cap: Option<&'static str>,
    include_usage: bool,
}

impl CompatibleDialect {
    pub(crate) fn new(values: &ConfigValues) -> Self {
        let unsupported = values.list("unsupported_parameters");
        let cap = values.get("output_cap");
        Self {
            unsupported: unsupported.filter(|name| *name != preset::NONE).map(str::to_owned).collect(),
            output_cap: OUTPUT_CAPS.iter().copied().find(|name| Some(*name) == cap),
            include_usage: values.flag("stream_options").unwrap_or(true),
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

    fn parameter_name(&self, name: &'static str) -> &'static str {
        self.output_cap.filter(|_| OUTPUT_CAPS.contains(&name)).unwrap_or(name)
    }

    fn validate(&self, request: &ChatRequest, problems: &mut Problems) {
        problems.refuse(request, |name| self.unsupported.iter().any(|unsupported| unsupported == name));
    }
}
