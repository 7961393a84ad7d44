//! The chats of a service: an endpoint, and the codec of its wire.

use std::sync::Arc;

use provider_core::author::{ChatCodec, ErrorContext};
use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Operation, ProviderContext};

use crate::endpoint::{Endpoint, EndpointBuilder, RequestBuilder};

/// The chats of a service: sends what a [codec](ChatCodec) writes, and has it read what comes back.
///
/// A provider's [`stream`](provider_core::LlmProvider::stream) and [`chat`](provider_core::LlmProvider::chat)
/// are this type's; all else that the service has (a list of models, a record of the key) is a request of its
/// [`endpoint`](Self::endpoint).
///
/// ```no_run
/// use provider_core::{ChatRequest, ConfigValues, Error, ProviderContext};
/// use provider_core::author::ChatCodec;
/// use provider_http::{ChatApi, Endpoint, settings};
///
/// # async fn run<C: ChatCodec>(codec: C, values: ConfigValues) -> Result<(), Error> {
/// let context = ProviderContext::new(); // or the host's
/// let endpoint = Endpoint::builder("https://acme.example/v1")
///     .provider("acme")
///     .values(&values)
///     .bearer(values.get(settings::API_KEY));
/// let api = ChatApi::new(endpoint, codec, &context)?;
/// let stream = api.stream(&ChatRequest::new("acme-large").user("Hi")).await?;
/// let models = api.endpoint().get("models").text().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ChatApi<C> {
    endpoint: Endpoint,
    codec: Arc<C>,
}

impl<C: ChatCodec> ChatApi<C> {
    /// Builds the endpoint [in a host's context](EndpointBuilder::build_in), with the codec for its errors.
    /// It sends no request.
    ///
    /// # Errors
    /// As [`EndpointBuilder::build`].
    pub fn new(endpoint: EndpointBuilder, codec: C, context: &ProviderContext) -> Result<Self, Error> {
        let codec = Arc::new(codec);
        let of_errors = Arc::clone(&codec);
        let endpoint = endpoint.error_response(move |head, body| of_errors.decode_error(head, body));
        Ok(Self { endpoint: endpoint.build_in(context)?, codec })
    }

    /// Returns the endpoint, for requests other than chats.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the codec.
    pub fn codec(&self) -> &C {
        &self.codec
    }

    /// Streams an answer.
    ///
    /// # Errors
    /// Those of the codec, and everything that goes wrong before the answer begins.
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let post = self.encoded(request, Operation::Stream)?;
        post.stream(|head| self.codec.decoder(request, head)).await
    }

    /// Waits for a whole answer.
    ///
    /// # Errors
    /// Those of the codec, and everything that goes wrong, with the part of the answer that had come.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let post = self.encoded(request, Operation::Chat)?;
        post.chat(|head| self.codec.decoder(request, head)).await
    }

    /// Tests the key of a service that answers no cheap request with it, such as one whose list of models is
    /// public: sends a chat that is an empty object, which names no model to run and costs nothing. Services
    /// look at the key before the body, so a wrong one is refused; an error about the body passes the test.
    ///
    /// A service that looks at the body first passes it with any key.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] for a wrong key, or whatever else is in the way.
    pub async fn check_key(&self) -> Result<(), Error> {
        use ErrorKind::{EmptyResponse, InvalidRequest, ModelNotFound, UnsupportedFeature};

        let nothing = ChatRequest::default();
        let answer = self.post("").json_text("{}").chat(|head| self.codec.decoder(&nothing, head)).await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                InvalidRequest | ModelNotFound | UnsupportedFeature | EmptyResponse => Ok(()),
                // Some servers find no field in the body, and call that a failure of theirs. A 500 that names
                // no field may be about anything: LiteLLM without its database gives one for a missing key.
                ErrorKind::Server if error.status() == Some(500) && names_field(&error) => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Starts the `POST` of a chat with this model, for a body that is not the codec's.
    pub fn post(&self, model: &str) -> RequestBuilder<'_> {
        self.endpoint.post(self.codec.path()).model(model)
    }

    /// The `POST` of a chat with its body. A request that the codec refuses is not sent.
    fn encoded(&self, request: &ChatRequest, operation: Operation) -> Result<RequestBuilder<'_>, Error> {
        match self.codec.encode(request, operation == Operation::Stream) {
            Ok(body) => Ok(self.post(&request.model).json_text(body)),
            Err(error) if self.endpoint.provider().is_empty() => Err(error),
            Err(error) => {
                let context = ErrorContext::new(self.endpoint.provider().clone(), operation);
                Err(context.model(&request.model).apply(error))
            }
        }
    }
}

/// Shares the codec, which need not be `Clone`.
impl<C> Clone for ChatApi<C> {
    fn clone(&self) -> Self {
        Self { endpoint: self.endpoint.clone(), codec: Arc::clone(&self.codec) }
    }
}

/// Whether an error names a field that the body of a chat must have.
fn names_field(error: &Error) -> bool {
    ["messages", "model"].iter().any(|field| error.message().contains(field))
}
