//! Which frames are signs of life of an answer.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use provider_core::author::{Activity, ChunkSource, Progress, ResponseAccumulator, StreamObserver};
use provider_core::{ChatStream, Error};

use super::*;

/// The frames that are there, and then nothing.
struct Frames(ChatDecoder);

impl ChunkSource for Frames {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        match self.0.step(accumulator) {
            Ok(Decoded::Frame) => Poll::Ready(Ok(Progress::More)),
            Ok(Decoded::NeedsBytes) => Poll::Pending,
            other => panic!("{other:?}"),
        }
    }
}

/// Keeps what it sees: whether it was output.
struct Signs(Arc<Mutex<Vec<bool>>>);

impl StreamObserver for Signs {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        self.0.lock().unwrap().push(activity.is_output());
        Ok(())
    }
}

/// The signs of these frames, read until there are no more.
fn signs(frames: &str, keep_raw: bool) -> Vec<bool> {
    let mut decoder = ChatDecoder::new(&Limits::default(), keep_raw);
    decoder.feed(frames.as_bytes());
    let signs = Arc::default();
    let stream = ChatStream::new(Frames(decoder)).observed(Signs(Arc::clone(&signs)));
    assert!(pin!(stream.collect()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    signs.lock().unwrap().clone()
}

#[test]
fn every_chunk_is_a_sign_and_no_keep_alive_is() {
    let chunk = |delta: &str, more: &str| {
        format!(
            r#"data: {{"id":"gen-1","choices":[{{"index":0,"delta":{{"role":"assistant"{delta}}}{more}}}]}}"#
        )
    };
    let usage = r#"data: {"id":"gen-1","choices":[],"usage":{"completion_tokens":3}}"#.to_owned();
    let (text, empty) = (chunk(r#","content":"a""#, ""), chunk(r#","content":"""#, ""));
    let cases: [(Vec<String>, &[bool]); 11] = [
        (vec![text.clone()], &[true]),
        (vec![chunk("", "")], &[false]),
        (vec![chunk("", r#","finish_reason":"stop""#)], &[false]),
        (vec![usage], &[false]),
        // The last two are told by the one before.
        (vec![text.clone(), text, empty.clone()], &[true, true, false]),
        (vec![empty.clone(), empty], &[false, false]),
        (vec![": OPENROUTER PROCESSING".to_owned()], &[]),
        (vec!["data:".to_owned(), "data: null".to_owned()], &[]),
        (vec!["event: ping\ndata: {\"type\":\"ping\"}".to_owned()], &[]),
        (vec!["event: ping\ndata: pong".to_owned()], &[]),
        (vec!["event: message\ndata: {\"choices\":[]}".to_owned()], &[false]),
    ];
    for (frames, expected) in cases {
        let body: String = frames.iter().map(|frame| format!("{frame}\n\n")).collect();
        for keep_raw in [false, true] {
            assert_eq!(signs(&body, keep_raw), expected, "{body} {keep_raw}");
        }
    }
}
