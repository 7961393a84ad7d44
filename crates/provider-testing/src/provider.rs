//! The provider that plays turns.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::{ChunkSource as _, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider, Model,
    ProviderDescriptor,
};
use tokio::time::{Instant, sleep};

use crate::source::{Names, Open, Opened, Source};
use crate::turn::Turn;

static SCRIPTED: ProviderDescriptor = ProviderDescriptor::new("scripted", "Scripted", |_, _| {
    Err(Error::new(ErrorKind::Config, "a scripted provider is made by hand"))
})
.description("Plays a script, for tests.")
.accepts_unlisted_models();

/// A provider that plays a script.
///
/// Each chat plays the next turn; when the turns are used up, the last one is played again and again. A model
/// with [turns of its own](Self::with_model) plays these. Without any turn, a chat ends in
/// [`ErrorKind::ModelNotFound`].
///
/// Errors name the provider and the model, unless they name others.
#[derive(Debug)]
pub struct ScriptedProvider {
    descriptor: &'static ProviderDescriptor,
    turns: Mutex<Turns>,
    catalogue: Mutex<Result<Catalogue, Error>>,
    lists_after: Duration,
    calls: Mutex<Vec<Call>>,
    start: Instant,
    open: Arc<Open>,
}

/// The turns of all models, and those of one.
#[derive(Debug, Default)]
struct Turns {
    any: VecDeque<Turn>,
    by_model: BTreeMap<String, VecDeque<Turn>>,
}

/// A call of a [`ScriptedProvider`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The called method.
    pub operation: Operation,
    /// The time since the provider was made, on tokio's clock.
    pub at: Duration,
    /// The request of a chat.
    pub request: Option<ChatRequest>,
}

/// A method of [`LlmProvider`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// A whole answer.
    Chat,
    /// A streamed answer.
    Stream,
    /// The catalogue.
    Models,
    /// The connection test.
    Check,
}

/// Creating a provider.
impl ScriptedProvider {
    /// Makes a provider that plays these turns in order, whatever model it is asked for.
    pub fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        let any = turns.into_iter().collect();
        Self {
            descriptor: &SCRIPTED,
            turns: Mutex::new(Turns { any, by_model: BTreeMap::new() }),
            catalogue: Mutex::new(Ok(Catalogue::default())),
            lists_after: Duration::ZERO,
            calls: Mutex::default(),
            start: Instant::now(),
            open: Arc::default(),
        }
    }

    /// Makes a provider whose models have a turn each. Any other model is unknown to it.
    pub fn of_models<M: Into<String>>(models: impl IntoIterator<Item = (M, Turn)>) -> Self {
        models.into_iter().fold(Self::new([]), |provider, (model, turn)| provider.with_model(model, [turn]))
    }

    /// Sets the turns of one model, which plays them in place of all others.
    #[must_use]
    pub fn with_model(self, model: impl Into<String>, turns: impl IntoIterator<Item = Turn>) -> Self {
        locked(&self.turns).by_model.insert(model.into(), turns.into_iter().collect());
        self
    }

    /// Sets the descriptor. Default: the id `scripted`, which accepts models that it does not list.
    #[must_use]
    pub fn with_descriptor(mut self, descriptor: &'static ProviderDescriptor) -> Self {
        self.descriptor = descriptor;
        self
    }

    /// Sets the catalogue, or the error in its place. Default: an empty one.
    #[must_use]
    pub fn with_catalogue(self, catalogue: Result<Catalogue, Error>) -> Self {
        self.set_catalogue(catalogue);
        self
    }

    /// Sets a catalogue of models with these ids, of which no more is known.
    #[must_use]
    pub fn with_listing<I: Into<String>>(self, ids: impl IntoIterator<Item = I>) -> Self {
        self.set_listing(ids);
        self
    }

    /// Sets how long the catalogue takes. Default: no time.
    #[must_use]
    pub fn with_listing_delay(mut self, time: Duration) -> Self {
        self.lists_after = time;
        self
    }
}

