//! The answers of `GET /models` and its siblings: pages of models.

use provider_core::Catalogue;

use super::lenient::{Count, Raw, Str, object};
use super::{data, model};

object! {
    /// A page of models.
    Page<'a> {
        data: Raw<'a> = "data",
        total_count: Count = "total_count",
        links: PageLinks<'a> = "links",
    }
}

object! {
    PageLinks<'a> {
        next: Str<'a> = "next",
    }
}

object! {
    Counted<'a> {
        count: Count = "count",
    }
}

/// Reads a page of the catalogue, and the link to the next one.
///
/// # Errors
/// When the body is no JSON object with a list of models in `data`.
pub(crate) fn read(body: &str) -> Result<(Catalogue, Option<String>), String> {
    let page: Page<'_> = serde_json::from_str(body).map_err(|cause| cause.to_string())?;
    if !page.data.is_list() {
        return Err("there is no list of models in `data`".to_owned());
    }
    let mut models = Vec::new();
    // An entry without an id cannot be asked for.
    page.data.for_each(|raw: Raw<'_>| models.extend(model::read(raw)));
    let next = page.links.next.filled().map(str::to_owned);
    Ok((Catalogue::new(models, page.total_count.0), next))
}

/// Reads the answer of `GET /models/count`.
///
/// # Errors
/// When there is no number in it.
pub(crate) fn read_count(body: &str) -> Result<u64, String> {
    let counted: Counted<'_> = data::object(body)?.read().unwrap_or_default();
    counted.count.0.ok_or("there is no number in `data.count`".to_owned())
}
