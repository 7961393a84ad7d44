//! Faults of the network, and the errors that they become.

use std::time::Duration;

use fault_server::{FaultServer, RefusedPort, Script};
use provider_core::{ChatResponse, Error, ErrorKind};

use crate::trial::{Stage, TOKENS, Trial, Verdict, ensure, may_pass};
use crate::wire::{Piece, Reason, Route};

cases! {
    "bad_day" Llm;
    refused: "all: failure";
    closed: "all: failure";
    reset: "all: failure";
    half_a_head: "all: failure";
    not_http: "all: failure";
    silent: "all: bounded";
    silent_behind_the_head: "all: bounded";
    silent_in_the_stream: "all: bounded";
    silent_in_a_frame: "all: bounded";
    keep_alives_for_ever: "all: bounded";
    endless_frame: "all: bounded";
    endless_answer: "all: bounded";
    endless_body: "all: bounded";
    endless_error: "all: bounded";
    closed_in_the_stream: "stream: kept";
    reset_in_the_stream: "stream: kept";
    no_end: "stream: kept";
    bad_chunk: "stream: kept";
    garbage_in_the_middle: "stream: kept";
    all_kept: "stream: kept";
    cut_off_body: "chat: error";
    empty: "chat: error";
    only_the_end: "chat: error";
    web_page: "all: failure";
    web_page_of_a_gateway: "all: failure";
    compressed: "all: failure";
    redirect: "all: origin";
    redirect_loop: "all: bounded";
}

/// The size of a piece of an answer without end.
const PIECE: usize = 64 << 10;

/// An answer without end: more of it than any limit. Then nothing comes, so that a provider without a limit
/// does not fill the memory.
fn endless(begun: Script, piece: impl Into<Vec<u8>>) -> Script {
    const BYTES: usize = 32 << 20;
    const PAUSE: Duration = Duration::from_millis(2);
    begun.repeat(piece, (BYTES / PIECE) as u64, PAUSE).stall()
}

/// The text that had come in an answer that failed.
const KEPT: &str = "Hello";

