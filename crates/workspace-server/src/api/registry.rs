//! The kinds of providers that this host has, as data for settings forms.

use axum::Json;
use axum::extract::State;
use provider_core::{ConfigField, FieldKind, ProviderDescriptor};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::extract::Ids;
use crate::error::{ApiError, Envelope, Result, success};
use crate::state::App;

/// A kind of provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderKind {
    id: String,
    /// The name to show.
    display_name: String,
    description: String,
    capabilities: Vec<String>,
    links: ProviderLinks,
    /// Whether model ids that its catalogue does not list may be tried.
    accepts_unlisted_models: bool,
    /// Whether a key can be had by the user's approval on a page of the service.
    grants_keys: bool,
    /// Whether the service tells the endpoints of a model and the presets of an account.
    has_model_details: bool,
    /// The settings in the order of a form: those of the provider, then those of the layers around it.
    fields: Vec<Field>,
    /// The same as a JSON Schema of the object `settings`.
    #[schema(value_type = Object)]
    settings_schema: Value,
}

/// Web pages of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderLinks {
    /// The page that gives keys.
    key: Option<String>,
    docs: Option<String>,
    models: Option<String>,
    status: Option<String>,
}

/// A setting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Field {
    key: String,
    label: String,
    /// `secret`, `text`, `url`, `select`, `list`, `bool`, `integer`, `number`, `duration` (seconds) or `json`.
    kind: String,
    required: bool,
    /// Whether a form folds it away.
    advanced: bool,
    /// The heading that it stands under.
    group: Option<String>,
    default: Option<String>,
    placeholder: String,
    help: String,
    /// The environment variable that programs read it from. This server reads none.
    env: Option<String>,
    /// The values to choose from.
    options: Vec<String>,
}

impl From<&ConfigField> for Field {
    fn from(field: &ConfigField) -> Self {
        let kind = serde_json::to_value(field.kind).unwrap_or_default();
        Self {
            key: field.key.to_owned(),
            label: field.label.to_owned(),
            kind: kind.as_str().unwrap_or("text").to_owned(),
            required: field.required,
            advanced: field.advanced,
            group: field.group.map(str::to_owned),
            default: field.default.map(str::to_owned),
            placeholder: field.placeholder.to_owned(),
            help: field.help.to_owned(),
            env: field.env.map(str::to_owned),
            options: field.options.iter().map(|&option| option.to_owned()).collect(),
        }
    }
}

/// Lists the kinds of providers that this host has.
#[utoipa::path(get, path = "/api/v1/providers", operation_id = "list_provider_kinds",
    responses((status = 200, body = Envelope<Vec<ProviderKind>>)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Envelope<Vec<ProviderKind>>>> {
    let kinds: Result<Vec<_>> = app.registry.providers().map(|kind| describe(&app, kind)).collect();
    Ok(success(kinds?))
}

/// Shows a kind of provider.
#[utoipa::path(get, path = "/api/v1/providers/{kind}", operation_id = "show_provider_kind",
    responses((status = 200, body = Envelope<ProviderKind>)))]
pub(crate) async fn show(State(app): State<App>, ids: Ids) -> Result<Json<Envelope<ProviderKind>>> {
    let missing = |error: provider_core::Error| ApiError::not_found(error.to_string());
    let descriptor = app.registry.descriptor(ids.get("kind")).map_err(missing)?;
    Ok(success(describe(&app, descriptor)?))
}

fn describe(app: &App, kind: &ProviderDescriptor) -> Result<ProviderKind> {
    let fields = app.registry.fields(kind.id)?;
    let text = |link: Option<&'static str>| link.map(str::to_owned);
    Ok(ProviderKind {
        id: kind.id.to_owned(),
        display_name: kind.display_name.to_owned(),
        description: kind.description.to_owned(),
        capabilities: kind.capabilities.iter().map(|capability| capability.name().to_owned()).collect(),
        links: ProviderLinks {
            key: text(kind.links.key),
            docs: text(kind.links.docs),
            models: text(kind.links.models),
            status: text(kind.links.status),
        },
        accepts_unlisted_models: kind.accepts_unlisted_models,
        grants_keys: kind.key_grant().is_some(),
        has_model_details: kind.model_details().is_some(),
        settings_schema: schema(&fields),
        fields: fields.iter().map(Field::from).collect(),
    })
}

/// The JSON Schema of the settings that a provider takes.
fn schema(fields: &[ConfigField]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.key.to_owned(), property(field))).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(field: &ConfigField) -> Value {
    let mut property = match field.kind {
        FieldKind::Secret => json!({"type": "string", "writeOnly": true}),
        FieldKind::Url => json!({"type": "string", "format": "uri"}),
        FieldKind::Bool => json!({"type": ["boolean", "string"]}),
        FieldKind::Integer => json!({"type": ["integer", "string"]}),
        FieldKind::Number => json!({"type": ["number", "string"]}),
        FieldKind::Duration => json!({"type": ["number", "string"], "description": "In seconds."}),
        FieldKind::Select if !field.options.is_empty() => json!({"type": "string", "enum": field.options}),
        _ => json!({"type": "string"}),
    };
    property["title"] = field.label.into();
    if !field.help.is_empty() {
        property["description"] = field.help.into();
    }
    if let Some(default) = field.default {
        property["default"] = default.into();
    }
    property
}
