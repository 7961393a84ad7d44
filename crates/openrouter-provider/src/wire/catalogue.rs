//! The answers of `GET /models` and its siblings: pages of models.

use provider_core::Catalogue;

use super::data;
use super::json::{Json, Read, read as read_json};
use super::lenient::{Count, Str, object};
use super::model::{self, WireModel};

object! {
    /// A page of models.
    Page<'a> {
        data: Rows<'a> = "data",
        total_count: Count = "total_count",
        links: PageLinks<'a> = "links",
    }
}

/// The rows of a list as they are read, each with its JSON. Nothing when it is no list.
#[derive(Debug, Default)]
pub(crate) struct Rows<'a>(Option<Vec<(WireModel<'a>, &'a str)>>);

impl<'a> Read<'a> for Rows<'a> {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        if json.peek()? != b'[' {
            return json.value().map(|_| Rows(None));
        }
        let mut rows = Vec::new();
        json.list(|json| json.with_text(WireModel::read).map(|row| rows.push(row)))?;
        Some(Rows(Some(rows)))
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
    let page: Page<'_> = read_json(body).map_err(|cause| cause.to_string())?;
    let rows = page.data.0.ok_or("there is no list of models in `data`")?;
    // An entry without an id cannot be asked for.
    let models = rows.into_iter().filter_map(|(row, json)| model::read(row, json)).collect();
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
