//! A configured provider of a workspace.

use std::sync::Arc;
use std::time::Duration;

use provider_core::{Catalogue, Error, LlmProvider, ProviderDescriptor};
use provider_layers::CatalogueCache;

/// A provider with the settings of one workspace. A workspace can have several of one kind, with different
/// ids. Cheap to clone: clones share the provider and its catalogue.
#[derive(Clone, Debug)]
pub struct Instance {
    id: String,
    provider: Arc<dyn LlmProvider>,
    catalogue: Arc<CatalogueCache>,
}

impl Instance {
    pub(crate) fn new(id: String, catalogue: CatalogueCache) -> Self {
        Self { id, provider: catalogue.provider().clone(), catalogue: Arc::new(catalogue) }
    }

    /// The id in the workspace.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The kind of provider.
    pub fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    /// The provider, with its layers.
    pub fn provider(&self) -> &Arc<dyn LlmProvider> {
        &self.provider
    }

    /// The provider's models: those that were fetched last, if they are young enough for the workspace
    /// ([`Workspace::catalogue_lifetime`](crate::Workspace::catalogue_lifetime)), or else newly fetched ones.
    ///
    /// # Errors
    /// When fetching the list fails.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, Error> {
        let cached = self.catalogue.get().await;
        cached.map(|cached| cached.catalogue).map_err(|error| error.with_provider(&self.id))
    }

    /// The same, but waits no longer than that: an older list is better than none then.
    pub(crate) async fn catalogue_within(&self, wait: Duration) -> Result<Arc<Catalogue>, Error> {
        let cached = self.catalogue.get_within(wait).await;
        cached.map(|cached| cached.catalogue).map_err(|error| error.with_provider(&self.id))
    }

    /// The cache of the models, which knows their age and the last failure, and can fetch new ones.
    pub fn catalogue_cache(&self) -> &Arc<CatalogueCache> {
        &self.catalogue
    }

    /// Drops the fetched models, so that the next call fetches them again.
    pub fn forget_catalogue(&self) {
        self.catalogue.forget();
    }
}
