//! Failures that the service reports: kind, advice, words.

use std::time::{Duration, SystemTime};

use fault_server::Script;
use provider_core::{Error, ErrorKind};

use crate::trial::{Stage, TOKENS, Trial, Verdict, ensure, may_pass};
use crate::wire::{Failure, Piece, Reason, Route};

cases! {
    "said" Llm;
    authentication: "all: failure";
    payment: "all: failure";
    permission: "all: failure";
    model_not_found: "all: failure";
    invalid_request: "all: failure";
    context_length: "all: failure";
    rate_limited: "all: failure";
    overloaded: "all: failure";
    server: "all: failure";
    words: "all: failure";
    status: "all: failure";
    long_words: "all: failure";
    gateway_without_words: "all: failure";
    retry_after_seconds: "all: failure";
    retry_after_date: "all: failure";
    odd_retry_after: "all: failure";
    refused_at_once: "stream: accepted";
    error_in_the_stream: "stream: kept";
    usage_behind_an_error: "stream: kept";
    error_in_a_success: "chat: error";
    part_of_a_failed_body: "chat: error";
}

const WORDS: &str = "the hamster is tired";

/// A service that refuses chats with this failure.
async fn refusing(
    trial: &Trial<'_>,
    failure: Failure,
    words: &str,
    headers: &[(&str, String)],
) -> Result<Stage, Verdict> {
    let (status, body) = trial.kit.wire.refusal(failure, words, "");
    let script = headers
        .iter()
        .fold(Script::json(status, body), |script, (name, value)| script.header(*name, value.clone()));
    trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await
}

async fn errors(trial: &Trial<'_>, stage: &Stage) -> Result<[(&'static str, Error); 2], Verdict> {
    let [(streamed, first), (whole, second)] = stage.both(&trial.request()).await;
    match (first, second) {
        (Err(first), Err(second)) => Ok([(streamed, first), (whole, second)]),
        (Ok(reply), _) | (_, Ok(reply)) => {
            Err(Verdict::Broken(format!("a refusal became an answer: {:?}", reply.text())))
        }
    }
}

async fn kind(
    trial: &Trial<'_>,
    failure: Failure,
    words: &str,
    wanted: &[ErrorKind],
    passes: bool,
) -> Result<(), Verdict> {
    let stage = refusing(trial, failure, words, &[]).await?;
    for (way, error) in errors(trial, &stage).await? {
        ensure!(
            wanted.contains(&error.kind()),
            "{way}: the kind is {:?}, not {wanted:?}: {error}",
            error.kind()
        );
        ensure!(may_pass(&error) == passes, "{way}: trying again can help: {}; {error}", may_pass(&error));
    }
    Ok(())
}

async fn authentication(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_key()?;
    kind(trial, Failure::Authentication, "No such key", &[ErrorKind::Authentication], false).await
}

async fn payment(trial: &Trial<'_>) -> Result<(), Verdict> {
    kind(trial, Failure::Payment, "Insufficient credits", &[ErrorKind::PaymentRequired], false).await
}

async fn permission(trial: &Trial<'_>) -> Result<(), Verdict> {
    let kinds = &[ErrorKind::PermissionDenied, ErrorKind::Authentication];
    kind(trial, Failure::Permission, "This key may not do that", kinds, false).await
}

/// Whether the body of this failure has no more than the words, so that the status has to tell its kind.
fn has_words_alone(trial: &Trial<'_>, failure: Failure) -> bool {
    let body = |failure| trial.kit.wire.refusal(failure, WORDS, "").1;
    body(failure) == body(Failure::InvalidRequest) && body(failure) == body(Failure::Server)
}

async fn model_not_found(trial: &Trial<'_>) -> Result<(), Verdict> {
    let words = "The model does not exist";
    let kinds = match has_words_alone(trial, Failure::ModelNotFound) {
        true => &[ErrorKind::ModelNotFound, ErrorKind::NotFound][..],
        false => &[ErrorKind::ModelNotFound],
    };
    kind(trial, Failure::ModelNotFound, words, kinds, false).await
}

async fn invalid_request(trial: &Trial<'_>) -> Result<(), Verdict> {
    let words = "temperature must be a number";
    kind(trial, Failure::InvalidRequest, words, &[ErrorKind::InvalidRequest], false).await
}

