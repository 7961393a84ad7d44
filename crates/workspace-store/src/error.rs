//! The errors of a store.

use std::borrow::Cow;
use std::fmt;

use provider_core::FieldProblem;
use sqlx::error::{DatabaseError, ErrorKind};

use crate::key::{MasterKeyError, SealError};
use crate::reservation::BudgetRefusal;
use crate::token::TokenError;

/// The result of an operation of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The errors of a store. None of them has a secret in its text.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names no database that a store can use.
    Url(String),
    /// The master key is missing, malformed, readable by others, or another one than the database's.
    MasterKey(MasterKeyError),
    /// A sealed secret does not open.
    Seal(SealError),
    /// The database cannot be reached, or does not answer in time. Trying again may pass.
    Unavailable(Cause),
    /// The database refused a statement.
    Database(Cause),
    /// A newer version of this crate has changed the database.
    NewerSchema {
        /// The version of the database's schema.
        found: i64,
        /// The newest version that this crate knows.
        known: i64,
    },
    /// There is no such thing in this workspace.
    NotFound {
        /// The kind of thing.
        kind: RecordKind,
        /// Its id.
        id: String,
    },
    /// The id is taken.
    Duplicate {
        /// The kind of thing.
        kind: RecordKind,
        /// Its id.
        id: String,
    },
    /// Somebody else has changed the record since the caller read it.
    Conflict(Conflict),
    /// Values that cannot be stored, field by field.
    Invalid(Vec<FieldProblem>),
    /// A token does not let its bearer in.
    Token(TokenError),
    /// A budget has not enough left for a call.
    Budget(Box<BudgetRefusal>),
    /// The workspace has not enabled this model of the provider.
    NotEnabled {
        /// The id of the configured provider.
        provider: String,
        /// The id of the model.
        model: String,
    },
    /// A request reaches models that its service chooses, and the workspace has not enabled all of the
    /// provider.
    AnyModel {
        /// The id of the configured provider.
        provider: String,
        /// The field of the request that leaves the choice to the service.
        field: String,
    },
    /// The provider refused its settings, or failed.
    Provider(provider_core::Error),
    /// An export cannot be read.
    Import(String),
    /// A file of the store cannot be read or written.
    Io(std::io::Error),
}

/// A kind of thing in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordKind {
    /// A workspace.
    Workspace,
    /// A configured provider.
    Provider,
    /// An API token.
    Token,
    /// A budget.
    Budget,
    /// A conversation.
    Conversation,
    /// A message of a conversation.
    Message,
    /// A run.
    Run,
    /// A comparison.
    Comparison,
}

impl RecordKind {
    /// The kind as a word: `workspace`, `provider`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            RecordKind::Workspace => "workspace",
            RecordKind::Provider => "provider",
            RecordKind::Token => "token",
            RecordKind::Budget => "budget",
            RecordKind::Conversation => "conversation",
            RecordKind::Message => "message",
            RecordKind::Run => "run",
            RecordKind::Comparison => "comparison",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A change that was made against an old revision, and was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The kind of thing.
    pub kind: RecordKind,
    /// Its id.
    pub id: String,
    /// The revision that the caller had read.
    pub expected: i64,
    /// The revision that is stored.
    pub found: i64,
    /// The names of the fields that others have changed in between. A secret is named as any field is.
    pub changed: Vec<String>,
}

/// The error behind an error of the database, without the statement's values.
pub struct Cause(pub(crate) sqlx::Error);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // PostgreSQL repeats values in the details of its errors; the message has the names alone.
            sqlx::Error::Database(error) => f.write_str(error.message()),
            error => fmt::Display::fmt(error, f),
        }
    }
}

impl StoreError {
    pub(crate) fn not_found(kind: RecordKind, id: &str) -> Self {
        StoreError::NotFound { kind, id: id.to_owned() }
    }

    pub(crate) fn invalid(field: &str, problem: impl Into<String>) -> Self {
        StoreError::Invalid(vec![FieldProblem::new(field, problem)])
    }

    /// Whether the database cannot be reached at the moment.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }

    /// Whether the database gave up on one of several writers, so that the same transaction may pass now.
    pub(crate) fn is_contention(&self) -> bool {
        let (StoreError::Database(Cause(error)) | StoreError::Unavailable(Cause(error))) = self else {
            return false;
        };
        // PostgreSQL: serialization failure, deadlock. SQLite: busy, locked, busy snapshot.
        let codes = ["40001", "40P01", "5", "6", "261", "262", "517"];
        error.as_database_error().and_then(|error| error.code()).is_some_and(|code| codes.contains(&&*code))
    }

