//! The settings of `serve`: flags before variables before the file.

use std::path::Path;

use clap::Args as _;
use serde_json::{Map, Value};

use crate::cli::{ServeArgs, ServeSettings};
use crate::environment::Environment;
use crate::exit::Failure;

/// Gathers the settings.
///
/// # Errors
/// A file that cannot be read, an unknown key, a value of the wrong type: each with its place.
pub(super) fn gathered(args: &ServeArgs, environment: &Environment) -> Result<ServeSettings, Failure> {
    let config = args.config.clone().or_else(|| environment.value("HOST_CONFIG").map(Into::into));
    let mut settings = match config {
        Some(path) => from_file(&path)?,
        None => Map::new(),
    };
    settings.extend(from_variables(environment)?);
    let flags = serde_json::to_value(&args.settings).unwrap_or_default();
    settings.extend(flags.as_object().cloned().unwrap_or_default());
    serde_json::from_value(Value::Object(settings)).map_err(|error| Failure::Usage(error.to_string()))
}

fn from_file(path: &Path) -> Result<Map<String, Value>, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Io(format!("cannot read the settings in {shown}"), error))?;
    let wrong = |error: String| Failure::Usage(format!("the settings in {shown}: {error}"));
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let settings: Value = match is_json {
        true => serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?,
        false => toml::from_str(&text).map_err(|error| wrong(error.to_string()))?,
    };
    // Checked by itself, so that an error names the file.
    serde_json::from_value::<ServeSettings>(settings.clone()).map_err(|error| wrong(error.to_string()))?;
    Ok(settings.as_object().cloned().unwrap_or_default())
}

fn from_variables(environment: &Environment) -> Result<Map<String, Value>, Failure> {
    let mut settings = Map::new();
    for argument in ServeSettings::augment_args(clap::Command::new("serve")).get_arguments() {
        let key = argument.get_id().as_str();
        let variable = format!("HOST_{}", key.to_uppercase());
        let Some(text) = environment.value(&variable) else { continue };
        let is_list = matches!(argument.get_action(), clap::ArgAction::Append);
        let value = match is_list {
            true => text.split([',', ' ']).filter(|part| !part.is_empty()).map(Value::from).collect(),
            // A number or a truth value, where the key has one, and else the text as it is.
            false => match serde_json::from_str(text).ok().filter(|value| fits(key, value)) {
                Some(value) => value,
                None => Value::from(text),
            },
        };
        let one = Map::from_iter([(key.to_owned(), value)]);
        serde_json::from_value::<ServeSettings>(Value::Object(one.clone()))
            .map_err(|error| Failure::Usage(format!("{variable}: {error}")))?;
        settings.extend(one);
    }
    Ok(settings)
}

fn fits(key: &str, value: &Value) -> bool {
    let one = Map::from_iter([(key.to_owned(), value.clone())]);
    serde_json::from_value::<ServeSettings>(Value::Object(one)).is_ok()
}

#[cfg(test)]
mod tests;
