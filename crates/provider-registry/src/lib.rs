//! Finds providers by name, connects them from settings, and resolves model references inside a workspace.
//!
//! ```
//! use openrouter_provider as _; // links the provider in
//! use provider_registry::{Registry, Workspace};
//!
//! # async fn run() -> Result<(), provider_core::Error> {
//! let registry = Registry::discover()?;
//! for field in registry.fields("OpenRouter")? {
//!     println!("{}: {}", field.label, field.help); // draws the settings form
//! }
//!
//! let mut workspace = Workspace::new("acme");
//! workspace.add(&registry, "OpenRouter", [("api_key", "sk-or-v1-abc"), ("site_name", "Acme")])?;
//!
//! let model = workspace.model("openai/gpt-4o").await?; // an agent node's selection
//! let reply = model.chat(&model.request().user("Hello")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The crate works with the descriptors of `provider-core`, and knows neither HTTP nor any single provider.

mod instance;
mod model_ref;
mod registry;
mod resolve;
mod selected;
mod similarity;
mod workspace;

pub use instance::Instance;
pub use model_ref::ModelRef;
pub use registry::Registry;
pub use selected::{ListedModel, Listing, SelectedModel};
pub use workspace::Workspace;
