//! Connections: when they are made, used again and closed.

use std::time::Duration;

use fault_server::Script;
use tokio::time::{sleep, timeout};

use crate::trial::{PLAIN, TOKENS, Trial, Verdict, ensure};
use crate::wire::{Failure, Piece, Route};

cases! {
    "leaving" Llm;
    nothing_sent_on_connect: "descriptor: settings";
    dropped_stream: "all: dropped";
    dropped_stream_call: "all: dropped";
    dropped_chat: "all: dropped";
    dropped_list: "all: dropped";
    dropped_provider: "all: dropped";
    connection_used_again: "all: apart";
    slow_reader: "stream: live";
    asked_once: "all: once" bare;
    asked_once_for_a_list: "all: once" bare;
    asked_each_time: "all: once" bare;
}

async fn nothing_sent_on_connect(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    // A task that the constructor leaves behind takes its time.
    let _ = timeout(Duration::from_millis(400), stage.server.wait_for_requests(1)).await;
    let requests = stage.server.requests();
    ensure!(requests.is_empty(), "the constructor sent {:?}", requests.first());
    Ok(())
}

/// Waits until the client has closed its connection.
async fn closes(trial: &Trial<'_>, stage: &crate::trial::Stage) -> Result<(), Verdict> {
    let closed = timeout(trial.soon(), stage.server.wait_for_client_close(1)).await;
    ensure!(matches!(closed, Ok(Ok(()))), "the connection stays open: {:?}", stage.server);
    Ok(())
}

async fn dropped_stream(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = trial.streaming(trial.bytes(&PLAIN[..2])?).stall();
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    match stage.provider.stream(&trial.request()).await {
        Ok(mut stream) => {
            let first = stream.next().await;
            ensure!(matches!(first, Some(Ok(_))), "the first event is {first:?}");
            drop(stream);
            closes(trial, &stage).await
        }
        Err(error) => Err(Verdict::Broken(format!("no stream: {error}"))),
    }
}

async fn dropped_stream_call(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = Script::no_response().stall();
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    let request = trial.request();
    tokio::select! {
        outcome = stage.provider.stream(&request) => {
            return Err(Verdict::Broken(format!("a silent service: {outcome:?}")));
        }
        asked = stage.server.wait_for_requests(1) => asked?,
    }
    closes(trial, &stage).await
}

/// The places where a service falls silent in a call for a body.
fn silences() -> [Script; 2] {
    [Script::no_response().stall(), Script::json(200, "{\"a\":").content_length(500).stall()]
}

/// Waits until a request has come, and what the service sends of the answer has gone.
async fn under_way(stage: &crate::trial::Stage) -> Result<(), Verdict> {
    stage.server.wait_for_requests(1).await?;
    sleep(Duration::from_millis(200)).await;
    Ok(())
}

async fn dropped_chat(trial: &Trial<'_>) -> Result<(), Verdict> {
    for script in silences() {
        let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
        let request = trial.request();
        tokio::select! {
            outcome = stage.provider.chat(&request) => {
                return Err(Verdict::Broken(format!("a silent service: {outcome:?}")));
            }
            asked = under_way(&stage) => asked?,
        }
        closes(trial, &stage).await?;
    }
    Ok(())
}

async fn dropped_list(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    for script in silences() {
        let stage = trial.stage(move |ask| (ask.route == Route::Models).then(|| script.clone())).await?;
        tokio::select! {
            outcome = stage.provider.models() => {
                return Err(Verdict::Broken(format!("a silent service: {outcome:?}")));
            }
            asked = under_way(&stage) => asked?,
        }
        closes(trial, &stage).await?;
    }
    Ok(())
}

async fn dropped_provider(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    let outcome = stage.provider.chat(&trial.request()).await;
    ensure!(outcome.is_ok(), "{outcome:?}");
    let crate::trial::Stage { server, provider, .. } = stage;
    drop(provider);
    let closed = timeout(trial.soon(), server.wait_for_all_closed()).await;
    ensure!(matches!(closed, Ok(Ok(()))), "a connection outlives the provider: {server:?}");
    Ok(())
}

