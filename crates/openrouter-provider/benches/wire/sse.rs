//! Bytes to frames.

use criterion::{BenchmarkId, Criterion, Throughput};
use provider_http::{Framer as _, SseFramer};

use crate::fixtures;

/// Cuts that respect neither lines nor characters.
const ODD: [usize; 8] = [1, 7, 191, 2, 3, 1_460, 13, 64];

pub(crate) fn benches(criterion: &mut Criterion) {
    let frames = fixtures::text();
    let text = frames.concat();
    let large = fixtures::image(1 << 20).concat();

    let mut group = criterion.benchmark_group("sse");
    let mut bench = |name: &str, pieces: Vec<&[u8]>| {
        group.throughput(Throughput::Bytes(pieces.iter().map(|piece| piece.len() as u64).sum()));
        group.bench_with_input(BenchmarkId::from_parameter(name), &pieces, |b, pieces| {
            b.iter(|| read(pieces))
        });
    };
    bench("frame by frame", frames.iter().map(String::as_bytes).collect());
    bench("16 KiB reads", text.as_bytes().chunks(fixtures::READ).collect());
    bench("odd pieces", odd(text.as_bytes()));
    bench("1 MiB frame", large.as_bytes().chunks(fixtures::READ).collect());
    group.finish();
}

/// Reads all frames; their bytes, so that they are needed.
fn read(pieces: &[&[u8]]) -> usize {
    let (mut decoder, mut bytes) = (SseFramer::new(32 << 20), 0);
    for piece in pieces {
        decoder.feed(piece);
        while let Some(frame) = decoder.next_frame().expect("frames within the limit") {
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
