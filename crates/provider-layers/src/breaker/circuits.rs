//! The circuits of a provider's models, and the calls that they let through.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use provider_core::{Error, ErrorKind, Retry};
use tokio::time::Instant;

use super::circuit::{BreakerState, BreakerStatus, Circuit, Outcome};
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
    eras: u64,
    uses: u64,
}

/// A call that was let through. Dropped without a report, it tells nothing of the model.
pub(super) struct Pass {
    circuits: Arc<Circuits>,
    model: String,
    era: u64,
    tries_out: bool,
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
        let mut state = self.lock();
        let (next_era, use_count) = (state.eras + 1, state.uses + 1);
        let (mut era, mut tries_out) = (0, false);
        if let Some(circuit) = state.by_model.get_mut(model) {
            circuit.used = use_count;
            if !circuit.admits(next_era, now) {
                return Err(refusal(&circuit.state(self.provider, model, now)));
            }
            (era, tries_out) = (circuit.era, circuit.is_tried_out());
            (state.eras, state.uses) = (next_era, use_count);
        }
        Ok(Pass { circuits: self.clone(), model: model.to_owned(), era, tries_out, is_reported: false })
    }

    fn report(&self, model: &str, era: u64, outcome: Outcome<'_>) {
        let now = Instant::now();
        let state = &mut *self.lock();
        let (next_era, use_count) = (state.eras + 1, state.uses + 1);
        let mut is_new = false;
        if let (false, Outcome::Failed(error)) = (state.by_model.contains_key(model), outcome) {
            state.make_room();
            state.by_model.insert(model.to_owned(), Circuit::new(&self.settings, error));
            is_new = true;
        }
        let circuit = state.by_model.get_mut(model).filter(|circuit| is_new || circuit.era == era);
        let Some(circuit) = circuit else { return };
        circuit.used = use_count;
        (state.eras, state.uses) = (next_era, use_count);
        match outcome {
            Outcome::Begun => circuit.begun(),
            Outcome::Failed(error) => circuit.failed(&self.settings, error, next_era, now),
            Outcome::Unknown => circuit.untold(next_era, now),
            Outcome::Answered => drop(state.by_model.remove(model)),
        }
    }

    pub(super) fn states(&self) -> Vec<BreakerState> {
        let now = Instant::now();
        let state = self.lock();
        let mut states: Vec<_> =
            state.by_model.iter().map(|(model, circuit)| circuit.state(self.provider, model, now)).collect();
        states.sort_unstable_by(|one, other| one.model.cmp(&other.model));
        states
    }
}

impl State {
    /// Forgets the model that has not been asked for longest, if there is no room for another one.
    fn make_room(&mut self) {
        if self.by_model.len() < Breaker::MOST_MODELS {
            return;
        }
        let oldest = self.by_model.iter().min_by_key(|(_, circuit)| circuit.used);
        if let Some(model) = oldest.map(|(model, _)| model.clone()) {
            self.by_model.remove(&model);
        }
    }
}

impl Pass {
    /// The model has begun to answer.
    pub(super) fn begun(&mut self) {
        if self.tries_out {
            self.tries_out = false;
            self.circuits.report(&self.model, self.era, Outcome::Begun);
        }
    }

    /// What came of the call in the end.
    pub(super) fn report(&mut self, outcome: Outcome<'_>) {
        self.is_reported = true;
        self.circuits.report(&self.model, self.era, outcome);
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
            (format!("it is tried again in {} s", wait.as_secs_f64().ceil()), Retry::After(wait))
        }
        _ => ("another call is trying it out".to_owned(), Retry::Now),
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
        f.debug_struct("Pass").field("model", &self.model).field("era", &self.era).finish()
    }
}
