//! Chat completions as a codec: encoder, decoder and errors in one value.

use std::sync::Arc;

use provider_core::author::{ChatCodec, ResponseHead};
use provider_core::{ChatRequest, Error};

use crate::decoder::ChatDecoder;
use crate::dialect::Dialect;
use crate::{encode, error};

/// Chat completions in a dialect, for the `ChatApi` of `provider-http`: [`encode`], [`ChatDecoder`] and
/// [`error::from_response`] in one value.
///
/// ```
/// use openai_wire::{ChatCompletions, Plain};
/// use provider_core::ChatRequest;
/// use provider_core::author::ChatCodec;
///
/// let codec = ChatCompletions::new(Plain).reasoning_tags(true);
/// let body = codec.encode(&ChatRequest::new("m").user("Hi"), false)?;
/// assert_eq!(body, br#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#);
/// # Ok::<(), provider_core::Error>(())
/// ```
#[derive(Debug)]
pub struct ChatCompletions<D> {
    dialect: Arc<D>,
    reasoning_tags: bool,
    max_tool_argument_bytes: Option<usize>,
}

impl<D: Dialect> ChatCompletions<D> {
    /// Chat completions as this dialect has them.
    pub fn new(dialect: D) -> Self {
        Self { dialect: Arc::new(dialect), reasoning_tags: false, max_tool_argument_bytes: None }
    }

    /// Sets [`ChatDecoder::reasoning_tags`] for every answer. Default: false.
    #[must_use]
    pub fn reasoning_tags(mut self, read: bool) -> Self {
        self.reasoning_tags = read;
        self
    }

    /// Sets [`ChatDecoder::max_tool_argument_bytes`] for every answer. Default: 8 MiB.
    #[must_use]
    pub fn max_tool_argument_bytes(mut self, limit: usize) -> Self {
        self.max_tool_argument_bytes = Some(limit);
        self
    }

    /// Returns the dialect.
    pub fn dialect(&self) -> &D {
        &self.dialect
    }
}

/// Shares the dialect, which need not be `Clone`.
impl<D> Clone for ChatCompletions<D> {
    fn clone(&self) -> Self {
        Self { dialect: Arc::clone(&self.dialect), ..*self }
    }
}

impl<D: Dialect> ChatCodec for ChatCompletions<D> {
    type Decoder = ChatDecoder<D>;

    fn path(&self) -> &str {
        "chat/completions"
    }

    fn encode(&self, request: &ChatRequest, stream: bool) -> Result<Vec<u8>, Error> {
        encode(request, stream, &*self.dialect)
    }

    fn decoder(&self, request: &ChatRequest, head: ResponseHead) -> ChatDecoder<D> {
        let decoder = ChatDecoder::new(Arc::clone(&self.dialect), head)
            .keep_raw(request.keep_raw)
            .raw_events(request.raw_events)
            .reasoning_tags(self.reasoning_tags);
        match self.max_tool_argument_bytes {
            Some(limit) => decoder.max_tool_argument_bytes(limit),
            None => decoder,
        }
    }

    fn decode_error(&self, head: &ResponseHead, body: &str) -> Error {
        error::from_response(head, body, &*self.dialect)
    }
}
