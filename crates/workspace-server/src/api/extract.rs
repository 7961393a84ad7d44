//! The parts of a request that handlers take: its body, its query and the ids in its path, each with an
//! error that names the field.

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use http::StatusCode;
use http::request::Parts;
use provider_core::FieldProblem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
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
    if let Some(problem) = lone_surrogate(body) {
        return Err(ApiError::invalid(vec![problem]));
    }
    // A list would be read as the fields of the type in their order.
    if body.trim_ascii_start().starts_with(b"[") {
        let problem = "has another type or value: expected an object";
        return Err(ApiError::invalid(vec![FieldProblem::new("body", problem)]));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| ApiError::invalid(vec![unread(&error)]))?;
    let rest = reader.end();
    rest.map_err(|error| ApiError::invalid(vec![FieldProblem::new("body", problem(&error))]))?;
    Ok(value)
}

/// The field that could not be read, and why. A field that is missing is named itself.
pub(crate) fn unread(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldProblem {
    let (path, cause) = (error.path().to_string(), error.inner());
    let words = cause.to_string();
    match words.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(name) if path == "." => FieldProblem::new(name, "is missing"),
        Some(name) => FieldProblem::new(format!("{path}.{name}"), "is missing"),
        None => FieldProblem::new(field_of(error.path()), problem(cause)),
    }
}

fn field_of(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    if path == "." { "body".to_owned() } else { path }
}

/// The bytes of a body, up to the limit of the server.
pub(crate) async fn bytes(request: Request, app: &App) -> Result<Bytes> {
    Bytes::from_request(request, app).await.map_err(|refused| cut_short(refused.status(), app))
}

/// The error of a body that was not read to its end.
pub(crate) fn cut_short(status: StatusCode, app: &App) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_long(app.settings.max_body_bytes),
        _ => ApiError::new(StatusCode::BAD_REQUEST, "invalid_request", "the body did not come in full"),
    }
}

/// The problem of JSON in which a text has half of a surrogate pair. It is no Unicode, so that neither a
/// service nor the store takes it. JSON that was read as it came would carry it on.
pub(crate) fn lone_surrogate(json: &[u8]) -> Option<FieldProblem> {
    if !has_lone_surrogate(json) {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    let error = serde_path_to_error::deserialize::<_, Value>(&mut reader).err()?;
    // Another fault before it is told in its own words.
    let problem = match error.inner().to_string().contains("hex escape") {
        true => "has half of a surrogate pair (\\ud800 to \\udfff alone), which is no Unicode".to_owned(),
        false => problem(error.inner()),
    };
    Some(FieldProblem::new(field_of(error.path()), problem))
}

fn has_lone_surrogate(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let escape = &rest[at..];
        let len = match code_unit(escape) {
            Some(0xd800..=0xdbff) if matches!(code_unit(&escape[6..]), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => return true,
            Some(_) => 6,
            None => 2,
        };
        rest = escape.get(len..).unwrap_or_default();
    }
    false
}

/// The unit of UTF-16 that is escaped here.
fn code_unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The problem without the value that has it, which may be a secret.
fn problem(error: &serde_json::Error) -> String {
    if error.is_syntax() || error.is_eof() {
        return format!("is no JSON: line {}, column {}", error.line(), error.column());
    }
    let text = error.to_string();
    plain(text.split(" at line ").next().unwrap_or_default())
}

/// The words of serde in plain ones.
fn plain(text: &str) -> String {
    let names_only = ["unknown field", "missing field", "duplicate field"];
    match text.rsplit_once("expected ") {
        _ if names_only.iter().any(|words| text.starts_with(words)) => format!("has a problem: {text}"),
        Some((_, expected)) => format!("has another type or value: expected {}", kind_of_json(expected)),
        None => "has a value that cannot be taken".to_owned(),
    }
}

/// A kind of JSON in plain words, for the name that Rust has for it.
fn kind_of_json(expected: &str) -> &str {
    let words = expected.split(' ').collect::<Vec<_>>();
    match words.as_slice() {
        ["struct" | "map" | "internally" | "adjacently", ..] | ["a", "map"] => "an object",
        ["a", "sequence"] | ["tuple", ..] | ["a", "tuple", ..] => "a list",
        ["a", "string"] | ["a", "borrowed", "string"] | ["string", ..] | ["enum", ..] => "a text",
        ["a", "boolean"] | ["bool"] => "true or false",
        ["u8" | "u16" | "u32" | "u64" | "usize"] => "a whole number, 0 or more",
        ["i8" | "i16" | "i32" | "i64" | "isize"] => "a whole number",
        ["f32" | "f64"] => "a number",
        ["any", "valid", "JSON", ..] => "JSON",
        _ => expected,
    }
}

/// The query of a URL. A parameter that the type does not have is refused by name.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let Query(params) = Query::<T>::from_request_parts(parts, app).await.map_err(in_query)?;
        Ok(Self(params))
    }
}

/// The error of a query, with its field in front: `limit: invalid digit found in string`.
fn in_query(refused: QueryRejection) -> ApiError {
    let text = refused.body_text();
    let text = text.split_once(": ").map_or(&*text, |(_, rest)| rest);
    let (field, words) = text.split_once(": ").unwrap_or(("query", text));
    // A parameter that is unknown or missing is named by the words.
    let named = |opening: &str| words.strip_prefix(opening).and_then(|rest| rest.split('`').next());
    if let Some(name) = named("missing field `") {
        return in_field(name, "is missing".to_owned());
    }
    if let Some(name) = named("unknown field `") {
        return in_field(name, plain(words));
    }
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let problem = match says(&["digit", "number", "from empty string"]) {
        true => "must be a whole number that fits".to_owned(),
        false if says(&["`true`"]) => "must be true or false".to_owned(),
        false => plain(words),
    };
    in_field(field, problem)
}

/// The error of a parameter of the query.
fn in_field(field: &str, problem: String) -> ApiError {
    let problems = vec![FieldProblem::new(field, problem)];
    ApiError { status: StatusCode::BAD_REQUEST, code: "invalid_request", ..ApiError::invalid(problems) }
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
