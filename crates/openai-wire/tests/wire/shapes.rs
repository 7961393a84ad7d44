//! Answers in the shapes that other services than OpenRouter give them, streamed and whole, and values that
//! are not what their names say.

use provider_core::{AssistantMessage, ChatResponse, Event, LlmProvider as _, Usage};
use serde_json::{Value, json};

use crate::support::{Reply, Server, request};

/// Reads a stream of these bytes: what was handed out, and the answer.
async fn read(body: String) -> (Shown, ChatResponse) {
    let server = Server::always(Reply::events(body.clone()));
    let mut stream = server.stream(&request()).await.expect("a stream");
    let mut shown = Shown::default();
    while let Some(event) = stream.next().await {
        match event.unwrap_or_else(|error| panic!("{body}: {error:?}")) {
            Event::Text(piece) => shown.text.push_str(&piece),
            Event::Reasoning(piece) => shown.reasoning.push_str(&piece),
            Event::Refusal(piece) => shown.refusal.push_str(&piece),
            Event::Image(_) => shown.images += 1,
            Event::Annotation(_) => shown.annotations += 1,
            Event::Audio(piece) => shown.words.push_str(&piece.transcript.unwrap_or_default()),
            _ => {}
        }
    }
    (shown, stream.into_response().expect("an answer"))
}

/// The events of a stream, joined or counted.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    text: String,
    reasoning: String,
    refusal: String,
    words: String,
    images: usize,
    annotations: usize,
}

impl Shown {
    /// Holds the events against the collected answer.
    fn check(&self, reply: &ChatResponse) {
        let AssistantMessage { text, refusal, images, annotations, audio, .. } = &reply.message;
        let words = audio.as_ref().and_then(|audio| audio.transcript.clone()).unwrap_or_default();
        assert_eq!((&self.text, &self.reasoning), (text, &reply.reasoning()));
        assert_eq!((&self.refusal, &self.words), (&refusal.clone().unwrap_or_default(), &words));
        assert_eq!((self.images, self.annotations), (images.len(), annotations.len()));
    }
}

/// The stream of these choices.
fn stream_of(choices: &[Value]) -> String {
    let event = |choice: &Value| format!("data: {}\n\n", json!({"id": "gen-1", "choices": [choice]}));
    choices.iter().map(event).chain(["data: [DONE]\n\n".to_owned()]).collect()
}

/// Streams these choices; what was handed out must be what was collected.
async fn streamed(choices: &[Value]) -> ChatResponse {
    let (shown, reply) = read(stream_of(choices)).await;
    shown.check(&reply);
    reply
}

/// A whole answer with this choice.
async fn whole(choice: Value) -> ChatResponse {
    answered(json!({"id": "gen-1", "choices": [choice]}).to_string()).await
}

async fn answered(body: String) -> ChatResponse {
    let server = Server::always(Reply::json(200, body.clone()));
    let reply = server.chat(&request()).await;
    reply.unwrap_or_else(|error| panic!("{body}: {error:?}"))
}

fn delta(delta: Value) -> Value {
    json!({"index": 0, "delta": delta})
}

fn message(message: Value) -> Value {
    json!({"index": 0, "message": message})
}

/// The choice that ends an answer, with this message beside its empty delta.
fn end_with(message: Value) -> Value {
    json!({"index": 0, "delta": {}, "message": message, "finish_reason": "stop"})
}

fn calls_of(reply: &ChatResponse) -> Vec<(&str, &str, &str)> {
    let calls = reply.message.tool_calls.iter();
    calls.map(|call| (&*call.id, &*call.name, &*call.arguments)).collect()
}

