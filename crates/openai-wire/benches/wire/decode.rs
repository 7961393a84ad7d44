//! Frames to events and to the answer.

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll};

use criterion::{Criterion, Throughput};
use openai_wire::{ChatDecoder, Plain};
use provider_core::author::{
    ChunkSource, DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead,
};
use provider_core::{ChatResponse, ChatStream, Error};
use tokio::runtime::Builder;

use crate::fixtures;

pub(crate) fn benches(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let pieces = Throughput::Elements(fixtures::PIECES as u64);

    let mut group = criterion.benchmark_group("decode");
    let mut bench = |name: &str, frames: Vec<String>, throughput: Throughput| {
        let frames: Arc<[String]> = frames.into();
        let reply = runtime.block_on(read(&frames));
        assert!(reply.finish_reason.is_some() && reply.usage.total_tokens == Some(1_412), "a whole answer");
        group.throughput(throughput);
        group.bench_function(name, |b| b.iter(|| runtime.block_on(read(&frames))));
    };
    bench("text", fixtures::text(), pieces.clone());
    bench("tool arguments", fixtures::tool_arguments(), pieces.clone());
    bench("reasoning", fixtures::reasoning(), pieces.clone());
    bench("reasoning details", fixtures::reasoning_details(), pieces);
    let image = fixtures::image(1 << 20);
    let bytes = Throughput::Bytes(image.iter().map(|frame| frame.len() as u64).sum());
    bench("1 MiB image", image, bytes);
    group.finish();
}

/// Reads a stream as a host does: every event, and the answer at the end.
async fn read(frames: &Arc<[String]>) -> ChatResponse {
    let decoder = ChatDecoder::new(Arc::new(Plain), ResponseHead::default());
    let mut stream = ChatStream::new(Frames { frames: frames.clone(), next: 0, decoder });
    while let Some(event) = stream.next().await {
        black_box(event.expect("an event"));
    }
    stream.into_response().expect("an answer")
}

/// A source that has its frames at hand.
struct Frames {
    frames: Arc<[String]>,
    next: usize,
    decoder: ChatDecoder<Plain>,
}

impl ChunkSource for Frames {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let Some(data) = self.frames.get(self.next) else { return Poll::Ready(Ok(Progress::End)) };
        self.next += 1;
        Poll::Ready(self.decoder.decode(Frame::new(&**data), out).map_err(DecodeError::into_error))
    }
}
