//! The cost of layers while an answer streams, in allocations: a count does not depend on the machine.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConnectionReport, Error, LlmProvider, ProviderDescriptor,
};
use provider_layers::{ContinueLayer, ContinueSettings, Layer, StandardSettings, standard};

use support::ACME;

/// Says the same word again and again, and has its reader wait before every one.
#[derive(Debug)]
struct Chatter {
    words: u32,
}

struct Words {
    left: u32,
    has_waited: bool,
}

impl ChunkSource for Words {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        self.has_waited = !self.has_waited;
        if self.has_waited {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.left == 0 {
            accumulator.set_end_marked();
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

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream, Error> {
        Ok(ChatStream::new(Words { left: self.words, has_waited: false }))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

/// The blocks that reading an answer of so many words takes.
fn blocks(words: u32, wrap: impl FnOnce(Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider>) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let provider = wrap(Arc::new(Chatter { words }));
    let request = ChatRequest::new("a").user("Hello");
    let measured = allocation_counter::measure(|| {
        runtime.block_on(async {
            let reply = provider.stream(&request).await.expect("a stream").collect().await;
            assert_eq!(reply.expect("an answer").text().len(), words as usize * " word".len());
        });
    });
    measured.count_total
}

#[test]
fn standard_layers_allocate_nothing_per_event() {
    let layered = |words| blocks(words, |provider| standard(provider, &StandardSettings::default()));
    let cost = |words| layered(words) - blocks(words, |provider| provider);
    let (short, long) = (cost(10), cost(10_000));
    assert_eq!(short, long, "blocks for all of an answer of 10 and of 10,000 words");
    assert!(long <= 8, "{long} blocks");
}

#[test]
fn continue_layer_allocates_nothing_per_event() {
    let layer = ContinueLayer::new(ContinueSettings::default());
    let cost = |words| blocks(words, |provider| layer.layer(provider)) - blocks(words, |provider| provider);
    let (short, long) = (cost(10), cost(10_000));
    assert_eq!(short, long, "blocks for all of an answer of 10 and of 10,000 words");
    assert!(long <= 16, "{long} blocks");
}
