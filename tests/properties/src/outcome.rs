//! The outcome of an answer, and the rules that every outcome must keep.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use provider_core::{AssistantMessage, ChatResponse, ChatStream, Error, Event};

use crate::client::{KEY, MODEL, now};

/// A stream that was read to its end.
#[derive(Debug)]
pub struct Outcome {
    /// The events before the last one.
    pub events: Vec<Event>,
    /// The answer, or the error that it ended in.
    pub end: Result<ChatResponse, Error>,
}

impl Outcome {
    /// Reads a stream; it must keep the law: deltas, then one terminal event, then the end.
    pub(crate) fn of(stream: Result<ChatStream, Error>) -> Self {
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(error) => return Self { events: Vec::new(), end: Err(error) },
        };
        let (mut events, mut terminal) = (Vec::new(), None);
        while let Some(event) = now(stream.next()) {
            assert!(terminal.is_none(), "{event:?} came after {terminal:?}");
            match event {
                Ok(Event::Finished(finished)) => terminal = Some(Ok(finished)),
                Ok(event) => events.push(event),
                Err(error) => terminal = Some(Err(error)),
            }
        }
        assert!(now(stream.next()).is_none(), "the end is the end");
        let end = stream.into_response();
        match (terminal.expect("a terminal event"), &end) {
            (Ok(finished), Ok(response)) => {
                assert_eq!(finished.finish_reason, response.finish_reason);
                assert_eq!(finished.native_finish_reason, response.native_finish_reason);
                assert_eq!(finished.usage, response.usage);
            }
            (Err(error), Err(kept)) => assert_eq!(error, *kept),
            (terminal, end) => panic!("{terminal:?} is not {end:?}"),
        }
        Self { events, end }
    }

    /// The answer, or what there is of it.
    pub fn response(&self) -> ChatResponse {
        match &self.end {
            Ok(response) => response.clone(),
            Err(error) => error.partial().cloned().unwrap_or_default(),
        }
    }

    /// The text as it was handed out.
    pub fn text(&self) -> String {
        self.events
            .iter()
            .filter_map(|event| if let Event::Text(text) = event { Some(&**text) } else { None })
            .collect()
    }

    /// Checks that the events bring what the answer has collected, and that an error is a proper one.
    pub(crate) fn check(&self) {
        let response = self.response();
        let message = &response.message;
        let (mut reasoning, mut refusal, mut data, mut words) = <(String, String, String, String)>::default();
        let (mut images, mut annotations, mut raw) = (Vec::new(), Vec::new(), Vec::new());
        let mut calls: BTreeMap<usize, (String, String, String)> = BTreeMap::new();
        for event in &self.events {
            match event {
                Event::Text(piece) => assert_ne!(piece, "", "empty pieces are not shown"),
                Event::Reasoning(piece) => reasoning.push_str(piece),
                Event::Refusal(piece) => refusal.push_str(piece),
                Event::ToolCall(delta) => {
                    let call = calls.entry(delta.call).or_default();
                    call.0.push_str(delta.name.as_deref().unwrap_or_default());
                    call.1.push_str(&delta.arguments);
                    call.2.push_str(delta.id.as_deref().unwrap_or_default());
                }
                Event::Image(image) => images.push(image.clone()),
                Event::Audio(delta) => {
                    data.push_str(delta.data.as_deref().unwrap_or_default());
                    words.push_str(delta.transcript.as_deref().unwrap_or_default());
                }
                Event::Annotation(annotation) => annotations.push(annotation.clone()),
                Event::Raw(json) => raw.push(json.clone()),
                other => panic!("{other:?} is no delta"),
            }
        }
        assert_eq!(self.text(), message.text);
        assert_eq!(refusal, message.refusal.as_deref().unwrap_or_default());
        assert_eq!((images, annotations), (message.images.clone(), message.annotations.clone()));
        match self.end {
            Ok(_) => assert_eq!(raw, response.raw),
            // In an error the key is taken out of them, whatever is left of their form then.
            Err(_) => assert!(response.raw.len() <= raw.len()),
        }
        let audio = message.audio.clone().unwrap_or_default();
        assert_eq!((data, words), (audio.data.unwrap_or_default(), audio.transcript.unwrap_or_default()));
        if message.reasoning_details.is_none() {
            assert_eq!(reasoning, message.reasoning.as_deref().unwrap_or_default());
        }
        check_calls(calls.into_values().collect(), message);
        if let Err(error) = &self.end {
            check_error(error);
        }
    }

    /// Two readings of the same bytes must come to the same.
    pub(crate) fn must_equal(&self, other: &Self, how: &str) {
        assert_eq!(self.events, other.events, "{how}");
        must_equal(&self.end, &other.end, how);
    }
}

