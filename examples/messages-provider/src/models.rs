//! The list of models, page by page.

use lenient_json::{Count, Flag, Raw, Text, from_str, object, owned};
use provider_core::{Catalogue, Error, ErrorKind, Model, RawJson, Timestamp};
use provider_http::Endpoint;

/// The most pages that are fetched, of 1000 models each.
const MAX_PAGES: usize = 20;

object! {
    struct Page<'a> {
        data: Raw<'a> = "data",
        has_more: Flag = "has_more",
        last_id: Text<'a> = "last_id",
    }
}

object! {
    struct Row<'a> {
        id: Text<'a> = "id",
        name: Text<'a> = "display_name",
        created_at: Text<'a> = "created_at",
        max_input_tokens: Count = "max_input_tokens",
        max_tokens: Count = "max_tokens",
    }
}

/// A page that was read.
struct Models {
    models: Vec<Model>,
    /// The id that the next page follows.
    next: Option<String>,
}

/// Fetches all pages.
pub(crate) async fn fetch(endpoint: &Endpoint) -> Result<Catalogue, Error> {
    let mut models = Vec::new();
    let mut path = "models?limit=1000".to_owned();
    for _ in 0..MAX_PAGES {
        let page = endpoint.get(&path).parse("the list of models", read).await?;
        models.extend(page.models);
        match page.next {
            Some(id) => path = format!("models?limit=1000&after_id={}", escaped(&id)),
            None => return Ok(Catalogue::new(models, None)),
        }
    }
    let message = format!("the list of models has more than {MAX_PAGES} pages");
    Err(Error::new(ErrorKind::InvalidResponse, message))
}

/// Fetches a page of one model.
pub(crate) async fn fetch_one(endpoint: &Endpoint) -> Result<(), Error> {
    endpoint.get("models?limit=1").parse("the list of models", read).await.map(drop)
}

fn read(body: &str) -> Result<Models, String> {
    let page: Page<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    if !page.data.is_list() {
        return Err("there is no list of models in `data`".to_owned());
    }
    let mut models = Vec::new();
    page.data.for_each(|row: Raw<'_>| models.extend(model(row)));
    let next = owned(page.last_id).filter(|_| page.has_more.0 == Some(true));
    Ok(Models { models, next })
}

/// Reads a model; `None` for a row without an id.
fn model(raw: Raw<'_>) -> Option<Model> {
    let row: Row<'_> = raw.read()?;
    let mut model = Model::default();
    model.id = owned(row.id)?;
    model.name = owned(row.name).unwrap_or_else(|| model.id.clone());
    let created = row.created_at.as_str().parse::<Timestamp>().ok();
    model.created = created.and_then(|created| u64::try_from(created.unix_seconds()).ok());
    model.context_length = row.max_input_tokens.0;
    model.max_completion_tokens = row.max_tokens.0;
    model.raw = raw.get().map(RawJson::from_checked);
    Some(model)
}

/// An id as a value of a query.
fn escaped(id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let escape = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    id.bytes().map(escape).collect()
}