#[tokio::test]
async fn messages_in_the_place_of_deltas_are_pieces_or_the_whole_so_far() {
    let pieces = [
        message(json!({"role": "assistant", "content": "Hel", "reasoning": "Let "})),
        message(json!({"content": "lo", "reasoning": "me"})),
        json!({"index": 0, "message": {"content": ""}, "finish_reason": "stop"}),
    ];
    let so_far = [
        message(json!({"role": "assistant", "content": "Hel", "reasoning": "Let "})),
        message(json!({"content": "Hel", "reasoning": "Let me"})),
        message(json!({"content": "Hello", "reasoning": "Let me"})),
        json!({"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}),
    ];
    // Each of them beside a delta that says nothing, or not.
    for choices in [pieces.to_vec(), so_far.to_vec()] {
        for delta in [None, Some(json!({})), Some(json!({"role": "assistant", "content": ""}))] {
            let mut choices = choices.clone();
            if let Some(delta) = &delta {
                choices.iter_mut().for_each(|choice| choice["delta"] = delta.clone());
            }
            let reply = streamed(&choices).await;
            assert_eq!((reply.text(), &*reply.reasoning()), ("Hello", "Let me"), "{choices:?}");
        }
    }
}

#[tokio::test]
async fn a_message_behind_deltas_adds_what_they_lack() {
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": arguments}});
    let source = json!({"type": "url_citation", "url_citation": {"url": "https://a.example"}});
    let image = json!({"type": "image_url", "image_url": {"url": "data:,"}});
    let whole = json!({
        "role": "assistant", "content": "I look.", "reasoning": "Hm.", "refusal": "No.",
        "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "index": 0, "signature": "c2ln"}],
        "tool_calls": [call("c1", "{\"a\":1}"), call("c2", "{}")],
        "annotations": [source, {"type": "file"}], "images": [image, {"type": "novel"}],
        "audio": {"id": "audio_1", "transcript": "Look.", "data": "AAAA"},
    });
    let details = |text: &str| json!([{"type": "reasoning.text", "text": text, "index": 0}]);
    let deltas = [
        // All of it in deltas.
        vec![
            json!({"reasoning": "Hm.", "reasoning_details": details("Hm.")}),
            json!({"content": "I "}),
            json!({"content": "look.", "refusal": "No.", "annotations": [source, {"type": "file"}]}),
            json!({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "look", "arguments": "{\"a\":"}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
            json!({"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "look", "arguments": "{}"}}]}),
            json!({"images": [image, {"type": "novel"}], "audio": {"transcript": "Look.", "data": "AAAA"}}),
        ],
        // Some of it.
        vec![
            json!({"reasoning": "H", "reasoning_details": details("H")}),
            json!({"content": "I "}),
            json!({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "look", "arguments": "{\"a\":"}}]}),
            json!({"refusal": "N", "annotations": [source], "images": [image], "audio": {"transcript": "Lo", "data": "AA"}}),
        ],
        // Reasoning in its details alone.
        vec![json!({"reasoning_details": details("H")})],
        vec![json!({"reasoning_details": details("")})],
        // Only text, or none of it.
        vec![json!({"content": "I look."})],
        vec![json!({"role": "assistant", "content": ""})],
        vec![],
    ];
    for deltas in deltas {
        let mut choices: Vec<Value> = deltas.iter().cloned().map(delta).collect();
        choices.push(end_with(whole.clone()));
        let reply = streamed(&choices).await;
        let message = &reply.message;
        assert_eq!((reply.text(), &*reply.reasoning()), ("I look.", "Hm."), "{deltas:?}");
        assert_eq!(message.refusal.as_deref(), Some("No."), "{deltas:?}");
        assert_eq!(calls_of(&reply), [("c1", "look", "{\"a\":1}"), ("c2", "look", "{}")], "{deltas:?}");
        assert_eq!(json!(message.reasoning_details), whole["reasoning_details"], "{deltas:?}");
        assert_eq!(
            (json!(message.annotations), json!(message.images)),
            (whole["annotations"].clone(), whole["images"].clone())
        );
        let audio = message.audio.as_ref().expect("a sound");
        assert_eq!(
            (audio.data.as_deref(), audio.transcript.as_deref()),
            (Some("AAAA"), Some("Look.")),
            "{deltas:?}"
        );
    }
}

#[tokio::test]
async fn calls_in_messages_are_made_once() {
    let call = |fields: Value, arguments: &str| {
        let mut call = json!({"type": "function", "function": {"name": "f", "arguments": arguments}});
        for (name, value) in fields.as_object().expect("an object") {
            call[name] = value.clone();
        }
        call
    };
    let calls = |calls: Value| json!({"content": null, "tool_calls": calls});
    let piece = |arguments: &str| json!([{"index": 0, "function": {"arguments": arguments}}]);
    for (choices, arguments) in [
        // One in each message, with ids or numbers.
        (
            vec![
                message(calls(json!([call(json!({"id": "a"}), "{}")]))),
                message(calls(json!([call(json!({"id": "b"}), "{}")]))),
            ],
            vec!["{}", "{}"],
        ),
        (
            vec![
                message(calls(json!([call(json!({"index": 0}), "{}")]))),
                message(calls(json!([call(json!({"index": 1}), "{}")]))),
            ],
            vec!["{}", "{}"],
        ),
        // All so far in each message, without ids.
        (
            vec![
                message(calls(json!([call(json!({}), "{}")]))),
                end_with(calls(json!([call(json!({}), "{}"), call(json!({}), "{}")]))),
            ],
            vec!["{}", "{}"],
        ),
        // In pieces.
        (
            vec![
                message(calls(json!([call(json!({"index": 0, "id": "a"}), "{\"a\"")]))),
                message(calls(piece(":1}"))),
            ],
            vec!["{\"a\":1}"],
        ),
        // The same JSON in another wording behind deltas.
        (
            vec![
                delta(calls(json!([call(json!({"index": 0}), "{\"a\": 1}")]))),
                end_with(calls(json!([call(json!({"id": "a"}), "{\"a\":1}")]))),
            ],
            vec!["{\"a\": 1}"],
        ),
        // As an object.
        (
            vec![end_with(calls(json!([{"id": "a", "function": {"name": "f", "arguments": {"a": 1}}}])))],
            vec!["{\"a\":1}"],
        ),
    ] {
        let reply = streamed(&choices).await;
        let got: Vec<&str> = reply.message.tool_calls.iter().map(|call| &*call.arguments).collect();
        assert_eq!(got, arguments, "{choices:?}");
        assert!(reply.message.tool_calls.iter().all(|call| call.name == "f"), "{choices:?}");
    }
}

#[tokio::test]
async fn a_whole_answer_may_have_a_delta_and_a_choice_alone_may_stand_for_the_list() {
    let fields = json!({"content": "Hello", "reasoning": "Hm.", "tool_calls":
        [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]});
    for choice in [
        json!({"delta": fields, "finish_reason": "stop"}),
        json!({"delta": {}, "message": fields, "finish_reason": "stop"}),
        json!({"delta": fields, "message": fields, "finish_reason": "stop"}),
    ] {
        for body in [json!({"choices": [choice]}), json!({"choices": choice})] {
            let reply = answered(body.to_string()).await;
            assert_eq!((reply.text(), &*reply.reasoning()), ("Hello", "Hm."), "{body}");
            assert_eq!(calls_of(&reply), [("c", "f", "{}")], "{body}");
        }
    }
}

#[tokio::test]
async fn a_text_beside_the_content_counts_once() {
    let chunk =
        |text: &str| json!({"index": 0, "text": text, "delta": {"role": "assistant", "content": text}});
    let reply = streamed(&[chunk("Hel"), chunk("lo"), end_with(json!({"content": "Hello"}))]).await;
    assert_eq!(reply.text(), "Hello");
    let old_style =
        [json!({"text": "Hel"}), json!({"text": "lo", "delta": {"content": null}, "finish_reason": "stop"})];
    assert_eq!(streamed(&old_style).await.text(), "Hello");
    let reply =
        whole(json!({"text": "Hello", "message": {"content": "Hello"}, "finish_reason": "stop"})).await;
    assert_eq!(reply.text(), "Hello");
}

#[tokio::test]
async fn reasoning_has_many_names_and_an_empty_one_hides_none() {
    let names = ["reasoning", "reasoning_content", "reasoning_text", "thinking"];
    for name in names {
        for other in names {
            let mut fields = json!({"content": null});
            fields[other] = json!("");
            fields[name] = json!("Let me ");
            let mut more = fields.clone();
            more[name] = json!("see.");
            let mut said = json!({"content": "2", name: null});
            said[other] = json!("");
            let reply = streamed(&[delta(fields), delta(more), delta(said), end_with(json!({}))]).await;
            assert_eq!((&*reply.reasoning(), reply.text()), ("Let me see.", "2"), "{name} beside {other}");
            let mut fields = json!({"content": "2", other: "", "refusal": null});
            fields[name] = json!("Let me see.");
            let reply = whole(json!({"message": fields, "finish_reason": "stop"})).await;
            assert_eq!((&*reply.reasoning(), reply.text()), ("Let me see.", "2"), "{name} beside {other}");
        }
    }
    // The same twice is one; something else is kept.
    let both =
        json!({"content": "2", "reasoning": "Hm.", "reasoning_content": "Hm.", "thinking": {"budget": 1}});
    let reply = whole(json!({"message": both})).await;
    assert_eq!(
        (&*reply.reasoning(), json!(reply.message.extra)),
        ("Hm.", json!({"thinking": {"budget": 1}}))
    );
    let odd = json!({"content": "2", "reasoning": ["odd"], "reasoning_content": "Hm."});
    let reply = whole(json!({"message": odd})).await;
    assert_eq!((&*reply.reasoning(), json!(reply.message.extra)), ("Hm.", json!({"reasoning": ["odd"]})));
}

#[tokio::test]
async fn the_parts_of_a_content_are_what_their_types_say() {
    let image = json!({"type": "image_url", "image_url": {"url": "data:,"}});
    let note = json!({"type": "url_citation", "url_citation": {"url": "https://a.example"}});
    let novel = json!({"type": "hologram", "data": [1, 2]});
    let parts = vec![
        json!({"type": "thinking", "thinking": [{"type": "text", "text": "Okay, "}], "closed": true}),
        json!({"type": "thinking", "thinking": "1+", "signature": "c2ln"}),
        json!({"type": "reasoning", "text": "1"}),
        json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "."}]}),
        json!({"type": "text", "text": "The answer ", "annotations": [note]}),
        json!({"type": "output_text", "text": "is "}),
        json!("2"),
        image.clone(),
        json!({"text": "."}),
        json!({"type": "refusal", "refusal": "No."}),
        novel.clone(),
        json!({"type": "text", "text": {"odd": "odd"}}),
    ];
    let at_once = whole(json!({"message": {"content": parts}, "finish_reason": "stop"})).await;
    let one_by_one: Vec<Value> = parts.iter().map(|part| delta(json!({"content": [part]}))).collect();
    let one_by_one = streamed(&one_by_one).await;
    let as_message = streamed(&[end_with(json!({"content": parts}))]).await;
    let mut behind: Vec<Value> = parts[..6].iter().map(|part| delta(json!({"content": [part]}))).collect();
    behind.push(end_with(json!({"content": parts})));
    let behind = streamed(&behind).await;
    for reply in [at_once, one_by_one, as_message, behind] {
        let message = &reply.message;
        assert_eq!((reply.text(), &*reply.reasoning()), ("The answer is 2.", "Okay, 1+1."));
        assert_eq!(message.refusal.as_deref(), Some("No."));
        assert_eq!((json!(message.images), json!(message.annotations)), (json!([image]), json!([note])));
        let odd = json!({"type": "text", "text": {"odd": "odd"}});
        let extra = json!({"content": [novel, odd], "content.closed": true, "content.signature": "c2ln"});
        assert_eq!(json!(message.extra), extra, "nothing is lost");
    }
}

