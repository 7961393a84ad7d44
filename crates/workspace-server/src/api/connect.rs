//! A key by the user's approval on the provider's own page, in place of one that is pasted (OAuth with PKCE).
//!
//! The address that the browser comes back to is a view of the page and changes nothing. The page hands its
//! query to [`finish`] with the token of whoever is signed in there, which must be the one that has started
//! it: a link with somebody else's approval, or with no request of this token, is refused.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::{Query, State};
use http::{HeaderMap, StatusCode, Uri, header};
use provider_core::{
    ConfigValues, ErrorKind, FieldProblem, KeyGrant, KeyRequest, ProviderDescriptor, Secret, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use workspace_store::{NewProvider, ProviderChange, RecordKind, StoreError};

use super::extract::Body;
use super::providers::{Provider, SettingValue, values, with_endings};
use crate::access::Bearer;
use crate::error::{ApiError, Envelope, Result, success};
use crate::state::App;

/// The path of the page that browsers come back to.
pub(crate) const CALLBACK: &str = "/connected";

/// How long a user may take to approve.
const LIFE: Duration = Duration::from_secs(600);

/// The longest query that a browser comes back with, in bytes.
const MAX_QUERY: usize = 4096;

/// A provider that gets its key by the user's approval.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartConnection {
    /// The id or the display name of a kind of provider that grants keys: `openrouter`.
    kind: String,
    /// The id in the workspace. Default: the id of the kind. A provider that has it gets the new key, and one
    /// that is missing is added.
    id: Option<String>,
    /// The other settings of a provider that is added, by key.
    #[serde(default)]
    settings: BTreeMap<String, SettingValue>,
}

/// The page on which the user approves.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StartedConnection {
    /// The address to send the browser to. It comes back to `/connected` of this host.
    url: String,
    /// The end of the time to approve, RFC 3339.
    expires: String,
}

/// The browser has come back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinishConnection {
    /// The query of the address that it came back to, as it stands: `?state=…&code=…`.
    query: String,
}

/// The secret that waits for the browser, sealed.
#[derive(Deserialize, Serialize)]
struct Pending {
    kind: String,
    id: String,
    settings: BTreeMap<String, String>,
    /// The provider is there already.
    is_stored: bool,
    verifier: String,
}

/// Starts to connect a provider by the user's approval. Nothing is changed until it is finished.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/provider-connections",
    operation_id = "start_provider_connection", request_body = StartConnection,
    responses((status = 200, body = Envelope<StartedConnection>)))]
pub(crate) async fn start(
    State(app): State<App>,
    bearer: Bearer,
    headers: HeaderMap,
    Body(given): Body<StartConnection>,
) -> Result<Json<Envelope<StartedConnection>>> {
    let (descriptor, grant) = granting(&app, &given.kind)?;
    let callback = callback_url(&app, &headers)?;
    let workspace = bearer.workspace();
    let id = given.id.unwrap_or_else(|| descriptor.id.to_owned());
    NewProvider::check_id(&id)?;
    let (settings, is_stored) = match app.store.provider(workspace, &id).await {
        Ok(record) if record.kind != descriptor.id => {
            let problem = format!("is a provider of the kind {}", record.kind);
            return Err(ApiError::invalid(vec![FieldProblem::new("id", problem)]));
        }
        Ok(_) if !given.settings.is_empty() => {
            let problem = "belong to a provider that is added; this one is there, and keeps its own";
            return Err(ApiError::invalid(vec![FieldProblem::new("settings", problem)]));
        }
        Ok(record) => (record.settings, true),
        Err(StoreError::NotFound { kind: RecordKind::Provider, .. }) => {
            let values = values(&app, descriptor.id, given.settings)?;
            let read = |key: &str| (key.to_owned(), values.get(key).unwrap_or_default().to_owned());
            (values.keys().map(read).collect(), false)
        }
        Err(error) => return Err(error.into()),
    };
    let request = grant.start(&callback, &settings.iter().collect(), app.registry.provider_context())?;
    let verifier = request.verifier.expose().to_owned();
    let pending = Pending { kind: descriptor.id.to_owned(), id, settings, is_stored, verifier };
    let text = Secret::new(serde_json::to_string(&pending).unwrap_or_default());
    app.store.put_pending(workspace, &bearer.token().id, &request.state, &text, LIFE).await?;
    let expires = Timestamp::from(SystemTime::now() + LIFE).to_string();
    Ok(success(StartedConnection { url: request.url, expires }))
}

