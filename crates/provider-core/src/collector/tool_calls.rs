//! Joins tool calls from their pieces.

use std::collections::HashSet;

use crate::{ChatResponse, ExtraFields, ToolCall, ToolCallDelta};

/// A piece of a tool call as the wire has it.
///
/// Pieces with the same `index` are one call, until an `id` comes that is new there: some services number all their
/// calls 0. A piece without an index goes on with the call that has its id, or else with that of the piece before it.
#[derive(Clone, Debug, Default)]
pub struct ToolCallPiece<'a> {
    /// The call's number on the wire.
    pub index: Option<u64>,
    /// The call's id; `None` and empty say nothing.
    pub id: Option<&'a str>,
    /// The tool's name; `None` and empty say nothing, and the first one counts.
    pub name: Option<&'a str>,
    /// The next piece of the arguments.
    pub arguments: &'a str,
    /// Fields that have no place of their own.
    pub extra: ExtraFields,
    /// Whether this is a whole call, never to be joined with another.
    pub whole: bool,
    /// The call that it goes on with, as [`Collector::call_of`](crate::Collector::call_of) numbers them,
    /// where the decoder knows it. Counts before everything else.
    pub call: Option<usize>,
}

/// How many calls are looked at, from the newest, for the one that a piece goes on with. Keeps a stream of very many calls
/// from costing the square of their number.
const LOOK_BACK: usize = 256;

/// What is known of the calls beside the calls themselves.
#[derive(Debug, Default)]
pub(super) struct OpenCalls {
    /// The wire's number of each call, in the order the calls began.
    indexes: Vec<u64>,
    /// The number of the latest piece.
    latest: u64,
}

impl OpenCalls {
    /// Adds a piece to its call. Gives back what to show, or nothing for a piece that says nothing.
    pub(super) fn join(
        &mut self,
        calls: &mut Vec<ToolCall>,
        piece: ToolCallPiece<'_>,
    ) -> Option<ToolCallDelta> {
        let call = self.call_of(calls, &piece);
        let index = call.filter(|_| piece.call.is_some()).and_then(|call| self.indexes.get(call).copied());
        let index = index.or(piece.index).unwrap_or(self.latest);
        self.latest = index;
        let id = piece.id.filter(|id| !id.is_empty());
        let name = piece.name.filter(|name| !name.is_empty());
        let call = call.unwrap_or_else(|| {
            self.indexes.push(index);
            calls.push(ToolCall::default());
            calls.len() - 1
        });
        let joined = calls.get_mut(call)?;
        let id = id.filter(|_| joined.id.is_empty());
        let name = name.filter(|_| joined.name.is_empty());
        joined.id.push_str(id.unwrap_or_default());
        joined.name.push_str(name.unwrap_or_default());
        joined.arguments.push_str(piece.arguments);
        for (name, value) in piece.extra.iter() {
            joined.extra.insert(name, value.clone());
        }
        if id.is_none() && name.is_none() && piece.arguments.is_empty() {
            return None;
        }
        Some(ToolCallDelta {
            call,
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            arguments: piece.arguments.into(),
        })
    }

    /// The call that a piece goes on with; none if it begins one.
    pub(super) fn call_of(&mut self, calls: &[ToolCall], piece: &ToolCallPiece<'_>) -> Option<usize> {
        match piece.call.filter(|call| *call < calls.len()) {
            None if piece.whole => None,
            None => self.find(calls, piece, piece.index.unwrap_or(self.latest)),
            known => known,
        }
    }

    fn find(&self, calls: &[ToolCall], piece: &ToolCallPiece<'_>, index: u64) -> Option<usize> {
        let id = piece.id.filter(|id| !id.is_empty());
        let named = piece.name.is_some_and(|name| !name.is_empty());
        let newest_first = || (0..calls.len()).rev().take(LOOK_BACK);
        if piece.index.is_none() {
            if let Some(known) = id.and_then(|id| newest_first().find(|call| calls[*call].id == id)) {
                return Some(known);
            }
        }
        let at_index = || newest_first().filter(|call| self.indexes.get(*call) == Some(&index));
        let newest = at_index().next()?;
        match id {
            Some(_) if calls[newest].id.is_empty() => Some(newest),
            Some(id) => at_index().find(|call| calls[*call].id == id),
            // Without a number and without an id, a second name is the only sign of a second call.
            None if piece.index.is_none() && !calls[newest].name.is_empty() && named => None,
            None => Some(newest),
        }
    }

    /// Puts the calls in the wire's order and gives each an id of its own.
    pub(super) fn seal(&mut self, response: &mut ChatResponse) {
        if response.message.tool_calls.is_empty() {
            return;
        }
        let calls = std::mem::take(&mut response.message.tool_calls);
        let mut numbered: Vec<(u64, ToolCall)> =
            std::mem::take(&mut self.indexes).into_iter().zip(calls).collect();
        numbered.sort_by_key(|(index, _)| *index);
        self.indexes = numbered.iter().map(|(index, _)| *index).collect();
        // The end of the generation's id, so that made-up ids of two turns differ; short, since some models allow 40.
        let id = response.id.as_deref().unwrap_or_default();
        let suffix: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        let suffix = &suffix[suffix.len().saturating_sub(12)..];
        let received: HashSet<String> = numbered.iter().map(|(_, call)| call.id.clone()).collect();
        let mut taken = HashSet::new();
        for (position, (_, call)) in numbered.iter_mut().enumerate() {
            if call.id.is_empty() {
                call.id = free_id(&format!("call_{suffix}"), position, &received, &taken);
            } else if taken.contains(&call.id) {
                let id = free_id(&call.id, position, &received, &taken);
                call.received_id = Some(std::mem::replace(&mut call.id, id));
            }
            taken.insert(call.id.clone());
        }
        response.message.tool_calls = numbered.into_iter().map(|(_, call)| call).collect();
    }
}

/// An id that no call has and no call was received with.
fn free_id(stem: &str, from: usize, received: &HashSet<String>, taken: &HashSet<String>) -> String {
    let free = |id: &String| !received.contains(id) && !taken.contains(id);
    // Among as many numbers as there are ids, and one more, one is free.
    let numbers = from..=from + received.len() + taken.len();
    numbers.map(|number| format!("{stem}_{number}")).find(free).unwrap_or_default()
}

#[cfg(test)]
mod tests;
