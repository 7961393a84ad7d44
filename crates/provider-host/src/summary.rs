//! What is said after an answer: who gave it, what it used and cost, how it ended, how long it took.

use openrouter_provider::OpenRouterResponse;
use provider_compare::Timings;
use provider_core::{ChatResponse, Usage};

use crate::ask::Outcome;
use crate::output::number::{dollars, duration, grouped, or_unknown};
use crate::output::style::Paint;
use crate::output::text;

/// The summary, line by line. Of a failure only what is known to have been used is said. The error, or what
/// is wrong with an answer, is told elsewhere.
pub(crate) fn lines(outcome: &Outcome, fallbacks: &[String], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(response) = outcome.response() else { return lines };
    if outcome.result.is_err() && response.usage.is_unknown() {
        return lines;
    }
    lines.extend(beside_the_text(response).into_iter().map(|line| paint.yellow(line).to_string()));
    let served = served(&outcome.requested, response, fallbacks);
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
    lines.push(paint.dim(figures(response, outcome.timings)).to_string());
    lines
}

/// What an answer holds besides its text.
fn beside_the_text(response: &ChatResponse) -> Vec<String> {
    let mut lines = Vec::new();
    for call in response.tool_calls() {
        lines.push(text::one_line(&format!("the model calls {}({})", call.name, call.arguments)));
    }
    match response.message.images.len() {
        0 => {}
        1 => lines.push("the answer has an image; --json shows it".to_owned()),
        several => lines.push(format!("the answer has {several} images; --json shows them")),
    }
    lines
}

struct Served {
    line: String,
    by_fallback: bool,
}

fn served(requested: &str, response: &ChatResponse, fallbacks: &[String]) -> Served {
    let provider = text::one_line(&response.served_by.to_string());
    let model = text::one_line(&response.model);
    if model.is_empty() || model == requested {
        return Served { line: format!("{requested} served by {provider}"), by_fallback: false };
    }
    let by_fallback = is_fallback(requested, &model, fallbacks);
    let beginning = if by_fallback { "a fallback answered: " } else { "" };
    let line = format!("{beginning}asked for {requested}, served by {provider} (model {model})");
    Served { line, by_fallback }
}

/// Whether `served` is rather one of the fallbacks than the model that was asked for. Services answer with dated names
/// (`openai/gpt-4o-2024-11-20`), so the id that `served` begins with at greatest length counts.
fn is_fallback(requested: &str, served: &str, fallbacks: &[String]) -> bool {
    let likeness = |id: &str| {
        // A variant such as `:nitro` is not part of the name that answers.
        let name = id.rsplit_once(':').map_or(id, |(name, _)| name);
        [id, name].into_iter().filter(|name| served.starts_with(name)).map(str::len).max().unwrap_or(0)
    };
    let best = fallbacks.iter().map(|id| likeness(id)).max().unwrap_or(0);
    best > likeness(requested)
}

fn figures(response: &ChatResponse, timings: Timings) -> String {
    let mut parts = vec![tokens(&response.usage), cost(&response.usage)];
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
    use super::is_fallback;

    #[test]
    fn a_dated_name_is_no_fallback() {
        let mini = ["openai/gpt-4o-mini".to_owned()];
        assert!(!is_fallback("openai/gpt-4o", "openai/gpt-4o-2024-11-20", &mini));
        assert!(!is_fallback("openai/gpt-4o:nitro", "openai/gpt-4o", &mini));
        assert!(is_fallback("openai/gpt-4o", "openai/gpt-4o-mini-2024-07-18", &mini));
        assert!(is_fallback("openrouter:openai/gpt-4o", "openai/gpt-4o-mini", &mini));
        assert!(!is_fallback("@preset/any", "anthropic/claude-3.5-sonnet", &mini));
    }
}