async fn context_length(trial: &Trial<'_>) -> Result<(), Verdict> {
    let words = "This model's maximum context length is 8192 tokens, however you requested 9000 tokens.";
    let kinds = match has_words_alone(trial, Failure::ContextLength) {
        true => &[ErrorKind::ContextLength, ErrorKind::InvalidRequest][..],
        false => &[ErrorKind::ContextLength],
    };
    kind(trial, Failure::ContextLength, words, kinds, false).await
}

async fn rate_limited(trial: &Trial<'_>) -> Result<(), Verdict> {
    kind(trial, Failure::RateLimited, "Too many requests", &[ErrorKind::RateLimited], true).await
}

async fn overloaded(trial: &Trial<'_>) -> Result<(), Verdict> {
    kind(trial, Failure::Overloaded, "Overloaded", &[ErrorKind::Overloaded], true).await
}

async fn server(trial: &Trial<'_>) -> Result<(), Verdict> {
    let kinds = &[ErrorKind::Server, ErrorKind::Upstream];
    kind(trial, Failure::Server, "Internal server error", kinds, true).await
}

async fn words(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = refusing(trial, Failure::InvalidRequest, WORDS, &[]).await?;
    for (way, error) in errors(trial, &stage).await? {
        ensure!(error.to_string().contains(WORDS), "{way}: {WORDS:?} is not in {:?}", error.to_string());
    }
    Ok(())
}

async fn status(trial: &Trial<'_>) -> Result<(), Verdict> {
    for failure in Failure::ALL {
        let (sent, _) = trial.kit.wire.refusal(failure, WORDS, "");
        let stage = refusing(trial, failure, WORDS, &[]).await?;
        for (way, error) in errors(trial, &stage).await? {
            ensure!(
                error.status() == Some(sent),
                "{way}: the status is {:?}, and {sent} was sent",
                error.status()
            );
        }
    }
    Ok(())
}

async fn long_words(trial: &Trial<'_>) -> Result<(), Verdict> {
    /// Every even byte is in the middle of a character.
    const FIRST: &str = "aüüü";
    let words = FIRST.to_owned() + &"ü".repeat(3000);
    let stage = refusing(trial, Failure::InvalidRequest, &words, &[]).await?;
    for (way, error) in errors(trial, &stage).await? {
        let shown = error.to_string();
        ensure!(shown.contains(FIRST), "{way}: {FIRST:?}… is not in {shown:.100?}");
    }
    Ok(())
}

async fn gateway_without_words(trial: &Trial<'_>) -> Result<(), Verdict> {
    for status in [502, 504, 529] {
        let script = Script::new(status);
        let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
        for (way, error) in errors(trial, &stage).await? {
            ensure!(may_pass(&error), "{way}: a bare {status} cannot pass: {error}");
            ensure!(error.status() == Some(status), "{way}: {status} became {:?}", error.status());
        }
    }
    Ok(())
}

async fn retry_after(trial: &Trial<'_>, value: String) -> Result<(), Verdict> {
    for failure in [Failure::RateLimited, Failure::Overloaded] {
        let headers = [("retry-after", value.clone())];
        let stage = refusing(trial, failure, WORDS, &headers).await?;
        for (way, error) in errors(trial, &stage).await? {
            let wait = error.retry().after();
            // A date has whole seconds, and the clock goes on.
            let around = Duration::from_secs(20)..=Duration::from_secs(31);
            ensure!(
                wait.is_some_and(|wait| around.contains(&wait)),
                "{way}: {failure:?} with retry-after: {value} became {:?}",
                error.retry()
            );
        }
    }
    Ok(())
}

async fn odd_retry_after(trial: &Trial<'_>) -> Result<(), Verdict> {
    for value in ["1e30", "-1", "NaN", "inf", "99999999999999999999999", "soon", ""] {
        let headers = [("retry-after", value.to_owned())];
        let stage = refusing(trial, Failure::RateLimited, "Too many requests", &headers).await?;
        for (way, error) in errors(trial, &stage).await? {
            let is_kept = error.kind() == ErrorKind::RateLimited && may_pass(&error);
            ensure!(is_kept, "{way}: with retry-after: {value}: {error}");
        }
    }
    Ok(())
}

