//! The service's error envelope and the constructors for the errors it is known to send.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

/// A request that gets no answer. Becomes `{"error":{code, message, …}, "user_id"}` with the same status.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    envelope: Box<Value>,
    /// Sent instead of the envelope, as an edge server in front of the service would.
    html: Option<&'static str>,
    retry_after: Option<u32>,
    generation_id: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        let envelope = Box::new(json!({"error": {"code": status, "message": message.into()}}));
        Self { status, envelope, html: None, retry_after: None, generation_id: None }
    }

    /// 400: the request itself is wrong.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 404: no such thing, or nothing that fits.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// A page instead of the envelope.
    pub(crate) fn html(status: u16, page: &'static str) -> Self {
        Self { html: Some(page), ..Self::new(status, "") }
    }

    pub(crate) fn metadata(mut self, metadata: Value) -> Self {
        self.envelope["error"]["metadata"] = metadata;
        self
    }

    pub(crate) fn availability(mut self, availability: Value) -> Self {
        self.envelope["error"]["availability"] = availability;
        self
    }

    /// Adds a `Retry-After` header, in seconds.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Names the account, as the service does once it knows the key.
    pub(crate) fn for_user(mut self, user_id: &str) -> Self {
        self.envelope["user_id"] = user_id.into();
        self
    }

    /// Names the generation that failed, in the `X-Generation-Id` header.
    pub(crate) fn for_generation(self, id: &str) -> Self {
        Self { generation_id: Some(id.to_owned()), ..self }
    }

    /// The answer for a client.
    pub(crate) fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match self.html {
            Some(page) => respond(status, "text/html; charset=UTF-8", page),
            None => json_response(status, &self.envelope),
        };
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(id) = self.generation_id {
            insert_generation_id(&mut response, &id);
        }
        response
    }
}

/// An answer with a JSON body.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    respond(status, "application/json", body.to_string())
}

/// `{"data": …}` with status 200.
pub(crate) fn data_response(data: Value) -> Response<Body> {
    json_response(StatusCode::OK, &json!({ "data": data }))
}

/// An answer of any kind.
pub(crate) fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Sets `X-Generation-Id`.
pub(crate) fn insert_generation_id(response: &mut Response<Body>, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-generation-id", value);
    }
}
