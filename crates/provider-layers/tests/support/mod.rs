//! A provider that plays a script: what each model answers, what the catalogue says, and how long it takes to
//! fetch.

// Each test program uses its own part of this. A panic is a failed test.
#![allow(dead_code, clippy::expect_used, clippy::unwrap_used)]

pub(crate) mod budget;
pub(crate) mod turns;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider, Model,
    Price, PriceOverride, Prices, ProviderDescriptor, Usage,
};

const fn describe(id: &'static str) -> ProviderDescriptor {
    ProviderDescriptor::new(id, id, |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
        .description("Made up for a test.")
        .accepts_unlisted_models()
}

pub(crate) static ACME: ProviderDescriptor = describe("acme");
pub(crate) static OTHER: ProviderDescriptor = describe("other");

/// The reaction of a model to a request.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// Fails before there is a stream.
    Refuses(Error),
    /// Streams these steps; a whole answer is made of them, too.
    Says(Vec<Play>),
}

/// A step of a stream.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    Text(&'static str),
    /// Text, and nothing to wait for before what follows.
    TextAtOnce(&'static str),
    Usage(u64),
    /// Tokens of an answer that has nothing in it.
    Completion(u64),
    /// The JSON of a chunk, kept.
    Raw,
    Fails(Error),
    Ends,
}

pub(crate) fn refuses(kind: ErrorKind) -> Script {
    Script::Refuses(Error::new(kind, "not now"))
}

pub(crate) fn says(text: &'static str) -> Script {
    Script::Says(vec![Play::Text(text), Play::Ends])
}

/// The price of a model in a catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    Free,
    Paid,
    Varies,
    WithoutPrice,
    /// Free for short prompts only.
    FreeAtFirst,
    /// Free per token, billed per request.
    PerRequest,
    /// A price, and a discount of all of it.
    GivenAway,
    /// Not billed, and no word of prices.
    NotBilled,
}

/// A catalogue of these models.
pub(crate) fn catalogue(models: &[(&str, Listed)]) -> Catalogue {
    let models = models.iter().map(|(id, listed)| {
        let mut model = Model::default();
        model.id.push_str(id);
        let fixed = |text: &str| Some(Price::Fixed(text.parse().unwrap()));
        let price = match listed {
            Listed::Free | Listed::FreeAtFirst | Listed::PerRequest => fixed("0"),
            Listed::Paid | Listed::GivenAway => fixed("0.0000025"),
            Listed::Varies => Some(Price::Varies),
            Listed::WithoutPrice | Listed::NotBilled => None,
        };
        (model.pricing.prompt, model.pricing.completion) = (price, price);
        match listed {
            Listed::FreeAtFirst => {
                let mut long = Prices::default();
                long.prompt = fixed("0.000001");
                model.pricing.overrides = vec![PriceOverride::new(long).above_prompt_tokens(1000)];
            }
            Listed::PerRequest => model.pricing.request = fixed("0.01"),
            Listed::GivenAway => model.pricing.discount = Some(1.0),
            Listed::NotBilled => model.pricing.is_billed = Some(false),
            _ => {}
        }
        model
    });
    Catalogue::new(models.collect(), None)
}

#[derive(Debug)]
pub(crate) struct Scripted {
    descriptor: &'static ProviderDescriptor,
    scripts: Mutex<BTreeMap<String, Script>>,
    asked: Mutex<Vec<ChatRequest>>,
    catalogue: Mutex<Result<Catalogue, Error>>,
    takes: Duration,
    fetches: AtomicUsize,
    pub(crate) running: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) fn new(descriptor: &'static ProviderDescriptor, models: &[(&str, Script)]) -> Arc<Self> {
        Self::with(descriptor, models, Ok(Catalogue::default()), Duration::ZERO)
    }

    /// A provider that only lists models, after this time.
    pub(crate) fn listing(models: Result<Catalogue, Error>, takes: Duration) -> Arc<Self> {
        Self::with(&ACME, &[], models, takes)
    }

    pub(crate) fn with(
        descriptor: &'static ProviderDescriptor,
        models: &[(&str, Script)],
        catalogue: Result<Catalogue, Error>,
        takes: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            descriptor,
            scripts: Mutex::new(
                models.iter().map(|(id, script)| ((*id).to_owned(), script.clone())).collect(),
            ),
            asked: Mutex::default(),
            catalogue: Mutex::new(catalogue),
            takes,
            fetches: AtomicUsize::new(0),
            running: Arc::default(),
        })
    }

    pub(crate) fn now_lists(&self, models: Result<Catalogue, Error>) {
        *self.catalogue.lock().unwrap() = models;
    }

    /// The requests, in order.
    pub(crate) fn asked(&self) -> Vec<ChatRequest> {
        self.asked.lock().unwrap().clone()
    }

    /// The models it was asked for, in order.
    pub(crate) fn models_asked(&self) -> Vec<String> {
        self.asked().into_iter().map(|request| request.model).collect()
    }

    /// How often the catalogue was fetched.
    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(SeqCst)
    }

    fn play(&self, request: &ChatRequest) -> Result<Source, Error> {
        self.asked.lock().unwrap().push(request.clone());
        let script = self.scripts.lock().unwrap().get(&request.model).cloned();
        match script.unwrap_or_else(|| refuses(ErrorKind::ModelNotFound)) {
            Script::Refuses(error) => Err(error),
            Script::Says(plays) => {
                Ok(Source { model: format!("{}-2026", request.model), plays: plays.into() })
            }
        }
    }
}

