//! The setters of [`ChatRequest`] that only set: one line each.

use super::{AudioOutput, ChatRequest, Content, PromptCacheOptions, Reasoning, ResponseFormat, ToolChoice};

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {
        impl ChatRequest {
            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](Self#structfield.", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = Some($name.into());
                    self
                }
            )*
        }
    };
}

setters! {
    tool_choice: ToolChoice,
    parallel_tool_calls: bool,
    response_format: impl Into<ResponseFormat>,
    reasoning: Reasoning,
    temperature: f64,
    top_p: f64,
    top_k: u32,
    top_a: f64,
    min_p: f64,
    frequency_penalty: f64,
    presence_penalty: f64,
    repetition_penalty: f64,
    seed: i64,
    max_tokens: u32,
    max_completion_tokens: u32,
    logprobs: bool,
    top_logprobs: u8,
    verbosity: impl Into<String>,
    prediction: impl Into<Content>,
    audio: AudioOutput,
    service_tier: impl Into<String>,
    prompt_cache_key: impl Into<String>,
    prompt_cache_options: PromptCacheOptions,
}
