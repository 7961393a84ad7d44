//! The configured providers of a workspace. A secret goes in and never comes out.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use provider_core::{ConfigValues, ErrorKind, FieldProblem, LlmProvider};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use workspace_store::{NewProvider, ProviderChange, ProviderRecord, RecordKind, StoreError};

use super::extract::{Body, Ids, nullable};
use super::models::in_time;
use crate::access::Bearer;
use crate::error::{ApiError, Envelope, Result, code_of, success};
use crate::money;
use crate::state::App;

/// A configured provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Provider {
    /// The id in the workspace.
    id: String,
    /// The id of its kind.
    kind: String,
    /// The settings that are no secrets, by key.
    settings: BTreeMap<String, String>,
    /// The secrets that are set, by key.
    secrets: BTreeMap<String, SecretState>,
    /// The models that may be used; `null`: all of them.
    enabled_models: Option<BTreeSet<String>>,
    /// The number of the last change, which the next change names.
    revision: i64,
    /// RFC 3339.
    created: String,
}

/// A secret, as far as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretState {
    configured: bool,
    /// Its last four characters; `null` for one of fewer than 12.
    last4: Option<String>,
}

/// A setting's value.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SettingValue {
    Text(String),
    Flag(bool),
    Whole(i64),
    Number(f64),
}

impl SettingValue {
    fn into_text(self) -> String {
        match self {
            SettingValue::Text(text) => text,
            SettingValue::Flag(flag) => flag.to_string(),
            SettingValue::Whole(number) => number.to_string(),
            SettingValue::Number(number) => number.to_string(),
        }
    }
}

/// A provider to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProvider)]
pub(crate) struct Create {
    /// The id or the display name of its kind: `openrouter`.
    kind: String,
    /// The id in the workspace: 1 to 64 lower-case letters, digits, `_` and `-`. Default: the id of its kind.
    id: Option<String>,
    /// Settings and secrets, by key.
    #[serde(default)]
    settings: BTreeMap<String, SettingValue>,
    /// The models that may be used; without them all.
    enabled_models: Option<BTreeSet<String>>,
}

/// A change of a provider. Settings that are not named stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderChange)]
pub(crate) struct Change {
    /// The revision that was read.
    revision: i64,
    /// Settings and secrets to be set, by key; `null` removes one.
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: BTreeMap<String, Option<SettingValue>>,
    /// The models that may be used; `null`: all of them.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<BTreeSet<String>>)]
    enabled_models: Option<Option<BTreeSet<String>>>,
}

/// The result of a change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changed {
    provider: Provider,
    /// The secrets that were dropped since they were given for another address: they must be set anew.
    dropped_secrets: Vec<String>,
}

/// Settings to be tested as they stand. Secrets that are stored are not taken for them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderTest {
    /// The id or the display name of a kind of provider.
    kind: String,
    /// Settings and secrets, by key.
    #[serde(default)]
    settings: BTreeMap<String, SettingValue>,
}

/// The result of a test: the report, or what is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestResult {
    is_ok: bool,
    /// The service's word on the key: label, limits, what is left.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
    problem: Option<TestProblem>,
}

/// The fault of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestProblem {
    /// A word for programs: `provider_auth_error`, `provider_error`, …
    code: String,
    message: String,
    /// The kind of the provider's error; `null`: the host has not got as far as asking.
    #[schema(value_type = Option<String>)]
    kind: Option<ErrorKind>,
    /// The next step.
    next_step: Option<String>,
}

/// Lists the configured providers of the workspace.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/providers", operation_id = "list_providers",
    responses((status = 200, body = Envelope<Vec<Provider>>)))]
pub(crate) async fn list(State(app): State<App>, bearer: Bearer) -> Result<Json<Envelope<Vec<Provider>>>> {
    let records = app.store.providers(bearer.workspace()).await?;
    let mut endings = app.store.secret_endings(bearer.workspace()).await?;
    let view = |record: ProviderRecord| {
        let endings = endings.remove(&record.id).unwrap_or_default();
        shown(record, &endings)
    };
    Ok(success(records.into_iter().map(view).collect()))
}