async fn connection_used_again(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    for _ in 0..3 {
        for (way, outcome) in stage.both(&trial.request()).await {
            let reply = outcome.map_err(|error| Verdict::Broken(format!("{way}: {error}")))?;
            let used = (reply.text(), reply.usage.prompt_tokens, reply.usage.completion_tokens);
            let sent = ("Hello", Some(TOKENS.prompt), Some(TOKENS.completion));
            ensure!(used == sent, "{way}: the same answer once more is {used:?}, not {sent:?}");
        }
        // The end of a body is read after the reader has the last event.
        sleep(Duration::from_millis(20)).await;
    }
    let connections = stage.server.connection_count();
    ensure!(connections <= 2, "six requests, one after the other, made {connections} connections");
    Ok(())
}

async fn slow_reader(trial: &Trial<'_>) -> Result<(), Verdict> {
    /// More than the buffers of two sockets and of a client hold.
    const BYTES: usize = 10 << 20;
    const FRAME: usize = 32 << 10;
    /// Time enough to swallow all of it.
    const WHILE: Duration = Duration::from_secs(3);

    let text = "x".repeat(FRAME);
    let frame = trial.bytes(&[Piece::Text(&text)])?;
    let begin = trial.streaming(trial.bytes(&PLAIN[..2])?);
    let script = begin.repeat(frame, (BYTES / FRAME) as u64, Duration::ZERO).close();
    let server = trial.serve(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    let mut at = trial.calm(server.url());
    at.max_bytes = 4 * BYTES;
    let stage = trial.stage_at(server, at).await?;
    let mut stream = match stage.provider.stream(&trial.request()).await {
        Ok(stream) => stream,
        Err(error) => return Err(Verdict::Broken(format!("no stream: {error}"))),
    };
    let first = stream.next().await;
    ensure!(matches!(first, Some(Ok(_))), "the first event is {first:?}");
    // The server closes the connection when it has written all.
    let all_written = timeout(WHILE, stage.server.wait_for_all_closed()).await.is_ok();
    ensure!(!all_written, "{} MiB were taken from the socket before they were read", BYTES >> 20);
    Ok(())
}

async fn asked_once(trial: &Trial<'_>) -> Result<(), Verdict> {
    let refusals = Failure::ALL.map(|failure| {
        let (status, body) = trial.kit.wire.refusal(failure, "not now", "");
        (status, Script::json(status, body))
    });
    let breaks = [(0, Script::no_response().close()), (200, trial.streaming(""))];
    // With a parameter that could be left out the next time, unless the wire lacks it.
    let with_parameter = trial.request().temperature(0.5);
    let stage = trial.plain_stage().await?;
    let takes_it = stage.provider.chat(&with_parameter).await.is_ok();
    let request = if takes_it { with_parameter } else { trial.request() };
    for (status, script) in refusals.into_iter().chain(breaks) {
        let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
        for (way, outcome) in stage.both(&request).await {
            ensure!(outcome.is_err(), "{way}: a failure became an answer");
        }
        let asked = stage.asked(Route::Chat);
        let first = asked.first().map(|request| &*request.path);
        let at_first_path = asked.iter().filter(|request| Some(&*request.path) == first).count();
        // A 404 served nothing: a provider may look for the service at another path, once at each.
        let count = if status == 404 { at_first_path } else { asked.len() };
        ensure!(count == 2, "two calls that failed ({status}) asked {count} times");
    }
    Ok(())
}

async fn asked_each_time(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = trial.plain_stage().await?;
    for _ in 0..2 {
        for (way, outcome) in stage.both(&trial.request()).await {
            ensure!(outcome.is_ok(), "{way}: {outcome:?}");
        }
    }
    ensure!(stage.chats() == 4, "four equal calls asked {} times", stage.chats());
    Ok(())
}

async fn asked_once_for_a_list(trial: &Trial<'_>) -> Result<(), Verdict> {
    trial.needs_list()?;
    let (status, body) = trial.kit.wire.refusal(Failure::Overloaded, "busy", "");
    let stage =
        trial.stage(move |ask| (ask.route == Route::Models).then(|| Script::json(status, body.clone())));
    let stage = stage.await?;
    let outcome = stage.provider.models().await;
    ensure!(outcome.is_err(), "a failure became a list");
    let asked = stage.asked(Route::Models).len();
    let seen = stage.paths();
    ensure!(asked == 1, "a call that failed asked for {asked} lists, by `Wire::route`; it sent {seen:?}");
    Ok(())
}
