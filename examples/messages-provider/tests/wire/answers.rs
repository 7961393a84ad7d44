//! Answers, streamed and whole, and how they go back.

use messages_provider::MessagesCodec;
use provider_core::author::{ChatCodec, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead};
use provider_core::{AssistantMessage, BlockRef, ChatRequest, ChatResponse, Error, FinishReason, Usage};
use serde_json::{Value, json};

/// Decodes a stream of these events as one that the model `claude-a` was asked for.
pub(crate) fn streamed(events: &[Value]) -> Result<ChatResponse, Error> {
    let request = ChatRequest::new("claude-a");
    let mut decoder = MessagesCodec::default().decoder(&request, ResponseHead::default());
    let mut out = collector();
    let mut told = Ok(());
    for event in events {
        match decoder.decode(Frame::new(event.to_string()), &mut out) {
            Ok(Progress::End) => break,
            Ok(_) => {}
            Err(error) => told = told.and(Err(error)),
        }
    }
    match told.and(decoder.finish(&mut out)) {
        Ok(()) => out.finish(),
        Err(error) => Err(out.fail(error.into_error())),
    }
}

fn whole(message: &Value) -> Result<ChatResponse, Error> {
    let request = ChatRequest::new("claude-a");
    let mut decoder = MessagesCodec::default().decoder(&request, ResponseHead::default());
    let mut out = collector();
    match decoder.decode_body(&message.to_string(), &mut out).and(decoder.finish(&mut out)) {
        Ok(()) => out.finish(),
        Err(error) => Err(out.fail(error.into_error())),
    }
}

fn collector() -> ResponseAccumulator {
    let mut out = ResponseAccumulator::without_events();
    out.set_requested("claude-a", &[]);
    out.set_provider("anthropic");
    out
}

/// The blocks of an answer in which everything comes, in an order that chat completions do not have.
fn blocks() -> Vec<Value> {
    let result = json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"x": 1}]});
    vec![
        json!({"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"}),
        json!({"type": "redacted_thinking", "data": "c2VjcmV0"}),
        json!({"type": "text", "text": "I look "}),
        json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "noon"}}),
        result,
        json!({"type": "text", "text": "twice."}),
        json!({"type": "thinking", "thinking": "", "signature": "bW9yZQ=="}),
        json!({"type": "tool_use", "id": "t1", "name": "time", "input": {"zone": "CET"}}),
    ]
}

fn events() -> Vec<Value> {
    let usage = json!({"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2,
        "output_tokens": 1, "service_tier": "standard"});
    let message = json!({"id": "msg_1", "model": "claude-a-2026", "content": [], "usage": usage});
    let mut events = vec![json!({"type": "message_start", "message": message}), json!({"type": "ping"})];
    for (index, mut block) in blocks().into_iter().enumerate() {
        let mut deltas = Vec::new();
        for (field, kind) in
            [("text", "text_delta"), ("thinking", "thinking_delta"), ("signature", "signature_delta")]
        {
            if let Some(text) = block.get(field).and_then(Value::as_str).map(str::to_owned) {
                let (one, two) = text.split_at(text.len() / 2);
                deltas.extend([one, two].map(|piece| json!({"type": kind, field: piece})));
                block[field] = json!("");
            }
        }
        if let Some(input) = block.get("input").map(Value::to_string) {
            let (one, two) = input.split_at(3);
            deltas.extend([one, two].map(|piece| json!({"type": "input_json_delta", "partial_json": piece})));
            block["input"] = json!({});
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        events.extend(
            deltas
                .into_iter()
                .map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": "tool_use", "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 42}}));
    events.push(json!({"type": "message_stop"}));
    events
}

fn message() -> Value {
    let usage = json!({"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2,
        "output_tokens": 42, "service_tier": "standard"});
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-a-2026", "content": blocks(),
        "stop_reason": "tool_use", "stop_sequence": null, "usage": usage})
}

