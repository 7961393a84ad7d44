//! One question to several models, and a report of their answers, speeds and costs side by side.
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
//! Each model has a cell. Cells keep their order, whichever answers first, and one that fails stops no other:
//! its error is in the report, with whatever part of an answer it had. A comparison is a future like any
//! other: it runs in the task that awaits it, and dropping it closes all connections.
//! [`Comparison::run_with`] tells what happens while it happens, and [`Comparison::run_until`] can be stopped
//! without losing what is there.
//!
//! # The report as JSON
//!
//! A [`Report`] serialises in a form whose names stay: new ones may come, and `schema_version` counts up when
//! one of these changes or goes.
//!
//! | name | what it is |
//! |---|---|
//! | `schema_version` | 1 |
//! | `created` | when the comparison began, in seconds since 1970 |
//! | `prompt` | the text of the last user message |
//! | `messages` | all messages: `role`, `text`, and `other_parts` where a message has parts that are no text |
//! | `cells` | one for each model, in order: `label`, `provider`, `requested`, then `response` or `error`, then `timings` |
//! | `cells[].response` | a [`ChatResponse`](provider_core::ChatResponse), tokens and cost in its `usage` |
//! | `cells[].error` | an [`Error`](provider_core::Error), with what had come in `partial` |
//! | `cells[].listing` | what the catalogue says, where [it was added](Report::add_listings): see [`Listing`] |
//! | `cells[].timings` | `waited_ms`, `time_to_first_token_ms`, `total_ms`, `tokens_per_second`: see [`Timings`] |
//! | `totals` | `models`, `answered`, `prompt_tokens`, `completion_tokens`, `cost`, `upstream_cost`, `cost_unknown`, `duration_ms`: see [`Totals`] |
//! | `ended` | `complete`, `deadline` or `stopped` |
//!
//! Parameters and options of the request are not part of it.

mod ask;
mod cell;
mod comparison;
mod limit;
mod progress;
mod queue;
mod report;
pub mod show;
mod timing;

pub use cell::Cell;
pub use comparison::Comparison;
pub use limit::Ended;
pub use progress::{CellStep, Progress};
pub use report::{AskedMessage, CellReport, Figures, Listing, Report, Totals};
pub use timing::{Stopwatch, Timings};
