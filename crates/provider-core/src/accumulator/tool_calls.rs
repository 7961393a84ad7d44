//! Joins tool calls from their pieces.

mod extent;

use self::extent::{Extent, Progress};
use super::append;
use crate::{ChatResponse, ExtraFields, ToolCall, ToolCallDelta, call_ids};

/// A piece of a tool call as the wire has it.
///
/// Services number calls, give them ids and name them in many ways, so a piece finds its call by these rules:
///
/// * A call begins with a name, or with an index of its own. Some services number all calls 0: there, a name
///   that comes with a new id begins a call, and so does one that comes after arguments that are whole.
/// * Pieces with the same index are one call, and the first id counts: some services make up a new one for
///   every piece.
/// * A piece without an index goes on with the call that has its id, or else with that of the last piece.
/// * Pieces of a name are joined until the arguments begin. The whole name once more is no piece.
#[derive(Clone, Debug, Default)]
pub struct ToolCallPiece<'a> {
    /// The call's number on the wire.
    pub index: Option<u64>,
    /// The call's id; `None` and empty say nothing.
    pub id: Option<&'a str>,
    /// The tool's name, or the next piece of it; `None` and empty say nothing.
    pub name: Option<&'a str>,
    /// The next piece of the arguments.
    pub arguments: &'a str,
    /// Fields that have no place of their own.
    pub extra: ExtraFields,
    /// Whether this is a whole call, never to be joined with another.
    pub whole: bool,
    /// The call that it goes on with, as
    /// [`ResponseAccumulator::position_of_call`](crate::author::ResponseAccumulator::position_of_call)
    /// numbers them, where the decoder knows it. Counts before everything else.
    pub call: Option<usize>,
}

impl ToolCallPiece<'_> {
    fn id(&self) -> Option<&str> {
        self.id.filter(|id| !id.is_empty())
    }

    fn name(&self) -> Option<&str> {
        self.name.filter(|name| !name.is_empty())
    }

    fn says_nothing(&self) -> bool {
        self.id().is_none() && self.name().is_none() && self.arguments.is_empty() && self.extra.is_empty()
    }
}

/// How many calls are looked at, from the newest, for the one that a piece goes on with. Keeps a stream of
/// very many calls from costing the square of their number.
const LOOK_BACK: usize = 256;

/// The state of the calls, beside the calls themselves.
#[derive(Debug, Default)]
pub(super) struct OpenCalls {
    /// One for each call, in the order the calls began.
    open: Vec<OpenCall>,
    /// The number of the latest piece.
    latest: u64,
}

/// The state of a call while its pieces come.
#[derive(Clone, Debug, Default)]
struct OpenCall {
    /// The wire's number.
    index: u64,
    /// How far its arguments have come.
    extent: Extent,
    /// Its name came again after whole arguments, with nothing else. Arguments that follow are another
    /// call's.
    named_again: bool,
}

/// Where a piece belongs.
enum Place {
    Begins,
    /// It begins another call of the tool that this call named again.
    BeginsAgain(usize),
    GoesOn(usize),
    /// All of it has come before.
    Repeats(usize),
}

impl OpenCalls {
    /// Adds a piece to its call. Gives back what to show, or nothing for a piece that says nothing.
    pub(super) fn join(
        &mut self,
        calls: &mut Vec<ToolCall>,
        piece: ToolCallPiece<'_>,
    ) -> Option<ToolCallDelta> {
        let known = piece.call.and_then(|call| self.open.get(call)).map(|open| open.index);
        let index = known.or(piece.index).unwrap_or(self.latest);
        self.latest = index;
        let mut arguments = piece.arguments;
        let mut named_before = None;
        let call = match self.place(calls, &piece, index) {
            Place::GoesOn(call) => call,
            Place::Repeats(call) => {
                arguments = "";
                call
            }
            Place::Begins if piece.says_nothing() => return None,
            Place::Begins => self.begin(calls, index),
            Place::BeginsAgain(before) => {
                named_before = calls.get(before).map(|before| before.name.clone());
                self.begin(calls, index)
            }
        };
        let (joined, open) = (calls.get_mut(call)?, self.open.get_mut(call)?);
        let id = piece.id().filter(|_| joined.id.is_empty());
        let name = piece.name().or(named_before.as_deref());
        let name = name
            .filter(|_| joined.name.is_empty() || open.extent.of(&joined.arguments) == Progress::NotBegun);
        // Some services send the whole name with every piece, or what there is of it so far.
        let name = name.map(|name| name.strip_prefix(&*joined.name).unwrap_or(name));
        let name = name.filter(|name| !name.is_empty());
        joined.id.push_str(id.unwrap_or_default());
        joined.name.push_str(name.unwrap_or_default());
        append(&mut joined.arguments, arguments);
        for (name, value) in piece.extra.iter() {
            joined.extra.insert(name, value.clone());
        }
        if id.is_none() && name.is_none() && arguments.is_empty() {
            return None;
        }
        Some(ToolCallDelta {
            call,
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            arguments: arguments.into(),
        })
    }

    fn begin(&mut self, calls: &mut Vec<ToolCall>, index: u64) -> usize {
        self.open.push(OpenCall { index, ..OpenCall::default() });
        calls.push(ToolCall::default());
        calls.len() - 1
    }

