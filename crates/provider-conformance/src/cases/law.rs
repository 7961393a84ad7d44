//! The law of a stream, and what is collected of an answer.

use std::time::Duration;

use fault_server::Script;
use provider_core::{ChatResponse, Event, FinishReason, Tool};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::trial::{PLAIN, Read, TOKENS, Trial, Verdict, ensure};
use crate::wire::{Failure, Piece, Reason, Route, Spelling, Tokens};

cases! {
    "law" Llm;
    text_in_pieces: "stream: law";
    one_end: "stream: law";
    one_end_after_an_error: "stream: law";
    keep_alives: "stream: law";
    empty_pieces: "stream: law";
    blank_pieces: "stream: law";
    after_the_end: "stream: law";
    cut_anywhere: "stream: bytes";
    spellings: "stream: bytes";
    opened_at_the_head: "stream: accepted" bare;
    live: "stream: live";
    so_far: "stream: collected";
    usage: "stream: collected";
    usage_on_the_way: "stream: collected";
    made_by: "stream: collected";
    thoughts: "stream: collected";
    tool_calls: "stream: collected";
    whole_call: "stream: collected";
    reused_index: "stream: collected";
    length: "stream: collected";
    filtered: "stream: collected";
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

/// The limit of tokens may cut a call where its arguments happen to be JSON.
const CUT_CALLS: [&[Piece<'static>]; 2] = [&cut_call("{\"city\":\"Zür"), &cut_call("{\"city\":\"Zürich\"}")];

const fn cut_call(arguments: &'static str) -> [Piece<'static>; 4] {
    let call = Piece::Call { index: 0, id: "call_a", name: "weather", arguments };
    [BEGIN, call, Piece::Finish(Reason::Length, Some(TOKENS)), Piece::End]
}

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

async fn blank_pieces(trial: &Trial<'_>) -> Result<(), Verdict> {
    const BLANK: &[Piece<'static>] = &[
        BEGIN,
        Piece::Text("\n "),
        Piece::Text("a"),
        Piece::Text("\n\n"),
        Piece::Text("b "),
        STOP,
        Piece::End,
    ];
    let (read, reply) = read(trial, BLANK).await?;
    ensure!(read.text() == "\n a\n\nb ", "the deltas are {:?}", read.text());
    ensure!(reply.text() == read.text(), "collected {:?}", reply.text());
    Ok(())
}

async fn after_the_end(trial: &Trial<'_>) -> Result<(), Verdict> {
    // The reason why the model stopped may be the mark as well.
    let is_marked = !trial.bytes(&[Piece::End])?.is_empty();
    if !is_marked && !trial.kit.wire.is_over_with_finish() {
        let why = "the wire has no mark of the end, and `Wire::is_over_with_finish` is false";
        return Err(Verdict::Skip(why.to_owned()));
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
    for (part, answer) in [("thoughts", CUT_THOUGHTS), ("calls", CALLS)] {
        // A wire may lack either.
        let Ok(bytes) = trial.bytes(answer) else { continue };
        let script = trial.streaming("").trickle(bytes, 1, Duration::ZERO);
        let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
        let read = stage.read(&trial.request()).await;
        let is_same = match (&read.outcome, part) {
            (Ok(reply), "thoughts") => reply.reasoning() == CUT_THOUGHT,
            (Ok(reply), _) => calls(reply) == SENT_CALLS,
            (Err(_), _) => false,
        };
        let message = read.outcome.map(|reply| reply.message);
        ensure!(is_same, "{part} in pieces of a byte: {message:.300?}");
    }
    Ok(())
}

const CUT_THOUGHT: &str = "Zürich ✓ 🦀";

const CUT_THOUGHTS: &[Piece<'static>] =
    &[BEGIN, Piece::Thought(CUT_THOUGHT), Piece::Text("Hello"), STOP, Piece::End];

async fn spellings(trial: &Trial<'_>) -> Result<(), Verdict> {
    let spellings = trial.kit.wire.spellings(&trial.bytes(WORDS)?);
    if spellings.is_empty() {
        return Err(Verdict::Skip("the wire has one spelling".to_owned()));
    }
    for Spelling { name, content_type, bytes } in spellings {
        let script = Script::with_body(200, &content_type, bytes);
        let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
        let read = stage.read(&trial.request()).await;
        let text = read.outcome.as_ref().map(|reply| reply.text().to_owned());
        ensure!(text.as_deref().ok() == Some(WORDS_TEXT), "with {name}: {text:?}");
        let ended_by = read.outcome.map(|reply| reply.finish_reason).ok().flatten();
        ensure!(ended_by == Some(FinishReason::Stop), "with {name}: ended by {ended_by:?}");
    }
    Ok(())
}

async fn opened_at_the_head(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = trial.streaming(trial.bytes(&[BEGIN])?).stall();
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    match timeout(trial.soon(), stage.provider.stream(&trial.request())).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Verdict::Broken(format!("no stream: {error}"))),
        Err(_) => Err(Verdict::Broken("the service has accepted, and `stream` waits for more".to_owned())),
    }
}

async fn live(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = trial.streaming(trial.bytes(&[BEGIN, Piece::Text("Hel")])?).stall();
    let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
    let request = trial.request();
    let first =
        timeout(trial.soon(), async { stage.provider.stream(&request).await?.next().await.transpose() })
            .await;
    match first {
        Ok(Ok(Some(Event::Text(text)))) if &*text == "Hel" => {}
        Ok(first) => return Err(Verdict::Broken(format!("the first event is {first:?}"))),
        Err(_) => return Err(Verdict::Broken("a delta that had come was held back".to_owned())),
    }
    let call = Piece::Call { index: 0, id: "call_a", name: "weather", arguments: "{\"city\":" };
    for piece in [Piece::Thought("Let"), call] {
        // A wire may lack either.
        let Ok(bytes) = trial.bytes(&[BEGIN, piece.clone()]) else { continue };
        let script = trial.streaming(bytes).stall();
        let stage = trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await?;
        let first = async { stage.provider.stream(&request).await?.next().await.transpose() };
        let first = timeout(trial.soon(), first).await;
        let is_handed_out = matches!(first, Ok(Ok(Some(Event::Reasoning(_) | Event::ToolCall(_)))));
        ensure!(is_handed_out, "{piece:?} had come and was held back: {first:?}");
    }
    Ok(())
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

async fn usage_on_the_way(trial: &Trial<'_>) -> Result<(), Verdict> {
    const EARLY: Tokens = Tokens { completion: 1, ..TOKENS };
    const ANSWER: &[Piece<'static>] = &[
        BEGIN,
        Piece::Usage(EARLY),
        Piece::Text("Hel"),
        Piece::Usage(TOKENS),
        Piece::Text("lo"),
        Piece::Finish(Reason::Stop, None),
        Piece::End,
    ];
    let (_, reply) = read(trial, ANSWER).await?;
    let sent = (Some(TOKENS.prompt), Some(TOKENS.completion));
    ensure!(tokens(&reply) == sent, "the usage is {:?}, and {sent:?} was sent last", tokens(&reply));
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

async fn whole_call(trial: &Trial<'_>) -> Result<(), Verdict> {
    const ARGUMENTS: &str = "{\"city\":\"Zürich\"}";
    const ANSWER: &[Piece<'static>] = &[
        BEGIN,
        Piece::WholeCall { index: 0, id: "call_a", name: "weather", arguments: ARGUMENTS },
        Piece::Text("Look"),
        Piece::Finish(Reason::ToolCalls, Some(TOKENS)),
        Piece::End,
    ];
    let stage = trial.answering(ANSWER).await?;
    let schema = json!({"type": "object", "properties": {}});
    let request = trial.request().tool(Tool::function("weather", "The weather of a city", schema));
    let read = stage.read(&request).await;
    let reply = match read.outcome {
        Ok(reply) => reply,
        Err(error) if stage.chats() == 0 => {
            return Err(Verdict::Skip(format!("the provider sends no tools: {error}")));
        }
        Err(error) => return Err(Verdict::Broken(format!("a good answer became an error: {error}"))),
    };
    let is_call = |name: &str, arguments: &str| {
        let json = |text: &str| serde_json::from_str::<Value>(text).ok();
        name == "weather" && json(arguments) == json(ARGUMENTS)
    };
    let is_read = matches!(&*reply.tool_calls(), [call] if is_call(&call.name, &call.arguments));
    ensure!(is_read, "tools were sent, and their call was lost: {:?}", reply.message.tool_calls);
    ensure!(reply.text() == "Look", "behind a call, the text is {:?}", reply.text());
    Ok(())
}

async fn reused_index(trial: &Trial<'_>) -> Result<(), Verdict> {
    const ANSWER: &[Piece<'static>] = &[
        BEGIN,
        Piece::Call { index: 0, id: "call_a", name: "weather", arguments: "{\"a\":1}" },
        Piece::Call { index: 0, id: "call_b", name: "time", arguments: "{\"b\":2}" },
        Piece::Finish(Reason::ToolCalls, Some(TOKENS)),
        Piece::End,
    ];
    let (_, reply) = read(trial, ANSWER).await?;
    let wanted = [("call_a", "weather", "{\"a\":1}"), ("call_b", "time", "{\"b\":2}")];
    ensure!(calls(&reply) == wanted, "two calls of one number became {:?}", reply.message.tool_calls);
    Ok(())
}

async fn length(trial: &Trial<'_>) -> Result<(), Verdict> {
    const LENGTH: &[Piece<'static>] =
        &[BEGIN, Piece::Text("Hel"), Piece::Finish(Reason::Length, Some(TOKENS)), Piece::End];
    let (_, reply) = read(trial, LENGTH).await?;
    ensure!(reply.is_truncated(), "an answer that the limit cut off ended by {:?}", reply.finish_reason);
    Ok(())
}

async fn filtered(trial: &Trial<'_>) -> Result<(), Verdict> {
    const FILTERED: &[Piece<'static>] =
        &[BEGIN, Piece::Text("Hel"), Piece::Finish(Reason::ContentFilter, Some(TOKENS)), Piece::End];
    let written = |reason| trial.kit.wire.piece(&Piece::Finish(reason, None));
    if written(Reason::ContentFilter) == written(Reason::Stop) {
        return Err(Verdict::Skip("the wire has no word for a filter".to_owned()));
    }
    let (_, reply) = read(trial, FILTERED).await?;
    ensure!(reply.is_filtered(), "an answer that a filter cut off ended by {:?}", reply.finish_reason);
    Ok(())
}

async fn cut_off_call(trial: &Trial<'_>) -> Result<(), Verdict> {
    for answer in CUT_CALLS {
        let (_, reply) = read(trial, answer).await?;
        ensure!(
            reply.tool_calls().is_empty(),
            "a call that was cut off can be run: {:?}",
            reply.tool_calls()
        );
        ensure!(reply.is_truncated(), "a call that was cut off ended by {:?}", reply.finish_reason);
    }
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
        ("id", streamed.id.clone().unwrap_or_default(), whole.id.clone().unwrap_or_default()),
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
