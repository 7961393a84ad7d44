//! The client: what a host holds and calls.

use std::fmt;
use std::sync::Arc;

use lenient_json::or_without_non_finite;
use openai_wire::ChatDecoder;
use provider_core::author::{ResponseHead, text_of_body};
use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, RawJson};
use provider_http::{Endpoint, RequestBuilder};

use crate::dialect::OpenRouterDialect;
use crate::{ID, Limits, OpenRouterOptions, body, error, headers};

/// A client of OpenRouter. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct OpenRouter {
    pub(crate) endpoint: Endpoint,
    pub(crate) dialect: Arc<OpenRouterDialect>,
    pub(crate) limits: Limits,
}

impl OpenRouter {
    /// Asks for an answer and waits until it is complete. `POST /chat/completions`.
    ///
    /// The service runs such a request to its end, and bills it, even when the connection is dropped; only a
    /// [`stream`](Self::stream) can be cancelled.
    ///
    /// # Errors
    /// Everything that goes wrong, an error inside a success and a success without an answer included.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.chat_request(request, false)?.chat(|head| self.decoder(head, request)).await
    }

    /// Asks for an answer and hands it out while it comes in. `POST /chat/completions` with `stream`.
    ///
    /// # Errors
    /// Everything that goes wrong before the answer begins; what goes wrong later is in the stream.
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.chat_request(request, true)?.stream(|head| self.decoder(head, request)).await
    }

    /// The body that a request is sent as, for looking into. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidRequest`](provider_core::ErrorKind::InvalidRequest) with every field that cannot be sent.
    pub fn body_of(&self, request: &ChatRequest) -> Result<RawJson, Error> {
        body::write(request, &self.dialect)
    }

    /// Makes a connection to the service, TLS included, and leaves it open, so that the next request need not
    /// wait for it. A host may do so when a user opens a chat. `HEAD /models/count`, whose answer does not
    /// matter.
    ///
    /// It stays open for 90 s without use, and serves one request at a time.
    ///
    /// # Errors
    /// When the service cannot be reached.
    pub async fn warm_up(&self) -> Result<(), Error> {
        self.endpoint.warm_up("models/count").await
    }

    /// Gets a JSON document of the API and reads it. `what` names it in errors.
    pub(crate) async fn fetch<T>(
        &self,
        path: &str,
        what: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Error> {
        let response = self.endpoint.get(path).send().await?.error_for_status().await?;
        let head = response.head().clone();
        let body = response.text().await?;
        or_without_non_finite(text_of_body(&body), read)
            .map_err(|cause| error::unreadable(&self.dialect, what, &cause, &body, &head))
    }

    /// The HTTP request of a chat.
    fn chat_request(&self, request: &ChatRequest, stream: bool) -> Result<RequestBuilder<'_>, Error> {
        let options = request.options.get::<OpenRouterOptions>();
        let fallbacks = options.and_then(|options| options.models.as_ref()).map_or(&[][..], |models| models);
        let with_context =
            |error: Error| error.with_provider(ID).with_model(&request.model).in_place_of(&request.model);
        let body = openai_wire::encode(request, stream, &*self.dialect).map_err(with_context)?;
        let post = self.endpoint.post("chat/completions").model(&request.model).fallbacks(fallbacks);
        match options {
            Some(options) => headers::add(post.json_text(body), options).map_err(with_context),
            None => Ok(post.json_text(body)),
        }
    }

    fn decoder(&self, head: ResponseHead, request: &ChatRequest) -> ChatDecoder<OpenRouterDialect> {
        ChatDecoder::new(self.dialect.clone(), head)
            .keep_raw(request.keep_raw)
            .raw_events(request.raw_events)
            .max_tool_argument_bytes(self.limits.max_tool_argument_bytes)
    }
}

impl fmt::Debug for OpenRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenRouter")
            .field("endpoint", &self.endpoint)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
