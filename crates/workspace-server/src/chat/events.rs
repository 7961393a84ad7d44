//! The names of the events, and what is in them.

use std::time::Duration;

use provider_core::{ChatResponse, Error, Event, ToolCall, Usage, Usd};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{ApiError, code_of};
use crate::sse::Events;

/// The two lists of names that platforms know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Names {
    /// `llm_call_start`, `agent_thinking`, …
    #[default]
    Agent,
    /// `message_start`, `thinking_chunk`, …
    Chat,
}

/// The meaning of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    Start,
    Trimmed,
    Text,
    TextEnd,
    ThinkingStart,
    Thinking,
    ThinkingEnd,
    ToolCallStart,
    ToolCallArguments,
    ToolCall,
    Refusal,
    Image,
    Audio,
    Annotation,
    Seam,
    Usage,
    Cost,
    End,
    Error,
    Done,
}

/// Each event with its names in the two lists; `None` where a list does not have it. `refusal_chunk`,
/// `image`, `audio_chunk`, `annotation` and `seam` are ours: the lists have no place for these.
const NAMES: &[(Say, Option<&str>, Option<&str>)] = &[
    (Say::Start, Some("llm_call_start"), Some("message_start")),
    (Say::Trimmed, Some("context_trimmed"), Some("context_trimmed")),
    (Say::Text, Some("text_chunk"), Some("text_chunk")),
    (Say::TextEnd, None, Some("text_end")),
    (Say::ThinkingStart, None, Some("thinking_start")),
    (Say::Thinking, Some("agent_thinking"), Some("thinking_chunk")),
    (Say::ThinkingEnd, None, Some("thinking_end")),
    (Say::ToolCallStart, None, Some("tool_call_start")),
    (Say::ToolCallArguments, None, Some("tool_call_args")),
    (Say::ToolCall, Some("agent_tool_call"), Some("tool_call_end")),
    (Say::Refusal, Some("refusal_chunk"), Some("refusal_chunk")),
    (Say::Image, Some("image"), Some("image")),
    (Say::Audio, Some("audio_chunk"), Some("audio_chunk")),
    (Say::Annotation, Some("annotation"), Some("annotation")),
    (Say::Seam, Some("seam"), Some("seam")),
    (Say::Usage, Some("token_usage"), Some("usage")),
    (Say::Cost, Some("cost_update"), None),
    (Say::End, Some("llm_call_end"), Some("metadata")),
    (Say::Error, Some("error"), Some("error")),
    (Say::Done, Some("done"), Some("done")),
];

/// Writes the events of a call under the names of a list.
#[derive(Clone)]
pub(crate) struct Writer {
    events: Events,
    names: Names,
    /// The cell of a comparison, which each of its events names.
    cell: Option<usize>,
    open: OpenPart,
}

/// The part that the list of the chat brackets with a start and an end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenPart {
    None,
    Text,
    Thinking,
}

impl Writer {
    pub(crate) fn new(events: Events, names: Names) -> Self {
        Self { events, names, cell: None, open: OpenPart::None }
    }

    pub(crate) fn of_cell(&self, cell: usize) -> Self {
        Self { cell: Some(cell), ..self.clone() }
    }

    pub(crate) fn say(&self, what: Say, mut data: Value) {
        let Some(name) = self.name(what) else { return };
        if let (Some(cell), Some(data)) = (self.cell, data.as_object_mut()) {
            data.insert("cell".to_owned(), cell.into());
        }
        self.events.send(name, &data);
    }

