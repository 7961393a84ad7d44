//! A request to an endpoint while it is made, and how it is sent.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use provider_core::author::{FrameDecoder, ResponseHead};
use provider_core::{ChatResponse, ChatStream, Error, ErrorKind, FieldProblem, Operation, Secret};
use serde::Serialize;
use url::form_urlencoded;

use super::{Endpoint, Inner, Version};
use crate::KeySource;
use crate::context::RequestContext;
use crate::headers::{IS_OURS, NO_NAME, UNSENDABLE, is_ours};
use crate::send::{self, BodyFormat, Response};

/// The content type of JSON.
const JSON: &str = "application/json";

/// A request that is being made. One of [`stream`](Self::stream), [`chat`](Self::chat), [`text`](Self::text),
/// [`parse`](Self::parse) and [`send`](Self::send) sends it.
#[derive(Clone)]
#[must_use = "a request is sent by one of its async methods"]
pub struct RequestBuilder<'e> {
    endpoint: &'e Endpoint,
    method: Method,
    /// The base URL with the path behind it.
    url: String,
    accept: Option<&'static str>,
    headers: HeaderMap,
    body: Option<Bytes>,
    /// The type of the body, where there is one.
    content_type: &'static str,
    format: Option<BodyFormat>,
    has_key: bool,
    context: RequestContext,
    problems: Vec<FieldProblem>,
}

impl<'e> RequestBuilder<'e> {
    pub(super) fn new(endpoint: &'e Endpoint, method: Method, path: &str) -> Self {
        Self {
            endpoint,
            method,
            // Appended, never resolved: the base URL's own path stays.
            url: [&endpoint.0.base, "/", path.trim_start_matches('/')].concat(),
            accept: None,
            headers: HeaderMap::new(),
            body: None,
            content_type: JSON,
            format: None,
            has_key: true,
            context: RequestContext {
                provider: endpoint.0.provider.clone(),
                generation_id_header: endpoint.0.generation_id_header,
                example: endpoint.0.example.clone(),
                secrets: endpoint.0.secrets.clone(),
                ..RequestContext::default()
            },
            problems: Vec::new(),
        }
    }

    /// Says which model is asked, for errors and for [`ChatResponse::requested`].
    pub fn model(mut self, model: &str) -> Self {
        model.clone_into(&mut self.context.model);
        self
    }

    /// Says which models may answer in its place, where the service chooses.
    pub fn fallbacks(mut self, models: &[String]) -> Self {
        self.context.fallbacks = models.to_vec();
        self
    }