/// Changing the script, and reading the log.
impl ScriptedProvider {
    /// Replaces the turns of all models that have none of their own.
    pub fn set_turns(&self, turns: impl IntoIterator<Item = Turn>) {
        locked(&self.turns).any = turns.into_iter().collect();
    }

    /// Replaces the catalogue.
    pub fn set_catalogue(&self, catalogue: Result<Catalogue, Error>) {
        *locked(&self.catalogue) = catalogue;
    }

    /// Replaces the catalogue by one of models with these ids, of which no more is known.
    pub fn set_listing<I: Into<String>>(&self, ids: impl IntoIterator<Item = I>) {
        let models = ids.into_iter().map(|id| {
            let mut model = Model::default();
            model.id = id.into();
            model
        });
        self.set_catalogue(Ok(Catalogue::new(models.collect(), None)));
    }

    /// Returns the calls so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        locked(&self.calls).clone()
    }

    /// Returns how often a method was called.
    pub fn count(&self, operation: Operation) -> usize {
        locked(&self.calls).iter().filter(|call| call.operation == operation).count()
    }

    /// Returns the requests of chats so far, in order.
    pub fn requests(&self) -> Vec<ChatRequest> {
        locked(&self.calls).iter().filter_map(|call| call.request.clone()).collect()
    }

    /// Returns how many calls and answers are under way: from the call until the answer is whole, or its
    /// stream is dropped.
    pub fn open(&self) -> usize {
        self.open.now.load(Relaxed)
    }

    /// Returns how many calls and answers have been under way at once.
    pub fn most_open(&self) -> usize {
        self.open.most.load(Relaxed)
    }

    /// Logs a call. Returns the number of chats so far, this one included.
    fn log(&self, operation: Operation, request: Option<&ChatRequest>) -> usize {
        let mut calls = locked(&self.calls);
        calls.push(Call { operation, at: self.start.elapsed(), request: request.cloned() });
        calls.iter().filter(|call| call.request.is_some()).count()
    }

    /// Begins the next turn: the source of its answer, or its refusal.
    async fn begin(&self, operation: Operation, request: &ChatRequest) -> Result<Source, Error> {
        let number = self.log(operation, Some(request));
        let names = Names { provider: self.descriptor.id, model: request.model.clone() };
        let opened = Opened::new(&self.open);
        let turn = locked(&self.turns).next(&request.model);
        let unknown = || Error::new(ErrorKind::ModelNotFound, "the script has no turn for the model");
        let mut turn = turn.unwrap_or_else(|| Turn::refuses(unknown()));
        if !turn.accepts_after.is_zero() {
            sleep(turn.accepts_after).await;
        }
        match turn.refusal.take() {
            Some(error) => Err(names.apply(error)),
            None => Ok(Source::new(turn, number, names, opened)),
        }
    }
}

impl Turns {
    fn next(&mut self, model: &str) -> Option<Turn> {
        let turns = self.by_model.get_mut(model).unwrap_or(&mut self.any);
        if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() }
    }
}

#[async_trait]
impl LlmProvider for ScriptedProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.descriptor
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let source = self.begin(Operation::Stream, request).await?;
        Ok(ChatStream::new(source).provided_by(self.descriptor().id).requested(&request.model, &[]))
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let mut source = self.begin(Operation::Chat, request).await?;
        let mut answer = ResponseAccumulator::without_events();
        answer.set_provider(self.descriptor().id);
        answer.set_requested(&request.model, &[]);
        loop {
            match poll_fn(|cx| source.poll_progress(cx, &mut answer)).await {
                Ok(Progress::More) => {}
                Ok(Progress::End) => return answer.finish().map_err(|error| source.describe(error)),
                Err(error) => return Err(source.describe(answer.fail(error))),
            }
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.log(Operation::Models, None);
        let _opened = Opened::new(&self.open);
        if !self.lists_after.is_zero() {
            sleep(self.lists_after).await;
        }
        locked(&self.catalogue).clone()
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.log(Operation::Check, None);
        let mut report = ConnectionReport::default();
        report.label = Some(self.descriptor.id.to_owned());
        Ok(report)
    }
}

/// A test that panicked elsewhere does not hide the log.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
