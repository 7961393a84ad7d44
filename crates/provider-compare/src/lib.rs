//! Sends one request to several models, and reports answers, speeds and costs side by side.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use provider_compare::Comparison;
//! use provider_core::{ChatRequest, LlmProvider};
//!
//! async fn compare(one: Arc<dyn LlmProvider>, other: Arc<dyn LlmProvider>) {
//!     let report = Comparison::new(ChatRequest::default().user("Why is the sky blue?"))
//!         .cell("GPT", one.clone(), "openai/gpt-4o")
//!         .cell("Claude", one, "anthropic/claude-sonnet-4.5")
//!         .cell("at home", other, "llama3.2")
//!         .deadline(Duration::from_secs(60))
//!         .run()
//!         .await;
//!     println!("{}", report.to_markdown());
//!     if let Some(cell) = report.cheapest() {
//!         println!("{} is the cheapest", cell.label);
//!     }
//! }
//! ```
//!
//! Each model has a cell. Cells keep their order, whichever answers first. A cell that fails stops no other:
//! its error is in the report, with the part of the answer that arrived. A comparison is a future: it runs in
//! the task that awaits it, and dropping it closes all connections. [`Comparison::run_with`] reports
//! progress, and [`Comparison::run_until`] can be stopped without losing results.
//!
//! # The report as JSON
//!
//! The names in the JSON of a [`Report`] are stable: new ones may be added, and `schema_version` counts up if
//! one changes or goes.
//!
//! | name | value |
//! |---|---|
//! | `schema_version` | 1 |
//! | `created` | when the comparison began, in seconds since 1970 |
//! | `prompt` | the text of the last user message |
//! | `messages` | all messages: `role`, `text`, and `other_parts`, the number of parts other than text |
//! | `cells` | one for each model, in order |
//! | `cells[].label`, `.provider`, `.requested` | the label, the provider's name, the model's id |
//! | `cells[].response` | a [`ChatResponse`](provider_core::ChatResponse), tokens and cost in its `usage` |
//! | `cells[].error` | or an [`Error`](provider_core::Error), with the partial answer in `partial` |
//! | `cells[].listing` | the [`Listing`] of the catalogue, where [it was added](Report::add_listings) |
//! | `cells[].timings` | the [`Timings`]: `waited_ms`, `time_to_first_token_ms`, `total_ms`, |
//! | | `tokens_per_second` |
//! | `totals` | the [`Totals`]: `models`, `answered`, `prompt_tokens`, `completion_tokens`, |
//! | | `cost`, `upstream_cost`, `cost_unknown`, `duration_ms` |
//! | `ended` | `complete`, `deadline` or `stopped` |
//!
//! The report leaves out parameters and options of the request.

mod cell;
mod comparison;
pub mod display;
mod progress;
mod queue;
mod report;
mod run;
mod stop;
mod timing;

pub use cell::Cell;
pub use comparison::Comparison;
pub use progress::{CellStep, Progress};
pub use report::{AskedMessage, CellReport, Figures, Listing, Report, Totals};
pub use stop::Ended;
pub use timing::{Stopwatch, Timings};
