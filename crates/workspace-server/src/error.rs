//! The errors of requests: one type, written in the envelope of the host or in OpenAI's shape.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use provider_core::author::base_url_step;
use provider_core::{ErrorKind, FieldProblem};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use workspace_store::{RecordKind, StoreError};

/// The JSON around everything that `/api/v1` answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Envelope<T> {
    pub(crate) data: T,
    /// `success`; `error` in an error.
    #[schema(value_type = String)]
    pub(crate) status: &'static str,
    /// A word for programs: `ok`, or that of the error.
    #[schema(value_type = String)]
    pub(crate) code: Cow<'static, str>,
    /// A sentence for people; empty in a success.
    pub(crate) message: String,
}

/// A success in the envelope.
pub(crate) fn success<T: Serialize>(data: T) -> Json<Envelope<T>> {
    Json(Envelope { data, status: "success", code: "ok".into(), message: String::new() })
}

/// The result of a handler.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// The error of a request. It has no secret.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    /// A word for programs.
    pub(crate) code: &'static str,
    /// A sentence for people.
    pub(crate) message: String,
    /// The problems of single fields.
    pub(crate) problems: Vec<FieldProblem>,
    pub(crate) retry_after_seconds: Option<u32>,
    /// Whether the caller may try again: our own retries are used up.
    pub(crate) should_retry: bool,
    /// OpenAI's word for it in the place of `code`, for clients that decide by it.
    pub(crate) openai_code: Option<&'static str>,
    /// The provider, its upstream and the attempts, as OpenAI's clients get them.
    pub(crate) metadata: Option<Box<Value>>,
    /// The id of the run, if one had begun.
    pub(crate) request_id: Option<Box<str>>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            problems: Vec::new(),
            retry_after_seconds: None,
            should_retry: false,
            openai_code: None,
            metadata: None,
            request_id: None,
        }
    }

    /// Names the run that failed: the id is that of its record.
    pub(crate) fn of_request(mut self, run: &str) -> Self {
        self.request_id = Some(run.into());
        self
    }

    /// The refusal of a missing, wrong, expired or revoked token: the same for all of them.
    pub(crate) fn unauthorised() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "auth_error",
            "a valid token is needed: Authorization: Bearer wst_…",
        )
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The refusal of a wrong operator's key, or of none.
    pub(crate) fn no_operator() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "auth_error",
            "the operator's key is needed, which is no token of a workspace: Authorization: Bearer <key>",
        )
    }

    /// The refusal of a body beyond the limit.
    pub(crate) fn too_long(max_body_bytes: usize) -> Self {
        let message = format!("the body has more than {max_body_bytes} bytes, which this host does not take");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message)
    }

    /// The error of finding the model that a field names. It names the field, if that is what is wrong.
    pub(crate) fn of_model(error: impl Into<Self>, field: &str) -> Self {
        let mut error: Self = error.into();
        if error.code == "not_found" {
            error.code = "model_not_found";
        }
        if matches!(error.code, "model_not_found" | "ambiguous_model" | "model_not_enabled") {
            error.problems = vec![FieldProblem::new(field, &*error.message)];
        }
        error
    }

    pub(crate) fn invalid(problems: Vec<FieldProblem>) -> Self {
        let message = problems
            .iter()
            .map(|problem| format!("{} {}", problem.field, problem.problem))
            .collect::<Vec<_>>()
            .join("; ");
        Self { problems, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_error", message) }
    }

    fn retry_after(mut self, seconds: Option<u32>) -> Self {
        self.retry_after_seconds = seconds;
        self
    }

    /// The error in the shape that OpenAI's clients read.
    pub(crate) fn into_openai_response(self) -> Response {
        let mut response = (self.status, Json(self.openai_json())).into_response();
        let retry = if self.should_retry { "true" } else { "false" };
        response.headers_mut().insert("x-should-retry", HeaderValue::from_static(retry));
        let response = match &self.request_id {
            Some(id) => with_request_id(response, id),
            None => with_request_id(response, &new_request_id()),
        };
        self.finish(response)
    }

    /// The facts beside code and message: `data` of the envelope, and a part of the event `error`. `null` if
    /// there are none.
    pub(crate) fn facts(&self) -> Value {
        let Some(metadata) = &self.metadata else {
            return if self.problems.is_empty() { Value::Null } else { json!({"problems": self.problems}) };
        };
        let mut facts = json!({"problems": self.problems, "retry_after_seconds": self.retry_after_seconds});
        for name in ["kind", "next_step", "provider", "model", "upstream", "attempts"] {
            facts[name] = metadata[name].clone();
        }
        facts
    }

    /// The body in that shape: `{"error": {…}}`, which is also how a stream tells of its error.
    pub(crate) fn openai_json(&self) -> Value {
        let kind = match self.status.as_u16() {
            401 => "authentication_error",
            402 => "insufficient_quota",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        };
        // Extra parameters are at the top of the body, whichever provider they are for.
        let name = |field: &str| match field.strip_prefix("extra.").and_then(|name| name.split_once('.')) {
            Some((_, name)) => name.to_owned(),
            None => field.to_owned(),
        };
        let param = self.problems.first().map(|problem| name(&problem.field));
        let code = self.openai_code.unwrap_or(self.code);
        let mut error = json!({"message": self.message, "type": kind, "param": param, "code": code});
        if let Some(metadata) = &self.metadata {
            error["metadata"] = (**metadata).clone();
        }
        json!({ "error": error })
    }

    fn finish(&self, mut response: Response) -> Response {
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (data, code) = (self.facts(), self.code.into());
        let envelope = Envelope { data, status: "error", code, message: self.message.clone() };
        let response = (self.status, Json(envelope)).into_response();
        self.finish(response)
    }
}

