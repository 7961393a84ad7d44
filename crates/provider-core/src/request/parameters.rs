//! The parameters of a request: one row for each.

mod value;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::value::Slot;
pub use self::value::{Parameter, ParameterMut, ParameterRef};
use super::{AudioOutput, Content, Message, PromptCacheOptions, Reasoning, ResponseFormat, Tool, ToolChoice};
use crate::{CowVec, OptionsByProvider};

/// Declares [`ChatRequest`] with a field and a setter for each row, and the two views of all rows: those that
/// are set, and the place of a name.
///
/// A row is `name: type`, then `in` and the range of its numbers where it has one, then `as` and the name of
/// the setter where it differs. The types are those of [`Slot`].
macro_rules! parameters {
    ($(
        $(#[$doc:meta])*
        $name:ident: $outer:ident<$($inner:ident),+> $(in $range:expr)? $(, as $setter:ident)?;
    )*) => {
        /// A chat completion to ask for: a model, the conversation, and whatever parameters are set.
        ///
        /// A plain value. Every parameter is an `Option` (or an empty list): what is absent here is absent on
        /// the wire, and what is set is sent as it is, zero included. The library adds, clamps and renames
        /// nothing, so the service's own defaults and errors apply. The names are those of the wire. Chain
        /// the setters for what is known in advance, and assign the fields
        /// (`request.temperature = settings.temperature`) for what may be absent.
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
        /// messages and tools. It can be stored: see [the crate](crate#store-a-conversation). Options are
        /// stored with it, and so is a secret that a host has put among them.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct ChatRequest {
            /// The model's id as the provider knows it (`openai/gpt-4o`, `openrouter/auto`, …). Reaches the
            /// wire byte for byte.
            pub model: String,
            /// The conversation, oldest message first. At least one; a last message of the assistant is
            /// continued by the model.
            #[serde(skip_serializing_if = "is_unset")]
            pub messages: CowVec<Message>,
            /// Tools the model may call. Send them again with every turn that carries tool results.
            #[serde(skip_serializing_if = "is_unset")]
            pub tools: CowVec<Tool>,
            $(
                $(#[$doc])*
                $(#[doc = concat!("\n\nRange: `", stringify!($range), "`.")])?
                #[serde(skip_serializing_if = "is_unset", serialize_with = "Slot::store")]
                pub $name: $outer<$($inner),+>,
            )*
            /// Parameters that have no field of their own, by the [id](crate::ProviderDescriptor::id) of the
            /// provider that they are for, or by the name of a wire that several providers share
            /// (`openai_wire::WIRE`). A provider writes its own and those of its wire at the top level of the
            /// body as they are, and leaves the others out. It refuses a name that is set in its own place
            /// as well.
            #[serde(skip_serializing_if = "is_unset")]
            pub extra: BTreeMap<String, BTreeMap<String, Value>>,
            /// Options that only one provider understands, under its name.
            #[serde(skip_serializing_if = "is_unset")]
            pub options: OptionsByProvider,
            /// Whether to keep the JSON of the answer, in [`ChatResponse::raw`](crate::ChatResponse::raw) and
            /// as [`Event::Raw`](crate::Event::Raw). For looking into; it takes memory and time.
            #[serde(skip_serializing_if = "is_unset")]
            pub keep_raw: bool,
            /// Whether a stream hands out the JSON of each chunk as [`Event::Raw`](crate::Event::Raw) without
            /// keeping it: for a host that relays it. [`ChatResponse::raw`](crate::ChatResponse::raw) stays
            /// empty, unless [`keep_raw`](Self#structfield.keep_raw) is set as well.
            #[serde(skip_serializing_if = "is_unset")]
            pub raw_events: bool,
        }

        impl ChatRequest {
            /// The names of all parameters, in the order in which they are written.
            pub const PARAMETERS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Returns the parameters that are set, in the order in which they are written: for those who
            /// write providers.
            ///
            /// `model`, `messages`, `tools`, `extra` and `options` are none of them.
            pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
                let all = [$(
                    self.$name.value().map(|value| Parameter {
                        name: stringify!($name),
                        value,
                        range: range!($($range)?),
                    })
                ),*];
                all.into_iter().flatten()
            }

            /// Returns the place of a parameter, set or not: for those who read requests back. `None` when
            /// there is no parameter of this name.
            pub fn parameter_mut(&mut self, name: &str) -> Option<ParameterMut<'_>> {
                Some(match name {
                    $(stringify!($name) => self.$name.place(),)*
                    _ => return None,
                })
            }

            $(setter! { $name $(as $setter)?: $outer<$($inner),+> })*
        }
    };
}

