//! The script of one call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use provider_core::author::ResponseAccumulator;
use provider_core::{Error, ErrorKind, Usage};

/// The script of one call: an answer in steps, or a refusal.
///
/// A stream hands out each step by itself. A whole answer is made of the same steps and takes as long.
#[derive(Clone, Debug)]
pub struct Turn {
    pub(crate) accepts_after: Duration,
    pub(crate) refusal: Option<Error>,
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
    pub(crate) drains_for: Duration,
}

/// A step of an answer.
#[derive(Clone)]
pub(crate) enum Step {
    Text(String),
    ToolCall { name: String, arguments: String },
    Wait(Duration),
    Apply(Arc<dyn Fn(&mut ResponseAccumulator) + Send + Sync>),
}

/// The end of an answer.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// The mark of the end, and the reason why the model stopped, if it says so.
    Marked(Option<String>),
    /// The connection ends without a mark.
    BrokenOff,
    Error(Error),
    /// Silence that never ends.
    Stall,
}

/// Creating a turn.
impl Turn {
    /// An answer without anything in it, which ends well. Steps are added to it.
    #[expect(clippy::new_without_default, reason = "an empty answer is no default of a turn")]
    pub fn new() -> Self {
        Self {
            accepts_after: Duration::ZERO,
            refusal: None,
            steps: Vec::new(),
            end: End::Marked(None),
            drains_for: Duration::ZERO,
        }
    }

    /// An answer of this text, whose finish reason is `stop`.
    pub fn says(text: impl Into<String>) -> Self {
        Self::new().text(text).finish("stop")
    }

    /// An answer that calls tools (names and arguments), whose finish reason is `tool_calls`.
    pub fn calls<N: Into<String>, A: Into<String>>(calls: impl IntoIterator<Item = (N, A)>) -> Self {
        let turn = Self::new().finish("tool_calls");
        calls.into_iter().fold(turn, |turn, (name, arguments)| turn.tool_call(name, arguments))
    }

    /// Refuses the request with this error: there is no stream.
    pub fn refuses(error: Error) -> Self {
        Self { refusal: Some(error), ..Self::new() }
    }

    /// Refuses the request with an error of this kind.
    pub fn fails(kind: ErrorKind) -> Self {
        Self::refuses(Error::new(kind, "not now"))
    }

    /// Never answers, not even with a stream.
    pub fn hangs() -> Self {
        Self::new().accepts_after(FOREVER)
    }
}

/// Longer than any test: tokio's clock counts some years at most.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// Adding steps.
impl Turn {
    /// Adds a piece of text.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.step(Step::Text(text.into()))
    }

    /// Adds a piece of the model's reasoning.
    #[must_use]
    pub fn reasoning(self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.apply(move |answer| answer.push_reasoning(&text))
    }

    /// Adds a piece of the model's refusal to answer.
    #[must_use]
    pub fn refusal(self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.apply(move |answer| answer.push_refusal(&text))
    }

    /// Adds a tool call. Its id is `call_<number of the call>_<place in the answer>`, both from 0 or 1 on:
    /// the first answer's first call is `call_1_0`.
    #[must_use]
    pub fn tool_call(self, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        self.step(Step::ToolCall { name: name.into(), arguments: arguments.into() })
    }

    /// Adds figures of the usage.
    #[must_use]
    pub fn usage(self, usage: Usage) -> Self {
        self.apply(move |answer| answer.update_usage(usage.clone()))
    }

    /// Waits before the next step, or before the end.
    #[must_use]
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Adds a step that does anything else to the answer.
    #[must_use]
    pub fn apply(self, change: impl Fn(&mut ResponseAccumulator) + Send + Sync + 'static) -> Self {
        self.step(Step::Apply(Arc::new(change)))
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// The pace and the end.
impl Turn {
    /// Sets how long it takes until there is a stream, or a refusal. Default: no time.
    #[must_use]
    pub fn accepts_after(mut self, time: Duration) -> Self {
        self.accepts_after = time;
        self
    }

    /// Ends well, for this reason (`stop`, `length`, …).
    #[must_use]
    pub fn finish(mut self, reason: impl Into<String>) -> Self {
        self.end = End::Marked(Some(reason.into()));
        self
    }

    /// Ends in this error, behind the steps.
    #[must_use]
    pub fn breaks_with(mut self, error: Error) -> Self {
        self.end = End::Error(error);
        self
    }

    /// Breaks off behind the steps, as a connection does.
    #[must_use]
    pub fn breaks_off(mut self) -> Self {
        self.end = End::BrokenOff;
        self
    }

    /// Falls silent behind the steps, for ever.
    #[must_use]
    pub fn stalls(mut self) -> Self {
        self.end = End::Stall;
        self
    }

    /// Sets how long the connection stays busy behind the end of the answer. Default: no time.
    #[must_use]
    pub fn drains_for(mut self, time: Duration) -> Self {
        self.drains_for = time;
        self
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Step::ToolCall { name, arguments } => {
                f.debug_struct("ToolCall").field("name", name).field("arguments", arguments).finish()
            }
            Step::Wait(time) => f.debug_tuple("Wait").field(time).finish(),
            Step::Apply(_) => f.write_str("Apply(..)"),
        }
    }
}
