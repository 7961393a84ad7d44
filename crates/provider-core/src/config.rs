//! The settings of a provider: the table of fields, and the values given for them.

mod kinds;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::{FieldProblem, ProviderContext, Secret};

/// One setting of a provider. The table of them draws the form, names the environment variables, checks the
/// values and is the documentation.
///
/// ```
/// use provider_core::{ConfigField, FieldKind};
///
/// static FIELDS: &[ConfigField] = &[
///     ConfigField::new("api_key", "API Key", FieldKind::Secret).required().env("ACME_API_KEY"),
///     ConfigField::new("region", "Region", FieldKind::Text).default("eu").help("Where to compute."),
/// ];
/// ```
#[derive(Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct ConfigField {
    /// The name in code, in forms and in errors.
    pub key: &'static str,
    /// The name to show.
    pub label: &'static str,
    /// The sort of value it takes.
    pub kind: FieldKind,
    /// Whether there must be a value.
    pub required: bool,
    /// Whether a form should tuck it away.
    pub advanced: bool,
    /// The heading that a form shows it under, together with the fields of the same group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<&'static str>,
    /// The value that the provider applies itself when none is given. Forms and documentation show it;
    /// [`ConfigValues`] do not fill it in.
    pub default: Option<&'static str>,
    /// An example, to show in the empty field.
    pub placeholder: &'static str,
    /// An explanation of what it is for.
    pub help: &'static str,
    /// The environment variable it can come from.
    pub env: Option<&'static str>,
    /// The choices of a [`FieldKind::Select`] or a [`FieldKind::List`].
    pub options: &'static [&'static str],
    /// Whether the value decides where the provider sends its secrets: a base URL, a gateway's host, a preset
    /// that fills one in. A host that stores secrets drops them when such a value changes. Default: every
    /// [`FieldKind::Url`], and no other.
    pub key_destination: bool,
    #[serde(skip)]
    check: fn(&str) -> Result<(), String>,
    #[serde(skip)]
    check_among: fn(&str, &ConfigValues) -> Result<(), String>,
    #[serde(skip)]
    is_supplied: fn(&ConfigValues, &ProviderContext) -> bool,
    #[serde(skip)]
    supply: Option<Supply>,
}

/// The resource of a host's context that may stand in for a value: the one for a provider at its address.
#[derive(Clone, Copy)]
struct Supply {
    provider: &'static str,
    address: &'static str,
    is_there: fn(&str, &str, &ConfigValues, &ProviderContext) -> bool,
}

/// The sort of value that a [`ConfigField`] takes. [`ConfigValues::problems`] checks it, for every provider
/// and every layer alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldKind {
    /// Text that must not be shown again.
    Secret,
    /// Text.
    Text,
    /// An `http` or `https` URL with a host, without a user name or password.
    Url,
    /// One of the field's [`options`](ConfigField::options); anything when it has none.
    Select,
    /// Names with commas or line breaks between them: `openai, azure`. Where the field has
    /// [`options`](ConfigField::options), each is one of them.
    List,
    /// Yes or no.
    Bool,
    /// A whole number.
    Integer,
    /// A number, with a decimal point if need be.
    Number,
    /// A span of time above zero in seconds, with a decimal point if need be: `90`, `2.5`.
    Duration,
    /// A JSON document.
    Json,
}

impl ConfigField {
    /// An optional field without help, example or check.
    pub const fn new(key: &'static str, label: &'static str, kind: FieldKind) -> Self {
        fn anything(_: &str) -> Result<(), String> {
            Ok(())
        }
        fn anything_among(_: &str, _: &ConfigValues) -> Result<(), String> {
            Ok(())
        }
        fn never(_: &ConfigValues, _: &ProviderContext) -> bool {
            false
        }
        Self {
            key,
            label,
            kind,
            required: false,
            advanced: false,
            group: None,
            default: None,
            placeholder: "",
            help: "",
            env: None,
            options: &[],
            // The safe side: a field that is not thought of costs a key that is entered again.
            key_destination: matches!(kind, FieldKind::Url),
            check: anything,
            check_among: anything_among,
            is_supplied: never,
            supply: None,
        }
    }

