//! A call of a model, from the budget to the record: every run of the host goes through here.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream as _;
use provider_compare::{Stopwatch, Timings};
use provider_core::author::{Activity, StreamObserver};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Event, LlmProvider, Usd,
};
use provider_registry::{ListedModel, Listing, SelectedModel};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tracing::Span;
use workspace_store::{Bill, Call, ConnectedWorkspace, Reservation, Run, StoreError, TokenRecord, estimate};

use crate::error::{ApiError, Result};
use crate::state::App;

/// A call to begin.
pub(crate) struct NewCall<'a> {
    pub(crate) token: &'a TokenRecord,
    pub(crate) model: &'a SelectedModel,
    pub(crate) request: &'a ChatRequest,
    /// Asked in place of the model's own provider.
    pub(crate) provider: Option<Fallback>,
    pub(crate) node: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) conversation: Option<&'a str>,
    /// Whether the record has the prompt and the answer.
    pub(crate) keeps_content: bool,
}

/// The provider of a model with a fallback around it.
#[derive(Clone)]
pub(crate) struct Fallback {
    pub(crate) provider: Arc<dyn LlmProvider>,
    /// The models that it may go on to. The dearest one counts for the budgets.
    pub(crate) models: Vec<SelectedModel>,
}

/// The ends of a call beside its provider's, where a comparison reads its stream.
#[derive(Clone)]
pub(crate) struct Ends {
    /// The client has left.
    pub(crate) left: CancellationToken,
    /// The most time that the call may take.
    pub(crate) timeout: Option<Duration>,
}

/// How long a call waits for the price list of a provider whose models were named outright.
const PRICE_WAIT: Duration = Duration::from_secs(2);

/// The settlement and the record of a call that runs. Dropped, it makes them of what is known.
struct Open {
    app: App,
    reservation: Option<Reservation>,
    run: Option<Run>,
    watch: Stopwatch,
    begun: Instant,
    /// The times of the record, once the call is over.
    timings: Option<Timings>,
    request: Option<ChatRequest>,
    ends: Option<Ends>,
}

/// A call whose answer streams. Dropping it closes the connection upstream and settles the call with what is
/// known by then.
pub(crate) struct Running {
    stream: ChatStream,
    open: Box<Open>,
    /// The end of the host's time to drain. Made once, so that waiting for a chunk allocates nothing.
    drained: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Whether that time was over before the answer was.
    is_stopped: bool,
    /// The id of its run in the records.
    pub(crate) run: String,
}

impl Fallback {
    /// Checks that the request reaches no model that is not enabled, whoever answers it.
    ///
    /// # Errors
    /// As [`ConnectedWorkspace::check_reach`].
    pub(crate) fn check_reach(
        fallback: Option<&Self>,
        connected: &ConnectedWorkspace,
        model: &SelectedModel,
        request: &ChatRequest,
    ) -> Result<(), StoreError> {
        let models = fallback.into_iter().flat_map(|fallback| &fallback.models);
        models.chain([model]).try_for_each(|model| connected.check_reach(model, request))
    }
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

    fn record(&self) -> Result<Run, StoreError> {
        let reference = self.model.reference();
        let mut run =
            Run::begin(&self.token.workspace, &reference.provider, &reference.model)?.token(&self.token.id);
        run.node = self.node.map(str::to_owned);
        run.user = self.user.map(str::to_owned);
        run.conversation = self.conversation.map(str::to_owned);
        Ok(run)
    }

    /// The most that the call is expected to cost with this model, or with those that its service may go on
    /// to.
    async fn estimate(&self, app: &App, model: &SelectedModel) -> Usd {
        let catalogue = catalogue(app, &self.token.workspace, &model.reference().provider).await;
        let unlisted = app.settings.unlisted_estimate;
        let price = |id: &str| estimate(catalogue.as_deref(), id, self.request, unlisted);
        let others = model.provider().descriptor().other_models(self.request).into_iter();
        others.filter_map(|other| other.model).map(|id| price(&id)).fold(price(model.id()), Usd::max)
    }

