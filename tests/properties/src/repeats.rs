//! Streams whose chunks are alike: what repeats is recognised, and must come to what reading it in full comes
//! to.

use provider_core::Error;

use crate::client::{client, request, stream};
use crate::decoder::received;
use crate::outcome::Outcome;
use crate::{Cut, plain};

/// Reads a stream as it is, and once more with something else between any two of its events, so that none of
/// them can be told by the one before it.
pub fn repeats(bytes: &[u8]) {
    let as_it_is = outcome(bytes);
    // Lines that are no events cannot be put apart. They count at the end where they are JSON or a page.
    if plain::other_lines(bytes).trim_start().starts_with(['{', '[', '<']) {
        return;
    }
    let mut apart = String::new();
    let (frames, _, last) = plain::frames(bytes);
    let is_last = |at: usize| last.is_some() && at == frames.len();
    for (at, frame) in frames.iter().chain(&last).enumerate() {
        // An empty chunk says nothing.
        apart.push_str("data: {}\n\n");
        if let Some(event) = &frame.event {
            apart.push_str(&format!("event: {event}\n"));
        }
        for line in frame.data.split('\n') {
            apart.push_str(&format!("data: {line}\n"));
        }
        if !is_last(at) {
            apart.push('\n');
        }
    }
    let in_full = outcome(apart.as_bytes());
    assert_eq!(as_it_is.events, in_full.events);
    assert_eq!(as_it_is.response(), in_full.response());
    let ends = [&as_it_is, &in_full].map(|outcome| outcome.end.as_ref().err().map(said));
    // An empty chunk begins an answer, and lines that are no events are not put apart.
    let is_nothing = |end: &Option<(String, String)>| matches!(end, Some((message, _)) if message == "the answer is empty");
    let has_begun = !ends.iter().any(is_nothing);
    assert!(if has_begun { ends[0] == ends[1] } else { ends.iter().all(Option::is_some) }, "{ends:?}");
}

fn outcome(bytes: &[u8]) -> Outcome {
    let outcome = Outcome::of(stream(client(), &request(), received(bytes, Cut::Whole)));
    outcome.check();
    outcome
}

/// Returns an error's message without digits, since it may number an event, and the error's facts.
fn said(error: &Error) -> (String, String) {
    let message = error.message().chars().filter(|c| !c.is_ascii_digit()).collect();
    (message, format!("{:?} {:?} {:?} {:?}", error.kind(), error.code(), error.upstream(), error.details()))
}
