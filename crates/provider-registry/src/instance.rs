//! A configured provider of a workspace.

use std::sync::Arc;

use provider_core::{Catalogue, Error, LlmProvider, ProviderDescriptor};
use provider_layers::CatalogueCache;

use crate::{Listing, SelectedModel};

/// A provider with the settings of one workspace. There can be several of one kind, told apart by their ids.
#[derive(Debug)]
pub struct Instance {
    id: String,
    provider: Arc<dyn LlmProvider>,
    catalogue: Arc<CatalogueCache>,
}

impl Instance {
    pub(crate) fn new(id: String, catalogue: CatalogueCache) -> Self {
        Self { id, provider: catalogue.provider().clone(), catalogue: Arc::new(catalogue) }
    }

    /// The id inside the workspace.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What kind of provider it is.
    pub fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    /// The provider, with the layers that are around it.
    pub fn provider(&self) -> &Arc<dyn LlmProvider> {
        &self.provider
    }

    /// A model of this provider, by its id alone. Nothing is looked up, and the id is taken as it is.
    pub fn model(&self, id: impl Into<String>) -> SelectedModel {
        SelectedModel::new(self, id.into(), Listing::NotChecked)
    }

    /// The provider's models: those that were fetched last, if the workspace takes them for good enough
    /// ([`Workspace::catalogue_lifetime`](crate::Workspace::catalogue_lifetime)), or else those of now.
    ///
    /// # Errors
    /// When the list has to be fetched and cannot be.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, Error> {
        let cached = self.catalogue.get().await;
        cached.map(|cached| cached.catalogue).map_err(|error| error.with_provider(&self.id))
    }

    /// Where the models are kept: how old they are, why there are no newer ones, and how to have some
    /// fetched.
    pub fn catalogue_cache(&self) -> &Arc<CatalogueCache> {
        &self.catalogue
    }

    /// Forgets the fetched models, so that the next one who asks gets today's.
    pub fn forget_catalogue(&self) {
        self.catalogue.forget();
    }
}
