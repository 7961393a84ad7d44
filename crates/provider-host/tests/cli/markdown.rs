//! Tests of how an answer is shown: rendered, plain, as lines of JSON, and asked again where it has not the
//! form.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use fault_server::{FaultServer, Script};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{KEY, assert_has, binary, ran, run, test_file};
use crate::terminal::terminal;

/// A service that streams these answers, one after the other, the last one again and again.
async fn service(answers: &'static [&'static [&'static str]]) -> FaultServer {
    slow_service(answers, Duration::ZERO).await
}

/// The same, each after some time.
async fn slow_service(answers: &'static [&'static [&'static str]], time: Duration) -> FaultServer {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let answer = move |_: &fault_server::Request| {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let pieces = answers[number.min(answers.len() - 1)];
        let mut script = Script::new(200).header("content-type", "text/event-stream").wait(time);
        for (number, piece) in pieces.iter().enumerate() {
            let finish = (number + 1 == pieces.len()).then_some("stop");
            let choice = json!({"index": 0, "delta": {"content": piece}, "finish_reason": finish});
            let usage = finish.map(|_| json!({"prompt_tokens": 1, "completion_tokens": 2, "cost": 0.1}));
            let chunk = json!({"id": "gen-1", "model": "a/b", "choices": [choice], "usage": usage});
            script = script.write(format!("data: {chunk}\n\n"));
        }
        script.write("data: [DONE]\n\n")
    };
    FaultServer::start(answer).await.unwrap()
}

fn asked(server: &FaultServer, args: &[&str]) -> Command {
    let mut command = binary();
    command.env("OPENROUTER_API_KEY", KEY).env("OPENROUTER_BASE_URL", format!("{}/api/v1", server.url()));
    command.args(["chat", "a/b", "Hello"]).args(args);
    command
}

const ANSWER: &[&[&str]] = &[&[
    "# Ti",
    "tle\n\nSome **bo",
    "ld** words and 안녕하세요, that are ",
    "long enough for two lines.\n- it",
    "em",
]];

async fn on_terminal(mut command: Command, columns: u16) -> String {
    let (mut screen, program) = terminal(columns);
    let mut child = command.stdout(program).spawn().unwrap();
    drop(command);
    let read = tokio::task::spawn_blocking(move || read(&mut screen));
    assert!(child.wait().await.unwrap().success());
    read.await.unwrap()
}

fn read(screen: &mut File) -> String {
    let mut bytes = Vec::new();
    let _ = screen.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

#[tokio::test]
async fn answer_is_rendered_on_a_terminal() {
    let server = service(ANSWER).await;
    let shown = on_terminal(asked(&server, &["--color", "always"]), 40).await;
    let expected = "\x1b[1mTitle\x1b[0m\n\nSome \x1b[1mbold\x1b[0m words and 안녕하세요, that are\n\
                    long enough for two lines.\n• item\n";
    assert_eq!(shown, expected);
    let plain = on_terminal(asked(&server, &["--color", "always", "--plain"]), 40).await;
    assert_eq!(plain, ANSWER[0].concat() + "\n");
    let whole = on_terminal(asked(&server, &["--color", "never"]), 40).await;
    assert_has(&whole, &["# Title\n", "**bold** words and 안녕하세요, that\nare"]);
}

#[tokio::test]
async fn answer_in_a_pipe_is_plain_unless_rendering_is_asked_for() {
    let server = service(ANSWER).await;
    let plain = ran(&mut asked(&server, &[])).await.with_code(0);
    assert_eq!(plain.out, ANSWER[0].concat() + "\n");
    let rendered = ran(&mut asked(&server, &["--markdown", "--color", "always"])).await.with_code(0);
    assert_has(&rendered.out, &["\x1b[1mTitle\x1b[0m\n", "• item\n"]);
    ran(&mut asked(&server, &["--markdown", "--plain"])).await.with_code(2);
}

#[tokio::test]
async fn json_lines_have_events_and_end_with_the_outcome() {
    let args = ["chat", "openai/gpt-4o", "Hello", "--json-lines"];
    let ran = run(&args).await.with_code(0);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, events) = lines.split_last().unwrap();
    let texts: String = events
        .iter()
        .filter(|line| line["type"] == "text")
        .filter_map(|line| line["data"].as_str())
        .collect();
    assert!(events.iter().filter(|line| line["type"] == "text").count() > 1, "{lines:?}");
    assert_eq!(events.last().unwrap()["type"], "finished");
    assert_eq!((&last["type"], &last["data"]["schema_version"]), (&json!("outcome"), &json!(1)));
    assert_eq!(last["data"]["response"]["message"]["text"], texts);

    let failed = run(&["chat", "sandbox/mid-stream-error", "Hello", "--json-lines"]).await.with_code(8);
    let last: Value = serde_json::from_str(failed.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["data"]["error"]["kind"], "upstream");
    let unset = crate::support::ran(binary().args(args)).await.with_code(2);
    let only: Value = serde_json::from_str(&unset.out).unwrap();
    assert_eq!((&only["type"], &only["data"]["error"]["kind"]), (&json!("outcome"), &json!("config")));
}

#[tokio::test]
async fn answer_that_misses_the_schema_is_asked_for_again_once() {
    let schema = test_file("retry-schema.json", b"{\"type\": \"object\", \"required\": [\"name\"]}");
    let flags = ["--schema", &schema, "--schema-retry"];
    let server = service(&[&["{\"nom\": 1}"], &["{\"name\"", ": 1}"]]).await;
    let shown = ran(&mut asked(&server, &flags)).await.with_code(0);
    assert_eq!(shown.out, "{\"name\": 1}\n");
    assert_has(&shown.err, &["2 answers", "cost $0.2"]);
    let again = String::from_utf8_lossy(&server.requests()[1].body).into_owned();
    let body: Value = serde_json::from_str(&again).unwrap();
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[1]["content"], "{\"nom\": 1}");
    assert_has(
        messages[2]["content"].as_str().unwrap(),
        &["does not fit the schema", "\"name\"", "nothing but JSON"],
    );

    let server = service(&[&["no JSON"]]).await;
    let failed = ran(&mut asked(&server, &[&flags[..], &["--json"]].concat())).await.with_code(11);
    assert_eq!(server.requests().len(), 2);
    let json = failed.json();
    assert_eq!(
        (&json["problem"]["kind"], json["earlier"].as_array().unwrap().len()),
        (&json!("invalid_output"), 1)
    );

    // Either answer alone is there in time.
    let server = slow_service(&[&["no JSON"], &["{\"name\": 1}"]], Duration::from_millis(1_500)).await;
    let late = ran(&mut asked(&server, &[&flags[..], &["--timeout", "2.5"]].concat())).await.with_code(7);
    assert_has(&late.err, &["no complete answer within 2.5 s"]);
    assert_eq!(server.requests().len(), 2);

    let server = service(&[&["no JSON"]]).await;
    ran(&mut asked(&server, &["--schema", &schema])).await.with_code(11);
    assert_eq!(server.requests().len(), 1);
    ran(&mut asked(&server, &["--schema-retry"])).await.with_code(2);
}
