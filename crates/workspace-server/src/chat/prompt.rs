//! The request of a turn: system prompt, what came before, what is new, parameters.

use std::collections::BTreeMap;

use http::StatusCode;
use openai_wire::{Plain, decode};
use provider_core::author::range_problems;
use provider_core::{ChatRequest, Content, FieldProblem, FunctionTool, Message, Part, RawJson, Tool};
use serde::Serialize;
use serde_json::Value;

use super::ToolResult;
use crate::error::{ApiError, Result};
use crate::node::{AgentNode, ContextStrategy, ContextWindow, substitute};

/// Reads the new messages of a request, which are in the shape of chat completions.
pub(crate) fn new_messages(
    message: Option<&RawJson>,
    messages: &[RawJson],
    results: &[ToolResult],
) -> Result<Vec<Message>> {
    let mut raw: Vec<RawJson> = Vec::new();
    for result in results {
        let content = content(&result.content).ok_or_else(|| {
            ApiError::invalid(vec![FieldProblem::new("tool_results", "content is neither a text nor parts")])
        })?;
        raw.push(json(&Sent { role: "tool", tool_call_id: Some(&result.tool_call_id), content })?);
    }
    let new = message.map(|message| ("message", message)).into_iter();
    let new = new.chain(messages.iter().map(|message| ("messages", message)));
    for (field, json) in new.chain(results.iter().map(|result| ("tool_results", &result.content))) {
        check_readable(field, json)?;
    }
    if messages.iter().any(|message| !message.get().starts_with('{')) {
        return Err(ApiError::invalid(vec![FieldProblem::new("messages", "must be a list of objects")]));
    }
    raw.extend(messages.iter().cloned());
    match message.map(|message| (message, message.get().as_bytes().first())) {
        None => {}
        Some((message, Some(b'{'))) => raw.push(message.clone()),
        Some((message, _)) => {
            let content = content(message).ok_or_else(|| {
                ApiError::invalid(vec![FieldProblem::new("message", "is no text, parts or message")])
            })?;
            raw.push(json(&Sent { role: "user", tool_call_id: None, content })?);
        }
    }
    let body = json(&BTreeMap::from([("messages", raw)]))?;
    let mut messages: Vec<Message> = decode(body.get(), &Plain)?.request.messages.iter().cloned().collect();
    for (message, result) in messages.iter_mut().zip(results) {
        if let Message::Tool(tool) = message {
            tool.is_error = result.is_error;
        }
    }
    Ok(messages)
}

/// Refuses JSON that the service could not read, and neither could the store: half of a surrogate pair, a
/// number beyond all range, more levels than there may be.
fn check_readable(field: &str, json: &RawJson) -> Result<()> {
    match serde_json::from_str::<Value>(json.get()) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(ApiError::invalid(vec![FieldProblem::new(field, format!("cannot be read: {error}"))]))
        }
    }
}

/// A message in the shape of chat completions.
#[derive(Serialize)]
struct Sent<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    content: RawJson,
}

/// Content is a text or a list of parts; of a tool's result any other JSON counts as the text it is written
/// in.
fn content(raw: &RawJson) -> Option<RawJson> {
    match raw.get().as_bytes().first()? {
        b'"' | b'[' => Some(raw.clone()),
        _ => RawJson::new(&raw.get()).ok(),
    }
}

fn json(value: &impl Serialize) -> Result<RawJson> {
    RawJson::new(value).map_err(|error| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            format!("the body cannot be written: {error}"),
        )
    })
}

