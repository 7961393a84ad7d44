//! What a model answered.

mod annotation;
mod assistant;
mod audio;
mod finish;
mod logprobs;
mod reasoning_detail;
mod usage;

use std::fmt;

use serde::Serialize;

pub use self::annotation::{Annotation, FileAnnotation, UrlCitation};
pub use self::assistant::{AssistantMessage, Image, ToolCall};
pub use self::audio::{Audio, AudioDelta};
pub use self::finish::FinishReason;
pub use self::logprobs::{TokenLogprob, TopLogprob};
pub use self::reasoning_detail::{DetailValue, ReasoningDetail};
pub use self::usage::Usage;
use crate::{Error, ExtraFields, RawJson};

/// A model's answer, complete or as far as it came.
///
/// Both [`chat`](crate::LlmProvider::chat) and [`stream`](crate::LlmProvider::stream) end in this type. What the service
/// did not say is `None` or empty, never made up.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChatResponse {
    /// The service's id of this generation: keep it to look up later what was billed.
    pub id: Option<String>,
    /// The model that was asked for, as the request named it.
    pub requested: String,
    /// The model that answered, as the service names it. It can differ from the one asked for: a dated version, the
    /// target of an alias, a fallback. Empty where the service did not say.
    pub model: String,
    /// Who ran the model.
    pub served_by: ServedBy,
    /// The answer: text, thoughts, tool calls. Add it to the next request as it is.
    pub message: AssistantMessage,
    /// Why the model stopped.
    pub finish_reason: Option<FinishReason>,
    /// The same in the upstream provider's own word (`end_turn`, `MAX_TOKENS`, …).
    pub native_finish_reason: Option<String>,
    /// What was used, and what it cost.
    pub usage: Usage,
    /// Log probabilities of the answer's tokens, where asked for.
    pub logprobs: Vec<TokenLogprob>,
    /// When it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// The tier that served (`default`, `flex`, `priority`, …), where the service says so.
    pub service_tier: Option<String>,
    /// The upstream provider's fingerprint of its configuration.
    pub system_fingerprint: Option<String>,
    /// Everything else that came beside the message.
    pub extra: ExtraFields,
    /// What was tried before this answer and failed, oldest first: retries and fallbacks. Each error names its provider and
    /// model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Error>,
    /// The JSON that the answer came in, where the request asked to keep it: the whole answer, or each chunk of a stream.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raw: Vec<RawJson>,
}

impl ChatResponse {
    /// The answer's text; empty when the model only called tools or refused.
    pub fn text(&self) -> &str {
        &self.message.text
    }

    /// The model's visible thoughts. See [`AssistantMessage::reasoning_text`].
    pub fn reasoning(&self) -> String {
        self.message.reasoning_text()
    }

    /// The tools the model wants called, ready to be run: none if the answer [was cut off](Self::is_truncated). Look here and
    /// not at the finish reason: some models finish with `stop` although they call tools.
    ///
    /// The calls as they came, cut or not, are in [`message`](Self::message).
    pub fn tool_calls(&self) -> &[ToolCall] {
        if self.is_truncated() { &[] } else { &self.message.tool_calls }
    }

    /// Whether the answer was cut off by a token limit.
    ///
    /// A tool call that was cut still finishes with `tool_calls`; the upstream's own word tells, or arguments that are no JSON.
    pub fn is_truncated(&self) -> bool {
        let native = self.native_finish_reason.as_deref().unwrap_or_default();
        self.finish_reason == Some(FinishReason::Length)
            || ["length", "max_tokens", "max_output_tokens", "model_length"]
                .iter()
                .any(|word| native.eq_ignore_ascii_case(word))
            || !self.message.tool_calls.iter().all(ToolCall::is_complete)
    }
}

/// Who ran the model: the upstream provider behind the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServedBy {
    /// The upstream provider's display name (`OpenAI`, `Google AI Studio`, …), where the service says so.
    pub provider: Option<String>,
}

impl fmt::Display for ServedBy {
    /// The provider's name, or `unknown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.provider.as_deref().unwrap_or("unknown"))
    }
}
