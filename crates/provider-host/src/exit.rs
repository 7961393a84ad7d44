//! How the program ends: every failure, its exit code, and how it is told.

use std::io;

use provider_core::{Error, ErrorKind};

use crate::hint;
use crate::output::{Output, StdoutError, text};

/// What the codes mean, for `--help`.
pub(crate) const CODES: &str = "\
Exit codes:
  0    answered (also when the reader of the output goes away)
  1    another failure
  2    wrong usage, settings or request
  3    the key is refused, or may not do this
  4    payment required
  5    no such model or provider, or no endpoint fits
  6    rate limited
  7    timeout, or the service cannot be reached
  8    the service or the provider behind it failed; the answer is broken or empty
  9    refused content, or a prompt longer than the context
  130  Ctrl-C";

/// The code of a wrong command line, the same that clap uses.
const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A provider, or the way to it, failed.
    Provider(Error),
    /// What was asked for makes no sense.
    Usage(String),
    /// A file or a socket of this machine failed.
    Io(String, io::Error),
    /// Nobody reads standard output any more.
    ClosedPipe,
    /// Ctrl-C.
    Interrupted,
    /// The command has told everything itself; only the code of the error is left.
    Told(ErrorKind),
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Provider(error) => code(error.kind()),
            Failure::Told(kind) => code(*kind),
            Failure::Usage(_) => USAGE,
            Failure::Io(..) => 1,
            Failure::ClosedPipe => 0,
            Failure::Interrupted => INTERRUPTED,
        }
    }

    /// Tells what happened on standard error.
    pub(crate) fn tell(&self, output: Output) {
        match self {
            Failure::Provider(error) => tell_error(error, output),
            Failure::Usage(problem) => tell_line(problem, output),
            Failure::Io(what, error) => tell_line(&format!("{what}: {error}"), output),
            Failure::Interrupted => output.note("\ninterrupted"),
            Failure::ClosedPipe | Failure::Told(_) => {}
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Provider(error)
    }
}

impl From<StdoutError> for Failure {
    fn from(StdoutError(error): StdoutError) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Io("cannot write to standard output".to_owned(), error),
        }
    }
}

/// Tells a provider's error: one line, or one line and one more for each setting or field that is wrong; and what to do.
fn tell_error(error: &Error, output: Output) {
    tell_attempts("", error.attempts(), output);
    if error.fields().is_empty() {
        tell_line(&error.to_string(), output);
    } else {
        tell_line(&format!("{}: {}", error.kind(), error.message()), output);
        for problem in error.fields() {
            output.note(&format!("  {}: {}", problem.field, text::one_line(&problem.problem)));
        }
    }
    if let Some(hint) = hint::of(error) {
        output.note(&format!("{} {hint}", output.err.yellow("hint:")));
    }
}

/// Tells what failed before an answer or an error of `whom`, oldest first, if that is wanted.
pub(crate) fn tell_attempts(whom: &str, attempts: &[Error], output: Output) {
    let attempts = attempts.iter().filter(|_| output.verbose);
    for (number, failed) in (1..).zip(attempts) {
        let line = text::one_line(&format!("{whom}attempt {number} failed: {failed}"));
        output.note(&output.err.dim(line).to_string());
    }
}

fn tell_line(problem: &str, output: Output) {
    output.note(&format!("{} {}", output.err.red("error:"), text::one_line(problem)));
}

fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Config | ErrorKind::InvalidRequest | ErrorKind::PayloadTooLarge => USAGE,
        ErrorKind::Authentication | ErrorKind::PermissionDenied => 3,
        ErrorKind::PaymentRequired => 4,
        ErrorKind::ModelNotFound
        | ErrorKind::NotFound
        | ErrorKind::NoEndpoint
        | ErrorKind::UnsupportedFeature => 5,
        ErrorKind::RateLimited => 6,
        ErrorKind::Timeout | ErrorKind::Connection => 7,
        ErrorKind::Upstream
        | ErrorKind::Overloaded
        | ErrorKind::Server
        | ErrorKind::Interrupted
        | ErrorKind::EmptyResponse
        | ErrorKind::InvalidResponse => 8,
        ErrorKind::ContentPolicy | ErrorKind::ContextLength => 9,
        _ => 1,
    }
}