    /// Reserves the estimate of the call in its budgets.
    async fn open(&self, app: &App) -> Result<Open, StoreError> {
        let mut estimate = self.estimate(app, self.model).await;
        for model in self.provider.iter().flat_map(|fallback| &fallback.models) {
            estimate = estimate.max(self.estimate(app, model).await);
        }
        let run = self.record()?;
        let reserved = app.store.reserve(&self.reservation(estimate)).await;
        let reservation = reserved.inspect_err(|error| app.metrics.not_reserved(error))?;
        Ok(Open {
            app: app.clone(),
            reservation: Some(reservation),
            run: Some(run),
            watch: Stopwatch::start(),
            begun: Instant::now(),
            timings: None,
            ends: None,
            request: self.keeps_content.then(|| self.request.clone()),
        })
    }

    async fn ask(&self) -> Result<ChatStream, Error> {
        match &self.provider {
            None => self.model.stream(self.request).await,
            Some(fallback) => {
                fallback.provider.stream(self.request).await.map_err(|error| self.model.explained(error))
            }
        }
    }

    /// Sends the request, and returns the answer as a stream.
    ///
    /// # Errors
    /// The refusal of a budget, or the provider's error, which is settled and recorded.
    pub(crate) async fn stream(self, app: &App) -> Result<Running> {
        let mut open = self.open(app).await?;
        let run = open.id();
        Span::current().record("run.id", &*run);
        let answer = until_drained(app, self.ask()).await;
        match answer {
            Ok(stream) => {
                let drained = Box::pin(app.drained.clone().cancelled_owned());
                Ok(Running { stream, open: Box::new(open), drained, is_stopped: false, run })
            }
            Err(error) => {
                open.failed(&error);
                Err(ApiError::from(error).of_request(&run))
            }
        }
    }

    /// Sends the request, and returns the answer as a stream that settles and records itself, for those who
    /// read a stream of their own. Such a reader watches the host's time to drain by itself.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub(crate) async fn observed(self, app: &App, ends: Ends) -> Result<(ChatStream, String), StoreError> {
        let mut open = self.open(app).await?;
        open.ends = Some(ends);
        let run = open.id();
        match self.ask().await {
            Ok(stream) => Ok((stream.observed(open), run)),
            Err(error) => {
                open.failed(&error);
                Err(error.into())
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
        Span::current().record("run.id", &*run);
        let asked = async {
            match &self.provider {
                None => self.model.chat(self.request).await,
                Some(fallback) => {
                    fallback.provider.chat(self.request).await.map_err(|error| self.model.explained(error))
                }
            }
        };
        let answer = until_drained(app, asked).await;
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
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Does the same as [`next`](Self::next).
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Event, Error>>> {
        if self.is_stopped {
            return Poll::Ready(None);
        }
        let event = match Pin::new(&mut self.stream).poll_next(cx) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(event)) => event,
            Poll::Pending => {
                std::task::ready!(self.drained.as_mut().poll(cx));
                self.is_stopped = true;
                if self.open.run.is_none() {
                    return Poll::Ready(None);
                }
                Err(stopped().with_partial(self.stream.so_far().clone()))
            }
        };
        match &event {
            Ok(event) => {
                self.open.watch.event(event);
                if matches!(event, Event::Finished(_)) {
                    self.open.answered(self.stream.so_far());
                }
            }
            Err(error) => self.open.failed(error),
        }
        Poll::Ready(Some(event))
    }