const BEGUN: &[Piece<'static>] =
    &[Piece::Begin { id: "gen-1", model: "acme/model-1-2026" }, Piece::Text("Hel"), Piece::Text("lo")];

/// The error that a fault has to become.
struct Wanted {
    kinds: &'static [ErrorKind],
    may_pass: bool,
    kept: &'static str,
}

use ErrorKind::{
    Connection, EmptyResponse, Interrupted, InvalidResponse, Overloaded, Server, Timeout, Upstream,
};

impl Wanted {
    const fn new(kinds: &'static [ErrorKind]) -> Self {
        Self { kinds, may_pass: true, kept: "" }
    }

    /// Trying again cannot help.
    const fn for_good(self) -> Self {
        Self { may_pass: false, ..self }
    }

    /// A part of the answer had come.
    const fn keeping(self) -> Self {
        Self { kept: KEPT, ..self }
    }

    fn check(&self, way: &str, outcome: Result<ChatResponse, Error>) -> Result<(), Verdict> {
        let error = match outcome {
            Ok(reply) => return Err(Verdict::Broken(format!("{way}: an answer: {:.60?}", reply.text()))),
            Err(error) => error,
        };
        let kind = error.kind();
        ensure!(self.kinds.contains(&kind), "{way}: the kind is {kind:?}, not {:?}: {error}", self.kinds);
        // An answer that was begun may be on the bill: layers do not ask again, and leave the advice.
        let advice = may_pass(&error);
        ensure!(advice == self.may_pass, "{way}: trying again can help: {advice}; {error}");
        let kept = error.partial().map_or("", |partial| partial.text());
        ensure!(kept == self.kept, "{way}: kept {kept:?} of {:?}: {error}", self.kept);
        ensure!(!error.message().trim().is_empty(), "{way}: the error has no words");
        Ok(())
    }
}

async fn check_both(trial: &Trial<'_>, stage: &Stage, wanted: &Wanted) -> Result<(), Verdict> {
    for (way, outcome) in stage.both(&trial.request()).await {
        wanted.check(way, outcome)?;
    }
    Ok(())
}

async fn check_streamed(trial: &Trial<'_>, stage: &Stage, wanted: &Wanted) -> Result<(), Verdict> {
    let read = stage.read(&trial.request()).await;
    if let (true, Err(error)) = (read.is_refused, &read.outcome) {
        return Err(Verdict::Broken(format!(
            "no stream came of a good head: {error}; {}",
            trial.log.shown()
        )));
    }
    ensure!(read.ends == 1 && !read.has_more, "{} ends, and more after them: {}", read.ends, read.has_more);
    ensure!(read.text() == wanted.kept, "handed out {:?}, not {:?}", read.text(), wanted.kept);
    wanted.check("streamed", read.outcome)
}

/// A service that plays this for every chat, streamed or whole.
async fn playing(trial: &Trial<'_>, script: Script) -> Result<Stage, Verdict> {
    trial.stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await
}

/// The same, for nothing to come in the end.
async fn waiting(trial: &Trial<'_>, script: Script) -> Result<Stage, Verdict> {
    trial.waiting_stage(move |ask| (ask.route == Route::Chat).then(|| script.clone())).await
}

async fn refused(trial: &Trial<'_>) -> Result<(), Verdict> {
    let port = RefusedPort::new()?;
    let server = FaultServer::always(Script::new(200)).await?;
    let stage = trial.stage_at(server, trial.calm(port.url())).await?;
    check_both(trial, &stage, &Wanted::new(&[Connection])).await
}

async fn closed(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = playing(trial, Script::no_response().close()).await?;
    check_both(trial, &stage, &Wanted::new(&[Connection])).await
}

async fn reset(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = playing(trial, Script::no_response().reset()).await?;
    check_both(trial, &stage, &Wanted::new(&[Connection])).await
}

async fn half_a_head(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = playing(trial, Script::raw("HTTP/1.1 200 OK\r\ncontent-le").close()).await?;
    check_both(trial, &stage, &Wanted::new(&[Connection])).await
}

async fn not_http(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = playing(trial, Script::raw("220 mail.example ESMTP\r\n").close()).await?;
    let wanted = [Wanted::new(&[Connection]), Wanted::new(&[InvalidResponse]).for_good()];
    for (way, outcome) in stage.both(&trial.request()).await {
        // Both are true of it.
        let first = wanted[0].check(way, outcome.clone());
        first.or_else(|_| wanted[1].check(way, outcome))?;
    }
    Ok(())
}

async fn silent(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = waiting(trial, Script::no_response().stall()).await?;
    check_both(trial, &stage, &Wanted::new(&[Timeout])).await
}

async fn silent_behind_the_head(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = waiting(trial, trial.streaming("").stall()).await?;
    check_both(trial, &stage, &Wanted::new(&[Timeout])).await
}

async fn silent_in_the_stream(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = waiting(trial, trial.streaming(trial.bytes(BEGUN)?).stall()).await?;
    check_streamed(trial, &stage, &Wanted::new(&[Timeout]).keeping()).await
}

async fn silent_in_a_frame(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = waiting(trial, trial.streaming(begun_and_a_half(trial)?).stall()).await?;
    check_streamed(trial, &stage, &Wanted::new(&[Timeout]).keeping()).await
}

/// The beginning of an answer, and half of its next frame.
fn begun_and_a_half(trial: &Trial<'_>) -> Result<Vec<u8>, Verdict> {
    let mut bytes = trial.bytes(BEGUN)?.into_bytes();
    let next = trial.bytes(&[Piece::Text("wörld")])?.into_bytes();
    bytes.extend(&next[..next.len() / 2]);
    Ok(bytes)
}

async fn keep_alives_for_ever(trial: &Trial<'_>) -> Result<(), Verdict> {
    let alive = trial.bytes(&[Piece::KeepAlive])?;
    let script = trial.streaming(trial.bytes(BEGUN)?).repeat_forever(alive, trial.kit.patience / 10);
    let stage = waiting(trial, script).await?;
    check_streamed(trial, &stage, &Wanted::new(&[Timeout]).keeping()).await
}

async fn endless_frame(trial: &Trial<'_>) -> Result<(), Verdict> {
    let frame = trial.bytes(&[Piece::Text("#")])?;
    let begin = frame.split('#').next().unwrap_or_default();
    let bytes = trial.bytes(BEGUN)? + begin;
    let script = endless(trial.streaming(bytes), "x".repeat(PIECE));
    let stage = playing(trial, script).await?;
    check_streamed(trial, &stage, &Wanted::new(&[InvalidResponse]).for_good().keeping()).await
}

async fn endless_answer(trial: &Trial<'_>) -> Result<(), Verdict> {
    let text = "x".repeat(PIECE);
    let frame = trial.bytes(&[Piece::Text(&text)])?;
    let script = endless(trial.streaming(trial.bytes(BEGUN)?), frame);
    let stage = playing(trial, script).await?;
    let read = stage.read(&trial.request()).await;
    let Err(error) = read.outcome else {
        return Err(Verdict::Broken("an answer without end has one".to_owned()));
    };
    let kept = error.partial().map_or("", |partial| partial.text());
    ensure!(error.kind() == InvalidResponse && !may_pass(&error), "the error is {error}");
    ensure!(kept.len() > text.len(), "kept {} bytes of an answer without end", kept.len());
    Ok(())
}

async fn endless_body(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = endless(Script::json(200, "{").chunked(), " ".repeat(PIECE));
    let stage = playing(trial, script).await?;
    check_both(trial, &stage, &Wanted::new(&[InvalidResponse]).for_good()).await
}

async fn endless_error(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = endless(Script::json(500, "").chunked(), "x".repeat(PIECE));
    let stage = playing(trial, script).await?;
    let wanted = Wanted::new(&[Server, Upstream]);
    for (way, outcome) in stage.both(&trial.request()).await {
        let length = outcome.as_ref().err().map_or(0, |error| error.to_string().len());
        wanted.check(way, outcome)?;
        ensure!(length < 64 << 10, "{way}: the error is {length} bytes long");
    }
    Ok(())
}

async fn closed_in_the_stream(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = playing(trial, trial.streaming(begun_and_a_half(trial)?).close()).await?;
    check_streamed(trial, &stage, &Wanted::new(&[Interrupted]).keeping()).await
}

async fn reset_in_the_stream(trial: &Trial<'_>) -> Result<(), Verdict> {
    let pause = Duration::from_millis(100);
    let stage = playing(trial, trial.streaming(trial.bytes(BEGUN)?).wait(pause).reset()).await?;
    check_streamed(trial, &stage, &Wanted::new(&[Interrupted]).keeping()).await
}

async fn no_end(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = playing(trial, trial.streaming(trial.bytes(BEGUN)?)).await?;
    check_streamed(trial, &stage, &Wanted::new(&[Interrupted]).keeping()).await
}

async fn bad_chunk(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = trial.streaming(trial.bytes(BEGUN)?).write_raw("no size\r\n").close();
    let stage = playing(trial, script).await?;
    let read = stage.read(&trial.request()).await;
    let Err(error) = read.outcome else { return Err(Verdict::Broken("an answer without an end".to_owned())) };
    let kept = error.partial().map_or("", |partial| partial.text());
    let kind = error.kind();
    let handed_out: String = read.events.iter().filter_map(crate::trial::text_of).collect();
    ensure!(handed_out == KEPT, "handed out {handed_out:?}: {error}");
    ensure!(matches!(kind, Interrupted | InvalidResponse), "the kind is {kind:?}: {error}");
    ensure!(kept == KEPT, "kept {kept:?}: {error}");
    Ok(())
}

async fn garbage_in_the_middle(trial: &Trial<'_>) -> Result<(), Verdict> {
    let end = [Piece::Finish(Reason::Stop, Some(TOKENS)), Piece::End];
    let bytes = trial.bytes(BEGUN)? + &trial.bytes(&[Piece::Garbage("}{")])? + &trial.bytes(&end)?;
    let stage = playing(trial, trial.streaming(bytes)).await?;
    check_streamed(trial, &stage, &Wanted::new(&[InvalidResponse]).for_good().keeping()).await
}

async fn all_kept(trial: &Trial<'_>) -> Result<(), Verdict> {
    let call = Piece::Call { index: 0, id: "call_a", name: "weather", arguments: "{}" };
    let pieces = [Piece::Thought("Let me see"), call, Piece::Usage(TOKENS)];
    // A wire may lack each.
    let written = pieces.each_ref().map(|piece| trial.kit.wire.piece(piece));
    let [thought, call, usage] = written.each_ref().map(|written| written.is_some());
    let bytes = trial.bytes(BEGUN)? + &written.into_iter().flatten().collect::<String>();
    let stage = playing(trial, trial.streaming(bytes).wait(Duration::from_millis(50)).close()).await?;
    let read = stage.read(&trial.request()).await;
    let Err(error) = read.outcome else { return Err(Verdict::Broken("an answer without an end".to_owned())) };
    let Some(kept) = error.partial() else {
        return Err(Verdict::Broken(format!("nothing was kept: {error}")));
    };
    ensure!(kept.text() == KEPT, "kept the text {:?}", kept.text());
    ensure!(!thought || kept.reasoning() == "Let me see", "kept the thoughts {:?}", kept.reasoning());
    ensure!(!call || kept.message.tool_calls.len() == 1, "kept the calls {:?}", kept.message.tool_calls);
    ensure!(!usage || kept.usage.prompt_tokens == Some(TOKENS.prompt), "kept the usage {:?}", kept.usage);
    Ok(())
}

/// Without a whole answer on the wire, nothing can be cut off of it.
fn whole(trial: &Trial<'_>) -> Result<String, Verdict> {
    let whole = trial.kit.wire.whole(crate::trial::PLAIN);
    whole.ok_or_else(|| Verdict::Skip("the wire has no whole answers".to_owned()))
}

async fn cut_off_body(trial: &Trial<'_>) -> Result<(), Verdict> {
    let body = whole(trial)?;
    let half = body.as_bytes()[..body.len() / 2].to_vec();
    let stage = playing(trial, Script::json(200, half).content_length(body.len()).close()).await?;
    let outcome = stage.provider.chat(&trial.request()).await;
    Wanted::new(&[Interrupted]).check("whole", outcome)
}

async fn empty(trial: &Trial<'_>) -> Result<(), Verdict> {
    for script in [trial.streaming(""), Script::json(200, ""), Script::new(204)] {
        let stage = playing(trial, script).await?;
        check_both(trial, &stage, &Wanted::new(&[EmptyResponse])).await?;
    }
    Ok(())
}

async fn only_the_end(trial: &Trial<'_>) -> Result<(), Verdict> {
    let bytes = trial.bytes(&[Piece::End])?;
    let stage = playing(trial, trial.streaming(bytes)).await?;
    check_both(trial, &stage, &Wanted::new(&[EmptyResponse])).await
}

async fn web_page(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = playing(trial, Script::html_error(200)).await?;
    check_both(trial, &stage, &Wanted::new(&[InvalidResponse]).for_good()).await
}

async fn web_page_of_a_gateway(trial: &Trial<'_>) -> Result<(), Verdict> {
    let stage = playing(trial, Script::html_error(502)).await?;
    for (way, outcome) in stage.both(&trial.request()).await {
        let words = outcome.as_ref().err().map(|error| error.message().to_owned());
        Wanted::new(&[Upstream, Server, Overloaded]).check(way, outcome)?;
        ensure!(
            !words.clone().unwrap_or_default().contains('<'),
            "{way}: the page is in the words: {words:?}"
        );
    }
    Ok(())
}

async fn compressed(trial: &Trial<'_>) -> Result<(), Verdict> {
    let script = Script::new(200).header("content-type", trial.kit.wire.content_type());
    let stage = playing(trial, script.gzip(trial.bytes(crate::trial::PLAIN)?)).await?;
    let read = stage.read(&trial.request()).await;
    match read.outcome {
        // A provider may unpack it.
        Ok(reply) => {
            ensure!(reply.text() == KEPT, "compressed bytes were read as {:.60?}", reply.text());
            Ok(())
        }
        outcome => Wanted::new(&[InvalidResponse]).for_good().check("streamed", outcome),
    }
}

async fn redirect(trial: &Trial<'_>) -> Result<(), Verdict> {
    let other = trial.serve(|_| None).await?;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/v1/chat/completions", other.url());
        let stage = playing(trial, Script::redirect(status, to)).await?;
        for (way, outcome) in stage.both(&trial.request()).await {
            ensure!(other.connection_count() == 0, "{way}, {status}: the other origin was asked");
            Wanted::new(&[InvalidResponse, Connection, Server, Upstream])
                .check(way, outcome.clone())
                .or_else(|_| Wanted::new(&[InvalidResponse]).for_good().check(way, outcome))?;
        }
    }
    Ok(())
}

async fn redirect_loop(trial: &Trial<'_>) -> Result<(), Verdict> {
    /// More than any limit for redirects.
    const REQUESTS: usize = 100;
    let stage = trial
        .waiting_stage(|ask| {
            let host = ask.request.header("host").unwrap_or_default();
            let itself = format!("http://{host}{}", ask.request.path);
            (ask.route == Route::Chat).then(|| Script::redirect(307, itself))
        })
        .await?;
    for (way, outcome) in stage.both(&trial.request()).await {
        ensure!(outcome.is_err(), "{way}: a redirect became an answer");
    }
    let asked = stage.server.request_count();
    ensure!(asked < REQUESTS, "a redirect to itself was followed {asked} times");
    Ok(())
}
