//! The report of a comparison.

mod cell;
mod figures;
mod listing;
mod markdown;
mod messages;
mod totals;

use std::borrow::Cow;
use std::time::Duration;

use provider_core::{Catalogue, Error};
use serde::Serialize;

pub use self::cell::CellReport;
pub use self::figures::Figures;
pub use self::listing::Listing;
pub use self::messages::AskedMessage;
pub(crate) use self::messages::Messages;
pub use self::totals::Totals;
use crate::Ended;

/// The report of a comparison: the messages, a cell for each model in the order of their addition, and
/// totals.
///
/// Serialises as the [crate's documentation](crate#the-report-as-json) says, and renders as
/// [Markdown](Self::to_markdown). It shares the messages of the request instead of copying them, and reads
/// their [texts](Self::messages) on demand.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of its JSON: 1.
    pub schema_version: u32,
    /// The start of the comparison, in seconds since 1970.
    pub created: u64,
    /// Serialises as `prompt` and `messages`.
    #[serde(flatten)]
    messages: Messages,
    /// The results of the models.
    pub cells: Vec<CellReport>,
    /// The sums over all cells.
    pub totals: Totals,
    /// Whether it ran to its end.
    pub ended: Ended,
}

impl Report {
    /// The version of a report's JSON. New names do not change it.
    pub const SCHEMA_VERSION: u32 = 1;

    pub(crate) fn new(
        created: u64,
        messages: Messages,
        cells: Vec<CellReport>,
        duration: Duration,
        ended: Ended,
    ) -> Self {
        let totals = Totals::of(&cells, duration);
        Self { schema_version: Self::SCHEMA_VERSION, created, messages, cells, totals, ended }
    }

    /// The text of the last user message; empty if there is none.
    pub fn prompt(&self) -> Cow<'_, str> {
        self.messages.prompt()
    }

    /// All messages of the request, as far as they are text.
    pub fn messages(&self) -> impl Iterator<Item = AskedMessage<'_>> {
        self.messages.messages()
    }

    /// The cell with the shortest time from request to complete answer, the first of several equal ones.
    /// `None` if no model answered.
    pub fn fastest(&self) -> Option<&CellReport> {
        self.least(|cell| cell.timings.total)
    }

    /// The cell with the lowest [cost](CellReport::cost) among complete answers of known cost, the first of
    /// several equal ones. `None` if there is none.
    pub fn cheapest(&self) -> Option<&CellReport> {
        self.least(CellReport::cost)
    }

    /// Renders the report as Markdown: a table of figures, then every answer in full, as a quotation.
    pub fn to_markdown(&self) -> String {
        self.to_markdown_with(Error::to_string)
    }

    /// Renders the report as [`to_markdown`](Self::to_markdown) does, with the caller's texts for errors.
    pub fn to_markdown_with(&self, tell: impl Fn(&Error) -> String) -> String {
        markdown::render(self, &tell)
    }

    /// Adds context and prices from a provider's catalogue to the cells of this provider, which is named as
    /// in the cells. Cells of other providers stay as they are.
    pub fn add_listings(&mut self, provider: &str, catalogue: &Catalogue) {
        for cell in self.cells.iter_mut().filter(|cell| cell.provider.as_deref() == Some(provider)) {
            cell.listing = catalogue.find(&cell.requested).map(Listing::from);
        }
    }

    fn least<T: Ord>(&self, figure: impl Fn(&CellReport) -> Option<T>) -> Option<&CellReport> {
        let answered = self.cells.iter().filter(|cell| cell.result.is_ok());
        let known = answered.filter_map(|cell| Some((figure(cell)?, cell)));
        known.min_by(|(one, _), (other, _)| Ord::cmp(one, other)).map(|(_, cell)| cell)
    }
}
