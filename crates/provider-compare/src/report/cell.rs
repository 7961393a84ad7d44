//! The result of one model.

use provider_core::{ChatResponse, Error, Usd};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::listing::Listing;
use crate::Timings;

/// The result of one model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CellReport {
    /// The cell's label.
    pub label: String,
    /// The provider's id, or the [name](crate::Cell::provider_name) that the caller set. `None` if no
    /// provider was found.
    pub provider: Option<String>,
    /// The id of the requested model. The response has the id of the one that answered.
    pub requested: String,
    /// The answer, or the error.
    pub result: Result<ChatResponse, Error>,
    /// The times of the answer.
    pub timings: Timings,
    /// Context and prices from the catalogue, where [they were added](crate::Report::add_listings).
    pub listing: Option<Listing>,
}

impl CellReport {
    /// The answer, or the part of it that arrived before an error.
    pub fn response(&self) -> Option<&ChatResponse> {
        self.result.as_ref().map_or_else(Error::partial, Some)
    }

    /// The cost of the answer, or of the part that arrived: the service's charge and, with a key of your own
    /// at the upstream provider, that provider's charge. `None` if one of them is unknown.
    pub fn cost(&self) -> Option<Usd> {
        let usage = &self.response()?.usage;
        let upstream = if usage.is_byok == Some(true) { usage.upstream_cost? } else { Usd::ZERO };
        Some(usage.cost? + upstream)
    }

    /// The text of the answer, or of the part that arrived; without text, its refusal, tool calls and images
    /// in parentheses. `None` if nothing arrived.
    pub fn said(&self) -> Option<String> {
        let message = &self.response()?.message;
        if !message.text.is_empty() {
            return Some(message.text.clone());
        }
        let refusal = message.refusal.iter().map(|words| format!("(refused: {words})"));
        let calls =
            message.tool_calls.iter().map(|call| format!("(calls {}({}))", call.name, call.arguments));
        let mut said: Vec<String> = refusal.chain(calls).collect();
        match message.images.len() {
            0 => {}
            1 => said.push("(an image)".to_owned()),
            several => said.push(format!("({several} images)")),
        }
        match (said.is_empty(), &self.result) {
            (false, _) => Some(said.join("\n")),
            (true, Ok(_)) => Some("(no text)".to_owned()),
            (true, Err(_)) => None,
        }
    }
}

impl Serialize for CellReport {
    /// Writes `label`, `provider`, `requested`, then either `response` or `error`, then `timings`, then
    /// `listing` if there is one.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("label", &self.label)?;
        object.serialize_entry("provider", &self.provider)?;
        object.serialize_entry("requested", &self.requested)?;
        match &self.result {
            Ok(response) => object.serialize_entry("response", response)?,
            Err(error) => object.serialize_entry("error", error)?,
        }
        object.serialize_entry("timings", &self.timings)?;
        if let Some(listing) = &self.listing {
            object.serialize_entry("listing", listing)?;
        }
        object.end()
    }
}
