//! Errors in all the shapes they come in.

use proptest::prelude::*;
use provider_core::ErrorKind;
use serde_json::{Value, json};
use wire_properties::{KEY, answer, failed};

/// Words from outside: of any text, very long, or with the key in them.
fn words() -> impl Strategy<Value = String> {
    let key = (any::<String>(), any::<String>()).prop_map(|(before, after)| format!("{before}{KEY}{after}"));
    prop_oneof![any::<String>(), "[a-z ]{1,60}", key, "[a-z]{1,9}".prop_map(|word| word.repeat(5_000))]
}

/// The error of an upstream provider: words, or JSON around them, which may be in a text.
fn upstream() -> impl Strategy<Value = Value> {
    let field = prop_oneof![Just("error"), Just("message"), Just("detail"), Just("other")];
    words().prop_map(Value::from).boxed().prop_recursive(4, 8, 1, move |inner| {
        (field.clone(), inner, 0..4).prop_map(|(field, inner, how)| match how {
            0 => json!({ field: inner }).to_string().into(),
            1 => json!([{ field: inner }]),
            _ => json!({ field: inner }),
        })
    })
}

fn code() -> impl Strategy<Value = Value> {
    prop_oneof![
        (100..1_000_u16).prop_map(Value::from),
        (100..1_000_u16).prop_map(|code| code.to_string().into()),
        prop_oneof![Just("rate_limit_exceeded"), Just("context_length_exceeded"), Just("whatever")]
            .prop_map(Value::from),
        Just(Value::Null),
        words().prop_map(Value::from),
    ]
}

fn envelope() -> impl Strategy<Value = Value> {
    let metadata = (upstream(), words(), any::<u64>(), 0..16_u8).prop_map(|(raw, name, reset, set)| {
        let mut metadata = json!({});
        if set & 1 > 0 {
            metadata["raw"] = raw;
        }
        if set & 2 > 0 {
            metadata["provider_name"] = name.clone().into();
        }
        if set & 4 > 0 {
            metadata["headers"] = json!({ "X-RateLimit-Reset": reset.to_string() });
        }
        if set & 8 > 0 {
            metadata[name] = json!([null]);
        }
        metadata
    });
    (code(), words(), metadata).prop_map(
        |(code, message, metadata)| json!({ "error": { "code": code, "message": message, "metadata": metadata } }),
    )
}

fn waits() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        Just("retry-after"),
        Just("retry-after-ms"),
        Just("x-request-id"),
        Just("x-generation-id")
    ];
    let value = prop_oneof![
        any::<f64>().prop_map(|seconds| seconds.to_string()),
        any::<u32>().prop_map(|seconds| seconds.to_string()),
        Just(KEY.to_owned()),
        "[ -~]{0,20}",
        Just("Fri, 31 Dec 2099 23:59:59 GMT".to_owned()),
    ];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..3)
}

proptest! {
    #![proptest_config(super::cases())]

    // 407 is a proxy's, whatever its body says.
    #[test]
    fn an_envelope_is_an_error_with_its_message(status in prop_oneof![400..407_u16, 408..600_u16], envelope in envelope(), waits in waits()) {
        let error = failed(status, &waits, &envelope.to_string()).expect_err("a refusal");
        let message = envelope["error"]["message"].as_str().expect("a text");
        if !message.trim().is_empty() && !message.contains(KEY) && message.chars().count() <= 2_000 {
            prop_assert_eq!(error.message(), message);
        }
        if envelope["error"]["code"] == json!(status) && envelope["error"]["metadata"] == json!({}) {
            let kind = error.kind();
            prop_assert_eq!(kind == ErrorKind::Authentication, status == 401);
            prop_assert_eq!(kind == ErrorKind::PaymentRequired, status == 402);
            prop_assert_eq!(kind == ErrorKind::RateLimited, status == 429);
        }
    }

    #[test]
    fn an_envelope_in_a_success_is_an_error(envelope in envelope(), id in words()) {
        let body = envelope.to_string();
        answer(body.as_bytes());
        prop_assert!(failed(200, &[], &body).is_err());
        let chunk = json!({ "id": id, "choices": [{ "delta": { "content": "so far" } }] });
        let stream = format!("data: {chunk}\n\ndata: {body}\n\n");
        let outcome = wire_properties::read(stream.as_bytes());
        prop_assert_eq!(outcome.text(), "so far");
        prop_assert!(outcome.end.is_err());
    }

    #[test]
    fn whatever_is_refused_is_an_error(status in 300..1_000_u16, body in prop_oneof![words(), upstream().prop_map(|json| json.to_string())], waits in waits()) {
        prop_assert!(failed(status, &waits, &body).is_err());
    }
}
