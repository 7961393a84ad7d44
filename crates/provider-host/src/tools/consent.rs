//! Leave to run a tool: given on the command line, or by the person at the terminal.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use provider_core::{ToolCall, ToolError};
use tokio::sync::Mutex;

use crate::cli::ToolArgs;
use crate::exit::Failure;
use crate::output::{Output, text};

/// The separator between the name of a server and that of its tool.
pub(super) const SEPARATOR: &str = "__";
/// The most bytes of arguments that a question shows.
const MAX_SHOWN: usize = 4 << 10;

/// Decides whether a call may run, and remembers the answers of the person at the terminal.
#[derive(Debug)]
pub(super) struct Consent {
    allowed: Allowed,
    /// The tools that may run from now on. Held while the terminal is asked, so that questions of calls that
    /// run side by side come one after the other.
    always: Mutex<BTreeSet<String>>,
    output: Output,
}

/// The tools that run without a question.
#[derive(Debug)]
enum Allowed {
    All,
    These(Vec<String>),
}

impl Consent {
    /// Reads `--allow-tools`.
    ///
    /// # Errors
    /// When a name is that of no tool, or when there is no terminal to ask at for one that is not allowed.
    pub(super) fn new(args: &ToolArgs, output: Output) -> Result<Self, Failure> {
        let allowed = match args.allow_tools.as_deref() {
            None => Allowed::These(Vec::new()),
            Some([blank]) if blank.is_empty() => Allowed::All,
            Some(names) => Allowed::These(names.to_vec()),
        };
        let names = || args.tool.iter().chain(args.servers()).map(|(name, _)| name.as_str());
        if let Allowed::These(listed) = &allowed {
            if let Some(unknown) = listed.iter().find(|name| !names().any(|tool| covers(tool, name))) {
                let all: Vec<&str> = names().collect();
                let problem = format!("--allow-tools: there is no tool {unknown:?}, only {}", all.join(", "));
                return Err(Failure::Usage(problem));
            }
            // Before anything is paid for.
            let asked = names().find(|name| !listed.iter().any(|allowed| covers(name, allowed)));
            if let Some(name) = asked.filter(|_| !can_ask(output)) {
                return Err(Failure::Usage(no_terminal(name)));
            }
        }
        Ok(Self { allowed, always: Mutex::default(), output })
    }

    /// Returns once a call may run.
    ///
    /// # Errors
    /// When it may not, in words for the model.
    pub(super) async fn ask(&self, call: &ToolCall, command: &str) -> Result<(), ToolError> {
        let name = &call.name;
        match &self.allowed {
            Allowed::All => return Ok(()),
            Allowed::These(names) if names.iter().any(|allowed| covers(allowed, name)) => return Ok(()),
            Allowed::These(_) => {}
        }
        let mut always = self.always.lock().await;
        if always.contains(name) {
            return Ok(());
        }
        if !can_ask(self.output) {
            return Err(ToolError::new(no_terminal(name)));
        }
        let question = "Run it? [y]es, [a]lways, [N]o: ";
        self.output.note(&format!("The model wants to run {}: {}", bold(self.output, name), shown(command)));
        self.output.note(&format!("  with {}", shown(&call.arguments)));
        self.output.remark(question);
        match answer(self.output).await.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            "a" | "always" => {
                always.insert(name.clone());
                Ok(())
            }
            _ => Err(ToolError::new("the user does not want this call to run")),
        }
    }
}

/// Whether leave for `allowed` is leave for this tool: its own name, or that of its server.
fn covers(allowed: &str, tool: &str) -> bool {
    let rest = tool.strip_prefix(allowed);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATOR))
}

/// Whether there is a terminal for the question and for the answer.
fn can_ask(output: Output) -> bool {
    output.err_is_terminal && io::stdin().is_terminal()
}

fn no_terminal(name: &str) -> String {
    format!("{name} may not run, and there is no terminal to ask at: allow it with --allow-tools={name}")
}

fn bold(output: Output, name: &str) -> String {
    output.err.bold(text::one_line(name)).to_string()
}

/// A text of the model or of a flag on one line, whole unless it is very long.
fn shown(text: &str) -> String {
    let line = text::one_line(text);
    match line.char_indices().find(|(at, _)| *at >= MAX_SHOWN) {
        Some((at, _)) => format!("{} (and {} bytes more)", &line[..at], line.len() - at),
        None => line.to_string(),
    }
}

/// A line of the terminal. The end of input is no leave.
///
/// Dropped, as at Ctrl-C, it takes no line any more: the next one is for whoever asks next.
async fn answer(output: Output) -> String {
    let waiting = Waiting { is_wanted: Arc::new(AtomicBool::new(true)), output };
    let is_wanted = Arc::clone(&waiting.is_wanted);
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        match has_line(&is_wanted) {
            true => io::stdin().read_line(&mut line).map(|_| line),
            false => Ok(line),
        }
    });
    let read = read.await;
    waiting.is_wanted.store(false, Ordering::Relaxed);
    read.ok().and_then(Result::ok).unwrap_or_default()
}

/// Says whether the answer is still waited for: not once this is dropped.
struct Waiting {
    is_wanted: Arc<AtomicBool>,
    output: Output,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_wanted.swap(false, Ordering::Relaxed) {
            // The question stands on the line still.
            self.output.remark("\n");
        }
    }
}

/// Waits until there is a line. False: it is not wanted any more.
#[cfg(unix)]
fn has_line(is_wanted: &AtomicBool) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

    let stdin = io::stdin();
    while is_wanted.load(Ordering::Relaxed) {
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&LOOK_AGAIN)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            // Another error is found again by whoever reads.
            _ => return is_wanted.load(Ordering::Relaxed),
        }
    }
    false
}

#[cfg(not(unix))]
fn has_line(_: &AtomicBool) -> bool {
    true
}
