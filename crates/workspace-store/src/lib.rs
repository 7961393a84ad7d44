//! Workspaces that last: their providers and sealed keys, in SQLite or PostgreSQL.
//!
//! A [`Store`] is opened with a URL and a [`MasterKey`], which seals the secrets of all workspaces.
//! [`Connections`] connect the providers of a workspace when it is first asked for, and again when somebody
//! changes them, on this host or on another one.

mod audit;
mod budget;
mod comparison;
mod connections;
mod conversation;
mod database;
mod error;
mod feed;
mod key;
mod provider;
mod recorder;
mod revision;
mod run;
mod store;
mod time;
mod token;
mod transfer;
mod workspace;

pub use audit::{Actor, AuditEntry};
pub use budget::{Amount, BudgetRecord, BudgetRefusal, Call, Period, Reservation, Scope, Settled};
pub use comparison::{ComparisonCell, ComparisonRecord};
pub use connections::{ConnectedWorkspace, Connections};
pub use conversation::{ConversationRecord, StoredMessage};
pub use database::Backend;
pub use error::{Cause, Conflict, RecordKind, Result, StoreError};
pub use feed::Change;
pub use key::{MasterKey, MasterKeyError, MasterKeys, SealError};
pub use provider::{ChangedProvider, NewProvider, ProviderChange, ProviderRecord};
pub use recorder::{Recorder, RecorderCounts, RecorderSettings};
pub use run::{Run, RunContent, RunFilter, RunTotals};
pub use store::{Health, Rewrapped, Store, StoreOptions};
pub use token::{CreatedToken, NewToken, Role, TokenError, TokenRecord};
pub use transfer::Imported;
pub use workspace::{NewWorkspace, WorkspaceChange, WorkspaceRecord};
