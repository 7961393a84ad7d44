//! The content of a completion, and how token limits and stop sequences shorten it.

use serde_json::Value;

use crate::reasoning::Reasoning;
use crate::tokens;

/// The reason why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    Error,
}

/// A function call that the model asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON text, unless a token limit cut it.
    pub(crate) arguments: String,
}

/// The assistant message of a completion, independent of how it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) reasoning: Option<Reasoning>,
    pub(crate) content: Option<String>,
    pub(crate) refusal: Option<String>,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) annotations: Vec<Value>,
    /// The images as data URLs.
    pub(crate) images: Vec<String>,
    pub(crate) finish: FinishReason,
    /// Whether the token limit cut something off. With tool calls, only the native finish reason shows it.
    pub(crate) capped: bool,
}

impl Answer {
    fn empty(finish: FinishReason) -> Self {
        Self {
            reasoning: None,
            content: None,
            refusal: None,
            tool_calls: Vec::new(),
            annotations: Vec::new(),
            images: Vec::new(),
            finish,
            capped: false,
        }
    }

    pub(crate) fn text(content: String) -> Self {
        Self { content: Some(content), ..Self::empty(FinishReason::Stop) }
    }

    pub(crate) fn refusal(words: &str) -> Self {
        Self { refusal: Some(words.to_owned()), ..Self::empty(FinishReason::Stop) }
    }

    pub(crate) fn with_tool_calls(tool_calls: Vec<ToolCall>) -> Self {
        Self { tool_calls, ..Self::empty(FinishReason::ToolCalls) }
    }

    pub(crate) fn reasoning_tokens(&self) -> u64 {
        self.reasoning.as_ref().map_or(0, |reasoning| tokens::count(&reasoning.text))
    }

    /// All tokens of the answer, reasoning included.
    pub(crate) fn token_count(&self) -> u64 {
        let spoken = [&self.content, &self.refusal].into_iter().flatten().map(|text| tokens::count(text));
        let called =
            self.tool_calls.iter().map(|call| tokens::count(&call.name) + tokens::count(&call.arguments));
        self.reasoning_tokens() + spoken.sum::<u64>() + called.sum::<u64>()
    }

    /// Ends the content before the first stop sequence in it.
    pub(crate) fn stop_at(&mut self, sequences: &[&str]) {
        let Some(content) = self.content.as_mut() else { return };
        let found =
            sequences.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| content.find(*stop)).min();
        if let Some(at) = found {
            content.truncate(at);
        }
    }

    /// Keeps the first half, as if a content filter had stopped the rest.
    pub(crate) fn cut_by_content_filter(&mut self) {
        self.truncate((self.token_count() / 2).max(1));
        (self.capped, self.finish) = (false, FinishReason::ContentFilter);
    }

    /// Keeps the first `limit` tokens: of reasoning, then content, then tool calls.
    pub(crate) fn truncate(&mut self, limit: u64) {
        if self.token_count() <= limit {
            return;
        }
        let mut left = limit;
        let mut take = |text: &mut String| {
            let kept = tokens::truncate(text, left).len();
            text.truncate(kept);
            left -= tokens::count(text);
        };
        if let Some(reasoning) = self.reasoning.as_mut() {
            take(&mut reasoning.text);
        }
        for text in [&mut self.content, &mut self.refusal].into_iter().flatten() {
            take(text);
        }
        for call in &mut self.tool_calls {
            take(&mut call.name.clone());
            take(&mut call.arguments);
        }
        self.capped = true;
        if self.finish == FinishReason::Stop {
            self.finish = FinishReason::Length;
        }
    }
}

impl FinishReason {
    /// The word of the service (`finish_reason`).
    pub(crate) fn normalized(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Error => "error",
        }
    }

    /// The word of the provider behind it (`native_finish_reason`).
    pub(crate) fn native(self, author: &str, capped: bool) -> &'static str {
        if capped && self != Self::Error {
            return match author {
                "anthropic" => "max_tokens",
                "google" => "MAX_TOKENS",
                _ => "length",
            };
        }
        match (author, self) {
            ("anthropic", Self::Stop) => "end_turn",
            ("anthropic", Self::ToolCalls) => "tool_use",
            ("google", Self::Stop | Self::ToolCalls) => "STOP",
            _ => self.normalized(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, FinishReason, ToolCall};

    #[test]
    fn token_limit_cuts_content_and_is_length() {
        let mut answer = Answer::text("one two three four".into());
        answer.truncate(2);
        assert_eq!((answer.content.as_deref(), answer.finish), (Some("one two"), FinishReason::Length));
        assert_eq!(answer.token_count(), 2);
    }

    #[test]
    fn cut_tool_call_shows_in_native_reason_alone() {
        let call = ToolCall { id: "1".into(), name: "look".into(), arguments: "{\"place\":\"Oslo\"}".into() };
        let mut answer = Answer::with_tool_calls(vec![call]);
        answer.truncate(3);
        assert_eq!(answer.tool_calls[0].arguments, "{\"place\":\"");
        assert_eq!(answer.finish, FinishReason::ToolCalls);
        assert_eq!(answer.finish.native("openai", answer.capped), "length");
    }

    #[test]
    fn earliest_stop_sequence_wins() {
        let mut answer = Answer::text("red, green; blue".into());
        answer.stop_at(&[";", ",", ""]);
        assert_eq!((answer.content.as_deref(), answer.finish), (Some("red"), FinishReason::Stop));
    }
}
