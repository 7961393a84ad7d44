//! The service's error envelope and the constructors for the errors it is known to send.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

/// The header that names the generation.
pub(crate) const GENERATION_ID: &str = "x-generation-id";

/// A request that gets no answer. Becomes `{"error":{code, message, …}, "user_id"}` with the same status.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    envelope: Box<Value>,
    /// Sent instead of the envelope, as an edge server in front of the service would.
    html: Option<&'static str>,
    headers: Vec<(&'static str, String)>,
}

impl ApiError {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        let envelope = Box::new(json!({"error": {"code": status, "message": message.into()}}));
        Self { status, envelope, html: None, headers: Vec::new() }
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

    /// Adds one entry to the metadata.
    pub(crate) fn add_metadata(mut self, key: &str, value: Value) -> Self {
        self.envelope["error"]["metadata"][key] = value;
        self
    }

    pub(crate) fn availability(mut self, availability: Value) -> Self {
        self.envelope["error"]["availability"] = availability;
        self
    }

    /// Puts the tokens that were paid for beside the error.
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

    /// Names the account, as the service does once it knows the key.
    pub(crate) fn with_user_id(mut self, user_id: &str) -> Self {
        self.envelope["user_id"] = user_id.into();
        self
    }

    /// Names the generation that failed, in the `X-Generation-Id` header.
    pub(crate) fn with_generation_id(self, id: &str) -> Self {
        self.header(GENERATION_ID, id)
    }

    /// The object `error`, for a body or an event that has more beside it.
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

/// Sets a header. The sandbox makes up only values that a header can carry; any other is left out.
pub(crate) fn insert_header(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