impl From<provider_core::Error> for ApiError {
    /// An error of a provider, by the table of the docs.
    fn from(error: provider_core::Error) -> Self {
        let (status, code, openai_code) = meaning(&error);
        let whole = |wait: Duration| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        let (problems, metadata) = (error.fields().to_vec(), Some(Box::new(metadata(&error))));
        let new = Self::new(status, code, error.to_string());
        Self { problems, openai_code, metadata, ..new }.retry_after(error.retry().after().map(whole))
    }
}

/// The status of a provider's error, its code, and OpenAI's word for it where that is another: the table of
/// the docs. An error that the caller can mend has a status from 400 on; the rest is the provider's fault, or
/// that of its settings. None has 401, which means the caller's own token.
fn meaning(error: &provider_core::Error) -> (StatusCode, &'static str, Option<&'static str>) {
    // The answer of another server than the provider's, whatever its status says.
    let elsewhere = base_url_step("");
    if error.next_step().is_some_and(|step| step.starts_with(&elsewhere)) {
        return (StatusCode::BAD_GATEWAY, "config", None);
    }
    match error.kind() {
        ErrorKind::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request", None),
        ErrorKind::Unsupported | ErrorKind::UnsupportedFeature => {
            (StatusCode::BAD_REQUEST, "unsupported_feature", None)
        }
        ErrorKind::ContextLength => {
            (StatusCode::BAD_REQUEST, "context_overflow", Some("context_length_exceeded"))
        }
        ErrorKind::LimitReached => (StatusCode::BAD_REQUEST, "limit_reached", None),
        ErrorKind::Ambiguous => (StatusCode::BAD_REQUEST, "ambiguous_model", None),
        ErrorKind::PaymentRequired => {
            (StatusCode::PAYMENT_REQUIRED, "payment_required", Some("insufficient_quota"))
        }
        ErrorKind::PermissionDenied => (StatusCode::FORBIDDEN, "permission_denied", None),
        ErrorKind::ContentPolicy => {
            (StatusCode::FORBIDDEN, "content_policy", Some("content_policy_violation"))
        }
        ErrorKind::ModelNotFound => (StatusCode::NOT_FOUND, "model_not_found", None),
        ErrorKind::NotFound if error.model().is_some() => (StatusCode::NOT_FOUND, "model_not_found", None),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found", None),
        ErrorKind::NoEndpoint => (StatusCode::NOT_FOUND, "no_endpoint", None),
        ErrorKind::Duplicate => (StatusCode::CONFLICT, "duplicate", None),
        ErrorKind::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", None),
        ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limit", Some("rate_limit_exceeded")),
        // Settings that somebody has just sent name their fields; stored ones that do not work have none.
        ErrorKind::Config if !error.fields().is_empty() => {
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_error", None)
        }
        ErrorKind::Config => (StatusCode::BAD_GATEWAY, "config", None),
        ErrorKind::Authentication => (StatusCode::BAD_GATEWAY, "provider_auth_error", None),
        ErrorKind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", None),
        ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout", None),
        ErrorKind::ToolFailed => (StatusCode::BAD_GATEWAY, "tool_error", None),
        _ => (StatusCode::BAD_GATEWAY, "provider_error", None),
    }
}

