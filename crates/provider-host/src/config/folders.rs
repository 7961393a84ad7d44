//! The folders of the configuration and of the data.

use std::path::PathBuf;

use super::NAME;
use crate::environment::Environment;

/// The folder of the configuration: `$XDG_CONFIG_HOME/asq`, or `~/.config/asq`; on Windows `%APPDATA%\asq`.
pub(crate) fn config_folder(environment: &Environment) -> PathBuf {
    folder(environment, "XDG_CONFIG_HOME", ".config")
}

/// The folder of the store: `$XDG_DATA_HOME/asq`, or `~/.local/share/asq`; on Windows `%APPDATA%\asq`.
pub(crate) fn data_folder(environment: &Environment) -> PathBuf {
    folder(environment, "XDG_DATA_HOME", ".local/share")
}

fn folder(environment: &Environment, variable: &str, below_home: &str) -> PathBuf {
    // The specification has relative paths ignored.
    let base = environment.value(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| match cfg!(windows) {
        true => environment.value("APPDATA").map(PathBuf::from),
        false => environment.value("HOME").map(|home| PathBuf::from(home).join(below_home)),
    });
    // Without a home, the folder that the program runs in has to do.
    base.unwrap_or_default().join(NAME)
}