/// Finishes it: gives the code of the approval for a key, and stores it with the provider. It works once,
/// within ten minutes, and with the token that has started it.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/provider-connections/finish",
    operation_id = "finish_provider_connection", request_body = FinishConnection,
    responses((status = 200, body = Envelope<Provider>)))]
pub(crate) async fn finish(
    State(app): State<App>,
    bearer: Bearer,
    Body(given): Body<FinishConnection>,
) -> Result<Json<Envelope<Provider>>> {
    let query = given.query.trim_start_matches('?');
    let state = state_of(query).ok_or_else(|| {
        ApiError::invalid(vec![FieldProblem::new("query", "has no state: it is that of the page's address")])
    })?;
    let workspace = bearer.workspace();
    let pending = app.store.take_pending(workspace, &bearer.token().id, &state).await?;
    let pending: Pending = pending
        .and_then(|text| serde_json::from_str(text.expose()).ok())
        .ok_or_else(|| refused("this token has no such request, or not any more: start again"))?;
    let (_, grant) = granting(&app, &pending.kind)?;
    let values: ConfigValues = pending.settings.iter().collect();
    let request = KeyRequest::new("", state, Secret::new(pending.verifier));
    let key = grant.finish(&request, query, &values, app.registry.provider_context()).await;
    let key = key.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::Authentication => refused(error.to_string()),
        _ => error.into(),
    })?;
    let (registry, actor) = (&app.registry, bearer.actor());
    let record = if pending.is_stored {
        let record = app.store.provider(workspace, &pending.id).await?;
        if record.settings != pending.settings {
            // The key was granted for the address that the provider had.
            let message = "the provider's settings were changed in between: start again";
            return Err(ApiError::new(StatusCode::CONFLICT, "conflict", message));
        }
        let change = ProviderChange::new().set([(grant.field(), key.expose())]);
        let (id, revision) = (&*pending.id, record.revision);
        app.store.change_provider(workspace, id, revision, registry, change, &actor).await?.record
    } else {
        let values = values.set(grant.field(), key.expose());
        let provider = NewProvider::new(&pending.kind, values).id(&pending.id);
        app.store.add_provider(workspace, registry, provider, &actor).await?
    };
    Ok(success(with_endings(&app, record).await?))
}

fn granting<'a>(app: &'a App, kind: &str) -> Result<(&'a ProviderDescriptor, &'static dyn KeyGrant)> {
    let descriptor = app.registry.descriptor(kind)?;
    match descriptor.key_grant() {
        Some(grant) => Ok((descriptor, grant)),
        None => {
            let problem =
                format!("{} has no page that grants keys: its key is pasted", descriptor.display_name);
            Err(ApiError::invalid(vec![FieldProblem::new("kind", problem)]))
        }
    }
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "connection_refused", message)
}

/// The address that the browser comes back to. A host that does not know its own is asked at loopback alone:
/// the words of a request's header must not decide where a code is sent.
fn callback_url(app: &App, headers: &HeaderMap) -> Result<String> {
    if let Some(url) = &app.settings.public_url {
        return Ok(format!("{url}{CALLBACK}"));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    if matches!(name, "localhost" | "127.0.0.1") && port.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(format!("http://{host}{CALLBACK}"));
    }
    let message = "this host does not know its own address: its operator has to set the public URL";
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "public_url_unknown", message))
}

fn state_of(query: &str) -> Option<String> {
    if query.len() > MAX_QUERY {
        return None;
    }
    let uri = format!("/?{query}").parse::<Uri>().ok()?;
    let Query(mut fields) = Query::<HashMap<String, String>>::try_from_uri(&uri).ok()?;
    fields.remove("state")
}
