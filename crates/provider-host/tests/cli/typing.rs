//! Tests of signals while somebody types: the terminal is as it was, and the exit code tells.

use openrouter_sandbox::Sandbox;
use rustix::termios::{LocalModes, tcgetattr};
use tokio::process::Command;

use crate::keep::Home;
use crate::repl::Session;
use crate::signals::{interrupt, send};
use crate::support::{questions, sandbox, until};

/// Makes the sandbox call the tool `clock`.
const CLOCK: &str = "What does the clock say?";

/// Whether the terminal shows what is typed, and gives it line by line.
fn is_usual(session: &Session) -> bool {
    let modes = tcgetattr(&session.keys).unwrap().local_modes;
    modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
}

/// The same command in a session of its own, which its terminal controls: a key is read from `/dev/tty`.
fn with_a_terminal_of_its_own(command: &Command) -> Option<Command> {
    std::process::Command::new("setsid").arg("--version").output().ok()?;
    let command = command.as_std();
    let mut session = Command::new("setsid");
    session.arg("--ctty").arg(command.get_program()).args(command.get_args()).kill_on_drop(true);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => session.env(name, value),
            None => session.env_remove(name),
        };
    }
    Some(session)
}

fn chat(home: &Home, sandbox: &Sandbox, args: &[&str]) -> Command {
    home.against(sandbox, &[&["chat", "--color", "never"], args].concat())
}

#[tokio::test]
async fn sigterm_at_the_prompt_puts_the_terminal_back() {
    let (sandbox, home) = (sandbox().await, Home::new());
    // Before the first question, and after one.
    for questions in [0, 1] {
        let mut session = Session::at(chat(&home, &sandbox, &["openai/gpt-4o"]));
        assert!(is_usual(&session));
        for _ in 0..questions {
            session.types("Hello").await;
            session.sees("cost $").await;
        }
        session.sees("> ").await;
        until("the line editor", || !is_usual(&session)).await;
        send("-TERM", &session.child);
        assert_eq!(session.child.wait().await.unwrap().code(), Some(130));
        assert!(is_usual(&session), "after {questions}");
    }
}

#[tokio::test]
async fn ctrl_c_at_the_question_of_a_tool_is_no_leave() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let folder = tempfile::tempdir().unwrap();
    let tool = format!("clock=touch {}/ran", folder.path().display());
    let mut session = Session::at(chat(&home, &sandbox, &["openai/gpt-4o", "--tool", &tool]));
    session.types(CLOCK).await;
    session.sees("Run it? ").await;
    interrupt(&session.child);
    session.sees("stopped").await;
    // The next line is not taken for the answer to that question.
    session.types("/cost").await;
    session.sees("this conversation has cost").await;
    assert_eq!(session.ends().await, Some(0));

    let mut session = Session::at(chat(&home, &sandbox, &["openai/gpt-4o", CLOCK, "--tool", &tool]));
    session.sees("Run it? ").await;
    interrupt(&session.child);
    assert_eq!(session.child.wait().await.unwrap().code(), Some(130));
    assert!(is_usual(&session));
    assert!(!folder.path().join("ran").exists());
}

#[tokio::test]
async fn signal_while_a_key_is_typed_puts_the_terminal_back() {
    let home = Home::new();
    for signal in ["-TERM", "key"] {
        let Some(command) = with_a_terminal_of_its_own(&home.bare(&["keys", "set", "openrouter"])) else {
            println!("skipped: there is no setsid");
            return;
        };
        let mut session = Session::at(command);
        session.sees("(it is not shown)").await;
        until("the silence of the terminal", || !is_usual(&session)).await;
        match signal {
            "key" => session.keys_are(b"\x03"),
            signal => send(signal, &session.child),
        }
        assert_eq!(session.child.wait().await.unwrap().code(), Some(130), "{signal}");
        assert!(is_usual(&session), "{signal}");
    }
    assert!(!home.data().exists());
}

#[tokio::test]
async fn conversation_speaks_of_its_commands() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let mut session = Session::at(chat(&home, &sandbox, &["openai/gpt-4o", "--retries", "0"]));
    session.types("/attach no/such.png").await;
    session.sees("error: /attach no/such.png: ").await;
    session.types("/tools no/such.json").await;
    session.sees("error: /tools ").await;
    session.types("/model openai/gpt-4x").await;
    session.sees("openai/gpt-4x is not in the list of openrouter; ").await;
    session.types("/model sandbox/overload").await;
    session.types("Hello").await;
    session.sees("another model with /model").await;
    assert_eq!(questions(&sandbox).pop().unwrap().body["model"], "sandbox/overload");
    assert_eq!(session.ends().await, Some(0));
}
