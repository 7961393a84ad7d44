//! The list of models, the connection test, and the connection made ahead of time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fault_server::Script;
use provider_core::ErrorKind;

use crate::trial::{MODELS, Trial, Verdict, ensure};
use crate::wire::{Failure, Route};

cases! {
    "lists";
    ids: "models: listed";
    ids_of_all: "all_models: all";
    no_chat_for_a_list: "models: listed";
    garbage: "models: unread";
    web_page: "models: unread";
    empty_body: "models: unread";
    endless: "all: bounded";
    silent: "all: bounded";
    wrong_key: "all: failure";
    broken_service: "all: failure";
    redirect: "all: origin";
    check_passes: "check: key";
    check_with_a_wrong_key: "check: key";
    check_without_a_service: "check: key";
    check_of_a_web_page: "check: key";
    check_sends_the_key: "check: key";
    check_is_free: "check: free";
    silent_check: "all: bounded";
    warm_up_is_free: "warm_up: idle";
    warm_up_that_failed: "warm_up: idle";
}

/// Checks the error of a list that the service answers so.
async fn check(trial: &Trial<'_>, script: Script, kinds: &[ErrorKind]) -> Result<(), Verdict> {
    let stage = trial.stage(move |ask| (ask.route == Route::Models).then(|| script.clone())).await?;
    match stage.provider.models().await {
        Ok(list) => Err(Verdict::Broken(format!("a failure became a list of {} models", list.models.len()))),
        Err(error) if kinds.contains(&error.kind()) => Ok(()),
        Err(error) => Err(Verdict::Broken(format!("the kind is {:?}, not {kinds:?}: {error}", error.kind()))),
    }
}

async fn ids(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let stage = trial.plain_stage().await?;
    match stage.provider.models().await {
        Ok(list) => listed(&list),
        Err(error) => Err(Verdict::Broken(format!("a good list became an error: {error}"))),
    }
}

fn listed(list: &provider_core::Catalogue) -> Result<(), Verdict> {
    let mut ids: Vec<&str> = list.models.iter().map(|model| &*model.id).collect();
    let mut sent = MODELS.to_vec();
    ids.sort_unstable();
    sent.sort_unstable();
    let only = |one: &[&str], other: &[&str]| -> Vec<String> {
        let missing = one.iter().filter(|id| !other.contains(id));
        missing.take(5).map(|id| (*id).to_owned()).collect()
    };
    ensure!(
        ids == sent,
        "{} ids of {}: lost {:?}, made up {:?}",
        ids.len(),
        sent.len(),
        only(&sent, &ids),
        only(&ids, &sent)
    );
    Ok(())
}

async fn ids_of_all(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let stage = trial.plain_stage().await?;
    match stage.provider.all_models().await {
        Ok(list) => listed(&list),
        Err(error) => Err(Verdict::Broken(format!("a good list became an error: {error}"))),
    }
}

async fn no_chat_for_a_list(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let stage = trial.plain_stage().await?;
    let outcomes = [stage.provider.models().await, stage.provider.all_models().await];
    ensure!(outcomes.iter().all(Result::is_ok), "{outcomes:.200?}");
    ensure!(stage.chats() == 0, "a list cost {} chats", stage.chats());
    Ok(())
}

async fn garbage(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    for body in ["{\"data\": 7", "{\"data\": 7}", "7", "{}"] {
        check(trial, Script::json(200, body), &[ErrorKind::InvalidResponse]).await?;
    }
    Ok(())
}

async fn web_page(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    check(trial, Script::html_error(200), &[ErrorKind::InvalidResponse]).await
}

async fn empty_body(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let kinds = [ErrorKind::InvalidResponse, ErrorKind::EmptyResponse];
    check(trial, Script::json(200, ""), &kinds).await
}

async fn endless(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let script =
        // 32 MiB, which is more than any limit.
        Script::json(200, "{").chunked().repeat(" ".repeat(64 << 10), 512, Duration::from_millis(2)).stall();
    check(trial, script, &[ErrorKind::InvalidResponse]).await
}

