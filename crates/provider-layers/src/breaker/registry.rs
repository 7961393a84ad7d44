//! The circuits of a provider's models, and the calls that they let through.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use provider_core::{Error, ErrorKind, RetryAdvice};
use tokio::time::Instant;

use super::circuit::{Admission, BreakerState, BreakerStatus, Circuit, Outcome};
use super::{Breaker, BreakerSettings};

#[derive(Debug)]
pub(super) struct Circuits {
    provider: &'static str,
    settings: BreakerSettings,
    state: Mutex<State>,
}

/// A model without a circuit is in order: there is nothing to remember of it.
#[derive(Debug, Default)]
struct State {
    by_model: HashMap<String, Circuit>,
    /// How often circuits have opened: each time, an epoch of its model begins.
    epochs: u64,
    /// The epoch of the models without a circuit. It is the newest of those that were forgotten.
    forgotten: u64,
    /// How many calls went through or told something, of models that have a circuit.
    uses: u64,
}

/// A call that was let through. Dropped without a report, it tells nothing of the model.
pub(super) struct Pass {
    circuits: Arc<Circuits>,
    model: String,
    epoch: u64,
    trial: Option<u64>,
    has_begun: bool,
    is_reported: bool,
}

impl Circuits {
    pub(super) fn new(provider: &'static str, settings: BreakerSettings) -> Self {
        Self { provider, settings, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // It guards plain values: whoever panicked while holding it left them whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call through.
    ///
    /// # Errors
    /// When it is not to be made.
    pub(super) fn admit(self: &Arc<Self>, model: &str) -> Result<Pass, Error> {
        let now = Instant::now();
        let state = &mut *self.lock();
        let admission = match state.by_model.get_mut(model) {
            Some(circuit) => {
                state.uses += 1;
                circuit.used = state.uses;
                let admission = circuit.admit(&self.settings, state.uses, now);
                admission.ok_or_else(|| refusal(&circuit.state(self.provider, model, now)))?
            }
            None => Admission { epoch: state.forgotten, trial: None },
        };
        let Admission { epoch, trial } = admission;
        let (circuits, model) = (self.clone(), model.to_owned());
        Ok(Pass { circuits, model, epoch, trial, has_begun: false, is_reported: false })
    }

    fn report(&self, pass: &Pass, outcome: Outcome<'_>) {
        let (model, now) = (&pass.model, Instant::now());
        let state = &mut *self.lock();
        if let (false, Outcome::Failed(error)) = (state.by_model.contains_key(model), outcome) {
            // Calls from before the model was forgotten do not count.
            if pass.epoch == state.forgotten {
                state.make_room();
                let circuit = Circuit::new(&self.settings, error, pass.epoch);
                state.by_model.insert(model.clone(), circuit);
            }
        }
        let circuit = state.by_model.get_mut(model).filter(|circuit| circuit.epoch == pass.epoch);
        let Some(circuit) = circuit else { return };
        state.uses += 1;
        circuit.used = state.uses;
        match outcome {
            Outcome::Begun => circuit.begun(),
            Outcome::Failed(error) => {
                circuit.failed(&self.settings, error, state.epochs + 1, now);
                state.epochs = state.epochs.max(circuit.epoch);
            }
            Outcome::Unknown => pass.trial.into_iter().for_each(|number| circuit.untold(number, now)),
            // A circuit that has never opened is as good as none.
            Outcome::Answered if circuit.epoch == state.forgotten => drop(state.by_model.remove(model)),
            Outcome::Answered => circuit.answered(&self.settings),
        }
    }

    pub(super) fn states(&self) -> Vec<BreakerState> {
        let now = Instant::now();
        let state = self.lock();
        let failing = state.by_model.iter().filter(|(_, circuit)| !circuit.is_in_order());
        let mut states: Vec<_> =
            failing.map(|(model, circuit)| circuit.state(self.provider, model, now)).collect();
        states.sort_unstable_by(|one, other| one.model.cmp(&other.model));
        states
    }
}

impl State {
    /// Forgets a model, if there is no room for another one: one that is in order again, or else the one that
    /// has not been asked for longest.
    fn make_room(&mut self) {
        if self.by_model.len() < Breaker::MOST_MODELS {
            return;
        }
        let oldest = self.by_model.iter().min_by_key(|(_, circuit)| (!circuit.is_in_order(), circuit.used));
        if let Some((model, epoch)) = oldest.map(|(model, circuit)| (model.clone(), circuit.epoch)) {
            self.forgotten = self.forgotten.max(epoch);
            self.by_model.remove(&model);
        }
    }
}

impl Pass {
    /// The model has begun to answer.
    pub(super) fn begun(&mut self) {
        if self.trial.is_some() && !std::mem::replace(&mut self.has_begun, true) {
            self.circuits.report(self, Outcome::Begun);
        }
    }

    /// What came of the call in the end.
    pub(super) fn report(&mut self, outcome: Outcome<'_>) {
        self.is_reported = true;
        self.circuits.report(self, outcome);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.is_reported {
            self.report(Outcome::Unknown);
        }
    }
}

/// The error of a call that is not made.
fn refusal(state: &BreakerState) -> Error {
    let BreakerState { model, failures, last_error, .. } = state;
    let since = state.out_of_order_for.unwrap_or_default().as_secs();
    let (when, retry) = match (state.status, state.retry_in) {
        (BreakerStatus::Open, Some(wait)) => {
            (format!("it is tried again in {} s", wait.as_secs_f64().ceil()), RetryAdvice::After(wait))
        }
        _ => ("another call is trying it out".to_owned(), RetryAdvice::Now),
    };
    let message = format!(
        "not asked: {model:?} has been out of order for {since} s ({failures} failures in a row, the last: {}); {when}",
        last_error.kind()
    );
    Error::new(ErrorKind::Overloaded, message)
        .with_retry(retry)
        .with_provider(state.provider)
        .with_model(model)
        .with_source(last_error.clone())
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("model", &self.model).field("epoch", &self.epoch).finish()
    }
}
