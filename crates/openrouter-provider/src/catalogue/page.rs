//! The answers of `GET /models` and its siblings: pages of models.

use lenient_json::{Count, FromJson, Reader, Text, from_str, object};
use provider_core::{Catalogue, Model};

use super::model;
use crate::{document, record};

object! {
    /// A page of models.
    struct Page<'a> {
        data: Models = "data",
        total_count: Count = "total_count",
        links: PageLinks<'a> = "links",
    }
}

/// The models of a list; nothing when it is no list. Each becomes a model as it is read.
#[derive(Debug, Default)]
pub(crate) struct Models(Option<Vec<Model>>);

impl<'a> FromJson<'a> for Models {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        if reader.peek()? != b'[' {
            return reader.value().map(|_| Models(None));
        }
        let mut models = Vec::new();
        reader.list(|reader| {
            let (row, text) = reader.value_with_text(record::read)?;
            // An entry without an id cannot be asked for.
            models.extend(model::complete(row, text));
            Some(())
        })?;
        Some(Models(Some(models)))
    }
}

object! {
    struct PageLinks<'a> {
        next: Text<'a> = "next",
    }
}

object! {
    struct Counted<'a> {
        count: Count = "count",
    }
}

/// Reads a page of the catalogue, and the link to the next one.
///
/// # Errors
/// When the body is no JSON object with a list of models in `data`.
pub(crate) fn read(body: &str) -> Result<(Catalogue, Option<String>), String> {
    let page: Page<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    let models = page.data.0.ok_or("there is no list of models in `data`")?;
    let next = page.links.next.filled().map(str::to_owned);
    Ok((Catalogue::new(models, page.total_count.0), next))
}

/// Reads the answer of `GET /models/count`.
///
/// # Errors
/// When there is no number in it.
pub(crate) fn read_count(body: &str) -> Result<u64, String> {
    let counted: Counted<'_> = document::object(body)?.read().unwrap_or_default();
    counted.count.0.ok_or("there is no number in `data.count`".to_owned())
}
