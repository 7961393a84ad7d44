//! The values that a tool may return.

use serde::Serialize;
use serde_json::Value;

use super::ToolError;
use crate::{Content, Part};

/// A value that a tool may return: text, [`Json`] of any value, [`Content`] with images or files in it,
/// nothing; or a `Result` of these.
pub trait IntoToolOutput {
    /// The result for the model, or why there is none.
    ///
    /// # Errors
    /// When the tool failed, or its result cannot be written as JSON.
    fn into_tool_output(self) -> Result<Content, ToolError>;
}

/// A value that the model gets as JSON.
///
/// ```
/// use provider_core::Json;
///
/// #[derive(serde::Serialize)]
/// struct Weather {
///     temperature: f64,
/// }
///
/// async fn weather() -> Json<Weather> {
///     Json(Weather { temperature: 18.0 })
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoToolOutput for Json<T> {
    fn into_tool_output(self) -> Result<Content, ToolError> {
        Ok(serde_json::to_string(&self.0)?.into())
    }
}

impl<T: IntoToolOutput, E: Into<ToolError>> IntoToolOutput for Result<T, E> {
    fn into_tool_output(self) -> Result<Content, ToolError> {
        self.map_err(Into::into)?.into_tool_output()
    }
}

impl IntoToolOutput for () {
    /// `done`: services refuse a result without text.
    fn into_tool_output(self) -> Result<Content, ToolError> {
        Ok("done".into())
    }
}

impl IntoToolOutput for Value {
    fn into_tool_output(self) -> Result<Content, ToolError> {
        Ok(self.to_string().into())
    }
}

macro_rules! contents {
    ($($type:ty),*) => {
        $(impl IntoToolOutput for $type {
            fn into_tool_output(self) -> Result<Content, ToolError> {
                Ok(self.into())
            }
        })*
    };
}

contents!(Content, String, &str, Vec<Part>);

impl<const N: usize> IntoToolOutput for [Part; N] {
    fn into_tool_output(self) -> Result<Content, ToolError> {
        Ok(self.into())
    }
}
