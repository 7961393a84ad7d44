//! The cost of the standard layers, which are around every provider that a registry connects.
//!
//! Each bench runs with a bare provider and with the same one in `standard(..)`; the difference is the cost
//! of the layers. A stream of one word, and a whole answer, show it for a call; 1,000 words show it for an
//! event.
//! `stream` has all words at hand, as when much has come at once; `waits` has its reader wait before every
//! word, as a model does, and then the layers read the clock.
//!
//! ```sh
//! cargo bench -p provider-layers --bench layers
//! ```

#![allow(clippy::expect_used, reason = "benches fail by panicking, as tests do")]

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use criterion::{BenchmarkId, Criterion, Throughput};
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    ProviderDescriptor,
};
use provider_layers::{StandardSettings, standard};

fn main() {
    let criterion = Criterion::default().sample_size(30).without_plots();
    let criterion =
        criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let mut criterion = criterion.configure_from_args();
    streams(&mut criterion, "layers/stream", false);
    streams(&mut criterion, "layers/waits", true);
    whole(&mut criterion);
    criterion.final_summary();
}

/// A stream, read event by event.
fn streams(criterion: &mut Criterion, name: &str, waits: bool) {
    let (runtime, request) = (runtime(), ChatRequest::new("acme/chatter").user("Hello"));
    let mut group = criterion.benchmark_group(name);
    for words in [1, 1_000] {
        group.throughput(Throughput::Elements(words));
        for (layers, provider) in both(Chatter { words, waits }) {
            group.bench_function(BenchmarkId::new(layers, words), |b| {
                b.iter(|| runtime.block_on(read(&*provider, &request)));
            });
        }
    }
    group.finish();
}

/// A whole answer.
fn whole(criterion: &mut Criterion) {
    let (runtime, request) = (runtime(), ChatRequest::new("acme/chatter").user("Hello"));
    let mut group = criterion.benchmark_group("layers/chat");
    for (layers, provider) in both(Chatter { words: 1, waits: false }) {
        group.bench_function(layers, |b| {
            b.iter(|| runtime.block_on(provider.chat(&request)).expect("an answer"));
        });
    }
    group.finish();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// The provider as it is, and with the layers around it.
fn both(provider: Chatter) -> [(&'static str, Arc<dyn LlmProvider>); 2] {
    let bare: Arc<dyn LlmProvider> = Arc::new(provider);
    [("bare", bare.clone()), ("standard", standard(bare, &StandardSettings::default()))]
}

async fn read(provider: &dyn LlmProvider, request: &ChatRequest) -> ChatResponse {
    let mut stream = provider.stream(request).await.expect("a stream");
    while let Some(event) = stream.next().await {
        black_box(event.expect("an event"));
    }
    stream.into_response().expect("an answer")
}

static ACME: ProviderDescriptor =
    ProviderDescriptor::new("acme", "Acme", |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
        .description("Made up for a benchmark.")
        .accepts_unlisted_models();

/// Says the same word again and again.
#[derive(Debug)]
struct Chatter {
    words: u64,
    /// Whether its reader has to wait before every word.
    waits: bool,
}

struct Words {
    left: u64,
    waits: bool,
    has_waited: bool,
}

impl ChunkSource for Words {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        if self.waits {
            self.has_waited = !self.has_waited;
            if self.has_waited {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if self.left == 0 {
            accumulator.set_finish_reason("stop");
            return Poll::Ready(Ok(Progress::End));
        }
        self.left -= 1;
        accumulator.push_text(" word");
        Poll::Ready(Ok(Progress::More))
    }
}

#[async_trait]
impl LlmProvider for Chatter {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let words = Words { left: self.words, waits: self.waits, has_waited: false };
        Ok(ChatStream::new(words).requested(&request.model, &[]))
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let mut accumulator = ResponseAccumulator::without_events();
        accumulator.set_requested(&request.model, &[]);
        (0..self.words).for_each(|_| accumulator.push_text(" word"));
        accumulator.set_finish_reason("stop");
        accumulator.finish()
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}
