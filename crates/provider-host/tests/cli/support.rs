//! Starts the binary, and checks its output.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use openrouter_sandbox::{RecordedRequest, Sandbox};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// The key of all runs. Every [`Ran`] checks that it is nowhere in the output.
pub(crate) const KEY: &str = "sk-or-v1-marker-0123456789abcdef";
/// A key that the sandbox refuses.
pub(crate) const REFUSED_KEY: &str = "sk-or-v1-marker-invalid-89abcdef";

/// The flag that sends the key of the environment to a base URL of the flags.
pub(crate) const KEY_OF_ENV: [&str; 2] = ["--set-env", "api_key=OPENROUTER_API_KEY"];

/// The binary with an environment of its own and nothing on standard input.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_asq"));
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if ["OPENROUTER", "OPEN_ROUTER", "OPENAI", "PROVIDER_HOST", "ASQ_", "HOST_", "OTEL_"]
            .iter()
            .any(|service| upper.starts_with(service))
        {
            command.env_remove(name);
        }
    }
    // A home without anything in it. Tests of the log have one of their own.
    let nowhere = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    command.env("XDG_CONFIG_HOME", &nowhere).env("XDG_DATA_HOME", &nowhere).env("ASQ_LOG", "off");
    command.env_remove("NO_COLOR").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// The binary with these arguments, against this sandbox.
pub(crate) fn against(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = binary();
    command.env("OPENROUTER_API_KEY", KEY).env("OPENROUTER_BASE_URL", sandbox.base_url()).args(args);
    command
}

/// A sandbox that answers at once.
pub(crate) async fn sandbox() -> Sandbox {
    Sandbox::start().await.unwrap()
}

/// Runs the binary against a sandbox of its own.
pub(crate) async fn run(args: &[&str]) -> Ran {
    let sandbox = sandbox().await;
    ran(&mut against(&sandbox, args)).await
}

/// Runs a command to its end.
pub(crate) async fn ran(command: &mut Command) -> Ran {
    Ran::new(command.output().await.unwrap())
}

/// Runs a command with a text on standard input.
pub(crate) async fn ran_with_input(command: &mut Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    Ran::new(child.wait_with_output().await.unwrap())
}

/// Writes a file into a folder for one test.
pub(crate) fn test_file(name: &str, content: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The output and the exit code of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(output: Output) -> Self {
        let ran = Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains(KEY) && !text.contains(REFUSED_KEY), "the key shows: {text}");
            assert!(!text.contains("panicked"), "{text}");
        }
        ran
    }

    /// Checks the exit code of the run.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// The requests to the sandbox, without those for the catalogue.
pub(crate) fn questions(sandbox: &Sandbox) -> Vec<RecordedRequest> {
    sandbox.requests().into_iter().filter(|request| request.method == "POST").collect()
}

/// Asserts that a text contains all of these.
#[track_caller]
pub(crate) fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

/// The longest wait for a child. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut has_come: impl FnMut() -> bool) {
    let waiting = async {
        while !has_come() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain for {what}");
}

/// Waits until no stream is open.
pub(crate) async fn all_streams_closed(sandbox: &Sandbox) {
    until("the end of all streams", || sandbox.open_streams() == 0).await;
}

/// Waits for a child that was told to stop.
pub(crate) async fn gone(child: Child) -> Ran {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    Ran::new(output.expect("it does not end").unwrap())
}
