//! Reads a request's conversation: its last messages, its tokens, its token limit.

use serde_json::Value;

use crate::tokens;

/// The tokens that an image, an audio or a file counts as.
const MEDIA_TOKENS: u64 = 85;
/// The tokens of a message besides its text.
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

    /// The text of the user's last message; empty if it has only media, or if there is none.
    pub(crate) fn user_text(&self) -> String {
        self.last_text("user").unwrap_or_default()
    }

    fn last_role_is(&self, role: &str) -> bool {
        self.messages.last().is_some_and(|message| message["role"] == role)
    }

    /// The last message, if it is a tool's result.
    pub(crate) fn tool_result(&self) -> Option<String> {
        if self.last_role_is("tool") { self.last_text("tool") } else { None }
    }

    /// Whether the last message is the user's.
    pub(crate) fn user_is_last(&self) -> bool {
        self.last_role_is("user")
    }

    /// Whether the last message is the assistant's, for the model to continue.
    pub(crate) fn is_prefilled(&self) -> bool {
        self.last_role_is("assistant")
    }

    /// The most tokens that the answer may have: the smaller limit, if the request has both spellings.
    pub(crate) fn max_output_tokens(&self) -> Option<u64> {
        let limits = [&self.request["max_tokens"], &self.request["max_completion_tokens"]];
        limits.into_iter().filter_map(Value::as_u64).min()
    }

    /// The tokens of the prompt, tools included.
    pub(crate) fn token_count(&self) -> u64 {
        let message = |message: &Value| {
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let calls = calls.map(|call| tokens::count(&call["function"].to_string())).sum::<u64>();
            MESSAGE_TOKENS + tokens::count(&text(&message["content"])) + media(&message["content"]) + calls
        };
        self.messages.iter().map(message).sum::<u64>() + self.tool_tokens()
    }

    /// The tokens of the tools' descriptions.
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
