use serde_json::Value;

use super::*;
use crate::ProviderJson;
use crate::response::Blocks;

const KEY: &str = "sk-or-v1-0123456789abcdef";

/// An error with a text in every field that can have one. The structs are written out, so that a new field
/// has to be filled here.
fn error(text: &str, attempts: Vec<Error>) -> Error {
    let text = || text.to_owned();
    let json = || RawJson::new(&serde_json::json!({ text(): [text()] })).expect("JSON");
    let extra = || {
        let mut extra = ExtraFields::default();
        extra.push(&text(), json());
        extra
    };
    let mut detail = ReasoningDetail::new();
    detail.set(&text(), DetailValue::Text(text()));
    detail.set("novel", DetailValue::Json(json()));
    let mut blocks = Blocks::default();
    blocks.push_provider(ProviderJson::new("acme", json()));
    let partial = ChatResponse {
        id: Some(text()),
        requested: text(),
        model: text(),
        served_by: ServedBy { provider: Some(text()) },
        message: AssistantMessage {
            text: text(),
            parts: Vec::new(),
            reasoning: Some(text()),
            reasoning_details: Some(vec![detail]),
            tool_calls: vec![ToolCall {
                id: text(),
                received_id: Some(text()),
                name: text(),
                arguments: text(),
                extra: extra(),
            }],
            refusal: Some(text()),
            annotations: vec![Annotation::new(json())],
            images: vec![Image::new(json())],
            audio: Some(Audio {
                id: Some(text()),
                data: Some(text()),
                transcript: Some(text()),
                expires_at: Some(1),
                extra: extra(),
            }),
            name: Some(text()),
            model: Some(text()),
            made_by: Some(text()),
            made_by_provider: Some(text()),
            extra: extra(),
            blocks,
        },
        withheld_calls: vec![WithheldCall::new(text()).reason(text())],
        finish_reason: Some(FinishReason::Other(text())),
        native_finish_reason: Some(text()),
        stop_sequence: Some(text()),
        usage: Usage::filled(json()),
        logprobs: vec![TokenLogprob {
            token: text(),
            logprob: Some(-1.0),
            bytes: Some(text().into_bytes()),
            top_logprobs: vec![TopLogprob {
                token: text(),
                logprob: Some(-1.0),
                bytes: Some(text().into_bytes()),
            }],
        }],
        created: Some(1),
        service_tier: Some(text()),
        system_fingerprint: Some(text()),
        extra: extra(),
        attempts: attempts.clone(),
        seams: vec![Seam {
            at: 0,
            broken_by: ErrorKind::Interrupted,
            provider: Some(text()),
            model: text(),
            usage: Usage::filled(json()),
            repeated: 0,
        }],
        raw: vec![json()],
        last_part_usage: Some(Box::new(Usage::filled(json()))),
    };
    let mut limit = UsageLimit::new(LimitKind::Key);
    (limit.source, limit.scope, limit.window) = (Some(text()), Some(text()), Some(text()));
    Error(Arc::new(Inner {
        kind: ErrorKind::Timeout,
        message: text(),
        retry: RetryAdvice::Now,
        status: Some(502),
        code: Some(text()),
        upstream: Some(Upstream { provider: Some(text()), message: Some(text()) }),
        provider: Some(text()),
        model: Some(text()),
        operation: Some(Operation::Chat),
        request_id: Some(text()),
        generation_id: Some(text()),
        capability: Some(Capability::Llm),
        timeout: Some(TimeoutPhase::Idle),
        limit: Some(Box::new(limit)),
        next_step: Some(text()),
        attempts,
        fields: vec![FieldProblem { field: text(), problem: text() }],
        details: Some(json()),
        partial: Some(Box::new(partial)),
        source: Some(Arc::new(std::io::Error::other(text()))),
    }))
}

