//! A workspace and its configured providers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use provider_core::{ConfigValues, Error, ErrorKind, LlmProvider};
use provider_layers::{CatalogueCache, CatalogueCacheSettings};

use crate::registry::check_id;
use crate::{Instance, Registry};

/// The configured providers of a workspace, with its own keys. Workspaces share nothing.
#[derive(Debug)]
pub struct Workspace {
    id: String,
    instances: BTreeMap<String, Instance>,
    catalogue_lifetime: Duration,
    catalogue_dir: Option<PathBuf>,
    pub(crate) catalogue_wait: Duration,
    pub(crate) unlisted_models: Option<String>,
}

impl Workspace {
    /// A workspace without providers. The host chooses its id, which is in messages and in the file names of
    /// [`catalogue_dir`](Self::catalogue_dir).
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            instances: BTreeMap::new(),
            catalogue_lifetime: Duration::from_secs(300),
            catalogue_dir: None,
            catalogue_wait: Duration::from_secs(3),
            unlisted_models: None,
        }
    }

    /// Sets how long a fetched catalogue is fresh, for providers that are added afterwards. Default: 5
    /// minutes. With zero, each call fetches it.
    ///
    /// For a day after that it is stale: it is still returned, while a new one is fetched.
    #[must_use]
    pub fn catalogue_lifetime(mut self, lifetime: Duration) -> Self {
        self.catalogue_lifetime = lifetime;
        self
    }

    /// Stores catalogues in this folder, too, for providers that are added afterwards, so that they are there
    /// after a restart and while a service is down. Workspaces can share a folder: workspace and instance are
    /// in the name of a file. Default: memory alone.
    ///
    /// A file outlives its instance. An instance with other settings and other models needs another id.
    #[must_use]
    pub fn catalogue_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.catalogue_dir = Some(path.into());
        self
    }

    /// Sets how long a [selection](Self::model) waits for the catalogues of its providers. One that is not
    /// there by then counts as missing, and so does one whose fetch has just failed: see
    /// [`FAILURE_TTL`](Self::FAILURE_TTL). Default: 3 s.
    #[must_use]
    pub fn catalogue_wait(mut self, wait: Duration) -> Self {
        self.catalogue_wait = wait;
        self
    }

    /// Names the provider, by its id in this workspace, that gets an id that no catalogue lists and no
    /// provider claims. Default: none, so that a mistyped id of a local model goes to no service that bills
    /// it. A workspace with one provider needs none: that one gets whatever it accepts.
    #[must_use]
    pub fn unlisted_models(mut self, provider: impl Into<String>) -> Self {
        self.unlisted_models = Some(provider.into());
        self
    }

    /// How long a failed fetch of a catalogue counts, so that a provider that is down holds up one selection
    /// and not each of them. [`CatalogueCache::refresh`] tries again at once.
    pub const FAILURE_TTL: Duration = Duration::from_secs(10);

    /// The workspace's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Adds a provider under its own id. [`add_as`](Self::add_as) adds a second one of a kind.
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

    /// Adds a provider under an id of your own: lower-case letters, digits, `_` and `-`.
    /// [`Registry::connect`] connects it, with retries and timeouts around it, whose settings `values` may
    /// have, too.
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

    /// Adds a connected provider unchanged; its layers are the caller's choice.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the id is invalid, [`ErrorKind::Duplicate`] when it is taken.
    pub fn add_provider(&mut self, id: &str, provider: Arc<dyn LlmProvider>) -> Result<&Instance, Error> {
        check_id("the id of a configured provider", id)?;
        self.check_free(id)?;
        let mut settings = CatalogueCacheSettings::default()
            .max_age(self.catalogue_lifetime)
            .negative_ttl(Self::FAILURE_TTL);
        if let Some(folder) = &self.catalogue_dir {
            settings = settings.disk(folder.join(file_name(&self.id, id)));
        }
        let instance = Instance::new(id.to_owned(), CatalogueCache::new(provider, settings));
        Ok(self.instances.entry(id.to_owned()).or_insert(instance))
    }

    /// Adds an instance that exists, under its id, with the catalogue that it has fetched. A host that builds
    /// a workspace anew after one provider changed keeps the others so; the instance keeps the catalogue
    /// settings of the workspace that it was made in.
    ///
    /// # Errors
    /// [`ErrorKind::Duplicate`] when the id is taken.
    pub fn add_instance(&mut self, instance: Instance) -> Result<&Instance, Error> {
        self.check_free(instance.id())?;
        Ok(self.instances.entry(instance.id().to_owned()).or_insert(instance))
    }

    /// Removes a provider and returns it; `None` if there is none of this id.
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
    /// [`ErrorKind::NotFound`], which lists the configured ids.
    pub fn instance(&self, id: &str) -> Result<&Instance, Error> {
        self.instances.get(id).ok_or_else(|| {
            let ids: Vec<&str> = self.instances.keys().map(String::as_str).collect();
            let ids = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
            let message = format!("workspace {:?} has no provider called {id:?}; it has: {ids}", self.id);
            Error::new(ErrorKind::NotFound, message)
        })
    }

    fn check_free(&self, id: &str) -> Result<(), Error> {
        if !self.instances.contains_key(id) {
            return Ok(());
        }
        let message = format!(
            "workspace {:?} has a provider called {id:?} already; give the new one another id with `add_as`, or \
             remove the old one",
            self.id
        );
        Err(Error::new(ErrorKind::Duplicate, message).with_provider(id))
    }
}

/// The file name of an instance's catalogue. Different ids have different names, also on file systems that
/// ignore case, and no name is reserved on any system.
fn file_name(workspace: &str, instance: &str) -> String {
    let mut name = "models-".to_owned();
    for byte in workspace.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    // An instance's id has such characters alone, and no dot.
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
