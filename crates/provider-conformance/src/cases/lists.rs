//! The list of models, the connection test, and the connection made ahead of time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fault_server::Script;
use provider_core::ErrorKind;

use crate::trial::{Ask, MODELS, Trial, Verdict, ensure, has_key, may_pass};
use crate::wire::{Failure, Route};

cases! {
    "lists";
    ids: "models: listed";
    ids_of_all: "all_models: all";
    long_list: "models: listed";
    empty_list: "models: listed";
    no_chat_for_a_list: "models: listed";
    garbage: "models: unread";
    web_page: "models: unread";
    empty_body: "models: unread";
    endless: "all: bounded";
    silent: "all: bounded";
    silent_in_the_list: "all: bounded";
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
    silent_warm_up: "all: bounded";
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
        Ok(list) => listed(&list, MODELS),
        Err(error) => Err(Verdict::Broken(format!("a good list became an error: {error}"))),
    }
}

fn listed(list: &provider_core::Catalogue, sent: &[&str]) -> Result<(), Verdict> {
    let mut ids: Vec<&str> = list.models.iter().map(|model| &*model.id).collect();
    let mut sent = sent.to_vec();
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
        Ok(list) => listed(&list, MODELS),
        Err(error) => Err(Verdict::Broken(format!("a good list became an error: {error}"))),
    }
}

/// Checks a list of these ids, by both methods.
async fn listed_by_both(trial: &Trial<'_>, ids: Vec<String>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let (wire, sent) = (trial.kit.wire.clone(), ids.clone());
    let list = move |ask: &Ask<'_>| {
        let ids: Vec<&str> = sent.iter().map(String::as_str).collect();
        (ask.route == Route::Models).then(|| Script::json(200, wire.page(&ids, &ask.request.path)))
    };
    let stage = trial.stage(list).await?;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for outcome in [stage.provider.models().await, stage.provider.all_models().await] {
        match outcome {
            Ok(list) => listed(&list, &ids)?,
            Err(error) => {
                let count = ids.len();
                return Err(Verdict::Broken(format!("a list of {count} models became an error: {error}")));
            }
        }
    }
    Ok(())
}

async fn long_list(trial: &Trial<'_>) -> Result<(), Verdict> {
    listed_by_both(trial, (0..300).map(|number| format!("acme/model-{number}")).collect()).await
}

async fn empty_list(trial: &Trial<'_>) -> Result<(), Verdict> {
    listed_by_both(trial, Vec::new()).await
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

async fn silent_in_the_list(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let list = trial.kit.wire.models(MODELS);
    let half = list.as_bytes()[..list.len() / 2].to_vec();
    let script = Script::json(200, half).content_length(list.len()).stall();
    let stage = trial.waiting_stage(move |ask| (ask.route == Route::Models).then(|| script.clone())).await?;
    let kind = stage.provider.models().await.map_err(|error| error.kind()).map(drop);
    ensure!(kind == Err(ErrorKind::Timeout), "a service that falls silent in its list: {kind:?}");
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
    const WORDS: &str = "the hamster is tired";
    let (status, body) = trial.kit.wire.refusal(Failure::Server, WORDS, "");
    let script = Script::json(status, body);
    check(trial, script.clone(), &[ErrorKind::Server, ErrorKind::Upstream]).await?;
    let stage = trial.stage(move |ask| (ask.route == Route::Models).then(|| script.clone())).await?;
    let outcomes =
        [("models", stage.provider.models().await), ("all_models", stage.provider.all_models().await)];
    for (method, outcome) in outcomes {
        let Err(error) = outcome else {
            return Err(Verdict::Broken(format!("{method}: a failure became a list")));
        };
        ensure!(error.to_string().contains(WORDS), "{method}: {WORDS:?} is not in {:?}", error.to_string());
        ensure!(error.status() == Some(status), "{method}: the status is {:?}", error.status());
        ensure!(may_pass(&error), "{method}: a broken service cannot pass: {error}");
    }
    Ok(())
}

async fn redirect(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let other = trial.serve(|_| None).await?;
    let to = format!("{}/v1/models", other.url());
    for status in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let stage =
            trial.stage(move |ask| (ask.route != Route::Chat).then(|| Script::redirect(status, to.clone())));
        let stage = stage.await?;
        let outcome = stage.provider.models().await;
        ensure!(outcome.is_err(), "{status}: a redirect became a list");
        ensure!(stage.provider.check().await.is_err(), "{status}: a redirect passed the connection test");
        ensure!(other.connection_count() == 0, "{status}: the other origin was asked");
    }
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
    for failure in
        [Failure::Payment, Failure::Permission, Failure::RateLimited, Failure::Overloaded, Failure::Server]
    {
        let (status, body) = trial.kit.wire.refusal(failure, "it broke", "");
        let stage = trial.stage(move |_| Some(Script::json(status, body.clone()))).await?;
        let outcome = stage.provider.check().await;
        ensure!(outcome.is_err(), "a service that answers with {status} passes the connection test");
    }
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

async fn silent_warm_up(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.waiting_stage(|_| Some(Script::no_response().stall())).await?;
    // It may fail or not; the limit of the case ends one that waits on.
    let _ = stage.provider.warm_up().await;
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
