//! The folders of the configuration and of the data.

use std::path::PathBuf;

use super::NAME;
use crate::environment::Environment;

/// The variable with the home of the user.
pub(crate) const HOME: &str = if cfg!(windows) { "APPDATA" } else { "HOME" };

/// The folder of the configuration: `$XDG_CONFIG_HOME/asq`, or `~/.config/asq`; on Windows `%APPDATA%\asq`.
/// `None` without a home: the folder that the program happens to run in is no place for it.
pub(crate) fn config_folder(environment: &Environment) -> Option<PathBuf> {
    folder(environment, "XDG_CONFIG_HOME", ".config")
}

/// The folder of the store: `$XDG_DATA_HOME/asq`, or `~/.local/share/asq`; on Windows `%APPDATA%\asq`.
/// `None` without a home.
pub(crate) fn data_folder(environment: &Environment) -> Option<PathBuf> {
    folder(environment, "XDG_DATA_HOME", ".local/share")
}

fn folder(environment: &Environment, variable: &str, below_home: &str) -> Option<PathBuf> {
    // The specification has relative paths ignored.
    let absolute = |name: &str| environment.value(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_home = || {
        let home = absolute(HOME)?;
        Some(if cfg!(windows) { home } else { home.join(below_home) })
    };
    Some(absolute(variable).or_else(of_home)?.join(NAME))
}
