//! From borrowed JSON to JSON that is kept.

use lenient_json::Raw;
use provider_core::RawJson;

/// Keeps values that were read as they are.
pub(crate) trait Keep {
    /// The value as JSON of its own; nothing for an absent one.
    fn keep(self) -> Option<RawJson>;
}

impl Keep for Raw<'_> {
    fn keep(self) -> Option<RawJson> {
        self.get().map(RawJson::from_checked)
    }
}
