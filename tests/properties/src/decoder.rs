//! Streams of answers.

use openrouter_provider::Limits;
use provider_core::ErrorKind;

use crate::client::{Received, client, limited, request, stream};
use crate::cuts::{Cut, cut};
use crate::outcome::Outcome;
use crate::{plain, repeats, seed};

/// Any bytes make a stream that keeps its law; however they are cut, it says the same, and no text is lost.
/// Nor does it matter whether its chunks are alike.
pub fn decoder(bytes: &[u8]) {
    let outcome = read(bytes);
    repeats(bytes);
    if let Some(plain) = plain::stream(bytes) {
        assert_eq!(outcome.text(), plain.text, "what a plain reading finds");
        match plain.good {
            Some(true) => assert!(outcome.end.is_ok(), "{:?} of a good answer", outcome.end),
            Some(false) => assert!(outcome.end.is_err(), "{:?} of what is no answer", outcome.end),
            None => {}
        }
    }
    let bounded = [Limits::default().max_frame_bytes(100), Limits::default().max_body_bytes(200)];
    for limits in bounded {
        let seed = seed(bytes);
        let outcome = Outcome::of(stream(
            &limited(limits),
            &request(),
            received(bytes, Cut::Random { seed, longest: 90 }),
        ));
        outcome.check();
    }
}

/// Reads a stream in several ways, which must come to the same; gives the outcome.
pub fn read(bytes: &[u8]) -> Outcome {
    let seed = seed(bytes);
    let read = |received| {
        let outcome = Outcome::of(stream(client(), &request(), received));
        outcome.check();
        outcome
    };
    let whole = read(received(bytes, Cut::Whole));
    for cut in [Cut::Random { seed, longest: 1 }, Cut::Random { seed, longest: 40 }, Cut::InsideCharacters] {
        read(received(bytes, cut)).must_equal(&whole, &format!("{cut:?}"));
    }
    let mut broken_off = received(bytes, Cut::Whole);
    broken_off.broken_off = true;
    let broken_off = read(broken_off);
    match &broken_off.end {
        // The end came before, or the error that counts.
        Ok(_) => broken_off.must_equal(&whole, "broken off after the end"),
        Err(error) => {
            assert!(
                whole.end.is_err() || error.kind() == ErrorKind::Interrupted,
                "{error} of {:?}",
                whole.end
            );
            assert_eq!(broken_off.events, whole.events, "what came is the same");
        }
    }
    let mut with_raw = request();
    with_raw.keep_raw = true;
    let raw = Outcome::of(stream(client(), &with_raw, received(bytes, Cut::Whole)));
    raw.check();
    assert_eq!(raw.text(), whole.text());
    let mut relayed = request();
    relayed.raw_events = true;
    let relayed = Outcome::of(stream(client(), &relayed, received(bytes, Cut::Whole)));
    assert_eq!(
        relayed.events, raw.events,
        "chunks that repeat are handed out as those that are read in full"
    );
    whole
}

pub(crate) fn received(bytes: &[u8], how: Cut) -> Received {
    let content_type = ("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned());
    Received { status: 200, headers: vec![content_type], pieces: cut(bytes, how), broken_off: false }
}
