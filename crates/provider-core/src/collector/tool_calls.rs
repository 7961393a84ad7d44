//! Joins tool calls from their pieces.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::{ChatResponse, ExtraFields, ToolCall, ToolCallDelta};

/// A piece of a tool call as the wire has it.
///
/// Pieces with the same `index` are one call, until an `id` comes that is new there: some services number all their
/// calls 0. A piece without an index goes on with the call of the piece before it.
#[derive(Clone, Debug, Default)]
pub struct ToolCallPiece<'a> {
    /// The call's number on the wire.
    pub index: Option<u64>,
    /// The call's id; `None` and empty say nothing.
    pub id: Option<&'a str>,
    /// The tool's name; `None` and empty say nothing, and the first one counts.
    pub name: Option<&'a str>,
    /// The next piece of the arguments. An owned one becomes the event's without a copy.
    pub arguments: Cow<'a, str>,
    /// Fields that have no place of their own.
    pub extra: ExtraFields,
    /// Whether this is a whole call, never to be joined with another.
    pub whole: bool,
}

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
        let index = piece.index.unwrap_or(self.latest);
        self.latest = index;
        let id = piece.id.filter(|id| !id.is_empty());
        let name = piece.name.filter(|name| !name.is_empty());
        let call = if piece.whole { None } else { self.find(calls, index, id) };
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
        joined.arguments.push_str(&piece.arguments);
        for (name, value) in piece.extra.iter() {
            joined.extra.push(name, value.clone());
        }
        if id.is_none() && name.is_none() && piece.arguments.is_empty() {
            return None;
        }
        Some(ToolCallDelta {
            call,
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            arguments: piece.arguments.into_owned(),
        })
    }

    /// The call that a piece goes on with.
    fn find(&self, calls: &[ToolCall], index: u64, id: Option<&str>) -> Option<usize> {
        let at_index = || (0..calls.len()).rev().filter(|call| self.indexes.get(*call) == Some(&index));
        let newest = at_index().next()?;
        match id {
            None => Some(newest),
            Some(_) if calls[newest].id.is_empty() => Some(newest),
            Some(id) => at_index().find(|call| calls[*call].id == id),
        }
    }

    /// Puts the calls in the wire's order and gives each an id of its own.
    pub(super) fn seal(&mut self, response: &mut ChatResponse) {
        let calls = std::mem::take(&mut response.message.tool_calls);
        let mut numbered: Vec<(u64, ToolCall)> =
            std::mem::take(&mut self.indexes).into_iter().zip(calls).collect();
        numbered.sort_by_key(|(index, _)| *index);
        self.indexes = numbered.iter().map(|(index, _)| *index).collect();
        // The end of the generation's id, so that made-up ids of two turns differ; short, since some models allow 40.
        let id = response.id.as_deref().unwrap_or_default();
        let suffix: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        let suffix = &suffix[suffix.len().saturating_sub(12)..];
        let mut taken = HashSet::new();
        for (position, (_, call)) in numbered.iter_mut().enumerate() {
            if call.id.is_empty() {
                call.id = format!("call_{suffix}_{position}");
            } else if taken.contains(&call.id) {
                call.received_id = Some(call.id.clone());
                call.id = format!("{}_{position}", call.id);
            }
            taken.insert(call.id.clone());
        }
        response.message.tool_calls = numbered.into_iter().map(|(_, call)| call).collect();
    }
}
