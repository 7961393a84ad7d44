//! The configured providers of a workspace: settings, sealed secrets, enabled models.

use std::collections::{BTreeMap, BTreeSet};

use provider_core::{ConfigField, ConfigValues, FieldKind, FieldProblem, Timestamp};
use provider_registry::Registry;
use serde::Serialize;

use crate::audit::{Action, Actor};
use crate::database::Tx;
use crate::error::{RecordKind, Result, StoreError};
use crate::key::{MasterKeys, Place, Purpose, SealError, Sealed, hex};
use crate::revision::ChangedIn;
use crate::store::Store;
use crate::time::timestamp;

/// A provider to be added to a workspace.
#[derive(Clone, Debug)]
pub struct NewProvider {
    kind: String,
    id: Option<String>,
    values: ConfigValues,
    enabled_models: Option<BTreeSet<String>>,
}

impl NewProvider {
    /// A provider of this kind (the id or the display name of a [`Registry`]'s provider) with these settings,
    /// under the id of its kind, with all its models enabled.
    pub fn new(kind: impl Into<String>, values: impl Into<ConfigValues>) -> Self {
        Self { kind: kind.into(), id: None, values: values.into(), enabled_models: None }
    }

    /// Checks an id before a provider is there to be added under it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`], if it is none for [`id`](Self::id).
    pub fn check_id(id: &str) -> Result<()> {
        check_id(id)
    }

    /// Sets its id in the workspace: 1 to 64 lower-case letters, digits, `_` and `-`.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Enables these models alone.
    #[must_use]
    pub fn enabled_models<M: Into<String>>(mut self, models: impl IntoIterator<Item = M>) -> Self {
        self.enabled_models = Some(models.into_iter().map(Into::into).collect());
        self
    }
}

/// A stored provider. Its secrets are named, and never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProviderRecord {
    /// The workspace that it is in.
    pub workspace: String,
    /// Its id in the workspace.
    pub id: String,
    /// The id of its kind in the registry.
    pub kind: String,
    /// The settings that are no secrets, by key.
    pub settings: BTreeMap<String, String>,
    /// The keys of the secrets that are set.
    pub secrets: Vec<String>,
    /// The models that may be used; `None`: all of them.
    pub enabled_models: Option<BTreeSet<String>>,
    /// The number of its last change. A [change](Store::change_provider) names it.
    pub revision: i64,
    /// The moment of its creation.
    pub created: Timestamp,
}

impl ProviderRecord {
    /// Whether the workspace may use this model.
    pub fn is_enabled(&self, model: &str) -> bool {
        self.enabled_models.as_ref().is_none_or(|models| models.contains(model))
    }
}

/// A change of a provider. It leaves what it does not name.
#[derive(Clone, Debug, Default)]
pub struct ProviderChange {
    set: ConfigValues,
    unset: BTreeSet<String>,
    enabled_models: Option<Option<BTreeSet<String>>>,
}

impl ProviderChange {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets settings and secrets.
    #[must_use]
    pub fn set(mut self, values: impl Into<ConfigValues>) -> Self {
        self.set = values.into().or(self.set);
        self
    }

    /// Removes a setting or a secret.
    #[must_use]
    pub fn unset(mut self, key: impl Into<String>) -> Self {
        self.unset.insert(key.into());
        self
    }

    /// Enables these models alone.
    #[must_use]
    pub fn enabled_models<M: Into<String>>(mut self, models: impl IntoIterator<Item = M>) -> Self {
        self.enabled_models = Some(Some(models.into_iter().map(Into::into).collect()));
        self
    }

    /// Enables all models.
    #[must_use]
    pub fn all_models(mut self) -> Self {
        self.enabled_models = Some(None);
        self
    }
}

/// The result of a change of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChangedProvider {
    /// The provider as it is now.
    pub record: ProviderRecord,
    /// The secrets that the change has dropped, since they were given for another address. The provider
    /// connects once those that it requires are set anew.
    pub dropped_secrets: Vec<String>,
}