/// Shows a configured provider.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/providers/{provider}",
    operation_id = "show_provider", responses((status = 200, body = Envelope<Provider>)))]
pub(crate) async fn show(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
) -> Result<Json<Envelope<Provider>>> {
    let record = app.store.provider(bearer.workspace(), ids.get("provider")).await?;
    Ok(success(with_endings(&app, record).await?))
}

/// Adds a provider. Its settings are checked, and nothing is sent.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/providers", operation_id = "add_provider",
    request_body = Create, responses((status = 200, body = Envelope<Provider>)))]
pub(crate) async fn add(
    State(app): State<App>,
    bearer: Bearer,
    Body(new): Body<Create>,
) -> Result<Json<Envelope<Provider>>> {
    let mut provider = NewProvider::new(&new.kind, values(&app, &new.kind, new.settings)?);
    if let Some(id) = new.id {
        provider = provider.id(id);
    }
    if let Some(models) = new.enabled_models {
        provider = provider.enabled_models(models);
    }
    let actor = bearer.actor();
    let record = app.store.add_provider(bearer.workspace(), &app.registry, provider, &actor).await?;
    Ok(success(with_endings(&app, record).await?))
}

/// Changes a provider. A change of its address drops the secrets that it does not set anew.
#[utoipa::path(patch, path = "/api/v1/workspaces/{workspace}/providers/{provider}",
    operation_id = "change_provider", request_body = Change,
    responses((status = 200, body = Envelope<Changed>)))]
pub(crate) async fn change(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
    Body(given): Body<Change>,
) -> Result<Json<Envelope<Changed>>> {
    let (workspace, id) = (bearer.workspace(), ids.get("provider"));
    let kind = app.store.provider(workspace, id).await?.kind;
    let mut change = ProviderChange::new();
    let mut set = BTreeMap::new();
    for (key, value) in given.settings {
        match value {
            None => change = change.unset(key),
            Some(value) => drop(set.insert(key, value)),
        }
    }
    change = change.set(values(&app, &kind, set)?);
    change = match given.enabled_models {
        None => change,
        Some(None) => change.all_models(),
        Some(Some(models)) => change.enabled_models(models),
    };
    let (registry, actor) = (&app.registry, bearer.actor());
    let changed = app.store.change_provider(workspace, id, given.revision, registry, change, &actor).await?;
    let provider = with_endings(&app, changed.record).await?;
    Ok(success(Changed { provider, dropped_secrets: changed.dropped_secrets }))
}

/// Removes a provider and its secrets.
#[utoipa::path(delete, path = "/api/v1/workspaces/{workspace}/providers/{provider}",
    operation_id = "remove_provider", responses((status = 200, body = Envelope<Option<String>>)))]
pub(crate) async fn remove(State(app): State<App>, bearer: Bearer, ids: Ids) -> Result<Json<Envelope<()>>> {
    app.store.remove_provider(bearer.workspace(), ids.get("provider"), &bearer.actor()).await?;
    Ok(success(()))
}

/// Tests a configured provider: whether its service can be reached and takes the key.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/providers/{provider}/test",
    operation_id = "test_provider", responses((status = 200, body = Envelope<TestResult>)))]
pub(crate) async fn test(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
) -> Result<Json<Envelope<TestResult>>> {
    let id = ids.get("provider");
    let workspace = app.connections.workspace(bearer.workspace()).await?;
    if workspace.providers().all(|provider| provider.id != id) {
        return Err(StoreError::NotFound { kind: RecordKind::Provider, id: id.to_owned() }.into());
    }
    if let Some(error) = workspace.error(id) {
        return Ok(success(failed("config", error.to_string(), None, None)));
    }
    let instance = workspace.workspace().instance(id)?;
    Ok(success(check(&**instance.provider()).await))
}

/// A preset of an account at the service: a model, parameters and a prompt under a name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderPreset {
    /// The id that a request has in the place of a model's: `@preset/support`.
    model_id: String,
    name: String,
    description: Option<String>,
    /// Whether requests may use it.
    is_active: bool,
}

/// Lists the presets of the account at the service. `null`: the provider has none.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/providers/{provider}/presets",
    operation_id = "list_presets", responses((status = 200, body = Envelope<Option<Vec<ProviderPreset>>>)))]
