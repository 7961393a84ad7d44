//! The summary after an answer: model, usage, cost, finish reason, times.

use openrouter_provider::OpenRouterResponse;
use provider_core::{ChatResponse, Seam, ToolCall, Usage};

use crate::ask::Outcome;
use crate::output::number::{dollars, duration, grouped, or_unknown};
use crate::output::style::Paint;
use crate::output::text;

/// The lines of the summary. A failure has its known usage alone; its error is reported elsewhere.
pub(crate) fn lines(outcome: &Outcome, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(response) = outcome.response() else { return lines };
    let usage = outcome.usage();
    if outcome.result.is_err() && usage.is_unknown() {
        return lines;
    }
    lines.extend(beside_the_text(response).into_iter().map(|line| paint.yellow(line).to_string()));
    for seam in &response.seams {
        lines.push(paint.yellow(broken_off(seam)).to_string());
    }
    let served = served(outcome, response);
    lines.push(match served.by_fallback {
        true => paint.yellow(served.line).to_string(),
        false => paint.dim(served.line).to_string(),
    });
    lines.extend(
        response
            .routing()
            .and_then(|routing| routing.summary)
            .map(|summary| paint.dim(format!("routed: {}", text::one_line(&summary))).to_string()),
    );
    lines.push(paint.dim(figures(response, &usage, outcome)).to_string());
    lines
}

/// The parts of an answer besides its text.
fn beside_the_text(response: &ChatResponse) -> Vec<String> {
    let mut lines = Vec::new();
    for call in &response.message.tool_calls {
        lines.push(text::one_line(&called(call, response.is_truncated())));
    }
    match response.message.images.len() {
        0 => {}
        1 => lines.push("the answer has an image; --json shows it".to_owned()),
        several => lines.push(format!("the answer has {several} images; --json shows them")),
    }
    lines
}

/// A place where the answer broke off, and who went on with it.
fn broken_off(seam: &Seam) -> String {
    let model = if seam.model.is_empty() { "another request" } else { &seam.model };
    format!(
        "the answer broke off at byte {} ({}); {} went on with it",
        grouped(seam.at as u64),
        seam.broken_by.label(),
        text::one_line(model)
    )
}

/// A tool call, and why it cannot be run, if so: in an answer that was cut off, no call can.
fn called(call: &ToolCall, is_truncated: bool) -> String {
    let name = if call.name.is_empty() { "a tool without a name " } else { &call.name };
    let calls = format!("the model calls {name}({})", call.arguments);
    let why = match call.extra.get("type") {
        Some(kind) if !call.is_function() => format!("it is of the type {}", kind.get()),
        _ if call.is_cut_off() || is_truncated => "the answer was cut off".to_owned(),
        _ if !call.is_complete() => "its arguments are no JSON".to_owned(),
        _ if !call.is_runnable() => "it names no function".to_owned(),
        _ => return calls,
    };
    format!("{calls}, which cannot be run: {why}")
}

struct Served {
    line: String,
    by_fallback: bool,
}

/// The model that answered, and the upstream provider, or the one that was asked where none is told.
fn served(outcome: &Outcome, response: &ChatResponse) -> Served {
    let requested = &outcome.requested;
    let asked = outcome.asked.as_ref();
    let upstream = response.served_by.provider.as_deref().or(asked.map(|asked| asked.provider.as_str()));
    let (upstream, model) = (text::one_line(upstream.unwrap_or("unknown")), text::one_line(&response.model));
    if let Some(fallback) = asked.filter(|_| outcome.by_fallback) {
        let fallback = text::one_line(&fallback.to_string());
        let line = format!(
            "a fallback answered: asked for {requested}, then for {fallback}, served by {upstream} (model {model})"
        );
        return Served { line, by_fallback: true };
    }
    if model.is_empty() || model == *requested {
        return Served { line: format!("{requested} served by {upstream}"), by_fallback: false };
    }
    let maker = response.message.made_by.as_deref();
    let by_fallback = maker.is_some_and(|maker| maker != response.requested);
    let beginning = if by_fallback { "a fallback answered: " } else { "" };
    let line = format!("{beginning}asked for {requested}, served by {upstream} (model {model})");
    Served { line, by_fallback }
}

