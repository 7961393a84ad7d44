//! Log probabilities of tokens.

use serde::Serialize;

/// A token of the answer and how likely it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TokenLogprob {
    /// The token's text.
    pub token: String,
    /// The natural logarithm of its probability, where given.
    pub logprob: Option<f64>,
    /// Its bytes, for tokens that are no whole characters.
    pub bytes: Option<Vec<u8>>,
    /// The likeliest alternatives, where asked for.
    pub top_logprobs: Vec<TopLogprob>,
}

/// A token that could have stood in the place of another.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TopLogprob {
    /// The token's text.
    pub token: String,
    /// The natural logarithm of its probability, where given.
    pub logprob: Option<f64>,
    /// Its bytes, for tokens that are no whole characters.
    pub bytes: Option<Vec<u8>>,
}

impl TokenLogprob {
    /// A token and its log probability.
    pub fn new(token: String, logprob: Option<f64>, top_logprobs: Vec<TopLogprob>) -> Self {
        Self { token, logprob, bytes: None, top_logprobs }
    }
}

impl TopLogprob {
    /// An alternative and its log probability.
    pub fn new(token: String, logprob: Option<f64>) -> Self {
        Self { token, logprob, bytes: None }
    }
}
