//! A provider that plays a script for each model, on tokio's clock, and counts open streams.

// Each test program uses its own part of this. A panic is a failed test.
#![allow(dead_code, clippy::expect_used, clippy::unwrap_used)]

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{
    Capability, Catalogue, ChatRequest, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    ProviderDescriptor, Usage,
};
use tokio::time::{Sleep, sleep};

/// A duration in milliseconds.
pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const fn describe(id: &'static str, capability: Capability) -> ProviderDescriptor {
    ProviderDescriptor::new(id, "Scripted", |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
        .description("Made up for a test.")
        .capabilities(&[capability])
        .accepts_unlisted_models()
}

static SCRIPTED: ProviderDescriptor = describe("scripted", Capability::Llm);

/// The script of a model: when it accepts the request, and its events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    accepts_after: Duration,
    refusal: Option<Error>,
    acts: VecDeque<Act>,
    tidies_for: Duration,
}

#[derive(Clone, Debug)]
enum Act {
    Wait(Duration),
    Text(&'static str),
    Thought(&'static str),
    Usage(Box<Usage>),
    Finish,
    Fail(Error),
}

impl Script {
    pub(crate) fn accepts_after(mut self, time: Duration) -> Self {
        self.accepts_after = time;
        self
    }

    pub(crate) fn refuses(error: Error) -> Self {
        Self { refusal: Some(error), ..Self::default() }
    }

    pub(crate) fn text(self, after: Duration, text: &'static str) -> Self {
        self.act(Act::Wait(after)).act(Act::Text(text))
    }

    pub(crate) fn thought(self, after: Duration, text: &'static str) -> Self {
        self.act(Act::Wait(after)).act(Act::Thought(text))
    }

    pub(crate) fn usage(self, prompt_tokens: u64, completion_tokens: u64, cost: Option<&str>) -> Self {
        self.usage_with(prompt_tokens, completion_tokens, cost, |_| ())
    }

    pub(crate) fn usage_with(
        self,
        prompt_tokens: u64,
        completion_tokens: u64,
        cost: Option<&str>,
        more: impl FnOnce(&mut Usage),
    ) -> Self {
        let mut usage = Usage::default();
        usage.prompt_tokens = Some(prompt_tokens);
        usage.completion_tokens = Some(completion_tokens);
        usage.cost = cost.map(|cost| cost.parse().unwrap());
        more(&mut usage);
        self.act(Act::Usage(Box::new(usage)))
    }

    pub(crate) fn finish(self, after: Duration) -> Self {
        self.act(Act::Wait(after)).act(Act::Finish)
    }

    /// Sets how long the connection stays busy after the last event.
    pub(crate) fn tidies_for(mut self, time: Duration) -> Self {
        self.tidies_for = time;
        self
    }

    pub(crate) fn fail(self, after: Duration, error: Error) -> Self {
        self.act(Act::Wait(after)).act(Act::Fail(error))
    }

    fn act(mut self, act: Act) -> Self {
        self.acts.push_back(act);
        self
    }
}

/// A script with a complete answer after a time.
pub(crate) fn answers(after: Duration, text: &'static str) -> Script {
    Script::default().text(after, text).finish(Duration::ZERO)
}

/// A script that sends a text at once and then stalls.
pub(crate) fn stalls(text: &'static str) -> Script {
    Script::default().text(Duration::ZERO, text).finish(Duration::from_secs(1_000_000))
}

/// A provider that plays the script of the requested model.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    scripts: BTreeMap<&'static str, Script>,
    requests: Mutex<Vec<ChatRequest>>,
    open: Arc<Open>,
}

/// The number of streams that are open, from request to drop, and its maximum.
#[derive(Debug, Default)]
struct Open {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Counts a stream as open until it is dropped.
#[derive(Debug)]
struct Opened(Arc<Open>);

impl Opened {
    fn new(open: &Arc<Open>) -> Self {
        let now = open.now.fetch_add(1, Relaxed) + 1;
        open.most.fetch_max(now, Relaxed);
        Self(open.clone())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Relaxed);
    }
}

impl Scripted {
    pub(crate) fn new(scripts: impl IntoIterator<Item = (&'static str, Script)>) -> Arc<Self> {
        Arc::new(Self { scripts: scripts.into_iter().collect(), ..Self::default() })
    }

    pub(crate) fn requests(&self) -> Vec<ChatRequest> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn open(&self) -> usize {
        self.open.now.load(Relaxed)
    }

    pub(crate) fn most_open(&self) -> usize {
        self.open.most.load(Relaxed)
    }
}

#[async_trait]
impl LlmProvider for Scripted {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &SCRIPTED
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.requests.lock().unwrap().push(request.clone());
        let script = self.scripts.get(request.model.as_str()).expect("a script").clone();
        let opened = Opened::new(&self.open);
        sleep(script.accepts_after).await;
        match script.refusal {
            Some(error) => Err(error),
            None => {
                let Script { acts, tidies_for, .. } = script;
                let source = Source { acts, waiting: None, tidies_for, _opened: opened };
                Ok(ChatStream::new(source).requested(&request.model, &[]))
            }
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

struct Source {
    acts: VecDeque<Act>,
    waiting: Option<Pin<Box<Sleep>>>,
    tidies_for: Duration,
    _opened: Opened,
}

impl ChunkSource for Source {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
        }
        let Some(act) = self.acts.pop_front() else { return Poll::Ready(Ok(Progress::End)) };
        match act {
            Act::Wait(time) => self.waiting = (!time.is_zero()).then(|| Box::pin(sleep(time))),
            Act::Text(text) => accumulator.push_text(text),
            Act::Thought(text) => accumulator.push_reasoning(text),
            Act::Usage(usage) => accumulator.update_usage(*usage),
            Act::Finish => accumulator.set_finish_reason("stop"),
            Act::Fail(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(Progress::More))
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let time = self.tidies_for;
        self.waiting.get_or_insert_with(|| Box::pin(sleep(time))).as_mut().poll(cx)
    }
}
