//! Validates messages: roles, content parts, and tool results that belong to a call.

use std::collections::HashSet;

use serde_json::Value;

use super::{Check, ensure, invalid, list, object};

pub(super) fn check(messages: &Value) -> Check {
    let messages = list(messages, "messages")?;
    ensure(!messages.is_empty(), "messages", "must have at least one message")?;
    let mut calls: HashSet<&str> = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        let field = format!("messages[{index}]");
        object(message, &field)?;
        let content = format!("{field}.content");
        let name = &message["name"];
        ensure(name.is_null() || name.is_string(), &format!("{field}.name"), "must be a string")?;
        match message["role"].as_str() {
            Some("system" | "developer") => {
                check_content(&message["content"], &content, &["text"])?;
                let next = messages.get(index + 1).map_or(&Value::Null, |next| &next["role"]);
                check_update(message, &field, next)?;
            }
            Some("user") => check_content(&message["content"], &content, PARTS)?,
            Some("assistant") => check_assistant(message, &field, &mut calls)?,
            Some("tool") => {
                check_content(&message["content"], &content, PARTS)?;
                let answered = message["tool_call_id"].as_str();
                let field = format!("{field}.tool_call_id");
                let id = answered.ok_or_else(|| invalid(&field, "is missing"))?;
                ensure(calls.contains(id), &field, "belongs to no earlier tool call")?;
            }
            _ => {
                let problem = "must be system, developer, user, assistant or tool";
                return Err(invalid(&format!("{field}.role"), problem));
            }
        }
    }
    Ok(())
}

/// Checks a change of the effort, which stands on a message without text before the user's.
fn check_update(message: &Value, field: &str, next: &Value) -> Check {
    let update = &message["configuration_update"];
    if update.is_null() {
        return Ok(());
    }
    let field = format!("{field}.configuration_update");
    ensure(message["content"] == "", &field, "needs a message with empty content")?;
    ensure(update["reasoning"]["effort"].is_string(), &field, "needs reasoning.effort")?;
    ensure(next == "user", &field, "must stand directly before a user message")
}

const PARTS: &[&str] = &["text", "image_url", "input_audio", "file", "video_url", "input_video"];

fn check_content(content: &Value, field: &str, allowed: &[&str]) -> Check {
    match content {
        Value::String(_) => Ok(()),
        Value::Array(parts) => parts.iter().enumerate().try_for_each(|(index, part)| {
            let field = format!("{field}[{index}]");
            object(part, &field)?;
            check_part(part, &field, allowed)
        }),
        _ => Err(invalid(field, "must be a string or an array of parts")),
    }
}

fn check_part(part: &Value, field: &str, allowed: &[&str]) -> Check {
    let Some(kind) = part["type"].as_str().filter(|kind| allowed.contains(kind)) else {
        return Err(invalid(&format!("{field}.type"), &format!("must be one of {}", allowed.join(", "))));
    };
    let text =
        |value: &Value, what: &str| ensure(value.is_string(), &format!("{field}.{what}"), "must be a string");
    let is_link = |value: &Value, what: &str| {
        let good = value
            .as_str()
            .is_some_and(|url| ["https://", "http://", "data:"].iter().any(|scheme| url.starts_with(scheme)));
        ensure(good, &format!("{field}.{what}"), "must be an http(s) or data URL")
    };
    match kind {
        "text" => {
            let breakpoint = &part["prompt_cache_breakpoint"];
            let explicit = breakpoint.is_null() || breakpoint["mode"] == "explicit";
            ensure(explicit, &format!("{field}.prompt_cache_breakpoint.mode"), "must be explicit")?;
            let ttl = &breakpoint["ttl"];
            let known = ttl.is_null() || ttl == "30m" || ttl == "12h";
            ensure(known, &format!("{field}.prompt_cache_breakpoint.ttl"), "must be 30m or 12h")?;
            text(&part["text"], "text")
        }
        "image_url" => is_link(&part["image_url"]["url"], "image_url.url"),
        "video_url" if !part["video_url"]["processing"].is_null() => {
            let known = ["agentic", "static"].iter().any(|word| part["video_url"]["processing"] == *word);
            ensure(known, &format!("{field}.video_url.processing"), "must be agentic or static")?;
            is_link(&part["video_url"]["url"], "video_url.url")
        }
        "video_url" | "input_video" => is_link(&part["video_url"]["url"], "video_url.url"),
        "input_audio" => {
            text(&part["input_audio"]["data"], "input_audio.data")?;
            text(&part["input_audio"]["format"], "input_audio.format")?;
            let bare = part["input_audio"]["data"].as_str().is_some_and(|data| !data.contains(':'));
            ensure(bare, &format!("{field}.input_audio.data"), "must be bare base64")
        }
        "file" => {
            let file = &part["file"];
            let given = file["file_data"].is_string() || file["file_id"].is_string();
            ensure(given, &format!("{field}.file"), "needs file_data or file_id")
        }
        _ => Ok(()),
    }
}

fn check_assistant<'a>(message: &'a Value, field: &str, calls: &mut HashSet<&'a str>) -> Check {
    let content = &message["content"];
    if !content.is_null() {
        check_content(content, &format!("{field}.content"), PARTS)?;
    }
    for key in ["reasoning", "reasoning_content", "refusal"] {
        let text = &message[key];
        ensure(text.is_null() || text.is_string(), &format!("{field}.{key}"), "must be a string")?;
    }
    let details = &message["reasoning_details"];
    if !details.is_null() {
        let field = format!("{field}.reasoning_details");
        let typed = |detail: &Value| detail["type"].is_string();
        ensure(list(details, &field)?.iter().all(typed), &field, "every entry needs a type")?;
    }
    let tool_calls = &message["tool_calls"];
    if tool_calls.is_null() {
        return Ok(());
    }
    for (index, call) in list(tool_calls, &format!("{field}.tool_calls"))?.iter().enumerate() {
        let field = format!("{field}.tool_calls[{index}]");
        let function = &call["function"];
        let good =
            call["type"] == "function" && function["name"].is_string() && function["arguments"].is_string();
        ensure(good, &field, "needs type \"function\" and a function with name and arguments (a string)")?;
        calls.insert(call["id"].as_str().ok_or_else(|| invalid(&format!("{field}.id"), "is missing"))?);
    }
    Ok(())
}