async fn silent(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let script = Script::no_response().stall();
    let stage = trial.waiting_stage(move |ask| (ask.route == Route::Models).then(|| script.clone())).await?;
    let kind = stage.provider.models().await.map_err(|error| error.kind()).map(drop);
    ensure!(kind == Err(ErrorKind::Timeout), "a silent service: {kind:?}");
    Ok(())
}

async fn wrong_key(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    trial.needs_key()?;
    let (status, body) = trial.kit.wire.refusal(Failure::Authentication, "no such key", "");
    check(trial, Script::json(status, body), &[ErrorKind::Authentication]).await
}

async fn broken_service(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let (status, body) = trial.kit.wire.refusal(Failure::Server, "it broke", "");
    check(trial, Script::json(status, body), &[ErrorKind::Server, ErrorKind::Upstream]).await
}

async fn redirect(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let other = trial.serve(|_| None).await?;
    let to = format!("{}/v1/models", other.url());
    let stage = trial.stage(move |ask| (ask.route != Route::Chat).then(|| Script::redirect(302, to.clone())));
    let stage = stage.await?;
    let outcome = stage.provider.models().await;
    ensure!(outcome.is_err(), "a redirect became a list");
    ensure!(stage.provider.check().await.is_err(), "a redirect passed the connection test");
    ensure!(other.connection_count() == 0, "the other origin was asked");
    Ok(())
}

async fn check_passes(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    let outcome = stage.provider.check().await;
    let advice = trial.log.unplayed();
    ensure!(outcome.is_ok(), "the connection test of a good service fails: {outcome:?}{advice}");
    ensure!(stage.server.request_count() > 0, "the connection test asked the service for nothing");
    Ok(())
}

async fn check_with_a_wrong_key(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    let (status, body) = trial.kit.wire.refusal(Failure::Authentication, "no such key", "");
    let stage = trial.stage(move |_| Some(Script::json(status, body.clone()))).await?;
    let kind = stage.provider.check().await.map_err(|error| error.kind()).map(drop);
    ensure!(kind == Err(ErrorKind::Authentication), "a wrong key: {kind:?}");
    Ok(())
}

async fn check_without_a_service(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (status, body) = trial.kit.wire.refusal(Failure::Server, "it broke", "");
    let stage = trial.stage(move |_| Some(Script::json(status, body.clone()))).await?;
    let outcome = stage.provider.check().await;
    ensure!(outcome.is_err(), "a service that fails passes the connection test");
    Ok(())
}

async fn check_of_a_web_page(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.stage(|_| Some(Script::html_error(200))).await?;
    let outcome = stage.provider.check().await;
    ensure!(outcome.is_err(), "a web page passes the connection test");
    Ok(())
}

async fn check_sends_the_key(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    let stage = trial.plain_stage().await?;
    let outcome = stage.provider.check().await;
    let has_key = |request: &fault_server::Request| {
        request.headers.iter().any(|(_, value)| value.contains(crate::kit::KEY))
    };
    ensure!(stage.server.requests().iter().any(has_key), "the connection test sent no key: {outcome:?}");
    Ok(())
}

async fn check_is_free(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    let outcome = stage.provider.check().await;
    ensure!(stage.chats() == 0, "a connection test cost {} chats: {outcome:?}", stage.chats());
    Ok(())
}

async fn silent_check(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.waiting_stage(|_| Some(Script::no_response().stall())).await?;
    let kind = stage.provider.check().await.map_err(|error| error.kind()).map(drop);
    ensure!(kind == Err(ErrorKind::Timeout), "a silent service: {kind:?}");
    Ok(())
}

async fn warm_up_is_free(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    let outcome = stage.provider.warm_up().await;
    ensure!(outcome.is_ok(), "a good service: {outcome:?}");
    ensure!(stage.chats() == 0, "a connection cost {} chats", stage.chats());
    Ok(())
}

async fn warm_up_that_failed(trial: &Trial<'_>) -> Result<(), Verdict> {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let stage =
        trial.stage(move |_| down.load(Ordering::Relaxed).then(|| Script::no_response().close())).await?;
    // It may fail or not.
    let _ = stage.provider.warm_up().await;
    is_down.store(false, Ordering::Relaxed);
    let outcome = trial.ask_for_something(&stage).await;
    ensure!(outcome.is_ok(), "after a connection that failed: {outcome:.200?}");
    Ok(())
}
