//! Commands of the shell as processes of their own: bounded in time and output, without the keys of this
//! program, and ended with all that they have started.

use std::env;
use std::ffi::OsString;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use provider_core::{FieldKind, ToolError};
use provider_registry::Registry;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::cli::ConnectArgs;
use crate::exit::Failure;

/// The most bytes of standard output that the model gets: some 16,000 tokens.
const MAX_OUTPUT: usize = 64 << 10;
/// The most bytes of the end of standard error that an error has.
pub(super) const MAX_STDERR: usize = 4 << 10;
/// How long the output of a command that has ended is still read: a process that it left behind may hold it
/// open for ever.
const GRACE: Duration = Duration::from_millis(500);
/// Secrets of this program that no provider has as a setting.
const OWN_SECRETS: [&str; 3] = ["HOST_MASTER_KEY", "HOST_OPERATOR_KEY", "HOST_DATABASE_URL"];

/// The variables that no tool gets: those with the keys of providers, and all others with the same value.
#[derive(Clone, Debug, Default)]
pub(super) struct Withheld(Vec<OsString>);

impl Withheld {
    /// Finds the variables in the environment.
    ///
    /// # Errors
    /// When two linked providers have the same id.
    pub(super) fn new(connect: &ConnectArgs) -> Result<Self, Failure> {
        let registry = Registry::discover()?;
        let mut names: Vec<&str> = OWN_SECRETS.to_vec();
        let mut beginnings = Vec::new();
        for field in registry.providers().flat_map(|provider| provider.fields.iter()) {
            if field.kind == FieldKind::Secret {
                names.extend(field.env);
                beginnings.push(field.placeholder.trim_end_matches('.'));
            }
        }
        names.extend(connect.instances.set_env.iter().map(|(_, variable)| variable.as_str()));
        let values: Vec<OsString> =
            names.iter().filter_map(env::var_os).filter(|value| !value.is_empty()).collect();
        let is_key = |value: &OsString| {
            let begins = |start: &&str| start.len() > 3 && value.to_string_lossy().starts_with(*start);
            values.contains(value) || beginnings.iter().any(begins)
        };
        let withheld = env::vars_os().filter(|(_, value)| is_key(value)).map(|(name, _)| name);
        Ok(Self(withheld.collect()))
    }
}

/// A process, with those that it has started. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
}

impl Process {
    /// Starts a command of the shell with all three streams as pipes.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(command: &str, withheld: &Withheld) -> io::Result<Self> {
        let mut shell = shell(command);
        for name in &withheld.0 {
            shell.env_remove(name);
        }
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // A group of its own, which can be ended as one.
        #[cfg(unix)]
        shell.process_group(0);
        Ok(Self { child: shell.spawn()? })
    }

    /// Ends the process and those that it has started, unless it has ended and been waited for.
    pub(super) fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // A group that is gone already is as good.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}

/// Runs a command with this text on standard input, and returns its standard output.
///
/// # Errors
/// When it cannot be started, fails, or does not end in time; in words for the model.
pub(super) async fn run(
    command: &str,
    input: &[u8],
    limit: Duration,
    withheld: &Withheld,
) -> Result<String, ToolError> {
    let started = Process::start(command, withheld);
    let mut process =
        started.map_err(|error| ToolError::new(format!("the command cannot be started: {error}")))?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = timeout(limit, end(&mut process, input, &mut out, &mut err)).await;
    let is_cut = out.len() > MAX_OUTPUT;
    out.truncate(MAX_OUTPUT);
    let out = String::from_utf8_lossy(&out);
    let err = String::from_utf8_lossy(&err);
    let said = |problem: String| {
        let parts = [("standard error", err.trim()), ("standard output", out.trim())];
        let parts = parts.iter().filter(|(_, text)| !text.is_empty());
        let parts: Vec<String> = parts.map(|(stream, text)| format!("\n{stream}: {text}")).collect();
        ToolError::new(format!("{problem}{}", parts.concat()))
    };
    match ended {
        Err(_) => Err(said(format!("the command was stopped after {} s", limit.as_secs_f64()))),
        Ok(Err(error)) => Err(said(format!("the command cannot be waited for: {error}"))),
        // A command that is stopped because it writes too much fails for that.
        Ok(Ok(_)) if is_cut => {
            Ok(format!("{out}\n[cut here: the command wrote more than {MAX_OUTPUT} bytes]"))
        }
        Ok(Ok(status)) if !status.success() => Err(said(format!("the command failed ({status})"))),
        // Services refuse a result without text.
        Ok(Ok(_)) if out.trim().is_empty() => Ok("(no output)".to_owned()),
        Ok(Ok(_)) => Ok(out.into_owned()),
    }
}

/// Feeds a process, and reads what it writes until it ends or writes too much.
async fn end(
    process: &mut Process,
    input: &[u8],
    out: &mut Vec<u8>,
    err: &mut Vec<u8>,
) -> io::Result<ExitStatus> {
    let child = &mut process.child;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A command need not read its arguments.
            let _ = stdin.write_all(input).await;
        }
    };
    let is_over = {
        let mut feed = pin!(feed);
        let mut read_out = pin!(read_head(stdout, out));
        let mut read_err = pin!(read_tail(stderr, err));
        let (mut is_fed, mut out_done, mut err_done) = (false, false, false);
        loop {
            tokio::select! {
                () = &mut feed, if !is_fed => is_fed = true,
                is_whole = &mut read_out, if !out_done => {
                    out_done = true;
                    if !is_whole {
                        break None;
                    }
                }
                () = &mut read_err, if !err_done => err_done = true,
                status = child.wait() => {
                    let rest = async { tokio::join!(
                        async { if !out_done { read_out.await; } },
                        async { if !err_done { read_err.await; } },
                    ) };
                    tokio::select! {
                        _ = rest => {}
                        () = sleep(GRACE) => {}
                    }
                    break Some(status?);
                }
            }
        }
    };
    match is_over {
        Some(status) => Ok(status),
        None => {
            process.kill();
            process.child.wait().await
        }
    }
}

/// Reads the beginning of a stream, one byte more than the bound at most. Returns whether that was all.
async fn read_head(from: Option<impl AsyncRead + Unpin>, head: &mut Vec<u8>) -> bool {
    let Some(mut from) = from else { return true };
    let mut piece = [0; 8 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let room = (MAX_OUTPUT + 1).saturating_sub(head.len());
        head.extend(piece.iter().take(count.min(room)));
        if head.len() > MAX_OUTPUT {
            return false;
        }
    }
    true
}

/// Reads a stream to its end, and keeps its last bytes.
pub(super) async fn read_tail(from: Option<impl AsyncRead + Unpin>, tail: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut piece = [0; 4 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        tail.extend(piece.iter().take(count));
        let excess = tail.len().saturating_sub(MAX_STDERR);
        tail.drain(..excess);
    }
}
