//! `keys`: keys of providers in the store, sealed.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};

use provider_core::{ConfigField, ConfigValues, FieldKind, ProviderDescriptor, Secret};
use provider_registry::Registry;
use serde::Serialize;
use workspace_store::{NewProvider, ProviderChange, StoreError};

use crate::cli::{ConnectArgs, InstanceArgs, KeysArgs, KeysCommand};
use crate::connect::{check_id, descriptor, given_to};
use crate::exit::Failure;
use crate::output::Output;
use crate::output::number::UNKNOWN;
use crate::output::table::Table;
use crate::similar::nearest;
use crate::storage::{Storage, actor, failed};
use crate::terminal::Restore;

/// The most bytes of a key that are read from standard input.
const MAX_KEY_BYTES: u64 = 64 * 1024;

#[derive(Serialize)]
struct Listed {
    workspace: String,
    keys: Vec<ListedKey>,
}

#[derive(Serialize)]
struct ListedKey {
    id: String,
    provider: String,
    /// The secrets that are set, each with its last four characters; without them, where it is too short.
    secrets: BTreeMap<String, Option<String>>,
    settings: BTreeMap<String, String>,
    created: String,
}

pub(crate) async fn run(args: &KeysArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    match &args.command {
        KeysCommand::Set { name, field, instances } => {
            set(name, field.as_deref(), instances, connect, output).await
        }
        KeysCommand::List => list(args, connect, output).await,
        KeysCommand::Remove { id } => remove(id, connect, output).await,
    }
}

async fn set(
    name: &str,
    field: Option<&str>,
    instances: &InstanceArgs,
    connect: &ConnectArgs,
    output: Output,
) -> Result<(), Failure> {
    if connect.sandbox {
        let problem =
            "the sandbox takes any key, and needs none: leave out --sandbox to keep the key of a service";
        return Err(Failure::Usage(problem.to_owned()));
    }
    let registry = Registry::discover()?;
    let (id, kind) = match name.split_once('=') {
        Some((id, kind)) => (Some(id), kind),
        None => (None, name),
    };
    let kind = if id.is_none() { connect.kept.kind_of(kind).unwrap_or(kind) } else { kind };
    let provider = descriptor(&registry, kind)?;
    // A name that is an id of the store or of the profile already is that one.
    let id = id.unwrap_or_else(|| if connect.kept.kind_of(name).is_some() { name } else { provider.id });
    check_id("keys set", id)?;
    let field = secret_field(provider, &registry.fields(provider.id)?, field)?;
    let settings = given_to(&connect.clone().and(instances), &registry, provider)?;
    let key = read_key(provider, &field, output).await?;
    let storage = connect.kept.storage().await?;
    keep(&storage, &registry, id, provider, settings.set(field.key, key.expose()), None).await?;
    tell_made(&storage, output);
    output.note(&format!(
        "the {} of {id} ({}) is kept, sealed, in the workspace {}",
        field.label, provider.display_name, storage.workspace
    ));
    Ok(())
}

/// Tells of the files that were made for the store, once.
pub(crate) fn tell_made(storage: &Storage, output: Output) {
    if let Some(made) = &storage.made {
        output.note(made);
    }
}

/// Stores settings and secrets of a provider, beside those that it has; `unset` is removed.
///
/// # Errors
/// When a setting is invalid, or the id is of another kind of provider.
pub(crate) async fn keep(
    storage: &Storage,
    registry: &Registry,
    id: &str,
    provider: &'static ProviderDescriptor,
    values: ConfigValues,
    unset: Option<&str>,
) -> Result<(), Failure> {
    let Storage { store, workspace, .. } = storage;
    match store.provider(workspace, id).await {
        Ok(record) if record.kind != provider.id => Err(Failure::Usage(format!(
            "{id} is a provider of the kind {} in the store; give another id, as in other={}",
            record.kind, provider.id
        ))),
        Ok(record) => {
            let change = unset.into_iter().fold(ProviderChange::new().set(values), ProviderChange::unset);
            let changed =
                store.change_provider(workspace, id, record.revision, registry, change, &actor()).await;
            changed.map(drop).map_err(refused)
        }
        Err(StoreError::NotFound { .. }) => {
            let new = NewProvider::new(provider.id, values).id(id);
            store.add_provider(workspace, registry, new, &actor()).await.map(drop).map_err(refused)
        }
        Err(error) => Err(failed(error)),
    }
}

/// An error of settings as that of the provider, which names each of them.
fn refused(error: StoreError) -> Failure {
    match error {
        StoreError::Provider(error) => Failure::Provider(error),
        error => failed(error),
    }
}

