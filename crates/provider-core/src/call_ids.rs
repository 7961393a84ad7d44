//! Ids of tool calls: each names one call, in an answer and in a conversation.

mod raw;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

use crate::{Message, ToolCall};

/// The longest id to make, in bytes: some models take no longer ones.
const MAX_LENGTH: usize = 40;

/// The messages of a conversation, with an id of its own for every tool call.
///
/// Some models number their calls anew in every turn, and services refuse a conversation in which two calls
/// have the same id. A repeated id is replaced in the later call and in the results that follow it, so that a
/// conversation which grows keeps the ids it was sent with before. Messages without a repeated id are not
/// copied, and [`Message::Other`] is heeded too.
///
/// For the authors of providers: send what comes out of here. A [tool loop](crate::ToolLoop) does the same as
/// it goes.
///
/// ```
/// use provider_core::author::unique_call_ids;
/// use provider_core::{AssistantMessage, Message, ToolCall};
///
/// let turn = || {
///     let mut turn = AssistantMessage::default();
///     turn.tool_calls.push(ToolCall::new("call_0", "get_time", "{}"));
///     [Message::from(turn), Message::tool("call_0", "noon")]
/// };
/// let messages = [turn(), turn()].concat();
/// let sent = unique_call_ids(&messages);
/// assert_eq!(sent[..2], messages[..2]);
/// assert_eq!(sent[3], Message::tool("call_0_2", "noon"));
/// ```
pub fn unique_call_ids(messages: &[Message]) -> Cow<'_, [Message]> {
    let mut seen = HashSet::new();
    let mut is_repeated = false;
    for message in messages {
        each_call_id(message, |id| is_repeated |= !seen.insert(id));
    }
    if is_repeated { Cow::Owned(renamed(messages)) } else { Cow::Borrowed(messages) }
}

/// Copies the messages and replaces the ids that are repeated.
fn renamed(messages: &[Message]) -> Vec<Message> {
    let mut ids = CallIds::default();
    // By the id of a call as it came: what the results that follow are to name. The newest turn with that id
    // counts, and in it the calls in their order.
    let mut results: HashMap<String, VecDeque<String>> = HashMap::new();
    let mut copies = messages.to_vec();
    for message in &mut copies {
        let mut calls: HashMap<String, VecDeque<String>> = HashMap::new();
        let mut claim = |id: &str| {
            let claimed = ids.claim(id);
            calls.entry(id.to_owned()).or_default().push_back(claimed.clone());
            claimed
        };
        match message {
            Message::Assistant(turn) => {
                for place in 0..turn.tool_calls.len() {
                    let claimed = claim(&turn.tool_calls[place].id);
                    if claimed != turn.tool_calls[place].id {
                        rename(&mut turn.tool_calls[place], claimed);
                    }
                }
            }
            Message::Tool(result) => {
                if let Some(id) = next_result(&mut results, &result.tool_call_id) {
                    if id != result.tool_call_id {
                        result.tool_call_id = id;
                    }
                }
            }
            Message::Other(other) => {
                raw::rename(other.json_mut(), claim, |id| next_result(&mut results, id));
            }
            _ => {}
        }
        results.extend(calls);
    }
    copies
}

/// The id that the next result for `id` is to name. Several results for one call all name it.
fn next_result(results: &mut HashMap<String, VecDeque<String>>, id: &str) -> Option<String> {
    let calls = results.get_mut(id)?;
    if calls.len() > 1 { calls.pop_front() } else { calls.front().cloned() }
}

/// Gives a call another id, and keeps the one that it came with.
fn rename(call: &mut ToolCall, id: String) {
    let before = std::mem::replace(&mut call.id, id);
    if call.received_id.is_none() && !before.is_empty() {
        call.received_id = Some(before);
    }
}

fn each_call_id<'m>(message: &'m Message, mut each: impl FnMut(Cow<'m, str>)) {
    match message {
        Message::Assistant(turn) => turn.tool_calls.iter().for_each(|call| each(Cow::Borrowed(&call.id))),
        Message::Other(other) => raw::call_ids(other.json()).into_iter().for_each(|id| each(Cow::Owned(id))),
        _ => {}
    }
}

/// The ids that calls of a conversation have.
#[derive(Debug, Default)]
pub(crate) struct CallIds {
    taken: HashSet<String>,
    /// By id: the highest number that was put behind it.
    numbers: HashMap<String, usize>,
}

impl CallIds {
    /// Those of these messages.
    pub(crate) fn of(messages: &[Message]) -> Self {
        let mut ids = Self::default();
        for message in messages {
            each_call_id(message, |id| {
                ids.taken.insert(id.into_owned());
            });
        }
        ids
    }

    /// Gives the calls of an answer, which follow in the conversation, ids of their own.
    pub(crate) fn rename(&mut self, calls: &mut [ToolCall], generation: Option<&str>) {
        let made_up = made_up(generation) + "_";
        for call in calls {
            let claimed = self.claim(&call.id);
            if claimed == call.id {
                continue;
            }
            if call.id.starts_with(&made_up) {
                call.id = claimed;
            } else {
                rename(call, claimed);
            }
        }
    }

    /// The id of the next call: the one it came with, if no call has it.
    fn claim(&mut self, id: &str) -> String {
        if self.taken.insert(id.to_owned()) {
            return id.to_owned();
        }
        let number = self.numbers.entry(id.to_owned()).or_insert(1);
        loop {
            *number += 1;
            let claimed = numbered(id, *number);
            if self.taken.insert(claimed.clone()) {
                return claimed;
            }
        }
    }
}

/// Gives every call of an answer an id of its own: those without one, and those whose id another one has.
pub(crate) fn make_unique(calls: &mut [ToolCall], generation: Option<&str>) {
    let made_up = made_up(generation);
    let received: HashSet<String> = calls.iter().map(|call| call.id.clone()).collect();
    let mut taken = HashSet::new();
    for (position, call) in calls.iter_mut().enumerate() {
        if call.id.is_empty() {
            call.id = free_id(&made_up, position, &received, &taken);
        } else if taken.contains(&call.id) {
            let id = free_id(&call.id, position, &received, &taken);
            rename(call, id);
        }
        taken.insert(call.id.clone());
    }
}

/// The beginning of an id that is made up. The end of the generation's id is in it, so that those of two
/// turns differ.
fn made_up(generation: Option<&str>) -> String {
    let suffix: String = generation.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("call_{}", &suffix[suffix.len().saturating_sub(12)..])
}

/// An id that no call has and no call was received with.
fn free_id(stem: &str, from: usize, received: &HashSet<String>, taken: &HashSet<String>) -> String {
    let free = |id: &String| !received.contains(id) && !taken.contains(id);
    // Among as many numbers as there are ids, and one more, one is free.
    let numbers = from..=from + received.len() + taken.len();
    numbers.map(|number| numbered(stem, number)).find(free).unwrap_or_default()
}

/// An id with a number behind it, of which as much is kept as there is room for.
fn numbered(stem: &str, number: usize) -> String {
    let number = format!("_{number}");
    let room = MAX_LENGTH - number.len();
    let end = (0..=room.min(stem.len())).rev().find(|end| stem.is_char_boundary(*end));
    format!("{}{number}", &stem[..end.unwrap_or(0)])
}
