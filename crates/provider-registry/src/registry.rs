//! The registry of providers, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use provider_core::{
    Capability, ConfigField, ConfigValues, Error, ErrorKind, LlmProvider, ProviderContext,
    ProviderDescriptor, linked_providers,
};
use provider_layers::{StandardSettings, standard};

use crate::similarity::MIN_SIMILARITY;

/// The providers a host offers, sorted by id.
///
/// [`discover`](Self::discover) finds the providers of all linked crates. [`register`](Self::register) adds
/// one by hand, for programs that do not rely on the linker.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    providers: BTreeMap<&'static str, &'static ProviderDescriptor>,
    context: ProviderContext,
}

impl Registry {
    /// A registry without providers.
    pub fn new() -> Self {
        Self::default()
    }

    /// A registry with the providers of all linked crates.
    ///
    /// A crate that is only listed in `Cargo.toml` is not linked: name it somewhere in the program, as in
    /// `use openrouter_provider as _;`. An empty registry is no error here; the error of an unknown name says
    /// what to do.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn discover() -> Result<Self, Error> {
        let mut registry = Self::new();
        for provider in linked_providers() {
            registry.register(provider)?;
        }
        Ok(registry)
    }

    /// Sets what the host shares among the providers that this registry connects: one HTTP client, limits, a
    /// source of keys. Settings count before it. Default: an empty context, so that each provider makes its
    /// own.
    ///
    /// A registry is cheap to clone: a host whose workspaces share less than all of it gives each its own.
    #[must_use]
    pub fn context(mut self, context: ProviderContext) -> Self {
        self.context = context;
        self
    }

    /// The context that providers of this registry are connected with. A host whose workspaces share less
    /// than all of it goes on from here:
    /// `registry.clone().context(registry.provider_context().clone().with(client))`.
    pub fn provider_context(&self) -> &ProviderContext {
        &self.context
    }

    /// Adds a provider.
    ///
    /// # Errors
    /// [`ErrorKind::Duplicate`] when its id or its display name is taken, [`ErrorKind::Config`] when its id
    /// is not made of lower-case letters, digits, `_` and `-`.
    pub fn register(&mut self, provider: &'static ProviderDescriptor) -> Result<(), Error> {
        check_id("a provider's id", provider.id)?;
        let taken = [provider.id, provider.display_name].into_iter().find_map(|name| self.find(name));
        if let Some(other) = taken {
            if std::ptr::eq(other, provider) {
                let message = format!("{} is registered already", provider.id);
                return Err(Error::new(ErrorKind::Duplicate, message).with_provider(provider.id));
            }
            let message = format!(
                "two providers are called {} ({}) and {} ({}); link or register only one of them",
                other.id, other.display_name, provider.id, provider.display_name
            );
            return Err(Error::new(ErrorKind::Duplicate, message).with_provider(provider.id));
        }
        self.providers.insert(provider.id, provider);
        Ok(())
    }

    /// The providers, sorted by id.
    pub fn providers(&self) -> impl Iterator<Item = &'static ProviderDescriptor> {
        self.providers.values().copied()
    }

    /// The providers with a capability, sorted by id.
    pub fn providers_with(
        &self,
        capability: Capability,
    ) -> impl Iterator<Item = &'static ProviderDescriptor> {
        self.providers().filter(move |provider| provider.capabilities.has(capability))
    }

    /// Finds a provider by its id or its display name, in any case.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], which lists the registered providers and says how to link more.
    pub fn descriptor(&self, name: &str) -> Result<&'static ProviderDescriptor, Error> {
        self.find(name).ok_or_else(|| self.unknown(name))
    }

    /// Finds the provider whose id or display name is most similar to an unknown name, in any case: an error
    /// can suggest it. `None` if none is similar.
    pub fn similar(&self, name: &str) -> Option<&'static ProviderDescriptor> {
        let wanted = name.trim().to_lowercase();
        let similarity = |provider: &ProviderDescriptor| {
            let like = |name: &str| strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase());
            like(provider.id).max(like(provider.display_name))
        };
        let rated = self.providers().map(|provider| (similarity(provider), provider));
        let similar = rated.filter(|(similarity, _)| *similarity >= MIN_SIMILARITY);
        similar.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, provider)| provider)
    }

    /// Checks that these providers are registered, for example at start-up.
    ///
    /// # Errors
    /// As [`descriptor`](Self::descriptor), for the first that is missing.
    pub fn require(&self, names: &[&str]) -> Result<(), Error> {
        names.iter().try_for_each(|name| self.descriptor(name).map(drop))
    }

    /// The settings of a provider in the order of a form: its own, then those of the
    /// [layers](provider_layers::FIELDS) that [`connect`](Self::connect) puts around it.
    ///
    /// # Errors
    /// As [`descriptor`](Self::descriptor).
    pub fn fields(&self, name: &str) -> Result<Vec<ConfigField>, Error> {
        Ok(fields(self.descriptor(name)?))
    }

    /// Connects a provider with settings by key, and puts the [standard layers](provider_layers::standard)
    /// around it: retries and timeouts. [`fields`](Self::fields) lists the keys. Connecting sends nothing,
    /// and reads `values` alone: for defaults from the environment, use [`ConfigValues::or`].
    ///
    /// [`ProviderDescriptor::connect`] connects a provider without layers.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown name, [`ErrorKind::Config`] with every problem of every setting
    /// at once.
    pub fn connect(
        &self,
        name: &str,
        values: impl Into<ConfigValues>,
    ) -> Result<Arc<dyn LlmProvider>, Error> {
        let (descriptor, values) = (self.descriptor(name)?, values.into());
        let fields = fields(descriptor);
        let problems = values.problems_in(&fields, &self.context);
        if !problems.is_empty() {
            return Err(Error::config(descriptor.id, problems));
        }
        let provider = descriptor.connect_with(&values.only(descriptor.fields), &self.context)?;
        let layers = fields.get(descriptor.fields.len()..).unwrap_or_default();
        Ok(standard(provider, &StandardSettings::from_values(&values.only(layers))?))
    }

    fn find(&self, name: &str) -> Option<&'static ProviderDescriptor> {
        let name = name.trim();
        self.providers().find(|provider| {
            provider.id.eq_ignore_ascii_case(name)
                || provider.display_name.to_lowercase() == name.to_lowercase()
        })
    }

    fn unknown(&self, name: &str) -> Error {
        let linked: Vec<String> =
            self.providers().map(|provider| format!("{} ({})", provider.id, provider.display_name)).collect();
        let linked = if linked.is_empty() { "none".to_owned() } else { linked.join(", ") };
        let hint =
            self.similar(name).map_or_else(String::new, |one| format!(" (did you mean {:?}?)", one.id));
        // The crate's name by convention, if the given name can be part of one.
        let word: String = name
            .trim()
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let word = if word.starts_with(|c: char| c.is_ascii_lowercase()) { &word } else { "acme" };
        let message = format!(
            "provider {name:?} is not registered{hint}; registered are: {linked}. A crate that is only listed in Cargo.toml is \
             not linked in: name it in the program, as in `use {word}_provider as _;`, or register it by hand"
        );
        Error::new(ErrorKind::NotFound, message)
    }
}

/// The settings of a provider, then those of the layers. If both have a key, the provider's counts.
fn fields(provider: &ProviderDescriptor) -> Vec<ConfigField> {
    let is_its_own = |key| provider.fields.iter().any(|field| field.key == key);
    let layers = provider_layers::FIELDS.iter().filter(|field| !is_its_own(field.key));
    provider.fields.iter().chain(layers).copied().collect()
}

/// Checks the id of a provider or an instance, which stands in front of the colon of a model reference.
pub(crate) fn check_id(what: &str, id: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if !id.is_empty() && id.chars().all(fits) {
        return Ok(());
    }
    let message = format!("{what} is made of lower-case letters, digits, _ and -, which {id:?} is not");
    Err(Error::new(ErrorKind::Config, message))
}
