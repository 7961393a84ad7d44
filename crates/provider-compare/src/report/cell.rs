//! What one model gave.

use provider_core::{ChatResponse, Error, Usd};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Listing;
use crate::Timings;

/// What one model gave.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CellReport {
    /// The cell's label.
    pub label: String,
    /// The provider: its id, or the [name](crate::Cell::provider_name) that it was given. `None` where none
    /// was found.
    pub provider: Option<String>,
    /// The id of the model that was to be asked. The one that answered is in the response.
    pub requested: String,
    /// The answer, or what went wrong.
    pub result: Result<ChatResponse, Error>,
    /// How long it took.
    pub timings: Timings,
    /// What the catalogue says of the model, where [it was added](crate::Report::add_listings).
    pub listing: Option<Listing>,
}

impl CellReport {
    /// The answer, or the part of it that came before an error.
    pub fn response(&self) -> Option<&ChatResponse> {
        self.result.as_ref().map_or_else(Error::partial, Some)
    }

    /// What the answer cost, as far as it came: what the service charged and, with a key of your own at the
    /// upstream provider, what that one did. `None` where one of them is not known.
    pub fn cost(&self) -> Option<Usd> {
        let usage = &self.response()?.usage;
        let upstream = if usage.is_byok == Some(true) { usage.upstream_cost? } else { Usd::ZERO };
        Some(usage.cost? + upstream)
    }

    /// What the answer says, as far as it came: its text, or else what it has in place of one, in
    /// parentheses. `None` where nothing came.
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
    /// `label`, `provider`, `requested`, then either `response` or `error`, then `timings`, and `listing`
    /// where there is one.
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
