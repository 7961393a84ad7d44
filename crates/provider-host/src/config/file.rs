//! Reads the configuration file. An unknown key is refused by its name and its place, with the nearest known
//! one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{LogLevel, Profile, ProfileProvider, Setting};
use crate::exit::Failure;
use crate::params::Params;
use crate::similar::nearest;

/// The configuration file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct File {
    /// The profile to take, if no flag and no variable chooses one.
    pub(super) profile: Option<String>,
    pub(super) log: Option<LogLevel>,
    /// The folder of the store.
    pub(super) data: Option<PathBuf>,
    pub(super) profiles: BTreeMap<String, Profile>,
}

/// Parses the text of a file.
///
/// # Errors
/// When it is no TOML, has an unknown key, or a value of the wrong type.
pub(super) fn parse(text: &str, path: &Path) -> Result<File, Failure> {
    let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
    let table: Table = text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    read(table, path.parent().unwrap_or(Path::new(""))).map_err(wrong)
}

/// The level that a word of `place` means.
///
/// # Errors
/// When it means none.
pub(super) fn log_level(place: &str, word: &str) -> Result<LogLevel, Failure> {
    level(place, word).map_err(Failure::Usage)
}

fn level(place: &str, word: &str) -> Result<LogLevel, String> {
    let found = LogLevel::WORDS.iter().find(|(known, _)| *known == word).map(|(_, level)| *level);
    found.ok_or_else(|| format!("{place}: must be all, figures or off, and not {word:?}"))
}

fn read(table: Table, folder: &Path) -> Result<File, String> {
    refuse_unknown("", &table, &["profile", "log", "data", "profiles"])?;
    let mut file = File::default();
    for (key, value) in table {
        match key.as_str() {
            "profile" => file.profile = Some(text(&key, value)?),
            "log" => file.log = Some(level(&key, &text(&key, value)?)?),
            "data" => file.data = Some(folder.join(text(&key, value)?)),
            _ => {
                for (name, value) in section(&key, value)? {
                    let place = format!("profiles.{name}");
                    file.profiles.insert(name.clone(), profile(name, &place, section(&place, value)?)?);
                }
            }
        }
    }
    Ok(file)
}

fn profile(name: String, place: &str, table: Table) -> Result<Profile, String> {
    refuse_unknown(place, &table, &["model", "system", "workspace", "aliases", "parameters", "providers"])?;
    let mut profile = Profile { name, ..Profile::default() };
    for (key, value) in table {
        let place = format!("{place}.{key}");
        match key.as_str() {
            "model" => profile.model = Some(text(&place, value)?),
            "system" => profile.system = Some(text(&place, value)?),
            "workspace" => profile.workspace = Some(text(&place, value)?),
            "aliases" => {
                for (alias, model) in section(&place, value)? {
                    let model = text(&format!("{place}.{alias}"), model)?;
                    profile.aliases.insert(alias, model);
                }
            }
            "parameters" => profile.parameters = parameters(&place, section(&place, value)?)?,
            _ => {
                for (id, value) in section(&place, value)? {
                    let place = format!("{place}.{id}");
                    let provider = provider(&id, &place, section(&place, value)?)?;
                    profile.providers.insert(id, provider);
                }
            }
        }
    }
    Ok(profile)
}

/// Parameters as the flags that they have on the command line, checked as these are.
pub(crate) fn parameters(place: &str, table: Table) -> Result<Vec<String>, String> {
    let flags = Params::names();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    refuse_unknown(place, &table, &flags)?;
    let mut lines = Vec::new();
    for (key, value) in table {
        let flag = key.replace('_', "-");
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            match value {
                Value::Boolean(true) => lines.push(format!("--{flag}")),
                Value::Boolean(false) => {}
                value => lines.push(format!("--{flag}={}", scalar(&format!("{place}.{key}"), value)?)),
            }
        }
    }
    Params::of_lines(&lines).map_err(|error| format!("{place}: {error}"))?;
    Ok(lines)
}

fn provider(id: &str, place: &str, table: Table) -> Result<ProfileProvider, String> {
    let mut provider = ProfileProvider { kind: id.to_owned(), ..ProfileProvider::default() };
    for (key, value) in table {
        let place = format!("{place}.{key}");
        let setting = match value {
            Value::Table(table) => {
                refuse_unknown(&place, &table, &["env"])?;
                let variable = table.get("env").cloned();
                let variable = variable.ok_or_else(|| format!("{place}: write {{ env = \"VARIABLE\" }}"))?;
                Setting::Variable(text(&place, variable)?)
            }
            value => Setting::Value(scalar(&place, value)?),
        };
        match (key.as_str(), setting) {
            ("kind", Setting::Value(kind)) => provider.kind = kind,
            ("kind", _) => return Err(format!("{place}: must be a text")),
            (_, setting) => drop(provider.settings.insert(key, setting)),
        }
    }
    Ok(provider)
}

/// Refuses a table with an unknown key.
pub(crate) fn refuse_unknown(place: &str, table: &Table, keys: &[&str]) -> Result<(), String> {
    let Some(unknown) = table.keys().find(|key| !keys.contains(&key.as_str())) else { return Ok(()) };
    let of = if place.is_empty() { String::new() } else { format!("[{place}] ") };
    let near = nearest(unknown, keys.iter().copied());
    let meant =
        near.map_or_else(|| format!("there are {}", keys.join(", ")), |near| format!("is {near} meant?"));
    Err(format!("{of}unknown key {unknown:?}; {meant}"))
}

/// A text.
pub(crate) fn text(place: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("{place}: must be a text, and is {}", kind(&other))),
    }
}

/// A text, a number or a truth value, as a text.
pub(crate) fn scalar(place: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(flag) => Ok(flag.to_string()),
        other => Err(format!("{place}: must be a text, a number or true or false, and is {}", kind(&other))),
    }
}

/// A table.
pub(crate) fn section(place: &str, value: Value) -> Result<Table, String> {
    match value {
        Value::Table(table) => Ok(table),
        other => Err(format!("{place}: must be a section, and is {}", kind(&other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a time",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}