/// Streams chunks whose JSON is written by hand, since no encoder cuts characters in half.
async fn cut(deltas: &[&str]) -> ChatResponse {
    let chunk = |delta: &&str| format!("data: {{\"choices\":[{{\"delta\":{{{delta}}}}}]}}\n\n");
    let body: String = deltas.iter().map(chunk).collect();
    let (mut shown, reply) = read(body + "data: [DONE]\n\n").await;
    // Reasoning that comes in turns is shown in the order in which it comes.
    let sorted = |text: &str| {
        let mut characters: Vec<char> = text.chars().collect();
        characters.sort_unstable();
        characters
    };
    assert_eq!(sorted(&shown.reasoning), sorted(&reply.reasoning()));
    shown.reasoning = reply.reasoning();
    shown.check(&reply);
    reply
}

#[tokio::test]
async fn characters_that_are_cut_in_half_are_joined_in_every_text() {
    let call = |index: u8, rest: &str| format!(r#""tool_calls":[{{"index":{index},{rest}}}]"#);
    let begin = |index, id: &str| {
        call(index, &format!(r#""id":"{id}","function":{{"name":"f","arguments":"{{\"q\":\"\ud83d"}}"#))
    };
    let end = |index, half: &str| call(index, &format!(r#""function":{{"arguments":"{half}\"}}"}}"#));
    let detail = |index: u8, kind: &str, text: &str| {
        format!(r#""reasoning_details":[{{"type":"reasoning.{kind}","{kind}":"{text}","index":{index}}}]"#)
    };
    // The halves of each text come in turns with those of all others.
    let deltas = [
        r#""content":"a\ud83d""#.to_owned(),
        r#""refusal":"b\ud83d""#.to_owned(),
        detail(0, "text", r"c\ud83d"),
        detail(1, "summary", r"d\ud83d"),
        r#""audio":{"transcript":"e\ud83d"}"#.to_owned(),
        begin(0, "c1"),
        begin(1, "c2"),
        end(0, r"\ude80"),
        end(1, r"\ude00"),
        detail(0, "text", r"\ude81"),
        detail(1, "summary", r"\ude82"),
        r#""audio":{"transcript":"\ude83"}"#.to_owned(),
        r#""refusal":"\ude84""#.to_owned(),
        r#""content":[{"type":"text","text":"\ude85"}]"#.to_owned(),
    ];
    let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
    let reply = cut(&deltas).await;
    let message = &reply.message;
    assert_eq!((reply.text(), message.refusal.as_deref()), ("a🚅", Some("b🚄")));
    assert_eq!(reply.reasoning(), "c🚁d🚂");
    assert_eq!(message.audio.as_ref().and_then(|audio| audio.transcript.as_deref()), Some("e🚃"));
    assert_eq!(calls_of(&reply), [("c1", "f", "{\"q\":\"🚀\"}"), ("c2", "f", "{\"q\":\"😀\"}")]);

    let reasoning = [r#""reasoning":"a\ud83d""#, r#""content":"b""#, r#""reasoning_content":"\ude80""#];
    assert_eq!(cut(&reasoning).await.reasoning(), "a🚀");
    // Calls that all have number 0, and calls without any.
    let other = begin(0, "c2").replace(r#""name":"f""#, r#""name":"g""#);
    let numbered = [&*begin(0, "c1"), &*other, &*end(0, r"\ude00")];
    let calls = cut(&numbered).await;
    assert_eq!(calls_of(&calls), [("c1", "f", "{\"q\":\"\u{fffd}"), ("c2", "g", "{\"q\":\"😀\"}")]);
    let unnumbered = numbered.map(|delta| delta.replace(r#""index":0,"#, ""));
    let unnumbered: Vec<&str> = unnumbered.iter().map(String::as_str).collect();
    assert_eq!(calls_of(&cut(&unnumbered).await), calls_of(&calls));
}

#[tokio::test]
async fn half_a_character_whose_other_half_never_comes_is_replaced() {
    let reply = cut(&[
        r#""content":"a\ud83d","refusal":"b\ud83d","audio":{"transcript":"c\ud83d"}"#,
        r#""reasoning_details":[{"type":"reasoning.text","text":"d\ud83d","index":0}]"#,
        r#""tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"e\ud83d"}}]"#,
        r#""tool_calls":[{"index":1,"id":"d","function":{"name":"f","arguments":"f\ude00"}}]"#,
        r#""content":"x""#,
    ])
    .await;
    let message = &reply.message;
    assert_eq!((reply.text(), message.refusal.as_deref()), ("a\u{fffd}x", Some("b\u{fffd}")));
    assert_eq!(reply.reasoning(), "d\u{fffd}");
    assert_eq!(message.audio.as_ref().and_then(|audio| audio.transcript.as_deref()), Some("c\u{fffd}"));
    assert_eq!(calls_of(&reply), [("c", "f", "e\u{fffd}"), ("d", "f", "f\u{fffd}")]);
}

#[tokio::test]
async fn an_odd_value_costs_itself_alone() {
    let good = json!({
        "id": "gen-1", "created": 1_764_300_000, "model": "m", "provider": "P", "service_tier": "default",
        "system_fingerprint": "fp", "error": null, "usage": {"prompt_tokens": 11, "completion_tokens": 3,
            "total_tokens": 14, "cost": 0.5, "prompt_tokens_details": {"cached_tokens": 2}},
        "choices": [{"index": 0, "finish_reason": "stop", "native_finish_reason": "stop",
            "logprobs": {"content": [{"token": "Hi", "logprob": -0.5, "bytes": [72], "top_logprobs": []}]},
            "message": {"role": "assistant", "content": "Hi", "refusal": null, "reasoning": "Hm.",
                "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "index": 0}],
                "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                "annotations": [], "images": [], "audio": {"id": "a", "data": "AA", "transcript": "Hi", "expires_at": 1}}}],
    });
    let odd = [
        "-Infinity",
        "NaN",
        "-1",
        "0.25",
        "1e999",
        "\"NaN\"",
        "\"\"",
        "\"-1\"",
        "true",
        "\"true\"",
        "null",
        "[]",
        "{}",
        "[null]",
        "[\"odd\"]",
        "{\"odd\":[1]}",
    ];
    let mut paths = Vec::new();
    find_paths(&good, String::new(), &mut paths);
    assert!(paths.len() > 40, "{paths:?}");
    for path in &paths {
        // Any other type of it makes the answer an error.
        if path == "/error" || path.starts_with("/choices/0/error") {
            continue;
        }
        for odd in odd {
            let mut body = good.clone();
            *body.pointer_mut(path).expect("a value") = json!("ODD VALUE");
            let body = body.to_string().replace("\"ODD VALUE\"", odd);
            let server = Server::always(Reply::json(200, body.clone()));
            let reply = server.chat(&request()).await;
            let is_in = |part: &str| part.starts_with(path.as_str()) || path.starts_with(part);
            match reply {
                Ok(reply) => {
                    assert!(reply.usage.total_tokens == Some(14) || is_in("/usage"), "{body}");
                    assert!(reply.text() == "Hi" || is_in("/choices/0/message/content"), "{body}");
                    assert!(reply.reasoning() == "Hm." || is_in("/choices/0/message/reasoning"), "{body}");
                    let has_call = calls_of(&reply) == [("c", "f", "{}")];
                    assert!(has_call || is_in("/choices/0/message/tool_calls"), "{body}");
                    assert!(reply.logprobs.len() == 1 || is_in("/choices/0/logprobs"), "{body}");
                }
                // Without any choice there is no answer.
                Err(error) => assert!(matches!(&**path, "/choices" | "/choices/0"), "{body}: {error:?}"),
            }
        }
    }
}

/// The JSON pointers of all values in a value, but of the whole.
fn find_paths(value: &Value, path: String, paths: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let path = format!("{path}/{name}");
        paths.push(path.clone());
        find_paths(value, path, paths);
    }
}

#[tokio::test]
async fn numbers_are_read_however_they_are_written() {
    let body = json!({"created": 1_764_300_000.25, "choices": {"index": "0", "message": {"content": "Hi", "audio":
        {"id": "a", "expires_at": "1700000000.9"}}, "finish_reason": "stop"}, "usage": {"prompt_tokens": 11.0,
        "completion_tokens": "3", "total_tokens": " 14.0 ", "cost": " 0.5 "}, "error": []});
    let reply = answered(body.to_string()).await;
    assert_eq!((reply.text(), reply.created), ("Hi", Some(1_764_300_000)));
    let usage = &reply.usage;
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
        (Some(11), Some(3), Some(14))
    );
    assert_eq!(usage.cost, "0.5".parse().ok());
    assert_eq!(reply.message.audio.expect("a sound").expires_at, Some(1_700_000_000));
}

#[tokio::test]
async fn a_number_that_json_does_not_have_is_lost_alone() {
    let token = |token: &str, logprob: &str| {
        format!(
            r#"{{"token":"{token}","logprob":{logprob},"top_logprobs":[{{"token":"NaN","logprob":{logprob}}}]}}"#
        )
    };
    let chunk = |text: &str, logprob: &str| {
        let logprobs = format!(r#"{{"content":[{}]}}"#, token(text, logprob));
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}},\"logprobs\":{logprobs}}}]}}\n\n"
        )
    };
    let stream =
        chunk("Hel", "-0.5") + &chunk("lo", "-Infinity") + &chunk("NaN", "NaN") + &chunk("!", "\"-0.25\"");
    let (_, reply) = read(stream + "data: [DONE]\n\n").await;
    assert_eq!(reply.text(), "HelloNaN!", "what a text says is no number");
    let logprobs: Vec<Option<f64>> = reply.logprobs.iter().map(|token| token.logprob).collect();
    assert_eq!(logprobs, [Some(-0.5), None, None, Some(-0.25)]);
    assert!(reply.logprobs.iter().all(|token| token.top_logprobs[0].token == "NaN"));

    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"Hi"}},"finish_reason":"stop","logprobs":{{"content":[{}]}}}}],"novel":[-Infinity]}}"#,
        token("Hi", "-Infinity")
    );
    let server = Server::always(Reply::json(200, body));
    let reply = server.chat(&request().keep_raw()).await.expect("an answer");
    assert_eq!((reply.text(), reply.logprobs[0].logprob), ("Hi", None));
    assert_eq!(json!(reply.extra), json!({"novel": [null]}), "what is kept is JSON");
    assert!(reply.raw[0].read::<Value>().is_ok());
}

#[tokio::test]
async fn usage_is_read_under_the_names_of_other_services() {
    let cases = [
        (
            json!({"prompt_tokens": 100, "prompt_cache_hit_tokens": 80, "prompt_cache_miss_tokens": 20}),
            [Some(100), None, Some(80), None, None],
        ),
        (json!({"prompt_tokens": 100, "cached_tokens": 80}), [Some(100), None, Some(80), None, None]),
        (
            json!({"prompt_tokens": 100, "completion_tokens": 5, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 7}),
            [Some(100), Some(5), Some(80), Some(7), None],
        ),
        // Anthropic counts apart what its caches have to do with.
        (
            json!({"input_tokens": 13, "output_tokens": 5, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 7}),
            [Some(100), Some(5), Some(80), Some(7), None],
        ),
        (
            json!({"input_tokens": 100, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 80},
                "output_tokens_details": {"reasoning_tokens": 3}}),
            [Some(100), Some(5), Some(80), None, Some(3)],
        ),
        (json!({"completion_tokens": 5, "reasoning_tokens": 3}), [None, Some(5), None, None, Some(3)]),
        // The usual place counts before all others, and what is odd in it does not.
        (
            json!({"prompt_tokens": 100, "input_tokens": 1, "completion_tokens": 5, "output_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 6}, "prompt_cache_hit_tokens": 80,
                "cache_read_input_tokens": 70, "cache_creation_input_tokens": 7,
                "completion_tokens_details": {"reasoning_tokens": 2}, "reasoning_tokens": 3}),
            [Some(100), Some(5), Some(0), Some(6), Some(2)],
        ),
        (
            json!({"prompt_tokens_details": {"cached_tokens": null}, "prompt_cache_hit_tokens": 80}),
            [None, None, Some(80), None, None],
        ),
    ];
    for (usage, expected) in cases {
        let figures = |usage: &Usage| {
            [
                usage.prompt_tokens,
                usage.completion_tokens,
                usage.cached_tokens,
                usage.cache_write_tokens,
                usage.reasoning_tokens,
            ]
        };
        let answer =
            json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage});
        let reply = answered(answer.to_string()).await;
        assert_eq!(figures(&reply.usage), expected, "{usage}");
        let raw = reply.usage.raw.as_ref().expect("the whole object");
        assert_eq!(raw.read::<Value>().expect("JSON"), usage);
        let chunk = format!(
            "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
            json!({"choices": [{"delta": {"content": "Hi"}}]}),
            json!({"choices": [], "usage": usage})
        );
        assert_eq!(figures(&read(chunk).await.1.usage), expected, "{usage}");
    }
}

