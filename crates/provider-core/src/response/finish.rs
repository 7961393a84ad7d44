//! Why a model stopped.

use std::fmt;

use serde::{Serialize, Serializer};

/// Why a model stopped.
///
/// Services have other words for the same. These are kept as [`Other`](Self::Other), so that a reason is
/// shown and serialised as it was sent; ask for its [`meaning`](Self::meaning) to decide on it.
///
/// ```
/// use provider_core::FinishReason;
///
/// let reason = FinishReason::from("max_tokens");
/// assert_eq!(reason.as_str(), "max_tokens");
/// assert_eq!(reason.meaning(), &FinishReason::Length);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// It was done, or came to a stop text.
    Stop,
    /// A token limit cut it off.
    Length,
    /// It wants tools called.
    ToolCalls,
    /// A filter stopped it.
    ContentFilter,
    /// It failed.
    Error,
    /// Any other word, as it was sent.
    Other(String),
}

/// Words of other services for the same, in lower case.
///
/// The words are those of Anthropic (and Bedrock), Cohere, Google, Mistral, Hugging Face TGI, llama.cpp,
/// OpenAI's other APIs, and of gateways that pass them on.
const OTHER_WORDS: &[(FinishReason, &[&str])] = &[
    (
        FinishReason::Stop,
        &[
            "end_turn",
            "stop_sequence",
            "complete",
            "completed",
            "done",
            "eos",
            "eos_token",
            "end_of_text",
            "finished",
            "finish_reason_stop",
        ],
    ),
    (
        FinishReason::Length,
        &[
            "max_tokens",
            "max_output_tokens",
            "max_completion_tokens",
            "max_length",
            "max_new_tokens",
            "max_tokens_reached",
            "token_limit_reached",
            "finish_reason_max_tokens",
            "model_length",
            "token_limit",
            "context_length",
            "model_context_window_exceeded",
        ],
    ),
    (FinishReason::ToolCalls, &["tool_call", "tool_use", "function_call", "function_calls"]),
    (
        FinishReason::ContentFilter,
        &[
            "content_filtered",
            "content_policy",
            "content_policy_violation",
            "guardrail_intervened",
            "refusal",
            "safety",
            "finish_reason_safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "image_safety",
            "sensitive",
            "error_toxic",
        ],
    ),
    (FinishReason::Error, &[]),
];

impl FinishReason {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
            FinishReason::ToolCalls => "tool_calls",
            FinishReason::ContentFilter => "content_filter",
            FinishReason::Error => "error",
            FinishReason::Other(word) => word,
        }
    }
}

impl FinishReason {
    /// The reason that the word means, whichever service's it is: [`Length`](Self::Length) for `max_tokens`,
    /// [`Stop`](Self::Stop) for `end_turn`. Letter case does not matter. An unknown word means itself.
    pub fn meaning(&self) -> &FinishReason {
        match self {
            FinishReason::Other(word) => meaning_of(word).unwrap_or(self),
            known => known,
        }
    }
}

/// The reason that a word means, if it is known.
pub(super) fn meaning_of(word: &str) -> Option<&'static FinishReason> {
    let is_meant = |(reason, others): &&(FinishReason, &[&str])| {
        [reason.as_str()].iter().chain(*others).any(|known| word.eq_ignore_ascii_case(known))
    };
    OTHER_WORDS.iter().find(is_meant).map(|(reason, _)| reason)
}

impl From<&str> for FinishReason {
    fn from(word: &str) -> Self {
        match word {
            "stop" => FinishReason::Stop,
            "length" => FinishReason::Length,
            "tool_calls" => FinishReason::ToolCalls,
            "content_filter" => FinishReason::ContentFilter,
            "error" => FinishReason::Error,
            other => FinishReason::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for FinishReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
