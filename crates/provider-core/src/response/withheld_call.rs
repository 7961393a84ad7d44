//! Calls that the service withheld.

use serde::Serialize;

/// A tool call that the model made and the service withheld, since a guard at the service judged it. The
/// caller does not get its name and arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WithheldCall {
    /// The call's id.
    pub id: String,
    /// The guard's reason, in its own words. The words may quote the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl WithheldCall {
    /// The call with this id.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), reason: None }
    }

    /// Sets the guard's reason.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}
