//! Log probabilities, for those who ask.

use serde_json::{Value, json};

use crate::dice::Dice;

/// How likely each token was, with this many alternatives.
#[derive(Clone, Debug)]
pub(crate) struct Logprobs {
    alternatives: u64,
    dice: Dice,
}

impl Logprobs {
    /// None unless the request asks for them.
    pub(crate) fn wanted(request: &Value, dice: &Dice) -> Option<Self> {
        let alternatives = request["top_logprobs"].as_u64().unwrap_or(0);
        (request["logprobs"] == true).then(|| Self { alternatives, dice: dice.clone() })
    }

    /// The `logprobs` of a choice that says these tokens.
    pub(crate) fn of(&mut self, tokens: &[&str]) -> Value {
        let entries: Vec<Value> = tokens.iter().map(|token| self.entry(token)).collect();
        json!({"content": entries, "refusal": null})
    }

    fn entry(&mut self, token: &str) -> Value {
        // Certainty is the integer 0 on the wire, not 0.0.
        let logprob = match self.dice.below(3) {
            0 => json!(0),
            step => json!(-0.0625 * (step as f64 + self.dice.below(16) as f64)),
        };
        let mut top = Vec::new();
        for rank in 0..self.alternatives {
            top.push(match rank {
                0 => json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()}),
                _ => {
                    let other = format!(" {}", self.dice.pick(&["so", "well", "and", "maybe", "the"]));
                    json!({"token": other, "logprob": -7.5 - rank as f64, "bytes": other.as_bytes()})
                }
            });
        }
        json!({"token": token, "logprob": logprob, "bytes": token.as_bytes(), "top_logprobs": top})
    }
}
