//! A scripted provider for tests, without a network.
//!
//! For authors of layers, of hosts, and of everything else that is given an `LlmProvider`: a
//! [`ScriptedProvider`] plays one [`Turn`] for each call, and keeps a log of its calls. A turn is an answer
//! in steps, or a refusal, with any delay, and ends as answers of real services do: well, in an error, in the
//! middle, or never. Delays run on tokio's clock, so a test with a paused clock waits for none of them.
//!
//! ```
//! use std::time::Duration;
//!
//! use provider_core::{ChatRequest, ErrorKind, LlmProvider};
//! use provider_testing::{ScriptedProvider, Turn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), provider_core::Error> {
//! let provider = ScriptedProvider::new([
//!     Turn::fails(ErrorKind::Overloaded),
//!     Turn::new().text("Hel").wait(Duration::from_secs(5)).text("lo").finish("stop"),
//!     Turn::new().text("Once upon").breaks_off(),
//! ]);
//! let request = ChatRequest::new("acme/large").user("Hello");
//!
//! let refused = provider.chat(&request).await.unwrap_err();
//! assert_eq!(refused.kind(), ErrorKind::Overloaded);
//! assert_eq!(provider.stream(&request).await?.collect().await?.text(), "Hello");
//! let broken = provider.chat(&request).await.unwrap_err();
//! assert_eq!(broken.kind(), ErrorKind::Interrupted);
//! assert_eq!(broken.partial().unwrap().text(), "Once upon");
//!
//! assert_eq!(provider.requests().len(), 3);
//! assert_eq!(provider.calls()[2].at, Duration::from_secs(5));
//! # Ok(())
//! # }
//! ```
//!
//! A provider that speaks HTTP is tested against a server instead: `fault-server` plays the faults of the
//! wire.

mod provider;
mod source;
mod turn;

pub use provider::{Call, Operation, ScriptedProvider};
pub use turn::Turn;
