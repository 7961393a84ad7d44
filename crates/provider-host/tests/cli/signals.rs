use std::process::Stdio;
use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_sandbox::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};

use crate::support::{
    KEY, KEY_OF_ENV, against, all_streams_closed, assert_has, binary, gone, questions, sandbox, until,
};

/// Sends the signal of Ctrl-C.
pub(crate) fn interrupt(child: &Child) {
    send("-INT", child);
}

pub(crate) fn send(signal: &str, child: &Child) {
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
}

async fn started(command: &mut Command) -> Child {
    let mut child = command.spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).await.unwrap();
    child
}

/// A child that is reading standard input, which stays open: it has read more than a pipe holds.
async fn reading(command: &mut Command) -> (Child, ChildStdin) {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // Waiting for the child would close its standard input.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
    (child, stdin)
}

#[tokio::test]
async fn ctrl_c_closes_the_connection() {
    let sandbox = sandbox().await;
    let child = started(&mut against(&sandbox, &["chat", "sandbox/stall", "Hello"])).await;
    assert_eq!(sandbox.open_streams(), 1);
    interrupt(&child);
    let ran = gone(child).await.with_code(130);
    assert!(
        ran.err.starts_with("\ninterrupted (generation gen-") && ran.err.ends_with(")\n"),
        "{:?}",
        ran.err
    );
    all_streams_closed(&sandbox).await;
}

#[tokio::test]
async fn signal_writes_partial_answer_as_json() {
    let chunk = |delta: &str| {
        let choice = format!(r#"{{"index":0,"delta":{{"role":"assistant",{delta}}}}}"#);
        format!("data: {{\"id\":\"gen-1\",\"model\":\"a/b\",\"choices\":[{choice}]}}\n\n")
    };
    // The reasoning comes after the text and shows on standard error, while the answer waits for its JSON.
    let answer = chunk(r#""content":"Hello""#) + &chunk(r#""reasoning":"hm""#);
    for signal in ["-INT", "-TERM"] {
        let script = Script::new(200).header("content-type", "text/event-stream").write(&*answer).stall();
        let server = FaultServer::always(script).await.unwrap();
        let mut command = binary();
        command.env("OPENROUTER_API_KEY", KEY).args(KEY_OF_ENV).args(["--base-url", &server.url()]);
        let mut child = command.args(["chat", "a/b", "Hello", "--json", "--show-reasoning"]).spawn().unwrap();
        child.stderr.as_mut().unwrap().read_exact(&mut [0; 2]).await.unwrap();
        send(signal, &child);
        let ran = gone(child).await.with_code(130);
        let error = &ran.json()["error"];
        assert_eq!((&error["kind"], &error["model"]), (&"interrupted".into(), &"a/b".into()));
        assert_eq!(error["partial"]["message"]["text"], "Hello", "{error}");
        assert_eq!((&error["generation_id"], &error["partial"]["id"]), (&"gen-1".into(), &"gen-1".into()));
        assert_has(&ran.err, &["interrupted (generation gen-1)"]);
        server.wait_for_client_close(1).await.unwrap();
    }
}

#[tokio::test]
async fn signal_before_an_answer_writes_json() {
    let sandbox = Sandbox::builder().token_delay(Duration::from_secs(30)).start().await.unwrap();
    let whole = ["chat", "openai/gpt-4o", "Hello", "--no-stream", "--json"];
    let child = against(&sandbox, &whole).spawn().unwrap();
    until("a question", || !questions(&sandbox).is_empty()).await;
    interrupt(&child);
    assert_eq!(gone(child).await.with_code(130).json()["error"]["kind"], "interrupted");

    let mut command = binary();
    let args = ["chat", "openai/gpt-4o", "--sandbox", "--json"];
    let (child, stdin) = reading(command.args(args)).await;
    interrupt(&child);
    let json = gone(child).await.with_code(130).json();
    assert_eq!((&json["error"]["kind"], &json["sandbox"]), (&"interrupted".into(), &true.into()));
    drop(stdin);
}

#[tokio::test]
async fn sigterm_shows_finished_answers() {
    // The test cannot see when the child has read the text, which takes a while on a busy machine.
    for wait in [300, 3_000, 15_000] {
        let sandbox = sandbox().await;
        let child = against(&sandbox, &["compare", "Hello", "sandbox/stall", "--json"]).spawn().unwrap();
        open_streams(&sandbox, 1).await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        send("-TERM", &child);
        let report = gone(child).await.with_code(130).json();
        assert_eq!(report["ended"], "stopped");
        let partial = &report["cells"][0]["error"]["partial"];
        let has_text = partial["message"]["text"].as_str().is_some_and(|text| !text.is_empty());
        if has_text && partial["id"].is_string() {
            return;
        }
    }
    panic!("the report has none of the text");
}

#[tokio::test]
async fn ctrl_c_closes_all_connections_of_a_comparison() {
    let sandbox = sandbox().await;
    let child = against(&sandbox, &["compare", "Hello", "sandbox/stall", "sandbox/stall"]).spawn().unwrap();
    open_streams(&sandbox, 2).await;
    interrupt(&child);
    gone(child).await.with_code(130);
    all_streams_closed(&sandbox).await;
}

#[tokio::test]
async fn ctrl_c_shows_finished_answers() {
    let sandbox = sandbox().await;
    let models = ["openai/gpt-4o", "sandbox/stall", "openai/gpt-5"];
    let args = [&["compare", "Hello"], &models[..], &["--concurrency", "1", "--json"]].concat();
    let child = against(&sandbox, &args).spawn().unwrap();
    until("two questions", || questions(&sandbox).len() >= 2).await;
    interrupt(&child);
    let ran = gone(child).await.with_code(130);
    assert_eq!(ran.err, "\ninterrupted\n");
    let report = ran.json();
    assert_eq!((&report["ended"], &report["totals"]["answered"]), (&"stopped".into(), &1.into()));
    let cells = report["cells"].as_array().unwrap();
    assert!(!cells[0]["response"]["message"]["text"].as_str().unwrap().is_empty());
    for (cell, asked) in cells[1..].iter().zip([true, false]) {
        assert_eq!(cell["error"]["kind"], "interrupted");
        assert_eq!(cell["error"]["message"].as_str().unwrap().starts_with("not asked"), !asked);
    }
    assert_eq!(questions(&sandbox).len(), 2);
    all_streams_closed(&sandbox).await;
}

#[tokio::test]
async fn ctrl_c_ends_compare_while_it_reads_stdin() {
    let mut command = binary();
    let args = ["compare", "-", "openai/gpt-4o", "--sandbox"];
    let (child, stdin) = reading(command.args(args)).await;
    interrupt(&child);
    let ran = gone(child).await.with_code(130);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "\ninterrupted\n"));
    drop(stdin);
}

