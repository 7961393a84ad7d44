//! Tests of the conversation at a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use openrouter_sandbox::Sandbox;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::keep::Home;
use crate::signals::interrupt;
use crate::support::{all_streams_closed, questions, sandbox, until};
use crate::terminal::terminal;

/// A program at a terminal: what it shows, and the keys for it.
pub(crate) struct Session {
    pub(crate) child: Child,
    pub(crate) keys: File,
    shown: Arc<Mutex<String>>,
}

impl Session {
    fn start(home: &Home, sandbox: &Sandbox, args: &[&str]) -> Self {
        Self::at(home.against(sandbox, &[&["chat", "--color", "never"], args].concat()))
    }

    /// Starts a command at a terminal of its own, which controls it.
    pub(crate) fn at(mut command: Command) -> Self {
        let (mut screen, program) = terminal(100);
        let keys = screen.try_clone().unwrap();
        command.env("TERM", "xterm").stdin(program.try_clone().unwrap());
        command.stdout(program.try_clone().unwrap()).stderr(program);
        let child = command.spawn().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let writes = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // On Linux, the end of a pseudo-terminal is an error.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                writes.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { child, keys, shown }
    }

    /// Waits for a text that was not shown before, and forgets all up to it.
    pub(crate) async fn sees(&self, text: &str) {
        until(text, || {
            let mut shown = self.shown.lock().unwrap();
            let found = shown.find(text).map(|at| shown.split_off(at + text.len()));
            found.map(|rest| *shown = rest).is_some()
        })
        .await;
    }

    /// Types a line at the prompt.
    pub(crate) async fn types(&mut self, line: &str) {
        self.sees("> ").await;
        self.keys_are(format!("{line}\r").as_bytes());
    }

    pub(crate) fn keys_are(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
    }

    /// Types Ctrl-D, and returns the exit code.
    pub(crate) async fn ends(mut self) -> Option<i32> {
        self.sees("> ").await;
        self.keys.write_all(b"\x04").unwrap();
        self.child.wait().await.unwrap().code()
    }
}

/// The newest question, message by message.
fn said(sandbox: &Sandbox) -> Vec<(String, String)> {
    let body = questions(sandbox).pop().unwrap().body;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = body["messages"].as_array().unwrap().iter();
    messages.map(|message| (text(&message["role"]), text(&message["content"]))).collect()
}

async fn asked(sandbox: &Sandbox, count: usize) {
    until("a question", || questions(sandbox).len() == count).await;
}

#[tokio::test]
async fn conversation_retries_undoes_branches_and_saves() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let mut session = Session::start(&home, &sandbox, &["openai/gpt-4o", "--system", "Be brief."]);
    session.sees("openai/gpt-4o; /help lists the commands").await;
    session.types("My name is Ada").await;
    session.sees("cost $").await;
    session.types("What is\\").await;
    session.sees("… ").await;
    session.keys.write_all(b"my name?\r").unwrap();
    session.sees("cost $").await;
    let second = said(&sandbox);
    assert_eq!(second.len(), 4, "{second:?}");
    assert_eq!((second[0].1.as_str(), second[3].1.as_str()), ("Be brief.", "What is\nmy name?"));

    session.types("/model openai/gpt-5").await;
    session.types("/retry").await;
    asked(&sandbox, 3).await;
    session.sees("cost $").await;
    assert_eq!(said(&sandbox), second);
    assert_eq!(questions(&sandbox).pop().unwrap().body["model"], "openai/gpt-5");
    session.types("/branch").await;
    session.sees("  1  assistant: ").await;
    session.sees("* 2  assistant: ").await;
    session.types("/undo").await;
    session.sees("back to 3 messages").await;
    session.types("/undo").await;
    session.types("/undo").await;
    session.sees("there is no question to go back to").await;
    session.types("/branch 2").await;
    session.sees("on branch 2, after 5 messages").await;
    let file = tempfile::NamedTempFile::new().unwrap();
    session.types(&format!("/save {}", file.path().display())).await;
    session.sees("the conversation is in ").await;
    session.types("/cots").await;
    session.sees("is /cost meant?").await;
    session.types("/cost").await;
    session.sees("has cost $0.0").await;
    assert_eq!(session.ends().await, Some(0));
    let saved = std::fs::read_to_string(file.path()).unwrap();
    assert!(saved.starts_with("## system\n\nBe brief.\n\n## user\n\nMy name is Ada\n"), "{saved}");

    // A later session that goes on with it knows its cost and its questions, too.
    let mut session = Session::start(&home, &sandbox, &["-c"]);
    session.sees("after 5 messages").await;
    session.types("/cost").await;
    session.sees("has cost $0.0").await;
    session.types("/undo").await;
    session.sees("back to 3 messages").await;
    session.types("/retry").await;
    asked(&sandbox, 4).await;
    assert_eq!(said(&sandbox).last().unwrap().1, "My name is Ada");
    session.sees("cost $").await;
    assert_eq!(session.ends().await, Some(0));

    let runs = home.json(&["log"]).await["runs"].as_array().unwrap().clone();
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| run["conversation"] == runs[0]["conversation"]), "{runs:?}");
}

#[tokio::test]
async fn ctrl_c_stops_the_answer_and_not_the_program() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let mut session = Session::start(&home, &sandbox, &["sandbox/stall"]);
    session.types("Hello").await;
    until("the answer", || sandbox.open_streams() == 1).await;
    // Its first words are shown.
    session.sees("\r\n").await;
    interrupt(&session.child);
    session.sees("stopped").await;
    all_streams_closed(&sandbox).await;
    session.types("/model openai/gpt-4o").await;
    session.types("Again").await;
    session.sees("cost $").await;
    assert_eq!(session.ends().await, Some(0));
    let runs = home.json(&["log"]).await["runs"].as_array().unwrap().clone();
    assert_eq!((runs.len(), &runs[1]["error_kind"]), (2, &"interrupted".into()));
    // The next session goes on with it, and with its model.
    let mut session = Session::start(&home, &sandbox, &["-c"]);
    session.sees("openrouter:openai/gpt-4o, after ").await;
    session.types("/exit").await;
    assert_eq!(session.child.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn failed_question_leaves_the_conversation_as_it_was() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let mut session = Session::start(&home, &sandbox, &["openai/gpt-4o", "--retries", "0"]);
    session.types("/model sandbox/server-error").await;
    session.types("Lost").await;
    session.sees("error: ").await;
    session.types("/model openai/gpt-4o").await;
    session.types("/attach no/such/file.png").await;
    session.sees("no/such/file.png: ").await;
    session.types("Kept").await;
    session.sees("cost $").await;
    assert_eq!(said(&sandbox), [("user".to_owned(), "Kept".to_owned())]);
    assert_eq!(session.ends().await, Some(0));
}
