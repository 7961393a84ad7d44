//! Shared bytes, and a short `Debug` form for bytes.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes that the clones of a script share. `Debug` shows their beginning.
#[derive(Clone)]
pub(crate) struct Bytes(Arc<[u8]>);

impl Bytes {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Excerpt(self).fmt(f)
    }
}

/// `Debug` shows the beginning of these bytes as text, and how many follow.
pub(crate) struct Excerpt<'a>(pub(crate) &'a [u8]);

/// The longest excerpt, in bytes: enough for a head or a few events in the message of a failed test.
const MAX_EXCERPT_BYTES: usize = 200;

impl fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..MAX_EXCERPT_BYTES).unwrap_or(self.0);
        write!(f, "{:?}", String::from_utf8_lossy(shown))?;
        match self.0.len() - shown.len() {
            0 => Ok(()),
            more => write!(f, " and {more} bytes more"),
        }
    }
}
