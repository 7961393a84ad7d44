//! `GET /w/{workspace}/v1/models`, and one of them.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use provider_core::Model;
use provider_registry::{Instance, Listing, ModelRef};
use serde_json::{Value, json};
use workspace_store::ConnectedWorkspace;

use crate::access::Bearer;
use crate::error::{ApiError, Result, new_request_id, with_request_id};
use crate::openapi::bodies;
use crate::state::App;

/// Lists the enabled models of all providers.
#[utoipa::path(get, path = "/w/{workspace}/v1/models", operation_id = "list_openai_models",
    responses((status = 200, body = bodies::OpenAiModels),
        (status = "default", description = "An error in OpenAI's shape.", body = bodies::OpenAiError)))]
pub(crate) async fn list(State(app): State<App>, bearer: Bearer) -> Response {
    respond(listed(&app, &bearer).await)
}

/// Shows one model, by any text that selects it.
#[utoipa::path(get, path = "/w/{workspace}/v1/models/{*id}", operation_id = "show_openai_model",
    responses((status = 200, body = bodies::OpenAiModel),
        (status = "default", description = "An error in OpenAI's shape.", body = bodies::OpenAiError)))]
pub(crate) async fn show(
    State(app): State<App>,
    bearer: Bearer,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    respond(shown(&app, &bearer, &id).await)
}

fn respond(body: Result<Value>) -> Response {
    match body {
        Ok(body) => with_request_id(Json(body).into_response(), &new_request_id()),
        Err(error) => error.into_openai_response(),
    }
}

async fn listed(app: &App, bearer: &Bearer) -> Result<Value> {
    let connected = app.connections.workspace(&bearer.token().workspace).await?;
    let instances: Vec<&Instance> = connected.workspace().instances().collect();
    let catalogues = join_all(instances.iter().map(|instance| instance.catalogue())).await;
    let mut found = Vec::new();
    let mut failed = None;
    for (instance, catalogue) in instances.into_iter().zip(catalogues) {
        match catalogue {
            Ok(catalogue) => found.push((instance, catalogue)),
            // A provider that is down does not hide the models of the others.
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if let (true, Some(error)) = (found.is_empty(), failed) {
        return Err(error.into());
    }
    let enabled = || {
        found.iter().flat_map(|(instance, catalogue)| {
            let models = catalogue.models.iter();
            models
                .filter(|model| !model.batch_only && is_enabled(&connected, instance, &model.id))
                .map(move |model| (instance.id(), model))
        })
    };
    // An id that several providers list selects none of them: it has its provider in front.
    let mut counts = HashMap::<&str, usize>::new();
    for (_, catalogue) in &found {
        catalogue.models.iter().for_each(|model| *counts.entry(&model.id).or_default() += 1);
    }
    let data: Vec<Value> = enabled()
        .map(|(instance, model)| match counts.get(model.id.as_str()) {
            Some(1) => entry(&model.id, instance, Some(model)),
            _ => entry(&ModelRef::new(instance, &model.id).to_string(), instance, Some(model)),
        })
        .collect();
    Ok(json!({"object": "list", "data": data}))
}

async fn shown(app: &App, bearer: &Bearer, id: &str) -> Result<Value> {
    let connected = app.connections.workspace(&bearer.token().workspace).await?;
    let selected = connected.model(id).await.map_err(|error| ApiError::of_model(error, "model"))?;
    let provider = &selected.reference().provider;
    if let Listing::Listed(model) = selected.listing() {
        return Ok(entry(id, provider, Some(model)));
    }
    let instance = connected.workspace().instance(provider)?;
    let catalogue = instance.catalogue().await?;
    let model = catalogue.find(selected.id());
    let accepts = catalogue.accepts_unlisted_models.unwrap_or(instance.descriptor().accepts_unlisted_models);
    let may_exist = accepts && instance.descriptor().claims_model(selected.id());
    if model.is_none() && !may_exist {
        let message = format!("the provider {provider:?} does not list the model {:?}", selected.id());
        return Err(ApiError::of_model(ApiError::not_found(message), "model"));
    }
    Ok(entry(id, provider, model))
}

fn is_enabled(connected: &ConnectedWorkspace, instance: &Instance, model: &str) -> bool {
    let record = connected.providers().find(|record| record.id == instance.id());
    record.is_none_or(|record| record.is_enabled(model))
}

/// A model as OpenAI's clients read it, with a few of the facts that OpenRouter's read.
fn entry(id: &str, owner: &str, model: Option<&Model>) -> Value {
    let created = model.and_then(|model| model.created).unwrap_or_default();
    let mut entry = json!({"id": id, "object": "model", "created": created, "owned_by": owner});
    if let Some(model) = model {
        entry["name"] = model.name.as_str().into();
        entry["context_length"] = model.context_length.into();
        entry["supported_parameters"] = model.supported_parameters.iter().map(|name| name.as_str()).collect();
        entry["architecture"] = json!({
            "input_modalities": model.input_modalities.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
            "output_modalities": model.output_modalities.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        });
    }
    entry
}
