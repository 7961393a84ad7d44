//! The settings of one provider: those of the flags, then those of the environment.

use provider_core::{ConfigValues, FieldKind};

use super::chosen::Chosen;
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
    /// The variables that were left out, since their secrets belong to another base URL: each with its
    /// setting.
    pub(super) withheld: Vec<(&'static str, &'static str)>,
}

impl Settings {
    /// Joins the settings that flags give with those of the environment, which count where no flag is.
    ///
    /// A secret of the environment belongs to the base URL of the environment, or to the provider's own where
    /// the environment has none. It goes to no base URL of a flag, unless it is the same one.
    ///
    /// With the base URL of a sandbox, that and a key of no use are set, and no secret of the environment.
    pub(super) fn new<'a>(
        chosen: &Chosen,
        given: impl Iterator<Item = (&'static str, &'a str)>,
        environment: &Environment,
        sandbox: Option<&str>,
    ) -> Self {
        let mut values = ConfigValues::new();
        let mut from_env =
            ConfigValues::from_variables(&chosen.fields, |name| environment.value(name).map(str::to_owned));
        let own = chosen.field(BASE_URL).and_then(|field| field.default);
        let home = from_env.get(BASE_URL).or(own).map(normalized);
        let mut place = home.clone();
        for (key, value) in given {
            if key == BASE_URL {
                place = Some(value.trim()).filter(|url| !url.is_empty()).or(own).map(normalized);
            }
            from_env = from_env.set(key, "");
            values = values.set(key, value);
        }
        let secrets = chosen.fields.iter().filter(|field| field.kind == FieldKind::Secret);
        let is_elsewhere = chosen.field(BASE_URL).is_some() && (home.is_none() || place != home);
        let mut withheld = Vec::new();
        if sandbox.is_some() || is_elsewhere {
            withheld = secrets.filter_map(|field| Some((from_env.variable(field.key)?, field.key))).collect();
        }
        if let Some(url) = sandbox {
            values = values.set(BASE_URL, url).set(API_KEY, SANDBOX_KEY);
        }
        for (_, key) in &withheld {
            from_env = from_env.set(*key, "");
        }
        Self { values: values.or(from_env), withheld }
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

fn normalized(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}
