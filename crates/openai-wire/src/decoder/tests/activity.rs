//! The frames that count as an answer's activity.

use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use provider_core::ChatStream;
use provider_core::author::{Activity, ChunkSource, StreamObserver};

use super::super::*;
use crate::dialect::Plain;

/// A source that yields its frames, and then stays pending.
struct Frames(ChatDecoder<Plain>, std::vec::IntoIter<(Option<&'static str>, String)>);

impl ChunkSource for Frames {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let Some((event, data)) = self.1.next() else { return Poll::Pending };
        let mut frame = Frame::new(data);
        frame.event = event.map(Into::into);
        assert_eq!(self.0.decode(frame, out), Ok(Progress::More));
        Poll::Ready(Ok(Progress::More))
    }
}

/// Records for each activity whether it was output.
struct Seen(Arc<Mutex<Vec<bool>>>);

impl StreamObserver for Seen {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        self.0.lock().unwrap().push(activity.is_output());
        Ok(())
    }
}

/// Decodes all of these frames, and returns for each activity whether it was output.
fn activity(frames: Vec<(Option<&'static str>, String)>, keep_raw: bool, raw_events: bool) -> Vec<bool> {
    let decoder = ChatDecoder::new(Arc::new(Plain), ResponseHead::default());
    let decoder = decoder.keep_raw(keep_raw).raw_events(raw_events);
    let seen = Arc::default();
    let source = Frames(decoder, frames.into_iter());
    let stream = ChatStream::new(source).observed(Seen(Arc::clone(&seen)));
    assert!(pin!(stream.collect()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    seen.lock().unwrap().clone()
}

#[test]
fn each_chunk_is_activity_and_no_keep_alive_is() {
    let chunk = |delta: &str, more: &str| {
        let json = format!(
            r#"{{"id":"gen-1","choices":[{{"index":0,"delta":{{"role":"assistant"{delta}}}{more}}}]}}"#
        );
        (None, json)
    };
    let usage = (None, r#"{"id":"gen-1","choices":[],"usage":{"completion_tokens":3}}"#.to_owned());
    let (text, empty) = (chunk(r#","content":"a""#, ""), chunk(r#","content":"""#, ""));
    let ping = |data: &str| (Some("ping"), data.to_owned());
    let cases: [(Vec<_>, &[bool]); 10] = [
        (vec![text.clone()], &[true]),
        (vec![chunk("", "")], &[false]),
        (vec![chunk("", r#","finish_reason":"stop""#)], &[false]),
        (vec![usage], &[false]),
        // The last two match the template.
        (vec![text.clone(), text, empty.clone()], &[true, true, false]),
        (vec![empty.clone(), empty], &[false, false]),
        (vec![(None, String::new()), (None, "null".to_owned())], &[]),
        (vec![ping(r#"{"type":"ping"}"#)], &[]),
        (vec![ping("pong")], &[]),
        (vec![(Some("message"), r#"{"choices":[]}"#.to_owned())], &[false]),
    ];
    for (frames, expected) in cases {
        for (keep_raw, raw_events) in [(false, false), (true, false), (false, true)] {
            let seen = activity(frames.clone(), keep_raw, raw_events);
            assert_eq!(seen, expected, "{frames:?} {keep_raw} {raw_events}");
        }
    }
}
