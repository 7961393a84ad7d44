//! Schemas of Rust types, for answers and for tools.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema as SchemaOf, Schema};
use serde_json::Value;

use super::strict::{self, Strict};
use crate::{Error, ErrorKind, FunctionTool, JsonSchema, RawJson, ResponseFormat};

/// The longest name a schema may have.
const MAX_NAME_LEN: usize = 64;

impl JsonSchema {
    /// The schema of a type. Needs the feature `schemars`.
    ///
    /// Properties have the order of the struct's fields. The schema has the form that services demand for
    /// `strict`, which does no harm elsewhere: objects are closed, every property is required, and an
    /// `Option` may be null. The description tells what that form has no word for (a default, the length of a
    /// text). `strict` itself is not set: asked for it, models whose endpoints do not advertise it answer
    /// that there is none. See [`strict_of`](Self::strict_of).
    ///
    /// Most services want an object outermost: put a list, an enum with data or a number into a struct.
    ///
    /// ```
    /// use provider_core::JsonSchema;
    /// use provider_core::schemars;
    ///
    /// #[derive(schemars::JsonSchema)]
    /// struct Weather {
    ///     /// In °C
    ///     temperature: f64,
    ///     advice: Option<String>,
    /// }
    ///
    /// let schema = JsonSchema::of::<Weather>();
    /// assert_eq!(schema.name, "Weather");
    /// assert_eq!(
    ///     schema.schema.map(|schema| schema.to_string()).as_deref(),
    ///     Some(concat!(
    ///         r#"{"type":"object","properties":{"temperature":{"description":"In °C","type":"number"},"#,
    ///         r#""advice":{"type":["string","null"]}},"required":["temperature","advice"],"#,
    ///         r#""additionalProperties":false}"#
    ///     ))
    /// );
    /// ```
    pub fn of<T: SchemaOf>() -> Self {
        Self::new(name_of::<T>(), Strict::of(&natural::<T>()).schema)
    }

    /// The same with `strict` set: the service makes sure that the answer fits, for models that it can do
    /// that for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] when the type has something that no strict schema can say (a map, a
    /// tuple, any JSON, or no object outermost); [`fields`](Error::fields) names every such place.
    pub fn strict_of<T: SchemaOf>() -> Result<Self, Error> {
        Ok(Self::new(name_of::<T>(), strict::<T>()?).strict(true))
    }
}

impl ResponseFormat {
    /// JSON that fits a type. See [`JsonSchema::of`]; [`JsonSchema::strict_of`] is the strict one. Needs the
    /// feature `schemars`.
    pub fn of<T: SchemaOf>() -> Self {
        JsonSchema::of::<T>().into()
    }
}

impl FunctionTool {
    /// A function whose arguments are a type. Needs the feature `schemars`.
    ///
    /// Properties have the order of the struct's fields, and what may be left out (an `Option`, a field with
    /// a default) need not be given. See [`strict_of`](Self::strict_of) for the strict form.
    pub fn of<T: SchemaOf>(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(name, description).parameters(natural::<T>())
    }

    /// The same in the strict form, and with `strict` set: every property is required, an `Option` may be
    /// null.
    ///
    /// # Errors
    /// As for [`JsonSchema::strict_of`].
    pub fn strict_of<T: SchemaOf>(
        name: impl Into<String>,
        description: impl Into<String>,
    ) -> Result<Self, Error> {
        Ok(Self::new(name, description).parameters(strict::<T>()?).strict(true))
    }
}

fn strict<T: SchemaOf>() -> Result<RawJson, Error> {
    let strict = Strict::of(&natural::<T>());
    if strict.problems.is_empty() {
        return Ok(strict.schema.into());
    }
    let message =
        format!("{} has no strict schema; ask without strict, or change the type", T::schema_name());
    Err(Error::new(ErrorKind::InvalidRequest, message).with_fields(strict.problems))
}

/// The schema as the type says it, without what only tools for schemas read.
fn natural<T: SchemaOf>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(tidy).transform(&mut schema);
    // Written out, the keywords are in an order that reads well.
    serde_json::to_value(&schema).unwrap_or_else(|_| schema.to_value())
}

/// Leaves out the names of types and the widths of numbers.
fn tidy(schema: &mut Schema) {
    if let Some(keywords) = schema.as_object_mut() {
        keywords.retain(|keyword, value| match keyword.as_str() {
            "title" => false,
            "default" => !value.is_null(),
            "format" => value.as_str().is_some_and(|format| !strict::is_width(format)),
            _ => true,
        });
    }
}

/// The type's name in the letters that services take.
fn name_of<T: SchemaOf>() -> String {
    let takes = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name: String =
        T::schema_name().chars().map(|c| if takes(c) { c } else { '_' }).take(MAX_NAME_LEN).collect();
    if name.is_empty() { "output".to_owned() } else { name }
}
