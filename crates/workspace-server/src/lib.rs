//! The workspaces of a [store](workspace_store) behind HTTP, for platforms that are not written in Rust.
//!
//! | path | is for |
//! |---|---|
//! | `/api/v1/…` | settings, runs and histories, in the envelope `{data, status, code, message}` |
//! | `/api/v1/workspaces/{workspace}/chat` | a run as the host's server-sent events |
//! | `/w/{workspace}/v1/…` | any OpenAI client, with a token of the workspace as its key |
//! | `/`, `/page/…` | people: a page in the browser that uses the API above |
//! | `/healthz`, `/readyz`, `/metrics` | whoever operates the host |
//!
//! ```no_run
//! use openrouter_provider as _; // links the provider in
//! use provider_registry::Registry;
//! use workspace_server::{Server, ServerSettings};
//! use workspace_store::{MasterKey, Store};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::open("sqlite:data/host.db", MasterKey::from_env("HOST_MASTER_KEY")?).await?;
//! let server = Server::new(store, Registry::discover()?, ServerSettings::new("data/runs.spill"))?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! server.serve(listener, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod api;
mod call;
mod chat;
mod compare;
mod error;
mod limits;
mod metrics;
mod money;
mod node;
mod observe;
mod openai;
mod openapi;
mod page;
mod routes;
mod security;
mod server;
mod settings;
mod sse;
mod state;

pub use access::Access;
pub use node::{
    AgentMode, AgentNode, ContextStrategy, ContextWindow, DEFAULT_MAX_ITERATIONS, Extension, FunctionCalling,
    Memory, NODE_TYPE, TurnLimits, substitute, variables,
};
pub use openapi::openapi;
pub use routes::{ROUTES, Route};
pub use server::{Server, ServerError};
pub use settings::ServerSettings;
