//! The settings that flags give, by provider.

use std::collections::BTreeMap;

use provider_core::{ConfigField, FieldKind, Secret};

use super::chosen::Chosen;
use crate::cli::ConnectArgs;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::similar::nearest;

/// The setting for the number of attempts, which `--retries` sets.
pub(super) const MAX_ATTEMPTS: &str = "max_attempts";

/// The settings that flags give to each of the chosen providers, in their order. A blank value is one, too:
/// it keeps the environment's out. Those of variables may be secrets.
#[derive(Debug)]
pub(super) struct Given(Vec<BTreeMap<&'static str, Secret>>);

impl Given {
    /// Reads `--set`, `--set-env` and the flags that are short for one setting.
    ///
    /// # Errors
    /// When a setting is unknown, ambiguous, given twice, or a secret on the command line.
    pub(super) fn read(
        args: &ConnectArgs,
        chosen: &[Chosen],
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let mut given = Self(chosen.iter().map(|_| BTreeMap::new()).collect());
        for (name, value) in &args.instances.set {
            let (number, field) = find("--set", name, chosen)?;
            if field.kind == FieldKind::Secret {
                return usage(format!(
                    "--set {name}: flags show in the list of processes, and this is a secret; put it into a variable, and \
                     give --set-env {name}=VARIABLE"
                ));
            }
            given.put(number, field, "--set", name, value)?;
        }
        for (name, variable) in &args.instances.set_env {
            let (number, field) = find("--set-env", name, chosen)?;
            let Some(value) = environment.value(variable) else {
                let variable = if is_variable(variable) { variable } else { "of this name" };
                return usage(format!("--set-env {name}: the variable {variable} is not set, or blank"));
            };
            given.put(number, field, "--set-env", name, value)?;
        }
        for (flag, key, value) in [
            ("--base-url", "base_url", &args.base_url),
            ("--site-url", "site_url", &args.site_url),
            ("--site-name", "site_name", &args.site_name),
        ] {
            if let Some(value) = value {
                let (number, field) = only_one_with(flag, key, chosen)?;
                given.put(number, field, flag, key, value)?;
            }
        }
        if let Some(retries) = args.retries {
            for values in &mut given.0 {
                let attempts = || Secret::new((u32::from(retries) + 1).to_string());
                values.entry(MAX_ATTEMPTS).or_insert_with(attempts);
            }
        }
        Ok(given)
    }

    /// The settings of a provider, by its number among the chosen ones.
    pub(super) fn of(&self, number: usize) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.get(number).into_iter().flatten().map(|(key, value)| (*key, value.expose()))
    }

    fn put(
        &mut self,
        number: usize,
        field: &ConfigField,
        flag: &str,
        name: &str,
        value: &str,
    ) -> Result<(), Failure> {
        let earlier = self.0.get_mut(number).and_then(|values| values.insert(field.key, Secret::new(value)));
        match earlier {
            Some(_) => usage(format!("{flag} {name}: this setting is given twice")),
            None => Ok(()),
        }
    }
}

/// Whether a text looks like the name of a variable: one that does not may be the secret itself.
fn is_variable(name: &str) -> bool {
    name.len() < 64
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn usage<T>(problem: String) -> Result<T, Failure> {
    Err(Failure::Usage(problem))
}

/// Finds the setting that `KEY` or `ID.KEY` names, and the number of its provider.
fn find<'a>(flag: &str, name: &str, chosen: &'a [Chosen]) -> Result<(usize, &'a ConfigField), Failure> {
    let (number, key) = match (name.split_once('.'), chosen) {
        (Some((id, key)), _) => match chosen.iter().position(|one| one.id == id) {
            Some(number) => (number, key),
            None => {
                let ids: Vec<&str> = chosen.iter().map(|one| one.id.as_str()).collect();
                return usage(format!(
                    "{flag} {name}: no provider is connected as {id:?}{}; connected are: {}",
                    meant(id, ids.iter().copied()),
                    ids.join(", ")
                ));
            }
        },
        (None, [_]) => (0, name),
        (None, _) => return usage(format!("{flag} {name}: {}", qualified(flag, name, chosen))),
    };
    let one = chosen.get(number);
    match one.and_then(|one| one.field(key)) {
        Some(field) => Ok((number, field)),
        None => {
            let kind = one.map_or("", |one| one.provider.id);
            let keys = one.into_iter().flat_map(|one| &one.fields).map(|field| field.key);
            usage(format!(
                "{flag} {name}: {kind} has no such setting{}; `asq providers show {kind}` lists them",
                meant(key, keys)
            ))
        }
    }
}

fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!(" (is {near} meant?)"))
}

/// Says which provider to name in front of a setting.
fn qualified(flag: &str, key: &str, chosen: &[Chosen]) -> String {
    let with_it: Vec<&Chosen> = chosen.iter().filter(|one| one.field(key).is_some()).collect();
    let of = if with_it.is_empty() { chosen.iter().collect() } else { with_it };
    let forms: Vec<String> = of.iter().map(|one| format!("{flag} {}.{key}", one.id)).collect();
    format!("several providers are connected; name the one that is meant: {}", forms.join(" or "))
}

/// Finds the only provider that has a setting, for the flag that is short for it.
fn only_one_with<'a>(
    flag: &str,
    key: &str,
    chosen: &'a [Chosen],
) -> Result<(usize, &'a ConfigField), Failure> {
    let with_it: Vec<(usize, &ConfigField)> =
        chosen.iter().enumerate().filter_map(|(number, one)| Some((number, one.field(key)?))).collect();
    match with_it.as_slice() {
        [one] => Ok(*one),
        [] => {
            let ids: Vec<&str> = chosen.iter().map(|one| one.provider.id).collect();
            usage(format!("{flag}: {} has no such setting", ids.join(", ")))
        }
        _ => usage(format!("{flag}: {}", qualified("--set", key, chosen))),
    }
}
