//! How long an answer takes, and how fast it comes.

use std::time::Duration;

use provider_core::{Event, Usage};
use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// How long an answer took. In JSON times are in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timings {
    /// How long it waited for its turn, before it was asked. Absent where there are no turns.
    #[serde(rename = "waited_ms", serialize_with = "milliseconds", skip_serializing_if = "Option::is_none")]
    pub waited: Option<Duration>,
    /// From the question to the first piece of an answer, thoughts included. `None` if there was none, or it
    /// came whole.
    #[serde(rename = "time_to_first_token_ms", serialize_with = "milliseconds")]
    pub first_token: Option<Duration>,
    /// From the question to the end. `None` if nothing was asked.
    #[serde(rename = "total_ms", serialize_with = "milliseconds")]
    pub total: Option<Duration>,
    /// Tokens of the answer per second, from its first piece to its end. `None` where that cannot be told:
    /// when the answer came in one piece, or broke off, or nobody counted its tokens, or the model had
    /// thoughts that it did not show.
    #[serde(serialize_with = "two_digits")]
    pub tokens_per_second: Option<f64>,
}

/// Times an answer: start it with the question, show it every event, and [`stop`](Self::stop) it at the end.
#[derive(Clone, Debug)]
pub struct Stopwatch {
    started: Instant,
    first_token: Option<Duration>,
    /// Until the end of a complete answer.
    finished: Option<Duration>,
    /// How many pieces came: one, or several.
    pieces: usize,
    /// Whether thoughts came.
    thoughts: bool,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { started: Instant::now(), first_token: None, finished: None, pieces: 0, thoughts: false }
    }

    /// Takes note of an event that has just come.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Finished(_) => self.finished = Some(self.started.elapsed()),
            // These are found, not written by the model.
            Event::Raw(_) | Event::Annotation(_) => {}
            piece => {
                self.pieces += 1;
                self.thoughts |= matches!(piece, Event::Reasoning(_));
                if self.first_token.is_none() {
                    self.first_token = Some(self.started.elapsed());
                }
            }
        }
    }

    /// Whether the answer is complete.
    pub fn is_finished(&self) -> bool {
        self.finished.is_some()
    }

    /// How long it took: until the answer was complete, or until now.
    pub fn stop(&self, usage: Option<&Usage>) -> Timings {
        Timings {
            waited: None,
            first_token: self.first_token,
            total: Some(self.finished.unwrap_or_else(|| self.started.elapsed())),
            tokens_per_second: usage.and_then(|usage| self.speed(usage)),
        }
    }

    fn speed(&self, usage: &Usage) -> Option<f64> {
        let hidden_thoughts = !self.thoughts && usage.reasoning_tokens.is_some_and(|tokens| tokens > 0);
        let writing = self.finished?.checked_sub(self.first_token?)?;
        if hidden_thoughts || self.pieces < 2 || writing.is_zero() {
            return None;
        }
        Some(usage.completion_tokens? as f64 / writing.as_secs_f64())
    }
}

/// To the microsecond: more digits say nothing.
pub(crate) fn milliseconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_micros() as f64 / 1_000.0).serialize(serializer)
}

fn two_digits<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    number.map(|number| (number * 100.0).round() / 100.0).serialize(serializer)
}
