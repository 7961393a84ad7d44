//! One model's part of a comparison, put into words.

use std::time::Duration;

use provider_core::ChatResponse;

use crate::ask::Outcome;
use crate::output::number::{dollars, duration, grouped, or_unknown};

/// What is known of a cell in figures, in the order of the columns.
pub(super) fn figures(cell: &Outcome) -> [String; 9] {
    let time = |time: Option<Duration>| or_unknown(time, duration);
    let response = cell.response();
    let usage = response.map(|response| &response.usage);
    let model = response.map(|response| response.model.clone()).filter(|model| !model.is_empty());
    let finish = match &cell.result {
        Ok(response) => or_unknown(response.finish_reason.as_ref(), |reason| reason.to_string()),
        Err(_) => "error".to_owned(),
    };
    [
        cell.requested.clone(),
        or_unknown(model, |model| model),
        or_unknown(response.and_then(|response| response.served_by.provider.clone()), |provider| provider),
        time(cell.timings.first_token),
        time(cell.timings.total),
        or_unknown(usage.and_then(|usage| usage.prompt_tokens), grouped),
        or_unknown(usage.and_then(|usage| usage.completion_tokens), grouped),
        or_unknown(usage.and_then(|usage| usage.cost), dollars),
        finish,
    ]
}

/// What an answer says: its text, or else what it has in place of one.
pub(super) fn said(response: &ChatResponse) -> String {
    let message = &response.message;
    match (&message.refusal, message.tool_calls.as_slice()) {
        _ if !message.text.is_empty() => message.text.clone(),
        (Some(words), _) => format!("(refused: {words})"),
        (None, [call, ..]) => format!("(calls {}({}))", call.name, call.arguments),
        (None, []) if !message.images.is_empty() => "(an image)".to_owned(),
        (None, []) => "(no text)".to_owned(),
    }
}
