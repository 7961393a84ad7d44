//! Times an answer: time to first token, total time, tokens per second.

use std::time::Duration;

use provider_core::{Event, Usage};
use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// The times of an answer. In JSON they are in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timings {
    /// The wait of the cell for its turn, before its request. Absent outside of a comparison.
    #[serde(rename = "waited_ms", serialize_with = "milliseconds", skip_serializing_if = "Option::is_none")]
    pub waited: Option<Duration>,
    /// The time from the request to the first piece of the answer, reasoning included. `None` if there was
    /// none, or the answer came whole.
    #[serde(rename = "time_to_first_token_ms", serialize_with = "milliseconds")]
    pub first_token: Option<Duration>,
    /// The time from the request to the end. `None` if there was no request.
    #[serde(rename = "total_ms", serialize_with = "milliseconds")]
    pub total: Option<Duration>,
    /// The tokens of the answer per second, from its first piece to its end. `None` if the answer came in one
    /// piece, broke off, has no token count, or has hidden reasoning.
    #[serde(serialize_with = "two_digits")]
    pub tokens_per_second: Option<f64>,
}

/// Times an answer: [`start`](Self::start) it with the request, pass it every [`event`](Self::event), and
/// [`stop`](Self::stop) it at the end.
#[derive(Clone, Debug)]
pub struct Stopwatch {
    started: Instant,
    first_token: Option<Duration>,
    /// The time until the end of a complete answer.
    finished: Option<Duration>,
    /// The number of pieces.
    pieces: usize,
    /// Whether a piece was reasoning.
    thoughts: bool,
}

impl Stopwatch {
    /// Starts the watch.
    pub fn start() -> Self {
        Self { started: Instant::now(), first_token: None, finished: None, pieces: 0, thoughts: false }
    }

    /// Notes an event at the moment of its arrival.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Finished(_) => self.finished = Some(self.started.elapsed()),
            // The model did not write these.
            Event::Raw(_) | Event::Annotation(_) | Event::Seam(_) => {}
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

    /// The times until the answer was complete, or until now.
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

/// Writes milliseconds, rounded to the microsecond.
pub(crate) fn milliseconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_micros() as f64 / 1_000.0).serialize(serializer)
}

fn two_digits<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    number.map(|number| (number * 100.0).round() / 100.0).serialize(serializer)
}
