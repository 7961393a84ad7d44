//! The page for people: files of the binary, for a browser.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::error::ApiError;

/// A file of the page.
struct File {
    /// Its path behind `/page/`.
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

/// A file as it is served.
struct Served {
    file: &'static File,
    gzip: Vec<u8>,
    etag: String,
}

const JS: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($name:literal: $media_type:expr,)*) => {
        &[$(File {
            name: $name,
            media_type: $media_type,
            content: include_str!(concat!("../page/", $name)),
        },)*]
    };
}

/// The document. Each view of the page has a path of its own, and all of them are this document.
static DOCUMENT: &[File] = files! { "index.html": "text/html; charset=utf-8", };

static FILES: &[File] = files! {
    "answer.js": JS,
    "api.js": JS,
    "app.js": JS,
    "attachments.js": JS,
    "catalogue.js": JS,
    "check.js": JS,
    "compare-talk.js": JS,
    "compare.js": JS,
    "conversations.js": JS,
    "costs.js": JS,
    "dom.js": JS,
    "errors.js": JS,
    "field-form.js": JS,
    "format.js": JS,
    "icon.svg": "image/svg+xml",
    "keep.js": JS,
    "markdown.js": JS,
    "model-picker.js": JS,
    "models.js": JS,
    "node-form.js": JS,
    "page.css": "text/css; charset=utf-8",
    "plot.js": JS,
    "providers.js": JS,
    "run-details.js": JS,
    "run.js": JS,
    "snippets.js": JS,
    "talk.js": JS,
    "texts.js": JS,
    "tokens.js": JS,
    "words.js": JS,
};

/// Compressed once, when the first browser asks.
static SERVED: LazyLock<Vec<Served>> =
    LazyLock::new(|| DOCUMENT.iter().chain(FILES).map(Served::of).collect());

/// The policy of the page: its own files and this host's API, and nothing else. No text of a model becomes
/// markup: the browser refuses a script that tries (`require-trusted-types-for`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    media-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// The document, for `/` and for the path of each view.
pub(crate) async fn document(headers: HeaderMap) -> Response {
    serve("index.html", &headers)
}

/// A file of the document.
pub(crate) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    serve(&name, &headers)
}

fn serve(name: &str, headers: &HeaderMap) -> Response {
    let Some(served) = SERVED.iter().find(|served| served.file.name == name) else {
        return ApiError::not_found("the page has no such file").into_response();
    };
    let mut response = Response::new(Body::empty());
    let has = |header, wanted: &str| {
        let words = |value: &HeaderValue| {
            let text = value.to_str().unwrap_or_default();
            text.split(',').any(|word| word.split(';').next().map(str::trim) == Some(wanted))
        };
        headers.get_all(header).iter().any(words)
    };
    let is_gzip = has(ACCEPT_ENCODING, "gzip");
    if has(IF_NONE_MATCH, &served.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if is_gzip {
        *response.body_mut() = Body::from(served.gzip.as_slice());
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    } else {
        *response.body_mut() = Body::from(served.file.content);
    }
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(served.file.media_type));
    // A newer host has newer files under the same names: the browser asks each time, and gets a 304.
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&served.etag) {
        fields.insert(ETAG, etag);
    }
    response
}

impl Served {
    fn of(file: &'static File) -> Self {
        let mut hasher = DefaultHasher::new();
        file.content.hash(&mut hasher);
        // A weak tag: the same for the plain and the compressed form.
        Self { file, gzip: gzip(file.content), etag: format!("W/\"{:016x}\"", hasher.finish()) }
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory does not fail.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests;
