//! The body as text: what a reader of JSON alone would not show.

use provider_core::ChatRequest;

use super::encode;
use crate::Plain;
use crate::conversation::Fields;

/// Returns the names of an object's fields, in order, those that come twice as well.
fn names(body: &[u8]) -> Vec<String> {
    let fields: Fields = serde_json::from_slice(body).expect("a JSON object");
    fields.0.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn body_has_each_field_once() {
    let request = ChatRequest::new("m").user("Hi").temperature(0.5).stop(["."]).extra("safe_prompt", true);
    for stream in [false, true] {
        let body = encode(&request, stream, &Plain).expect("a good request");
        let names = names(&body);
        let mut distinct = names.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
}

#[test]
fn stream_asks_for_usage_once_and_whole_answer_does_not() {
    let request = ChatRequest::new("m").user("Hi");
    let whole = encode(&request, false, &Plain).expect("a good request");
    let stream = encode(&request, true, &Plain).expect("a good request");
    assert_eq!(whole, br#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#);
    let rest = &stream[whole.len() - 1..];
    assert_eq!(rest, br#","stream":true,"stream_options":{"include_usage":true}}"#);
}
