//! A workspace's configured providers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use provider_core::{ConfigValues, Error, ErrorKind, LlmProvider};

use crate::registry::check_id;
use crate::{Instance, Registry, SelectedModel, resolve};

/// The providers a workspace has configured, with its own keys. Workspaces share nothing.
#[derive(Debug)]
pub struct Workspace {
    id: String,
    instances: BTreeMap<String, Instance>,
    catalogue_lifetime: Duration,
}

impl Workspace {
    /// A workspace without providers. Its id is the host's; it is only shown.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), instances: BTreeMap::new(), catalogue_lifetime: Duration::from_secs(300) }
    }

    /// Sets how long a fetched catalogue is used, for the providers that are added from now on. Default: 5 minutes.
    #[must_use]
    pub fn catalogue_lifetime(mut self, lifetime: Duration) -> Self {
        self.catalogue_lifetime = lifetime;
        self
    }

    /// The workspace's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Adds a provider under its own id. For a second one of a kind, see [`add_as`](Self::add_as).
    ///
    /// # Errors
    /// As [`add_as`](Self::add_as).
    pub fn add(
        &mut self,
        registry: &Registry,
        provider: &str,
        values: impl Into<ConfigValues>,
    ) -> Result<&Instance, Error> {
        let id = registry.descriptor(provider)?.id;
        self.add_as(id, registry, provider, values)
    }

    /// Adds a provider under an id of its own: lower-case letters, digits, `_` and `-`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown provider, [`ErrorKind::Config`] with every problem of every setting at once,
    /// [`ErrorKind::Duplicate`] when the id is taken.
    pub fn add_as(
        &mut self,
        id: &str,
        registry: &Registry,
        provider: &str,
        values: impl Into<ConfigValues>,
    ) -> Result<&Instance, Error> {
        let provider = registry.connect(provider, values)?;
        self.add_provider(id, provider)
    }

    /// Adds a provider that is connected already, one with layers around it for example.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the id cannot be one, [`ErrorKind::Duplicate`] when it is taken.
    pub fn add_provider(&mut self, id: &str, provider: Arc<dyn LlmProvider>) -> Result<&Instance, Error> {
        check_id("the id of a configured provider", id)?;
        if self.instances.contains_key(id) {
            let message = format!(
                "workspace {:?} has a provider called {id:?} already; give the new one another id with `add_as`, or \
                 remove the old one",
                self.id
            );
            return Err(Error::new(ErrorKind::Duplicate, message).with_provider(id));
        }
        let instance = Instance::new(id.to_owned(), provider, self.catalogue_lifetime);
        Ok(self.instances.entry(id.to_owned()).or_insert(instance))
    }

    /// Takes a provider out; `None` when there is none of that id.
    pub fn remove(&mut self, id: &str) -> Option<Instance> {
        self.instances.remove(id)
    }

    /// The configured providers, sorted by id.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// The configured provider of this id.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], which lists the ids there are.
    pub fn instance(&self, id: &str) -> Result<&Instance, Error> {
        self.instances.get(id).ok_or_else(|| {
            let ids: Vec<&str> = self.instances.keys().map(String::as_str).collect();
            let ids = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
            let message = format!("workspace {:?} has no provider called {id:?}; it has: {ids}", self.id);
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// Finds the model that a text refers to, as an agent node has it.
    ///
    /// * `openrouter:openai/gpt-4o`: the model of that provider instance. Split at the first colon, and only if what is
    ///   before it is an instance (or the kind of exactly one); the rest is the model's id, byte for byte.
    /// * `openai/gpt-4o`: the model that exactly one catalogue lists under exactly this id. If none does, the one provider
    ///   that accepts ids it does not list. `openai` is the model's author there, never a provider.
    /// * `openrouter/openai/gpt-4o`: accepted as a courtesy when no catalogue lists it and two slashes are in it.
    ///
    /// Nothing is guessed from a model's name. Nor does a model move when a catalogue cannot be fetched: what only a
    /// provider that does not answer may have is an error, and goes to no other.
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`] with the unambiguous forms, [`ErrorKind::NotFound`] with up to three similar ids, or why a
    /// catalogue that was needed could not be fetched.
    pub async fn model(&self, text: &str) -> Result<SelectedModel, Error> {
        resolve::model(self, text).await
    }
}
