//! The vocabulary of AI model providers.
//!
//! A host that runs AI agents wants to talk to many model providers in one language. This crate is that
//! language: the trait [`LlmProvider`], what is asked ([`ChatRequest`]), what comes back ([`ChatStream`],
//! [`Event`], [`ChatResponse`]), what goes wrong ([`Error`]), what there is ([`Capability`], [`Model`]) and
//! how a provider is set up ([`ConfigField`], [`ProviderDescriptor`]). It knows no HTTP, no runtime and no
//! provider.
//!
//! # Ask, and read the answer as it comes
//!
//! ```
//! use provider_core::{ChatRequest, Error, Event, LlmProvider};
//!
//! async fn ask(provider: &dyn LlmProvider) -> Result<(), Error> {
//!     let request = ChatRequest::new("openai/gpt-4o").user("Hello");
//!     let mut stream = provider.stream(&request).await?;
//!     while let Some(event) = stream.next().await {
//!         if let Event::Text(text) = event? {
//!             print!("{text}");
//!         }
//!     }
//!     let reply = stream.into_response()?;
//!     println!("{} by {}, cost {:?}", reply.model, reply.served_by, reply.usage.cost);
//!     Ok(())
//! }
//! ```
//!
//! # Let it call tools
//!
//! ```
//! use provider_core::{ChatRequest, ChatResponse, Error, FunctionTool, LlmProvider, LlmProviderExt, ToolSet};
//!
//! async fn weather(provider: &dyn LlmProvider) -> Result<ChatResponse, Error> {
//!     let schema = serde_json::json!({"type": "object", "properties": {"city": {"type": "string"}}});
//!     let weather = FunctionTool::new("get_weather", "The weather of a city, now").parameters(schema);
//!     let tools = ToolSet::new().untyped(weather, |call| async move {
//!         let arguments = call.arguments_json()?;
//!         Ok::<_, serde_json::Error>(format!("18 °C in {}", arguments["city"]))
//!     });
//!     let request = ChatRequest::new("openai/gpt-4o").user("What is the weather in Paris?");
//!     let run = provider.tool_loop(&tools).max_turns(5).run(&request).await;
//!     println!("{} turns, {} USD", run.steps.len(), run.cost());
//!     run.into_response()
//! }
//! ```
//!
//! # Have it answer in a type
//!
//! With the feature `schemars`, [`LlmProviderExt::extract`](LlmProviderExt) asks for an answer that fits a
//! type and reads it, and tools have typed arguments: schemas are made from the types.
//!
//! # Store a conversation
//!
//! [`ChatRequest`], [`Message`] and all in them have `Serialize` and `Deserialize`, with what a body on the
//! wire loses: which model [made](AssistantMessage::made_by) a message, and the options of every provider.
//!
//! ```
//! use provider_core::{ChatRequest, Message};
//!
//! let request = ChatRequest::new("openai/gpt-4o").user("Hello").temperature(0.0);
//! let stored = serde_json::to_string(&request.messages)?;
//! assert_eq!(stored, r#"[{"role":"user","content":"Hello"}]"#);
//! let messages: Vec<Message> = serde_json::from_str(&stored)?;
//! assert_eq!(messages, *request.messages);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! The form is this crate's own: objects with a `role` or a `type`, without fields for what is absent. It is
//! stable: versions add fields and kinds, and rename none. Reading passes over unknown fields and refuses
//! unknown kinds. It is JSON by `serde_json`; store it as text, since a `serde_json::Value` respells the JSON
//! that is kept as it came ([`RawJson`]). A number that JSON lacks (NaN) is stored as absent.
//!
//! It cannot be read inside serde's `flatten`, nor in an enum that is `untagged` or internally tagged: serde
//! buffers the value there, and JSON that is kept as it came cannot be read from the buffer. Give it a field
//! of its own in the type that holds it.
//!
//! # Write a provider
//!
//! Implement [`LlmProvider`], describe the provider in a `static` [`ProviderDescriptor`] and make it known
//! with [`register_provider!`]. The module [`author`] has what turns the bytes of a service into an answer.
//! Whole providers are there to copy: `examples/acme-provider`, for a server that speaks chat completions;
//! `examples/messages-provider`, for Anthropic's messages. `docs/writing-a-provider.md` has the contract.

