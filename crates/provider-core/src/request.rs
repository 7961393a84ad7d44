//! A request to a model.

mod cache;
mod content;
mod format;
mod media;
mod media_type;
mod message;
mod reasoning;
mod setters;
mod tool;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::cache::{CacheMark, PromptCacheOptions};
pub use self::content::{Content, Part, TextPart};
pub use self::format::{JsonSchema, ResponseFormat};
pub(crate) use self::media::data_url;
pub use self::media::{AudioPart, FilePart, ImagePart, MediaSource, VideoPart};
pub use self::message::{InputMessage, Message, ToolMessage};
pub use self::reasoning::{Effort, Reasoning, ReasoningBudget};
pub use self::tool::{FunctionTool, Tool, ToolChoice};
use crate::author::ProviderOptions;
use crate::stored::is_off;
use crate::{CowVec, OptionsByProvider};

/// A chat completion to ask for: a model, the conversation, and whatever parameters are set.
///
/// A plain value. Every parameter is an `Option` (or an empty list): what is absent here is absent on the
/// wire, and what is set is sent as it is, zero included. The library adds, clamps and renames nothing, so
/// the service's own defaults and errors apply. The names are those of the wire. Chain the setters for what
/// is known in advance, and assign the fields (`request.temperature = settings.temperature`) for what may be
/// absent.
///
/// ```
/// use provider_core::{ChatRequest, Tool};
///
/// let request = ChatRequest::new("openai/gpt-4o")
///     .system("You are terse.")
///     .user("What is the weather in Paris?")
///     .temperature(0.0)
///     .max_tokens(200)
///     .tool(Tool::function(
///         "get_weather",
///         "The weather of a city, now",
///         serde_json::json!({"type": "object", "properties": {"city": {"type": "string"}}}),
///     ))
///     .extra("openrouter", "safe_prompt", true);
/// assert_eq!(request.messages.len(), 2);
/// ```
///
/// Options that only one provider understands (routing preferences, plugins, …) are in
/// [`options`](Self#structfield.options), under that provider's name, and so are the parameters in
/// [`extra`](Self#structfield.extra): no other provider receives them. Cloning is cheap: clones share
/// messages and tools. It can be stored: see [the crate](crate#store-a-conversation). Options are stored with
/// it, and so is a secret that a host has put among them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ChatRequest {
    /// The model's id as the provider knows it (`openai/gpt-4o`, `openrouter/auto`, …). Reaches the wire byte
    /// for byte.
    pub model: String,
    /// The conversation, oldest message first. At least one; a last message of the assistant is continued by
    /// the model.
    #[serde(skip_serializing_if = "is_empty")]
    pub messages: CowVec<Message>,
    /// Tools the model may call. Send them again with every turn that carries tool results.
    #[serde(skip_serializing_if = "is_empty")]
    pub tools: CowVec<Tool>,
    /// Whether and which tool the model must call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer: text, JSON, JSON of a schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// How much the model thinks before it answers, and whether it shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    /// Randomness, 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling: the share of probability mass to pick from, above 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Pick from this many most likely tokens; 0 is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Drop tokens less likely than this share of the likeliest one's squared probability, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_a: Option<f64>,
    /// Drop tokens less likely than this share of the likeliest one, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// Penalty that grows with how often a token came already, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Penalty for tokens that came already, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// Multiplicative repetition penalty, above 0 to 2; 1 is neutral.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
    /// Seed for sampling, where the model supports one. Determinism is not promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Texts that end the answer when the model is about to write them. Most services take at most four.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// The most tokens to generate, at least 1. The cap to prefer: nearly every model takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The newer name of the same cap, for models that take only this one. It is sent only when it is asked
    /// for here, and not together with `max_tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    /// Token ids (as text) and how much to favour them, -100 to 100.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub logit_bias: BTreeMap<String, f64>,
    /// Whether to return the log probability of every token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// How many alternatives to return for every token, 0 to 20. Needs `logprobs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u8>,
    /// How long-winded the model is: `low`, `medium`, `high`, `xhigh`, `max`, where it supports that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
    /// Text that the answer probably has much of, which makes it quicker: the file that is to be edited, for
    /// example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Content>,
    /// The modalities that the model is to write: `text`, `image`, `audio`. Empty: text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modalities: Vec<String>,
    /// Voice and format of a spoken answer. Needs `audio` in `modalities`, and services speak only in
    /// streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioOutput>,
    /// The tier to be served by: `auto`, `default`, `flex`, `priority`, `fast`, `scale`. The answer says
    /// which one served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Requests with the same key share a prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_cache_key: Option<String>,
    /// How the prompt is cached, where the model has a choice. Marks are on the parts: [`Part::cached`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_cache_options: Option<PromptCacheOptions>,
    /// Your id for the end user, for abuse detection. At most 128 characters at most services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Labels to find the request by later. At most 16 pairs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Parameters that have no field of their own, by the [id](crate::ProviderDescriptor::id) of the provider
    /// that they are for, or by the name of a wire that several providers share (`openai_wire::WIRE`). A
    /// provider writes its own and those of its wire at the top level of the body as they are, and leaves the
    /// others out. It refuses a name that is also a field here, or of the options.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, BTreeMap<String, Value>>,
    /// Options that only one provider understands, under its name.
    #[serde(skip_serializing_if = "OptionsByProvider::is_empty")]
    pub options: OptionsByProvider,
    /// Whether to keep the JSON of the answer, in [`ChatResponse::raw`](crate::ChatResponse::raw) and as
    /// [`Event::Raw`](crate::Event::Raw). For looking into; it takes memory and time.
    #[serde(skip_serializing_if = "is_off")]
    pub keep_raw: bool,
}

/// Whether a list has no items, so that it is not stored.
fn is_empty<T>(list: &CowVec<T>) -> bool {
    list.is_empty()
}

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

    /// Sets what the model is to write: `text`, `image`, `audio`.
    #[must_use]
    pub fn modalities(mut self, modalities: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.modalities = modalities.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps the JSON of the answer, see [`keep_raw`](Self#structfield.keep_raw).
    #[must_use]
    pub fn keep_raw(mut self) -> Self {
        self.keep_raw = true;
        self
    }

    /// Sets the texts that end the answer.
    #[must_use]
    pub fn stop(mut self, stop: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.stop = stop.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`user`](Self#structfield.user), your id for the end user.
    #[must_use]
    pub fn end_user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(id.into());
        self
    }

    /// Favours (or, below zero, avoids) a token.
    #[must_use]
    pub fn logit_bias(mut self, token_id: impl Into<String>, bias: f64) -> Self {
        self.logit_bias.insert(token_id.into(), bias);
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
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
