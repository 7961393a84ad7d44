//! The circuit of one model: a state machine without a lock or a clock of its own.

use std::time::Duration;

use provider_core::Error;
use tokio::time::Instant;

use super::settings::BreakerSettings;
use crate::timeout::deadlines::moment;

/// The state of a model that failed, as a [`BreakerLayer`](crate::BreakerLayer) keeps it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BreakerState {
    /// The id of the provider.
    pub provider: &'static str,
    /// The model, as requests name it.
    pub model: String,
    /// Whether it is asked.
    pub status: BreakerStatus,
    /// The number of calls that have failed without a whole answer between them.
    pub failures: u32,
    /// How long ago its circuit opened first. `None`: not since the last answer.
    pub out_of_order_for: Option<Duration>,
    /// How long it is until the next probe, where the circuit is open. Zero: the next call is one.
    pub retry_in: Option<Duration>,
    /// The last failure, without its partial answer.
    pub last_error: Error,
}

/// Whether a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerStatus {
    /// Every call goes through.
    Closed,
    /// No call goes through.
    Open,
    /// A probe is under way, and no other call goes through for a while.
    HalfOpen,
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<'a> {
    /// The first output came. Another outcome follows.
    Begun,
    /// The answer is whole.
    Answered,
    Failed(&'a Error),
    /// The call says nothing of the model.
    Unknown,
}

/// The circuit of one model.
#[derive(Clone, Debug)]
pub(super) struct Circuit {
    phase: Phase,
    failures: u32,
    /// The number of failures that a closed circuit still lets pass.
    failures_left: u32,
    /// The number of openings without an answer between.
    openings: u32,
    out_of_order_since: Option<Instant>,
    last_error: Error,
    /// The number of the epoch. Each opening begins another one; the outcome of a call counts only in the
    /// epoch in which the call began.
    pub(super) epoch: u64,
    /// The time of its last use, by the count of uses.
    pub(super) used: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open {
        until: Instant,
    },
    /// The call of this number is the probe. After `until`, another one is let through as well.
    HalfOpen {
        probe: u64,
        until: Instant,
    },
}

/// The terms on which a call is let through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Admission {
    pub(super) epoch: u64,
    /// The number of the call, if it is a probe.
    pub(super) probe: Option<u64>,
}

impl Circuit {
    /// Makes the circuit of a model that has failed for the first time. That failure is still to be counted.
    pub(super) fn new(settings: &BreakerSettings, error: &Error, epoch: u64) -> Self {
        Self {
            phase: Phase::Closed,
            failures: 0,
            failures_left: settings.failures_left(),
            openings: 0,
            out_of_order_since: None,
            last_error: summary(error),
            epoch,
            used: 0,
        }
    }

    /// Lets a call through, or not. `number` becomes the number of the call, if it is a probe.
    pub(super) fn admit(
        &mut self,
        settings: &BreakerSettings,
        number: u64,
        now: Instant,
    ) -> Option<Admission> {
        match self.phase {
            Phase::Closed => Some(Admission { epoch: self.epoch, probe: None }),
            Phase::Open { until } | Phase::HalfOpen { until, .. } if until <= now => {
                // The caller of a probe may never read its answer: the other calls wait for it no longer than
                // the cool-down was.
                let time = settings.cool_down_after(self.openings.saturating_sub(1));
                self.phase = Phase::HalfOpen { probe: number, until: moment(now, time) };
                Some(Admission { epoch: self.epoch, probe: Some(number) })
            }
            Phase::Open { .. } | Phase::HalfOpen { .. } => None,
        }
    }

    pub(super) fn is_in_order(&self) -> bool {
        self.failures == 0
    }

    /// Closes the circuit, since a probe has begun to be answered. One more failure opens it again.
    pub(super) fn on_begun(&mut self) {
        if !matches!(self.phase, Phase::Closed) {
            (self.phase, self.failures_left) = (Phase::Closed, 0);
        }
    }

    /// Resets the circuit, since an answer is whole. It keeps its epoch, so that calls from before it opened
    /// do not count later either.
    pub(super) fn on_answered(&mut self, settings: &BreakerSettings) {
        self.phase = Phase::Closed;
        self.failures_left = settings.failures_left();
        (self.failures, self.openings, self.out_of_order_since) = (0, 0, None);
    }

    /// Counts a failure, and opens the circuit if it lets no further one pass; then `epoch` begins.
    pub(super) fn on_failed(&mut self, settings: &BreakerSettings, error: &Error, epoch: u64, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.last_error = summary(error);
        if matches!(self.phase, Phase::Closed) && self.failures_left > 0 {
            self.failures_left -= 1;
            return;
        }
        let time = settings.cool_down_after(self.openings);
        self.openings = self.openings.saturating_add(1);
        self.out_of_order_since.get_or_insert(now);
        (self.phase, self.epoch) = (Phase::Open { until: moment(now, time) }, epoch);
    }

    /// Makes the next call a probe, since this one has told nothing.
    pub(super) fn on_unknown(&mut self, number: u64, now: Instant) {
        if matches!(self.phase, Phase::HalfOpen { probe, .. } if probe == number) {
            self.phase = Phase::Open { until: now };
        }
    }

    pub(super) fn state(&self, provider: &'static str, model: &str, now: Instant) -> BreakerState {
        let (status, retry_in) = match self.phase {
            Phase::Closed => (BreakerStatus::Closed, None),
            Phase::Open { until } => (BreakerStatus::Open, Some(until.saturating_duration_since(now))),
            Phase::HalfOpen { .. } => (BreakerStatus::HalfOpen, None),
        };
        BreakerState {
            provider,
            model: model.to_owned(),
            status,
            failures: self.failures,
            out_of_order_for: self.out_of_order_since.map(|since| now.saturating_duration_since(since)),
            retry_in,
            last_error: self.last_error.clone(),
        }
    }
}

/// The part of a failure that may be shown to other callers: what happened to the model, and nothing of the
/// call. The advice when to try again is left out, since the circuit decides that now.
fn summary(error: &Error) -> Error {
    let mut kept = Error::new(error.kind(), error.message());
    if let Some(status) = error.status() {
        kept = kept.with_status(status);
    }
    if let Some(phase) = error.timeout() {
        kept = kept.with_timeout(phase);
    }
    if let Some(upstream) = error.upstream() {
        kept = kept.with_upstream(upstream.clone());
    }
    if let Some(code) = error.code() {
        kept = kept.with_code(code);
    }
    if let Some(provider) = error.provider() {
        kept = kept.with_provider(provider);
    }
    if let Some(model) = error.model() {
        kept = kept.with_model(model);
    }
    if let Some(id) = error.request_id() {
        kept = kept.with_request_id(id);
    }
    kept
}
