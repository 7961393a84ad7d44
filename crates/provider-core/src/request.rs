//! A request to a model.

mod cache;
mod content;
mod foreign;
mod format;
mod media;
mod media_type;
mod message;
mod parameters;
mod range;
mod reasoning;
mod refuse;
mod tool;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::cache::{CacheBreakpoint, CacheMark, PromptCacheOptions};
pub use self::content::{Content, Part, TextPart};
pub use self::foreign::foreign_json;
pub use self::format::{JsonSchema, ResponseFormat};
pub(crate) use self::media::data_url;
pub use self::media::{AudioPart, FilePart, ImagePart, MediaSource, VideoPart};
pub use self::message::{InputMessage, Message, ToolMessage};
pub use self::parameters::{ChatRequest, Parameter, ParameterMut, ParameterRef};
pub use self::range::{NOT_FINITE, range_problems};
pub use self::reasoning::{Effort, Reasoning, ReasoningBudget};
pub use self::refuse::refuse_all_but;
pub use self::tool::{FunctionTool, Tool, ToolChoice};
use crate::options::ProviderOptions;

/// How a spoken answer sounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AudioOutput {
    /// The voice (`alloy`, …); models differ.
    pub voice: String,
    /// The format (`wav`, `mp3`, `flac`, `opus`, `pcm16`); streams usually allow `pcm16` alone.
    pub format: String,
}

impl AudioOutput {
    /// A voice and a format.
    pub fn new(voice: impl Into<String>, format: impl Into<String>) -> Self {
        Self { voice: voice.into(), format: format.into() }
    }
}

impl ChatRequest {
    /// Starts a request to a model. Add messages with [`user`](Self::user) and its siblings.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Adds a system message: instructions that stand above the user's words.
    #[must_use]
    pub fn system(self, content: impl Into<Content>) -> Self {
        self.message(Message::system(content))
    }

    /// Adds a user message.
    #[must_use]
    pub fn user(self, content: impl Into<Content>) -> Self {
        self.message(Message::user(content))
    }

    /// Adds an assistant message: an earlier answer, or the beginning of the next one.
    #[must_use]
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.message(Message::assistant(text))
    }

    /// Adds the result of a tool call.
    #[must_use]
    pub fn tool_result(self, tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        self.message(Message::tool(tool_call_id, content))
    }

    /// Adds the error of a tool call, in words for the model.
    #[must_use]
    pub fn tool_error(self, tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        self.message(Message::tool_error(tool_call_id, content))
    }

    /// Adds any message; an answer's [`message`](crate::ChatResponse::message) can be added as it is.
    #[must_use]
    pub fn message(mut self, message: impl Into<Message>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// Adds a tool the model may call.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<Tool>) -> Self {
        self.tools.push(tool.into());
        self
    }

    /// Sets the options that only one provider understands, in place of those it had.
    #[must_use]
    pub fn options(mut self, options: impl ProviderOptions) -> Self {
        self.options.set(options);
        self
    }

    /// Keeps the JSON of the answer, see [`keep_raw`](Self#structfield.keep_raw).
    #[must_use]
    pub fn keep_raw(mut self) -> Self {
        self.keep_raw = true;
        self
    }

    /// Hands out the JSON of each chunk, see [`raw_events`](Self#structfield.raw_events).
    #[must_use]
    pub fn raw_events(mut self) -> Self {
        self.raw_events = true;
        self
    }

    /// Sets a parameter of a provider, or of a wire, that has no field of its own. See
    /// [`extra`](Self#structfield.extra).
    #[must_use]
    pub fn extra(
        mut self,
        provider: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        self.extra.entry(provider.into()).or_default().insert(name.into(), value.into());
        self
    }
}