/// The request of a node, without the messages that its memory leaves out.
pub(crate) fn request(
    node: &AgentNode,
    model: &str,
    history: Vec<Message>,
    new: &[Message],
    variables: &BTreeMap<String, Value>,
) -> Result<ChatRequest> {
    let mut body: BTreeMap<&str, RawJson> = BTreeMap::new();
    for (name, value) in node.parameters.iter().chain(&node.extension.request) {
        body.insert(name, value.clone());
    }
    if let Some(tools) = &node.tools {
        let wrapped: Vec<RawJson> = tools.tools.iter().map(tool).collect::<Result<_>>()?;
        if !wrapped.is_empty() {
            body.insert("tools", json(&wrapped)?);
        }
        if let Some(parallel) = tools.parallel_tool_calls {
            body.insert("parallel_tool_calls", json(&parallel)?);
        }
    }
    let mut request = decode(json(&body)?.get(), &Plain)?.request;
    let place = |name: &str| match node.extension.request.contains_key(name) {
        true => format!("node.config.x_provider.request.{name}"),
        false => format!("node.config.{name}"),
    };
    if let Some((wire, name)) =
        request.extra.iter().find_map(|(wire, names)| Some((wire, names.keys().next()?)))
    {
        let problem = format!(
            "is no parameter that {wire} knows, or its value does not fit; one provider's own goes to \
             x_provider.parameters, under its id"
        );
        return Err(ApiError::invalid(vec![FieldProblem::new(place(name), problem)]));
    }
    let beyond = range_problems(&request).into_iter().map(|found| {
        let (name, rest) = found.field.split_at(found.field.find('.').unwrap_or(found.field.len()));
        FieldProblem::new(place(name) + rest, found.problem)
    });
    let beyond: Vec<FieldProblem> = beyond.collect();
    if !beyond.is_empty() {
        return Err(ApiError::invalid(beyond));
    }
    if let Some(strict) = node.tools.as_ref().and_then(|tools| tools.strict_mode) {
        for tool in request.tools.iter_mut() {
            if let Tool::Function(FunctionTool { strict: unset @ None, .. }) = tool {
                *unset = Some(strict);
            }
        }
    }
    request.extra.extend(node.extension.parameters.clone());
    request.model = model.to_owned();
    if let Some(prompt) = &node.system_prompt {
        request = request.system(substitute(prompt, variables).map_err(ApiError::invalid)?);
    }
    let history = match &node.memory {
        Some(memory) => remembered(history, memory.enabled, memory.message_window, new),
        None => history,
    };
    request.messages.extend(history);
    request.messages.extend(new.iter().cloned());
    match request.messages.iter().any(|message| !matches!(message, Message::System(_))) {
        true => Ok(request),
        false => Err(ApiError::invalid(vec![FieldProblem::new("message", "is missing")])),
    }
}

/// A tool in the shape of chat completions.
fn tool(raw: &RawJson) -> Result<RawJson> {
    let refused = || {
        let problem = "has an entry that is no definition of a function: this host has no tools of its own";
        ApiError::invalid(vec![FieldProblem::new("node.config.function_calling_config.tools", problem)])
    };
    let fields: BTreeMap<String, RawJson> = raw.read().map_err(|_| refused())?;
    match (fields.contains_key("type"), fields.contains_key("name")) {
        (true, _) => Ok(raw.clone()),
        (false, true) => {
            json(&BTreeMap::from([("type", &RawJson::from(Value::from("function"))), ("function", raw)]))
        }
        (false, false) => Err(refused()),
    }
}

/// The earlier messages that a memory keeps. It begins with a user's message, so that no result of a tool
/// stands without its call; the question that tools are being called for stays whole.
fn remembered(history: Vec<Message>, enabled: bool, window: Option<usize>, new: &[Message]) -> Vec<Message> {
    let goes_on = !new.iter().any(|message| matches!(message, Message::User(_)));
    let question = history.iter().rposition(|message| matches!(message, Message::User(_)));
    let must = match (goes_on, question) {
        (true, Some(question)) => history.len() - question,
        _ => 0,
    };
    let wanted = if enabled { window.unwrap_or(history.len()) } else { 0 };
    let from = history.len().saturating_sub(wanted.max(must));
    let begin = history[from..].iter().position(|message| matches!(message, Message::User(_)));
    let begin = begin.map_or(history.len(), |begin| from + begin);
    history.into_iter().skip(begin).collect()
}

/// Refuses a turn beyond the node's `max_iterations`.
pub(crate) fn check_turns(node: &AgentNode, request: &ChatRequest) -> Result<()> {
    if node.tools.is_none() {
        return Ok(());
    }
    let behind_question =
        request.messages.iter().rev().take_while(|message| !matches!(message, Message::User(_)));
    let turns = behind_question
        .filter(|message| matches!(message, Message::Assistant(said) if !said.tool_calls.is_empty()))
        .count();
    let most = node.max_iterations();
    match u32::try_from(turns).is_ok_and(|turns| turns < most) || turns == 0 {
        true => Ok(()),
        false => {
            Err(limit(format!("the model has called tools in {turns} turns, and max_iterations is {most}")))
        }
    }
}

