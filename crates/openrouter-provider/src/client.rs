//! The client: what a host holds and calls.

use std::fmt;
use std::sync::Arc;

use openai_wire::{ChatDecoder, error};
use provider_core::author::ResponseHead;
use provider_core::{ChatRequest, ChatResponse, ChatStream, ConfigValues, Error, ErrorKind, RawJson};
use provider_http::{Endpoint, HttpClient, RequestBuilder, settings};

use crate::builder::OpenRouterBuilder;
use crate::config::{self, DEFAULT_BASE_URL, FIELDS};
use crate::dialect::OpenRouterDialect;
use crate::{ID, Limits, OPENROUTER, OpenRouterOptions, body, headers};

/// A client of OpenRouter. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct OpenRouter {
    pub(crate) endpoint: Endpoint,
    pub(crate) dialect: Arc<OpenRouterDialect>,
    pub(crate) limits: Limits,
}

impl OpenRouter {
    /// A client with the settings of the environment: `OPENROUTER_API_KEY`, and if they are set
    /// `OPENROUTER_SITE_URL`, `OPENROUTER_SITE_NAME` and `OPENROUTER_BASE_URL`. Blank variables count as
    /// unset.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with every problem of every variable at once.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_values(ConfigValues::from_env(FIELDS))
    }

    /// A client with settings given by key, as a form or a database has them; [`FIELDS`] lists the keys.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with every problem of every setting at once.
    pub fn from_values(values: impl Into<ConfigValues>) -> Result<Self, Error> {
        Self::builder().values(values).build()
    }

    /// Starts a client from settings given one by one.
    pub fn builder() -> OpenRouterBuilder {
        OpenRouterBuilder::default()
    }

    pub(crate) fn connect(values: &ConfigValues, limits: Limits, http: &HttpClient) -> Result<Self, Error> {
        OPENROUTER.validate(values)?;
        let unfit = |problem| Error::new(ErrorKind::Config, problem).with_provider(ID);
        let dialect =
            Arc::new(OpenRouterDialect { preferences: config::preferences(values).map_err(unfit)? });
        let of_errors = dialect.clone();
        let mut endpoint = Endpoint::builder(DEFAULT_BASE_URL)
            .provider(ID)
            .generation_id_header("x-generation-id")
            .limits(limits.http)
            .values(values)
            .bearer(values.get(settings::API_KEY))
            .header("user-agent", concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .error_response(move |head, body| error::from_response(head, body, &*of_errors));
        if let Some(referer) = config::referer(values).map_err(unfit)? {
            endpoint = endpoint.header("http-referer", referer);
        }
        if let Some(title) = config::title(values) {
            // The header's current name and its earlier one. OpenRouter does not document which one wins, so
            // both say the same.
            endpoint = endpoint.header("x-openrouter-title", &title).header("x-title", &title);
        }
        let endpoint = endpoint.build(http)?;
        let limits = Limits { http: *endpoint.limits(), ..limits };
        Ok(Self { endpoint, dialect, limits })
    }

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
    /// [`ErrorKind::InvalidRequest`] with every field that cannot be sent.
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

    /// The HTTP request of a chat.
    fn chat_request(&self, request: &ChatRequest, stream: bool) -> Result<RequestBuilder<'_>, Error> {
        let options = request.options.get::<OpenRouterOptions>();
        let fallbacks = options.and_then(|options| options.models.as_ref()).map_or(&[][..], |models| models);
        let asked =
            |error: Error| error.with_provider(ID).with_model(&request.model).in_place_of(&request.model);
        let body = openai_wire::encode(request, stream, &*self.dialect).map_err(asked)?;
        let post = self.endpoint.post("chat/completions").model(&request.model).fallbacks(fallbacks);
        match options {
            Some(options) => headers::add(post.json_text(body), options).map_err(asked),
            None => Ok(post.json_text(body)),
        }
    }

    fn decoder(&self, head: ResponseHead, request: &ChatRequest) -> ChatDecoder<OpenRouterDialect> {
        ChatDecoder::new(self.dialect.clone(), head)
            .keep_raw(request.keep_raw)
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