/// The strings of a JSON value, names of fields included; nothing in it may be missing.
fn strings(at: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((at.to_owned(), text.clone())),
        Value::Array(list) => {
            assert!(!list.is_empty(), "{at} is not filled");
            for (number, value) in list.iter().enumerate() {
                strings(&format!("{at}/{number}"), value, found);
            }
        }
        Value::Object(fields) => {
            assert!(!fields.is_empty(), "{at} is not filled");
            for (name, value) in fields {
                found.push((format!("{at}/(name)"), name.clone()));
                strings(&format!("{at}/{name}"), value, found);
            }
        }
        Value::Null => panic!("{at} is not filled"),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

fn shown(error: &Error) -> Vec<String> {
    let mut shown = vec![error.to_string(), format!("{error:?}")];
    shown.push(serde_json::to_string(error).expect("JSON"));
    shown.push(format!("{:?}", error.partial()));
    let mut cause = error.source();
    while let Some(inner) = cause {
        shown.push(format!("{inner} {inner:?}"));
        cause = inner.source();
    }
    shown
}

#[test]
fn no_string_of_an_error_keeps_the_key_however_it_is_written() {
    let secret = Secret::new(KEY);
    let forms = [
        KEY.to_owned(),
        format!("Bearer {KEY}!"),
        KEY.replace('k', "\\u006b"),
        KEY.replace('k', "\\\\u006b"),
        KEY.replace('-', "%2D"),
    ];
    for form in forms {
        let filled = error(&form, vec![error(&form, vec![error("x", vec![error("x", Vec::new())])])]);
        let has_key = |text: &str| secret.find_in(text).next().is_some();
        // Fields that are words of ours have no text from outside.
        let ours = [
            "/kind",
            "/operation",
            "/capability",
            "/timeout",
            "/broken_by",
            "cost",
            "(name)",
            "/blocks/0/type",
            "/blocks/0/provider",
        ];
        let flat = error(&form, Vec::new());
        let json = serde_json::to_value(&flat).expect("JSON");
        let mut found = Vec::new();
        strings("", &json, &mut found);
        assert!(found.len() > 60, "only {}", found.len());
        for (at, text) in &found {
            let is_filled = has_key(text) || ours.iter().any(|end| at.ends_with(end));
            assert!(is_filled, "{at} is not filled: {text}");
        }
        assert!(shown(&filled).iter().all(|text| has_key(text)));

        let clean = filled.clone().redact(&secret);
        for text in shown(&clean) {
            assert!(!has_key(&text), "{text}");
            assert!(!text.contains(KEY.rsplit('-').next().expect("its end")), "{text}");
        }
        assert_eq!(clean.attempts().len(), 1, "what says nothing of the key stays");
        let partial = clean.partial().expect("what had come");
        assert!(partial.text().contains("***"));
        assert_eq!(partial.usage.prompt_tokens, Some(0));
        assert!(has_key(&format!("{:?}", filled.partial())), "an error that others hold is left to them");
    }
}

#[test]
fn a_key_in_pieces_is_found_where_they_are_joined() {
    let secret = Secret::new(KEY);
    let piece = |text: &str| TokenLogprob {
        token: text.to_owned(),
        logprob: Some(-0.5),
        bytes: Some(text.as_bytes().to_vec()),
        top_logprobs: vec![TopLogprob::new(text.to_owned(), None)],
    };
    let raw = |text: &str| RawJson::new(&text).expect("JSON");
    let (one, other) = KEY.split_at(12);
    let partial = ChatResponse {
        message: AssistantMessage { text: format!("It is {KEY}."), ..AssistantMessage::default() },
        logprobs: ["It is", " ", one, other, ".", "It"].map(piece).to_vec(),
        raw: vec![raw(&format!("It is {one}")), raw(other), raw(".")],
        ..ChatResponse::default()
    };
    let error = Error::new(ErrorKind::Interrupted, "cut").with_partial(partial).redact(&secret);
    let partial = error.partial().expect("what had come");
    assert_eq!(partial.text(), "It is ***.");
    let tokens: Vec<&str> = partial.logprobs.iter().map(|token| &*token.token).collect();
    assert_eq!(tokens, ["It is", " ", "***", "***", ".", "It"]);
    let kept: Vec<bool> = partial.logprobs.iter().map(|token| token.bytes.is_some()).collect();
    assert_eq!(kept, [true, true, false, false, true, true]);
    let json = serde_json::to_string(&error).expect("JSON");
    assert!(!json.contains(one) && !json.contains(other), "{json}");
}

#[test]
fn what_has_no_key_stays_as_it_is() {
    let error = error("nothing to hide", vec![error("x", Vec::new())]);
    let clean = error.clone().redact(&Secret::new(KEY));
    assert_eq!(shown(&clean), shown(&error));
}

#[test]
fn json_that_the_stars_would_break_is_a_text() {
    let secret = Secret::new("12345678");
    let details = |json: &str| {
        let error = Error::new(ErrorKind::Server, "x").with_details(RawJson::from_checked(json));
        error.redact(&secret).details().map(|json| json.get().to_owned())
    };
    assert_eq!(details(r#"{"key":12345678}"#).as_deref(), Some("\"***\""));
    assert_eq!(details(r#"{"key":"12345678"}"#).as_deref(), Some(r#"{"key":"***"}"#));
}

#[test]
fn a_key_in_the_cause_of_a_source_takes_its_words() {
    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("not sent")
        }
    }
    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }
    /// Its words show no cause, and so do those of the struct that it is in.
    struct Mute(Outer);
    impl fmt::Debug for Mute {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Mute")
        }
    }
    impl fmt::Display for Mute {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("failed")
        }
    }
    impl StdError for Mute {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }
    let error =
        Error::new(ErrorKind::Connection, "no way").with_source(Mute(Outer(std::io::Error::other(KEY))));
    let error = error.redact(&Secret::new(KEY));
    let source = StdError::source(&error).expect("a source");
    assert_eq!(source.to_string(), "failed");
    assert!(source.source().is_none());
}