mod accumulator;
pub mod author;
mod call_ids;
mod capability;
mod codec;
mod config;
mod connection;
mod context;
mod cow_arc;
mod date;
mod delegate;
mod descriptor;
mod error;
mod event;
#[cfg(feature = "schemars")]
mod extract;
mod frame;
mod json;
mod key_grant;
mod model;
mod model_details;
mod money;
mod options;
mod provider;
mod provider_ext;
mod provider_json;
mod request;
mod response;
mod retry_hints;
mod secret;
mod short_text;
mod stored;
mod stream;
mod text_delta;
mod timestamp;
mod tools;

pub use capability::{Capabilities, Capability};
pub use config::{ConfigField, ConfigValues, FieldKind};
pub use connection::ConnectionReport;
pub use context::ProviderContext;
pub use cow_arc::{CowArc, CowVec};
pub use descriptor::{
    Constructor, Links, OtherModel, ProviderDescriptor, ReadChatCompletions, linked_providers,
};
pub use error::{
    Error, ErrorKind, FieldProblem, LimitAmount, LimitKind, Operation, RetryAdvice, TimeoutPhase, Upstream,
    UsageLimit,
};
pub use event::{Event, Finished, ToolCallDelta};
#[cfg(feature = "schemars")]
pub use extract::Extracted;
pub use json::{ExtraFields, RawJson};
pub use key_grant::{KeyGrant, KeyRequest};
pub use model::{
    AliasTarget, Catalogue, CostEstimate, CostPart, DailyWindow, DefaultParameters, Deprecation, Model,
    ModelQuery, ModelSort, Price, PriceOverride, Prices, Pricing, ReasoningOptions, RequestLimits, TimeOfDay,
    TimeOfWeek, Unpriced, Weekday,
};
pub use model_details::{ModelDetails, ModelEndpoint, Preset};
pub use money::{ParseUsdError, Usd};
pub use options::OptionsByProvider;
pub use provider::LlmProvider;
pub use provider_ext::LlmProviderExt;
pub use provider_json::ProviderJson;
pub use request::{
    AudioOutput, AudioPart, CacheBreakpoint, CacheMark, ChatRequest, Content, Effort, FilePart, FunctionTool,
    ImagePart, InputMessage, JsonSchema, MediaSource, Message, Part, PromptCacheOptions, Reasoning,
    ReasoningBudget, ResponseFormat, TextPart, Tool, ToolChoice, ToolMessage, VideoPart,
};
pub use response::{
    Annotation, AssistantMessage, Audio, AudioDelta, BlockRef, ChatResponse, DetailValue, FileAnnotation,
    FinishReason, Image, ReasoningDetail, Seam, ServedBy, TokenLogprob, ToolCall, TopLogprob, UrlCitation,
    Usage, WithheldCall,
};
pub use secret::Secret;
pub use short_text::ShortText;
pub use stream::ChatStream;
pub use text_delta::TextDelta;
pub use timestamp::{ParseTimestampError, Timestamp};
pub use tools::{
    CalledTool, IntoToolOutput, Json, LoopEvent, RunOutcome, ToolError, ToolErrorKind, ToolErrors, ToolLoop,
    ToolRun, ToolSet, ToolStep,
};

/// The crate that makes schemas of types, in the version whose types are part of this crate's functions.
#[cfg(feature = "schemars")]
pub use schemars;

#[doc(hidden)]
pub mod __private {
    pub use crate::descriptor::Registration;
    pub use inventory;
}