/// The error of a limit that a node sets to its turns.
pub(crate) fn limit(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "limit_reached", message)
}

/// The part of a conversation that was left out.
#[derive(Debug, Serialize)]
pub(crate) struct Trimmed {
    removed_messages: usize,
    estimated_tokens_before: u64,
    estimated_tokens: u64,
    max_tokens: u64,
}

/// Makes a request fit into the context, or refuses it. The oldest turns go first, each from a user's message
/// to the next one; instructions and the last question stay.
pub(crate) fn fit(
    request: &mut ChatRequest,
    window: &ContextWindow,
    context_length: Option<u64>,
) -> Result<Option<Trimmed>> {
    let Some(limit) = [window.max_tokens, context_length].into_iter().flatten().min() else {
        return Ok(None);
    };
    let cap = request.max_completion_tokens.or(request.max_tokens).map_or(0, u64::from);
    let room = limit.saturating_sub(window.reserve_for_output.unwrap_or(cap));
    let before = tokens(request);
    let (mut now, count) = (before, request.messages.len());
    if before <= room {
        return Ok(None);
    }
    if window.strategy == ContextStrategy::Truncate {
        let mut messages: Vec<Message> = request.messages.iter().cloned().collect();
        let is_instruction =
            |message: &Message| matches!(message, Message::System(_) | Message::Developer(_));
        while now > room {
            let Some(first) = messages.iter().position(|message| !is_instruction(message)) else { break };
            let is_user = |message: &Message| matches!(message, Message::User(_));
            let Some(next) = messages[first + 1..].iter().position(is_user) else { break };
            for message in messages.drain(first..=first + next) {
                now = now.saturating_sub(message_tokens(&message));
            }
        }
        request.messages = messages.into_iter().collect();
    }
    if now > room {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "context_overflow",
            format!("the conversation has about {now} tokens, and {room} of {limit} are left for it"),
        ));
    }
    Ok(Some(Trimmed {
        removed_messages: count - request.messages.len(),
        estimated_tokens_before: before,
        estimated_tokens: now,
        max_tokens: limit,
    }))
}

/// The tokens that a picture, a sound, a file or a video counts as.
const MEDIA_TOKENS: u64 = 1000;

/// Guesses the tokens of a request: 4 for each message, 1 for each 4 characters of ASCII, 1 for each other
/// character, [`MEDIA_TOKENS`] for anything that is no text. Tokenizers differ by model; none is asked.
fn tokens(request: &ChatRequest) -> u64 {
    let tools = request.tools.iter().map(|tool| match tool {
        Tool::Function(tool) => {
            let schema = tool.parameters.as_ref().map_or("", |schema| schema.get());
            guess(&tool.name) + guess(tool.description.as_deref().unwrap_or_default()) + guess(schema)
        }
        _ => 0,
    });
    request.messages.iter().map(message_tokens).sum::<u64>() + tools.sum::<u64>()
}

fn message_tokens(message: &Message) -> u64 {
    4 + match message {
        Message::System(said) | Message::Developer(said) | Message::User(said) => {
            content_tokens(&said.content)
        }
        Message::Tool(result) => content_tokens(&result.content),
        Message::Assistant(said) => {
            let calls = said.tool_calls.iter().map(|call| guess(&call.name) + guess(&call.arguments));
            guess(&said.text) + calls.sum::<u64>()
        }
        Message::Other(other) => guess(other.json().get()),
        _ => 0,
    }
}

fn content_tokens(content: &Content) -> u64 {
    match content {
        Content::Text(text) => guess(text),
        Content::Parts(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text(part) => guess(&part.text),
                _ => MEDIA_TOKENS,
            })
            .sum(),
    }
}

fn guess(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let others = text.chars().filter(|c| !c.is_ascii()).count() as u64;
    ascii.div_ceil(4) + others
}

#[cfg(test)]
mod tests;
