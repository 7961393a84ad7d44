//! Finds what a request has for another provider, and what would change it if it was left out.

use super::{ChatRequest, Content, Message, Part, ResponseFormat, Tool, ToolChoice};
use crate::{FieldProblem, ProviderJson};

/// Returns a problem for each piece of [`ProviderJson`] in a request that is for none of `names`: the
/// provider's id, then the wire's name where several providers share one. A provider refuses a request with
/// such problems, since the request would change if it left the JSON out.
///
/// [`refuse_all_but`](super::refuse_all_but) and the encoder of chat completions do so.
pub fn foreign_json(request: &ChatRequest, names: &[&str]) -> Vec<FieldProblem> {
    let mut check = Check { names, problems: Vec::new() };
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
        check.parts(parts, || "prediction".to_owned());
    }
    check.problems
}

struct Check<'a> {
    names: &'a [&'a str],
    problems: Vec<FieldProblem>,
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
        if self.names.iter().any(|name| json.is_for(name)) {
            return;
        }
        let (other, provider) = (json.provider(), self.names.first().copied().unwrap_or("this provider"));
        let problem = format!(
            "is for {other}, and {provider} cannot send it; take it out, or ask a model of {other} instead"
        );
        self.problems.push(FieldProblem::new(field(), problem));
    }
}