#[test]
fn blocks_keep_their_order_and_go_back_as_they_came() {
    for reply in [streamed(&events()), whole(&message())].map(|reply| reply.expect("an answer")) {
        assert_eq!((reply.text(), &*reply.reasoning()), ("I look twice.", "Let me see."));
        assert_eq!((reply.id.as_deref(), &*reply.model), (Some("msg_1"), "claude-a-2026"));
        assert_eq!(reply.tool_calls()[0].arguments, r#"{"zone":"CET"}"#);
        let kinds: Vec<&str> = reply
            .message
            .blocks()
            .map(|block| match block {
                BlockRef::Reasoning { .. } => "thoughts",
                BlockRef::Text(_) => "text",
                BlockRef::ToolCall(_) => "call",
                BlockRef::Provider(_) => "own",
                _ => "other",
            })
            .collect();
        assert_eq!(kinds, ["thoughts", "thoughts", "text", "own", "own", "text", "thoughts", "call"]);

        let next = ChatRequest::new("claude-a").user("Hi").message(reply.message).tool_result("t1", "noon");
        let sent = |request: &ChatRequest| {
            let body = MessagesCodec::default().encode(request, false).expect("a good request");
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            body["messages"][1]["content"].as_array().expect("blocks").clone()
        };
        assert_eq!(sent(&next), blocks());
        // Another model gets no thoughts, and all the rest.
        let mut elsewhere = next.clone();
        elsewhere.model = "claude-b".to_owned();
        let others = blocks().into_iter().filter(|block| !block["type"].to_string().contains("thinking"));
        assert_eq!(sent(&elsewhere), others.collect::<Vec<_>>());
    }
}

#[test]
fn usage_counts_cached_tokens_once_and_the_last_figure_counts() {
    for reply in [streamed(&events()), whole(&message())].map(|reply| reply.expect("an answer")) {
        let Usage { prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, .. } = reply.usage;
        assert_eq!((prompt_tokens, completion_tokens), (Some(17), Some(42)));
        assert_eq!((cached_tokens, cache_write_tokens), (Some(5), Some(2)));
        assert_eq!(reply.service_tier.as_deref(), Some("standard"));
    }
}

#[test]
fn reason_to_stop_is_told_in_both_words_with_the_stop_text() {
    for (word, sequence, reason) in [
        ("end_turn", None, FinishReason::Stop),
        ("stop_sequence", Some("END"), FinishReason::Stop),
        ("max_tokens", None, FinishReason::Length),
        ("refusal", None, FinishReason::ContentFilter),
        ("pause_turn", None, FinishReason::Other("pause_turn".to_owned())),
    ] {
        let mut message = message();
        (message["stop_reason"], message["stop_sequence"]) = (json!(word), json!(sequence));
        let mut events = events();
        let end = events.len() - 2;
        events[end]["delta"] = json!({"stop_reason": word, "stop_sequence": sequence});
        for reply in [streamed(&events), whole(&message)].map(|reply| reply.expect("an answer")) {
            assert_eq!(reply.finish_reason.as_ref(), Some(&reason));
            assert_eq!(reply.native_finish_reason.as_deref(), Some(word));
            assert_eq!(reply.stop_sequence.as_deref(), sequence);
        }
    }
}

#[test]
fn citations_are_kept_and_those_of_pages_are_annotations() {
    let page = json!({"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "noon"});
    let place = json!({"type": "char_location", "cited_text": "x", "document_index": 0});
    let text = json!({"type": "text", "text": "Noon.", "citations": [page, place]});
    let mut message = message();
    message["content"] = json!([text]);
    let streamed = streamed(&[
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Noon."}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": page}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": place}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        json!({"type": "message_stop"}),
    ]);
    for reply in [streamed, whole(&message)].map(|reply| reply.expect("an answer")) {
        let source = reply.message.annotations[0].url_citation().expect("a source");
        assert_eq!((&*source.url, source.content.as_deref()), ("https://a.example", Some("noon")));
        assert_eq!(reply.message.annotations.len(), 1);
        assert_eq!(reply.message.extra.all("citations").len(), 2);
    }
}

#[test]
fn event_that_cannot_be_read_ends_the_answer_and_loses_no_other() {
    let mut decoder = MessagesCodec::default().decoder(&ChatRequest::new("m"), ResponseHead::default());
    let mut out = collector();
    let text = |text: &str| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
            .to_string()
    };
    for data in [text("Hel"), "{\"type\":".to_owned(), text("lo")] {
        assert_eq!(decoder.decode(Frame::new(data), &mut out), Ok(Progress::More));
    }
    let error = decoder.finish(&mut out).expect_err("an error").into_error();
    assert_eq!(out.fail(error).partial().map(ChatResponse::text), Some("Hello"));
}

#[test]
fn odd_values_cost_nothing_but_themselves() {
    let reply = streamed(&[
        json!({"type": "message_start", "message": {"id": 7, "model": null, "usage": "many"}}),
        json!({"type": "content_block_start", "index": "0", "content_block": {"type": "text", "text": null}}),
        json!({"type": "content_block_delta", "index": [], "delta": {"type": 1, "text": "Hi"}}),
        json!({"type": "news_of_tomorrow", "delta": {}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": 5}, "usage": []}),
        json!({"type": "message_stop"}),
    ]);
    let reply = reply.expect("an answer");
    assert_eq!((reply.text(), reply.id.as_deref(), &*reply.model), ("Hi", Some("7"), ""));
}

#[test]
fn fields_and_blocks_that_are_new_are_kept() {
    let event = |kind: &str, fields: Value| {
        let mut event = fields;
        event["type"] = json!(kind);
        event
    };
    let piece = |text: &str| {
        event("content_block_delta", json!({"index": 0, "delta": {"type": "summary_delta", "summary": text}}))
    };
    let streamed = streamed(&[
        event("message_start", json!({"message": {"id": "m", "type": "message", "role": "assistant"}})),
        event(
            "content_block_start",
            json!({"index": 0, "content_block": {"type": "summary", "summary": null, "n": 1}}),
        ),
        piece("So \"far\""),
        piece(", so good"),
        event("content_block_stop", json!({"index": 0})),
        event("content_block_delta", json!({"index": 1, "delta": {"type": "text_delta", "text": "Hi"}})),
        event("message_delta", json!({"delta": {"stop_reason": "end_turn", "container": {"id": "c"}}})),
        event("message_stop", json!({})),
    ]);
    let block = json!({"type": "summary", "summary": "So \"far\", so good", "n": 1});
    let whole = whole(&json!({"id": "m", "type": "message", "role": "assistant", "stop_reason": "end_turn",
        "content": [block, {"type": "text", "text": "Hi"}], "container": {"id": "c"}}));
    for reply in [streamed, whole].map(|reply| reply.expect("an answer")) {
        let blocks: Vec<Value> = reply
            .message
            .blocks()
            .filter_map(|one| match one {
                BlockRef::Provider(json) => serde_json::from_str(json.json().get()).ok(),
                _ => None,
            })
            .collect();
        assert_eq!((blocks.as_slice(), reply.text()), (&[block.clone()][..], "Hi"));
        let kept: Vec<(&str, &str)> = reply.extra.iter().map(|(name, json)| (name, json.get())).collect();
        assert_eq!(kept, [("container", r#"{"id":"c"}"#)]);
    }
}

#[test]
fn thoughts_and_blocks_of_another_provider_stay_here() {
    let mut said = whole(&message()).expect("an answer").message;
    said.made_by_provider = Some("openrouter".to_owned());
    let sent = |said: AssistantMessage| {
        let request = ChatRequest::new("claude-a").user("Hi").message(said);
        let body = MessagesCodec::default().encode(&request, false).expect("a good request");
        String::from_utf8(body).expect("UTF-8")
    };
    let body = sent(said.clone());
    assert!(body.contains("I look ") && body.contains("web_search_tool_result"), "{body}");
    assert!(!body.contains("thinking") && !body.contains("c2ln") && !body.contains("c2VjcmV0"), "{body}");
    // A block under another name than this provider's, as a stored conversation may have it.
    let stored = serde_json::to_string(&said).expect("JSON").replace("\"anthropic\"", "\"other\"");
    let body = sent(serde_json::from_str(&stored).expect("a message"));
    assert!(body.contains("I look ") && !body.contains("web_search_tool_result"), "{body}");
}

#[test]
fn json_of_events_and_messages_is_kept_where_it_is_asked_for() {
    let request = ChatRequest::new("claude-a").keep_raw();
    let decoder = || (MessagesCodec::default().decoder(&request, ResponseHead::default()), collector());
    let (mut one, mut streamed) = decoder();
    for event in events() {
        one.decode(Frame::new(event.to_string()), &mut streamed).expect("an event");
    }
    // A keep-alive is no part of the answer.
    assert_eq!(streamed.response().raw.len(), events().len() - 1);
    let (mut one, mut whole) = decoder();
    one.decode_body(&message().to_string(), &mut whole).expect("a message");
    assert_eq!(whole.response().raw.len(), 1);
}