/// The code of a provider's error.
pub(crate) fn code_of(error: &provider_core::Error) -> &'static str {
    meaning(error).1
}

/// Facts about a provider's error. Errors have no secret in them, and neither have their attempts.
fn metadata(error: &provider_core::Error) -> Value {
    let facts = |error: &provider_core::Error| {
        json!({
            "kind": error.kind(), "provider": error.provider(), "model": error.model(),
            "status": error.status(), "code": error.code(), "message": error.message(),
            "upstream": error.upstream().map(|upstream| {
                json!({"provider": upstream.provider, "message": upstream.message})
            }),
        })
    };
    let mut metadata = facts(error);
    metadata["generation_id"] = error.generation_id().into();
    metadata["next_step"] = error.next_step().into();
    metadata["attempts"] = error.attempts().iter().map(facts).collect();
    metadata["problems"] = json!(error.fields());
    metadata
}

/// Adds the id by which an answer is found in logs and records.
pub(crate) fn with_request_id(mut response: Response, id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// An id for a request that begins no run. It is no secret, and need not be hard to guess.
pub(crate) fn new_request_id() -> String {
    // Each of these states has other random keys.
    format!("req_{:016x}", RandomState::new().build_hasher().finish())
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Token(_) => Self::unauthorised(),
            StoreError::NotFound { kind: RecordKind::Workspace, .. } => Self::not_found(NO_WORKSPACE),
            StoreError::NotFound { .. } => Self::not_found(message),
            StoreError::Duplicate { .. } => Self::new(StatusCode::CONFLICT, "duplicate", message),
            StoreError::Conflict(conflict) => Self {
                problems: conflict
                    .changed
                    .iter()
                    .map(|field| FieldProblem::new(field, "was changed by somebody else in between"))
                    .collect(),
                ..Self::new(StatusCode::CONFLICT, "conflict", message)
            },
            StoreError::Invalid(problems) => Self::invalid(problems),
            StoreError::Budget(_) => Self::new(StatusCode::PAYMENT_REQUIRED, "budget_exceeded", message),
            StoreError::NotEnabled { .. } | StoreError::AnyModel { .. } => {
                Self::new(StatusCode::FORBIDDEN, "model_not_enabled", message)
            }
            StoreError::Provider(error) => error.into(),
            StoreError::Import(_) => Self::new(StatusCode::BAD_REQUEST, "invalid_request", message),
            StoreError::Unavailable(_) => Self {
                should_retry: true,
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
            }
            .retry_after(Some(1)),
            _ => {
                tracing::error!(error = %message, "a request failed inside the store");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal_error",
                    "the host's store failed; see its log",
                )
            }
        }
    }
}

/// The same words for a workspace that is not there and for one that is another's.
pub(crate) const NO_WORKSPACE: &str = "this token is for no such workspace";