    fn name(&self, what: Say) -> Option<&'static str> {
        let row = NAMES.iter().find(|(row, _, _)| *row == what);
        row.and_then(|(_, agent, chat)| match self.names {
            Names::Agent => *agent,
            Names::Chat => *chat,
        })
    }

    /// Writes a piece of text, as it is: these are nearly all events of an answer.
    fn content(&self, what: Say, content: &str) {
        #[derive(Serialize)]
        struct Piece<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            cell: Option<usize>,
            content: &'a str,
        }
        if let Some(name) = self.name(what) {
            self.events.send(name, &Piece { cell: self.cell, content });
        }
    }

    /// Writes a piece of the arguments of a tool call.
    fn arguments(&self, index: usize, arguments: &str) {
        #[derive(Serialize)]
        struct Piece<'a> {
            arguments: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            cell: Option<usize>,
            index: usize,
        }
        if let Some(name) = self.name(Say::ToolCallArguments) {
            self.events.send(name, &Piece { arguments, cell: self.cell, index });
        }
    }

    /// Writes a piece of an answer.
    pub(crate) fn piece(&mut self, event: &Event) {
        match event {
            Event::Text(text) => {
                self.part(OpenPart::Text);
                self.content(Say::Text, text.as_str());
            }
            Event::Reasoning(text) => {
                self.part(OpenPart::Thinking);
                self.content(Say::Thinking, text.as_str());
            }
            Event::Refusal(text) => self.content(Say::Refusal, text.as_str()),
            Event::ToolCall(piece) => {
                self.part(OpenPart::None);
                if piece.id.is_some() || piece.name.is_some() {
                    let start = json!({"index": piece.call, "id": piece.id, "name": piece.name});
                    self.say(Say::ToolCallStart, start);
                }
                if !piece.arguments.as_str().is_empty() {
                    self.arguments(piece.call, piece.arguments.as_str());
                }
            }
            Event::Image(image) => self.say(Say::Image, json!({ "image": image })),
            Event::Audio(audio) => self.say(Say::Audio, json!({ "audio": audio })),
            Event::Annotation(annotation) => self.say(Say::Annotation, json!({ "annotation": annotation })),
            Event::Seam(seam) => self.say(Say::Seam, json!({ "seam": seam })),
            _ => {}
        }
    }

    /// Writes what is known at the end of an answer, whole or in part.
    pub(crate) fn end(&mut self, response: &ChatResponse, mut end: Value) {
        self.part(OpenPart::None);
        for (index, call) in response.message.tool_calls.iter().enumerate() {
            self.say(Say::ToolCall, tool_call(index, call));
        }
        let usage = &response.usage;
        if !usage.is_unknown() {
            self.say(Say::Usage, tokens(usage));
        }
        if let Some(cost) = cost_of(usage) {
            self.say(Say::Cost, json!({"cost_usd": cost.to_string(), "model": response.model}));
        }
        merge(&mut end, figures(response));
        self.say(Say::End, end);
    }

    fn part(&mut self, next: OpenPart) {
        if self.open == next {
            return;
        }
        match self.open {
            OpenPart::Text => self.say(Say::TextEnd, json!({})),
            OpenPart::Thinking => self.say(Say::ThinkingEnd, json!({})),
            OpenPart::None => {}
        }
        if next == OpenPart::Thinking {
            self.say(Say::ThinkingStart, json!({}));
        }
        self.open = next;
    }
}

/// The figures of an answer: who was asked, who served, how it ended, what it cost.
pub(crate) fn figures(response: &ChatResponse) -> Value {
    let attempts: Vec<Value> = response.attempts.iter().map(attempt).collect();
    json!({
        "requested": response.requested,
        "model": response.model,
        "upstream": response.served_by.provider,
        "generation_id": response.id,
        "finish_reason": response.finish_reason,
        "native_finish_reason": response.native_finish_reason,
        "cost_usd": cost_of(&response.usage).map(|cost| cost.to_string()),
        "attempts": attempts,
        "withheld_calls": response.withheld_calls.len(),
    })
}

/// An attempt that failed before the answer.
fn attempt(error: &Error) -> Value {
    json!({
        "provider": error.provider(),
        "model": error.model(),
        "kind": error.kind(),
        "code": error.code(),
        "message": error.to_string(),
    })
}

pub(crate) fn tokens(usage: &Usage) -> Value {
    let total = usage.prompt_tokens.zip(usage.completion_tokens);
    let total = total.map(|(prompt, answer)| prompt.saturating_add(answer));
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": total,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    })
}

/// The cost of the answer, with the charge for a key of one's own upstream; `None`: the bill does not say.
pub(crate) fn cost_of(usage: &Usage) -> Option<Usd> {
    let upstream = if usage.is_byok == Some(true) { usage.upstream_cost? } else { Usd::ZERO };
    Some(usage.cost? + upstream)
}

fn tool_call(index: usize, call: &ToolCall) -> Value {
    json!({
        "index": index,
        "id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "is_runnable": call.is_runnable(),
    })
}

/// The data of an error event, from an error of a provider.
pub(crate) fn provider_error(error: &Error) -> Value {
    json!({
        "code": code_of(error),
        "message": error.to_string(),
        "kind": error.kind(),
        "next_step": error.next_step(),
        "retryable": error.is_retryable(),
        "retry_after_seconds": error.retry().after().map(|wait| wait.as_secs_f64()),
        "provider": error.provider(),
        "model": error.model(),
        "attempts": error.attempts().iter().map(attempt).collect::<Vec<_>>(),
        "problems": error.fields(),
    })
}

/// The data of an error event, from an error of the host.
pub(crate) fn host_error(error: &ApiError) -> Value {
    let mut data = json!({
        "code": error.code,
        "message": error.message,
        "retryable": error.should_retry,
        "retry_after_seconds": error.retry_after_seconds,
    });
    merge(&mut data, error.facts());
    data
}

/// Adds the fields of an object to another.
pub(crate) fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

pub(crate) fn milliseconds(time: Option<Duration>) -> Option<u64> {
    time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
