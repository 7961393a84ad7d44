//! The law of a stream, and what is collected of an answer.

use std::time::Duration;

use provider_core::{ChatResponse, Event, FinishReason};
use tokio::time::timeout;

use crate::trial::{PLAIN, Read, TOKENS, Trial, Verdict, ensure};
use crate::wire::{Failure, Piece, Reason, Route};

cases! {
    "law" Llm;
    text_in_pieces: "stream: law";
    one_end: "stream: law";
    one_end_after_an_error: "stream: law";
    keep_alives: "stream: law";
    empty_pieces: "stream: law";
    after_the_end: "stream: law";
    cut_anywhere: "stream: bytes";
    live: "stream: live";
    so_far: "stream: collected";
    usage: "stream: collected";
    made_by: "stream: collected";
    thoughts: "stream: collected";
    tool_calls: "stream: collected";
    length: "stream: collected";
    cut_off_call: "stream: collected";
    whole_equals_streamed: "chat: same";
    whole_thoughts: "chat: same";
    whole_tool_calls: "chat: same";
}

const BEGIN: Piece<'static> = Piece::Begin { id: "gen-1", model: "acme/model-1-2026" };
const STOP: Piece<'static> = Piece::Finish(Reason::Stop, Some(TOKENS));

const WORDS: &[Piece<'static>] =
    &[BEGIN, Piece::Text("Grüße"), Piece::Text(", \"wörld\"\n"), Piece::Text("✓ 🦀"), STOP, Piece::End];
const WORDS_TEXT: &str = "Grüße, \"wörld\"\n✓ 🦀";

const THOUGHTS: &[Piece<'static>] =
    &[BEGIN, Piece::Thought("Let me "), Piece::Thought("see."), Piece::Text("Hello"), STOP, Piece::End];

/// Two calls whose pieces alternate, with arguments whose spelling has to stay.
const CALLS: &[Piece<'static>] = &[
    BEGIN,
    Piece::Call { index: 0, id: "call_a", name: "weather", arguments: "" },
    Piece::Arguments { index: 0, arguments: "{ \"city\":" },
    Piece::Call { index: 1, id: "call_b", name: "time", arguments: "{\"zone\": \"CE" },
    Piece::Arguments { index: 0, arguments: "\"Zürich\" }" },
    Piece::Arguments { index: 1, arguments: "T\",\"n\":1.0}" },
    Piece::Finish(Reason::ToolCalls, Some(TOKENS)),
    Piece::End,
];

const CUT_CALL: &[Piece<'static>] = &[
    BEGIN,
    Piece::Call { index: 0, id: "call_a", name: "weather", arguments: "{\"city\":\"Zür" },
    Piece::Finish(Reason::Length, Some(TOKENS)),
    Piece::End,
];

async fn read(trial: &Trial<'_>, answer: &'static [Piece<'static>]) -> Result<(Read, ChatResponse), Verdict> {
    let stage = trial.answering(answer).await?;
    let read = stage.read(&trial.request()).await;
    match read.outcome.clone() {
        Ok(reply) => Ok((read, reply)),
        Err(error) => Err(Verdict::Broken(format!("a good answer became an error: {error}"))),
    }
}

async fn text_in_pieces(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (read, reply) = read(trial, WORDS).await?;
    ensure!(read.text() == WORDS_TEXT, "the deltas are {:?}", read.text());
    ensure!(reply.text() == WORDS_TEXT, "collected {:?}", reply.text());
    Ok(())
}

async fn one_end(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (read, reply) = read(trial, PLAIN).await?;
    ensure!(read.ends == 1, "{} ends", read.ends);
    ensure!(!read.has_more, "something came after the end");
    let Some(Event::Finished(finished)) = read.events.last() else {
        return Err(Verdict::Broken(format!("the last event is {:?}", read.events.last())));
    };
    ensure!(finished.finish_reason == Some(FinishReason::Stop), "ended by {:?}", finished.finish_reason);
    ensure!(reply.finish_reason == Some(FinishReason::Stop), "collected {:?}", reply.finish_reason);
    Ok(())
}

async fn one_end_after_an_error(trial: &Trial<'_>) -> Result<(), Verdict> {
    let error = Piece::Error { failure: Failure::Overloaded, words: "too busy", code: "" };
    let bytes = trial.bytes(&[
        BEGIN,
        Piece::Text("Hel"),
        error.clone(),
        Piece::Text("lo"),
        error,
        STOP,
        Piece::End,
    ])?;
    let script = trial.streaming(bytes);
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    let read = stage.read(&trial.request()).await;
    ensure!(read.outcome.is_err(), "an answer in spite of the error");
    ensure!(read.ends == 1, "{} ends", read.ends);
    ensure!(!read.has_more, "something came after the error");
    Ok(())
}

async fn keep_alives(trial: &Trial<'_>) -> Result<(), Verdict> {
    let alive = Piece::KeepAlive;
    let pieces = [alive.clone(), BEGIN, alive.clone(), Piece::Text("Hel"), alive.clone(), alive.clone()];
    let bytes = trial.bytes(&pieces)? + &trial.bytes(&[Piece::Text("lo"), alive, STOP, Piece::End])?;
    let script = trial.streaming(bytes);
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    let read = stage.read(&trial.request()).await;
    ensure!(read.outcome.is_ok(), "keep-alives became an error: {:?}", read.outcome);
    ensure!(read.events.len() == 3, "events beside two deltas and the end: {:?}", read.events);
    ensure!(read.text() == "Hello", "the deltas are {:?}", read.text());
    Ok(())
}

async fn empty_pieces(trial: &Trial<'_>) -> Result<(), Verdict> {
    const EMPTY: &[Piece<'static>] =
        &[BEGIN, Piece::Text(""), Piece::Text("Hello"), Piece::Text(""), STOP, Piece::End];
    let (read, _) = read(trial, EMPTY).await?;
    ensure!(read.events.len() == 2, "events beside a delta and the end: {:?}", read.events);
    Ok(())
}

async fn after_the_end(trial: &Trial<'_>) -> Result<(), Verdict> {
    if trial.bytes(&[Piece::End])?.is_empty() {
        return Err(Verdict::Skip("the wire has no mark of the end".to_owned()));
    }
    let error = Piece::Error { failure: Failure::Server, words: "too late", code: "" };
    let late = trial.bytes(&[Piece::Text("!"), error])?;
    let script = trial.streaming(trial.bytes(PLAIN)? + &late);
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    let read = stage.read(&trial.request()).await;
    let text = read.outcome.as_ref().map(|reply| reply.text().to_owned());
    ensure!(text.as_deref().ok() == Some("Hello"), "what followed the end counted: {:?}", text);
    Ok(())
}

async fn cut_anywhere(trial: &Trial<'_>) -> Result<(), Verdict> {
    let bytes = trial.bytes(WORDS)?;
    for size in [1, 2, 3, 7, 64] {
        let script = trial.streaming("").trickle(bytes.clone(), size, Duration::ZERO);
        let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
        let read = stage.read(&trial.request()).await;
        let text = read.outcome.as_ref().map(|reply| reply.text().to_owned());
        ensure!(text.as_deref().ok() == Some(WORDS_TEXT), "in pieces of {size} bytes: {:?}", text);
    }
    Ok(())
}

async fn live(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = trial.streaming(trial.bytes(&[BEGIN, Piece::Text("Hel")])?).stall();
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    let request = trial.request();
    let first =
        timeout(trial.soon(), async { stage.provider.stream(&request).await?.next().await.transpose() })
            .await;
    match first {
        Ok(Ok(Some(Event::Text(text)))) if &*text == "Hel" => Ok(()),
        Ok(first) => Err(Verdict::Broken(format!("the first event is {first:?}"))),
        Err(_) => Err(Verdict::Broken("a delta that had come was held back".to_owned())),
    }
}

async fn so_far(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = trial.streaming(trial.bytes(&[BEGIN, Piece::Text("Hel"), Piece::Text("lo")])?).stall();
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    let request = trial.request();
    let seen = timeout(trial.soon(), async {
        let mut stream = stage.provider.stream(&request).await?;
        for _ in 0..2 {
            stream.next().await.transpose()?;
        }
        Ok::<_, provider_core::Error>(stream.so_far().text().to_owned())
    });
    match seen.await {
        Ok(Ok(text)) if text == "Hello" => Ok(()),
        Ok(seen) => Err(Verdict::Broken(format!("after two deltas, `so_far` is {seen:?}"))),
        Err(_) => Err(Verdict::Broken("deltas that had come were held back".to_owned())),
    }
}

async fn usage(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (read, reply) = read(trial, PLAIN).await?;
    let finished = read.events.iter().find_map(|event| match event {
        Event::Finished(finished) => Some(&finished.usage),
        _ => None,
    });
    for (place, usage) in [("Finished", finished), ("the answer", Some(&reply.usage))] {
        let tokens = usage.map(|usage| (usage.prompt_tokens, usage.completion_tokens));
        let sent = (Some(TOKENS.prompt), Some(TOKENS.completion));
        ensure!(tokens == Some(sent), "the usage in {place} is {tokens:?}, and {sent:?} was sent");
    }
    Ok(())
}

async fn made_by(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (_, reply) = read(trial, PLAIN).await?;
    let (id, model) = ("gen-1", "acme/model-1-2026");
    if trial.begins_with("", model) {
        ensure!(reply.model == model, "the model that answered is {:?}", reply.model);
    }
    if trial.begins_with(id, "") {
        ensure!(reply.id.as_deref() == Some(id), "the id of the answer is {:?}, not {id:?}", reply.id);
    }
    ensure!(reply.requested == trial.kit.model, "the model that was asked is {:?}", reply.requested);
    Ok(())
}

async fn thoughts(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (read, reply) = read(trial, THOUGHTS).await?;
    let pieces = read.events.iter().filter_map(|event| match event {
        Event::Reasoning(text) => Some(&**text),
        _ => None,
    });
    let pieces: String = pieces.collect();
    ensure!(pieces == "Let me see.", "the deltas of thoughts are {pieces:?}");
    ensure!(reply.reasoning() == "Let me see.", "collected the thoughts {:?}", reply.reasoning());
    ensure!(reply.text() == "Hello", "beside thoughts, the text is {:?}", reply.text());
    Ok(())
}

fn calls(reply: &ChatResponse) -> Vec<(&str, &str, &str)> {
    let calls = reply.tool_calls().into_iter();
    calls.map(|call| (&*call.id, &*call.name, &*call.arguments)).collect()
}

const SENT_CALLS: [(&str, &str, &str); 2] =
    [("call_a", "weather", "{ \"city\":\"Zürich\" }"), ("call_b", "time", "{\"zone\": \"CET\",\"n\":1.0}")];

async fn tool_calls(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (_, reply) = read(trial, CALLS).await?;
    ensure!(calls(&reply) == SENT_CALLS, "the calls are {:?}", reply.message.tool_calls);
    ensure!(reply.finish_reason == Some(FinishReason::ToolCalls), "ended by {:?}", reply.finish_reason);
    Ok(())
}

async fn length(trial: &Trial<'_>) -> Result<(), Verdict> {
    const LENGTH: &[Piece<'static>] =
        &[BEGIN, Piece::Text("Hel"), Piece::Finish(Reason::Length, Some(TOKENS)), Piece::End];
    let (_, reply) = read(trial, LENGTH).await?;
    ensure!(reply.is_truncated(), "an answer that the limit cut off ended by {:?}", reply.finish_reason);
    Ok(())
}

async fn cut_off_call(trial: &Trial<'_>) -> Result<(), Verdict> {
    let (_, reply) = read(trial, CUT_CALL).await?;
    ensure!(reply.tool_calls().is_empty(), "a call that was cut off can be run: {:?}", reply.tool_calls());
    Ok(())
}

async fn same(trial: &Trial<'_>, answer: &'static [Piece<'static>]) -> Result<ChatResponse, Verdict> {
    let stage = trial.answering(answer).await?;
    let [(_, streamed), (_, whole)] = stage.both(&trial.request()).await;
    let (streamed, whole) = match (streamed, whole) {
        (Ok(streamed), Ok(whole)) => (streamed, whole),
        (Err(error), _) | (_, Err(error)) => {
            return Err(Verdict::Broken(format!("a good answer became an error: {error}")));
        }
    };
    for (name, one, other) in [
        ("text", streamed.text().to_owned(), whole.text().to_owned()),
        ("thoughts", streamed.reasoning(), whole.reasoning()),
        ("model", streamed.model.clone(), whole.model.clone()),
        ("model asked", streamed.requested.clone(), whole.requested.clone()),
        ("tool calls", format!("{:?}", calls(&streamed)), format!("{:?}", calls(&whole))),
        ("finish reason", format!("{:?}", streamed.finish_reason), format!("{:?}", whole.finish_reason)),
        ("usage", format!("{:?}", tokens(&streamed)), format!("{:?}", tokens(&whole))),
    ] {
        ensure!(one == other, "the {name}: {one:?} in a stream, {other:?} in a whole answer");
    }
    Ok(whole)
}

fn tokens(reply: &ChatResponse) -> (Option<u64>, Option<u64>) {
    (reply.usage.prompt_tokens, reply.usage.completion_tokens)
}

async fn whole_equals_streamed(trial: &Trial<'_>) -> Result<(), Verdict> {
    let whole = same(trial, WORDS).await?;
    ensure!(whole.text() == WORDS_TEXT, "a whole answer has the text {:?}", whole.text());
    Ok(())
}

async fn whole_thoughts(trial: &Trial<'_>) -> Result<(), Verdict> {
    let whole = same(trial, THOUGHTS).await?;
    ensure!(whole.reasoning() == "Let me see.", "a whole answer has the thoughts {:?}", whole.reasoning());
    Ok(())
}

async fn whole_tool_calls(trial: &Trial<'_>) -> Result<(), Verdict> {
    let whole = same(trial, CALLS).await?;
    ensure!(calls(&whole) == SENT_CALLS, "a whole answer has the calls {:?}", whole.message.tool_calls);
    Ok(())
}