impl Store {
    /// Adds a provider to a workspace. Its settings are checked as connecting checks them, which sends
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError::Provider`] with every problem of every setting at once, [`StoreError::Duplicate`],
    /// [`StoreError::NotFound`] for an unknown workspace, [`StoreError::Invalid`] for a bad id.
    pub async fn add_provider(
        &self,
        workspace: &str,
        registry: &Registry,
        new: NewProvider,
        by: &Actor,
    ) -> Result<ProviderRecord> {
        let kind = registry.descriptor(&new.kind)?.id;
        let id = new.id.as_deref().unwrap_or(kind);
        check_id(id)?;
        let fields = registry.fields(kind)?;
        registry.connect(kind, new.values.clone())?;
        let mut uid = [0; 8];
        getrandom::fill(&mut uid).map_err(|_| SealError::NotSealed)?;
        let (uid, now) = (hex(&uid), self.now());
        let (secrets, settings): (Vec<&str>, Vec<&str>) =
            new.values.keys().partition(|key| is_secret(&fields, key));
        let settings = pairs(&new.values, settings);
        let mut tx = self.database().begin().await?;
        self.lock_workspace(&mut tx, workspace).await?;
        let sql = "INSERT INTO providers (workspace, id, uid, kind, settings, enabled_models, revision, changed, \
                   created) VALUES ($1, $2, $3, $4, $5, $6, 1, '{}', $7)";
        let query = sqlx::query(sql).bind(workspace).bind(id).bind(&uid).bind(kind);
        let query = query.bind(to_json(&settings)).bind(new.enabled_models.as_ref().map(to_json)).bind(now);
        let duplicate = |error| StoreError::duplicate(error, RecordKind::Provider, id);
        query.execute(&mut *tx).await.map_err(duplicate)?;
        for field in &secrets {
            let value = new.values.get(field).unwrap_or_default();
            put_secret(&mut tx, &self.0.keys, workspace, (id, &uid), field, 1, value).await?;
        }
        let detail = new.values.keys().collect::<Vec<_>>().join(", ");
        let action = Action { workspace, action: "create", kind: RecordKind::Provider, subject: id, detail };
        self.commit(tx, action, by, &[(workspace, RecordKind::Provider, id)]).await?;
        Ok(ProviderRecord {
            workspace: workspace.to_owned(),
            id: id.to_owned(),
            kind: kind.to_owned(),
            settings,
            secrets: secrets.into_iter().map(str::to_owned).collect(),
            enabled_models: new.enabled_models,
            revision: 1,
            created: timestamp(now),
        })
    }

    /// The providers of a workspace by their ids.
    ///
    /// # Errors
    /// Those of the database. A workspace that does not exist has none.
    pub async fn providers(&self, workspace: &str) -> Result<Vec<ProviderRecord>> {
        let rows = sqlx::query_as::<_, Row>(ALL).bind(workspace).fetch_all(&self.database().read).await?;
        Ok(stored(workspace, rows).into_iter().map(|provider| provider.record).collect())
    }

    /// Returns a provider of a workspace.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn provider(&self, workspace: &str, id: &str) -> Result<ProviderRecord> {
        let providers = self.providers(workspace).await?;
        let found = providers.into_iter().find(|provider| provider.id == id);
        found.ok_or_else(|| StoreError::not_found(RecordKind::Provider, id))
    }

    /// The last four characters of the secrets of a workspace's providers, by provider and field, for a form
    /// to tell one key from another. A secret of fewer than 12 characters shows none, and neither does one
    /// that does not open.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn secret_endings(
        &self,
        workspace: &str,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
        let stored = self.stored_providers(workspace).await?;
        let endings = stored.into_iter().map(|provider| {
            let values = provider.values(&self.0.keys).unwrap_or_default();
            let fields = provider.secrets.iter().filter_map(|secret| {
                let ending = last_four(values.get(&secret.field)?)?;
                Some((secret.field.clone(), ending.to_owned()))
            });
            let fields = fields.collect();
            (provider.record.id, fields)
        });
        Ok(endings.collect())
    }

    /// The providers of a workspace with their settings, the secrets opened. For a host whose user is the
    /// owner of the workspace and connects its providers with other settings beside the stored ones, as a
    /// command line does; a server takes [`Connections`](crate::Connections), which hands no secret out.
    ///
    /// # Errors
    /// [`StoreError::Seal`] for a secret that does not open, and those of the database.
    pub async fn opened_providers(&self, workspace: &str) -> Result<Vec<(ProviderRecord, ConfigValues)>> {
        let stored = self.stored_providers(workspace).await?.into_iter();
        let opened = stored.map(|provider| {
            let values = provider.values(&self.0.keys)?;
            Ok((provider.record, values))
        });
        opened.collect()
    }

    /// Changes a provider that the caller has read at this revision.
    ///
    /// A key goes to no other address than the one that it was given for: when the change gives another value
    /// to a setting that decides where secrets go ([`ConfigField::key_destination`]: the base URL, a preset),
    /// the secrets that it does not set anew are dropped.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else has changed it since then, [`StoreError::Provider`] with
    /// every problem of every setting at once, [`StoreError::NotFound`].
    pub async fn change_provider(
        &self,
        workspace: &str,
        id: &str,
        revision: i64,
        registry: &Registry,
        change: ProviderChange,
        by: &Actor,
    ) -> Result<ChangedProvider> {
        let mut tx = self.database().begin().await?;
        let mut provider = self.lock_provider(&mut tx, workspace, id).await?;
        provider.changed.check(RecordKind::Provider, id, revision, provider.record.revision)?;
        let fields = registry.fields(&provider.record.kind)?;
        check_known(&fields, &change)?;

        let before = provider.record.settings.clone();
        let settings = &mut provider.record.settings;
        settings.retain(|key, _| !change.unset.contains(key));
        let given = change.set.keys().filter(|key| !is_secret(&fields, key)).collect();
        settings.extend(pairs(&change.set, given));
        let has_moved = fields
            .iter()
            .any(|field| field.key_destination && before.get(field.key) != settings.get(field.key));
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut provider.secrets).into_iter().partition(|secret| {
                !has_moved && !change.unset.contains(&secret.field) || change.set.get(&secret.field).is_some()
            });
        let is_dropped = |field: &str| !change.unset.contains(field);
        let dropped_secrets: Vec<String> = gone
            .iter()
            .filter(|secret| is_dropped(&secret.field))
            .map(|secret| secret.field.clone())
            .collect();

        provider.secrets = kept;
        let values = change.set.clone().or(provider.values(&self.0.keys)?);
        check_values(registry, &provider.record.kind, values, &dropped_secrets)?;

        let new_revision = provider.record.revision + 1;
        let mut changed: Vec<&str> = Vec::new();
        for field in &fields {
            let was = before.get(field.key);
            let is_set = change.set.get(field.key).is_some() && is_secret(&fields, field.key);
            let is_gone = gone.iter().any(|secret| secret.field == field.key);
            if was != provider.record.settings.get(field.key) || is_set || is_gone {
                changed.push(field.key);
            }
        }
        for secret in &gone {
            let sql = "DELETE FROM secrets WHERE workspace = $1 AND provider = $2 AND field = $3";
            sqlx::query(sql).bind(workspace).bind(id).bind(&secret.field).execute(&mut *tx).await?;
        }
        for field in change.set.keys().filter(|key| is_secret(&fields, key)) {
            let name = (id, provider.uid.as_str());
            let value = change.set.get(field).unwrap_or_default();
            put_secret(&mut tx, &self.0.keys, workspace, name, field, new_revision, value).await?;
        }
        let mut names: BTreeSet<String> =
            provider.secrets.iter().map(|secret| secret.field.clone()).collect();
        names.extend(change.set.keys().filter(|key| is_secret(&fields, key)).map(str::to_owned));
        provider.record.secrets = names.into_iter().collect();
        if let Some(models) = change.enabled_models {
            provider.record.enabled_models = models;
            changed.push("enabled_models");
        }
        provider.record.revision = new_revision;
        changed.iter().for_each(|field| provider.changed.note(field, new_revision));

        let record = provider.record;
        let sql = "UPDATE providers SET settings = $1, enabled_models = $2, revision = $3, changed = $4 \
                   WHERE workspace = $5 AND id = $6";
        let query = sqlx::query(sql).bind(to_json(&record.settings));
        let query = query.bind(record.enabled_models.as_ref().map(to_json)).bind(new_revision);
        query.bind(provider.changed.to_json()).bind(workspace).bind(id).execute(&mut *tx).await?;
        let (kind, detail) = (RecordKind::Provider, changed.join(", "));
        let action = Action { workspace, action: "change", kind, subject: id, detail };
        self.commit(tx, action, by, &[(workspace, kind, id)]).await?;
        Ok(ChangedProvider { record, dropped_secrets })
    }

    /// Removes a provider and its secrets.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_provider(&self, workspace: &str, id: &str, by: &Actor) -> Result<()> {
        let kind = RecordKind::Provider;
        let mut tx = self.database().begin().await?;
        let sql = "DELETE FROM providers WHERE workspace = $1 AND id = $2";
        let deleted = sqlx::query(sql).bind(workspace).bind(id).execute(&mut *tx).await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found(kind, id));
        }
        let sql = "UPDATE workspaces SET unlisted_models = NULL WHERE id = $1 AND unlisted_models = $2";
        sqlx::query(sql).bind(workspace).bind(id).execute(&mut *tx).await?;
        let action = Action { workspace, action: "delete", kind, subject: id, detail: String::new() };
        self.commit(tx, action, by, &[(workspace, kind, id)]).await
    }

    /// The providers of a workspace with their sealed secrets, as they were at one moment.
    pub(crate) async fn stored_providers(&self, workspace: &str) -> Result<Vec<StoredProvider>> {
        let rows = sqlx::query_as::<_, Row>(ALL).bind(workspace).fetch_all(&self.database().read).await?;
        Ok(stored(workspace, rows))
    }

    /// The same within a transaction.
    pub(crate) async fn providers_in(
        &self,
        connection: &mut sqlx::AnyConnection,
        workspace: &str,
    ) -> Result<Vec<StoredProvider>> {
        let rows = sqlx::query_as::<_, Row>(ALL).bind(workspace).fetch_all(connection).await?;
        Ok(stored(workspace, rows))
    }

    async fn lock_provider(&self, tx: &mut Tx, workspace: &str, id: &str) -> Result<StoredProvider> {
        let sql = self.database().pick(
            "SELECT 1 FROM providers WHERE workspace = $1 AND id = $2",
            "SELECT 1 FROM providers WHERE workspace = $1 AND id = $2 FOR UPDATE",
        );
        let missing = || StoreError::not_found(RecordKind::Provider, id);
        let found: Option<(i32,)> =
            sqlx::query_as(sql).bind(workspace).bind(id).fetch_optional(&mut **tx).await?;
        found.ok_or_else(missing)?;
        let rows = sqlx::query_as::<_, Row>(ALL).bind(workspace).fetch_all(&mut **tx).await?;
        stored(workspace, rows).into_iter().find(|provider| provider.record.id == id).ok_or_else(missing)
    }
}

/// A provider as the database has it.
pub(crate) struct StoredProvider {
    pub(crate) record: ProviderRecord,
    /// Random: a provider that is made anew under an old id is another one.
    pub(crate) uid: String,
    changed: ChangedIn,
    secrets: Vec<StoredSecret>,
}

/// All that a connection depends on, to be compared: the provider as it was made, its settings, the version
/// of each secret. Other fields of a record may change under a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectedSettings {
    uid: String,
    kind: String,
    settings: BTreeMap<String, String>,
    secrets: Vec<(String, i64)>,
}

struct StoredSecret {
    field: String,
    version: i64,
    sealed: Sealed,
}

impl StoredProvider {
    pub(crate) fn connected_settings(&self) -> ConnectedSettings {
        ConnectedSettings {
            uid: self.uid.clone(),
            kind: self.record.kind.clone(),
            settings: self.record.settings.clone(),
            secrets: self.secrets.iter().map(|secret| (secret.field.clone(), secret.version)).collect(),
        }
    }

    /// Its settings and its opened secrets.
    pub(crate) fn values(&self, keys: &MasterKeys) -> Result<ConfigValues, SealError> {
        let mut values: ConfigValues = self.record.settings.iter().collect();
        let name = format!("{}/{}", self.record.id, self.uid);
        for StoredSecret { field, version, sealed } in &self.secrets {
            let place = place(&self.record.workspace, &name, field, *version);
            let opened = keys.open(&place, sealed)?;
            // It was sealed as text.
            let text = std::str::from_utf8(&opened).unwrap_or_default();
            values = values.set(field, text);
        }
        Ok(values)
    }
}

/// The end of a secret that is long enough for its end to tell nothing of the rest.
fn last_four(secret: &str) -> Option<&str> {
    let (start, _) = secret.char_indices().rev().nth(3)?;
    (secret.chars().count() >= 12).then(|| &secret[start..])
}

fn place<'a>(workspace: &'a str, name: &'a str, field: &'a str, version: i64) -> Place<'a> {
    Place { purpose: Purpose::ProviderSecret, workspace, provider: name, field, version }
}

/// One query, so that settings and secrets are of one moment: a new key must not meet an old base URL.
const ALL: &str = "SELECT p.id, p.uid, p.kind, p.settings, p.enabled_models, p.revision, p.changed, p.created, \
                   s.field, s.version, s.key_id, s.sealed \
                   FROM providers p LEFT JOIN secrets s ON s.workspace = p.workspace AND s.provider = p.id \
                   WHERE p.workspace = $1 ORDER BY p.id, s.field";

type Row = (
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    String,
    i64,
    Option<String>,
    Option<i64>,
    Option<String>,
    Option<Vec<u8>>,
);

/// Joins the rows of each provider.
fn stored(workspace: &str, rows: Vec<Row>) -> Vec<StoredProvider> {
    let mut providers: Vec<StoredProvider> = Vec::new();
    for (id, uid, kind, settings, models, revision, changed, created, field, version, key_id, bytes) in rows {
        if providers.last().is_none_or(|provider| provider.record.id != id) {
            let record = ProviderRecord {
                workspace: workspace.to_owned(),
                id,
                kind,
                settings: serde_json::from_str(&settings).unwrap_or_default(),
                secrets: Vec::new(),
                enabled_models: models.map(|models| serde_json::from_str(&models).unwrap_or_default()),
                revision,
                created: timestamp(created),
            };
            let changed = ChangedIn::parse(&changed);
            providers.push(StoredProvider { record, uid, changed, secrets: Vec::new() });
        }
        let secret = field.zip(version).zip(key_id.zip(bytes));
        if let (Some(provider), Some(((field, version), (key_id, bytes)))) = (providers.last_mut(), secret) {
            provider.record.secrets.push(field.clone());
            provider.secrets.push(StoredSecret { field, version, sealed: Sealed { key_id, bytes } });
        }
    }
    providers
}

pub(crate) async fn put_secret(
    tx: &mut Tx,
    keys: &MasterKeys,
    workspace: &str,
    (id, uid): (&str, &str),
    field: &str,
    version: i64,
    value: &str,
) -> Result<()> {
    let name = format!("{id}/{uid}");
    let sealed = keys.seal(&place(workspace, &name, field, version), value.as_bytes())?;
    let sql = "INSERT INTO secrets (workspace, provider, field, version, key_id, sealed) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace, provider, field) \
               DO UPDATE SET version = excluded.version, key_id = excluded.key_id, sealed = excluded.sealed";
    let query = sqlx::query(sql).bind(workspace).bind(id).bind(field).bind(version);
    query.bind(sealed.key_id).bind(sealed.bytes).execute(&mut **tx).await?;
    Ok(())
}

/// Whether a setting is sealed: every one that is not known to be none.
fn is_secret(fields: &[ConfigField], key: &str) -> bool {
    fields.iter().find(|field| field.key == key).is_none_or(|field| field.kind == FieldKind::Secret)
}

fn check_known(fields: &[ConfigField], change: &ProviderChange) -> Result<()> {
    let keys = change.set.keys().chain(change.unset.iter().map(String::as_str));
    let unknown = keys.filter(|key| fields.iter().all(|field| field.key != *key));
    let problems: Vec<FieldProblem> = unknown.map(|key| FieldProblem::new(key, "no such setting")).collect();
    if problems.is_empty() { Ok(()) } else { Err(StoreError::Invalid(problems)) }
}

/// Checks settings as connecting does. A secret that the change has dropped may be missing.
fn check_values(registry: &Registry, kind: &str, values: ConfigValues, dropped: &[String]) -> Result<()> {
    let Err(error) = registry.connect(kind, values) else { return Ok(()) };
    let is_dropped = |problem: &FieldProblem| dropped.contains(&problem.field);
    match error.fields() {
        [] => Err(error.into()),
        problems if problems.iter().all(is_dropped) => Ok(()),
        _ => Err(error.into()),
    }
}

fn pairs(values: &ConfigValues, keys: Vec<&str>) -> BTreeMap<String, String> {
    let pair = |key: &str| Some((key.to_owned(), values.get(key)?.to_owned()));
    keys.into_iter().filter_map(pair).collect()
}

fn to_json<T: Serialize>(value: &T) -> String {
    // Maps and sets of texts are always JSON.
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn check_id(id: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if (1..=64).contains(&id.len()) && id.chars().all(fits) {
        return Ok(());
    }
    Err(StoreError::invalid("id", "has 1 to 64 lower-case letters, digits, _ and -"))
}
