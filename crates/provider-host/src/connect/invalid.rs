//! Errors of settings in the words of the command line: why each setting is missing, and whose it is.

use provider_core::{ConfigField, Error, ErrorKind, FieldKind, FieldProblem};

use super::chosen::Chosen;
use super::plan::Plan;
use super::settings::Settings;
use crate::exit::Failure;

/// The invalid settings of all providers.
#[derive(Debug, Default)]
pub(crate) struct Invalid {
    error: Option<Error>,
    problems: Vec<FieldProblem>,
}

impl Invalid {
    /// Adds the error of a provider that cannot be connected.
    pub(super) fn add(&mut self, error: Error, one: &Chosen, settings: &Settings, plan: &Plan) {
        let known: Vec<ConfigField> =
            plan.registry.providers().flat_map(|provider| provider.fields).copied().collect();
        let is_unset = |field: &&ConfigField| {
            let is_missing = field.required && settings.values.get(field.key).is_none();
            is_missing && field.env.is_some_and(|name| !plan.environment.has(name))
        };
        for FieldProblem { field: key, problem, .. } in error.fields() {
            let secret = settings.withheld.iter().find(|withheld| withheld.key == key);
            let told = match (secret, one.field(key).filter(is_unset)) {
                (Some(withheld), _) => plan.is_withheld(one, withheld),
                (None, Some(field)) => {
                    let why = plan.environment.why_missing(field, &known);
                    match field.kind {
                        FieldKind::Secret => why,
                        _ => format!("{why}; --set {}.{key}=VALUE gives it as well", one.id),
                    }
                }
                (None, None) => problem.clone(),
            };
            self.problems.push(FieldProblem::new(plan.name(one, key), told));
        }
        if self.error.is_none() {
            self.error = Some(match next_step(one, settings, plan) {
                Some(step) => error.with_next_step(step),
                None => error,
            });
        }
    }

    /// Ends in the error, if there is one: that of the first provider, with the settings of all.
    ///
    /// # Errors
    /// When a provider could not be connected.
    pub(super) fn end(self) -> Result<(), Failure> {
        match self.error {
            Some(error) => Err(error.with_fields(self.problems).into()),
            None => Ok(()),
        }
    }
}

/// Whether settings are invalid for nothing but secrets that are missing.
pub(super) fn lacks_secrets(error: &Error, one: &Chosen, settings: &Settings) -> bool {
    let is_missing_secret = |problem: &FieldProblem| {
        let field = one.field(&problem.field);
        field.is_some_and(|field| field.required && field.kind == FieldKind::Secret)
            && settings.values.get(&problem.field).is_none()
    };
    !error.fields().is_empty() && error.fields().iter().all(is_missing_secret)
}

/// The error of a provider of which variables that the profile names are not set.
pub(super) fn unset(one: &Chosen, settings: &Settings, plan: &Plan) -> Error {
    let problem = |(key, variable): (&&'static str, &String)| {
        FieldProblem::new(
            plan.name(one, key),
            format!("the variable {variable} of the profile is not set, or blank"),
        )
    };
    let error = Error::new(ErrorKind::Config, format!("settings of {} have no value", one.id));
    let names: Vec<&str> = settings.unset.values().map(String::as_str).collect();
    error
        .with_provider(&one.id)
        .with_fields(settings.unset.iter().map(problem).collect())
        .with_next_step(format!("set {}, or choose another profile with --profile", names.join(" and ")))
}

/// The next step: another choice of providers where the environment made it, or the variable that is missing.
fn next_step(one: &Chosen, settings: &Settings, plan: &Plan) -> Option<String> {
    let is_openrouter = one.provider.id == openrouter_provider::ID;
    if let Some(variable) = one.because_of.filter(|_| plan.chosen.len() > 1 || !is_openrouter) {
        return Some(format!(
            "{} was connected since {variable} is set; mend its settings, or name the providers to connect with --provider",
            one.id
        ));
    }
    let is_withheld = |key: &str| settings.withheld.iter().any(|withheld| withheld.key == key);
    let mut missing = one.provider.fields.iter().filter(|field| {
        field.required && settings.values.get(field.key).is_none() && !is_withheld(field.key)
    });
    let variable = missing.find_map(|field| field.env).filter(|_| is_openrouter)?;
    Some(format!(
        "set {variable}, keep a key with `asq keys set {}`, or give --sandbox, which needs no key and makes \
         answers up",
        one.id
    ))
}