    /// Adds a header to this request: one that a caller may name. It is handled as a secret.
    ///
    /// A header that the provider or the HTTP client writes itself is refused by name when the request is
    /// sent, and so is one of the endpoint's own.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let field = format!("headers.{}", name.escape_debug());
        let inner = &self.endpoint.0;
        let problem = match (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            (Err(_), _) => NO_NAME,
            (Ok(name), _)
                if is_ours(&name) || name == inner.key_header.name || inner.headers.contains_key(&name) =>
            {
                IS_OURS
            }
            (Ok(name), _) if self.headers.contains_key(&name) => "is set twice; set it once",
            (Ok(name), Ok(mut value)) if value.to_str().is_ok() => {
                value.set_sensitive(true);
                self.headers.insert(name, value);
                return self;
            }
            (Ok(_), _) => UNSENDABLE,
        };
        self.problems.push(FieldProblem::new(field, problem));
        self
    }

    /// Leaves the endpoint's key out of this request: whether a service refuses it then tells a connection
    /// test whether the service looks at keys. Extra headers go out all the same.
    pub fn without_key(mut self) -> Self {
        self.has_key = false;
        self
    }

    /// Returns what is wrong with the request so far: headers that cannot be sent, by the name `headers.…`.
    /// Sending refuses it for the same.
    pub fn problems(&self) -> &[FieldProblem] {
        &self.problems
    }

    /// Sets the body: a value, written as JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.json_text(json),
            Err(cause) => {
                self.problems.push(FieldProblem::new("body", format!("cannot be written as JSON: {cause}")));
                self
            }
        }
    }

    /// Sets the body: JSON that is written already.
    pub fn json_text(mut self, json: impl Into<Bytes>) -> Self {
        (self.body, self.content_type) = (Some(json.into()), JSON);
        self
    }

    /// Sets the body: the fields of a form, as endpoints of OAuth take them
    /// (`application/x-www-form-urlencoded`).
    pub fn form<'f>(mut self, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        (self.body, self.content_type) = (Some(form.into()), "application/x-www-form-urlencoded");
        self
    }

    /// Sets the content types that are wanted back. Default: `text/event-stream` for a
    /// [stream](Self::stream), and `application/json` for everything else.
    pub fn accept(mut self, types: &'static str) -> Self {
        self.accept = Some(types);
        self
    }

    /// Reads the answer in this format, whatever its content type says: for services that send JSON lines as
    /// plain text, for example.
    pub fn format(mut self, format: BodyFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sends the request, and streams the answer as `decoder` reads it: an event stream, JSON lines, or a
    /// body that comes whole, by content type.
    ///
    /// # Errors
    /// Everything that goes wrong before the answer begins, an error response among it. The errors of the
    /// stream have the answer so far.
    pub async fn stream<D>(mut self, decoder: impl FnOnce(ResponseHead) -> D) -> Result<ChatStream, Error>
    where
        D: FrameDecoder + 'static,
    {
        self.context.operation = Some(Operation::Stream);
        let accept = self.accept.unwrap_or(match self.format {
            Some(BodyFormat::JsonLines) => "application/x-ndjson",
            _ => "text/event-stream",
        });
        self.accept(accept).send_for_success().await?.stream(decoder).await
    }

    /// Sends the request, and waits for the whole answer, streamed or not.
    ///
    /// # Errors
    /// Everything that goes wrong, with the part of the answer that had come.
    pub async fn chat<D>(mut self, decoder: impl FnOnce(ResponseHead) -> D) -> Result<ChatResponse, Error>
    where
        D: FrameDecoder + 'static,
    {
        self.context.operation = Some(Operation::Chat);
        self.send_for_success().await?.chat(decoder).await
    }

    /// Sends the request, and reads the answer whole, with the key taken out of it.
    ///
    /// # Errors
    /// Everything that goes wrong.
    pub async fn text(self) -> Result<String, Error> {
        self.send_for_success().await?.text().await
    }

    /// Sends the request, reads the answer whole and hands it to `parse`. `what` names the document in
    /// errors: `the list of models`.
    ///
    /// # Errors
    /// Everything that goes wrong, the errors of `parse` as [`ErrorKind::InvalidResponse`].
    pub async fn parse<T, E: fmt::Display>(
        self,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Error> {
        self.send_for_success().await?.parse(what, parse).await
    }

    /// Sends the request once; gives the answer whatever its status.
    /// [`Response::error_for_status`] makes an error of one whose status is no success, as all other methods
    /// here do.
    ///
    /// # Errors
    /// When no answer begins.
    pub async fn send(self) -> Result<Response, Error> {
        let version = self.endpoint.0.version.as_ref();
        let known = version.filter(|version| version.is_missing.get() == Some(&true));
        self.send_below(known.map(|version| version.path)).await
    }

    /// Sends the request to a path below the base URL.
    async fn send_below(mut self, version: Option<&'static str>) -> Result<Response, Error> {
        let Inner { origin, key, key_header, limits, http, error_response, .. } = &*self.endpoint.0;
        let (context, format) = (Arc::new(std::mem::take(&mut self.context)), self.format);
        let key = if self.has_key { key } else { &KeySource::none() };
        let request = self.into_request(version).map_err(|error| context.apply(error))?;
        let authorize = |headers: &mut HeaderMap, secret: &Secret| {
            if key.fixed().is_some() {
                return Ok(());
            }
            key_header.put(headers, secret).map_err(|problem| Error::config("", vec![problem]))
        };
        let answer = send::send(http, key, origin, *limits, request, authorize).await;
        let (answer, secret, deadlines) = answer.map_err(|error| context.apply(error))?;
        let response = Response::new(answer, secret, context, *limits, deadlines, error_response.clone());
        Ok(match format {
            Some(format) => response.with_format(format),
            None => response,
        })
    }

    async fn send_for_success(self) -> Result<Response, Error> {
        let version = self.endpoint.0.version.as_ref();
        match version.filter(|version| version.is_missing.get().is_none()) {
            // Boxed, since every other request would be as large as this one.
            Some(version) => Box::pin(self.send_to_find(version)).await,
            None => self.send().await?.error_for_status().await,
        }
    }

    /// Sends the request to the base URL and, if nothing is there, below the version.
    async fn send_to_find(self, version: &Version) -> Result<Response, Error> {
        let again = self.clone();
        let first = self.send_below(None).await?;
        if first.head().status() != StatusCode::NOT_FOUND {
            if first.is_of_api() {
                version.is_missing.get_or_init(|| false);
            }
            return first.error_for_status().await;
        }
        let error = match first.error_for_status().await {
            Err(error) => error,
            success => return success,
        };
        let second = again.send_below(Some(version.path)).await?;
        if second.head().status() != StatusCode::NOT_FOUND {
            version.is_missing.get_or_init(|| true);
            return second.error_for_status().await;
        }
        // A server that knows the place, and not the model, says so in words of its own.
        match second.error_for_status().await {
            Err(again) if again.kind() == ErrorKind::NotFound => Err(error),
            again => again,
        }
    }

    fn into_request(self, version: Option<&str>) -> Result<Request<Bytes>, Error> {
        if !self.problems.is_empty() {
            return Err(Error::invalid_request(self.problems));
        }
        let Inner { base, headers, key_header, .. } = &*self.endpoint.0;
        let mut url = self.url;
        if let Some(version) = version {
            url.insert_str(base.len(), &format!("/{version}"));
        }
        let url = Bytes::from(url);
        let uri = Uri::from_maybe_shared(url.clone()).map_err(|cause| {
            let path = String::from_utf8_lossy(&url[base.len() + 1..]);
            let message = format!("there cannot be an address {path:?} of the API: {cause}");
            Error::new(ErrorKind::InvalidRequest, message).with_source(cause)
        })?;
        let mut headers = headers.clone();
        if !self.has_key {
            headers.remove(&key_header.name);
        }
        headers.extend(self.headers);
        headers.insert(ACCEPT, HeaderValue::from_static(self.accept.unwrap_or(JSON)));
        if self.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        let mut request = Request::new(self.body.unwrap_or_default());
        (*request.method_mut(), *request.uri_mut()) = (self.method, uri);
        *request.headers_mut() = headers;
        Ok(request)
    }
}

impl fmt::Debug for RequestBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}
