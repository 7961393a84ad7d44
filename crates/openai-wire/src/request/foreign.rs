//! Finds what a request has for another provider, and what would change it if it was left out.

use provider_core::{ChatRequest, Content, Message, Part, ProviderJson, ResponseFormat, Tool, ToolChoice};

use crate::dialect::WIRE;
use crate::fields::Problems;

/// Adds all JSON in the request that is neither for `provider` nor for the wire.
pub(super) fn check(request: &ChatRequest, provider: &str, problems: &mut Problems) {
    let mut check = Check { provider, problems };
    for (place, message) in request.messages.iter().enumerate() {
        check.message(place, message);
    }
    for (place, tool) in request.tools.iter().enumerate() {
        if let Tool::Other(json) = tool {
            check.json(json, || format!("tools[{place}]"));
        }
    }
    if let Some(ToolChoice::Other(json)) = &request.tool_choice {
        check.json(json, || "tool_choice".to_owned());
    }
    if let Some(ResponseFormat::Other(json)) = &request.response_format {
        check.json(json, || "response_format".to_owned());
    }
    if let Some(Content::Parts(parts)) = &request.prediction {
        check.parts(parts, || "prediction.content".to_owned());
    }
}

struct Check<'a> {
    provider: &'a str,
    problems: &'a mut Problems,
}

impl Check<'_> {
    fn message(&mut self, place: usize, message: &Message) {
        let content = match message {
            Message::System(message) | Message::Developer(message) | Message::User(message) => {
                &message.content
            }
            Message::Tool(message) => &message.content,
            Message::Assistant(message) => {
                return self.parts(&message.parts, || format!("messages[{place}].content"));
            }
            Message::Other(json) => return self.json(json, || format!("messages[{place}]")),
            // A message of a newer kind is refused when it is written.
            _ => return,
        };
        if let Content::Parts(parts) = content {
            self.parts(parts, || format!("messages[{place}].content"));
        }
    }

    fn parts(&mut self, parts: &[Part], field: impl Fn() -> String) {
        for (place, part) in parts.iter().enumerate() {
            if let Part::Other(json) = part {
                self.json(json, || format!("{}[{place}]", field()));
            }
        }
    }

    fn json(&mut self, json: &ProviderJson, field: impl FnOnce() -> String) {
        if json.is_for(WIRE) || json.is_for(self.provider) {
            return;
        }
        let (other, provider) = (json.provider(), self.provider);
        let problem = format!(
            "is for {other}, and {provider} cannot send it; take it out, or ask a model of {other} instead"
        );
        self.problems.add(field(), problem);
    }
}
