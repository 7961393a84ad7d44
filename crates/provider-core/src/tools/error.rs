//! Why a tool has no result.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::{Content, Error, ErrorKind};

/// Why a tool call has no result.
///
/// Its text is what the model reads, so keep secrets out of it. Every error becomes one by `?`; say it in
/// words of your own with [`new`](Self::new).
///
/// ```
/// use provider_core::ToolError;
///
/// async fn read_note(name: String) -> Result<String, ToolError> {
///     if name.contains('/') {
///         return Err(ToolError::new("a note's name has no slash"));
///     }
///     Ok(std::fs::read_to_string(name)?)
/// }
/// ```
#[derive(Clone)]
pub struct ToolError {
    kind: ToolErrorKind,
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// At what point a tool call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ToolErrorKind {
    /// There is no tool of that name.
    UnknownTool,
    /// The arguments do not fit the tool.
    Arguments,
    /// The tool ran and failed.
    Failed,
    /// The tool was not run, or not to its end: the run was over. No fault of the model or the tool.
    NotRun,
}

impl ToolError {
    /// A failure of the tool, in words for the model.
    pub fn new(message: impl fmt::Display) -> Self {
        Self::of(ToolErrorKind::Failed, message)
    }

    pub(super) fn of(kind: ToolErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), source: None }
    }

    /// At what point the call failed.
    pub fn kind(&self) -> ToolErrorKind {
        self.kind
    }

    /// Returns the message, as the model reads it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error that the tool failed with, where it was one.
    pub fn source(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    /// Returns the content that the model gets in place of a result.
    pub(super) fn to_content(&self) -> Content {
        format!("Error: {}", self.message).into()
    }

    /// The error of a run that this one ended.
    pub(super) fn into_error(self, tool: &str) -> Error {
        let error = Error::new(ErrorKind::ToolFailed, format!("{tool}: {}", self.message));
        match self.source {
            Some(source) => error.with_source(Cause(source)),
            None => error,
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self { kind: ToolErrorKind::Failed, message: error.to_string(), source: Some(Arc::new(error)) }
    }
}

impl PartialEq for ToolError {
    /// Equal when they say the same; the source does not count.
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.message) == (other.kind, &other.message)
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ToolError");
        shown.field("kind", &self.kind).field("message", &self.message);
        if let Some(source) = &self.source {
            shown.field("source", source);
        }
        shown.finish()
    }
}

/// A shared error as the source of another.
#[derive(Debug)]
struct Cause(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
