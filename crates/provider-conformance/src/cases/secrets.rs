//! The key is never seen, also where the service repeats it.

use std::error::Error as _;
use std::time::Duration;

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
    in_the_answer: "all: redacted";
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
    no_key_in(way, &shown(error))
}

/// Checks that a text has neither the key nor the most of it, nor its bytes as numbers.
fn no_key_in(way: &str, shown: &str) -> Result<(), Verdict> {
    /// The length of a piece that is too much of the key.
    const PIECE: usize = 8;
    let bytes: Vec<String> = KEY.bytes().take(PIECE).map(|byte| byte.to_string()).collect();
    let numbers = [bytes.join(", "), bytes.join(",")];
    // A piece of letters alone is a word that a text may have.
    let is_telling = |piece: &&str| !piece.bytes().all(|byte| byte.is_ascii_lowercase());
    let pieces = (0..=KEY.len() - PIECE).filter_map(|start| KEY.get(start..start + PIECE));
    let found = pieces.filter(is_telling).find(|piece| shown.contains(piece));
    let found = found.or_else(|| numbers.iter().map(|text| &**text).find(|bytes| shown.contains(bytes)));
    if let Some(found) = found {
        let shown = shown.replace(KEY, "<the key>");
        let shown = shown.replace(found, "<a piece of the key>");
        return Err(Verdict::Broken(format!("{way}: the key shows in {shown:.300}")));
    }
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

async fn in_the_answer(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    let (id, text) = (format!("gen-{KEY}"), echo());
    let pieces = [Piece::Begin { id: &id, model: "acme/model-1-2026" }, Piece::Text(&text)];
    let script = trial.streaming(trial.bytes(&pieces)?).wait(Duration::from_millis(50)).close();
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    match stage.read(&trial.request()).await.outcome {
        Ok(_) => Err(Verdict::Broken("an answer without an end".to_owned())),
        Err(error) => hidden("streamed", &error),
    }
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
    no_key_in("Debug", &shown)
}

async fn in_a_header_alone(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    let stage = trial.plain_stage().await?;
    for (way, outcome) in stage.both(&trial.request()).await {
        ensure!(outcome.is_ok(), "{way}: {outcome:?}");
    }
    // Whether they succeed is a matter of other cases.
    let _ = (stage.provider.models().await, stage.provider.all_models().await);
    let _ = (stage.provider.check().await, stage.provider.warm_up().await);
    for request in stage.server.requests() {
        let is_chat = trial.kit.wire.route(&request.method, &request.path) == Route::Chat;
        ensure!(!request.path.contains(KEY), "the key is in the URL of a {}", request.method);
        ensure!(!request.text().contains(KEY), "the key is in the body of a {}", request.method);
        let headers = request.headers.iter().filter(|(_, value)| value.contains(KEY)).count();
        // A list and a warm-up may do without.
        ensure!(
            headers == 1 || !is_chat && headers == 0,
            "the key is in {headers} headers of a {}",
            request.method
        );
    }
    Ok(())
}