    /// Where a piece belongs; [`ToolCallPiece`] has the rules.
    fn place(&mut self, calls: &[ToolCall], piece: &ToolCallPiece<'_>, index: u64) -> Place {
        match self.candidate(calls, piece, index) {
            Some(at) => match (calls.get(at), self.open.get_mut(at)) {
                (Some(call), Some(open)) => open.place(at, call, piece),
                _ => Place::Begins,
            },
            None => Place::Begins,
        }
    }

    /// The call that a piece goes on with; none if it begins one.
    pub(super) fn call_of(&self, calls: &[ToolCall], piece: &ToolCallPiece<'_>) -> Option<usize> {
        let at = self.candidate(calls, piece, piece.index.unwrap_or(self.latest))?;
        // Of a copy, since a call remembers what it was asked.
        match self.open.get(at)?.clone().place(at, calls.get(at)?, piece) {
            Place::GoesOn(call) | Place::Repeats(call) => Some(call),
            Place::Begins | Place::BeginsAgain(_) => None,
        }
    }

    /// The call that a piece goes on with, unless its name begins another one.
    fn candidate(&self, calls: &[ToolCall], piece: &ToolCallPiece<'_>, index: u64) -> Option<usize> {
        if piece.call.is_some_and(|call| call < calls.len()) || piece.whole {
            return piece.call.filter(|call| *call < calls.len());
        }
        // Nearly every piece goes on with the newest call, and has no id.
        if piece.id().is_none() && self.open.last().is_some_and(|open| open.index == index) {
            return calls.len().checked_sub(1);
        }
        let newest_first = || (0..calls.len()).rev().take(LOOK_BACK);
        let at_index =
            || newest_first().filter(|call| self.open.get(*call).is_some_and(|open| open.index == index));
        let newest = at_index().next();
        let Some(id) = piece.id() else { return newest };
        let has_id = |call: &usize| calls.get(*call).is_some_and(|call| call.id == id);
        let known = at_index().find(has_id);
        // An index of its own begins a call, but not one that has an id of another and no name.
        let is_elsewhere = piece.index.is_none() || (newest.is_none() && piece.name().is_none());
        known.or_else(|| newest_first().find(has_id).filter(|_| is_elsewhere)).or(newest)
    }

    /// Puts the calls in the wire's order and gives each an id of its own. Where blocks of tool calls were
    /// recorded, the order in which these began is the wire's.
    pub(super) fn seal(&mut self, response: &mut ChatResponse) {
        let is_in_order = response.message.blocks.has_tool_calls();
        let calls = &mut response.message.tool_calls;
        if calls.is_empty() {
            return;
        }
        let mut numbered: Vec<(OpenCall, ToolCall)> =
            std::mem::take(&mut self.open).into_iter().zip(std::mem::take(calls)).collect();
        if !is_in_order {
            numbered.sort_by_key(|(open, _)| open.index);
        }
        (self.open, *calls) = numbered.into_iter().unzip();
        call_ids::make_unique(calls, response.id.as_deref());
    }
}

impl OpenCall {
    /// Where a piece belongs that this call, the one at `at`, is the candidate for.
    fn place(&mut self, at: usize, call: &ToolCall, piece: &ToolCallPiece<'_>) -> Place {
        if piece.call.is_some() {
            return Place::GoesOn(at);
        }
        let is_bare = || piece.arguments.trim_start().is_empty();
        let Some(name) = piece.name().filter(|_| !call.name.is_empty()) else {
            return if self.named_again && !is_bare() { Place::BeginsAgain(at) } else { Place::GoesOn(at) };
        };
        let is_bare = is_bare();
        let progress = self.extent.of(&call.arguments);
        let is_whole = progress == Progress::Whole;
        let is_repeated = is_whole && piece.arguments == call.arguments;
        let is_same_name = match progress {
            Progress::NotBegun => name.starts_with(&*call.name),
            Progress::Begun | Progress::Whole => name == call.name,
        };
        match piece.id() {
            Some(id) if id == call.id && is_repeated => Place::Repeats(at),
            // One id for all calls: two objects in a row are no arguments.
            Some(id) if id == call.id && is_whole && piece.arguments.trim_start().starts_with('{') => {
                Place::Begins
            }
            Some(id) if id == call.id => Place::GoesOn(at),
            // The id comes late.
            Some(_) if call.id.is_empty() && is_same_name && (!is_whole || is_bare) => Place::GoesOn(at),
            // The id changes, and the name comes with every piece.
            Some(_) if progress == Progress::Begun && is_same_name => Place::GoesOn(at),
            // The same, and the first piece had no arguments yet.
            Some(_) if piece.index.is_some() && name == call.name && !is_whole && !is_bare => {
                Place::GoesOn(at)
            }
            Some(_) => Place::Begins,
            None if is_repeated && !call.id.is_empty() => Place::Repeats(at),
            None if is_whole && is_same_name && is_bare => {
                self.named_again = true;
                Place::GoesOn(at)
            }
            None if is_whole => Place::Begins,
            // Without a number and without an id, another name is the only sign of another call.
            None if piece.index.is_none() && call.id.is_empty() && !is_same_name => Place::Begins,
            None => Place::GoesOn(at),
        }
    }
}

#[cfg(test)]
mod tests;