    /// Demands a value.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Tucks the field away.
    #[must_use]
    pub const fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }

    /// Names the heading that a form shows the field under. Fields of one group follow each other in the
    /// table.
    #[must_use]
    pub const fn group(mut self, heading: &'static str) -> Self {
        self.group = Some(heading);
        self
    }

    /// Sets the value to show as the default: the one that the provider applies itself when none is given.
    /// A test of the provider best compares the two, since this one is not filled in.
    #[must_use]
    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// Sets the example to show in the empty field.
    #[must_use]
    pub const fn placeholder(mut self, example: &'static str) -> Self {
        self.placeholder = example;
        self
    }

    /// Says what the field is for.
    #[must_use]
    pub const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// Names the environment variable that the value can come from.
    #[must_use]
    pub const fn env(mut self, variable: &'static str) -> Self {
        self.env = Some(variable);
        self
    }

    /// Sets the choices of a [`FieldKind::Select`] or a [`FieldKind::List`]. It accepts no other value then.
    #[must_use]
    pub const fn options(mut self, options: &'static [&'static str]) -> Self {
        self.options = options;
        self
    }

    /// Says that the value decides [where the secrets go](Self::key_destination). A URL does so without
    /// being told.
    #[must_use]
    pub const fn key_destination(mut self) -> Self {
        self.key_destination = true;
        self
    }

    /// Says of a URL that no secret goes there: it is for show, such as the address of the user's app.
    #[must_use]
    pub const fn no_key_destination(mut self) -> Self {
        self.key_destination = false;
        self
    }

    /// Sets the check of a value, which gets it without the white space around it. Its error says what is
    /// wrong and how to mend it, and must not repeat the value.
    #[must_use]
    pub const fn check(mut self, check: fn(&str) -> Result<(), String>) -> Self {
        self.check = check;
        self
    }
}

impl ConfigField {
    /// Sets a check that depends on other settings: it gets the value, and all of them.
    #[must_use]
    pub const fn check_among(mut self, check: fn(&str, &ConfigValues) -> Result<(), String>) -> Self {
        self.check_among = check;
        self
    }

    /// Says when the context of the host stands in for a missing value, such as a source of keys for an API
    /// key: the field is not [required](Self::required) then. The function gets the other settings as well.
    #[must_use]
    pub const fn supplied_by(mut self, is_supplied: fn(&ConfigValues, &ProviderContext) -> bool) -> Self {
        self.is_supplied = is_supplied;
        self
    }

    /// The same for a resource that a host has by the id of a provider and the address of its service, as a
    /// source of keys is. `is_there` gets the two before the settings. For crates that make fields for any
    /// provider; a field has this beside its own [`supplied_by`](Self::supplied_by).
    #[must_use]
    pub const fn supplied_for(
        mut self,
        provider: &'static str,
        address: &'static str,
        is_there: fn(&str, &str, &ConfigValues, &ProviderContext) -> bool,
    ) -> Self {
        self.supply = Some(Supply { provider, address, is_there });
        self
    }

    /// Whether the host's context stands in for a missing value.
    fn is_supplied(&self, values: &ConfigValues, context: &ProviderContext) -> bool {
        let by_supply = |supply: Supply| (supply.is_there)(supply.provider, supply.address, values, context);
        (self.is_supplied)(values, context) || self.supply.is_some_and(by_supply)
    }
}

impl fmt::Debug for ConfigField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigField")
            .field("key", &self.key)
            .field("kind", &self.kind)
            .field("required", &self.required)
            .field("env", &self.env)
            .finish_non_exhaustive()
    }
}

/// Values for a provider's settings, by key.
///
/// All of them are handled as secrets: `Debug` shows which are set and where from, never what they are. White
/// space around a value is dropped, and a blank value is the same as none.
///
/// ```
/// use provider_core::ConfigValues;
///
/// let values = ConfigValues::from([("api_key", "  sk-or-v1-abc "), ("site_name", "")]);
/// assert_eq!(values.get("api_key"), Some("sk-or-v1-abc"));
/// assert_eq!(values.get("site_name"), None);
/// assert_eq!(format!("{values:?}"), r#"{"api_key": ***}"#);
/// ```
#[derive(Clone, Default)]
pub struct ConfigValues(BTreeMap<String, ConfigValue>);

#[derive(Clone)]
struct ConfigValue {
    value: Secret,
    variable: Option<&'static str>,
}

impl ConfigValues {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The values that the environment has for these fields. Blank variables count as unset.
    pub fn from_env(fields: &[ConfigField]) -> Self {
        Self::from_variables(fields, |name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// The same with another way to look a variable up.
    pub fn from_variables(fields: &[ConfigField], lookup: impl Fn(&'static str) -> Option<String>) -> Self {
        let mut values = Self::new();
        for field in fields {
            if let Some((variable, value)) = field.env.and_then(|name| Some((name, lookup(name)?))) {
                values.put(field.key, &value, Some(variable));
            }
        }
        values
    }

    /// Sets a value; a blank one unsets.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.put(&key.into(), value.as_ref(), None);
        self
    }

    /// Fills the gaps with other values: `given.or(stored).or(ConfigValues::from_env(fields))`.
    #[must_use]
    pub fn or(mut self, fallback: ConfigValues) -> Self {
        for (key, value) in fallback.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// The value of a setting, without white space around it.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|entry| entry.value.expose())
    }

    /// The value of a [`FieldKind::Bool`] setting: `true`, `yes`, `on`, `1` or their opposites, in any case.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(kinds::flag)
    }

    /// The value of a [`FieldKind::Integer`] setting.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.get(key)?.parse().ok()
    }

