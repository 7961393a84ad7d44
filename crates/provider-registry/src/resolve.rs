//! Resolves the text of a model reference to a model.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use provider_core::{Capability, Catalogue, Error, ErrorKind};

use crate::similarity::similar;
use crate::{Instance, ListedModel, Listing, ModelRef, SelectedModel, Workspace};

/// An instance, and its catalogue or the error of fetching it.
struct Candidate<'a> {
    instance: &'a Instance,
    catalogue: Result<Arc<Catalogue>, Error>,
}

impl<'a> Candidate<'a> {
    async fn ask(instance: &'a Instance, wait: Duration) -> Self {
        Self { instance, catalogue: instance.catalogue_within(wait).await }
    }

    /// The instance with the catalogue that is in memory.
    fn cached(instance: &'a Instance) -> Self {
        let missing = || Error::new(ErrorKind::NotFound, "they were not fetched");
        let cached = instance.catalogue_cache().peek().map(|cached| cached.catalogue);
        Self { instance, catalogue: cached.ok_or_else(missing) }
    }

    fn listing(&self, id: &str) -> Listing {
        match &self.catalogue {
            Ok(catalogue) => ListedModel::find(catalogue, id).map_or(Listing::Unlisted, Listing::Listed),
            Err(_) => Listing::NotChecked,
        }
    }

    fn lists(&self, id: &str) -> bool {
        self.catalogue.as_ref().is_ok_and(|catalogue| catalogue.find(id).is_some())
    }

    /// Whether it may know models that its catalogue does not list: the catalogue's word counts before the
    /// descriptor's.
    fn accepts_unlisted(&self) -> bool {
        let told = self.catalogue.as_ref().ok().and_then(|catalogue| catalogue.accepts_unlisted_models);
        told.unwrap_or(self.instance.descriptor().accepts_unlisted_models)
    }

    fn kind(&self) -> &'static str {
        self.instance.descriptor().id
    }

    fn select(&self, id: &str) -> SelectedModel {
        SelectedModel::new(self.instance, id.to_owned(), self.listing(id))
    }
}

