//! The results of the plugin `alignment`.

use lenient_json::{Count, Flag, Raw, Text, number, object};
use openai_wire::Keep as _;
use provider_core::{AssistantMessage, Message, RawJson};
use serde::Serialize;

use crate::body;

/// The result of the plugin `alignment` for one request.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Alignment {
    /// The messages that were judged, in order. Those that were asked for again count as well.
    pub calls: Vec<AlignmentCall>,
    /// The turn that the service held back, in an error. It broke a rule: it is for a log, not for the one
    /// who asked.
    pub rejected: Option<AssistantMessage>,
    /// The whole object.
    pub raw: Option<RawJson>,
}

/// A message that was judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AlignmentCall {
    /// Its number, from 1.
    pub call: Option<u64>,
    /// `allowed`, `blocked` or `unavailable`.
    pub outcome: Option<String>,
    /// Why no judgement could be had: `cut`, `evaluator_error`, `malformed_answer`, `time_limit`.
    pub reason: Option<String>,
    /// The verdict on each rule, in the order of the request's rules.
    pub rules: Vec<AlignmentVerdict>,
}

/// The verdict on one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AlignmentVerdict {
    /// Whether the message has a field that the rule is about. Only then it is judged.
    pub applicable: Option<bool>,
    /// Whether the message breaks the rule.
    pub broken: Option<bool>,
    /// The probability that it does, 0 to 1.
    pub probability: Option<f64>,
}

object! {
    struct WireAlignment<'a> {
        calls: Raw<'a> = "calls",
        rejected: Raw<'a> = "rejected",
    }
}

object! {
    struct Call<'a> {
        call: Count = "call",
        outcome: Text<'a> = "outcome",
        reason: Text<'a> = "reason",
        rules: Raw<'a> = "rules",
    }
}

object! {
    struct Rule<'a> {
        applicable: Flag = "applicable",
        broken: Flag = "broken",
        probability: Raw<'a> = "probability",
    }
}

/// Reads the object, if it is one.
pub(crate) fn read(raw: Raw<'_>) -> Option<Alignment> {
    let wire = raw.is_object().then_some(raw)?.read::<WireAlignment<'_>>()?;
    let mut alignment = Alignment { raw: raw.keep(), ..Alignment::default() };
    wire.calls.for_each(|call: Call<'_>| {
        let mut rules = Vec::new();
        call.rules.for_each(|rule: Rule<'_>| {
            rules.push(AlignmentVerdict {
                applicable: rule.applicable.0,
                broken: rule.broken.0,
                probability: number(rule.probability),
            });
        });
        let owned = |text: &Text<'_>| text.filled().map(str::to_owned);
        let (outcome, reason) = (owned(&call.outcome), owned(&call.reason));
        alignment.calls.push(AlignmentCall { call: call.call.0, outcome, reason, rules });
    });
    alignment.rejected = wire.rejected.get().and_then(message);
    Some(alignment)
}

/// Reads the turn, which has the form of a message of a request.
fn message(json: &str) -> Option<AssistantMessage> {
    let body = format!(r#"{{"model":"-","messages":[{json}]}}"#);
    match body::from_json(&body).ok()?.request.messages.pop()? {
        Message::Assistant(message) => Some((*message).clone()),
        _ => None,
    }
}