/// Makes the setter of a parameter. Numbers and flags are taken as they are, so that a literal has their
/// type; a setter of anything else takes what becomes it.
macro_rules! setter {
    ($name:ident: $($type:tt)+) => { setter! { $name as $name: $($type)+ } };
    ($name:ident as $setter:ident: Option<bool>) => { setter! { @one $name $setter bool } };
    ($name:ident as $setter:ident: Option<f64>) => { setter! { @one $name $setter f64 } };
    ($name:ident as $setter:ident: Option<u8>) => { setter! { @one $name $setter u8 } };
    ($name:ident as $setter:ident: Option<u32>) => { setter! { @one $name $setter u32 } };
    ($name:ident as $setter:ident: Option<i64>) => { setter! { @one $name $setter i64 } };
    ($name:ident as $setter:ident: Option<$type:ident>) => { setter! { @one $name $setter impl Into<$type> } };
    (@one $name:ident $setter:ident $argument:ty) => {
        #[doc = concat!("Sets [`", stringify!($name), "`](Self#structfield.", stringify!($name), ").")]
        #[must_use]
        pub fn $setter(mut self, $setter: $argument) -> Self {
            self.$name = Some($setter.into());
            self
        }
    };
    ($name:ident as $setter:ident: Vec<$type:ident>) => {
        #[doc = concat!("Sets [`", stringify!($name), "`](Self#structfield.", stringify!($name), ").")]
        #[must_use]
        pub fn $setter(mut self, $setter: impl IntoIterator<Item = impl Into<$type>>) -> Self {
            self.$name = $setter.into_iter().map(Into::into).collect();
            self
        }
    };
    ($name:ident as $setter:ident: BTreeMap<String, f64>) => { setter! { @entry $name $setter f64 } };
    ($name:ident as $setter:ident: BTreeMap<String, $type:ident>) => {
        setter! { @entry $name $setter impl Into<$type> }
    };
    (@entry $name:ident $setter:ident $argument:ty) => {
        #[doc = concat!("Sets one entry of [`", stringify!($name), "`](Self#structfield.", stringify!($name), ").")]
        #[must_use]
        pub fn $setter(mut self, key: impl Into<String>, value: $argument) -> Self {
            self.$name.insert(key.into(), value.into());
            self
        }
    };
}

/// Whether a field has its default value, so that it is not stored.
fn is_unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The range of a row, as numbers of one type.
macro_rules! range {
    () => {
        None
    };
    ($range:expr) => {
        Some(range_of($range))
    };
}

fn range_of<T: Into<f64>>(range: RangeInclusive<T>) -> RangeInclusive<f64> {
    let (least, most) = range.into_inner();
    least.into()..=most.into()
}

parameters! {
    /// Whether and which tool the model must call.
    tool_choice: Option<ToolChoice>;
    /// Whether several tools may be called at once.
    parallel_tool_calls: Option<bool>;
    /// The form of the answer: text, JSON, JSON of a schema.
    response_format: Option<ResponseFormat>;
    /// How much the model thinks before it answers, and whether it shows it.
    reasoning: Option<Reasoning>;
    /// Randomness.
    temperature: Option<f64> in 0.0..=2.0;
    /// Nucleus sampling: the share of probability mass to pick from. A service that takes no 0 refuses it.
    top_p: Option<f64> in 0.0..=1.0;
    /// Pick from this many most likely tokens; 0 is off.
    top_k: Option<u32>;
    /// Drop tokens less likely than this share of the likeliest one's squared probability.
    top_a: Option<f64> in 0.0..=1.0;
    /// Drop tokens less likely than this share of the likeliest one.
    min_p: Option<f64> in 0.0..=1.0;
    /// Penalty that grows with how often a token came already.
    frequency_penalty: Option<f64> in -2.0..=2.0;
    /// Penalty for tokens that came already.
    presence_penalty: Option<f64> in -2.0..=2.0;
    /// Multiplicative repetition penalty; 1 is neutral. A service that takes no 0 refuses it.
    repetition_penalty: Option<f64> in 0.0..=2.0;
    /// Seed for sampling, where the model supports one. Determinism is not promised.
    seed: Option<i64>;
    /// Texts that end the answer when the model is about to write them. Most services take at most four.
    stop: Vec<String>;
    /// The most tokens to generate. The cap to prefer: nearly every model takes it.
    max_tokens: Option<u32> in 1..=u32::MAX;
    /// The newer name of the same cap, for models that take only this one. It is sent only when it is asked
    /// for here, and not together with `max_tokens`.
    max_completion_tokens: Option<u32> in 1..=u32::MAX;
    /// Token ids (as text) and how much to favour them; below zero, to avoid them.
    logit_bias: BTreeMap<String, f64> in -100.0..=100.0;
    /// Whether to return the log probability of every token.
    logprobs: Option<bool>;
    /// How many alternatives to return for every token. Needs `logprobs`.
    top_logprobs: Option<u8> in 0..=20;
    /// How long-winded the model is: `low`, `medium`, `high`, `xhigh`, `max`, where it supports that.
    verbosity: Option<String>;
    /// Text that the answer probably has much of, which makes it quicker: the file that is to be edited, for
    /// example.
    prediction: Option<Content>;
    /// The modalities that the model is to write: `text`, `image`, `audio`. Empty: text.
    modalities: Vec<String>;
    /// Voice and format of a spoken answer. Needs `audio` in `modalities`, and services speak only in
    /// streams.
    audio: Option<AudioOutput>;
    /// The tier to be served by: `auto`, `default`, `flex`, `priority`, `fast`, `scale`. The answer says
    /// which one served.
    service_tier: Option<String>;
    /// Requests with the same key share a prompt cache.
    prompt_cache_key: Option<String>;
    /// How the prompt is cached, where the model has a choice. Marks are on the parts:
    /// [`Part::cached`](crate::Part::cached).
    prompt_cache_options: Option<PromptCacheOptions>;
    /// Your id for the end user, for abuse detection. At most 128 characters at most services.
    user: Option<String>, as end_user;
    /// Labels to find the request by later. At most 16 pairs.
    metadata: BTreeMap<String, String>;
}
