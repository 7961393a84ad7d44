//! The usage and the cost of an answer.

use serde::Serialize;

use crate::{RawJson, Usd};

/// Declares the figures of [`Usage`], and what is done with all of them alike.
macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// The usage and the cost of an answer. `None` means that the service did not say, which is not the
        /// same as zero.
        ///
        /// Counts are the upstream's own. Do not compute one from the others: cached and written tokens can
        /// overlap, and reasoning has been seen to exceed completion.
        #[derive(Clone, Debug, Default, PartialEq, Serialize)]
        #[non_exhaustive]
        pub struct Usage {
            $($(#[$doc])* pub $name: Option<$type>,)*
            /// The whole object as it was sent: it keeps growing.
            pub raw: Option<RawJson>,
        }

        impl Usage {
            /// Takes over everything that a newer object says, and keeps what it does not.
            pub fn update(&mut self, newer: Usage) {
                $(self.$name = newer.$name.or(self.$name);)*
                self.raw = newer.raw.or(self.raw.take());
            }

            /// Adds the figures of another answer, for the total of several. A figure that neither states
            /// stays unknown; `is_byok` is whether any of them was. `raw` says nothing of a total and is
            /// dropped.
            pub fn accumulate(&mut self, other: &Usage) {
                $(self.$name = Figure::sum(self.$name, other.$name);)*
                self.raw = None;
            }

            /// A usage with every figure.
            #[cfg(test)]
            pub(crate) fn filled(raw: RawJson) -> Self {
                Usage { $($name: Some(Default::default()),)* raw: Some(raw) }
            }

            /// The object as it was sent, to be changed: the one field that is no figure.
            pub(crate) fn raw_mut(&mut self) -> &mut Option<RawJson> {
                let Usage { $($name: _,)* raw } = self;
                raw
            }

            /// Whether nothing is known.
            pub fn is_unknown(&self) -> bool {
                $(self.$name.is_none())&&*
            }
        }
    };
}

/// A figure that can be totalled.
trait Figure: Sized {
    fn plus(self, other: Self) -> Self;

    fn sum(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.plus(other)),
            (one, other) => one.or(other),
        }
    }
}

impl Figure for u64 {
    fn plus(self, other: u64) -> u64 {
        self.saturating_add(other)
    }
}

impl Figure for Usd {
    fn plus(self, other: Usd) -> Usd {
        self + other
    }
}

impl Figure for bool {
    fn plus(self, other: bool) -> bool {
        self || other
    }
}

figures! {
    /// Tokens of the request, cached ones included.
    prompt_tokens: u64,
    /// Tokens of the answer, thoughts included.
    completion_tokens: u64,
    /// Both together.
    total_tokens: u64,
    /// Tokens of the request that were read from the prompt cache.
    cached_tokens: u64,
    /// Tokens of the request that were written to the prompt cache.
    cache_write_tokens: u64,
    /// Tokens of the request that were sound.
    prompt_audio_tokens: u64,
    /// Tokens of the request that were video.
    prompt_video_tokens: u64,
    /// Tokens the model thought with.
    reasoning_tokens: u64,
    /// Tokens of the answer that were sound.
    completion_audio_tokens: u64,
    /// Tokens of the answer that were images.
    completion_image_tokens: u64,
    /// Tokens of the [prediction](crate::ChatRequest::prediction) that came true.
    accepted_prediction_tokens: u64,
    /// Tokens of the prediction that did not, and are billed all the same.
    rejected_prediction_tokens: u64,
    /// The service's charge.
    cost: Usd,
    /// The upstream provider's charge. With a key of your own at the provider (`is_byok`) the provider bills
    /// it, besides `cost`.
    upstream_cost: Usd,
    /// The part of `upstream_cost` for the request.
    upstream_prompt_cost: Usd,
    /// The part of `upstream_cost` for the answer.
    upstream_completion_cost: Usd,
    /// The service's charge for running its own tools (the time in a container, for example), where it is
    /// metered. It is a part of `cost`.
    server_tool_cost: Usd,
    /// Whether a key of your own at the upstream provider was used ("bring your own key").
    is_byok: bool,
    /// How many calls of its own tools the service was asked for by the model.
    server_tool_calls_requested: u64,
    /// How many of them it made.
    server_tool_calls_executed: u64,
    /// How many web searches it made.
    web_search_requests: u64,
}
