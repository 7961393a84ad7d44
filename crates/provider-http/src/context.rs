//! The context of a request and of its answer, which errors get in one place.

use std::borrow::Cow;
use std::sync::Arc;

use provider_core::author::{ErrorContext, ResponseHead};
use provider_core::{ChatStream, Error, Operation, Secret};

use crate::error;

/// The context of one HTTP request: for its errors, and for the stream that it ends in.
///
/// It makes the [`ErrorContext`] of a chat or a stream, and has what that lacks: the models that may answer
/// in place of the one that is asked, the header with the answer's id, and a base URL to show. A request may
/// have no [`Operation`], since the endpoint does not know for which one a document is fetched.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestContext {
    pub(crate) provider: Cow<'static, str>,
    pub(crate) model: String,
    /// The models that may answer in its place.
    pub(crate) fallbacks: Vec<String>,
    /// The header that has the id of an answer.
    pub(crate) generation_id_header: Option<&'static str>,
    /// A good base URL of the service.
    pub(crate) example: Arc<str>,
    /// The operation, where the request is sent as a chat or a stream.
    pub(crate) operation: Option<Operation>,
    /// Values of headers that may be secrets, beside the key.
    pub(crate) secrets: Arc<[Secret]>,
}

impl RequestContext {
    /// Adds the context to an error, where it has none of its own. Every error leaves through here.
    pub(crate) fn apply(&self, error: Error) -> Error {
        self.secrets.iter().fold(self.complete(error), Error::redact)
    }

    fn complete(&self, mut error: Error) -> Error {
        if let (Some(operation), false) = (self.operation, self.provider.is_empty()) {
            let context = ErrorContext::new(self.provider.clone(), operation);
            error = match self.model.as_str() {
                "" => context.apply(error),
                model => context.model(model).apply(error),
            };
        }
        if error.provider().is_none() && !self.provider.is_empty() {
            error = error.with_provider(&*self.provider);
        }
        if self.model.is_empty() {
            return error;
        }
        if error.model().is_none() {
            error = error.with_model(&*self.model);
        }
        error.in_place_of(&self.model)
    }

    /// Sets in a stream which models of which provider were asked.
    pub(crate) fn set_requested(&self, stream: ChatStream) -> ChatStream {
        let stream = stream.provided_by(self.provider.clone());
        if self.model.is_empty() { stream } else { stream.requested(&self.model, &self.fallbacks) }
    }

    /// Adds the context, and what the head of the answer says: status and ids. Takes the key out.
    pub(crate) fn apply_with(&self, mut error: Error, head: &ResponseHead) -> Error {
        if error.status().is_none() {
            error = error.with_status(head.status());
        }
        let id = head.header("x-request-id").or_else(|| head.header("cf-ray"));
        if let (None, Some(id)) = (error.request_id(), id) {
            error = error.with_request_id(id);
        }
        let id = self.generation_id_header.and_then(|name| head.header(name));
        if let (None, Some(id)) = (error.generation_id(), id) {
            error = error.with_generation_id(id);
        }
        self.apply(error).redact(head.secret())
    }
}

/// The context of an answer: its head, and the context of the request.
#[derive(Clone, Debug)]
pub(crate) struct ResponseContext {
    pub(crate) head: ResponseHead,
    pub(crate) request: Arc<RequestContext>,
}

impl ResponseContext {
    /// Adds all of it to an error.
    pub(crate) fn apply(&self, error: Error) -> Error {
        self.request.apply_with(error, &self.head)
    }

    /// Makes the error of a frame or a document that is not `what` was asked for.
    pub(crate) fn undecodable(&self, what: &str, body: &str, cause: &str) -> Error {
        error::undecodable_at(&self.request.example, &self.head, body, what, cause)
    }
}