pub(crate) async fn presets(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
) -> Result<Json<Envelope<Option<Vec<ProviderPreset>>>>> {
    let id = ids.get("provider");
    let workspace = app.connections.workspace(bearer.workspace()).await?;
    if workspace.providers().all(|provider| provider.id != id) {
        return Err(StoreError::NotFound { kind: RecordKind::Provider, id: id.to_owned() }.into());
    }
    if let Some(error) = workspace.error(id) {
        return Err(ApiError::new(http::StatusCode::UNPROCESSABLE_ENTITY, "config", error.to_string()));
    }
    let instance = workspace.workspace().instance(id)?;
    let provider = instance.provider();
    let Some(details) = provider.descriptor().model_details() else { return Ok(success(None)) };
    let preset = |of: provider_core::Preset| ProviderPreset {
        model_id: of.model_id,
        name: of.name,
        description: of.description,
        is_active: of.is_active,
    };
    let presets = in_time(details.presets(&**provider)).await?;
    Ok(success(Some(presets.into_iter().map(preset).collect())))
}

/// Tests settings that are not stored.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/provider-tests",
    operation_id = "test_provider_settings", request_body = ProviderTest,
    responses((status = 200, body = Envelope<TestResult>)))]
pub(crate) async fn test_settings(
    State(app): State<App>,
    _: Bearer,
    Body(test): Body<ProviderTest>,
) -> Result<Json<Envelope<TestResult>>> {
    let provider = app.registry.connect(&test.kind, values(&app, &test.kind, test.settings)?)?;
    Ok(success(check(&*provider).await))
}

async fn check(provider: &dyn LlmProvider) -> TestResult {
    match provider.check().await {
        Ok(mut report) => {
            // The service's own words may have more of the key than we show.
            report.raw = None;
            TestResult { is_ok: true, report: Some(money::exact(&report)), problem: None }
        }
        Err(error) => {
            let next_step = error.next_step().map(str::to_owned);
            failed(code_of(&error), error.to_string(), Some(error.kind()), next_step)
        }
    }
}

fn failed(code: &str, message: String, kind: Option<ErrorKind>, next_step: Option<String>) -> TestResult {
    let problem = Some(TestProblem { code: code.to_owned(), message, kind, next_step });
    TestResult { is_ok: false, report: None, problem }
}

pub(super) async fn with_endings(app: &App, record: ProviderRecord) -> Result<Provider> {
    let endings = app.store.secret_endings(&record.workspace).await?.remove(&record.id).unwrap_or_default();
    Ok(shown(record, &endings))
}

fn shown(record: ProviderRecord, endings: &BTreeMap<String, String>) -> Provider {
    let secret = |field: String| {
        let last4 = endings.get(&field).cloned();
        (field, SecretState { configured: true, last4 })
    };
    Provider {
        id: record.id,
        kind: record.kind,
        settings: record.settings,
        secrets: record.secrets.into_iter().map(secret).collect(),
        enabled_models: record.enabled_models,
        revision: record.revision,
        created: record.created.to_string(),
    }
}

/// The settings of a request. A secret that is the mask of a form is refused, and so is a setting that the
/// kind of provider does not have.
pub(super) fn values(app: &App, kind: &str, given: BTreeMap<String, SettingValue>) -> Result<ConfigValues> {
    let fields = app.registry.fields(kind)?;
    let mut problems = Vec::new();
    let mut values = ConfigValues::new();
    for (key, value) in given {
        let value = value.into_text();
        match fields.iter().find(|field| field.key == key) {
            None => problems.push(FieldProblem::new(key, "no such setting")),
            Some(field) if field.kind == provider_core::FieldKind::Secret && is_mask(&value) => {
                problems.push(FieldProblem::new(
                    key,
                    "is a mask and no secret: leave it out to keep the stored one",
                ));
            }
            Some(_) => values = values.set(key, value),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(ApiError::invalid(problems)) }
}

/// Whether a text is the mask that a form shows for a secret.
fn is_mask(value: &str) -> bool {
    value.contains(['•', '…', '●']) || value.contains("***")
}
