//! Estimates the cost of a request before it is sent.

use super::{CostEstimate, NO_COUNT, is_own};
use crate::model::problems::modality;
use crate::{ChatRequest, Content, Message, Model, Part, ResponseFormat, TimeOfWeek, Tool};

/// The tokens that a message costs beside its text.
const TOKENS_PER_MESSAGE: u64 = 4;

impl Model {
    /// Estimates the cost of this request before it is sent: the prompt by its length, and an answer as long
    /// as the request (or else the model) allows.
    ///
    /// The estimate guesses the prompt's tokens from its text, four ASCII characters or one other character
    /// to a token, which is right within a third or so. Content beside text (images, files, …) and additions
    /// of the service are in [`CostEstimate::unpriced`] or not known at all. The savings of cached prompts,
    /// and thoughts beyond the answer's limit, do not count. A service tier other than the default one is in
    /// [`CostEstimate::unpriced`], since the model's prices are those of the default one.
    ///
    /// ```
    /// use provider_core::{ChatRequest, Model, TimeOfWeek};
    ///
    /// fn may_ask(model: &Model, request: &ChatRequest) -> bool {
    ///     let cost = model.estimate(request, TimeOfWeek::now());
    ///     cost.is_complete() && cost.amount.as_f64() < 0.05
    /// }
    /// ```
    #[must_use]
    pub fn estimate(&self, request: &ChatRequest, at: impl Into<TimeOfWeek>) -> CostEstimate {
        self.estimate_up_to(self.max_completion_tokens, request, at)
    }

    /// Estimates as [`estimate`](Self::estimate) does, with an answer of so many tokens where the request
    /// sets no limit: for a host that reserves what an answer usually costs, and not the longest that the
    /// model can write.
    #[must_use]
    pub fn estimate_assuming(
        &self,
        answer_tokens: u32,
        request: &ChatRequest,
        at: impl Into<TimeOfWeek>,
    ) -> CostEstimate {
        self.estimate_up_to(Some(answer_tokens.into()), request, at)
    }

    fn estimate_up_to(
        &self,
        unlimited: Option<u64>,
        request: &ChatRequest,
        at: impl Into<TimeOfWeek>,
    ) -> CostEstimate {
        let mut cost = CostEstimate::default();
        let prompt = prompt_tokens(request, &mut cost);
        let prices = self.pricing.in_force(prompt, at);
        cost.add("prompt", prompt, prices.prompt);
        let cap = request.max_completion_tokens.or(request.max_tokens).map(u64::from);
        match cap.or(unlimited) {
            Some(cap) => cost.add("completion", cap, prices.completion),
            None if self.is_free() => {}
            None => cost.cannot_price("completion", "neither the request nor the model limits its length"),
        }
        cost.add("request", u64::from(is_own(prices.request)), prices.request);
        cost.note_tier(request.service_tier.as_deref());
        cost
    }
}

/// Guesses the tokens of a prompt, and says what it cannot guess.
fn prompt_tokens(request: &ChatRequest, cost: &mut CostEstimate) -> u64 {
    let mut tokens = 0;
    for message in &request.messages {
        tokens += TOKENS_PER_MESSAGE;
        let content = match message {
            Message::System(message) | Message::Developer(message) | Message::User(message) => {
                &message.content
            }
            Message::Tool(message) => &message.content,
            Message::Other(other) => {
                tokens += guess(other.json().get());
                continue;
            }
            Message::Assistant(message) => {
                let arguments = message.tool_calls.iter().map(|call| guess(&call.arguments));
                tokens += guess(&message.text) + arguments.sum::<u64>();
                continue;
            }
        };
        match content {
            Content::Text(text) => tokens += guess(text),
            Content::Parts(parts) => tokens += parts.iter().map(|part| part_tokens(part, cost)).sum::<u64>(),
        }
    }
    for tool in &request.tools {
        if let Tool::Function(tool) = tool {
            let texts = [
                Some(tool.name.as_str()),
                tool.description.as_deref(),
                tool.parameters.as_ref().map(|p| p.get()),
            ];
            tokens += texts.into_iter().flatten().map(guess).sum::<u64>();
        }
    }
    if let Some(ResponseFormat::JsonSchema(schema)) = &request.response_format {
        tokens += schema.schema.as_ref().map_or(0, |schema| guess(schema.get()));
    }
    tokens
}

fn part_tokens(part: &Part, cost: &mut CostEstimate) -> u64 {
    if let Part::Text(text) = part {
        return guess(&text.text);
    }
    cost.cannot_price(modality(part).unwrap_or("other parts"), NO_COUNT);
    0
}

fn guess(text: &str) -> u64 {
    let (mut ascii, mut others) = (0_u64, 0_u64);
    for c in text.chars() {
        *(if c.is_ascii() { &mut ascii } else { &mut others }) += 1;
    }
    ascii.div_ceil(4) + others
}
