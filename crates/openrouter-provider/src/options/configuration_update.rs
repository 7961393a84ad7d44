//! A message that changes how hard the model thinks, from there on.

use provider_core::{Effort, Message, ProviderJson};
use serde_json::{Value, json};

/// A message without text that changes how hard the model thinks, from there on in the conversation. What
/// stands before it stays in the prompt cache, which a change of the request's own effort would give up.
///
/// It stands directly before a user's message, in this request and in those that follow. Models that do not
/// take it refuse the request with 400. It reaches no provider but OpenRouter.
///
/// ```
/// use openrouter_provider::options::ConfigurationUpdate;
/// use provider_core::{ChatRequest, Effort, Message};
///
/// let request = ChatRequest::new("openai/gpt-6-astra")
///     .user("Hello")
///     .message(Message::assistant("Good day."))
///     .message(ConfigurationUpdate::new(Effort::High))
///     .user("Now prove it.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigurationUpdate {
    /// How hard the model thinks from there on.
    pub effort: Effort,
    /// Whether the message has the role `developer`, in place of `system`.
    pub is_developer: bool,
}

impl ConfigurationUpdate {
    /// This effort from there on, in a system message.
    pub fn new(effort: impl Into<Effort>) -> Self {
        Self { effort: effort.into(), is_developer: false }
    }

    /// The same in a developer message.
    #[must_use]
    pub fn developer(mut self) -> Self {
        self.is_developer = true;
        self
    }

    /// Reads a message that is one; `None` for any other.
    pub fn of(message: &Message) -> Option<Self> {
        let Message::Other(json) = message else { return None };
        let json: Value = json.json().read().ok()?;
        let is_developer = match json["role"].as_str()? {
            "system" => false,
            "developer" => true,
            _ => return None,
        };
        let effort = json["configuration_update"]["reasoning"]["effort"].as_str()?;
        Some(Self { effort: effort.into(), is_developer })
    }
}

impl From<ConfigurationUpdate> for Message {
    fn from(update: ConfigurationUpdate) -> Self {
        let role = if update.is_developer { "developer" } else { "system" };
        let update = json!({"reasoning": {"effort": update.effort.as_str()}});
        Message::Other(ProviderJson::new(
            crate::ID,
            json!({"role": role, "content": "", "configuration_update": update}),
        ))
    }
}
