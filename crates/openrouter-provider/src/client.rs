//! The client: what a host holds and calls.

use std::fmt;
use std::sync::Arc;

use openai_wire::ChatDecoder;
use provider_core::{ChatRequest, ChatResponse, ChatStream, ConfigValues, Error, ErrorKind, RawJson};
use reqwest::Request;
use reqwest::header::{CONTENT_TYPE, HeaderMap};

use crate::answer::{Asked, Streamed, Whole};
use crate::builder::OpenRouterBuilder;
use crate::config::{self, Config, FIELDS};
use crate::dialect::OpenRouterDialect;
use crate::transport::{Received, Transport};
use crate::{ID, Limits, OPENROUTER, OpenRouterOptions, body, headers};

/// A client of OpenRouter. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct OpenRouter {
    pub(crate) transport: Arc<Transport>,
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

    pub(crate) fn connect(
        values: &ConfigValues,
        limits: Limits,
        http: Option<reqwest::Client>,
    ) -> Result<Self, Error> {
        OPENROUTER.validate(values)?;
        let config = Config::from_values(values)
            .map_err(|problem| Error::new(ErrorKind::Config, problem).with_provider(ID))?;
        let limits = config::limits(values, limits);
        Ok(Self { transport: Arc::new(Transport::new(config, limits, http)?) })
    }

    /// Asks for an answer and waits until it is complete. `POST /chat/completions`.
    ///
    /// The service runs such a request to its end, and bills it, even when the connection is dropped; only a
    /// [`stream`](Self::stream) can be cancelled.
    ///
    /// # Errors
    /// Everything that goes wrong, an error inside a success and a success without an answer included.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let answer = self.ask(request, false).await?;
        self.read(answer, request).await
    }

    /// Asks for an answer and hands it out while it comes in. `POST /chat/completions` with `stream`.
    ///
    /// # Errors
    /// Everything that goes wrong before the answer begins; what goes wrong later is in the stream.
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let answer = self.ask(request, true).await?;
        self.read_stream(answer, request).await
    }

    /// The body that a request is sent as, for looking into. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with every field that cannot be sent.
    pub fn body_of(&self, request: &ChatRequest) -> Result<RawJson, Error> {
        body::write(request, &self.transport.dialect)
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
        self.transport.warm_up().await
    }

    async fn ask(&self, request: &ChatRequest, stream: bool) -> Result<Received, Error> {
        let placed = |error| placed(error, request);
        let asking = self.asking(request, stream).map_err(placed)?;
        self.transport.send(asking).await.map_err(placed)
    }

    /// The HTTP request that asks for an answer.
    pub(crate) fn asking(&self, request: &ChatRequest, stream: bool) -> Result<Request, Error> {
        let body = openai_wire::encode(request, stream, &*self.transport.dialect)?.into();
        let added = match request.options.get::<OpenRouterOptions>() {
            Some(options) => headers::of(options)?,
            None => HeaderMap::new(),
        };
        let accept = if stream { "text/event-stream" } else { "application/json" };
        Ok(self.transport.chat(accept, added, body))
    }

    /// The answer to a request that wants it whole.
    pub(crate) async fn read(&self, answer: Received, request: &ChatRequest) -> Result<ChatResponse, Error> {
        if is_event_stream(&answer) {
            // Some stream whatever was asked for; then the end mark counts, and not the end of the body.
            return self.streamed(answer, request).collect().await;
        }
        self.read_whole(answer, request).await?.read()
    }

    /// The answer to a request that wants it streamed.
    pub(crate) async fn read_stream(
        &self,
        answer: Received,
        request: &ChatRequest,
    ) -> Result<ChatStream, Error> {
        if is_event_stream(&answer) {
            return Ok(self.streamed(answer, request));
        }
        // Some errors, and some answers, come whole even if a stream was asked for.
        let whole = self.read_whole(answer, request).await?;
        Ok(ChatStream::new(whole).requested(&request.model, fallbacks(request)))
    }

    fn streamed(&self, mut answer: Received, request: &ChatRequest) -> ChatStream {
        let asked = self.asked(&mut answer, request);
        let decoder = self.decoder(&asked, request);
        ChatStream::new(Streamed::new(answer, decoder, asked)).requested(&request.model, fallbacks(request))
    }

    async fn read_whole(&self, mut answer: Received, request: &ChatRequest) -> Result<Whole, Error> {
        let asked = self.asked(&mut answer, request);
        let decoder = self.decoder(&asked, request);
        match answer.text().await {
            Ok(json) => Ok(Whole::new(json, decoder, asked, self.transport.limits)),
            Err(error) => Err(asked.place(error)),
        }
    }

    fn asked(&self, answer: &mut Received, request: &ChatRequest) -> Asked {
        Asked {
            head: self.transport.head(&mut answer.response),
            model: request.model.clone(),
            fallbacks: fallbacks(request).to_vec(),
        }
    }

    fn decoder(&self, asked: &Asked, request: &ChatRequest) -> ChatDecoder<OpenRouterDialect> {
        ChatDecoder::new(self.transport.dialect.clone(), asked.head.clone())
            .keep_raw(request.keep_raw)
            .max_tool_argument_bytes(self.transport.limits.max_tool_argument_bytes)
    }
}

impl fmt::Debug for OpenRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenRouter").field("transport", &self.transport).finish()
    }
}

/// Says in an error what was asked.
pub(crate) fn placed(error: Error, request: &ChatRequest) -> Error {
    error.with_provider(ID).with_model(&request.model).in_place_of(&request.model)
}

/// The models that may answer in the place of the one that is asked.
fn fallbacks(request: &ChatRequest) -> &[String] {
    let options = request.options.get::<OpenRouterOptions>();
    options.and_then(|options| options.models.as_ref()).map_or(&[], |models| models)
}

fn is_event_stream(answer: &Received) -> bool {
    let content_type = answer.response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}
