//! Templates: named prompts with parameters, a system prompt, a schema. Each is a TOML file.

mod command;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::Table;

pub(crate) use self::command::run;
use crate::config::{Config, parameters, refuse_unknown, scalar, section, text};
use crate::exit::Failure;
use crate::similar::nearest;

/// The parameter that stands for the prompt and standard input.
const INPUT: &str = "input";

/// A template.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// The model to ask, or an alias of one.
    pub(crate) model: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) prompt: String,
    /// The values of parameters that are not given.
    pub(crate) defaults: BTreeMap<String, String>,
    /// Parameters of the request, as flags. The schema is among them.
    pub(crate) flags: Vec<String>,
}

/// A system prompt and a prompt, with everything filled in.
#[derive(Debug, PartialEq)]
pub(crate) struct Filled {
    pub(crate) system: Option<String>,
    pub(crate) prompt: String,
}

/// The folder of the templates, beside the configuration file.
///
/// # Errors
/// When nothing says where that is.
pub(crate) fn folder(config: &Config) -> Result<PathBuf, Failure> {
    Ok(config.file()?.parent().unwrap_or(Path::new("")).join("templates"))
}

/// The file of a template.
///
/// # Errors
/// When the name could be a path.
pub(crate) fn file(folder: &Path, name: &str) -> Result<PathBuf, Failure> {
    let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(fits) {
        true => Ok(folder.join(format!("{name}.toml"))),
        false => Err(Failure::Usage(format!(
            "the name of a template has letters, digits, _ and - alone, which {name:?} has not"
        ))),
    }
}

/// The names of all templates, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let toml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let mut names: Vec<String> =
        toml.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When there is none of this name, or its file is wrong.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Self, Failure> {
        let path = file(folder, name)?;
        let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => none(folder, name),
            _ => Failure::Io(format!("cannot read {}", path.display()), error),
        })?;
        Self::parse(name, &text, folder)
            .map_err(|problem| Failure::Usage(format!("{}: {problem}", path.display())))
    }

    fn parse(name: &str, source: &str, folder: &Path) -> Result<Self, String> {
        let table: Table = source.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let known = ["description", "model", "system", "prompt", "schema", "defaults", "parameters"];
        refuse_unknown("", &table, &known)?;
        let mut template = Self { name: name.to_owned(), ..Self::default() };
        for (key, value) in table {
            match key.as_str() {
                "description" => template.description = Some(text(&key, value)?),
                "model" => template.model = Some(text(&key, value)?),
                "system" => template.system = Some(text(&key, value)?),
                "prompt" => template.prompt = text(&key, value)?,
                "schema" => {
                    let schema = folder.join(text(&key, value)?);
                    template.flags.push(format!("--json-schema={}", schema.display()));
                }
                "parameters" => template.flags.extend(parameters(&key, section(&key, value)?)?),
                _ => {
                    for (name, value) in section(&key, value)? {
                        let value = scalar(&format!("{key}.{name}"), value)?;
                        template.defaults.insert(name, value);
                    }
                }
            }
        }
        let unused = template.defaults.keys().find(|name| !template.parameters().contains(name.as_str()));
        match unused {
            Some(name) => Err(format!("defaults.{name}: there is no {{{{{name}}}}} in prompt and system")),
            None => Ok(template),
        }
    }

    /// The names of its parameters, the input left out.
    pub(crate) fn parameters(&self) -> BTreeSet<&str> {
        let mut names: BTreeSet<&str> = places(&self.prompt).collect();
        names.extend(self.system.iter().flat_map(|system| places(system)));
        names.remove(INPUT);
        names
    }

    /// Whether it says where the prompt and standard input go.
    pub(crate) fn has_input(&self) -> bool {
        places(&self.prompt).any(|name| name == INPUT)
    }

    /// Fills the parameters in. An input without a place of its own goes behind the prompt.
    ///
    /// # Errors
    /// When a parameter is missing, unknown, or given twice.
    pub(crate) fn fill(&self, given: &[(String, String)], input: Option<&str>) -> Result<Filled, Failure> {
        let known = self.parameters();
        let mut values: BTreeMap<&str, &str> =
            self.defaults.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut seen = BTreeSet::new();
        for (name, value) in given {
            if !known.contains(name.as_str()) {
                let near = nearest(name, known.iter().copied());
                let meant = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
                return Err(self.wrong(&format!("has no parameter {name:?}{meant}")));
            }
            if !seen.insert(name) {
                return Err(self.wrong(&format!("gets {name} twice")));
            }
            values.insert(name, value);
        }
        let missing: Vec<String> = known
            .iter()
            .filter(|name| !values.contains_key(*name))
            .map(|name| format!("-p {name}=…"))
            .collect();
        if !missing.is_empty() {
            return Err(self.wrong(&format!("needs {}", missing.join(" "))));
        }
        values.insert(INPUT, input.unwrap_or_default());
        let mut prompt = replaced(&self.prompt, &values);
        if let Some(input) = input.filter(|_| !self.has_input()) {
            prompt = if prompt.is_empty() { input.to_owned() } else { format!("{prompt}\n\n{input}") };
        }
        Ok(Filled { system: self.system.as_ref().map(|system| replaced(system, &values)), prompt })
    }

    fn wrong(&self, problem: &str) -> Failure {
        Failure::Usage(format!("the template {} {problem}", self.name))
    }
}

fn none(folder: &Path, name: &str) -> Failure {
    let names = names(folder);
    let near = nearest(name, names.iter().map(String::as_str));
    let meant = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
    let all = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Failure::Usage(format!("there is no template {name:?}{meant}; {} has {all}", folder.display()))
}

/// Puts values in the places of a text, in one pass: a value is not looked through for places.
fn replaced(text: &str, values: &BTreeMap<&str, &str>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_place(rest) {
        filled.push_str(before);
        filled.push_str(values.get(name).copied().unwrap_or_default());
        rest = after;
    }
    filled + rest
}

/// The names in `{{name}}` of a text.
fn places(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, name, after) = next_place(rest)?;
        rest = after;
        Some(name)
    })
}

/// The first `{{name}}` of a text, with what stands before and behind it. Other braces are text.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("{{") {
        let begin = from + found;
        let inside = &text[begin + 2..];
        if let Some(end) = inside.find("}}") {
            let name = inside[..end].trim();
            if !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
                return Some((&text[..begin], name, &inside[end + 2..]));
            }
        }
        from = begin + 1;
    }
    None
}

#[cfg(test)]
mod tests;
