//! Whole answers.

use serde_json::Value;

use crate::client::{Received, chat, client, request, stream};
use crate::outcome::{Outcome, must_equal};
use crate::plain;

/// Any body is an answer or an error; the same one whether it was asked for whole or as a stream, and if it
/// is JSON, whether it comes as it is or as the only event of a stream.
pub fn answer(body: &[u8]) {
    let received = |content_type: &str, body: Vec<u8>| Received {
        status: 200,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        pieces: vec![body],
        broken_off: false,
    };
    let json = received("application/json", body.to_vec());
    let chat = chat(client(), &request(), json.clone());
    let streamed = Outcome::of(stream(client(), &request(), json));
    streamed.check();
    must_equal(&chat, &streamed.end, "streamed");

    let Ok(text) = std::str::from_utf8(body) else { return };
    if text.contains(['\r', '\n', '\u{feff}']) {
        return;
    }
    if let Ok(Value::Object(fields)) = serde_json::from_str(text) {
        let events = received("text/event-stream", format!("data: {text}\n\ndata: [DONE]\n\n").into());
        let events = Outcome::of(stream(client(), &request(), events));
        events.check();
        events.must_equal(&streamed, "as an event");
        let error = fields.get("error").map(Value::to_string).unwrap_or_default();
        if !matches!(&*error, "" | "null" | "false" | "0" | "\"\"" | "{}" | "[]") {
            assert!(chat.is_err(), "{chat:?} of an error");
        }
    }
    match plain::answer(text) {
        Some(plain) if plain.is_empty() => {}
        Some(plain) => assert_eq!(chat.map(|answer| answer.text().to_owned()), Ok(plain)),
        None => {}
    }
}
