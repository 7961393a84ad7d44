//! Reading a conversation: who spoke last, what was said, and how many tokens it is.

use serde_json::Value;

use crate::tokens;

/// Tokens that a picture, a sound or a file counts for.
const MEDIA_TOKENS: u64 = 85;
/// Tokens that a message costs besides its text.
const MESSAGE_TOKENS: u64 = 3;

/// The messages of a valid request.
#[derive(Clone, Copy)]
pub(crate) struct Conversation<'a> {
    request: &'a Value,
    messages: &'a [Value],
}

impl<'a> Conversation<'a> {
    pub(crate) fn of(request: &'a Value) -> Self {
        Self { request, messages: request["messages"].as_array().map(Vec::as_slice).unwrap_or_default() }
    }

    /// The text of the last message with this role.
    fn last_text(&self, role: &str) -> Option<String> {
        self.messages
            .iter()
            .rev()
            .find(|message| message["role"] == role)
            .map(|message| text(&message["content"]))
    }

    /// What the user said last; empty when there was only a picture, or no user at all.
    pub(crate) fn user_text(&self) -> String {
        self.last_text("user").unwrap_or_default()
    }

    fn last_role_is(&self, role: &str) -> bool {
        self.messages.last().is_some_and(|message| message["role"] == role)
    }

    /// The newest tool result, when it is what the model has to answer.
    pub(crate) fn tool_result(&self) -> Option<String> {
        if self.last_role_is("tool") { self.last_text("tool") } else { None }
    }

    /// Whether the user has the last word.
    pub(crate) fn user_is_last(&self) -> bool {
        self.last_role_is("user")
    }

    /// Whether the model is to continue a message of its own.
    pub(crate) fn is_prefilled(&self) -> bool {
        self.last_role_is("assistant")
    }

    /// The most tokens that the answer may have: the smaller limit, if the request has both spellings.
    pub(crate) fn max_output_tokens(&self) -> Option<u64> {
        let limits = [&self.request["max_tokens"], &self.request["max_completion_tokens"]];
        limits.into_iter().filter_map(Value::as_u64).min()
    }

    /// How many tokens the prompt is, with the tools it offers.
    pub(crate) fn token_count(&self) -> u64 {
        let message = |message: &Value| {
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let calls = calls.map(|call| tokens::count(&call["function"].to_string())).sum::<u64>();
            MESSAGE_TOKENS + tokens::count(&text(&message["content"])) + media(&message["content"]) + calls
        };
        self.messages.iter().map(message).sum::<u64>() + self.tool_tokens()
    }

    /// How many of them describe tools.
    pub(crate) fn tool_tokens(&self) -> u64 {
        let tools = self.request["tools"].as_array().into_iter().flatten();
        tools.map(|tool| tokens::count(&tool.to_string())).sum()
    }
}

/// The text of a message's content, parts joined by spaces.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

fn media(content: &Value) -> u64 {
    let parts = content.as_array().into_iter().flatten();
    parts.filter(|part| part["type"] != "text").count() as u64 * MEDIA_TOKENS
}
