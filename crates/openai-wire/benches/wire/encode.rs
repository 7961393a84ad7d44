//! A request to bytes.

use criterion::{BenchmarkId, Criterion, Throughput};
use openai_wire::{Plain, encode};
use provider_core::{ChatRequest, FunctionTool, Part};

use crate::fixtures;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for (name, request) in [("small", small()), ("200 messages", long()), ("5 MB image", image())] {
        let body = || encode(&request, true, &Plain).expect("a body");
        group.throughput(Throughput::Bytes(body().len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(body));
    }
    group.finish();
}

fn small() -> ChatRequest {
    let request = ChatRequest::new("openai/gpt-4o").system("You are brief.").user("Why is the sky blue?");
    request.temperature(0.2).max_tokens(500)
}

/// An agent's conversation after a while.
fn long() -> ChatRequest {
    let question = "Look at \"src/main.rs\" once more, please, and tell me what is wrong with line 42.\n";
    let answer =
        "It unwraps what can be `None`: the file may be empty. Use `let … else` there, and say so.\n";
    (0..100)
        .fold(small(), |request, _| request.user(question.repeat(4)).assistant(answer.repeat(8)))
        .tool(FunctionTool::new("read_file", "Reads a file of the project"))
}

fn image() -> ChatRequest {
    let url = format!("data:image/png;base64,{}", fixtures::base64(5_000_000));
    ChatRequest::new("openai/gpt-4o").user([Part::text("What is in it?"), Part::image_url(url)])
}
