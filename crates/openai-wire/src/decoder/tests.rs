//! The cost of decoding, in allocations: a count does not depend on the machine.

mod activity;

use std::task::{Context, Poll, Waker};

use provider_core::ChatStream;
use provider_core::author::ChunkSource;

use super::*;
use crate::dialect::Plain;

/// A source without a socket: the data of frames.
struct Frames {
    decoder: ChatDecoder<Plain>,
    data: std::vec::IntoIter<String>,
}

impl ChunkSource for Frames {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let Some(data) = self.data.next() else { return Poll::Ready(Ok(Progress::End)) };
        Poll::Ready(self.decoder.decode(Frame::new(&*data), out).map_err(DecodeError::into_error))
    }
}

/// Reads a stream of `chunks` times `chunk` to its end, and returns the allocations per chunk, in blocks and
/// in bytes.
fn cost(chunks: u64, chunk: &str) -> (f64, f64) {
    cost_of(chunks, |_| chunk.to_owned())
}

/// The same for chunks that are made by their number.
fn cost_of(chunks: u64, chunk: impl Fn(u64) -> String) -> (f64, f64) {
    cost_by(ChatDecoder::new(Arc::new(Plain), ResponseHead::default()), chunks, chunk)
}

fn cost_by(decoder: ChatDecoder<Plain>, chunks: u64, chunk: impl Fn(u64) -> String) -> (f64, f64) {
    let end = r#"{"choices":[{"finish_reason":"stop"}]}"#.to_owned();
    let data: Vec<String> = (0..chunks).map(chunk).chain([end, "[DONE]".to_owned()]).collect();
    let source = Frames { decoder, data: data.into_iter() };
    let measured = allocation_counter::measure(|| {
        let mut stream = ChatStream::new(source);
        let mut cx = Context::from_waker(Waker::noop());
        let mut next = Box::pin(async move {
            let mut events = 0;
            while let Some(event) = stream.next().await {
                event.expect("a good stream");
                events += 1;
            }
            events
        });
        match next.as_mut().poll(&mut cx) {
            Poll::Ready(events) => assert_eq!(events, chunks + 1),
            Poll::Pending => panic!("nothing to wait for"),
        }
    });
    (measured.count_total as f64 / chunks as f64, measured.bytes_total as f64 / chunks as f64)
}

#[test]
fn a_chunk_of_tagged_thoughts_costs_no_allocation() {
    let decoder = ChatDecoder::new(Arc::new(Plain), ResponseHead::default()).reasoning_tags(true);
    let text = |number| if number == 0 { "<think>Hm" } else { " a < b, a piece" };
    let (blocks, _) =
        cost_by(decoder, 10_000, |number| format!(r#"{HEAD}"content":"{}"{TAIL}"#, text(number)));
    assert!(blocks < 0.1, "{blocks} allocations per chunk");
}

const HEAD: &str = r#"{"id":"gen-1760532574-2dAHZE6zUiSaYyanMrUf","provider":"OpenAI","model":"openai/gpt-4o","object":"chat.completion.chunk","created":1760532574,"choices":[{"index":0,"delta":{"role":"assistant","#;
const TAIL: &str =
    r#"},"finish_reason":null,"native_finish_reason":null,"logprobs":null}],"system_fingerprint":"fp_1"}"#;

#[test]
fn a_chunk_of_text_costs_no_allocation() {
    for text in [" a piece of text", r#"a line\nand \"another\""#] {
        let (blocks, bytes) = cost(10_000, &format!(r#"{HEAD}"content":"{text}"{TAIL}"#));
        assert!(blocks < 0.05, "{blocks} allocations per chunk");
        // The buffer that collects the text grows by a quarter when it is full: five times the text in all.
        assert!(bytes < 5.0 * text.len() as f64 + 20.0, "{bytes} bytes per chunk");
    }
}

#[test]
fn a_chunk_of_reasoning_costs_no_allocation() {
    let details = r#""reasoning":"hm, ","reasoning_details":[{"type":"reasoning.text","text":"hm, ","format":"unknown","index":0}]"#;
    let (blocks, bytes) = cost(10_000, &format!(r#"{HEAD}"content":"",{details}{TAIL}"#));
    assert!(blocks < 0.05, "{blocks} allocations per chunk");
    assert!(bytes < 60.0, "{bytes} bytes per chunk");
}

#[test]
fn a_piece_of_a_tool_call_costs_no_allocation() {
    let call = r#""content":null,"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]"#;
    let (blocks, _) = cost(10_000, &format!("{HEAD}{call}{TAIL}"));
    assert!(blocks < 0.05, "{blocks} allocations per chunk");
}

/// An unknown field does not allocate, either, although its value differs in each chunk.
#[test]
fn a_field_that_is_new_in_every_chunk_costs_no_allocation() {
    let tail = &TAIL[..TAIL.len() - 1];
    let (blocks, bytes) = cost_of(10_000, |number| {
        format!(r#"{HEAD}"content":" word"{tail},"obfuscation":"{number:a>9}","took":{number}}}"#)
    });
    assert!(blocks < 0.05, "{blocks} allocations per chunk");
    assert!(bytes < 60.0, "{bytes} bytes per chunk");
}

#[test]
fn a_chunk_of_reasoning_under_another_name_costs_no_allocation() {
    let (blocks, _) = cost(10_000, &format!(r#"{HEAD}"content":null,"reasoning_content":"hm, "{TAIL}"#));
    assert!(blocks < 0.05, "{blocks} allocations per chunk");
}

/// A full decode allocates for a text with escapes, and not for one without.
#[test]
fn a_chunk_that_is_read_in_full_costs_no_allocation() {
    let chunk = format!(r#"{HEAD}"content":"","refusal":" a piece of text"{TAIL}"#);
    let (blocks, _) = cost(10_000, &chunk);
    assert!(blocks < 0.05, "{blocks} allocations per chunk");
}

/// Four times the pieces must cost four times the memory, not sixteen times.
#[test]
fn collecting_is_linear() {
    let chunk = format!(
        r#"{HEAD}"content":null,"tool_calls":[{{"index":0,"function":{{"arguments":"0123456789"}}}}]{TAIL}"#
    );
    let (_, few) = cost(2_000, &chunk);
    let (_, many) = cost(8_000, &chunk);
    assert!(many < few * 1.5, "{few} bytes per piece became {many}");
}
