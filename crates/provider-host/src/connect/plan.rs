//! The plan for connecting: the chosen providers, and all that flags and environment say of them.

use provider_core::{ConfigValues, ProviderDescriptor};
use provider_registry::Registry;

use super::chosen::{self, Chosen};
use super::given::Given;
use super::kept::Lower;
use super::settings::{Settings, Withheld};
use crate::cli::ConnectArgs;
use crate::environment::Environment;
use crate::exit::Failure;

/// The providers to connect, and where their settings come from.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) registry: Registry,
    pub(super) environment: Environment,
    pub(super) chosen: Vec<Chosen>,
    pub(super) given: Given,
    /// The settings of the profile and of the store for each, in the order of the chosen ones.
    pub(super) lower: Vec<Vec<Lower>>,
}

impl Plan {
    /// Reads flags and environment.
    ///
    /// # Errors
    /// When a provider or a setting is unknown, or a flag may mean several.
    pub(super) fn read(args: &ConnectArgs) -> Result<Self, Failure> {
        let (registry, environment) = (Registry::discover()?, Environment::of_this_program());
        let chosen = chosen::choose(args, &registry, &environment)?;
        Self::of(registry, environment, chosen, args)
    }

    /// Reads flags and environment for one provider alone.
    ///
    /// # Errors
    /// When a setting is unknown.
    pub(super) fn of_one(provider: &'static ProviderDescriptor, args: &ConnectArgs) -> Result<Self, Failure> {
        let (registry, environment) = (Registry::discover()?, Environment::of_this_program());
        let chosen = vec![Chosen::new(&registry, provider.id, provider)?];
        Self::of(registry, environment, chosen, args)
    }

    fn of(
        registry: Registry,
        environment: Environment,
        chosen: Vec<Chosen>,
        args: &ConnectArgs,
    ) -> Result<Self, Failure> {
        let given = Given::read(args, &chosen, &environment)?;
        let lower = chosen.iter().map(|one| Lower::of(one, &args.kept, &environment));
        let lower = lower.collect::<Result<_, Failure>>()?;
        Ok(Self { registry, environment, chosen, given, lower })
    }

    /// The settings of each provider, those of the sandbox at this base URL if there is one.
    pub(super) fn settings(&self, sandbox: Option<&str>) -> Vec<Settings> {
        let numbered = self.chosen.iter().zip(&self.lower).enumerate();
        numbered
            .map(|(number, (one, lower))| {
                Settings::new(one, self.given.of(number), &self.environment, lower, sandbox)
            })
            .collect()
    }

    /// The name of a setting: with its provider in front, where there are several.
    pub(super) fn name(&self, one: &Chosen, key: &str) -> String {
        if self.chosen.len() > 1 { format!("{}.{key}", one.id) } else { key.to_owned() }
    }

    /// The misspelt variables of the chosen providers, each with its right name.
    pub(super) fn misspelt(&self) -> Vec<(&str, &'static str)> {
        let is_chosen =
            |provider: &&ProviderDescriptor| self.chosen.iter().any(|one| one.provider.id == provider.id);
        let providers = self.registry.providers().filter(is_chosen);
        providers.flat_map(|provider| self.environment.misspelt(provider.fields)).collect()
    }

    /// Says of each secret of the environment that is left out why, and how to give it.
    pub(super) fn withheld(&self, settings: &[Settings]) -> Vec<String> {
        let of = |(one, settings): (&Chosen, &Settings)| -> Vec<String> {
            settings.withheld.iter().map(|withheld| self.is_withheld(one, withheld)).collect()
        };
        self.chosen.iter().zip(settings).flat_map(of).collect()
    }

    pub(super) fn is_withheld(&self, one: &Chosen, withheld: &Withheld) -> String {
        let name = self.name(one, withheld.key);
        match withheld.variable {
            Some(variable) => format!(
                "{variable} is not sent to a base URL that {} gives; --set-env {name}={variable} sends it",
                withheld.elsewhere
            ),
            None => format!(
                "the {name} of the {} is not sent to a base URL that {} gives",
                withheld.from, withheld.elsewhere
            ),
        }
    }
}

/// The settings that flags give to a provider that is to be connected alone. The environment is left out.
///
/// # Errors
/// As [`Plan::read`].
pub(crate) fn given_to(
    args: &ConnectArgs,
    registry: &Registry,
    provider: &'static ProviderDescriptor,
) -> Result<ConfigValues, Failure> {
    let chosen = [Chosen::new(registry, provider.id, provider)?];
    let given = Given::read(args, &chosen, &Environment::of_this_program())?;
    Ok(given.of(0).collect())
}
