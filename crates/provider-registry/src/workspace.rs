//! A workspace's configured providers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use provider_core::{ConfigValues, Error, ErrorKind, LlmProvider};
use provider_layers::{CatalogueCache, CatalogueCacheSettings};

use crate::registry::check_id;
use crate::{Instance, Registry, SelectedModel, resolve};

/// The providers a workspace has configured, with its own keys. Workspaces share nothing.
#[derive(Debug)]
pub struct Workspace {
    id: String,
    instances: BTreeMap<String, Instance>,
    catalogue_lifetime: Duration,
    catalogue_dir: Option<PathBuf>,
}

impl Workspace {
    /// A workspace without providers. Its id is the host's: it is shown, and names the files of
    /// [`catalogue_dir`](Self::catalogue_dir).
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            instances: BTreeMap::new(),
            catalogue_lifetime: Duration::from_secs(300),
            catalogue_dir: None,
        }
    }

    /// Sets how long a fetched catalogue counts as today's, for the providers that are added from now on.
    /// Default: 5 minutes.
    ///
    /// For a day after that it is still returned, while a new one is fetched; an older one is not. Zero: it
    /// is fetched anew every time.
    #[must_use]
    pub fn catalogue_lifetime(mut self, lifetime: Duration) -> Self {
        self.catalogue_lifetime = lifetime;
        self
    }

    /// Keeps the catalogues in this folder, too, for the providers that are added from now on: they are there
    /// after a restart, and when a service is not. Each has a file of its own, named after the workspace and
    /// the provider instance, so workspaces can share the folder. Default: they are kept in memory only.
    ///
    /// A file outlives the instance. Give another id to one with other settings, if its models are others.
    #[must_use]
    pub fn catalogue_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.catalogue_dir = Some(path.into());
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

    /// Adds a provider under an id of its own: lower-case letters, digits, `_` and `-`. It is connected as by
    /// [`Registry::connect`], with retries and timeouts around it, for which `values` may have settings, too.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown provider, [`ErrorKind::Config`] with every problem of every
    /// setting at once, [`ErrorKind::Duplicate`] when the id is taken.
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

    /// Adds a provider that is connected already, as it is: what layers it has is up to the caller.
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
        // No failure is remembered: a user who selects a model once more wants to know what is true now.
        let mut settings =
            CatalogueCacheSettings::default().max_age(self.catalogue_lifetime).negative_ttl(Duration::ZERO);
        if let Some(folder) = &self.catalogue_dir {
            settings = settings.disk(folder.join(file_name(&self.id, id)));
        }
        let instance = Instance::new(id.to_owned(), CatalogueCache::new(provider, settings));
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
    /// * `openrouter:openai/gpt-4o`: the model of that provider instance. Split at the first colon, and only
    ///   if what is before it is an instance (or the kind of exactly one); the rest is the model's id, byte
    ///   for byte.
    /// * `openai/gpt-4o`: the model that exactly one catalogue lists under exactly this id. If none does, the
    ///   one provider that accepts ids it does not list. `openai` is the model's author there, never a
    ///   provider.
    /// * `openrouter/openai/gpt-4o`: accepted as a courtesy when no catalogue lists it and two slashes are in
    ///   it.
    ///
    /// Nothing is guessed from a model's name. Nor does a model move when a catalogue cannot be fetched: what
    /// only a provider that does not answer may have is an error, and goes to no other.
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`] with the unambiguous forms, [`ErrorKind::NotFound`] with up to three similar
    /// ids, or why a catalogue that was needed could not be fetched.
    pub async fn model(&self, text: &str) -> Result<SelectedModel, Error> {
        resolve::model(self, text).await
    }
}

/// The name of an instance's file. Different ids have different names, on file systems that take `A` for `a`
/// as well, and none is a name that a system keeps for itself.
fn file_name(workspace: &str, instance: &str) -> String {
    let mut name = "models-".to_owned();
    for byte in workspace.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    // An instance's id is made of such characters anyway, and has no dot.
    format!("{name}.{instance}.json")
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn every_instance_has_a_file_of_its_own() {
        let cases = [
            ("acme", "openrouter", "models-acme.openrouter.json"),
            ("Acme", "openrouter", "models-%41cme.openrouter.json"),
            ("%41cme", "openrouter", "models-%2541cme.openrouter.json"),
            ("acme.x", "y", "models-acme%2ex.y.json"),
            ("../acme", "x", "models-%2e%2e%2facme.x.json"),
            ("a\\b:c", "x", "models-a%5cb%3ac.x.json"),
            ("ü\0", "x", "models-%c3%bc%00.x.json"),
            ("", "con", "models-.con.json"),
        ];
        for (workspace, instance, name) in cases {
            assert_eq!(file_name(workspace, instance), name);
        }
    }
}
