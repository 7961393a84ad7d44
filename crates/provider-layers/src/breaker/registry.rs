//! The circuits of all models, bounded, and the calls that they let through.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use provider_core::{Error, ErrorKind, RetryAdvice};
use tokio::time::Instant;

use super::circuit::{Admission, BreakerState, BreakerStatus, Circuit, Outcome};
use super::settings::BreakerSettings;

/// The bound on circuits. Each is less than a kilobyte, and a host has few models in trouble at once.
pub(super) const MAX_MODELS: usize = 256;

#[derive(Debug)]
pub(super) struct CircuitRegistry {
    settings: BreakerSettings,
    state: Mutex<State>,
}

/// Only models that failed have a circuit: of the others there is nothing to remember.
#[derive(Debug, Default)]
struct State {
    circuits: HashMap<Key, Circuit>,
    /// The number of openings, of all circuits. Each begins an epoch of its model.
    epochs: u64,
    /// The epoch of the models without a circuit: the newest of those that were forgotten.
    forgotten: u64,
    /// The number of calls that were let through or reported, of models that have a circuit.
    uses: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    provider: &'static str,
    model: String,
}

/// A call that was let through. Dropped without a report, it tells nothing of the model.
pub(super) struct Permit {
    registry: Arc<CircuitRegistry>,
    key: Key,
    epoch: u64,
    probe: Option<u64>,
    has_begun: bool,
    is_reported: bool,
}

impl CircuitRegistry {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state has no invariant that a panic could break half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call through.
    ///
    /// # Errors
    /// When the circuit of the model is open, or half-open with a probe under way.
    pub(super) fn acquire(self: &Arc<Self>, provider: &'static str, model: &str) -> Result<Permit, Error> {
        let key = Key { provider, model: model.to_owned() };
        let state = &mut *self.lock();
        // The clock is read for circuits that have something to wait for. Most models have none.
        let admission = match state.circuits.get_mut(&key) {
            Some(circuit) => {
                let now = Instant::now();
                state.uses += 1;
                circuit.used = state.uses;
                let admission = circuit.admit(&self.settings, state.uses, now);
                admission.ok_or_else(|| refusal(&circuit.state(provider, model, now)))?
            }
            None => Admission { epoch: state.forgotten, probe: None },
        };
        let Admission { epoch, probe } = admission;
        Ok(Permit { registry: self.clone(), key, epoch, probe, has_begun: false, is_reported: false })
    }

    fn report(&self, permit: &Permit, outcome: Outcome<'_>) {
        let key = &permit.key;
        let state = &mut *self.lock();
        if let (false, Outcome::Failed(error)) = (state.circuits.contains_key(key), outcome) {
            // Calls from before the model was forgotten do not count.
            if permit.epoch == state.forgotten {
                state.make_room();
                let circuit = Circuit::new(&self.settings, error, permit.epoch);
                state.circuits.insert(key.clone(), circuit);
            }
        }
        let circuit = state.circuits.get_mut(key).filter(|circuit| circuit.epoch == permit.epoch);
        let Some(circuit) = circuit else { return };
        state.uses += 1;
        circuit.used = state.uses;
        match outcome {
            Outcome::Begun => circuit.on_begun(),
            Outcome::Failed(error) => {
                circuit.on_failed(&self.settings, error, state.epochs + 1, Instant::now());
                state.epochs = state.epochs.max(circuit.epoch);
            }
            Outcome::Unknown => {
                permit.probe.into_iter().for_each(|number| circuit.on_unknown(number, Instant::now()));
            }
            // A circuit that has never opened is as good as none.
            Outcome::Answered if circuit.epoch == state.forgotten => drop(state.circuits.remove(key)),
            Outcome::Answered => circuit.on_answered(&self.settings),
        }
    }

    pub(super) fn states(&self) -> Vec<BreakerState> {
        let now = Instant::now();
        let state = self.lock();
        let failing = state.circuits.iter().filter(|(_, circuit)| !circuit.is_in_order());
        let mut states: Vec<_> =
            failing.map(|(key, circuit)| circuit.state(key.provider, &key.model, now)).collect();
        states.sort_unstable_by(|one, other| (one.provider, &one.model).cmp(&(other.provider, &other.model)));
        states
    }
}

impl State {
    /// Makes room for another circuit: forgets a model that is in order again, or else the one that has not
    /// been asked for longest.
    fn make_room(&mut self) {
        if self.circuits.len() < MAX_MODELS {
            return;
        }
        let oldest = self.circuits.iter().min_by_key(|(_, circuit)| (!circuit.is_in_order(), circuit.used));
        if let Some((key, epoch)) = oldest.map(|(key, circuit)| (key.clone(), circuit.epoch)) {
            self.forgotten = self.forgotten.max(epoch);
            self.circuits.remove(&key);
        }
    }
}

impl Permit {
    /// Reports that the model has begun to answer.
    pub(super) fn report_begun(&mut self) {
        if self.probe.is_some() && !std::mem::replace(&mut self.has_begun, true) {
            self.registry.report(self, Outcome::Begun);
        }
    }

    /// Reports the outcome of the call in the end.
    pub(super) fn report(&mut self, outcome: Outcome<'_>) {
        self.is_reported = true;
        self.registry.report(self, outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_reported {
            self.report(Outcome::Unknown);
        }
    }
}

/// The error of a call that is not let through.
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
    Error::new(ErrorKind::Overloaded, message).with_retry(retry).with_source(last_error.clone())
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("key", &self.key).field("epoch", &self.epoch).finish()
    }
}