    /// The times as the record has them: to the first output, and to the end. `None` while the call runs.
    pub(crate) fn timings(&self) -> Option<Timings> {
        self.open.timings
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

    /// Whether the client is known to have left.
    fn has_left(&self) -> bool {
        self.ends.as_ref().is_some_and(|ends| ends.left.is_cancelled())
    }

    fn answered(&mut self, response: &ChatResponse) {
        if let Some(run) = self.run.take() {
            let mut run = run.answered(response);
            // An answer that has reached its limit of tokens says so by its finish.
            if let Some(cut) = cut_call(response).filter(|_| run.finish.as_deref() != Some("length")) {
                run.error_kind = Some("interrupted".to_owned());
                run.error = Some(cut.message().to_owned());
            }
            self.close(run, Some(response), Bill::of(&response.usage));
        }
    }

    fn failed(&mut self, error: &Error) {
        if let Some(run) = self.run.take() {
            self.close(run.failed(error), error.partial(), Bill::of_error(error));
        }
    }

    /// The caller has left in the midst of the answer.
    fn left(&mut self, so_far: &ChatResponse) {
        if let Some(run) = self.run.take() {
            let mut run = run.answered(so_far);
            run.error_kind = Some("cancelled".to_owned());
            run.error = Some("the caller left before the answer was complete".to_owned());
            self.close(run, Some(so_far), Bill::of(&so_far.usage));
        }
    }

    /// Settles and records, off the path of the answer.
    fn close(&mut self, run: Run, response: Option<&ChatResponse>, bill: Bill) {
        let timings = self.watch.stop(None);
        let mut run = run.timings(timings.first_token, timings.total);
        self.timings = Some(timings);
        if let Some(request) = self.request.take() {
            run = match run.clone().with_content(&request, response) {
                Ok(with_content) => with_content,
                Err(error) => {
                    tracing::warn!(%error, "a run is recorded without its content");
                    run
                }
            };
        }
        self.app.metrics.run(&run);
        if !self.app.recorder.record(run) {
            tracing::warn!("the recorder is full, and a run was dropped");
        }
        let Some(reservation) = self.reservation.take() else { return };
        self.app.tasks.spawn(async move {
            if let Err(error) = reservation.bill(bill).await {
                tracing::error!(%error, "a call is not settled");
            }
        });
    }
}

impl StreamObserver for Open {
    fn on_activity(&mut self, activity: Activity<'_>) -> std::result::Result<(), Error> {
        if let Activity::Output(event) = activity {
            self.watch.event(event);
        }
        Ok(())
    }

    fn on_end(&mut self, end: std::result::Result<&ChatResponse, &Error>) {
        match end {
            Ok(response) => self.answered(response),
            Err(error) => self.failed(error),
        }
    }

    fn on_leave(&mut self, so_far: &ChatResponse, reason: Option<&Error>) {
        match reason.filter(|_| !self.has_left()) {
            Some(error) => self.failed(error),
            None => self.left(so_far),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.run.is_none() {
            return;
        }
        // Here the future of a call was dropped before its answer came.
        let timeout = self.ends.as_ref().and_then(|ends| ends.timeout);
        match timeout.filter(|most| self.begun.elapsed() >= *most) {
            _ if self.has_left() => self.left(&ChatResponse::default()),
            _ if self.app.drained.is_cancelled() => self.failed(&stopped()),
            Some(most) => {
                let message = format!("there was no answer within {} s", most.as_secs_f64());
                self.failed(&Error::new(ErrorKind::Timeout, message));
            }
            None => self.left(&ChatResponse::default()),
        }
    }
}

/// Waits for an answer, or for the end of the time to drain.
async fn until_drained<T>(
    app: &App,
    asked: impl Future<Output = std::result::Result<T, Error>>,
) -> std::result::Result<T, Error> {
    tokio::select! {
        biased;
        answer = asked => answer,
        () = app.drained.cancelled() => Err(stopped()),
    }
}

/// The error of a call that was cut off: the host was told to stop, and its time to drain is over.
fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "the host is stopping, and the time to finish is over")
}

/// The error of an answer that breaks off in the arguments of a tool call, which nobody can run.
pub(crate) fn cut_call(response: &ChatResponse) -> Option<Error> {
    let call = response.message.tool_calls.iter().find(|call| call.is_cut_off())?;
    let message = format!("the answer broke off in the arguments of its call of {:?}", call.name);
    Some(Error::new(ErrorKind::Interrupted, message))
}

/// The model's entry in the catalogue, where there is one.
pub(crate) async fn listed(app: &App, workspace: &str, model: &SelectedModel) -> Option<ListedModel> {
    match model.listing() {
        Listing::Listed(listed) => Some(listed.clone()),
        _ => {
            let catalogue = catalogue(app, workspace, &model.reference().provider).await?;
            ListedModel::find(&catalogue, model.id())
        }
    }
}

async fn catalogue(app: &App, workspace: &str, provider: &str) -> Option<Arc<Catalogue>> {
    let workspace = app.connections.workspace(workspace).await.ok()?;
    let instance = workspace.workspace().instance(provider).ok()?;
    Some(instance.catalogue_cache().get_within(PRICE_WAIT).await.ok()?.catalogue)
}