    /// The value of a [`FieldKind::Number`] setting.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(kinds::number)
    }

    /// The value of a [`FieldKind::Duration`] setting.
    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.get(key).and_then(kinds::duration)
    }

    /// The items of a [`FieldKind::List`] setting, or of a [`FieldKind::Text`] one that has several: in
    /// lines, or with commas between them. None where it is not set.
    ///
    /// ```
    /// use provider_core::ConfigValues;
    ///
    /// let values = ConfigValues::from([("models", "llama3.2, qwen3:8b\nphi4,")]);
    /// assert_eq!(values.list("models").collect::<Vec<_>>(), ["llama3.2", "qwen3:8b", "phi4"]);
    /// assert_eq!(values.list("others").count(), 0);
    /// ```
    pub fn list(&self, key: &str) -> impl Iterator<Item = &str> {
        items(self.get(key).unwrap_or_default())
    }

    /// The values for these fields alone.
    #[must_use]
    pub fn only(&self, fields: &[ConfigField]) -> Self {
        let known = |key: &str| fields.iter().any(|field| field.key == key);
        Self(
            self.0
                .iter()
                .filter(|(key, _)| known(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// The environment variable a value came from, if it did.
    pub fn variable(&self, key: &str) -> Option<&'static str> {
        self.0.get(key)?.variable
    }

    /// The keys that have a value.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Everything that is wrong with the values, field by field, in the order of the table; unknown keys
    /// last.
    pub fn problems(&self, fields: &[ConfigField]) -> Vec<FieldProblem> {
        self.problems_in(fields, &ProviderContext::new())
    }

    /// The same where the context of the host may [stand in](ConfigField::supplied_by) for missing values.
    pub fn problems_in(&self, fields: &[ConfigField], context: &ProviderContext) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        for field in fields {
            let is_required = field.required && field.default.is_none();
            match (self.get(field.key), is_required && !field.is_supplied(self, context)) {
                (None, true) => problems.push(FieldProblem::new(field.key, missing(field))),
                (None, false) => {}
                (Some(value), _) => {
                    if let Err(mut problem) = kinds::check(field, value, self.variable(field.key).is_some())
                        .and_then(|()| (field.check)(value))
                        .and_then(|()| (field.check_among)(value, self))
                    {
                        if let Some(variable) = self.variable(field.key) {
                            problem.push_str(&format!(" (the value came from {variable})"));
                        }
                        problems.push(FieldProblem::new(field.key, problem));
                    }
                }
            }
        }
        let known: Vec<&str> = fields.iter().map(|field| field.key).collect();
        for key in self.keys().filter(|key| !known.contains(key)) {
            problems.push(FieldProblem::new(key, format!("no such setting; there are {}", known.join(", "))));
        }
        problems
    }

    fn put(&mut self, key: &str, value: &str, variable: Option<&'static str>) {
        match value.trim() {
            "" => self.0.remove(key),
            value => self.0.insert(key.to_owned(), ConfigValue { value: Secret::new(value), variable }),
        };
    }
}

/// The items of a text, which stand in lines or have commas between them.
pub(crate) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ',']).map(str::trim).filter(|item| !item.is_empty())
}

fn missing(field: &ConfigField) -> String {
    match field.env {
        Some(variable) => format!("missing; enter the {} or set {variable}", field.label),
        None => format!("missing; enter the {}", field.label),
    }
}

impl<K: Into<String>, V: AsRef<str>> FromIterator<(K, V)> for ConfigValues {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        pairs.into_iter().fold(Self::new(), |values, (key, value)| values.set(key, value))
    }
}

impl<K: Into<String>, V: AsRef<str>, const N: usize> From<[(K, V); N]> for ConfigValues {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Into<String>, V: AsRef<str>> From<BTreeMap<K, V>> for ConfigValues {
    fn from(pairs: BTreeMap<K, V>) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Into<String>, V: AsRef<str>> From<HashMap<K, V>> for ConfigValues {
    fn from(pairs: HashMap<K, V>) -> Self {
        pairs.into_iter().collect()
    }
}

impl fmt::Debug for ConfigValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(key, entry)| (key, &entry.value))).finish()
    }
}
