//! Answers that are errors.

use provider_core::{ChatResponse, Error};

use crate::client::{Received, chat, client, request, stream};
use crate::cuts::{Cut, cut};
use crate::outcome::{Outcome, check_error, must_equal};
use crate::seed;

/// Whatever comes with a status that is no success is an error, of bounded size and without the key; the same
/// one whether an answer was asked for whole or as a stream.
///
/// The input looks like HTTP: the status, headers line by line, an empty line, the body.
pub fn error(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(500);
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let _ = failed(status, &headers, body);
}

/// Reads such an answer, whole and as a stream, and checks the error that it becomes.
///
/// # Errors
/// Nearly always, but a success can come of one with a good status.
pub fn failed(status: u16, headers: &[(String, String)], body: &str) -> Result<ChatResponse, Error> {
    let received = |how| Received {
        status,
        headers: headers.to_vec(),
        pieces: cut(body.as_bytes(), how),
        broken_off: false,
    };
    let random = Cut::Random { seed: seed(body.as_bytes()), longest: 9 };
    let chat = chat(client(), &request(), received(Cut::Whole));
    let streamed = Outcome::of(stream(client(), &request(), received(random)));
    let is_status = (100..1000).contains(&status);
    let success = !is_status || (200..300).contains(&status);
    match &chat {
        Ok(_) => assert!(success, "{status} is no success"),
        Err(error) => {
            check_error(error);
            assert_eq!(error.status(), Some(if is_status { status } else { 200 }));
        }
    }
    let events = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !(success && events) {
        must_equal(&chat, &streamed.end, "streamed");
    }
    chat
}
