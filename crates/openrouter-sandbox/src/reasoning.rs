//! Reasoning: whether a request asks for it, and its forms on the wire.

use serde_json::{Value, json};

use crate::rng::Rng;
use crate::routing::Route;
use crate::signature::{self, ENCRYPTED};
use crate::tokens;

/// How a request asks for reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReasoningMode {
    None,
    Shown,
    /// Reason, but leave the text out of the response.
    Hidden,
}

/// Reads the mode from a request. A model with `mandatory` reasoning reasons without being asked.
pub(crate) fn mode(request: &Value, mandatory: bool) -> ReasoningMode {
    let reasoning = &request["reasoning"];
    let effort = request["reasoning_effort"].as_str().or(reasoning["effort"].as_str());
    let legacy = request["include_reasoning"].as_bool();
    let asked = match effort {
        Some(effort) => effort != "none",
        None => reasoning["max_tokens"].is_number() || reasoning["enabled"] == true || legacy == Some(true),
    };
    match asked || mandatory {
        false => ReasoningMode::None,
        true if reasoning["exclude"] == true || legacy == Some(false) => ReasoningMode::Hidden,
        true => ReasoningMode::Shown,
    }
}

/// Whether the request forbids reasoning.
pub(crate) fn is_forbidden(request: &Value) -> bool {
    request["reasoning"]["effort"] == "none" || request["reasoning_effort"] == "none"
}

/// The form of `reasoning_details`, which depends on the model's author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Text with a signature.
    Signed,
    /// A summary, and the full reasoning encrypted.
    Encrypted,
    /// Text alone.
    Plain,
}

/// The reasoning of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Reasoning {
    pub(crate) text: String,
    hidden: bool,
    style: Style,
    /// The signature, or the encrypted reasoning.
    signature: String,
    encrypted_id: String,
    encrypted_index: u64,
}

impl Reasoning {
    /// Generates reasoning about `topic` in the form of this route's models, signed by its provider.
    pub(crate) fn about(topic: &str, route: &Route<'_>, hidden: bool, rng: &mut Rng) -> Self {
        let mark = signature::mark(route.provider);
        let plan = rng.pick(&[
            "A short and friendly answer should do.",
            "I should stay brief and stick to what was asked.",
            "No need to go far; a few clear sentences are enough.",
        ]);
        let (style, signature) = match route.author {
            "anthropic" => (Style::Signed, format!("{mark}{}==", rng.alphanumeric(88))),
            "openai" => (Style::Encrypted, format!("{ENCRYPTED}{mark}{}", rng.alphanumeric(132))),
            _ => (Style::Plain, String::new()),
        };
        Self {
            text: format!("The user brings up “{topic}”. {plan}"),
            hidden,
            style,
            signature,
            encrypted_id: format!("rs_{}", rng.hex(48)),
            encrypted_index: rng.below(2),
        }
    }

    /// The field `reasoning` of a message, unless it is hidden.
    pub(crate) fn shown(&self) -> Option<&str> {
        (!self.hidden).then_some(self.text.as_str())
    }

    /// The field `reasoning_details` of a whole message.
    pub(crate) fn details(&self) -> Vec<Value> {
        let mut details = Vec::new();
        if !self.hidden {
            let mut text = self.piece(&self.text);
            if self.style == Style::Signed {
                text["signature"] = self.signature.clone().into();
            }
            details.push(text);
        }
        details.extend(self.encrypted());
        details
    }

    /// The deltas of a stream, each a piece of `reasoning`, if any, and an entry of `reasoning_details`.
    pub(crate) fn deltas(&self) -> Vec<(Option<&str>, Value)> {
        let mut deltas = Vec::new();
        if !self.hidden {
            deltas.extend(tokens::split(&self.text).into_iter().map(|text| (Some(text), self.piece(text))));
            if self.style == Style::Signed {
                let format = "anthropic-claude-v1";
                let signature = json!({"type": "reasoning.text", "signature": self.signature, "format": format, "index": 0});
                deltas.push((None, signature));
            }
        }
        deltas.extend(self.encrypted().map(|detail| (None, detail)));
        deltas
    }

    fn piece(&self, text: &str) -> Value {
        match self.style {
            Style::Signed => {
                json!({"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0})
            }
            Style::Encrypted => {
                json!({"type": "reasoning.summary", "summary": text, "format": "openai-responses-v1", "index": 0})
            }
            Style::Plain => json!({"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}),
        }
    }

    fn encrypted(&self) -> Option<Value> {
        (self.style == Style::Encrypted).then(|| {
            json!({
                "type": "reasoning.encrypted",
                "data": self.signature,
                "id": self.encrypted_id,
                "format": "openai-responses-v1",
                "index": self.encrypted_index,
            })
        })
    }
}
