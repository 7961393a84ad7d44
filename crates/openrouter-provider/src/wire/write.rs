//! What all writers of the wire need.

use serde::{Serialize, Serializer};

/// A list whose items are written through a wrapper.
pub(super) struct List<'a, T, F>(pub(super) &'a [T], pub(super) F);

impl<'a, T, W: Serialize, F: Fn(&'a T) -> W> Serialize for List<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// For variants of the vocabulary that are newer than this provider: refused rather than dropped.
pub(super) fn unknown<E: serde::ser::Error>(what: &str, value: &impl std::fmt::Debug) -> E {
    E::custom(format!("{what}: this provider does not know how to send {value:?}"))
}
