//! A call of a model, from the budget to the record: every run of the host goes through here.

use std::sync::Arc;

use provider_compare::Stopwatch;
use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, Event, LlmProvider, TimeOfWeek, Usd};
use provider_registry::{Listing, SelectedModel};
use workspace_store::{Call, Reservation, Run, TokenRecord};

use crate::error::{ApiError, Result};
use crate::state::App;

/// A call to begin.
pub(crate) struct NewCall<'a> {
    pub(crate) token: &'a TokenRecord,
    pub(crate) model: &'a SelectedModel,
    pub(crate) request: &'a ChatRequest,
    /// Asked in place of the model's own provider: with a fallback around it.
    pub(crate) provider: Option<Arc<dyn LlmProvider>>,
    pub(crate) node: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) conversation: Option<&'a str>,
    /// Whether the record has the prompt and the answer.
    pub(crate) keeps_content: bool,
}

/// What must be done when a call is over, however it ends: dropped, it does it with what is known.
struct Open {
    app: App,
    reservation: Option<Reservation>,
    run: Option<Run>,
    watch: Stopwatch,
    request: Option<ChatRequest>,
}

/// A call whose answer streams. Dropping it closes the connection upstream and settles the call with what is
/// known by then.
pub(crate) struct Running {
    stream: ChatStream,
    open: Open,
    /// The id of its run in the records.
    pub(crate) run: String,
}

impl NewCall<'_> {
    fn reservation(&self, estimate: Usd) -> Call {
        let mut call = Call::new(&self.token.workspace).token(&self.token.id).estimate(estimate);
        if let Some(node) = self.node {
            call = call.node(node);
        }
        if let Some(user) = self.user {
            call = call.user(user);
        }
        call
    }

    fn record(&self) -> Result<Run> {
        let reference = self.model.reference();
        let mut run =
            Run::begin(&self.token.workspace, &reference.provider, &reference.model)?.token(&self.token.id);
        run.node = self.node.map(str::to_owned);
        run.user = self.user.map(str::to_owned);
        run.conversation = self.conversation.map(str::to_owned);
        Ok(run)
    }

    /// Reserves the estimate of the call in its budgets.
    async fn open(&self, app: &App) -> Result<Open> {
        let estimate = match self.model.listing() {
            Listing::Listed(listed) => listed.estimate(self.request, TimeOfWeek::now()).amount,
            _ => app.settings.unlisted_estimate,
        };
        let run = self.record()?;
        let reservation = app.store.reserve(&self.reservation(estimate)).await?;
        Ok(Open {
            app: app.clone(),
            reservation: Some(reservation),
            run: Some(run),
            watch: Stopwatch::start(),
            request: self.keeps_content.then(|| self.request.clone()),
        })
    }

    /// Sends the request, and returns the answer as a stream.
    ///
    /// # Errors
    /// The refusal of a budget, or the provider's error, which is settled and recorded.
    pub(crate) async fn stream(self, app: &App) -> Result<Running> {
        let mut open = self.open(app).await?;
        let run = open.id();
        let answer = match &self.provider {
            None => self.model.stream(self.request).await,
            Some(provider) => {
                provider.stream(self.request).await.map_err(|error| self.model.explained(error))
            }
        };
        match answer {
            Ok(stream) => Ok(Running { stream, open, run }),
            Err(error) => {
                open.failed(&error);
                Err(ApiError::from(error).of_request(&run))
            }
        }
    }

    /// Sends the request, and waits for the whole answer. Returns it with the id of its run.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub(crate) async fn chat(self, app: &App) -> Result<(ChatResponse, String)> {
        let mut open = self.open(app).await?;
        let run = open.id();
        let answer = match &self.provider {
            None => self.model.chat(self.request).await,
            Some(provider) => provider.chat(self.request).await.map_err(|error| self.model.explained(error)),
        };
        match answer {
            Ok(response) => {
                open.answered(&response);
                Ok((response, run))
            }
            Err(error) => {
                open.failed(&error);
                Err(ApiError::from(error).of_request(&run))
            }
        }
    }
}

impl Running {
    /// The next event. The end and an error settle and record the call before they are handed out.
    pub(crate) async fn next(&mut self) -> Option<std::result::Result<Event, Error>> {
        let event = self.stream.next().await?;
        match &event {
            Ok(event) => {
                self.open.watch.event(event);
                if matches!(event, Event::Finished(_)) {
                    self.open.answered(self.stream.so_far());
                }
            }
            Err(error) => self.open.failed(error),
        }
        Some(event)
    }

    /// The answer as far as it came.
    pub(crate) fn so_far(&self) -> &ChatResponse {
        self.stream.so_far()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.open.run.is_some() {
            self.open.left(self.stream.so_far());
        }
    }
}

impl Open {
    fn id(&self) -> String {
        self.run.as_ref().map(|run| run.id.clone()).unwrap_or_default()
    }

    fn answered(&mut self, response: &ChatResponse) {
        if let Some(run) = self.run.take() {
            self.close(run.answered(response), Some(response), Bill::of(response.usage.cost));
        }
    }

    fn failed(&mut self, error: &Error) {
        if let Some(run) = self.run.take() {
            let bill = match error.was_paid_for() {
                true => Bill::of(error.partial().and_then(|partial| partial.usage.cost)),
                false => Bill::None,
            };
            self.close(run.failed(error), error.partial(), bill);
        }
    }

    /// The caller has left in the midst of the answer.
    fn left(&mut self, so_far: &ChatResponse) {
        if let Some(run) = self.run.take() {
            let mut run = run.answered(so_far);
            run.error_kind = Some("cancelled".to_owned());
            run.error = Some("the caller left before the answer was complete".to_owned());
            self.close(run, Some(so_far), Bill::of(so_far.usage.cost));
        }
    }

    /// Settles and records, off the path of the answer.
    fn close(&mut self, run: Run, response: Option<&ChatResponse>, bill: Bill) {
        let timings = self.watch.stop(None);
        let mut run = run.timings(timings.first_token, timings.total);
        if let Some(request) = self.request.take() {
            run = match run.clone().with_content(&request, response) {
                Ok(with_content) => with_content,
                Err(error) => {
                    tracing::warn!(%error, "a run is recorded without its content");
                    run
                }
            };
        }
        if !self.app.recorder.record(run) {
            tracing::warn!("the recorder is full, and a run was dropped");
        }
        let Some(reservation) = self.reservation.take() else { return };
        self.app.tasks.spawn(async move {
            let settled = match bill {
                Bill::None => reservation.release().await,
                Bill::Unknown => reservation.settle(None).await,
                Bill::Known(amount) => reservation.settle(Some(amount)).await,
            };
            if let Err(error) = settled {
                tracing::error!(%error, "a call is not settled");
            }
        });
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Here the future of a call was dropped before its answer came.
        if self.run.is_some() {
            self.left(&ChatResponse::default());
        }
    }
}

/// What a call costs.
#[derive(Clone, Copy)]
enum Bill {
    /// Nothing: it was not served.
    None,
    /// Its estimate stands.
    Unknown,
    Known(Usd),
}

impl Bill {
    fn of(cost: Option<Usd>) -> Self {
        cost.map_or(Bill::Unknown, Bill::Known)
    }
}