fn figures(response: &ChatResponse, usage: &Usage, outcome: &Outcome) -> String {
    let timings = outcome.timings;
    let open = if response.is_usage_complete() { "" } else { " and what the broken part cost" };
    let mut parts = vec![tokens(usage), format!("{}{open}", cost(usage))];
    if !outcome.earlier.is_empty() {
        parts.push(format!("{} answers", outcome.earlier.len() + 1));
    }
    if let Some(reason) = &response.finish_reason {
        parts.push(format!("finish {}", text::one_line(reason.as_str())));
    }
    parts.extend(timings.first_token.map(|time| format!("first token {}", duration(time))));
    parts.extend(timings.total.map(|time| format!("total {}", duration(time))));
    parts.join(" | ")
}

fn tokens(usage: &Usage) -> String {
    let part = |count: Option<u64>, what: &str| match count {
        None | Some(0) => String::new(),
        Some(count) => format!(" ({} {what})", grouped(count)),
    };
    format!(
        "tokens {} in{}, {} out{}",
        or_unknown(usage.prompt_tokens, grouped),
        part(usage.cached_tokens, "cached"),
        or_unknown(usage.completion_tokens, grouped),
        part(usage.reasoning_tokens, "reasoning"),
    )
}

fn cost(usage: &Usage) -> String {
    let charged = usage.cost.map_or_else(|| "unknown".to_owned(), dollars);
    match usage.upstream_cost.filter(|_| usage.is_byok == Some(true)) {
        Some(upstream) => format!("cost {charged} and {} at the provider", dollars(upstream)),
        None => format!("cost {charged}"),
    }
}

#[cfg(test)]
mod tests {
    use provider_core::{ChatResponse, Error, ErrorKind, FinishReason, RawJson, ToolCall};
    use provider_registry::ModelRef;

    use super::{beside_the_text, served};
    use crate::ask::Outcome;

    #[test]
    fn fallback_is_the_model_in_the_message() {
        let mut response = ChatResponse::default();
        response.requested = "openai/gpt-4o".to_owned();
        response.model = "openai/gpt-4o-2024-11-20".to_owned();
        let mut outcome = Outcome::not_asked("openrouter:openai/gpt-4o", Error::new(ErrorKind::Server, ""));
        outcome.asked = Some(ModelRef::new("openrouter", "openai/gpt-4o"));
        for (maker, by_fallback) in [(None, false), (Some("openai/gpt-4o"), false), (Some("a/b"), true)] {
            response.message.made_by = maker.map(str::to_owned);
            let served = served(&outcome, &response);
            assert_eq!(served.by_fallback, by_fallback, "{maker:?}");
            assert_eq!(served.line.starts_with("a fallback answered: "), by_fallback, "{}", served.line);
            assert!(served.line.contains("served by openrouter"), "{}", served.line);
        }
    }

    #[test]
    fn calls_that_cannot_run_are_marked() {
        let mut custom = ToolCall::new("3", "grep", "a+");
        custom.extra.insert("type", RawJson::new(&"custom").unwrap());
        let mut response = ChatResponse::default();
        response.message.tool_calls = vec![
            ToolCall::new("1", "add", "{\"a\": 1}"),
            ToolCall::new("2", "add", "{a}"),
            custom,
            ToolCall::new("4", "", "{}"),
        ];
        assert_eq!(
            beside_the_text(&response),
            [
                "the model calls add({\"a\": 1})",
                "the model calls add({a}), which cannot be run: its arguments are no JSON",
                "the model calls grep(a+), which cannot be run: it is of the type \"custom\"",
                "the model calls a tool without a name ({}), which cannot be run: it names no function",
            ]
        );
        response.message.tool_calls.truncate(1);
        response.finish_reason = Some(FinishReason::Length);
        let cut_off = "the model calls add({\"a\": 1}), which cannot be run: the answer was cut off";
        assert_eq!(beside_the_text(&response), [cut_off]);
    }
}
