//! From the text of a model reference to the model.

use std::sync::Arc;

use provider_core::{Catalogue, Error, ErrorKind};

use crate::{Instance, Listing, ModelRef, SelectedModel, Workspace};

/// How alike two ids must be for one to be offered for the other, from 0 to 1.
const SIMILAR: f64 = 0.6;

/// An instance, and its catalogue as far as it could be fetched.
struct Candidate<'a> {
    instance: &'a Instance,
    catalogue: Result<Arc<Catalogue>, Error>,
}

impl Candidate<'_> {
    fn listing(&self, id: &str) -> Listing {
        match &self.catalogue {
            Ok(catalogue) => {
                catalogue.find(id).map_or(Listing::Unlisted, |m| Listing::Listed(Box::new(m.clone())))
            }
            Err(_) => Listing::NotChecked,
        }
    }

    fn select(&self, id: &str) -> SelectedModel {
        SelectedModel::new(self.instance, id.to_owned(), self.listing(id))
    }
}

/// The rules are those of [`Workspace::model`].
pub(crate) async fn model(workspace: &Workspace, text: &str) -> Result<SelectedModel, Error> {
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let message =
            format!("{text:?} is no model reference: write an id such as openai/gpt-4o, without white space");
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    if let Some((name, id)) = text.split_once(':') {
        if let Some(instance) = named(workspace, name, id)? {
            return if id.is_empty() {
                Err(Error::new(ErrorKind::NotFound, format!("{text:?} names no model after the colon")))
            } else {
                Ok(instance.model(id))
            };
        }
    }
    let mut candidates = Vec::new();
    for instance in workspace.instances() {
        candidates.push(Candidate { instance, catalogue: instance.catalogue().await });
    }
    let listed: Vec<&Candidate<'_>> =
        candidates.iter().filter(|candidate| matches!(candidate.listing(text), Listing::Listed(_))).collect();
    match listed.as_slice() {
        [one] => return Ok(one.select(text)),
        [] => {}
        several => return Err(ambiguous(text, text, several.iter().map(|candidate| candidate.instance))),
    }
    if let Some((name, id)) = text.split_once('/').filter(|(_, id)| id.contains('/')) {
        if let Some(instance) = named(workspace, name, id)? {
            let found = candidates.iter().find(|candidate| candidate.instance.id() == instance.id());
            return Ok(found
                .map_or_else(|| instance.model(id), |found| found.select(id))
                .rewritten_from(text));
        }
    }
    let open: Vec<&Candidate<'_>> = candidates
        .iter()
        .filter(|candidate| candidate.instance.descriptor().accepts_unlisted_models)
        .collect();
    match open.as_slice() {
        [one] => Ok(one.select(text)),
        [] => Err(not_found(workspace, text, &candidates)),
        several => Err(ambiguous(text, text, several.iter().map(|candidate| candidate.instance))),
    }
}

/// The instance of this name: by its id, or by its kind if there is one of that kind.
fn named<'a>(workspace: &'a Workspace, name: &str, model: &str) -> Result<Option<&'a Instance>, Error> {
    if let Ok(instance) = workspace.instance(name) {
        return Ok(Some(instance));
    }
    let of_kind: Vec<&Instance> =
        workspace.instances().filter(|instance| instance.answers_to(name)).collect();
    match of_kind.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(ambiguous(name, model, several.iter().copied())),
    }
}

fn ambiguous<'a>(text: &str, model: &str, instances: impl Iterator<Item = &'a Instance>) -> Error {
    let forms: Vec<String> =
        instances.map(|instance| ModelRef::new(instance.id(), model).to_string()).collect();
    let message = format!("{text:?} fits several providers; write one of: {}", forms.join(", "));
    Error::new(ErrorKind::Ambiguous, message).with_model(model)
}

fn not_found(workspace: &Workspace, text: &str, candidates: &[Candidate<'_>]) -> Error {
    if candidates.is_empty() {
        let message =
            format!("workspace {:?} has no provider yet; add one, then select {text:?}", workspace.id());
        return Error::new(ErrorKind::NotFound, message).with_model(text);
    }
    // A catalogue that could not be fetched is the likelier reason.
    if let Some(error) = candidates.iter().find_map(|candidate| candidate.catalogue.as_ref().err()) {
        return error.clone().with_model(text);
    }
    let mut similar: Vec<(f64, String)> = Vec::new();
    for candidate in candidates {
        for model in candidate.catalogue.iter().flat_map(|catalogue| &catalogue.models) {
            let likeness = strsim::normalized_damerau_levenshtein(text, &model.id);
            if likeness >= SIMILAR {
                similar.push((likeness, ModelRef::new(candidate.instance.id(), &model.id).to_string()));
            }
        }
    }
    similar.sort_by(|a, b| b.0.total_cmp(&a.0));
    let similar: Vec<String> = similar.into_iter().take(3).map(|(_, form)| form).collect();
    let hint = if similar.is_empty() { String::new() } else { format!("; similar: {}", similar.join(", ")) };
    Error::new(ErrorKind::NotFound, format!("no provider of this workspace has the model {text:?}{hint}"))
        .with_model(text)
}
