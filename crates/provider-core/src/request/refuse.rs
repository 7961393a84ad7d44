//! Refuses what of a request a provider's wire has no place for.

use super::{ChatRequest, Content, Message, Part, foreign_json};
use crate::{AssistantMessage, Error, FieldProblem};

/// Refuses a request with anything that the provider's wire has no place for, so that it drops nothing
/// silently.
///
/// `carried` names all that the wire does have a place for, besides the model and user messages of plain
/// text:
///
/// * a parameter, by its name ([`ChatRequest::PARAMETERS`]), `tools` and `extra`;
/// * a role other than `user`: `system`, `developer`, `assistant`, `tool`;
/// * a part of a message other than text, by its type on the wire: `image_url`, `input_audio`, `file`,
///   `video_url`;
/// * `messages` for every role and every part, those of [`Message::Other`] and [`Part::Other`] as well.
///
/// An assistant's tool calls need `tools` as well; its refusal, and the images and the sound that it made,
/// need `messages`. Its thoughts and annotations, the names of speakers, the marks for the prompt cache and
/// the flag of a [tool's error](crate::ToolMessage::is_error) are hints, which a provider may leave out.
///
/// `provider` is the provider's id. Of `extra`, its own parameters count; it leaves those of others out, and
/// `options` as well. [JSON of another provider](foreign_json) is refused wherever it stands. `keep_raw`
/// and `raw_events` are about the answer.
///
/// ```
/// use provider_core::ChatRequest;
/// use provider_core::author::refuse_all_but;
///
/// let request = ChatRequest::new("acme-1").system("Be terse.").user("Hi").temperature(0.0);
/// assert!(refuse_all_but(&request, "acme", &["system", "temperature"]).is_ok());
///
/// let error = refuse_all_but(&request, "acme", &["temperature", "max_tokens"]).unwrap_err();
/// assert_eq!(error.fields()[0].field, "messages[0]");
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with a problem for each field.
pub fn refuse_all_but(request: &ChatRequest, provider: &str, carried: &[&str]) -> Result<(), Error> {
    let mut refused = Refused { carried, problems: Vec::new() };
    if !refused.carries("messages") {
        for (place, message) in request.messages.iter().enumerate() {
            refused.message(&format!("messages[{place}]"), message);
        }
    }
    let tools = (!request.tools.is_empty()).then_some("tools");
    let parameters = request.parameters().map(|parameter| parameter.name);
    for name in tools.into_iter().chain(parameters) {
        if !refused.carries(name) {
            refused.add(name);
        }
    }
    if !refused.carries("extra") {
        let own = request.extra.get(provider).into_iter().flat_map(|own| own.keys());
        own.for_each(|name| refused.add(format!("extra.{provider}.{name}")));
    }
    for problem in foreign_json(request, &[provider]) {
        // A field that is refused whole is named once.
        if !refused.problems.iter().any(|refused| problem.field.starts_with(&refused.field)) {
            refused.problems.push(problem);
        }
    }
    if refused.problems.is_empty() { Ok(()) } else { Err(Error::invalid_request(refused.problems)) }
}

struct Refused<'a> {
    carried: &'a [&'a str],
    problems: Vec<FieldProblem>,
}

impl Refused<'_> {
    fn carries(&self, name: &str) -> bool {
        self.carried.contains(&name)
    }

    /// Adds a field that the wire has no place for.
    fn add(&mut self, field: impl Into<String>) {
        self.problems.push(FieldProblem::new(field, "cannot be sent by this provider; leave it out"));
    }

    /// Adds a message or a part of a kind that the wire has no place for.
    fn add_kind(&mut self, field: &str, what: &str) {
        let problem = format!("is {what}, which this provider cannot send; leave it out");
        self.problems.push(FieldProblem::new(field, problem));
    }

    fn message(&mut self, field: &str, message: &Message) {
        let (role, content) = match message {
            Message::User(message) => return self.content(field, &message.content),
            Message::System(message) => ("system", Some(&message.content)),
            Message::Developer(message) => ("developer", Some(&message.content)),
            Message::Assistant(_) => ("assistant", None),
            Message::Tool(message) => ("tool", Some(&message.content)),
            Message::Other(_) => return self.add_kind(field, "a message of another kind"),
        };
        if !self.carries(role) {
            return self.add_kind(field, &format!("a message of the role `{role}`"));
        }
        match (message, content) {
            (Message::Assistant(message), _) => self.answer(field, message),
            (_, Some(content)) => self.content(field, content),
            _ => {}
        }
    }

    fn answer(&mut self, field: &str, message: &AssistantMessage) {
        self.parts(field, &message.parts);
        if !message.tool_calls.is_empty() && !self.carries("tools") {
            self.add(format!("{field}.tool_calls"));
        }
        if !message.images.is_empty() {
            self.add(format!("{field}.images"));
        }
        if message.audio.is_some() {
            self.add(format!("{field}.audio"));
        }
        if message.refusal.is_some() {
            self.add(format!("{field}.refusal"));
        }
    }

    fn content(&mut self, field: &str, content: &Content) {
        if let Content::Parts(parts) = content {
            self.parts(field, parts);
        }
    }

    fn parts(&mut self, field: &str, parts: &[Part]) {
        for (place, part) in parts.iter().enumerate() {
            let kind = match part {
                Part::Text(_) => continue,
                Part::Image(_) => Some("image_url"),
                Part::Audio(_) => Some("input_audio"),
                Part::File(_) => Some("file"),
                Part::Video(_) => Some("video_url"),
                Part::Other(_) => None,
            };
            let field = format!("{field}.content[{place}]");
            match kind {
                Some(kind) if self.carries(kind) => {}
                Some(kind) => self.add_kind(&field, &format!("a part of the type `{kind}`")),
                None => self.add_kind(&field, "a part of another kind"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
