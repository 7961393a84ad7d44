//! The parts of a request that handlers take: its body, its query and the ids in its path, each with an
//! error that names the field.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use http::StatusCode;
use http::request::Parts;
use provider_core::FieldProblem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};
use crate::state::App;

/// The JSON of a body, whatever its media type says. A field that the type does not have is refused by name.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        read(&bytes(request, app).await?).map(Self)
    }
}

/// Reads the JSON of a body.
///
/// # Errors
/// Names the field that cannot be read.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "body".to_owned() } else { path };
        ApiError::invalid(vec![FieldProblem::new(field, problem(&error.into_inner()))])
    })?;
    let rest = reader.end();
    rest.map_err(|error| ApiError::invalid(vec![FieldProblem::new("body", problem(&error))]))?;
    Ok(value)
}

/// The bytes of a body, up to the limit of the server.
pub(crate) async fn bytes(request: Request, app: &App) -> Result<Bytes> {
    Bytes::from_request(request, app).await.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(cause) if cause.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "the body is too long")
        }
        _ => ApiError::new(StatusCode::BAD_REQUEST, "invalid_request", "the body did not come in full"),
    })
}

/// The problem without the value that has it, which may be a secret.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if error.is_syntax() || error.is_eof() {
        return format!("is no JSON: line {}, column {}", error.line(), error.column());
    }
    let names_only = ["unknown field", "missing field", "duplicate field"];
    match text.rsplit_once("expected ") {
        _ if names_only.iter().any(|words| text.starts_with(words)) => format!("has a problem: {text}"),
        Some((_, expected)) => format!("has another type or value: expected {expected}"),
        None => "has a value that cannot be taken".to_owned(),
    }
}

/// The query of a URL. A parameter that the type does not have is refused by name.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        let Query(params) = query.map_err(|error: QueryRejection| {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_request", error.body_text())
        })?;
        Ok(Self(params))
    }
}

/// The ids in the path.
pub(crate) struct Ids(Vec<(String, String)>);

/// The longest id that is looked for, in bytes.
const MAX_ID: usize = 512;

impl Ids {
    /// The id of this parameter.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }
}

impl FromRequestParts<App> for Ids {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let refused = || ApiError::not_found("there is no such id");
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| refused())?;
        let ids: Vec<_> = params.iter().map(|(name, id)| (name.to_owned(), id.to_owned())).collect();
        match ids.iter().all(|(_, id)| is_id(id)) {
            true => Ok(Self(ids)),
            false => Err(refused()),
        }
    }
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len()) && !id.chars().any(char::is_control)
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items, in the order of the list.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; `null` on the last one.
    pub(crate) next: Option<String>,
}

/// The number of items in a page if the request does not say.
const PAGE: u32 = 50;

/// The most items in a page.
const MAX_PAGE: u32 = 200;

/// The length of a page.
///
/// # Errors
/// For 0 and for more than 200.
pub(crate) fn page_len(asked: Option<u32>) -> Result<u32> {
    match asked.unwrap_or(PAGE) {
        len @ 1..=MAX_PAGE => Ok(len),
        _ => {
            Err(ApiError::invalid(vec![FieldProblem::new("limit", format!("must be from 1 to {MAX_PAGE}"))]))
        }
    }
}

impl<T> Page<T> {
    /// Makes a page of rows that were asked for one more than `len`, so that it is known whether more follow.
    pub(crate) fn of(mut rows: Vec<T>, len: u32, cursor: impl Fn(&T) -> String) -> Self {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let has_more = rows.len() > len;
        rows.truncate(len);
        let next = rows.last().filter(|_| has_more).map(cursor);
        Self { items: rows, next }
    }
}

/// Reads a field that may be absent (no change), `null` (remove) or a value (set).
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> std::result::Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Parses an amount of money that is not below zero.
///
/// # Errors
/// For another text: it names the field.
pub(crate) fn money(field: &str, text: &str) -> Result<provider_core::Usd> {
    let refused =
        || ApiError::invalid(vec![FieldProblem::new(field, "is no amount in US dollars: \"2.50\"")]);
    let amount: provider_core::Usd = text.parse().map_err(|_| refused())?;
    if amount.is_negative() { Err(refused()) } else { Ok(amount) }
}