#[tokio::test]
async fn of_a_field_that_is_not_known_the_last_value_is_kept() {
    let chunk = |number: usize| json!({"choices": [{"delta": {"content": "a", "mark": number}, "place": [number]}], "obfuscation": "x".repeat(number % 7)});
    let body: String = (0..500).map(|number| format!("data: {}\n\n", chunk(number))).collect();
    let (_, reply) =
        read(body.clone() + "data: {\"choices\":[],\"obfuscation\":null}\n\ndata: [DONE]\n\n").await;
    assert_eq!(reply.text().len(), 500);
    assert_eq!(json!(reply.extra), json!({"obfuscation": "xx", "place": [499]}));
    assert_eq!(json!(reply.message.extra), json!({"mark": 499}));
    assert_eq!(reply.extra.iter().count() + reply.message.extra.iter().count(), 3, "and no other");

    // The last values are there, too, where the stream breaks off.
    let server = Server::always(Reply::events(body).cut_off());
    let stream = server.stream(&request()).await.expect("a stream");
    let error = stream.collect().await.expect_err("it broke off");
    assert_eq!(json!(error.partial().expect("what came").message.extra), json!({"mark": 499}));
}

#[tokio::test]
async fn an_empty_error_costs_nothing() {
    for error in [json!({"code": null, "message": null}), json!({"code": 0, "message": "", "metadata": {}})] {
        let choice = json!({"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"});
        let reply = answered(json!({"choices": [choice], "error": error}).to_string()).await;
        assert_eq!(reply.text(), "Hello");
        let chunk = |content: &str, reason: Value| {
            let choice = json!({"delta": {"content": content}, "finish_reason": reason, "error": error});
            format!("data: {}\n\n", json!({"choices": [choice], "error": error}))
        };
        let body = chunk("Hel", Value::Null) + &chunk("lo", Value::Null) + &chunk("", json!("stop"));
        assert_eq!(read(body).await.1.text(), "Hello");
    }
}