impl Workspace {
    /// Finds the model of a model reference, which an agent node stores as text.
    ///
    /// * `openrouter:openai/gpt-4o`: the model of that provider instance. Split at the first colon, and only
    ///   if what is before it is an instance (or the kind of exactly one); the rest is the model's id, byte
    ///   for byte.
    /// * `openai/gpt-4o`: the model that exactly one catalogue lists under exactly this id. `openai` is the
    ///   model's author there, never a provider.
    /// * `openai/gpt-4o:nitro`, `@preset/x`: an id that no catalogue lists goes to the one provider that
    ///   [claims](provider_core::ProviderDescriptor::claims) it by a rule of its own.
    /// * `openrouter/openai/gpt-4o`, `local/llama3:8b`: accepted as a courtesy if no catalogue lists it, and
    ///   what is behind the provider can be a model of it: it has a slash, or that provider lists it.
    /// * Any other id that no catalogue lists: the provider of
    ///   [`unlisted_models`](Self::unlisted_models), or the only provider there is, if it accepts such ids.
    ///   Otherwise it goes nowhere.
    ///
    /// A model's name decides nothing else. A catalogue that is not there in
    /// [time](Self::catalogue_wait) holds up nobody: a model that another one lists is found without it, and
    /// one that only the missing provider may have is an error, and goes to no other provider.
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`] with the unambiguous forms, [`ErrorKind::NotFound`] with up to three similar
    /// ids, or the error of fetching a catalogue that is needed.
    pub async fn model(&self, text: &str) -> Result<SelectedModel, Error> {
        if let Some(selected) = by_name(self, text)? {
            return Ok(selected);
        }
        let ask = |instance| Candidate::ask(instance, self.catalogue_wait);
        let candidates = join_all(language_models(self).map(ask)).await;
        among(self, text, &candidates)
    }

    /// Finds the model as [`model`](Self::model) does, with the catalogues that are in memory: nothing is
    /// sent, and a catalogue that was not fetched is missing.
    ///
    /// In a workspace with one provider that accepts ids it does not list, a catalogue decides about
    /// `openrouter/openai/gpt-4o` alone, which is a rewritten id then
    /// ([`SelectedModel::was_rewritten_from`]).
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub fn model_offline(&self, text: &str) -> Result<SelectedModel, Error> {
        match by_name(self, text)? {
            Some(selected) => Ok(selected),
            None => among(self, text, &language_models(self).map(Candidate::cached).collect::<Vec<_>>()),
        }
    }
}

fn language_models(workspace: &Workspace) -> impl Iterator<Item = &Instance> {
    workspace.instances().filter(|instance| instance.descriptor().capabilities.has(Capability::Llm))
}

/// The model of a text that names its instance before a colon.
fn by_name(workspace: &Workspace, text: &str) -> Result<Option<SelectedModel>, Error> {
    if let Some((name, id)) = text.split_once(':') {
        match named(workspace, name, id)? {
            Some(_) if id.is_empty() => {
                let message = format!("{text:?} names no model after the colon");
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            // Behind its provider an id is whatever it is, white space included.
            Some(instance) => return Ok(Some(instance.model(id))),
            None => {}
        }
    }
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let message =
            format!("{text:?} is no model reference: write an id such as openai/gpt-4o, without white space");
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    Ok(None)
}

/// The model of a text that names no instance before a colon, by the catalogues of these candidates.
fn among(workspace: &Workspace, text: &str, candidates: &[Candidate<'_>]) -> Result<SelectedModel, Error> {
    match listing(text, candidates).as_slice() {
        [one] => return Ok(one.select(text)),
        [] => {}
        several => return Err(ambiguous(text, text, several.iter().map(|candidate| candidate.instance))),
    }
    let claiming = |candidate: &&Candidate<'_>| {
        candidate.accepts_unlisted() && candidate.instance.descriptor().claims_model(text)
    };
    match candidates.iter().filter(claiming).collect::<Vec<_>>().as_slice() {
        [] => {}
        [one] => return Ok(one.select(text)),
        several => return Err(ambiguous(text, text, several.iter().map(|candidate| candidate.instance))),
    }
    if let Some(selected) = behind_a_slash(workspace, text, candidates)? {
        return Ok(selected);
    }
    unlisted(workspace, text, candidates)
}

/// The model of a text such as `openrouter/openai/gpt-4o` or `local/llama3:8b`.
fn behind_a_slash(
    workspace: &Workspace,
    text: &str,
    candidates: &[Candidate<'_>],
) -> Result<Option<SelectedModel>, Error> {
    let Some((name, id)) = text.split_once('/').filter(|(_, id)| !id.is_empty()) else { return Ok(None) };
    let of = |instance: &Instance| candidates.iter().find(|one| one.instance.id() == instance.id());
    // `openai/gpt-4o` is an id, even where an instance is called `openai`, unless that one lists `gpt-4o` or
    // claims it.
    let is_model = |instance: &Instance| {
        id.contains('/')
            || instance.descriptor().claims_model(id)
            || of(instance).is_some_and(|found| found.lists(id))
    };
    let Some(instance) = named(workspace, name, id)?.filter(|instance| is_model(instance)) else {
        return Ok(None);
    };
    let selected = of(instance).map_or_else(|| instance.model(id), |found| found.select(id));
    Ok(Some(selected.rewritten_from(text)))
}

/// The model of an id that no catalogue lists and no provider claims.
fn unlisted(workspace: &Workspace, text: &str, candidates: &[Candidate<'_>]) -> Result<SelectedModel, Error> {
    let chosen = match (&workspace.unlisted_models, candidates) {
        (Some(id), _) => {
            let instance = workspace.instance(id)?;
            candidates.iter().find(|candidate| candidate.instance.id() == instance.id())
        }
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(chosen) = chosen.filter(|candidate| candidate.accepts_unlisted()) else {
        return Err(not_found(workspace, text, candidates));
    };
    // Another provider whose catalogue is missing may have the model: it must not go to this one for that.
    match silent(candidates).find(|(other, _)| other.id() != chosen.instance.id()) {
        Some((other, error)) => Err(untold(text, other, error)),
        None => Ok(chosen.select(text)),
    }
}

/// Finds an instance by its id, or by its kind if it is the only one of that kind.
fn named<'a>(workspace: &'a Workspace, name: &str, model: &str) -> Result<Option<&'a Instance>, Error> {
    if let Ok(instance) = workspace.instance(name) {
        return Ok(Some(instance));
    }
    let of_kind: Vec<&Instance> =
        workspace.instances().filter(|instance| instance.descriptor().id == name).collect();
    match of_kind.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(ambiguous(name, model, several.iter().copied())),
    }
}

/// The candidates that list a model, and those of the same kind whose catalogue is missing, which would. So
/// an ambiguous text stays ambiguous while one of them is down, and no call moves to the bill of another key.
fn listing<'a, 'b>(id: &str, candidates: &'b [Candidate<'a>]) -> Vec<&'b Candidate<'a>> {
    let kinds: Vec<&str> =
        candidates.iter().filter(|candidate| candidate.lists(id)).map(Candidate::kind).collect();
    let would = |candidate: &Candidate<'_>| candidate.catalogue.is_err() && kinds.contains(&candidate.kind());
    candidates.iter().filter(|candidate| candidate.lists(id) || would(candidate)).collect()
}

/// The instances whose catalogue is missing, each with its error.
fn silent<'a>(candidates: &'a [Candidate<'_>]) -> impl Iterator<Item = (&'a Instance, &'a Error)> {
    candidates.iter().filter_map(|candidate| Some((candidate.instance, candidate.catalogue.as_ref().err()?)))
}

/// The error of a model that no catalogue lists while the catalogue of this instance is missing.
fn untold(text: &str, instance: &Instance, error: &Error) -> Error {
    let message = format!(
        "the models of {:?} cannot be listed, so nobody knows whose {text:?} is ({}); write the provider in front, as in \
         {}",
        instance.id(),
        error.message(),
        ModelRef::new(instance.id(), text)
    );
    Error::new(error.kind(), message)
        .with_retry(error.retry())
        .with_provider(instance.id())
        .with_model(text)
        .with_source(error.clone())
}

fn ambiguous<'a>(text: &str, model: &str, instances: impl Iterator<Item = &'a Instance>) -> Error {
    let forms: Vec<String> =
        instances.map(|instance| ModelRef::new(instance.id(), model).to_string()).collect();
    let message = format!("{text:?} fits several providers; write one of: {}", forms.join(", "));
    Error::new(ErrorKind::Ambiguous, message).with_model(model)
}

fn not_found(workspace: &Workspace, text: &str, candidates: &[Candidate<'_>]) -> Error {
    if candidates.is_empty() {
        let message = format!(
            "workspace {:?} has no provider of language models; add one, then select {text:?}",
            workspace.id()
        );
        return Error::new(ErrorKind::NotFound, message).with_model(text);
    }
    if let Some((instance, error)) = silent(candidates).next() {
        return untold(text, instance, error);
    }
    let all = candidates.iter().flat_map(|candidate| {
        let models = candidate.catalogue.iter().flat_map(|catalogue| &catalogue.models);
        models.map(|model| (model.id.as_str(), candidate.instance.id()))
    });
    let like: Vec<String> = similar(text, all)
        .into_iter()
        .map(|(id, instance)| ModelRef::new(instance, id).to_string())
        .collect();
    let mut message = format!("no provider of this workspace has the model {text:?}");
    if let Some((name, id)) = text.split_once(':').filter(|(_, id)| !id.is_empty()) {
        let ids = candidates.iter().map(|candidate| (candidate.instance.id(), ()));
        if let Some((instance, ())) = similar(name, ids).first() {
            let meant = ModelRef::new(*instance, id);
            message.push_str(&format!("; {name:?} is no provider here, but {instance:?} is: write {meant}"));
        }
    }
    let open = candidates.iter().filter(|candidate| candidate.accepts_unlisted());
    // `nowhere:openai/gpt-4o` names a provider that is not there; `llama3:8b` is an id.
    let id = match text.split_once(':') {
        Some((name, id)) if !name.contains('/') && id.contains('/') => id,
        _ => text,
    };
    let forms: Vec<String> =
        open.map(|candidate| ModelRef::new(candidate.instance.id(), id).to_string()).collect();
    if !forms.is_empty() {
        message.push_str(&format!("; to try it without a list, write {}", forms.join(" or ")));
    }
    if !like.is_empty() {
        message.push_str(&format!("; similar: {}", like.join(", ")));
    }
    Error::new(ErrorKind::NotFound, message).with_model(text)
}
