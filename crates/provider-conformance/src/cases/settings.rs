//! Settings that cannot be used, and those that look as if they could not.

use provider_core::{ConfigField, ConfigValues, ErrorKind, FieldKind};

use crate::kit::{At, KEY};
use crate::trial::{Trial, Verdict, ensure};

cases! {
    "settings";
    white_space_around_the_key: "descriptor: settings" bare;
    white_space_around_the_url: "descriptor: settings" bare;
    slash_behind_the_url: "descriptor: settings" bare;
    path_of_the_url: "descriptor: settings" bare;
    line_break_in_the_key: "descriptor: settings" bare;
    url_that_is_none: "descriptor: settings" bare;
    not_a_number: "descriptor: settings" bare;
}

/// Checks that a provider with these settings asks the service with the key.
async fn works(trial: &Trial<'_>, change: impl FnOnce(At) -> At) -> Result<(), Verdict> {
    let server = trial.serve(|_| None).await?;
    let at = change(trial.calm(server.url()));
    let stage = trial.stage_at(server, at).await?;
    let outcome = trial.ask_for_something(&stage).await;
    ensure!(outcome.is_ok(), "{outcome:.200?}");
    for request in stage.server.requests() {
        ensure!(!request.path.contains("//"), "the path is {:?}", request.path);
        let is_whole = |value: &str| value.split(' ').any(|word| word == KEY) && value.trim() == value;
        let has_key = request.headers.iter().any(|(_, value)| is_whole(value));
        ensure!(trial.kit.is_keyless || has_key, "the key was not sent as it is");
    }
    Ok(())
}

/// Checks that settings are refused, without the value in the error.
async fn refused(trial: &Trial<'_>, change: impl FnOnce(At) -> At, value: &str) -> Result<(), Verdict> {
    let at = change(trial.calm("http://127.0.0.1:9".to_owned()));
    match trial.connect(at).await {
        Ok(_) => Err(Verdict::Broken("settings that cannot be used were taken".to_owned())),
        Err(error) => {
            ensure!(error.kind() == ErrorKind::Config, "the kind is {:?}: {error}", error.kind());
            ensure!(!error.fields().is_empty(), "the error names no field: {error}");
            let shown = format!("{error} {error:?} {:?}", error.fields());
            ensure!(!shown.contains(value), "the value shows in {shown}");
            Ok(())
        }
    }
}

async fn white_space_around_the_key(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    works(trial, |mut at| {
        at.key = format!(" \t{KEY}\r\n");
        at
    })
    .await
}

async fn white_space_around_the_url(trial: &Trial<'_>) -> Result<(), Verdict> {
    works(trial, |mut at| {
        at.url = format!(" {}\n", at.url);
        at
    })
    .await
}

async fn slash_behind_the_url(trial: &Trial<'_>) -> Result<(), Verdict> {
    works(trial, |mut at| {
        at.url.push('/');
        at
    })
    .await
}

/// A gateway has the service below a path of its own.
async fn path_of_the_url(trial: &Trial<'_>) -> Result<(), Verdict> {
    const PATH: &str = "/gateway/acme";
    let server = trial.serve(|_| None).await?;
    let mut at = trial.calm(server.url());
    at.url.push_str(PATH);
    let stage = trial.stage_at(server, at).await?;
    // A wire may know its paths from the first slash on, so an answer is not asked for.
    let _ = trial.ask_for_something(&stage).await;
    let paths = stage.paths();
    ensure!(!paths.is_empty(), "the provider asked for nothing");
    let is_below = |path: &String| path.strip_prefix(PATH).is_some_and(|rest| rest.starts_with('/'));
    ensure!(paths.iter().all(is_below), "the base URL ends in {PATH}, and the paths are {paths:?}");
    Ok(())
}

async fn line_break_in_the_key(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    let change = |mut at: At| {
        at.key = "sk-marker\nx-header: 4711".to_owned();
        at
    };
    refused(trial, change, "4711").await
}

async fn url_that_is_none(trial: &Trial<'_>) -> Result<(), Verdict> {
    for url in ["marker-4711", "ftp://marker-4711.example", "http://"] {
        let change = |mut at: At| {
            at.url = url.to_owned();
            at
        };
        refused(trial, change, "4711").await?;
    }
    Ok(())
}

/// Checks that every field with a number in it refuses these values by its name. A number is told by the kind
/// of the field, and of a field of text by a default that is a number with a key for one: `"1"` may be the
/// version of an interface.
async fn fields_refuse(trial: &Trial<'_>, kinds: &[FieldKind], values: &[&str]) -> Result<(), Verdict> {
    let descriptor = trial.plain_stage().await?.provider.descriptor();
    let is_number = |field: &&ConfigField| {
        let has_key = ["timeout", "limit", "seconds", "max_", "retries", "bytes"]
            .iter()
            .any(|part| field.key.contains(part));
        kinds.contains(&field.kind)
            || has_key && field.default.is_some_and(|default| default.parse::<f64>().is_ok())
    };
    for field in descriptor.fields.iter().filter(is_number) {
        for value in values {
            let outcome = descriptor.connect(&ConfigValues::new().set(field.key, value));
            let is_named =
                outcome.is_err_and(|error| error.fields().iter().any(|known| known.field == field.key));
            ensure!(is_named, "{:?} takes {value}", field.key);
        }
    }
    Ok(())
}

async fn not_a_number(trial: &Trial<'_>) -> Result<(), Verdict> {
    let kinds = [FieldKind::Integer, FieldKind::Number, FieldKind::Duration];
    fields_refuse(trial, &kinds, &["NaN", "inf", "two", "1e999"]).await
}
