//! JSON kept as text, for everything that has to survive unread.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::ser::{Error as _, SerializeMap as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// One JSON value, kept as the text it arrived in or was written in.
///
/// Used where the content is open-ended (tool schemas, annotations, fields that did not exist when this was
/// written): key order, number spelling and white space stay as they are, and cloning is cheap.
///
/// ```
/// use provider_core::RawJson;
///
/// let schema: RawJson = r#"{"type":"object","properties":{"z":{},"a":{}}}"#.parse()?;
/// assert_eq!(schema.get(), r#"{"type":"object","properties":{"z":{},"a":{}}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct RawJson(Arc<str>);

impl RawJson {
    /// Serialises `value` once and keeps the text.
    ///
    /// # Errors
    /// When `value` cannot be written as JSON (a map with keys that are no strings, for example).
    pub fn new(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self::from)
    }

    /// Keeps a text that whoever read it has found to be one JSON value. It is not checked here, which takes
    /// as long as reading it; it is when it is written into other JSON, and what is none is an error then. A
    /// text from anywhere else is [parsed](str::parse).
    ///
    /// ```
    /// use provider_core::RawJson;
    ///
    /// assert_eq!(RawJson::from_checked("[1]"), "[1]".parse()?);
    /// assert!(serde_json::to_string(&[RawJson::from_checked("no JSON")]).is_err());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn from_checked(text: &str) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    pub fn get(&self) -> &str {
        &self.0
    }

    /// Reads the text as `T`, borrowing from it where `T` can.
    ///
    /// # Errors
    /// When the value has another shape than `T`.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.get())
    }
}

impl From<Box<RawValue>> for RawJson {
    fn from(value: Box<RawValue>) -> Self {
        Self::from(&*value)
    }
}

impl From<&RawValue> for RawJson {
    fn from(value: &RawValue) -> Self {
        Self(value.get().into())
    }
}

impl From<serde_json::Value> for RawJson {
    fn from(value: serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}

impl FromStr for RawJson {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str::<&RawValue>(text).map(Self::from)
    }
}

impl Default for RawJson {
    /// `null`.
    fn default() -> Self {
        Self::from_checked("null")
    }
}

impl PartialEq for RawJson {
    /// Equal when the texts are.
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(self.get()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// Named JSON values, sorted by name: what came beside the fields that have a name of their own.
///
/// The last value of a name counts, so that a field which every chunk of a stream brings takes no more room
/// than one that comes once. Only where each value is a thing of its own, as the parts of a list are that
/// comes in pieces, all of them are kept ([`push`](Self::push)).
///
/// ```
/// use provider_core::ExtraFields;
///
/// let mut fields = ExtraFields::default();
/// for padding in [r#""ab""#, r#""c""#] {
///     fields.insert("padding", padding.parse()?);
/// }
/// for part in ["[1]", "[2]"] {
///     fields.push("parts", part.parse()?);
/// }
/// assert_eq!(serde_json::to_string(&fields)?, r#"{"padding":"c","parts":[[1],[2]]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraFields(BTreeMap<String, Vec<RawJson>>);

impl ExtraFields {
    /// The last value of `name`.
    pub fn get(&self, name: &str) -> Option<&RawJson> {
        self.all(name).last()
    }

    /// All values that are kept of `name`, in order of arrival.
    pub fn all(&self, name: &str) -> &[RawJson] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Keeps a value in the place of any that `name` had.
    pub fn insert(&mut self, name: &str, value: RawJson) {
        match self.0.get_mut(name) {
            Some(values) => {
                values.clear();
                values.push(value);
            }
            None => drop(self.0.insert(name.to_owned(), vec![value])),
        }
    }

    /// Keeps a value beside those that `name` has.
    pub fn push(&mut self, name: &str, value: RawJson) {
        match self.0.get_mut(name) {
            Some(values) => values.push(value),
            None => self.insert(name, value),
        }
    }

    /// All values that are kept, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value)))
    }

    /// All values and their names, to be changed.
    pub(crate) fn fields_mut(&mut self) -> &mut BTreeMap<String, Vec<RawJson>> {
        &mut self.0
    }

    /// The last value of each name.
    pub fn newest(&self) -> BTreeMap<&str, &RawJson> {
        self.iter().collect()
    }

    /// Whether no value says anything: blank texts and empty lists and objects do not.
    pub(crate) fn says_nothing(&self) -> bool {
        self.iter().all(|(_, value)| matches!(value.get(), "null" | "\"\"" | "[]" | "{}"))
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for ExtraFields {
    /// Reads an object. Several values of one name are read as one, the list of them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<String, RawJson>::deserialize(deserializer)?;
        Ok(Self(fields.into_iter().map(|(name, value)| (name, vec![value])).collect()))
    }
}

impl Serialize for ExtraFields {
    /// As an object. A name with several values has the list of them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in &self.0 {
            match values.as_slice() {
                [value] => object.serialize_entry(name, value)?,
                values => object.serialize_entry(name, values)?,
            }
        }
        object.end()
    }
}
