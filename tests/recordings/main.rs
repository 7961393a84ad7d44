//! Recorded traffic, played back over a real socket and read through the public API.
//!
//! `OPENROUTER_RECORDINGS` names a folder of recordings: `cases/*/{meta.json, response.body, expected.json}`.
//! Every case is played whole, in random pieces, in pieces that split characters and line ends, and (streams)
//! with CRLF line ends; what is read is compared with `expected.json` in every field the public types carry.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod case;
mod compare;
mod conversations;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, ChatResponse, Error, Event};
use provider_tests::{Cut, Reply, ScriptedServer, cut};

use crate::case::{Case, Kind};

/// How a case is played.
#[derive(Clone, Copy, Debug)]
struct Play {
    name: &'static str,
    cut: Cut,
    crlf: bool,
}

const PLAYS: [Play; 5] = [
    Play { name: "whole", cut: Cut::Whole, crlf: false },
    Play { name: "random", cut: Cut::Random { seed: 1, longest: 40 }, crlf: false },
    Play { name: "random-long", cut: Cut::Random { seed: 2, longest: 1500 }, crlf: false },
    Play { name: "inside-characters", cut: Cut::InsideCharacters, crlf: false },
    Play { name: "inside-crlf", cut: Cut::InsideCharacters, crlf: true },
];

/// Bodies larger than this are not cut into tiny pieces: it would only take time.
const LARGE: usize = 200_000;

