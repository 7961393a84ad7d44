//! Bodies of requests.

use proptest::prelude::*;
use provider_core::ChatRequest;
use serde_json::{Map, Value, json};
use wire_properties::{answer, body};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<String, Value>>())),
        ]
    })
}

fn content() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        any::<String>().prop_map(|text| json!({ "type": "text", "text": text })),
        any::<String>().prop_map(
            |text| json!({ "type": "text", "text": text, "cache_control": { "type": "ephemeral" } })
        ),
        Just(json!({ "type": "image_url", "image_url": { "url": "data:,", "detail": "low" } })),
        Just(json!({ "type": "file", "file": { "filename": "f.pdf", "file_data": "data:," } })),
        any_json(),
    ];
    prop_oneof![
        any::<String>().prop_map(Value::from),
        prop::collection::vec(part, 1..4).prop_map(Value::from),
        any_json()
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let role = prop::sample::select(vec!["system", "developer", "user", "critic"]);
    let call = (any::<String>(), any::<String>()).prop_map(|(name, arguments)| {
        json!({ "id": "c", "type": "function", "function": { "name": name, "arguments": arguments } })
    });
    prop_oneof![
        3 => (role, content()).prop_map(|(role, content)| json!({ "role": role, "content": content })),
        2 => (content(), prop::collection::vec(call, 0..3), any_json()).prop_map(|(content, calls, details)| {
            json!({ "role": "assistant", "content": content, "tool_calls": calls, "reasoning_details": [details] })
        }),
        1 => content().prop_map(|content| json!({ "role": "tool", "tool_call_id": "c", "content": content })),
        1 => any_json(),
    ]
}

/// Any of the fields that bodies have, with a value that may fit.
fn field() -> impl Strategy<Value = (String, Value)> {
    let beside = [
        "models",
        "tools",
        "provider",
        "plugins",
        "transforms",
        "session_id",
        "stream_options",
        "usage",
        "novel",
        "route",
        "preset",
        "trace",
        "image_config",
        "web_search_options",
        "stop_server_tools_when",
    ];
    let names = [ChatRequest::PARAMETERS, &beside].concat();
    let likely = prop_oneof![
        (0..3).prop_map(Value::from),
        (0.0..1.0).prop_map(Value::from),
        "[a-z]{1,5}".prop_map(Value::from),
        Just(json!(["a", "b"])),
        Just(json!({ "k": "v" })),
        Just(json!({ "effort": "low", "exclude": true })),
        Just(json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": {} } })),
        Just(
            json!([{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }])
        ),
        Just(json!([{ "type": "openrouter:datetime" }, { "id": "web", "max_results": 2 }])),
        Just(json!({ "order": ["openai"], "sort": "price", "novel": 1 })),
        any_json(),
    ];
    (prop::sample::select(names).prop_map(str::to_owned), likely)
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn what_is_read_is_written_the_same(
        messages in prop::collection::vec(message(), 1..4),
        fields in prop::collection::vec(field(), 0..5),
    ) {
        let mut json = json!({ "model": "a/b", "messages": messages });
        for (name, value) in fields {
            json[name] = value;
        }
        body(json.to_string().as_bytes());
    }

    #[test]
    fn any_json_is_a_body_or_refused_and_an_answer_or_an_error(json in any_json()) {
        body(json.to_string().as_bytes());
        answer(json.to_string().as_bytes());
        answer(json!({ "choices": [{ "message": json }] }).to_string().as_bytes());
        answer(json!({ "choices": [{ "message": { "content": json, "tool_calls": json } }], "usage": json }).to_string().as_bytes());
    }
}
