//! The budgets of the workspace: a call reserves what it may cost before it is sent, and settles with its
//! bill after it, as calls of `serve` do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use provider_core::author::StreamObserver;
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, Usd};
use provider_layers::CatalogueCache;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use workspace_store::{Bill, Call, Reservation, StoreError};

use crate::output::Output;
use crate::storage::Storage;

/// The code of the error of a budget that has not enough left: that of the HTTP API.
const EXCEEDED: &str = "budget_exceeded";
/// The estimate of a call whose price is not known, in US dollars: that of `serve` unless it is told.
const UNLISTED: &str = "0.05";
/// The longest wait for the list of models, which has the prices.
const PRICE_WAIT: Duration = Duration::from_secs(2);
/// The longest wait for settlements at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// The budgets of a workspace that has some.
#[derive(Clone, Debug)]
pub(crate) struct Budgets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    storage: Storage,
    node: Option<String>,
    settling: Mutex<Vec<JoinHandle<Result<(), StoreError>>>>,
}

/// A model whose price counts: its provider's list of models, and its id there.
#[derive(Clone, Debug)]
pub(crate) struct Priced {
    pub(crate) catalogue: Arc<CatalogueCache>,
    pub(crate) id: String,
}

impl Budgets {
    /// The budgets of the workspace; `None` if it has none.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn of(storage: Storage, node: Option<&str>) -> Result<Option<Self>, StoreError> {
        let budgets = storage.store.budgets(&storage.workspace).await?;
        let shared = Shared { storage, node: node.map(str::to_owned), settling: Mutex::default() };
        Ok((!budgets.is_empty()).then(|| Self(Arc::new(shared))))
    }

    /// Reserves the most that a request is expected to cost: the dearest of `models`, which may answer,
    /// counts.
    ///
    /// # Errors
    /// [`ErrorKind::PaymentRequired`] if a budget has not enough left.
    pub(crate) async fn reserve(&self, request: &ChatRequest, models: &[Priced]) -> Result<Held, Error> {
        let Storage { store, workspace, .. } = &self.0.storage;
        let mut call = Call::new(workspace).estimate(estimate(request, models).await);
        if let Some(node) = &self.0.node {
            call = call.node(node);
        }
        match store.reserve(&call).await {
            Ok(reservation) => Ok(Held { reservation: Some(reservation), budgets: self.clone() }),
            Err(refused @ StoreError::Budget(_)) => {
                let step =
                    "lower --max-tokens, take a cheaper model, or raise the budget with `asq serve --dev`";
                let error = Error::new(ErrorKind::PaymentRequired, refused.to_string());
                Err(error.with_code(EXCEEDED).with_next_step(step))
            }
            Err(error) => {
                let problem = format!("the budgets of the workspace {workspace} cannot be asked: {error}");
                Err(Error::new(ErrorKind::Config, problem).with_next_step("--no-log asks without the store"))
            }
        }
    }

    /// Waits until all calls are settled, and tells of those that are not.
    pub(crate) async fn settled(&self, output: Output) {
        let settling = std::mem::take(&mut *self.lock());
        for task in settling {
            let problem = match timeout(PATIENCE, task).await {
                Ok(Ok(Ok(()))) => continue,
                Ok(Ok(Err(error))) => error.to_string(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("the store did not answer within {} s", PATIENCE.as_secs()),
            };
            let told = format!("a call is not settled in its budgets, where its estimate stands: {problem}");
            output.note(&output.err.yellow(told).to_string());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<Result<(), StoreError>>>> {
        self.0.settling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The most that a request is expected to cost with any of these models.
async fn estimate(request: &ChatRequest, models: &[Priced]) -> Usd {
    let unlisted = UNLISTED.parse().unwrap_or(Usd::ZERO);
    let mut most = Usd::ZERO;
    for Priced { catalogue, id } in models {
        let listed = catalogue.get_within(PRICE_WAIT).await.ok();
        let listed = listed.as_ref().map(|listed| &*listed.catalogue);
        most = most.max(workspace_store::estimate(listed, id, request, unlisted));
    }
    most
}

/// The reservation of a call that runs. Dropped, it is settled with its estimate.
pub(crate) struct Held {
    reservation: Option<Reservation>,
    budgets: Budgets,
}

impl Held {
    /// Settles with the bill of an answer or of an error, in the background.
    pub(crate) fn ended(&mut self, end: Result<&ChatResponse, &Error>) {
        self.settle(end.map_or_else(Bill::of_error, |answer| Bill::of(&answer.usage)));
    }

    fn settle(&mut self, bill: Bill) {
        let Some(reservation) = self.reservation.take() else { return };
        // Without a runtime the store settles what is dropped, with its estimate.
        let Ok(runtime) = Handle::try_current() else { return };
        let settling = runtime.spawn(async move { reservation.bill(bill).await.map(drop) });
        self.budgets.lock().push(settling);
    }
}

impl StreamObserver for Held {
    fn on_end(&mut self, end: Result<&ChatResponse, &Error>) {
        self.ended(end);
    }

    fn on_leave(&mut self, so_far: &ChatResponse, _: Option<&Error>) {
        self.settle(Bill::of(&so_far.usage));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.settle(Bill::Unknown);
    }
}
