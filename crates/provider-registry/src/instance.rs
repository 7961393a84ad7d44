//! A configured provider of a workspace.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use provider_core::{Catalogue, Error, LlmProvider, ProviderDescriptor};

use crate::{Listing, SelectedModel};

/// A provider with the settings of one workspace. There can be several of one kind, told apart by their ids.
#[derive(Debug)]
pub struct Instance {
    id: String,
    provider: Arc<dyn LlmProvider>,
    catalogue: Mutex<Option<(Instant, Arc<Catalogue>)>>,
    catalogue_lifetime: Duration,
}

impl Instance {
    pub(crate) fn new(id: String, provider: Arc<dyn LlmProvider>, catalogue_lifetime: Duration) -> Self {
        Self { id, provider, catalogue: Mutex::default(), catalogue_lifetime }
    }

    /// The id inside the workspace.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What kind of provider it is.
    pub fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    /// The provider itself.
    pub fn provider(&self) -> &Arc<dyn LlmProvider> {
        &self.provider
    }

    /// A model of this provider, by its id alone. Nothing is looked up, and the id is taken as it is.
    pub fn model(&self, id: impl Into<String>) -> SelectedModel {
        SelectedModel::new(self, id.into(), Listing::NotChecked)
    }

    /// The provider's models: those fetched last, unless they are older than the workspace allows
    /// ([`Workspace::catalogue_lifetime`](crate::Workspace::catalogue_lifetime)).
    ///
    /// # Errors
    /// When the list has to be fetched and cannot be.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, Error> {
        if let Some(catalogue) = self.cached() {
            return Ok(catalogue);
        }
        let models = self.provider.models().await;
        let catalogue = Arc::new(models.map_err(|error| error.with_provider(&self.id))?);
        // The lock guards a plain value: whoever panicked while holding it left it whole.
        let mut cache = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        *cache = Some((Instant::now(), catalogue.clone()));
        Ok(catalogue)
    }

    /// Forgets the fetched models, so that the next one who asks gets today's.
    pub fn forget_catalogue(&self) {
        *self.catalogue.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn cached(&self) -> Option<Arc<Catalogue>> {
        let cache = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        cache
            .as_ref()
            .filter(|(fetched, _)| fetched.elapsed() < self.catalogue_lifetime)
            .map(|(_, list)| list.clone())
    }
}
