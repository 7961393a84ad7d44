//! The verdicts of the plugin `armor` on tool calls.

use std::collections::HashSet;

use lenient_json::{Raw, Text, object};
use provider_core::{ChatResponse, RawJson, WithheldCall};
use serde::Serialize;

/// The verdict of a safeguard on one tool call of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SafeguardResult {
    /// The id of the call.
    pub call_id: String,
    /// The safeguard that judged: `dangerous_tool_use`.
    pub safeguard: Option<String>,
    /// The verdict.
    pub verdict: SafeguardVerdict,
    /// Why, in the service's words.
    pub explanation: Option<String>,
}

/// The verdict of a safeguard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SafeguardVerdict {
    /// A rule matches the call.
    Flagged,
    /// No rule does.
    NotFlagged,
    /// The call was not judged: an upstream provider runs it itself.
    Skipped,
    /// No judgement could be had.
    Unavailable,
    /// A word that is newer than this list.
    Other(String),
}

object! {
    struct Safeguard<'a> {
        kind: Text<'a> = "type",
        status: Status<'a> = "status",
    }
}

object! {
    struct Status<'a> {
        tool_uses: ToolUses<'a> = "tool_uses",
    }
}

object! {
    /// All of its fields are in `unknown`: their names are the ids of the calls.
    struct ToolUses<'a> {}
}

object! {
    struct ToolUse<'a> {
        kind: Text<'a> = "type",
        outcome: Text<'a> = "outcome",
        explanation: Text<'a> = "explanation",
        reason: Text<'a> = "reason",
    }
}

/// Reads the values of `safeguard_results`, each a list. Of several verdicts on one call the last counts.
pub(crate) fn read(values: &[RawJson]) -> Vec<SafeguardResult> {
    let mut results: Vec<SafeguardResult> = Vec::new();
    for value in values {
        Raw::of(value.get()).for_each(|safeguard: Safeguard<'_>| {
            for (id, verdict) in &safeguard.status.tool_uses.unknown {
                let verdict: ToolUse<'_> = Raw::of(verdict).read().unwrap_or_default();
                results.push(result(id, &safeguard.kind, &verdict));
            }
        });
    }
    let mut seen = HashSet::new();
    results.reverse();
    results.retain(|result| seen.insert(result.call_id.clone()));
    results.reverse();
    results
}

fn result(id: &str, safeguard: &Text<'_>, wire: &ToolUse<'_>) -> SafeguardResult {
    let word = match wire.kind.as_str() {
        "evaluated" => wire.outcome.as_str(),
        kind => kind,
    };
    SafeguardResult {
        call_id: id.to_owned(),
        safeguard: safeguard.filled().map(str::to_owned),
        verdict: match word {
            "flagged" => SafeguardVerdict::Flagged,
            "not_flagged" => SafeguardVerdict::NotFlagged,
            "skipped" => SafeguardVerdict::Skipped,
            "unavailable" => SafeguardVerdict::Unavailable,
            other => SafeguardVerdict::Other(other.to_owned()),
        },
        explanation: wire.explanation.filled().or(wire.reason.filled()).map(str::to_owned),
    }
}

/// The calls that were judged and did not come. A flagged call that came was only judged.
pub(crate) fn withheld(results: Vec<SafeguardResult>, response: &ChatResponse) -> Vec<WithheldCall> {
    let calls = response.message.tool_calls.iter();
    let came: HashSet<&str> =
        calls.flat_map(|call| [Some(&*call.id), call.received_id.as_deref()]).flatten().collect();
    let is_withheld = |result: &SafeguardResult| {
        matches!(result.verdict, SafeguardVerdict::Flagged | SafeguardVerdict::Unavailable)
            && !came.contains(&*result.call_id)
    };
    let call = |result: SafeguardResult| {
        let call = WithheldCall::new(result.call_id);
        match result.explanation {
            Some(reason) => call.reason(reason),
            None => call,
        }
    };
    results.into_iter().filter(is_withheld).map(call).collect()
}
