//! Workspaces that last: their providers and sealed keys, tokens, budgets, runs and conversations, in SQLite
//! or PostgreSQL.
//!
//! | to | take |
//! |---|---|
//! | open a database | [`Store::open`], with a [`MasterKey`] that seals the secrets |
//! | configure | [`Store::create_workspace`], [`Store::add_provider`], [`Store::change_provider`] |
//! | use a workspace's providers | [`Connections::workspace`], [`ConnectedWorkspace::model`] |
//! | let programs in | [`Store::create_token`], [`Store::authenticate`] |
//! | hold a limit | [`Store::add_budget`], [`Store::reserve`], [`Reservation::settle`] |
//! | record what was run | [`Run`], [`Recorder`], [`Store::runs`] |
//! | sum up what it cost | [`Store::run_totals`], [`Store::run_days`] |
//! | keep conversations | [`Store::create_conversation`], [`Store::append`], [`Store::branch`] |
//! | hear of changes on all hosts | [`Store::changes`] |
//! | move a workspace | [`Store::export`], [`Store::import`] |
//!
//! ```
//! use provider_registry::Registry;
//! use workspace_store::{Actor, Connections, MasterKey, NewProvider, NewWorkspace, Store};
//! use openrouter_provider as _; // links the provider in
//!
//! # #[tokio::main]
//! # async fn main() -> workspace_store::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let (key_file, url) =
//! #     (folder.path().join("key"), format!("sqlite:{}", folder.path().join("store.db").display()));
//! let store = Store::open(&url, MasterKey::dev_file(key_file)?).await?; // sqlite:data/store.db
//! let registry = Registry::discover()?;
//! let ada = Actor::new("user:ada"); // every change is in the audit log
//!
//! store.create_workspace(NewWorkspace::new("acme").time_zone("Europe/Berlin"), &ada).await?;
//! let provider = NewProvider::new("OpenRouter", [("api_key", "sk-or-v1-abc")]);
//! store.add_provider("acme", &registry, provider, &ada).await?;
//!
//! let connections = Connections::new(store.clone(), registry);
//! let acme = connections.workspace("acme").await?; // connected once, and again when it changes
//! let model = acme.model("openrouter:openai/gpt-4o").await?;
//! # assert_eq!(model.id(), "openai/gpt-4o");
//! # Ok(())
//! # }
//! ```
//!
//! The page `docs/store.md` has a whole call, from the token to the bill, and what holds while the database
//! is away.

mod audit;
mod budget;
mod comparison;
mod connections;
mod conversation;
mod database;
mod error;
mod feed;
mod key;
mod pending;
mod provider;
mod recorder;
mod reservation;
mod revision;
mod run;
mod store;
mod time;
mod token;
mod transfer;
mod workspace;

pub use audit::{Actor, AuditEntry};
pub use budget::{Amount, BudgetRecord, Period, Scope};
pub use comparison::{ComparisonCell, ComparisonRecord};
pub use connections::{ConnectedWorkspace, Connections};
pub use conversation::{ConversationRecord, StoredMessage};
pub use database::Backend;
pub use error::{Cause, Conflict, RecordKind, Result, StoreError};
pub use feed::Change;
pub use key::{MasterKey, MasterKeyError, MasterKeys, SealError};
pub use provider::{ChangedProvider, NewProvider, ProviderChange, ProviderRecord};
pub use recorder::{Recorder, RecorderCounts, RecorderSettings};
pub use reservation::{ASSUMED_ANSWER_TOKENS, Bill, BudgetRefusal, Call, Reservation, Settled, estimate};
pub use run::totals::{DayReport, DayTotals};
pub use run::{Run, RunContent, RunFilter, RunTotals};
pub use store::{Health, Rewrapped, Store, StoreOptions};
pub use token::{CreatedToken, NewToken, Role, TokenError, TokenRecord};
pub use transfer::Imported;
pub use workspace::{NewWorkspace, WorkspaceChange, WorkspaceRecord};

/// The example of the page, which is run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/store.md")]
struct Page;
