//! Selects models in the workspace of a host, and explains the errors of unknown ones.

use std::time::Duration;

use provider_core::{Error, ErrorKind};
use provider_registry::{Instance, ModelRef, SelectedModel};
use tokio::time::timeout;

use super::Host;
use crate::output::text;

/// The longest wait for the list of models where it only helps.
const CATALOGUE_TIMEOUT: Duration = Duration::from_secs(3);

impl Host {
    /// The model that a text means, by the rules of `Workspace::model`.
    ///
    /// With one provider, the host fetches the list of models only where it decides: whether the provider's
    /// name in front of a slash is part of the id, and which models there are where the provider accepts no
    /// others. For the former, it waits no longer than [`CATALOGUE_TIMEOUT`]. With several providers, their
    /// lists decide about an id without a provider in front.
    ///
    /// # Errors
    /// Those of `Workspace::model`.
    pub(crate) async fn model(&self, text: &str) -> Result<SelectedModel, Error> {
        if let Some(error) = self.needs_unready(text) {
            return Err(error);
        }
        let selected = if self.is_offline {
            self.workspace.model_offline(text).or_else(|error| self.unlisted(text, error))?
        } else if self.has_several() {
            self.workspace.model(text).await?
        } else {
            match self.workspace.model_offline(text) {
                Ok(selected) if selected.was_rewritten_from().is_none() => selected,
                Ok(rewritten) => {
                    let listed = timeout(CATALOGUE_TIMEOUT, self.workspace.model(text)).await;
                    listed.unwrap_or(Ok(rewritten))?
                }
                Err(_) => self.workspace.model(text).await?,
            }
        };
        if selected.was_rewritten_from().is_some() {
            self.output.note(&format!("{text} is taken for {}, the id without the provider", selected.id()));
        }
        Ok(selected)
    }

    /// The error of a model that is one of a provider that is not connected, or may be: without a provider in
    /// front, the lists of all decide.
    fn needs_unready(&self, text: &str) -> Option<Error> {
        let named = text.split_once(':').map(|(id, _)| id);
        if let Some((_, error)) = self.unready().find(|(id, _)| Some(*id) == named) {
            return Some(error.clone());
        }
        let is_named = self.instances().any(|one| Some(one.id()) == named);
        let (_, error) = self.unready().next().filter(|_| !is_named)?;
        let form = self.instances().next().map(|one| ModelRef::new(one.id(), text).to_string())?;
        let step = error.next_step().unwrap_or_default();
        Some(
            error
                .clone()
                .with_next_step(format!("{step}; or name a provider that is connected, as in {form}")),
        )
    }

    /// The model of an id that only lists of models could place, where the host fetches none: that of the
    /// only provider.
    ///
    /// # Errors
    /// With several providers, the forms that name one.
    fn unlisted(&self, text: &str, error: Error) -> Result<SelectedModel, Error> {
        // An error without a provider is about the text itself.
        if error.provider().is_none() {
            return Err(error);
        }
        let instances: Vec<&Instance> = self.instances().collect();
        if let [one] = instances.as_slice() {
            return Ok(one.model(text));
        }
        let forms: Vec<String> =
            instances.iter().map(|one| ModelRef::new(one.id(), text).to_string()).collect();
        let message = format!(
            "--dry-run fetches no list of models, so the provider of {text:?} has to be named: write {}",
            forms.join(" or ")
        );
        Err(Error::new(ErrorKind::Ambiguous, message).with_model(text))
    }

    /// Tells of a model that its provider does not list, with similar ones: it may be a slip. If there is no
    /// list within [`CATALOGUE_TIMEOUT`], nothing is told.
    pub(crate) async fn check_listed(&self, model: &SelectedModel) {
        let reference = model.reference();
        let Ok(instance) = self.instance(&reference.provider) else { return };
        let Ok(Ok(catalogue)) = timeout(CATALOGUE_TIMEOUT, instance.catalogue()).await else { return };
        if catalogue.find(model.id()).is_some() || instance.descriptor().claims_model(model.id()) {
            return;
        }
        let unlisted = Error::new(ErrorKind::ModelNotFound, "").with_provider(&reference.provider);
        let similar = instance.model(model.id()).explained(unlisted);
        let similar = similar.next_step().map_or_else(String::new, |step| format!("; {step}"));
        let told = format!("{} is not in the list of {}{similar}", model.id(), reference.provider);
        self.output.note(&self.output.err.yellow(text::one_line(&told)).to_string());
    }

    /// Adds models with similar names to the error of an unknown model. The first such error of a provider
    /// fetches its list of models, and waits no longer than [`CATALOGUE_TIMEOUT`].
    pub(crate) async fn explained(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::ModelNotFound || error.next_step().is_some() {
            return error;
        }
        let Some(instance) = error.provider().and_then(|id| self.instance(id).ok()) else { return error };
        let Some(model) = error.model().map(|id| instance.model(id)) else { return error };
        if let Some(connected) = self.connected.iter().find(|one| one.id == instance.id()) {
            // Without the list, the error stays as it is.
            let ask = async { drop(timeout(CATALOGUE_TIMEOUT, Instance::catalogue(instance)).await) };
            connected.catalogue_asked.get_or_init(|| ask).await;
        }
        model.explained(error)
    }
}