#[tokio::test]
async fn ctrl_c_ends_chat_while_it_reads_stdin() {
    let mut command = binary();
    let (child, stdin) = reading(command.args(["chat", "openai/gpt-4o", "--sandbox"])).await;
    interrupt(&child);
    assert_eq!(gone(child).await.with_code(130).err, "\ninterrupted\n");
    drop(stdin);
}

#[tokio::test]
async fn closed_stdout_ends_chat_quietly() {
    let sandbox = sandbox().await;
    let mut child = started(&mut against(&sandbox, &["chat", "sandbox/slow", "Hello"])).await;
    drop(child.stdout.take());
    let ran = gone(child).await.with_code(0);
    assert_eq!(ran.err, "");
    all_streams_closed(&sandbox).await;
}

#[tokio::test]
async fn closed_stdout_ends_json_quietly() {
    for args in
        [&["chat", "openai/gpt-4o", "Hello", "--json"][..], &["compare", "Hello", "openai/gpt-4o", "--json"]]
    {
        let sandbox = sandbox().await;
        let mut child = against(&sandbox, args).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(gone(child).await.with_code(0).err, "");
    }
}

#[tokio::test]
async fn closed_stdout_ends_a_list_quietly() {
    let sandbox = sandbox().await;
    let mut child = against(&sandbox, &["models", "--json"]).spawn().unwrap();
    drop(child.stdout.take());
    gone(child).await.with_code(0);
}

async fn open_streams(sandbox: &Sandbox, count: usize) {
    until("the streams", || sandbox.open_streams() >= count).await;
}
