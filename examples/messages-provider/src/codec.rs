//! The wire in one value.

use provider_core::author::{ChatCodec, ResponseHead};
use provider_core::{ChatRequest, Error};

use crate::answer::MessagesDecoder;
use crate::{error, request};

/// The output cap of a request that has none, in tokens.
const MAX_TOKENS: u32 = 4096;

/// Anthropic's messages, sans-IO.
#[derive(Clone, Debug)]
pub struct MessagesCodec {
    max_tokens: u32,
}

impl MessagesCodec {
    /// The wire, with the output cap of requests that have none, in tokens. Default: 4096.
    pub fn new(max_tokens: u32) -> Self {
        Self { max_tokens }
    }
}

impl Default for MessagesCodec {
    fn default() -> Self {
        Self::new(MAX_TOKENS)
    }
}

impl ChatCodec for MessagesCodec {
    type Decoder = MessagesDecoder;

    fn path(&self) -> &str {
        "messages"
    }

    fn encode(&self, request: &ChatRequest, stream: bool) -> Result<Vec<u8>, Error> {
        request::encode(request, stream, self.max_tokens)
    }

    fn decoder(&self, request: &ChatRequest, head: ResponseHead) -> MessagesDecoder {
        MessagesDecoder::new(head, request.keep_raw).raw_events(request.raw_events)
    }

    fn decode_error(&self, head: &ResponseHead, body: &str) -> Error {
        error::from_response(head, body)
    }
}
