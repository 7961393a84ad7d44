//! The settings of a provider that the profile and the store have.

use std::collections::BTreeMap;

use provider_core::{ConfigValues, FieldKind};

use super::chosen::Chosen;
use crate::config::{Origin, Setting};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::similar::nearest;
use crate::storage::Kept;

/// The settings that one place below the flags has for a provider.
#[derive(Debug)]
pub(super) struct Lower {
    pub(super) origin: Origin,
    pub(super) values: ConfigValues,
    /// The settings whose value is in a variable that is not set, each with the name of the variable.
    pub(super) unset: BTreeMap<&'static str, String>,
}

impl Lower {
    /// The settings of the profile and of the store for a provider, those of the profile first.
    ///
    /// # Errors
    /// When the profile has an unknown setting, or a secret as it is.
    pub(super) fn of(one: &Chosen, kept: &Kept, environment: &Environment) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        if let Some(provider) = kept.profile_providers().get(&one.id) {
            let place = format!("profile {}, provider {}", kept.profile_name(), one.id);
            let (mut values, mut unset) = (ConfigValues::new(), BTreeMap::new());
            for (key, setting) in &provider.settings {
                let field = one.field(key).ok_or_else(|| unknown(&place, key, one))?;
                let value = match setting {
                    Setting::Value(_) if field.kind == FieldKind::Secret => {
                        return Err(Failure::Usage(format!(
                            "{place}: {key} is a secret, which does not belong into a file that is read by others: \
                             `asq keys set {}` keeps it sealed, or write {key} = {{ env = \"VARIABLE\" }}",
                            one.id
                        )));
                    }
                    Setting::Value(value) => value.as_str(),
                    Setting::Variable(name) => match environment.value(name) {
                        Some(value) => value,
                        None => {
                            unset.insert(field.key, name.clone());
                            continue;
                        }
                    },
                };
                values = values.set(key, value);
            }
            all.push(Self { origin: Origin::Profile(kept.profile_name().to_owned()), values, unset });
        }
        if let Some(stored) = kept.providers.iter().find(|stored| stored.id == one.id)
            && stored.kind == one.provider.id
        {
            let values = stored.values.clone();
            let origin = Origin::Store(kept.workspace().to_owned());
            all.push(Self { origin, values, unset: BTreeMap::new() });
        }
        Ok(all)
    }

    /// Where the value of a setting comes from.
    pub(super) fn origin(&self, key: &str) -> Origin {
        match self.values.variable(key) {
            Some(variable) => Origin::Variable(variable.to_owned()),
            None => self.origin.clone(),
        }
    }

    /// The name of the profile or of the workspace.
    pub(super) fn name(&self) -> &str {
        match &self.origin {
            Origin::Profile(name) | Origin::Store(name) => name,
            _ => "",
        }
    }

    /// The place in words, after "that".
    pub(super) fn words(&self) -> &'static str {
        match self.origin {
            Origin::Profile(_) => "the profile",
            Origin::Store(_) => "the store",
            _ => "a variable",
        }
    }
}

fn unknown(place: &str, key: &str, one: &Chosen) -> Failure {
    let near = nearest(key, one.fields.iter().map(|field| field.key));
    let meant = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
    let kind = one.provider.id;
    Failure::Usage(format!(
        "{place}: {kind} has no setting {key:?}{meant}; `asq providers show {kind}` lists them"
    ))
}
