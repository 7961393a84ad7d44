//! Explains why a variable of the environment is missing: unset, blank, or misspelt.

use std::fmt;

use provider_core::{ConfigField, FieldKind};
use strsim::damerau_levenshtein;

/// The most edits between a name and a typo of it.
const MAX_TYPOS: usize = 2;
/// The usual last words of variables that hold keys.
const KEY_SUFFIXES: [&str; 3] = ["KEY", "TOKEN", "SECRET"];

/// The variables with a value, and the names of the blank ones.
#[derive(Default)]
pub(crate) struct Environment {
    filled: Vec<(String, String)>,
    blank: Vec<String>,
}

impl fmt::Debug for Environment {
    /// Shows the names alone, since values may be keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filled: Vec<&String> = self.filled.iter().map(|(name, _)| name).collect();
        f.debug_struct("Environment").field("filled", &filled).field("blank", &self.blank).finish()
    }
}

impl Environment {
    /// The environment of this process.
    pub(crate) fn of_this_program() -> Self {
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect()
    }

    /// Whether a variable has a value that is not blank.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.filled.iter().any(|(filled, _)| filled == name)
    }

    /// The value of a variable, if it has one that is not blank.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.filled.iter().find(|(filled, _)| filled == name).map(|(_, value)| value.as_str())
    }

    /// Says why a required setting has no value, without the value of any variable.
    pub(crate) fn why_missing(&self, field: &ConfigField, all: &[ConfigField]) -> String {
        let Some(variable) = field.env else { return format!("missing; enter the {}", field.label) };
        let state = if self.blank.iter().any(|blank| blank == variable) {
            format!("{variable} is set, but blank")
        } else {
            format!("{variable} is not set")
        };
        match self.meant_for(field, all) {
            Some(other) => format!("{state}; {other} is, which is not read: give its value to {variable}"),
            None => state,
        }
    }

    /// The misspelt variables of optional settings that are not set, each with its right name.
    pub(crate) fn misspelt(&self, fields: &[ConfigField]) -> Vec<(&str, &'static str)> {
        let optional = fields.iter().filter(|field| !field.required);
        let missing = optional.filter_map(|field| field.env).filter(|name| !self.has(name));
        missing
            .filter_map(|name| Some((self.others(fields).find(|other| is_typo(other, name))?, name)))
            .collect()
    }

    /// The variable that was probably meant for a field: one with a similar name or, for a key, one that
    /// holds a key.
    fn meant_for(&self, field: &ConfigField, all: &[ConfigField]) -> Option<&str> {
        let name = field.env?;
        let typo = || self.others(all).find(|other| is_typo(other, name));
        if field.kind != FieldKind::Secret {
            return typo();
        }
        let another_name = || self.others(all).find(|other| is_another_name(other, name));
        typo().or_else(another_name).or_else(|| self.holder_of(field, all))
    }

    /// A variable whose value has the prefix of this field's values.
    fn holder_of(&self, field: &ConfigField, all: &[ConfigField]) -> Option<&str> {
        let beginning = field.placeholder.trim_end_matches('.');
        let holds = |value: &str| beginning.len() > 3 && value.trim().starts_with(beginning);
        let mut filled = self.filled.iter().filter(|(other, _)| !is_variable(other, all));
        filled.find(|(_, value)| holds(value)).map(|(other, _)| other.as_str())
    }

    /// The variables that no field reads.
    fn others(&self, fields: &[ConfigField]) -> impl Iterator<Item = &str> {
        self.filled.iter().map(|(name, _)| name.as_str()).filter(move |name| !is_variable(name, fields))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        let (blank, mut filled): (Vec<_>, Vec<_>) =
            variables.into_iter().partition(|(_, value)| value.trim().is_empty());
        filled.sort();
        Self { filled, blank: blank.into_iter().map(|(name, _)| name).collect() }
    }
}

fn is_variable(name: &str, fields: &[ConfigField]) -> bool {
    fields.iter().any(|field| field.env == Some(name))
}

/// The letters and digits of a name, which is compared without underscores and case.
fn squeezed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Whether a name is a typo of another, or differs in case and underscores alone.
fn is_typo(name: &str, wanted: &str) -> bool {
    damerau_levenshtein(&squeezed(name), &squeezed(wanted)) <= MAX_TYPOS
}

/// Whether two names are for the key of the same service: `ACME_TOKEN` for `ACME_API_KEY`.
fn is_another_name(name: &str, wanted: &str) -> bool {
    let service = wanted.split('_').next().unwrap_or(wanted);
    let rest = squeezed(name).strip_prefix(service).map(str::to_owned);
    rest.is_some_and(|rest| KEY_SUFFIXES.iter().any(|word| rest.ends_with(word)))
}

#[cfg(test)]
mod tests {
    use openrouter_provider::FIELDS;

    use super::Environment;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn why(variables: &[(&str, &str)]) -> String {
        environment(variables).why_missing(&FIELDS[0], FIELDS)
    }

    #[test]
    fn debug_shows_names_and_no_values() {
        let shown = format!("{:?}", environment(&[("SOME_KEY", "secret"), ("EMPTY", " ")]));
        assert!(
            shown.contains("SOME_KEY") && shown.contains("EMPTY") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[test]
    fn misspelt_key_variable_is_suggested() {
        for name in [
            "OPENROUTER_APIKEY",
            "OPENROUTER_KEY",
            "OPEN_ROUTER_API_KEY",
            "OPENROUTER_API_KEYS",
            "OPENROUTER_TOKEN",
            "OPENROUTER_API_TOKEN",
            "OPENROUTR_API_KEY",
            "openrouter_api_key",
            "OpenRouterApiKey",
        ] {
            let said = why(&[(name, "secret"), ("OPENROUTER_RECORDINGS", "/tmp"), ("PATH", "/bin")]);
            assert!(said.starts_with(&format!("OPENROUTER_API_KEY is not set; {name} is")), "{said}");
            assert!(!said.contains("secret"));
        }
        let said = why(&[("OPENAI_API_KEY", "sk-or-v1-0123")]);
        assert!(said.contains("OPENAI_API_KEY is") && !said.contains("0123"), "{said}");
    }

    #[test]
    fn unrelated_variables_are_not_suggested() {
        for (name, value) in [
            ("OPENAI_API_KEY", "sk-proj-1"),
            ("OPENROUTER_KEY", " "),
            ("OPENROUTER_RECORDINGS", "/tmp"),
            ("OPENROUTER_SITE_NAME", "key"),
            ("MONKEY", "x"),
        ] {
            assert_eq!(why(&[(name, value)]), "OPENROUTER_API_KEY is not set", "{name}");
        }
        assert_eq!(why(&[("OPENROUTER_API_KEY", " \t")]), "OPENROUTER_API_KEY is set, but blank");
    }

    #[test]
    fn misspelt_optional_variables_are_found() {
        let mistyped =
            [("OPENROUTER_BASEURL", "https://x"), ("OPENROUTER_SITE_NAM", "x"), ("OPENROUTER_SITE_URL", "x")];
        let environment = environment(&mistyped);
        let found = environment.misspelt(FIELDS);
        let expected =
            [("OPENROUTER_SITE_NAM", "OPENROUTER_SITE_NAME"), ("OPENROUTER_BASEURL", "OPENROUTER_BASE_URL")];
        assert_eq!(found, expected);
    }
}
