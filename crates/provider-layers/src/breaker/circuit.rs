//! The circuit of one model.

use std::time::Duration;

use provider_core::Error;
use tokio::time::Instant;

use super::BreakerSettings;
use crate::timeout::deadlines::moment;

/// What a [`Breaker`](crate::Breaker) knows of a model that failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BreakerState {
    /// The id of the provider.
    pub provider: &'static str,
    /// The model, as requests name it.
    pub model: String,
    /// Whether it is asked.
    pub status: BreakerStatus,
    /// How many calls have failed without a whole answer between them.
    pub failures: u32,
    /// How long ago it was found to be out of order. `None`: it has not been, since its last answer.
    pub out_of_order_for: Option<Duration>,
    /// When it is tried again, where the circuit is open. Zero: with the next call.
    pub retry_in: Option<Duration>,
    /// The last failure, without what had come of an answer.
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
    /// A call that is under way tries it out, and no other goes through for a while.
    HalfOpen,
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<'a> {
    /// The first output came. More will be known later.
    Begun,
    /// The answer is whole.
    Answered,
    Failed(&'a Error),
    /// Nothing that says anything of the model.
    Unknown,
}

/// The circuit of one model.
#[derive(Clone, Debug)]
pub(super) struct Circuit {
    phase: Phase,
    failures: u32,
    /// How many more failures are let pass.
    leniency: u32,
    /// How often it was opened without an answer between.
    openings: u32,
    out_of_order_since: Option<Instant>,
    last_error: Error,
    /// Changes when the circuit opens, and only then: what a call says counts in the epoch in which it began.
    pub(super) epoch: u64,
    /// The larger, the later it was asked for last.
    pub(super) used: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open {
        until: Instant,
    },
    /// The call of this number tries it out. After a while, another one may as well.
    HalfOpen {
        trial: u64,
        until: Instant,
    },
}

/// A call that may go through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Admission {
    pub(super) epoch: u64,
    /// The number of the call, if it tries the model out.
    pub(super) trial: Option<u64>,
}

impl Circuit {
    /// The circuit of a model that has failed for the first time; the failure is still to be counted.
    pub(super) fn new(settings: &BreakerSettings, error: &Error, epoch: u64) -> Self {
        Self {
            phase: Phase::Closed,
            failures: 0,
            leniency: settings.failures.saturating_sub(1),
            openings: 0,
            out_of_order_since: None,
            last_error: summary(error),
            epoch,
            used: 0,
        }
    }

    /// Lets a call through, or not. `number` is its own, for one that tries the model out.
    pub(super) fn admit(
        &mut self,
        settings: &BreakerSettings,
        number: u64,
        now: Instant,
    ) -> Option<Admission> {
        match self.phase {
            Phase::Closed => Some(Admission { epoch: self.epoch, trial: None }),
            Phase::Open { until } | Phase::HalfOpen { until, .. } if until <= now => {
                // Whoever tries it out may never look at the answer: the others wait for it no longer than
                // the cool-down was.
                let time = settings.cool_down_after(self.openings.saturating_sub(1));
                self.phase = Phase::HalfOpen { trial: number, until: moment(now, time) };
                Some(Admission { epoch: self.epoch, trial: Some(number) })
            }
            Phase::Open { .. } | Phase::HalfOpen { .. } => None,
        }
    }

    /// Whether nothing is known of the model that speaks against it.
    pub(super) fn is_in_order(&self) -> bool {
        self.failures == 0
    }

    /// The model has begun to answer a call that tried it out: others are let in, and one more failure is
    /// enough.
    pub(super) fn begun(&mut self) {
        if !matches!(self.phase, Phase::Closed) {
            (self.phase, self.leniency) = (Phase::Closed, 0);
        }
    }

    /// An answer is whole. Only the epoch is kept, so that calls from before it opened do not count later
    /// either.
    pub(super) fn answered(&mut self, settings: &BreakerSettings) {
        self.phase = Phase::Closed;
        self.leniency = settings.failures.saturating_sub(1);
        (self.failures, self.openings, self.out_of_order_since) = (0, 0, None);
    }

    /// A call has failed. `epoch` is the one that begins if the circuit opens.
    pub(super) fn failed(&mut self, settings: &BreakerSettings, error: &Error, epoch: u64, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.last_error = summary(error);
        if matches!(self.phase, Phase::Closed) && self.leniency > 0 {
            self.leniency -= 1;
            return;
        }
        let time = settings.cool_down_after(self.openings);
        self.openings = self.openings.saturating_add(1);
        self.out_of_order_since.get_or_insert(now);
        (self.phase, self.epoch) = (Phase::Open { until: moment(now, time) }, epoch);
    }

    /// The call that was to try it out has told nothing, so the next one does.
    pub(super) fn untold(&mut self, number: u64, now: Instant) {
        if matches!(self.phase, Phase::HalfOpen { trial, .. } if trial == number) {
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

/// What is kept of a failure and shown to other callers: what happened to the model, and nothing of the call.
/// Its advice when to try again is not kept either: that is up to the circuit now.
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
