//! Measures what it takes to put an answer together once a provider has decoded it: the share of every
//! provider's calls that is this crate's.
//!
//! A `ResponseAccumulator` alone makes a whole answer; inside a `ChatStream` it hands out an event for every
//! piece besides, so the extra cost of a stream is the cost of its events. The figures are per piece: an
//! answer comes in thousands of them.
//!
//! ```sh
//! cargo bench -p provider-core --bench collect
//! ```

#![allow(clippy::expect_used, reason = "benches fail by panicking, as tests do")]

use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator, ToolCallPiece};
use provider_core::{ChatResponse, ChatStream, Error};

/// How many pieces an answer comes in.
const PIECES: usize = 1_000;

/// Pieces as models write them. The last one is too long to be held without an allocation.
const TOKENS: [&str; 8] =
    ["The", " answer", " is", " a", " little", " longer", ",\n\n", " as it was in the beginning"];

/// A function that hands the piece of this number to the accumulator.
type Collect = fn(&mut ResponseAccumulator, usize);

fn main() {
    let criterion = Criterion::default().sample_size(30).without_plots();
    let criterion =
        criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let mut criterion = criterion.configure_from_args();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");

    let kinds: [(&str, Collect); 3] =
        [("text", text), ("reasoning", reasoning), ("tool arguments", tool_arguments)];
    let mut group = criterion.benchmark_group("collect");
    group.throughput(Throughput::Elements(PIECES as u64));
    for (name, collect) in kinds {
        group.bench_function(BenchmarkId::new("whole", name), |b| b.iter(|| whole(collect)));
        group.bench_function(BenchmarkId::new("stream", name), |b| {
            b.iter(|| runtime.block_on(streamed(collect)));
        });
    }
    group.finish();
    criterion.final_summary();
}

fn text(accumulator: &mut ResponseAccumulator, n: usize) {
    accumulator.push_text(TOKENS[n % TOKENS.len()]);
}

fn reasoning(accumulator: &mut ResponseAccumulator, n: usize) {
    accumulator.push_reasoning(TOKENS[n % TOKENS.len()]);
}

/// One call; its id and its name come with the first piece.
fn tool_arguments(accumulator: &mut ResponseAccumulator, n: usize) {
    let (index, arguments) = (Some(0), TOKENS[n % TOKENS.len()]);
    let (id, name) = if n == 0 { (Some("call_Zk3vQ8sNf1LxWb7T"), Some("edit_files")) } else { (None, None) };
    accumulator.push_tool_call(ToolCallPiece { index, id, name, arguments, ..ToolCallPiece::default() });
}

/// Hands over what a provider repeats with every chunk, then the piece. The repeats are news in the first
/// chunk only.
fn chunk(accumulator: &mut ResponseAccumulator, collect: Collect, n: usize) {
    accumulator.set_id("gen-1757000000-Qx7bTn3vKd9sLmZ2RwYc");
    accumulator.set_model("openai/gpt-4o");
    accumulator.set_served_by("OpenAI");
    accumulator.set_created(1_757_000_000);
    accumulator.set_system_fingerprint("fp_a7d06e42a7");
    collect(accumulator, n);
}

fn end(accumulator: &mut ResponseAccumulator) {
    accumulator.set_finish_reason("stop");
    accumulator.set_end_marked();
}

fn whole(collect: Collect) -> ChatResponse {
    let mut accumulator = ResponseAccumulator::without_events();
    for n in 0..PIECES {
        chunk(&mut accumulator, collect, n);
    }
    end(&mut accumulator);
    accumulator.finish().expect("an answer")
}

async fn streamed(collect: Collect) -> ChatResponse {
    let mut stream = ChatStream::new(Pieces { collect, next: 0 });
    while let Some(event) = stream.next().await {
        black_box(event.expect("an event"));
    }
    stream.into_response().expect("an answer")
}

/// A provider that has decoded everything already.
struct Pieces {
    collect: Collect,
    next: usize,
}

impl ChunkSource for Pieces {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        if self.next == PIECES {
            end(accumulator);
            return Poll::Ready(Ok(Progress::End));
        }
        chunk(accumulator, self.collect, self.next);
        self.next += 1;
        Poll::Ready(Ok(Progress::More))
    }
}
