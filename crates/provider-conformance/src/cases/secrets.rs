//! The key is never seen, also where the service repeats it.

use std::error::Error as _;

use fault_server::Script;
use provider_core::Error;

use crate::kit::KEY;
use crate::trial::{Trial, Verdict, ensure};
use crate::wire::{Failure, Piece, Route};

cases! {
    "secrets" Llm;
    in_the_words: "all: redacted";
    in_the_code: "all: redacted";
    in_plain_text: "all: redacted";
    in_a_header: "all: redacted";
    in_a_redirect: "all: redacted";
    in_a_frame: "all: redacted";
    in_garbage: "all: redacted";
    escaped: "all: redacted";
    in_the_list_of_models: "all: redacted";
    in_the_check: "all: redacted";
    in_debug: "all: redacted";
    in_a_header_alone: "all: origin";
}

/// All that can be seen of an error.
fn shown(error: &Error) -> String {
    let json = serde_json::to_string(&error).unwrap_or_default();
    let partial = serde_json::to_string(&error.partial()).unwrap_or_default();
    let mut shown = format!("{error} {error:?} {json} {partial} {:?} {:?}", error.fields(), error.details());
    let mut cause = error.source();
    while let Some(inner) = cause {
        shown.push_str(&format!(" {inner} {inner:?}"));
        cause = inner.source();
    }
    let attempts: String = error.attempts().iter().map(self::shown).collect();
    shown + &attempts
}

fn hidden(way: &str, error: &Error) -> Result<(), Verdict> {
    let shown = shown(error);
    ensure!(!shown.contains(KEY), "{way}: the key shows in {:.300}", shown.replace(KEY, "<the key>"));
    Ok(())
}

/// Checks the errors of a service that answers every chat so.
async fn check(trial: &Trial<'_>, script: Script) -> Result<(), Verdict> {
    trial.needs_key()?;
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    for (way, outcome) in stage.both(&trial.request()).await {
        match outcome {
            Ok(_) => return Err(Verdict::Broken(format!("{way}: a failure became an answer"))),
            Err(error) => hidden(way, &error)?,
        }
    }
    Ok(())
}

fn echo() -> String {
    format!("there is no key {KEY} here")
}

async fn in_the_words(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (status, body) = trial.kit.wire.refusal(Failure::Authentication, &echo(), "");
    check(trial, Script::json(status, body)).await
}

async fn in_the_code(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (status, body) = trial.kit.wire.refusal(Failure::Authentication, "no such key", KEY);
    check(trial, Script::json(status, body)).await
}

async fn in_plain_text(trial: &Trial<'_>) -> Result<(), Verdict> {
    check(trial, Script::with_body(403, "text/plain", echo())).await
}

async fn in_a_header(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (status, body) = trial.kit.wire.refusal(Failure::Overloaded, "busy", "");
    let script = Script::json(status, body).header("x-request-id", KEY).header("request-id", KEY);
    check(trial, script.header("retry-after", KEY)).await
}

async fn in_a_redirect(trial: &Trial<'_>) -> Result<(), Verdict> {
    check(trial, Script::redirect(307, format!("http://127.0.0.1:9/?key={KEY}"))).await
}

async fn in_a_frame(trial: &Trial<'_>) -> Result<(), Verdict> {
    let words = echo();
    let bytes = trial.bytes(&[Piece::Error { failure: Failure::Overloaded, words: &words, code: KEY }])?;
    check(trial, trial.streaming(bytes)).await
}

async fn in_garbage(trial: &Trial<'_>) -> Result<(), Verdict> {
    let bytes = trial.bytes(&[Piece::Garbage(KEY)])?;
    check(trial, trial.streaming(bytes)).await
}

async fn escaped(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (status, body) = trial.kit.wire.refusal(Failure::Authentication, &echo(), "");
    let escaped: String = KEY.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    check(trial, Script::json(status, body.replace(KEY, &escaped))).await
}

async fn in_the_list_of_models(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    trial.needs_key()?;
    let (status, body) = trial.kit.wire.refusal(Failure::Authentication, &echo(), "");
    let scripts = [
        Script::json(status, body),
        Script::json(200, format!("{{\"data\": {KEY}")),
        Script::with_body(403, "text/plain", echo()),
    ];
    for script in scripts {
        let stage = trial.stage(move |ask| (ask.route == Route::Models).then(|| script.clone())).await?;
        match stage.provider.models().await {
            Ok(_) => return Err(Verdict::Broken("a failure became a list".to_owned())),
            Err(error) => hidden("models", &error)?,
        }
    }
    Ok(())
}

async fn in_the_check(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    let (status, body) = trial.kit.wire.refusal(Failure::Authentication, &echo(), "");
    let stage = trial.stage(move |_| Some(Script::json(status, body.clone()))).await?;
    match stage.provider.check().await {
        Ok(_) => Err(Verdict::Broken("a wrong key passed".to_owned())),
        Err(error) => hidden("check", &error),
    }
}

async fn in_debug(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    let stage = trial.plain_stage().await?;
    let stream = stage.provider.stream(&trial.request()).await;
    let shown = format!("{:?} {stream:?}", stage.provider);
    ensure!(!shown.contains(KEY), "the key shows in {:.300}", shown.replace(KEY, "<the key>"));
    Ok(())
}

async fn in_a_header_alone(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    let stage = trial.plain_stage().await?;
    for (way, outcome) in stage.both(&trial.request()).await {
        ensure!(outcome.is_ok(), "{way}: {outcome:?}");
    }
    for request in stage.server.requests() {
        ensure!(!request.path.contains(KEY), "the key is in the URL of a {}", request.method);
        ensure!(!request.text().contains(KEY), "the key is in the body of a {}", request.method);
        let headers = request.headers.iter().filter(|(_, value)| value.contains(KEY)).count();
        ensure!(headers == 1, "the key is in {headers} headers of a {}", request.method);
    }
    Ok(())
}