#[tokio::test]
async fn two_names_in_one_list_are_two_calls() {
    let call = |name: &str| json!({"index": 0, "function": {"name": name, "arguments": ""}});
    let reply = streamed(&[
        delta(json!({"tool_calls": [call("list_files"), call("get_time")]})),
        json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"}),
    ])
    .await;
    let names: Vec<&str> = reply.message.tool_calls.iter().map(|call| &*call.name).collect();
    assert_eq!(names, ["list_files", "get_time"]);
}

#[tokio::test]
async fn usage_inside_other_fields_counts_where_there_is_none_at_the_top() {
    let end = json!({"delta": {"content": "Hi"}, "finish_reason": "stop", "usage": {"total_tokens": 14}});
    assert_eq!(streamed(std::slice::from_ref(&end)).await.usage.total_tokens, Some(14));
    assert_eq!(whole(end).await.usage.total_tokens, Some(14));
    let choice = json!({"delta": {"content": "Hi"}, "finish_reason": "stop"});
    let groq = json!({"choices": [choice], "x_groq": {"id": "req", "usage": {"total_tokens": 14}}});
    assert_eq!(read(format!("data: {groq}\n\n")).await.1.usage.total_tokens, Some(14));
}

#[tokio::test]
async fn a_text_may_be_an_object_with_a_value() {
    let content = json!([{"type": "text", "text": {"value": "Hi"}}]);
    assert_eq!(streamed(&[delta(json!({"content": content})), end_with(json!({}))]).await.text(), "Hi");
    assert_eq!(whole(message(json!({"content": content}))).await.text(), "Hi");
}

#[tokio::test]
async fn a_function_call_in_the_old_style_is_a_tool_call() {
    let call = json!({"name": "f", "arguments": "{\"a\":1}"});
    let piece = |call: Value| delta(json!({"function_call": call}));
    let end = json!({"delta": {}, "finish_reason": "function_call"});
    let pieces =
        [json!({"name": "f", "arguments": ""}), json!({"arguments": "{\"a\""}), json!({"arguments": ":1}"})];
    let pieces: Vec<Value> = pieces.into_iter().map(piece).chain([end]).collect();
    let in_message =
        json!({"message": {"content": null, "function_call": call}, "finish_reason": "function_call"});
    for reply in [streamed(&pieces).await, whole(in_message).await] {
        let [call] = &*reply.message.tool_calls else { panic!("{reply:?}") };
        assert_eq!((&*call.name, &*call.arguments), ("f", r#"{"a":1}"#));
    }
}
