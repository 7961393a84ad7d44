//! Bytes to events and to the answer: the client as it is, with the body at hand instead of a socket.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, ChatResponse};
use tokio::runtime::Builder;

use crate::{client, fixtures};

pub(crate) fn benches(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    let pieces = Throughput::Elements(fixtures::PIECES as u64);

    let mut group = criterion.benchmark_group("decode");
    let mut bench = |name: &str, reads: Vec<Vec<u8>>, throughput: Throughput| {
        let client = client("text/event-stream", reads);
        let reply = runtime.block_on(stream(&client));
        assert!(reply.finish_reason.is_some() && reply.usage.total_tokens == Some(1_412), "a whole answer");
        group.throughput(throughput);
        group.bench_function(name, |b| b.iter(|| runtime.block_on(stream(&client))));
    };
    // While a model writes, a read of the socket has about one frame in it.
    let frames = |frames: Vec<String>| frames.into_iter().map(String::into_bytes).collect();
    bench("text", frames(fixtures::text()), pieces.clone());
    bench("tool arguments", frames(fixtures::tool_arguments()), pieces.clone());
    bench("reasoning", frames(fixtures::reasoning()), pieces.clone());
    bench("reasoning details", frames(fixtures::reasoning_details()), pieces);
    let image = fixtures::image(1 << 20).concat().into_bytes();
    let reads = image.chunks(fixtures::READ).map(<[u8]>::to_vec).collect();
    bench("1 MiB image", reads, Throughput::Bytes(image.len() as u64));
    group.finish();
}

/// Reads a stream as a host does: every event, and the answer at the end.
async fn stream(client: &OpenRouter) -> ChatResponse {
    let request = ChatRequest::new("openai/gpt-4o").user("Hello");
    let mut stream = client.stream(&request).await.expect("a stream");
    while let Some(event) = stream.next().await {
        black_box(event.expect("an event"));
    }
    stream.into_response().expect("an answer")
}
