//! Bytes to frames: a cost for every byte of every stream.
//!
//! ```sh
//! cargo bench -p provider-http --bench framing
//! ```

#![allow(clippy::expect_used, reason = "benches fail by panicking, as tests do")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use provider_http::{Framer, JsonLinesFramer, SseFramer};

/// How many pieces an answer comes in.
const PIECES: usize = 1_000;
/// The bytes that one read of a socket returns when much is waiting.
const READ: usize = 16 << 10;
/// Cuts that respect neither lines nor characters.
const ODD: [usize; 8] = [1, 7, 191, 2, 3, 1_460, 13, 64];

fn main() {
    let criterion = Criterion::default().sample_size(20).without_plots();
    let criterion =
        criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let mut criterion = criterion.configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
}

fn benches(criterion: &mut Criterion) {
    let frames: Vec<String> = (0..PIECES).map(|n| format!("data: {}\n\n", chunk(n))).collect();
    let lines: String = (0..PIECES).map(|n| chunk(n) + "\n").collect();
    let text = frames.concat();
    let large = format!("data: {}\n\n", "iVBORw0KGgo/Qx7k".repeat(1 << 16));

    let mut group = criterion.benchmark_group("sse");
    let mut bench = |name: &str, pieces: Vec<&[u8]>| {
        group.throughput(Throughput::Bytes(pieces.iter().map(|piece| piece.len() as u64).sum()));
        group.bench_with_input(BenchmarkId::from_parameter(name), &pieces, |b, pieces| {
            b.iter(|| read(SseFramer::new(32 << 20), pieces))
        });
    };
    bench("frame by frame", frames.iter().map(String::as_bytes).collect());
    bench("16 KiB reads", text.as_bytes().chunks(READ).collect());
    bench("odd pieces", odd(text.as_bytes()));
    bench("1 MiB frame", large.as_bytes().chunks(READ).collect());
    group.finish();

    let mut group = criterion.benchmark_group("JSON lines");
    group.throughput(Throughput::Bytes(lines.len() as u64));
    let pieces: Vec<&[u8]> = lines.as_bytes().chunks(READ).collect();
    group.bench_function("16 KiB reads", |b| b.iter(|| read(JsonLinesFramer::new(32 << 20), &pieces)));
    group.finish();
}

/// A chunk of a streamed chat completion, of which a word is new.
fn chunk(n: usize) -> String {
    let word = ["The", " answer", " is", " \\\"quoted\\\"", ".", "\\n\\n", "Caf\u{e9}", " too"][n % 8];
    format!(
        r#"{{"id":"gen-1757000000-Qx7bTn3vKd9sLmZ2RwYc","provider":"OpenAI","model":"openai/gpt-4o","object":"chat.completion.chunk","created":1757000000,"choices":[{{"index":0,"delta":{{"role":"assistant","content":"{word}"}},"finish_reason":null,"native_finish_reason":null,"logprobs":null}}],"system_fingerprint":"fp_a7d06e42a7"}}"#
    )
}

/// Reads all frames; their bytes, so that they are needed.
fn read(mut framer: impl Framer, pieces: &[&[u8]]) -> usize {
    let mut bytes = 0;
    for piece in pieces {
        framer.feed(piece);
        while let Some(frame) = framer.next_frame().expect("frames within the limit") {
            bytes += frame.data.len();
        }
    }
    bytes
}

fn odd(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    for size in ODD.into_iter().cycle() {
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        if piece.is_empty() {
            break;
        }
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
