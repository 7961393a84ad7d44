//! Exit codes, and the failures of commands.

use std::io;

use provider_core::{Error, ErrorKind};

use crate::output::StdoutError;

/// An exit code of the program. [`codes`] shows the table in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Answered = 0,
    Failed = 1,
    /// The code that clap uses for an invalid command line.
    Usage = 2,
    Key = 3,
    Payment = 4,
    NotFound = 5,
    RateLimited = 6,
    Unreachable = 7,
    Service = 8,
    Refused = 9,
    Truncated = 10,
    Misfit = 11,
    ContextLength = 12,
    /// The code that shells report for a program that Ctrl-C ended.
    Interrupted = 130,
}

impl Exit {
    /// All codes, in order.
    pub(crate) const ALL: [Exit; 14] = [
        Exit::Answered,
        Exit::Failed,
        Exit::Usage,
        Exit::Key,
        Exit::Payment,
        Exit::NotFound,
        Exit::RateLimited,
        Exit::Unreachable,
        Exit::Service,
        Exit::Refused,
        Exit::Truncated,
        Exit::Misfit,
        Exit::ContextLength,
        Exit::Interrupted,
    ];

    /// The number of the code.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The meaning, for the help.
    fn meaning(self) -> &'static str {
        match self {
            Exit::Answered => "answered (also when the reader of the output goes away)",
            Exit::Failed => "another failure, or a limit of a run with tools",
            Exit::Usage => "wrong usage, settings or request, or a feature that the model lacks",
            Exit::Key => "the key is refused, or may not do this",
            Exit::Payment => "payment required, or a limit of money is used up",
            Exit::NotFound => "no such model or provider, or no endpoint fits",
            Exit::RateLimited => "rate limited",
            Exit::Unreachable => "timeout, or the service cannot be reached",
            Exit::Service => "the service or the provider behind it failed; the answer is broken or empty",
            Exit::Refused => "the model, a filter or moderation refused the content",
            Exit::Truncated => "a token limit cut the answer off",
            Exit::Misfit => "the answer is not the JSON that was asked for",
            Exit::ContextLength => "the prompt is longer than the context of the model",
            Exit::Interrupted => "Ctrl-C or SIGTERM",
        }
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Config
            | ErrorKind::InvalidRequest
            | ErrorKind::PayloadTooLarge
            | ErrorKind::Ambiguous
            | ErrorKind::UnsupportedFeature => Exit::Usage,
            ErrorKind::Authentication | ErrorKind::PermissionDenied => Exit::Key,
            ErrorKind::PaymentRequired => Exit::Payment,
            ErrorKind::ModelNotFound | ErrorKind::NotFound | ErrorKind::NoEndpoint => Exit::NotFound,
            ErrorKind::RateLimited => Exit::RateLimited,
            ErrorKind::Timeout | ErrorKind::Connection => Exit::Unreachable,
            ErrorKind::Upstream
            | ErrorKind::Overloaded
            | ErrorKind::Server
            | ErrorKind::Interrupted
            | ErrorKind::EmptyResponse
            | ErrorKind::InvalidResponse => Exit::Service,
            ErrorKind::ContentPolicy => Exit::Refused,
            ErrorKind::Truncated => Exit::Truncated,
            ErrorKind::InvalidOutput => Exit::Misfit,
            ErrorKind::ContextLength => Exit::ContextLength,
            _ => Exit::Failed,
        }
    }
}

/// The table of exit codes for `--help`.
pub(crate) fn codes() -> String {
    let rows = Exit::ALL.map(|exit| format!("  {:<3}  {}", exit.code(), exit.meaning()));
    format!("Exit codes:\n{}", rows.join("\n"))
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A provider or the connection to it failed, or its answer is not of the requested form.
    Provider(Error),
    /// The command line is invalid.
    Usage(String),
    /// A file or a socket of this machine failed.
    Io(String, io::Error),
    /// The reader of standard output is gone.
    ClosedPipe,
    /// A signal ended the program. If an answer had begun, this is its id at the service.
    Interrupted(Option<String>),
    /// The command has reported its failure itself; this is the exit code.
    Told(Exit),
}

impl Failure {
    /// The exit code of this failure.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Provider(error) => error.kind().into(),
            Failure::Told(exit) => *exit,
            Failure::Usage(_) => Exit::Usage,
            Failure::Io(..) => Exit::Failed,
            Failure::ClosedPipe => Exit::Answered,
            Failure::Interrupted(_) => Exit::Interrupted,
        }
    }

    /// The failure as JSON; `None` where programs get none.
    pub(crate) fn to_error(&self) -> Option<Error> {
        match self {
            Failure::Provider(error) => Some(error.clone()),
            Failure::Usage(problem) => Some(Error::new(ErrorKind::InvalidRequest, problem)),
            Failure::Io(what, error) => Some(Error::new(ErrorKind::Config, format!("{what}: {error}"))),
            Failure::Interrupted(_) => Some(Error::new(ErrorKind::Interrupted, "interrupted")),
            Failure::ClosedPipe | Failure::Told(_) => None,
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

#[cfg(test)]
mod tests {
    use super::{Exit, codes};

    #[test]
    fn help_lists_every_code_once() {
        let help = codes();
        let told: Vec<u8> = help
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(told, Exit::ALL.map(Exit::code));
        assert!(told.is_sorted_by(|a, b| a < b));
    }
}
