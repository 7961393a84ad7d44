//! `config`: shows the values that are in force, and where each comes from.

use std::path::PathBuf;

use serde::Serialize;

use super::{Origin, Sourced};
use crate::cli::{ConfigArgs, ConfigCommand, ConnectArgs};
use crate::connect::shown_settings;
use crate::exit::Failure;
use crate::output::Output;
use crate::output::number::UNKNOWN;
use crate::output::table::Table;

#[derive(Serialize)]
struct Shown {
    config_file: Option<String>,
    exists: bool,
    profiles: Vec<String>,
    values: Vec<Row>,
}

/// A value that is in force.
#[derive(Serialize)]
struct Row {
    name: String,
    value: Option<String>,
    from: String,
}

impl Row {
    fn new(name: impl Into<String>, value: Option<String>, from: &Origin) -> Self {
        Self { name: name.into(), value, from: from.to_string() }
    }
}

pub(crate) fn run(args: &ConfigArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let Some(config) = connect.kept.config() else {
        return Err(Failure::Usage("there is no configuration".to_owned()));
    };
    if let ConfigCommand::Path = args.command {
        return Ok(output.write(&format!("{}\n", config.file()?.display()))?);
    }
    let place = |found: &Option<Sourced<PathBuf>>| match found {
        Some(found) => (Some(found.value.display().to_string()), found.origin.clone()),
        None => (None, Origin::Default),
    };
    let ((path, path_from), (data, data_from)) = (place(&config.path), place(&config.data));
    let profile = &config.profile.value;
    let of_profile = Origin::Profile(profile.name.clone());
    let in_profile = |is_set: bool| if is_set { &of_profile } else { &Origin::Default };
    let workspace_from = if connect.sandbox { &Origin::Sandbox } else { &config.workspace.origin };
    let mut values = vec![
        Row::new("config file", path.clone(), &path_from),
        Row::new("profile", Some(profile.name.clone()), &config.profile.origin),
        Row::new("workspace", Some(connect.kept.workspace().to_owned()), workspace_from),
        Row::new("data", data, &data_from),
        Row::new("log", Some(config.log.value.word().to_owned()), &config.log.origin),
        Row::new("model", profile.model.clone(), in_profile(profile.model.is_some())),
        Row::new("system", profile.system.clone(), in_profile(profile.system.is_some())),
    ];
    for (alias, model) in &profile.aliases {
        values.push(Row::new(format!("alias {alias}"), Some(model.clone()), &of_profile));
    }
    for flag in &profile.parameters {
        let (name, value) = flag.trim_start_matches('-').split_once('=').unwrap_or((flag, "true"));
        let name = name.trim_start_matches('-').replace('-', "_");
        values.push(Row::new(format!("parameter {name}"), Some(value.to_owned()), &of_profile));
    }
    for setting in shown_settings(connect)? {
        let name = format!("{}.{}", setting.provider, setting.key);
        values.push(Row::new(name, setting.value, &setting.origin));
    }
    if args.json {
        let (exists, profiles) = (config.exists, config.profiles.clone());
        return Ok(output.write_json(&Shown { config_file: path, exists, profiles, values })?);
    }
    let mut table = Table::new().left("NAME").left("VALUE").left("FROM");
    for row in values {
        table.row([row.name, row.value.unwrap_or_else(|| UNKNOWN.to_owned()), row.from]);
    }
    Ok(output.write(&table.render(output.columns, output.out))?)
}
