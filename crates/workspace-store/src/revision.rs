//! Revisions: which change of a record made which of its fields what they are.

use std::collections::BTreeMap;

use crate::error::{Conflict, RecordKind, Result, StoreError};

/// The revision in which each field of a record last changed. Stored as JSON beside the record, so that a
/// change against an old revision can be told what has changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangedIn(BTreeMap<String, i64>);

impl ChangedIn {
    /// Reads the stored form. What cannot be read counts as nothing.
    pub(crate) fn parse(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::json!(self.0).to_string()
    }

    pub(crate) fn note(&mut self, field: &str, revision: i64) {
        self.0.insert(field.to_owned(), revision);
    }

    /// Refuses a change that was made against another revision than the stored one.
    pub(crate) fn check(&self, kind: RecordKind, id: &str, expected: i64, found: i64) -> Result<()> {
        if expected == found {
            return Ok(());
        }
        let later = self.0.iter().filter(|(_, revision)| **revision > expected);
        let changed = later.map(|(field, _)| field.clone()).collect();
        Err(StoreError::Conflict(Conflict { kind, id: id.to_owned(), expected, found, changed }))
    }
}
