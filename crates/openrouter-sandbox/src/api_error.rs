//! The service's error envelope, and helpers for JSON responses.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

/// The response header with the generation's id.
pub(crate) const GENERATION_ID: &str = "x-generation-id";

/// An error response: `{"error":{code, message, …}, "user_id"}`, with the code as its HTTP status.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    envelope: Box<Value>,
    /// A page that is sent instead of the envelope, as by an edge server in front of the service.
    html: Option<&'static str>,
    headers: Vec<(&'static str, String)>,
}

impl ApiError {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        let envelope = Box::new(json!({"error": {"code": status, "message": message.into()}}));
        Self { status, envelope, html: None, headers: Vec::new() }
    }

    /// 400: the request is invalid.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 404: the thing does not exist, or no endpoint fits the request.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// An HTML page instead of the envelope.
    pub(crate) fn html(status: u16, page: &'static str) -> Self {
        Self { html: Some(page), ..Self::new(status, "") }
    }

    pub(crate) fn metadata(mut self, metadata: Value) -> Self {
        self.envelope["error"]["metadata"] = metadata;
        self
    }

    /// Adds one entry to the metadata.
    pub(crate) fn add_metadata(mut self, key: &str, value: Value) -> Self {
        self.envelope["error"]["metadata"][key] = value;
        self
    }

    pub(crate) fn availability(mut self, availability: Value) -> Self {
        self.envelope["error"]["availability"] = availability;
        self
    }

    /// Adds `usage` beside the error, for tokens that are billed all the same.
    pub(crate) fn usage(mut self, usage: Value) -> Self {
        self.envelope["usage"] = usage;
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a `Retry-After` header, in seconds.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        self.header("retry-after", seconds.to_string())
    }

    /// Adds the account's id, as the service does once it knows the key.
    pub(crate) fn with_user_id(mut self, user_id: &str) -> Self {
        self.envelope["user_id"] = user_id.into();
        self
    }

    /// Adds the failed generation's id in the `X-Generation-Id` header.
    pub(crate) fn with_generation_id(self, id: &str) -> Self {
        self.header(GENERATION_ID, id)
    }

    /// The object `error` alone, for a body or an event with more fields.
    pub(crate) fn into_error(mut self) -> Value {
        self.envelope["error"].take()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match self.html {
            Some(page) => respond(status, "text/html; charset=UTF-8", page),
            None => json_response(status, &self.envelope),
        };
        for (name, value) in &self.headers {
            insert_header(&mut response, name, value);
        }
        response
    }
}

/// A response with a JSON body.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    respond(status, "application/json", body.to_string())
}

/// A response with `{"data": …}` and status 200.
pub(crate) fn data_response(data: Value) -> Response<Body> {
    json_response(StatusCode::OK, &json!({ "data": data }))
}

/// A response with this status, content type and body.
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

/// Sets a header. A value that no header can carry is left out; the sandbox generates none.
pub(crate) fn insert_header(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
