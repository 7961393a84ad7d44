//! The configuration file: profiles with providers, a default model, aliases, parameters and a system prompt.

pub(crate) mod command;
mod file;
mod folders;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) use self::file::{parameters, refuse_unknown, scalar, section, text};
use self::folders::HOME;
pub(crate) use self::folders::{config_folder, data_folder};
use crate::environment::Environment;
use crate::exit::Failure;

/// The name of the program, of its folders, and of its variables in capitals.
pub(crate) const NAME: &str = "asq";
/// The variable that names the configuration file.
pub(crate) const CONFIG: &str = "ASQ_CONFIG";
/// The variable that chooses a profile.
pub(crate) const PROFILE: &str = "ASQ_PROFILE";
/// The variable that says what is logged.
pub(crate) const LOG: &str = "ASQ_LOG";
/// The variable that names the workspace of the store.
pub(crate) const WORKSPACE: &str = "ASQ_WORKSPACE";
/// The variable that names the folder of the store.
const DATA: &str = "HOST_DATA";
/// The profile, if no other is chosen.
const DEFAULT_PROFILE: &str = "default";
/// The workspace, if no other is named: the one that `serve --dev` makes, so that its page shows the same.
const DEFAULT_WORKSPACE: &str = "dev";
/// The workspace of everything that the sandbox answered, so that no made-up cost is in a sum.
pub(crate) const SANDBOX_WORKSPACE: &str = "sandbox";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Variable(String),
    /// A profile of the file.
    Profile(String),
    /// The variable that a profile names for a setting, and that is not set.
    Unset {
        profile: String,
        variable: String,
    },
    /// The configuration file, outside of its profiles.
    File,
    /// The store: its workspace.
    Store(String),
    /// The sandbox inside this program.
    Sandbox,
    Default,
}

/// A value, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// How much of each run goes into the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// Figures, prompts and answers.
    #[default]
    All,
    /// Models, tokens, costs, times and errors, and no text of a prompt or an answer.
    Figures,
    /// No run at all.
    Off,
}

/// The configuration: the file, and what variables and flags say in its place.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// `None` without a home and without another name for it.
    pub(crate) path: Option<Sourced<PathBuf>>,
    /// Whether the file exists. One that a flag or a variable names has to.
    pub(crate) exists: bool,
    pub(crate) profile: Sourced<Profile>,
    /// The names of all profiles of the file.
    pub(crate) profiles: Vec<String>,
    pub(crate) log: Sourced<LogLevel>,
    /// The folder of the store; `None` without a home and without another name for it.
    pub(crate) data: Option<Sourced<PathBuf>>,
    pub(crate) workspace: Sourced<String>,
}

/// A profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// The model that is asked if none is named.
    pub(crate) model: Option<String>,
    /// The system prompt, if no flag gives one.
    pub(crate) system: Option<String>,
    /// The workspace of the store, which is the project that costs are summed by.
    pub(crate) workspace: Option<String>,
    /// Short names of models.
    pub(crate) aliases: BTreeMap<String, String>,
    /// Parameters of requests, as flags: `--temperature=0.2`.
    pub(crate) parameters: Vec<String>,
    /// The providers to connect, by their ids.
    pub(crate) providers: BTreeMap<String, ProfileProvider>,
}

/// A provider of a profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ProfileProvider {
    /// The id or the name of its kind.
    pub(crate) kind: String,
    pub(crate) settings: BTreeMap<String, Setting>,
}

/// A setting of a provider in a profile.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    Value(String),
    /// The name of the variable that has the value, as secrets need it.
    Variable(String),
}