async fn retry_after_seconds(trial: &Trial<'_>) -> Result<(), Verdict> {
    retry_after(trial, "30".to_owned()).await
}

async fn retry_after_date(trial: &Trial<'_>) -> Result<(), Verdict> {
    retry_after(trial, httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(30))).await
}

async fn refused_at_once(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = refusing(trial, Failure::InvalidRequest, WORDS, &[]).await?;
    let read = stage.read(&trial.request()).await;
    ensure!(read.is_refused, "a request that was refused has a stream");
    Ok(())
}

const BEGUN: &[Piece<'static>] =
    &[Piece::Begin { id: "gen-1", model: "acme/model-1-2026" }, Piece::Text("Hel"), Piece::Text("lo")];

async fn failing(trial: &Trial<'_>, behind: &[Piece<'_>]) -> Result<Error, Verdict> {
    let error = Piece::Error { failure: Failure::Overloaded, words: WORDS, code: "" };
    let bytes = trial.bytes(BEGUN)? + &trial.bytes(&[error])? + &trial.bytes(behind)?;
    let script = trial.streaming(bytes);
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    match stage.read(&trial.request()).await.outcome {
        Ok(_) => Err(Verdict::Broken("an error in the stream became an answer".to_owned())),
        Err(error) => Ok(error),
    }
}

async fn error_in_the_stream(trial: &Trial<'_>) -> Result<(), Verdict> {
    let end = [Piece::Finish(Reason::Stop, None), Piece::End];
    let error = failing(trial, &end).await?;
    let kept = error.partial().map_or("", |partial| partial.text());
    ensure!(kept == "Hello", "kept {kept:?} of what had come: {error}");
    ensure!(error.to_string().contains(WORDS), "{WORDS:?} is not in {:?}", error.to_string());
    ensure!(error.kind() != ErrorKind::Interrupted, "a reported failure is {:?}", error.kind());
    let written = |failure| trial.kit.wire.piece(&Piece::Error { failure, words: WORDS, code: "" });
    // Where failures have the same words and bytes, their kind cannot be told.
    if written(Failure::Overloaded) != written(Failure::InvalidRequest) {
        ensure!(error.kind() == ErrorKind::Overloaded, "the kind is {:?}: {error}", error.kind());
        ensure!(may_pass(&error), "an overload that cannot pass: {error}");
    }
    Ok(())
}

async fn usage_behind_an_error(trial: &Trial<'_>) -> Result<(), Verdict> {
    let error = failing(trial, &[Piece::Usage(TOKENS), Piece::End]).await?;
    let usage = error.partial().map(|partial| (partial.usage.prompt_tokens, partial.usage.completion_tokens));
    let sent = (Some(TOKENS.prompt), Some(TOKENS.completion));
    ensure!(usage == Some(sent), "the usage behind an error was lost: {usage:?}");
    Ok(())
}

async fn error_in_a_success(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (_, body) = trial.kit.wire.refusal(Failure::Overloaded, WORDS, "");
    let script = Script::json(200, body);
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    for (way, error) in errors(trial, &stage).await? {
        ensure!(error.to_string().contains(WORDS), "{way}: {WORDS:?} is not in {:?}", error.to_string());
        ensure!(error.status() == Some(200), "{way}: the status is {:?}", error.status());
    }
    Ok(())
}

async fn part_of_a_failed_body(trial: &Trial<'_>) -> Result<(), Verdict> {
    let error = Piece::Error { failure: Failure::Overloaded, words: WORDS, code: "" };
    let body = trial.kit.wire.whole(&[BEGUN, &[error]].concat()).filter(|body| body.contains(WORDS));
    let Some(body) = body else {
        return Err(Verdict::Skip("the wire has no whole answer with an error".to_owned()));
    };
    let script = Script::json(200, body);
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    match stage.provider.chat(&trial.request()).await {
        Ok(reply) => Err(Verdict::Broken(format!("a failed answer became {:?}", reply.text()))),
        Err(error) => {
            let kept = error.partial().map_or("", |partial| partial.text());
            ensure!(kept == "Hello", "kept {kept:?} of an answer that failed: {error}");
            ensure!(error.to_string().contains(WORDS), "{WORDS:?} is not in {:?}", error.to_string());
            Ok(())
        }
    }
}