/// The secret setting to keep: the one that is named, the required one, or the only one.
fn secret_field(
    provider: &ProviderDescriptor,
    fields: &[ConfigField],
    named: Option<&str>,
) -> Result<ConfigField, Failure> {
    let secrets: Vec<&ConfigField> = fields.iter().filter(|field| field.kind == FieldKind::Secret).collect();
    let found = match named {
        Some(name) => secrets.iter().find(|field| field.key == name),
        None => secrets
            .iter()
            .find(|field| field.required)
            .or(secrets.iter().find(|field| field.key == "api_key")),
    };
    found.map(|field| **field).ok_or_else(|| {
        let keys: Vec<&str> = secrets.iter().map(|field| field.key).collect();
        let near = named.and_then(|name| nearest(name, keys.iter().copied()));
        let meant = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
        let all = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
        Failure::Usage(format!("{} has no such secret{meant}; it has {all}", provider.id))
    })
}

/// Reads a secret: without showing it from a terminal, or from standard input. On a thread of its own, so
/// that a signal is seen meanwhile.
async fn read_key(
    provider: &ProviderDescriptor,
    field: &ConfigField,
    output: Output,
) -> Result<Secret, Failure> {
    let by_hand = std::io::stdin().is_terminal();
    // A signal leaves the thread behind, with a terminal that shows nothing.
    let _restore = by_hand.then(Restore::new);
    if by_hand {
        output.remark(&format!("{} of {} (it is not shown): ", field.label, provider.display_name));
    }
    let read = tokio::task::spawn_blocking(move || {
        if by_hand {
            return rpassword::read_password();
        }
        let mut text = String::new();
        std::io::stdin().lock().take(MAX_KEY_BYTES).read_to_string(&mut text).map(|_| text)
    });
    let text = read.await.unwrap_or_else(|error| Err(error.into())).map_err(|error| match error.kind() {
        // The terminal gives Ctrl-C as a key then.
        std::io::ErrorKind::Interrupted => Failure::Interrupted(None),
        _ => Failure::Io("cannot read the key".to_owned(), error),
    })?;
    match text.trim() {
        "" => Err(Failure::Usage("there is no key: type it, or give it on standard input".to_owned())),
        key => Ok(Secret::new(key)),
    }
}

async fn list(args: &KeysArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let mut keys = Vec::new();
    if connect.kept.has_store() {
        let Storage { store, workspace, .. } = connect.kept.storage().await?;
        let endings = store.secret_endings(&workspace).await.map_err(failed)?;
        for record in store.providers(&workspace).await.map_err(failed)? {
            let of = endings.get(&record.id);
            let ending = |field: &str| of.and_then(|fields| fields.get(field)).cloned();
            keys.push(ListedKey {
                secrets: record.secrets.iter().map(|field| (field.clone(), ending(field))).collect(),
                id: record.id,
                provider: record.kind,
                settings: record.settings,
                created: record.created.to_string(),
            });
        }
    }
    if args.json {
        let workspace = connect.kept.workspace().to_owned();
        return Ok(output.write_json(&Listed { workspace, keys })?);
    }
    if keys.is_empty() {
        output.note("no key is kept; `asq keys set openrouter` keeps one");
        return Ok(());
    }
    let mut table = Table::new().left("ID").left("PROVIDER").left("SECRETS").left("SETTINGS");
    for key in &keys {
        let secret = |(field, ending): (&String, &Option<String>)| match ending {
            Some(ending) => format!("{field} …{ending}"),
            None => format!("{field} …"),
        };
        let secrets: Vec<String> = key.secrets.iter().map(secret).collect();
        let settings: Vec<String> =
            key.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let or_none =
            |texts: Vec<String>| if texts.is_empty() { UNKNOWN.to_owned() } else { texts.join(" ") };
        table.row([key.id.clone(), key.provider.clone(), or_none(secrets), or_none(settings)]);
    }
    Ok(output.write(&table.render(output.columns, output.out))?)
}

async fn remove(id: &str, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let ids: Vec<&str> = connect.kept.providers.iter().map(|stored| stored.id.as_str()).collect();
    if !ids.contains(&id) {
        let near = nearest(id, ids.iter().copied());
        let meant = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
        let all = if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") };
        return Err(Failure::Usage(format!("{id:?} is not kept{meant}; the store has {all}")));
    }
    let Storage { store, workspace, .. } = connect.kept.storage().await?;
    store.remove_provider(&workspace, id, &actor()).await.map_err(failed)?;
    output.note(&format!("{id} is removed from the workspace {workspace}"));
    Ok(())
}
