//! The settings of one provider: those of the flags, then of the environment, of the profile, of the store.

use std::collections::BTreeMap;

use provider_core::{ConfigField, ConfigValues, FieldKind};

use super::chosen::Chosen;
use super::kept::Lower;
use crate::config::Origin;
use crate::environment::Environment;

/// The setting with the base URL.
const BASE_URL: &str = "base_url";
/// The setting with the key.
const API_KEY: &str = "api_key";
/// The sandbox accepts any key. A real key is never sent to it.
const SANDBOX_KEY: &str = "sk-or-sandbox";

/// The settings of a provider.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) values: ConfigValues,
    /// Where each value comes from. Defaults of the provider are not among them.
    pub(super) origins: BTreeMap<&'static str, Origin>,
    /// The secrets that were left out, since they belong to another base URL.
    pub(super) withheld: Vec<Withheld>,
    /// The settings without a value, since the variable that the profile names for them is not set: each with
    /// its name. No value of the store stands in for it: it may be another account's.
    pub(super) unset: BTreeMap<&'static str, String>,
}

/// A secret that was left out.
#[derive(Debug)]
pub(super) struct Withheld {
    pub(super) key: &'static str,
    /// The variable that has it, if one does.
    pub(super) variable: Option<&'static str>,
    pub(super) from: Origin,
    /// Where the base URL comes from that it does not belong to, in words.
    pub(super) elsewhere: &'static str,
}

impl Settings {
    /// Joins the settings of all places; the first that has one counts: flags, environment, profile, store.
    ///
    /// A secret that no flag gives belongs to the base URL of its own place, or to the provider's own where
    /// that place has none. It goes to no other, wherever the other comes from.
    ///
    /// With the base URL of a sandbox, that and a key of no use are set, and no secret of any other place.
    pub(super) fn new<'a>(
        chosen: &Chosen,
        given: impl Iterator<Item = (&'static str, &'a str)>,
        environment: &Environment,
        lower: &[Lower],
        sandbox: Option<&str>,
    ) -> Self {
        let fields = &chosen.fields;
        let given: BTreeMap<&'static str, &str> = given.collect();
        let from_env =
            ConfigValues::from_variables(fields, |name| environment.value(name).map(str::to_owned));
        let origin = Origin::Variable(String::new());
        let of_env = Lower { origin, values: from_env, unset: BTreeMap::new() };
        let places: Vec<&Lower> = std::iter::once(&of_env).chain(lower).collect();

        // A blank value of a flag leaves the setting out, whatever the other places have.
        let first = |key: &str| match given.get(key) {
            Some(value) => {
                Some(value.trim()).filter(|value| !value.is_empty()).map(|value| (value, "a flag"))
            }
            None => places.iter().find_map(|place| Some((place.values.get(key)?, place.words()))),
        };
        let (target, elsewhere) = destination(fields, |key| first(key).map(|(value, _)| value));
        let elsewhere = elsewhere.and_then(first).map_or("a flag", |(_, words)| words);

        let (mut values, mut origins, mut withheld) = (ConfigValues::new(), BTreeMap::new(), Vec::new());
        let mut unset: BTreeMap<&'static str, String> = BTreeMap::new();
        for (key, value) in &given {
            if !value.trim().is_empty() {
                values = values.set(*key, value);
                origins.insert(*key, Origin::Flag);
            }
        }
        if let Some(url) = sandbox {
            values = values.set(BASE_URL, url).set(API_KEY, SANDBOX_KEY);
            origins.extend([(BASE_URL, Origin::Sandbox), (API_KEY, Origin::Sandbox)]);
        }
        for place in places {
            let (home, _) = destination(fields, |key| place.values.get(key));
            let is_elsewhere = target.is_elsewhere_from(&home);
            let mut taken = place.values.clone();
            for field in fields {
                let Some(_) = place.values.get(field.key) else { continue };
                let is_secret = field.kind == FieldKind::Secret;
                let is_settled = values.get(field.key).is_some() || unset.contains_key(field.key);
                if given.contains_key(field.key) || is_settled {
                    taken = taken.set(field.key, "");
                } else if is_secret && (sandbox.is_some() || is_elsewhere) {
                    let variable = place.values.variable(field.key);
                    withheld.push(Withheld {
                        key: field.key,
                        variable,
                        from: place.origin(field.key),
                        elsewhere,
                    });
                    taken = taken.set(field.key, "");
                } else {
                    origins.insert(field.key, place.origin(field.key));
                }
            }
            values = values.or(taken);
            for (key, variable) in &place.unset {
                if !given.contains_key(key) && values.get(key).is_none() {
                    let (profile, variable) = (place.name().to_owned(), variable.clone());
                    origins.insert(*key, Origin::Unset { profile, variable: variable.clone() });
                    unset.insert(*key, variable);
                }
            }
        }
        // Another place may have the secret for this base URL.
        withheld.retain(|secret| values.get(secret.key).is_none());
        Self { values, origins, withheld, unset }
    }

    /// Fills the required secrets that are missing.
    pub(super) fn fill_secrets(&mut self, chosen: &Chosen, value: &str) {
        let required = chosen.fields.iter().filter(|field| field.required && field.kind == FieldKind::Secret);
        for field in required {
            if self.values.get(field.key).is_none() {
                self.values = std::mem::take(&mut self.values).set(field.key, value);
            }
        }
    }
}

/// Where the secrets of some settings go.
#[derive(PartialEq)]
enum Destination {
    /// To an address, or to what other settings stand for.
    Known(Vec<(&'static str, String)>),
    /// No setting says it.
    Unknown,
    /// The provider has no such setting.
    Fixed,
}

impl Destination {
    /// Whether a secret that belongs to `home` does not belong here.
    fn is_elsewhere_from(&self, home: &Self) -> bool {
        match home {
            Self::Fixed => false,
            Self::Unknown => true,
            Self::Known(_) => self != home,
        }
    }
}

/// The destination of the secrets of these settings, and the setting that says it: the base URL, or without
/// one the others that decide about it.
fn destination<'a>(
    fields: &[ConfigField],
    get: impl Fn(&str) -> Option<&'a str>,
) -> (Destination, Option<&'static str>) {
    let all = || fields.iter().filter(|field| field.key_destination || field.key == BASE_URL);
    if all().next().is_none() {
        return (Destination::Fixed, None);
    }
    let value = |field: &ConfigField| get(field.key).or(field.default).map(normalized);
    let url = all().find(|field| field.key == BASE_URL).and_then(|field| Some((field.key, value(field)?)));
    let said: Vec<(&'static str, String)> = match url {
        Some(url) => vec![url],
        None => all().filter_map(|field| Some((field.key, value(field)?))).collect(),
    };
    let decided_by = said.first().map(|(key, _)| *key);
    match said.is_empty() {
        true => (Destination::Unknown, None),
        false => (Destination::Known(said), decided_by),
    }
}

fn normalized(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}
