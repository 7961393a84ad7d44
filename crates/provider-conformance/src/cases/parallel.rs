//! Calls that run at the same time.

use std::sync::Arc;
use std::time::Duration;

use fault_server::Script;
use provider_core::{ChatRequest, ChatResponse, Error, LlmProvider};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::kit::Kit;
use crate::trial::{Stage, TOKENS, Trial, Verdict, ensure};
use crate::wire::{Piece, Reason, Route};

cases! {
    "parallel" Llm;
    streams_stay_apart: "all: apart";
    chats_stay_apart: "all: apart";
    all_at_once: "all: apart";
    dropped_one_of_many: "all: apart";
    failed_one_of_many: "all: apart";
}

/// The number of calls at the same time.
const CALLS: usize = 12;

fn marker(number: usize) -> String {
    format!("marker-{number:02}")
}

/// A service that answers with the marker of the request, in two pieces and after a while, so that all calls
/// overlap. It refuses the marker of `broken`, and never ends the answer to the one of `endless`.
async fn echoing(trial: &Trial<'_>, broken: usize, endless: usize) -> Result<Stage, Verdict> {
    trial.bytes(&[Piece::Text("")])?;
    let kit = trial.kit.clone();
    trial
        .stage(move |ask| {
            let text = ask.request.text();
            let number = (0..CALLS).find(|number| text.contains(&marker(*number)))?;
            if ask.route != Route::Chat {
                return None;
            }
            if number == broken {
                return Some(Script::json(400, "{\"error\":{\"message\":\"no\",\"code\":400}}"));
            }
            Some(echo(&kit, ask.is_streamed, &marker(number), number == endless))
        })
        .await
}

fn echo(kit: &Kit, is_streamed: bool, text: &str, is_endless: bool) -> Script {
    let (first, second) = text.split_at(4);
    let id = format!("gen-{text}");
    let pieces = [
        Piece::Begin { id: &id, model: text },
        Piece::Text(first),
        Piece::Text(second),
        Piece::Finish(Reason::Stop, Some(TOKENS)),
        Piece::End,
    ];
    let pause = Duration::from_millis(100);
    if let Some(body) = kit.wire.whole(&pieces).filter(|_| !is_streamed) {
        return Script::json(200, body).delay(pause);
    }
    let write = |pieces: &[Piece<'_>]| -> String {
        pieces.iter().filter_map(|piece| kit.wire.piece(piece)).collect()
    };
    let begun = Script::new(200).header("content-type", kit.wire.content_type()).write(write(&pieces[..2]));
    if is_endless { begun.stall() } else { begun.wait(pause).write(write(&pieces[2..])) }
}

async fn ask(
    provider: Arc<dyn LlmProvider>,
    request: ChatRequest,
    is_streamed: bool,
) -> Result<ChatResponse, Error> {
    match is_streamed {
        true => provider.stream(&request).await?.collect().await,
        false => provider.chat(&request).await,
    }
}

/// Asks for all markers but `left_out` at the same time.
async fn check_all(
    trial: &Trial<'_>,
    stage: &Stage,
    is_streamed: bool,
    left_out: usize,
) -> Result<(), Verdict> {
    let mut running = JoinSet::new();
    for number in (0..CALLS).filter(|number| *number != left_out) {
        let request = trial.blank().user(marker(number));
        let call = ask(Arc::clone(&stage.provider), request, is_streamed);
        running.spawn(async move { (number, call.await) });
    }
    while let Some(call) = running.join_next().await {
        match call {
            Ok((number, Ok(reply))) => {
                let marker = marker(number);
                ensure!(reply.text() == marker, "the call {marker} has the answer {:?}", reply.text());
                let is_told = !trial.begins_with("", &marker) || reply.model == marker;
                ensure!(is_told, "the call {marker} has the model {:?}", reply.model);
            }
            Ok((number, Err(error))) => {
                return Err(Verdict::Broken(format!(
                    "the call {} failed beside others: {error}",
                    marker(number)
                )));
            }
            Err(panic) => return Err(Verdict::Broken(format!("a call panicked: {panic}"))),
        }
    }
    Ok(())
}

async fn streams_stay_apart(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = echoing(trial, CALLS, CALLS).await?;
    check_all(trial, &stage, true, CALLS).await
}

async fn chats_stay_apart(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = echoing(trial, CALLS, CALLS).await?;
    check_all(trial, &stage, false, CALLS).await
}

async fn all_at_once(trial: &Trial<'_>) -> Result<(), Verdict> {
    let silent = Script::no_response().stall();
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| silent.clone())).await?;
    let mut running = JoinSet::new();
    for number in 0..CALLS {
        for is_streamed in [true, false] {
            let request = trial.blank().user(marker(number));
            running.spawn(ask(Arc::clone(&stage.provider), request, is_streamed));
        }
    }
    // None has an answer, so that all of them wait beside each other.
    let asked = timeout(trial.soon(), stage.server.wait_for_requests(2 * CALLS)).await;
    let count = stage.server.request_count();
    ensure!(matches!(asked, Ok(Ok(()))), "of {} calls at the same time {count} were sent", 2 * CALLS);
    Ok(())
}

async fn dropped_one_of_many(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = echoing(trial, CALLS, 3).await?;
    let endless = trial.blank().user(marker(3));
    match stage.provider.stream(&endless).await {
        Ok(mut stream) => {
            let first = stream.next().await;
            ensure!(matches!(first, Some(Ok(_))), "the first event is {first:?}");
            let others = check_all(trial, &stage, true, 3);
            let leave = async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                drop(stream);
            };
            tokio::join!(others, leave).0
        }
        Err(error) => Err(Verdict::Broken(format!("no stream: {error}"))),
    }
}

async fn failed_one_of_many(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = echoing(trial, 3, CALLS).await?;
    let request = trial.blank().user(marker(3));
    let failing = ask(Arc::clone(&stage.provider), request, true);
    let (failed, others) = tokio::join!(failing, check_all(trial, &stage, true, 3));
    ensure!(failed.is_err(), "a refusal became an answer");
    others
}
