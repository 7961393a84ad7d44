//! Bytes to events and to the answer: the client as it is, with the body at hand instead of a socket.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use openrouter_provider::OpenRouter;
use openrouter_provider::fuzzing::{self, Received};
use provider_core::{ChatRequest, ChatResponse};
use tokio::runtime::Builder;

use crate::{client, fixtures};

pub(crate) fn benches(criterion: &mut Criterion) {
    let client = client();
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    let pieces = Throughput::Elements(fixtures::PIECES as u64);

    let mut group = criterion.benchmark_group("decode");
    let mut bench = |name: &str, reads: Vec<Vec<u8>>, throughput: Throughput| {
        let answer = answer(reads);
        let reply = runtime.block_on(stream(&client, answer.clone()));
        assert!(reply.finish_reason.is_some() && reply.usage.total_tokens == Some(1_412), "a whole answer");
        group.throughput(throughput);
        group.bench_function(name, |b| {
            let read = |answer| runtime.block_on(stream(&client, answer));
            b.iter_batched(|| answer.clone(), read, BatchSize::LargeInput);
        });
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

fn answer(pieces: Vec<Vec<u8>>) -> Received {
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    Received { status: 200, headers, pieces, broken_off: false }
}

/// Reads a stream as a host does: every event, and the answer at the end.
async fn stream(client: &OpenRouter, answer: Received) -> ChatResponse {
    let request = ChatRequest::new("openai/gpt-4o").user("Hello");
    let mut stream = fuzzing::stream(client, &request, answer).await.expect("a stream");
    while let Some(event) = stream.next().await {
        black_box(event.expect("an event"));
    }
    stream.into_response().expect("an answer")
}
