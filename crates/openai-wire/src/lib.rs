//! Chat completions, OpenAI-compatible and sans-IO: requests out, frames in.
//!
//! This crate has everything that a provider for such a service needs of the wire, without sockets: the body
//! of a request ([`encode`]), the decoder of a streamed or a whole answer ([`ChatDecoder`]), errors in all
//! their shapes ([`error`]) and the table that decides what they mean ([`rules`]), the list of models
//! ([`models`]), and a body read back ([`decode`]). A [`Dialect`] adds a service's own fields and words, and
//! [`ChatCompletions`] has encoder, decoder and errors in one value, for the `ChatApi` of `provider-http`.
//!
//! A whole exchange with a plain server, whose `completion_tokens` is a text:
//!
//! ```
//! use std::sync::Arc;
//!
//! use openai_wire::{ChatDecoder, Plain, encode};
//! use provider_core::ChatRequest;
//! use provider_core::author::{Frame, FrameDecoder, ResponseAccumulator, ResponseHead};
//!
//! let request = ChatRequest::new("llama-3").user("Hello").temperature(0.2);
//! let body = encode(&request, false, &Plain)?;
//! assert!(body.starts_with(br#"{"model":"llama-3","messages":[{"role":"user","content":"Hello"}]"#));
//!
//! // … `provider-http` sends it. This came back:
//! let answer = r#"{"id":"1","model":"llama-3","choices":[{"message":{"role":"assistant","content":"Hi!"},
//!     "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":"2"}}"#;
//!
//! let mut decoder = ChatDecoder::new(Arc::new(Plain), ResponseHead::default());
//! let mut out = ResponseAccumulator::without_events();
//! decoder.decode_body(answer, &mut out).map_err(|error| error.into_error())?;
//! decoder.finish(&mut out).map_err(|error| error.into_error())?;
//! let reply = out.finish()?;
//! assert_eq!((reply.text(), reply.usage.completion_tokens), ("Hi!", Some(2)));
//! # Ok::<(), provider_core::Error>(())
//! ```
//!
//! # The path of a chunk
//!
//! `Frame` → [`ChatDecoder`] → a `Template` that matches the chunk with the one before it, or one borrowed
//! decode of the whole `Chunk` → `apply` → `ResponseAccumulator`. No step allocates for a chunk of text.
//!
//! # Unknown and odd fields
//!
//! The decoder keeps fields of an answer that have no place of their own as JSON in `ChatResponse::extra` and
//! `AssistantMessage::extra`. A value of the wrong type reads as the value that it spells; if it spells none,
//! the decoder keeps it beside the message. An odd field never fails an answer.

mod apply;
mod chunk;
mod codec;
mod content;
mod conversation;
mod decoder;
mod dialect;
pub mod error;
mod fields;
mod logprobs;
mod messages;
pub mod models;
mod piece;
mod reasoning;
mod reasoning_tags;
mod request;
pub mod rules;
mod template;
mod texts;
mod usage;
mod values;
mod wire_error;

pub use codec::ChatCompletions;
pub use conversation::{ReadBody, decode, exact};
pub use decoder::ChatDecoder;
pub use dialect::{Dialect, Plain, WIRE};
pub use fields::{FieldWriter, NOT_FINITE, Problems};
pub use request::encode;
pub use values::{Keep, amount, charge, is_truthy};