#[tokio::test(flavor = "multi_thread")]
async fn recorded_answers_are_read_as_expected() {
    let Some(cases) = cases() else { return };
    let script = cases.clone();
    let server =
        ScriptedServer::start(move |request| reply(&script, &request.path)).await.expect("a free port");

    let mut disagreements = Vec::new();
    let mut plays = 0;
    for (number, case) in cases.iter().enumerate() {
        for (play, how) in PLAYS.iter().enumerate() {
            let tiny = matches!(how.cut, Cut::Random { longest: 40, .. });
            if (how.crlf && !case.streaming) || (tiny && case.body.len() > LARGE) {
                continue;
            }
            plays += 1;
            let client = OpenRouter::builder()
                .api_key("sk-or-v1-test")
                .base_url(format!("{}/{number}/{play}", server.url()))
                .build()
                .expect("good settings");
            for disagreement in play_case(&client, case).await {
                disagreements.push(format!("{} [{}] {disagreement}", case.id, how.name));
            }
        }
    }
    say(&format!("{} cases, {plays} plays, {} disagreements", cases.len(), disagreements.len()));
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[test]
fn recorded_requests_are_read_and_written_again() {
    let Some(cases) = cases() else { return };
    let mut differences = Vec::new();
    let requests: Vec<&Case> = cases.iter().filter(|case| case.request["messages"].is_array()).collect();
    for case in &requests {
        differences
            .extend(conversations::round_trip(case).into_iter().map(|what| format!("{}: {what}", case.id)));
    }
    say(&format!("{} requests read and written, {} differences", requests.len(), differences.len()));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_conversations_go_on_from_the_answers() {
    let Some(cases) = cases() else { return };
    let script = cases.clone();
    let server =
        ScriptedServer::start(move |request| reply(&script, &request.path)).await.expect("a free port");
    let mut differences = Vec::new();
    let turns = conversations::turns(&cases);
    for turn in &turns {
        let number = cases.iter().position(|case| case.id == turn.previous.id).unwrap_or_default();
        let client = OpenRouter::builder()
            .api_key("sk-or-v1-test")
            .base_url(format!("{}/{number}/0", server.url()))
            .build()
            .expect("good settings");
        let answer = match turn.previous.streaming {
            true => read_stream(&client, &turn.request()).await.0,
            false => client.chat(&turn.request()).await,
        };
        let found = match answer {
            Ok(answer) => turn.compare(answer.message.into()),
            Err(error) => vec![format!("no answer: {error}")],
        };
        differences.extend(
            found.into_iter().map(|what| format!("{} after {}: {what}", turn.next.id, turn.previous.id)),
        );
    }
    say(&format!("{} turns carried on, {} differences", turns.len(), differences.len()));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The recorded exchanges, if there are any at hand.
fn cases() -> Option<Arc<Vec<Case>>> {
    let Some(folder) = std::env::var_os("OPENROUTER_RECORDINGS").filter(|folder| !folder.is_empty()) else {
        say("skipped: OPENROUTER_RECORDINGS names no folder of recordings");
        return None;
    };
    let cases = case::load(&PathBuf::from(folder)).expect("readable recordings");
    assert!(!cases.is_empty(), "there are no cases in the folder");
    Some(Arc::new(cases))
}

/// Says something past the test runner, which keeps what a passing test prints to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "recordings: {line}");
}

/// The answer to `/CASE/PLAY/…`.
fn reply(cases: &[Case], path: &str) -> Reply {
    let mut numbers = path.split('/').skip(1).map_while(|part| part.parse::<usize>().ok());
    let (Some(case), Some(play)) = (numbers.next(), numbers.next()) else {
        return Reply::json(404, "{}");
    };
    let (case, play) = (&cases[case], PLAYS[play]);
    let body = match play.crlf {
        true => String::from_utf8_lossy(&case.body).replace('\n', "\r\n").into_bytes(),
        false => case.body.clone(),
    };
    let mut reply = Reply::new(case.status, &case.content_type, Vec::new());
    reply.headers.extend(case.headers.clone());
    reply.pieces = cut(&body, play.cut);
    reply
}

async fn play_case(client: &OpenRouter, case: &Case) -> Vec<String> {
    let request = ChatRequest::new("test/model").user("Hello");
    match case.kind {
        Kind::Models => match client.models().await {
            Ok(catalogue) => compare::models(&catalogue, &case.expected),
            Err(error) => vec![format!("cannot be read: {error}")],
        },
        _ if case.streaming => {
            let (reading, mut disagreements) = read_stream(client, &request).await;
            disagreements.extend(compare::answer(&reading, case));
            disagreements
        }
        Kind::Error => {
            let mut disagreements = compare::answer(&client.chat(&request).await, case);
            let (reading, laws) = read_stream(client, &request).await;
            disagreements.extend(laws);
            disagreements.extend(compare::answer(&reading, case));
            disagreements
        }
        _ => compare::answer(&client.chat(&request).await, case),
    }
}

/// Reads a stream to its end and checks the law of streams on the way.
async fn read_stream(
    client: &OpenRouter,
    request: &ChatRequest,
) -> (Result<ChatResponse, Error>, Vec<String>) {
    let mut broken = Vec::new();
    let mut stream = match client.stream(request).await {
        Ok(stream) => stream,
        Err(error) => return (Err(error), broken),
    };
    let (mut text, mut arguments, mut terminals) = (String::new(), String::new(), 0);
    while let Some(event) = stream.next().await {
        if terminals > 0 {
            broken.push("an event came after the end".to_owned());
        }
        match event {
            Ok(Event::Text(piece)) => {
                if piece.is_empty() {
                    broken.push("an empty text came as an event".to_owned());
                }
                text.push_str(&piece);
            }
            Ok(Event::ToolCall(delta)) => arguments.push_str(&delta.arguments),
            Ok(Event::Finished(_)) | Err(_) => terminals += 1,
            Ok(_) => {}
        }
    }
    if terminals != 1 {
        broken.push(format!("{terminals} terminal events instead of one"));
    }
    let reading = stream.into_response();
    let collected = match &reading {
        Ok(reply) => Some(reply),
        Err(error) => error.partial(),
    };
    if collected.map_or("", |reply| reply.text()) != text {
        broken.push("the text of the events is not the text of the answer".to_owned());
    }
    let in_answer: usize =
        collected.map_or(0, |reply| reply.message.tool_calls.iter().map(|call| call.arguments.len()).sum());
    if in_answer != arguments.len() {
        broken.push("the arguments of the events are not those of the answer".to_owned());
    }
    (reading, broken)
}
