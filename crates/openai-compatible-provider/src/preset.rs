//! Known servers as data: the settings that fit them.

use provider_core::ConfigValues;

/// The settings that fit a known server. They count where a setting is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// The value of the setting `preset`.
    pub name: &'static str,
    /// Settings by key, as in [`FIELDS`](crate::FIELDS).
    pub values: &'static [(&'static str, &'static str)],
}

/// The presets: servers of one's own with their usual port, and OpenAI.
///
/// `unsupported_parameters` has what a server passes over without a word, where that changes the answer, or
/// what it refuses for every model. The page about compatible servers says where each fact is from.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "vllm",
        values: &[
            ("base_url", "http://localhost:8000/v1"),
            (
                "unsupported_parameters",
                "reasoning, top_a, verbosity, prediction, modalities, audio, service_tier, \
                 prompt_cache_options",
            ),
        ],
    },
    Preset {
        name: "ollama",
        values: &[
            ("base_url", "http://localhost:11434/v1"),
            ("output_cap", "max_tokens"),
            (
                "unsupported_parameters",
                "tool_choice, parallel_tool_calls, top_k, top_a, min_p, repetition_penalty, logit_bias, \
                 verbosity, prediction, modalities, audio, service_tier, prompt_cache_options",
            ),
        ],
    },
    Preset {
        name: "llama.cpp",
        values: &[
            ("base_url", "http://localhost:8080/v1"),
            ("output_cap", "max_tokens"),
            (
                "unsupported_parameters",
                "reasoning, top_a, repetition_penalty, verbosity, prediction, modalities, audio, service_tier, \
                 prompt_cache_options",
            ),
        ],
    },
    Preset {
        name: "lm-studio",
        values: &[
            ("base_url", "http://localhost:1234/v1"),
            ("output_cap", "max_tokens"),
            (
                "unsupported_parameters",
                "reasoning, top_a, min_p, repetition_penalty, verbosity, prediction, modalities, audio, \
                 service_tier, prompt_cache_options",
            ),
        ],
    },
    Preset {
        name: "openai",
        values: &[
            ("base_url", "https://api.openai.com/v1"),
            // Its reasoning models refuse `max_tokens`, and all of its models take the other name.
            ("output_cap", "max_completion_tokens"),
            ("unsupported_parameters", "reasoning, top_k, top_a, min_p, repetition_penalty"),
        ],
    },
];

/// The names of [`PRESETS`], in their order.
pub(crate) const NAMES: &[&str] = &["vllm", "ollama", "llama.cpp", "lm-studio", "openai"];

/// The word in place of a list that empties the preset's.
pub(crate) const NONE: &str = "none";

/// Returns the settings, and those of their preset where they have none.
pub(crate) fn filled(values: &ConfigValues) -> ConfigValues {
    let preset = values.get("preset").and_then(|name| PRESETS.iter().find(|preset| preset.name == name));
    let own = preset.into_iter().flat_map(|preset| preset.values.iter().copied()).collect();
    values.clone().or(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FIELDS;

    #[test]
    fn every_preset_has_a_name_of_the_form_and_good_settings() {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        assert_eq!(names, NAMES);
        for name in names {
            let values = filled(&ConfigValues::from([("preset", name)]));
            assert_eq!(values.problems(FIELDS), [], "{name}");
            assert!(values.get("base_url").is_some(), "{name}");
        }
    }

    #[test]
    fn preset_fills_what_is_not_set() {
        let given = [("preset", "ollama"), ("base_url", "http://localhost:9/v1")];
        let values = filled(&ConfigValues::from(given));
        assert_eq!(values.get("base_url"), Some("http://localhost:9/v1"));
        assert_eq!(values.get("output_cap"), Some("max_tokens"));
    }
}