#[async_trait]
impl LlmProvider for Scripted {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.descriptor
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        Ok(ChatStream::new(self.play(request)?).requested(&request.model, &[]))
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let mut source = self.play(request)?;
        let mut accumulator = ResponseAccumulator::without_events();
        accumulator.set_requested(&request.model, &[]);
        loop {
            match source.step(&mut accumulator) {
                Ok(Progress::More) => {}
                Ok(Progress::End) => return accumulator.finish(),
                Err(error) => return Err(accumulator.fail(error)),
            }
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.fetches.fetch_add(1, SeqCst);
        let _running = Running::start(&self.running);
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        self.catalogue.lock().unwrap().clone()
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        let mut report = ConnectionReport::default();
        report.label = Some(self.descriptor.id.to_owned());
        Ok(report)
    }
}

/// Counts itself for as long as it lives.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn start(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// Plays one answer.
struct Source {
    model: String,
    plays: VecDeque<Play>,
}

impl Source {
    fn step(&mut self, accumulator: &mut ResponseAccumulator) -> Result<Progress, Error> {
        accumulator.set_model(&self.model);
        accumulator.set_served_by("Scripts Inc.");
        loop {
            match self.plays.pop_front() {
                Some(Play::Text(text)) => {
                    accumulator.push_text(text);
                    return Ok(Progress::More);
                }
                Some(Play::TextAtOnce(text)) => accumulator.push_text(text),
                Some(Play::Usage(tokens)) => {
                    let mut usage = Usage::default();
                    usage.total_tokens = Some(tokens);
                    accumulator.update_usage(usage);
                }
                Some(Play::Completion(tokens)) => {
                    let mut usage = Usage::default();
                    usage.completion_tokens = Some(tokens);
                    accumulator.update_usage(usage);
                }
                Some(Play::Raw) => {
                    accumulator.push_raw("{}".parse().unwrap());
                    return Ok(Progress::More);
                }
                Some(Play::Fails(error)) => return Err(error),
                Some(Play::Ends) => {
                    accumulator.set_end_marked();
                    return Ok(Progress::End);
                }
                None => return Ok(Progress::End),
            }
        }
    }
}

impl ChunkSource for Source {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        Poll::Ready(self.step(accumulator))
    }
}

/// The outcome of a request: asked for as a whole, and as a stream that is read to its end.
pub(crate) async fn both_ways(
    provider: &dyn LlmProvider,
    request: &ChatRequest,
) -> [(&'static str, Result<ChatResponse, Error>); 2] {
    let whole = provider.chat(request).await;
    let streamed = match provider.stream(request).await {
        Ok(stream) => stream.collect().await,
        Err(error) => Err(error),
    };
    [("whole", whole), ("streamed", streamed)]
}

/// An error's provider, model and kind, and those of the attempts before it.
pub(crate) fn story(attempts: &[Error]) -> Vec<(&str, &str, ErrorKind)> {
    let named = |error| -> (&str, &str, ErrorKind) {
        let error: &Error = error;
        assert!(error.attempts().is_empty(), "one flat list");
        (error.provider().expect("named"), error.model().expect("named"), error.kind())
    };
    attempts.iter().map(named).collect()
}

/// An empty folder of this name, for the files of one test.
pub(crate) fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("provider-layers").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
