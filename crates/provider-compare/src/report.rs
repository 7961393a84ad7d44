//! What came of a comparison.

mod asked;
mod cell;
mod figures;
mod listing;
mod markdown;
mod totals;

use std::borrow::Cow;
use std::time::Duration;

use provider_core::Error;
use serde::Serialize;

pub(crate) use self::asked::Asked;
pub use self::asked::AskedMessage;
pub use self::cell::CellReport;
pub use self::figures::Figures;
pub use self::listing::Listing;
pub use self::totals::Totals;
use crate::Ended;

/// What came of a comparison: the question, a cell for each model in the order they were added, and the sums.
///
/// Serialises as the [crate's documentation](crate#the-report-as-json) says, and reads as
/// [Markdown](Self::to_markdown). What was asked is not copied for it: the report shares the messages of the
/// request, and reads their [texts](Self::messages) when asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of the form it serialises in: 1.
    pub schema_version: u32,
    /// When the comparison began, in seconds since 1970.
    pub created: u64,
    /// `prompt` and `messages`.
    #[serde(flatten)]
    asked: Asked,
    /// What each model gave.
    pub cells: Vec<CellReport>,
    /// All cells together.
    pub totals: Totals,
    /// Whether it ran to its end.
    pub ended: Ended,
}

impl Report {
    /// The version of the form that reports serialise in. New names do not change it.
    pub const SCHEMA_VERSION: u32 = 1;

    pub(crate) fn new(
        created: u64,
        asked: Asked,
        cells: Vec<CellReport>,
        duration: Duration,
        ended: Ended,
    ) -> Self {
        let totals = Totals::of(&cells, duration);
        Self { schema_version: Self::SCHEMA_VERSION, created, asked, cells, totals, ended }
    }

    /// The text of the last user message; none if there is no such message.
    pub fn prompt(&self) -> Cow<'_, str> {
        self.asked.prompt()
    }

    /// All messages that were asked, as far as they are text.
    pub fn messages(&self) -> impl Iterator<Item = AskedMessage<'_>> {
        self.asked.messages()
    }

    /// The cell whose answer was complete first after it was asked; the first of them when several are equal.
    /// `None` if none answered.
    pub fn fastest(&self) -> Option<&CellReport> {
        self.least(|cell| cell.timings.total)
    }

    /// The cell whose answer cost the least, of those whose [cost](CellReport::cost) is known; the first of
    /// them when several are equal. `None` if there is none.
    pub fn cheapest(&self) -> Option<&CellReport> {
        self.least(CellReport::cost)
    }

    /// The report for people: a table of figures, then every answer whole, as a quotation.
    pub fn to_markdown(&self) -> String {
        self.to_markdown_with(Error::to_string)
    }

    /// The same with errors in words of the caller's own.
    pub fn to_markdown_with(&self, tell: impl Fn(&Error) -> String) -> String {
        markdown::render(self, &tell)
    }

    fn least<T: Ord>(&self, figure: impl Fn(&CellReport) -> Option<T>) -> Option<&CellReport> {
        let answered = self.cells.iter().filter(|cell| cell.result.is_ok());
        let known = answered.filter_map(|cell| Some((figure(cell)?, cell)));
        known.min_by(|(one, _), (other, _)| Ord::cmp(one, other)).map(|(_, cell)| cell)
    }
}