/// The calls that were shown, as name, arguments and id, are those that were collected, each with an id of
/// its own.
fn check_calls(mut shown: Vec<(String, String, String)>, message: &AssistantMessage) {
    let ids: HashSet<&str> = message.tool_calls.iter().map(|call| &*call.id).collect();
    assert!(ids.len() == message.tool_calls.len() && !ids.contains(""), "{:?}", message.tool_calls);
    let said = |call: &&provider_core::ToolCall| !call.name.is_empty() || !call.arguments.is_empty();
    let collected = message.tool_calls.iter().filter(said);
    let mut collected: Vec<_> = collected.map(|call| (call.name.clone(), call.arguments.clone())).collect();
    for (_, _, id) in shown.iter().filter(|(_, _, id)| !id.is_empty()) {
        let has = |call: &provider_core::ToolCall| call.received_id.as_deref().unwrap_or(&call.id) == id;
        assert!(message.tool_calls.iter().any(has), "{id:?} is in no call of {:?}", message.tool_calls);
    }
    shown.retain(|(name, arguments, _)| !name.is_empty() || !arguments.is_empty());
    let mut shown: Vec<_> = shown.into_iter().map(|(name, arguments, _)| (name, arguments)).collect();
    shown.sort();
    collected.sort();
    assert_eq!(shown, collected);
}

/// Two ends are the same, except for waits that are counted from now.
pub(crate) fn must_equal(a: &Result<ChatResponse, Error>, b: &Result<ChatResponse, Error>, how: &str) {
    match (a, b) {
        (Ok(a), Ok(b)) => assert_eq!(a, b, "{how}"),
        (Err(a), Err(b)) => {
            let said = |error: &Error| (error.kind(), error.is_retryable(), error.message().to_owned());
            assert_eq!(said(a), said(b), "{how}");
            assert_eq!(a.partial(), b.partial(), "{how}");
            assert_eq!((a.code(), a.upstream(), a.status()), (b.code(), b.upstream(), b.status()), "{how}");
            assert_eq!((a.details(), a.generation_id()), (b.details(), b.generation_id()), "{how}");
        }
        (a, b) => panic!("{how}: {a:?} is not {b:?}"),
    }
}

/// Checks an error of an answer: it says where it is from, it is of bounded size, on one line, and without
/// the key.
pub fn check_error(error: &Error) {
    assert_eq!((error.provider(), error.model()), (Some("openrouter"), Some(MODEL)));
    assert!(!error.message().trim().is_empty(), "{error:?} says nothing");
    let (line, debug) = (error.to_string(), format!("{error:?}"));
    assert!(line.len() < 30_000 && debug.len() < 100_000, "{} and {} bytes", line.len(), debug.len());
    assert!(error.message().len() < (8 << 10) + 500, "{} bytes of message", error.message().len());
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!line.contains(breaks), "{line:?} is not one line");
    let details = error.details().map(|json| json.get().to_owned()).unwrap_or_default();
    let plain =
        serde_json::from_str::<serde_json::Value>(&details).map(|json| strings(&json)).unwrap_or_default();
    for text in [&line, &debug, &details, &plain] {
        assert!(!text.contains(KEY), "the key is in {text}");
    }
    if let Some(wait) = error.retry().after() {
        assert!(wait <= Duration::from_secs(7 * 24 * 60 * 60), "{wait:?}");
    }
}

/// All the texts in a value, unescaped.
fn strings(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::String(text) => format!("{text}\n"),
        serde_json::Value::Array(items) => items.iter().map(strings).collect(),
        serde_json::Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name}\n{}", strings(value))).collect()
        }
        _ => String::new(),
    }
}
