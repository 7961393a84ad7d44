//! The description of a provider.

use std::any::TypeId;
use std::collections::BTreeSet;

use provider_core::{ConfigField, ConfigValues, FieldKind, linked_providers};

use crate::trial::{Trial, Verdict, ensure};

cases! {
    "descriptor";
    id: "descriptor: described" bare;
    label: "descriptor: described" bare;
    unique_keys: "descriptor: described" bare;
    labelled_fields: "descriptor: described" bare;
    secret_fields: "descriptor: described" bare;
    key_destinations: "descriptor: described" bare;
    defaults: "descriptor: described" bare;
    capabilities: "descriptor: described";
    registered: "descriptor: registered" bare;
    values_not_repeated: "descriptor: settings" bare;
    extension_of_another_type: "extension_by_id: exact";
    extension_behind_layers: "extension_by_id: inner" bare;
}

/// The descriptor of a provider that is connected, and its fields.
async fn fields(trial: &Trial<'_>) -> Result<(&'static str, &'static [ConfigField]), Verdict> {
    let descriptor = trial.plain_stage().await?.provider.descriptor();
    Ok((descriptor.id, descriptor.fields))
}

async fn id(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (id, _) = fields(trial).await?;
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    ensure!(!id.is_empty() && id.chars().all(is_fit), "the id is {id:?}");
    Ok(())
}

async fn label(trial: &Trial<'_>) -> Result<(), Verdict> {
    let name = trial.plain_stage().await?.provider.descriptor().display_name;
    ensure!(!name.is_empty() && name.trim() == name, "the name to show is {name:?}");
    Ok(())
}

async fn unique_keys(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (mut keys, mut variables) = (BTreeSet::new(), BTreeSet::new());
    for field in fields(trial).await?.1 {
        ensure!(keys.insert(field.key), "two fields have the key {:?}", field.key);
        let is_new = field.env.is_none_or(|variable| variables.insert(variable));
        ensure!(is_new, "two fields have the variable {:?}", field.env);
    }
    Ok(())
}

async fn labelled_fields(trial: &Trial<'_>) -> Result<(), Verdict> {
    for field in fields(trial).await?.1 {
        ensure!(!field.key.trim().is_empty(), "a field has no key: {field:?}");
        ensure!(!field.label.trim().is_empty(), "the field {:?} has no label", field.key);
    }
    Ok(())
}

async fn secret_fields(trial: &Trial<'_>) -> Result<(), Verdict> {
    let is_secret = |key: &str| {
        let mut words = key.split('_');
        words.any(|word| matches!(word, "secret" | "password" | "token" | "bearer" | "credentials"))
            || ["api_key", "access_key", "private_key"].iter().any(|end| key.ends_with(end))
    };
    for field in fields(trial).await?.1 {
        let kind = field.kind;
        // A number of tokens is none.
        let is_open = matches!(kind, FieldKind::Text | FieldKind::Url | FieldKind::Json);
        ensure!(!is_open || !is_secret(field.key), "{:?} is a field of {kind:?}", field.key);
    }
    Ok(())
}

/// A host that stores secrets drops them when such a setting changes.
async fn key_destinations(trial: &Trial<'_>) -> Result<(), Verdict> {
    let names_an_address = |key: &str| {
        key.split('_').any(|word| matches!(word, "endpoint" | "host" | "gateway" | "proxy"))
            || key.ends_with("base_url")
    };
    for field in fields(trial).await?.1 {
        let can_be_one = matches!(field.kind, FieldKind::Text | FieldKind::Url | FieldKind::Select);
        let is_missing = can_be_one && names_an_address(field.key) && !field.key_destination;
        ensure!(!is_missing, "{:?} is not marked as the place that keys go to", field.key);
    }
    Ok(())
}

async fn defaults(trial: &Trial<'_>) -> Result<(), Verdict> {
    let descriptor = trial.plain_stage().await?.provider.descriptor();
    for field in descriptor.fields {
        let Some(default) = field.default else { continue };
        let problems = ConfigValues::new().set(field.key, default).problems(descriptor.fields);
        let own = problems.iter().find(|problem| problem.field == field.key);
        ensure!(own.is_none(), "the default of {:?} cannot be used: {own:?}", field.key);
    }
    Ok(())
}

async fn capabilities(trial: &Trial<'_>) -> Result<(), Verdict> {
    let capabilities = trial.plain_stage().await?.provider.descriptor().capabilities;
    ensure!(capabilities.iter().next().is_some(), "it has no capability");
    Ok(())
}

async fn registered(trial: &Trial<'_>) -> Result<(), Verdict> {
    let descriptor = trial.plain_stage().await?.provider.descriptor();
    let same = linked_providers().filter(|linked| linked.id == descriptor.id).count();
    ensure!(same == 1, "{same} linked providers have the id {:?}", descriptor.id);
    let is_same = linked_providers().any(|linked| std::ptr::eq(linked, descriptor));
    ensure!(is_same, "the descriptor is not the one that is registered");
    Ok(())
}

async fn values_not_repeated(trial: &Trial<'_>) -> Result<(), Verdict> {
    /// Unfit for every field that checks its value.
    const BAD: &str = "\"marker 4711\n\"";

    let descriptor = trial.plain_stage().await?.provider.descriptor();
    for field in descriptor.fields {
        let Err(error) = descriptor.connect(&ConfigValues::new().set(field.key, BAD)) else { continue };
        let shown = format!("{error} {error:?} {:?}", error.fields());
        ensure!(!shown.contains("4711"), "the value of {:?} shows in {shown}", field.key);
    }
    Ok(())
}

/// A type that no provider has.
struct Unknown;

async fn extension_of_another_type(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    let found = stage.provider.extension_by_id(TypeId::of::<Unknown>());
    ensure!(found.is_none(), "an extension of a type that it cannot have");
    Ok(())
}

async fn extension_behind_layers(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    let layered = trial.kit.layered(stage.provider.clone());
    let is_same = std::ptr::eq(stage.provider.descriptor(), layered.descriptor());
    ensure!(is_same, "behind layers the descriptor is another one");
    ensure!(layered.extension_by_id(TypeId::of::<Unknown>()).is_none(), "layers made an extension up");
    Ok(())
}