    /// Whether the values of a row are the reason, so that the same row is refused again at any time.
    pub(crate) fn is_of_the_row(&self) -> bool {
        let cause = match self {
            StoreError::Unavailable(_) => return false,
            StoreError::Database(Cause(cause)) => cause,
            _ => return true,
        };
        // A value that cannot be encoded has no code of the database.
        let Some(code) = cause.as_database_error().and_then(|error| error.code()) else { return true };
        match code.parse::<u32>() {
            // SQLite: too big, a constraint, a datatype.
            Ok(number) if code.len() < 5 => matches!(number & 0xff, 18..=20),
            // PostgreSQL: a data exception, a constraint, beyond a limit of the program.
            _ => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
        }
    }

    /// Turns the violation of a unique key into [`Duplicate`](Self::Duplicate).
    pub(crate) fn duplicate(error: sqlx::Error, kind: RecordKind, id: &str) -> Self {
        match error.as_database_error() {
            Some(cause) if cause.is_unique_violation() => StoreError::Duplicate { kind, id: id.to_owned() },
            _ => error.into(),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let is_away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // A proxy that takes the connection while the server behind it is away.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(cause) => cause.code().is_some_and(|code| {
                // PostgreSQL: connection lost, shutting down or starting, too many connections, disk full.
                // SQLite: busy, I/O error, read-only, full, cannot open.
                let prefixes = ["08", "57P", "53"];
                let is_postgres = code.len() == 5 && prefixes.iter().any(|prefix| code.starts_with(prefix));
                let primary = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff);
                is_postgres || matches!(primary, Some(5 | 8 | 10 | 13 | 14))
            }),
            _ => false,
        };
        if is_away { StoreError::Unavailable(Cause(error)) } else { StoreError::Database(Cause(error)) }
    }
}

/// The error of a connection of rusqlite, as sqlx has those of its own.
#[derive(Debug)]
struct SqliteFailure {
    code: i32,
    message: String,
}

impl fmt::Display for SqliteFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(code: {}) {}", self.code, self.message)
    }
}

impl std::error::Error for SqliteFailure {}

impl DatabaseError for SqliteFailure {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error().map(|failure| failure.extended_code) {
            Some(code) => {
                let failure = SqliteFailure { code, message: error.to_string() };
                sqlx::Error::Database(Box::new(failure)).into()
            }
            None => sqlx::Error::Decode(Box::new(error)).into(),
        }
    }
}

impl From<provider_core::Error> for StoreError {
    fn from(error: provider_core::Error) -> Self {
        StoreError::Provider(error)
    }
}

impl From<MasterKeyError> for StoreError {
    fn from(error: MasterKeyError) -> Self {
        StoreError::MasterKey(error)
    }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        StoreError::Seal(error)
    }
}

impl From<TokenError> for StoreError {
    fn from(error: TokenError) -> Self {
        StoreError::Token(error)
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        StoreError::Io(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Url(problem) => write!(f, "the URL of the store {problem}"),
            StoreError::MasterKey(error) => fmt::Display::fmt(error, f),
            StoreError::Seal(error) => fmt::Display::fmt(error, f),
            StoreError::Unavailable(cause) => write!(f, "the database is not available: {cause}"),
            StoreError::Database(cause) => write!(f, "the database refused: {cause}"),
            StoreError::NewerSchema { found, known } => write!(
                f,
                "the database has schema version {found}, and this version knows up to {known}: start a newer one"
            ),
            StoreError::NotFound { kind, id } => write!(f, "there is no {kind} {id:?}"),
            StoreError::Duplicate { kind, id } => write!(f, "there is a {kind} {id:?} already"),
            StoreError::Conflict(Conflict { kind, id, expected, found, changed }) => write!(
                f,
                "the {kind} {id:?} has revision {found}, not {expected}; changed since then: {}",
                changed.join(", ")
            ),
            StoreError::Invalid(problems) => {
                f.write_str("cannot be stored:")?;
                problems.iter().try_for_each(|problem| write!(f, " {}: {};", problem.field, problem.problem))
            }
            StoreError::Token(error) => fmt::Display::fmt(error, f),
            StoreError::Budget(refusal) => fmt::Display::fmt(refusal, f),
            StoreError::AnyModel { provider, field } => write!(
                f,
                "`{field}` leaves the choice of a model to {provider}, and the workspace has enabled only some of \
                 its models"
            ),
            StoreError::NotEnabled { provider, model } => {
                write!(f, "the workspace has not enabled the model {model:?} of {provider:?}")
            }
            StoreError::Provider(error) => fmt::Display::fmt(error, f),
            StoreError::Import(problem) => write!(f, "the export cannot be read: {problem}"),
            StoreError::Io(error) => write!(f, "a file of the store: {error}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Provider(error) => Some(error),
            StoreError::Io(error) => Some(error),
            _ => None,
        }
    }
}
