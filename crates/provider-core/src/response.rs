//! A model's answer.

mod annotation;
mod assistant;
mod audio;
mod block;
mod finish;
mod logprobs;
mod overlap;
mod reasoning_detail;
mod seam;
mod usage;
mod withheld_call;

use std::fmt;

use serde::Serialize;

pub use self::annotation::{Annotation, FileAnnotation, UrlCitation};
pub use self::assistant::{AssistantMessage, Image, ToolCall};
pub use self::audio::{Audio, AudioDelta};
pub(crate) use self::block::Blocks;
pub use self::block::{BlockKind, BlockRef};
pub use self::finish::FinishReason;
pub use self::logprobs::{TokenLogprob, TopLogprob};
pub(crate) use self::overlap::Overlap;
pub use self::reasoning_detail::{DetailValue, ReasoningDetail};
pub(crate) use self::seam::Earlier;
pub use self::seam::Seam;
pub use self::usage::Usage;
pub use self::withheld_call::WithheldCall;
use crate::{Error, ExtraFields, RawJson};

/// A model's answer, complete or as far as it came.
///
/// Both [`chat`](crate::LlmProvider::chat) and [`stream`](crate::LlmProvider::stream) end in this type. A
/// field that the service does not state is `None` or empty, never made up.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChatResponse {
    /// The service's id of this generation: keep it to look up later what was billed.
    pub id: Option<String>,
    /// The model that was asked for, as the request named it.
    pub requested: String,
    /// The model that answered, as the service names it. It can differ from the one asked for: a dated
    /// version, the target of an alias, a fallback. Empty where the service did not say.
    pub model: String,
    /// The upstream provider that ran the model.
    pub served_by: ServedBy,
    /// The answer: text, thoughts, tool calls. Add it to the next request as it is.
    pub message: AssistantMessage,
    /// The tool calls that a guard at the service withheld. They are not among those of the message, whose
    /// text may have the guard's mark in their place: a text that is no answer. Where no other call is left,
    /// the [finish reason](Self::finish_reason) is [`ContentFilter`](FinishReason::ContentFilter).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld_calls: Vec<WithheldCall>,
    /// Why the model stopped.
    pub finish_reason: Option<FinishReason>,
    /// The same in the upstream provider's own word (`end_turn`, `MAX_TOKENS`, …).
    pub native_finish_reason: Option<String>,
    /// The [stop text](crate::ChatRequest::stop) that the model came to, where the service says which of them
    /// it was. It is not part of the answer's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_sequence: Option<String>,
    /// The usage and the cost of the answer.
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
    /// The attempts that failed before this answer, oldest first: retries and fallbacks. Each error names its
    /// provider and model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Error>,
    /// Where the answer broke off and another request went on with it, in the order of the text. A layer does
    /// so where a host asks for it; else there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seams: Vec<Seam>,
    /// The JSON that the answer came in, where the request asked to keep it: the whole answer, or each chunk
    /// of a stream.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raw: Vec<RawJson>,
    /// The usage of the part behind the last seam, where there is one.
    #[serde(skip)]
    pub(crate) last_part_usage: Option<Box<Usage>>,
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

    /// The calls that can be run: whole calls of a named function, with arguments that are JSON. None if the
    /// answer [was cut off](Self::is_truncated). Look here and not at the finish reason: some models finish
    /// with `stop` although they call tools.
    ///
    /// All calls as they came are in [`message`](Self::message); [`ToolCall::is_runnable`] tells them apart.
    /// Those that are left out here want an answer as well: tell the model why a call of it was not run.
    pub fn tool_calls(&self) -> Vec<&ToolCall> {
        if self.is_truncated() {
            return Vec::new();
        }
        self.message.tool_calls.iter().filter(|call| call.is_runnable()).collect()
    }

    /// Whether the answer was cut off by a token limit.
    ///
    /// The finish reason says so, in the service's word or in the upstream's own, or the last tool call's
    /// arguments end [in the middle of their JSON](ToolCall::is_cut_off): such an answer still finishes with
    /// `tool_calls`.
    pub fn is_truncated(&self) -> bool {
        self.stopped_by(&FinishReason::Length)
            || self.message.tool_calls.last().is_some_and(ToolCall::is_cut_off)
    }

    /// Whether a content filter stopped the answer, or the model's own guard did.
    ///
    /// The finish reason says so, in the service's word or in the upstream's own (`SAFETY`, `refusal`, …). A
    /// model that refuses in words of its own mostly finishes with `stop`: see
    /// [`refusal`](AssistantMessage::refusal).
    pub fn is_filtered(&self) -> bool {
        self.stopped_by(&FinishReason::ContentFilter)
    }

    /// Whether the service or the upstream provider gives this reason, in whichever word.
    fn stopped_by(&self, reason: &FinishReason) -> bool {
        let native = self.native_finish_reason.as_deref().and_then(finish::meaning_of);
        [self.finish_reason.as_ref().map(FinishReason::meaning), native].contains(&Some(reason))
    }
}

/// The upstream provider behind the service, which ran the model.
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