impl Config {
    /// Reads the file that `--config`, `ASQ_CONFIG` or the folder of the configuration names, and chooses the
    /// profile that `--profile`, `ASQ_PROFILE` or the file names.
    ///
    /// # Errors
    /// When the file cannot be read, has an unknown key, or lacks the profile.
    pub(crate) fn read(
        file: Option<&PathBuf>,
        profile: Option<&str>,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let variable =
            |name: &str| Some((environment.value(name)?.to_owned(), Origin::Variable(name.to_owned())));
        let default = || {
            let value = config_folder(environment)?.join("config.toml");
            Some(Sourced { value, origin: Origin::Default })
        };
        let path = match (file, variable(CONFIG)) {
            (Some(path), _) => Some(Sourced { value: path.clone(), origin: Origin::Flag }),
            (None, Some((path, origin))) => Some(Sourced { value: path.into(), origin }),
            (None, None) => default(),
        };
        let found = match &path {
            Some(path) => read_file(path)?,
            None => None,
        };
        let exists = found.is_some();
        let file::File { profile: of_file, log, data, mut profiles } = found.unwrap_or_default();
        let names: Vec<String> = profiles.keys().cloned().collect();
        let (name, origin) = match (profile, variable(PROFILE), of_file) {
            (Some(name), ..) => (name.to_owned(), Origin::Flag),
            (None, Some(named), _) => named,
            (None, None, Some(name)) => (name, Origin::File),
            (None, None, None) => (DEFAULT_PROFILE.to_owned(), Origin::Default),
        };
        let profile = match profiles.remove(&name) {
            Some(profile) => profile,
            None if origin == Origin::Default => Profile { name: name.clone(), ..Profile::default() },
            None => return Err(no_profile(&name, &names, path.as_ref())),
        };
        let log = match (variable(LOG), log) {
            (Some((word, origin)), _) => Sourced { value: file::log_level(LOG, &word)?, origin },
            (None, Some(value)) => Sourced { value, origin: Origin::File },
            (None, None) => Sourced { value: LogLevel::default(), origin: Origin::Default },
        };
        let data = match (variable(DATA), data) {
            (Some((path, origin)), _) => Some(Sourced { value: path.into(), origin }),
            (None, Some(value)) => Some(Sourced { value, origin: Origin::File }),
            (None, None) => data_folder(environment).map(|value| Sourced { value, origin: Origin::Default }),
        };
        let workspace = match (variable(WORKSPACE), &profile.workspace) {
            (Some((value, origin)), _) => Sourced { value, origin },
            (None, Some(value)) => Sourced { value: value.clone(), origin: Origin::Profile(name) },
            (None, None) => Sourced { value: DEFAULT_WORKSPACE.to_owned(), origin: Origin::Default },
        };
        let profile = Sourced { value: profile, origin };
        Ok(Self { path, exists, profile, profiles: names, log, data, workspace })
    }

    /// The path of the file, whether it exists or not.
    ///
    /// # Errors
    /// When nothing says where it is.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        self.path.as_ref().map(|path| path.value.as_path()).ok_or_else(|| {
            Failure::Usage(format!(
                "there is no folder for the configuration, since {HOME} is not set: name the file with --config or \
                 {CONFIG}"
            ))
        })
    }
}

/// The failure of a store that has no place.
pub(crate) fn no_data_folder() -> Failure {
    Failure::Usage(format!(
        "there is no folder for the store, since {HOME} is not set: name one with {DATA}, or with `data` in the \
         configuration"
    ))
}

/// Reads a file; `None` if there is none where it may be missing.
fn read_file(path: &Sourced<PathBuf>) -> Result<Option<file::File>, Failure> {
    match std::fs::read_to_string(&path.value) {
        Ok(text) => file::parse(&text, &path.value).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.origin == Origin::Default => {
            Ok(None)
        }
        Err(error) => {
            Err(Failure::Io(format!("cannot read the configuration in {}", path.value.display()), error))
        }
    }
}

fn no_profile(name: &str, names: &[String], path: Option<&Sourced<PathBuf>>) -> Failure {
    let near = crate::similar::nearest(name, names.iter().map(String::as_str));
    let meant = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
    let all = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let place = path.map_or("the configuration".to_owned(), |path| path.value.display().to_string());
    Failure::Usage(format!("there is no profile {name:?}{meant}; {place} has {all}"))
}

impl LogLevel {
    /// The words, in the file and in the variable.
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("all", Self::All), ("figures", Self::Figures), ("off", Self::Off)];

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, level)| *level == self).map_or("", |(word, _)| word)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag => f.write_str("flag"),
            Origin::Variable(name) => write!(f, "variable {name}"),
            Origin::Profile(name) => write!(f, "profile {name}"),
            Origin::File => f.write_str("file"),
            Origin::Store(workspace) => write!(f, "store, workspace {workspace}"),
            Origin::Unset { profile, variable } => {
                write!(f, "profile {profile}: variable {variable}, which is not set")
            }
            Origin::Sandbox => f.write_str("sandbox"),
            Origin::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests;
