//! Chooses the providers to connect: those of the flags, of the variable, or of the environment's settings.

use provider_core::{ConfigField, Error, ErrorKind, ProviderDescriptor};
use provider_registry::Registry;

use crate::cli::ConnectArgs;
use crate::environment::Environment;
use crate::exit::Failure;

/// The variables with the providers to connect, where no flag names any: the first that is set counts. The
/// second is the older spelling.
const PROVIDERS: [&str; 2] = ["ASQ_PROVIDERS", "PROVIDER_HOST_PROVIDERS"];

/// A provider to connect, and the id that it gets.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) id: String,
    pub(super) provider: &'static ProviderDescriptor,
    /// The settings that it takes, those of the layers included.
    pub(super) fields: Vec<ConfigField>,
    /// The variable because of which it was chosen, where no one named it.
    pub(super) because_of: Option<&'static str>,
}

impl Chosen {
    pub(super) fn new(
        registry: &Registry,
        id: &str,
        provider: &'static ProviderDescriptor,
    ) -> Result<Self, Error> {
        Ok(Self { id: id.to_owned(), provider, fields: registry.fields(provider.id)?, because_of: None })
    }

    /// The setting of this key.
    pub(super) fn field(&self, key: &str) -> Option<&ConfigField> {
        self.fields.iter().find(|field| field.key == key)
    }
}

/// Chooses the providers: those of `--provider`, or else those of `ASQ_PROVIDERS`, or else those of the
/// profile, or else every linked provider of which the environment has a setting, and every one in the store.
/// OpenRouter, where there is none, so that its error says what is missing, and with the sandbox, which
/// leaves environment and store alone.
///
/// # Errors
/// When a name is unknown, or an id is invalid or used twice.
pub(super) fn choose(
    args: &ConnectArgs,
    registry: &Registry,
    environment: &Environment,
) -> Result<Vec<Chosen>, Failure> {
    if !args.instances.provider.is_empty() {
        let names = args.instances.provider.iter().map(String::as_str);
        return named("--provider", names, args, registry);
    }
    if let Some((variable, listed)) =
        PROVIDERS.iter().find_map(|name| Some((*name, environment.value(name)?)))
    {
        let names = listed.split(|c: char| c.is_whitespace() || c == ',').filter(|name| !name.is_empty());
        let chosen = named(variable, names, args, registry)?;
        if chosen.is_empty() {
            return Err(Failure::Usage(format!("{variable} names no provider")));
        }
        return Ok(chosen);
    }
    let of_profile = args.kept.profile_providers();
    if !of_profile.is_empty() {
        let chosen = of_profile.iter().map(|(id, one)| {
            let place = format!("profile {}, provider {id}", args.kept.profile_name());
            let provider = descriptor(registry, &one.kind)?;
            check_id(&place, id)?;
            Ok(Chosen::new(registry, id, provider)?)
        });
        return chosen.collect();
    }
    let mut chosen: Vec<Chosen> = Vec::new();
    if !args.sandbox {
        for provider in registry.providers() {
            let variable = provider.fields.iter().filter_map(|field| field.env);
            if let Some(variable) = variable.clone().find(|name| environment.has(name)) {
                let because_of = Some(variable);
                chosen.push(Chosen { because_of, ..Chosen::new(registry, provider.id, provider)? });
            }
        }
        for stored in &args.kept.providers {
            // A store of another program may have providers that are not linked here.
            if let Ok(provider) = registry.descriptor(&stored.kind)
                && chosen.iter().all(|one| one.id != stored.id)
            {
                chosen.push(Chosen::new(registry, &stored.id, provider)?);
            }
        }
    }
    if chosen.is_empty() {
        let openrouter = descriptor(registry, openrouter_provider::ID)?;
        chosen.push(Chosen::new(registry, openrouter.id, openrouter)?);
    }
    Ok(chosen)
}

/// The providers of a list, of which each is `NAME` or `ID=NAME`. A name that the profile or the store has as
/// an id means that one.
fn named<'a>(
    place: &str,
    texts: impl Iterator<Item = &'a str>,
    args: &ConnectArgs,
    registry: &Registry,
) -> Result<Vec<Chosen>, Failure> {
    let mut chosen: Vec<Chosen> = Vec::new();
    for text in texts {
        let (id, name) = match (text.split_once('='), args.kept.kind_of(text)) {
            (Some((id, name)), _) => (Some(id), name),
            (None, Some(kind)) => (Some(text), kind),
            (None, None) => (None, text),
        };
        let provider = descriptor(registry, name)?;
        let id = id.unwrap_or(provider.id);
        check_id(place, id)?;
        if chosen.iter().any(|other| other.id == id) {
            let problem = format!(
                "{place}: two providers are called {id}; give one an id of its own, as in other={}",
                provider.id
            );
            return Err(Failure::Usage(problem));
        }
        chosen.push(Chosen::new(registry, id, provider)?);
    }
    Ok(chosen)
}

/// Refuses an id that could not stand in front of a model.
pub(crate) fn check_id(place: &str, id: &str) -> Result<(), Failure> {
    match !id.is_empty() && id.bytes().all(is_of_id) {
        true => Ok(()),
        false => Err(Failure::Usage(format!(
            "{place}: an id is made of lower-case letters, digits, _ and -, which {id:?} is not"
        ))),
    }
}

fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
}

/// Finds the provider of this name.
///
/// # Errors
/// [`ErrorKind::NotFound`], which names the most similar provider and all others.
pub(crate) fn descriptor(registry: &Registry, name: &str) -> Result<&'static ProviderDescriptor, Error> {
    // The registry's own error is for whoever writes a program.
    registry.descriptor(name).map_err(|_| {
        let similar = registry.similar(name);
        let hint = similar.map_or_else(String::new, |provider| format!(" (is {} meant?)", provider.id));
        let all: Vec<String> = registry
            .providers()
            .map(|provider| format!("{} ({})", provider.id, provider.display_name))
            .collect();
        let message = format!("there is no provider {name:?}{hint}; this program has: {}", all.join(", "));
        Error::new(ErrorKind::NotFound, message).with_next_step("`asq providers` lists them")
    })
}
