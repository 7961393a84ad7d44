//! The catalogues of the connected providers as one.

use std::ptr;
use std::time::Duration;

use futures_util::future::join_all;
use provider_core::{Catalogue, Error, Model, ModelQuery};
use provider_registry::Instance;

use crate::connect::Host;

/// The longest wait for a catalogue where another provider has one to show.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The catalogues of all providers.
#[derive(Debug)]
pub(super) struct Lists {
    /// The models of one provider after those of another.
    catalogue: Catalogue,
    /// The provider of each model.
    owners: Vec<String>,
    failed: Vec<(String, Error)>,
}

impl Lists {
    /// Fetches the catalogues at the same time. Of several providers, each has [`TIMEOUT`] for its own.
    ///
    /// # Errors
    /// The first error, if no catalogue can be had.
    pub(super) async fn fetch(host: &Host) -> Result<Self, Error> {
        let fetch = |instance: &'_ Instance| {
            let (id, cache) = (instance.id().to_owned(), instance.catalogue_cache().clone());
            let is_bounded = host.has_several();
            async move {
                let cached = if is_bounded { cache.get_within(TIMEOUT).await } else { cache.get().await };
                let list = cached.map(|cached| cached.catalogue).map_err(|error| error.with_provider(&id));
                (id, list)
            }
        };
        let (mut models, mut owners, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        let mut is_known = false;
        for (id, list) in join_all(host.instances().map(fetch)).await {
            match list {
                Ok(list) => {
                    is_known = true;
                    owners.extend(std::iter::repeat_n(id, list.models.len()));
                    models.extend(list.models.iter().cloned());
                }
                Err(error) => failed.push((id, error)),
            }
        }
        failed.extend(host.unready().map(|(id, error)| (id.to_owned(), error.clone())));
        match failed.pop() {
            Some((_, last)) if !is_known => Err(failed.into_iter().next().map_or(last, |(_, first)| first)),
            last => {
                failed.extend(last);
                Ok(Self { catalogue: Catalogue::new(models, None), owners, failed })
            }
        }
    }

    /// All models.
    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The models that a query wants, in its order, each behind the provider that has it.
    pub(super) fn select(&self, query: &ModelQuery) -> Vec<(&str, &Model)> {
        let owned = |model: &&Model| self.catalogue.models.iter().position(|other| ptr::eq(other, *model));
        let selected = self.catalogue.select(query).into_iter();
        selected.filter_map(|model| Some((self.owners.get(owned(&model)?)?.as_str(), model))).collect()
    }

    /// The providers whose catalogue cannot be had, each with its error.
    pub(super) fn failed(&self) -> impl Iterator<Item = (&str, &Error)> {
        self.failed.iter().map(|(id, error)| (id.as_str(), error))
    }
}
