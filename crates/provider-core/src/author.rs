//! The vocabulary of those who write providers and layers.
//!
//! A host needs none of it. A provider turns the bytes of its service into pieces of an answer:
//!
//! 1. A [`ChunkSource`] is polled by the [`ChatStream`](crate::ChatStream) that it is given to. A provider
//!    over HTTP has one ready made: `provider-http` cuts a body into [`Frame`]s and drives any
//!    [`FrameDecoder`], so that its author writes the decoder alone.
//! 2. The decoder hands the pieces to a [`ResponseAccumulator`], which joins them and keeps the law of a
//!    stream. Encoder, decoder and errors of a wire together are a [`ChatCodec`].
//! 3. Requests carry what only one service understands as [`ProviderOptions`]. An encoder writes the
//!    [parameters](crate::ChatRequest::parameters) that are set by their type, [`ParameterRef`]; where the
//!    wire lacks some, [`refuse_all_but`] refuses them by name, and [`range_problems`] finds the numbers that
//!    no model takes. A decoder of requests fills [`ParameterMut`]s.
//!
//! A wrapper around a provider is a [`Delegate`], or an [`LlmProvider`](crate::LlmProvider) that writes every
//! method; it watches streams with a [`StreamObserver`], and goes on with a broken one by a [`Continuation`].
//! An error is made of kind, text and cause; an [`ErrorContext`] around the call adds provider, model and
//! operation. Where a service tells too little of its models, a user does: the settings of
//! [`model_settings`].

pub use crate::accumulator::{ResponseAccumulator, ToolCallPiece};
pub use crate::call_ids::unique_call_ids;
pub use crate::codec::ChatCodec;
pub use crate::delegate::Delegate;
pub use crate::error::{ErrorContext, InFlightWaits, base_url_step, is_foreign, misdirected, text_of_body};
pub use crate::frame::{DecodeError, Frame, FrameDecoder, Headers, ResponseHead};
pub use crate::model::{is_misspelling, settings as model_settings};
pub use crate::options::ProviderOptions;
pub use crate::request::{
    NOT_FINITE, Parameter, ParameterMut, ParameterRef, foreign_json, range_problems, refuse_all_but,
};
pub use crate::response::BlockKind;
pub use crate::retry_hints::{MAX_RETRY_AFTER, RetryHints, parse_duration, parse_moment};
pub use crate::stream::{Activity, ChunkSource, Continuation, NextPart, Progress, StreamObserver};
