//! Allocations are counted: a piece of text costs none of its own.

use messages_provider::MessagesCodec;
use provider_core::ChatRequest;
use provider_core::author::{ChatCodec, Frame, FrameDecoder, ResponseAccumulator, ResponseHead};

const DELTA: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}"#;

#[test]
fn piece_of_text_costs_no_allocation() {
    let mut decoder = MessagesCodec::default().decoder(&ChatRequest::new("m"), ResponseHead::default());
    let mut out = ResponseAccumulator::without_events();
    let mut decode = |count: usize| {
        for _ in 0..count {
            let _ = decoder.decode(Frame::new(DELTA), &mut out);
        }
    };
    decode(1000);
    let counted = allocation_counter::measure(|| decode(1000));
    // The answer's text grows, by a quarter each time: four times to twice its length.
    assert!(counted.count_total <= 4, "{} allocations for 1000 pieces", counted.count_total);
}
