//! The order of an answer's blocks, as a decoder of a wire that has one records it.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use provider_core::author::{BlockKind, ResponseAccumulator, ToolCallPiece};
use provider_core::{
    AssistantMessage, BlockRef, DetailValue, Error, ErrorKind, Image, Part, ProviderJson, ReasoningDetail,
    Secret, ToolCall,
};
use serde_json::json;

/// The message that comes of what is collected.
fn message(collect: impl FnOnce(&mut ResponseAccumulator)) -> AssistantMessage {
    let mut out = ResponseAccumulator::without_events();
    collect(&mut out);
    out.set_finish_reason("stop");
    out.finish().expect("an answer").message
}

/// Shows the blocks of a message.
fn shown(message: &AssistantMessage) -> Vec<String> {
    let show = |block: BlockRef<'_>| match block {
        BlockRef::Reasoning { text, details } => {
            let details: String = details.iter().filter_map(ReasoningDetail::visible_text).collect();
            format!("reasoning {text}|{details}")
        }
        BlockRef::Text(text) => format!("text {text}"),
        BlockRef::Part(part) => format!("part {part:?}").chars().take(9).collect(),
        BlockRef::ToolCall(call) => format!("call {}", call.name),
        BlockRef::Image(image) => format!("image {}", image.url().unwrap_or_default()),
        BlockRef::Provider(json) => format!("{} {}", json.provider(), json.json()),
        other => format!("{other:?}"),
    };
    message.blocks().map(show).collect()
}

fn think(out: &mut ResponseAccumulator, text: &str) {
    out.start_block(BlockKind::Reasoning);
    let mut detail = ReasoningDetail::new();
    detail.set("type", DetailValue::Text("reasoning.text".to_owned()));
    detail.set("text", DetailValue::Text(text.to_owned()));
    out.reasoning_details_mut().push(detail);
}

fn say(out: &mut ResponseAccumulator, text: &str) {
    out.start_block(BlockKind::Text);
    for piece in text.split_inclusive(' ') {
        out.push_text(piece);
    }
}

fn call(out: &mut ResponseAccumulator, index: u64, name: &str) {
    out.start_block(BlockKind::ToolCall);
    let index = Some(index);
    out.push_tool_call(ToolCallPiece { index, name: Some(name), arguments: "{", ..ToolCallPiece::default() });
    out.push_tool_call(ToolCallPiece { index, arguments: "}", ..ToolCallPiece::default() });
}

/// An answer with blocks of every kind, some of them twice.
fn full() -> AssistantMessage {
    message(|out| {
        think(out, "hm");
        say(out, "Let me look. ");
        out.push_block(ProviderJson::new("acme", json!({"type": "search_result"})));
        say(out, "Günter says so.");
        out.start_block(BlockKind::Text);
        think(out, "so");
        // The wire numbers its blocks, not its calls.
        call(out, 7, "f");
        out.start_block(BlockKind::Image);
        out.push_image(Image::from_url("https://example.com/a.png"));
        call(out, 3, "g");
    })
}

const FULL: [&str; 8] = [
    "reasoning |hm",
    "text Let me look. ",
    r#"acme {"type":"search_result"}"#,
    "text Günter says so.",
    "reasoning |so",
    "call f",
    "image https://example.com/a.png",
    "call g",
];

#[test]
fn blocks_keep_the_order_in_which_they_began() {
    let message = full();
    assert_eq!(message.text, "Let me look. Günter says so.", "the text is joined as well");
    assert_eq!(shown(&message), FULL);
    let json = serde_json::to_string(&message).expect("it can be written");
    let read: AssistantMessage = serde_json::from_str(&json).expect(&json);
    assert_eq!(read, message, "the order is stored");
}

#[test]
fn blocks_have_the_usual_order_where_none_was_recorded() {
    let mut message = message(|out| {
        out.push_tool_call(ToolCallPiece { name: Some("f"), ..ToolCallPiece::default() });
        out.push_image(Image::from_url("u"));
        out.push_text("Hi");
        out.push_reasoning("hm");
    });
    assert_eq!(shown(&message), ["reasoning hm|", "text Hi", "call f", "image u"]);
    message.parts = vec![Part::text("H"), Part::text("i")];
    assert_eq!(shown(&message), ["reasoning hm|", "part Text", "part Text", "call f", "image u"]);
    assert_eq!(shown(&AssistantMessage::default()), [""; 0]);
}

#[test]
fn blocks_of_kinds_that_were_not_recorded_are_not_lost() {
    let message = message(|out| {
        out.push_text("one ");
        out.start_block(BlockKind::Text);
        out.push_text("two");
        out.push_reasoning("hm");
        out.push_tool_call(ToolCallPiece { name: Some("f"), ..ToolCallPiece::default() });
        out.push_block(ProviderJson::new("acme", json!(1)));
    });
    assert_eq!(shown(&message), ["reasoning hm|", "text one two", "acme 1", "call f"]);
}

#[test]
fn every_byte_is_in_one_block_whatever_was_changed_by_hand() {
    let texts = [
        "",
        "é",
        "ééééééééé",
        "Let me look. Günter",
        "Let me look. Günter says so. And more.",
        "日本語日本語",
    ];
    for text in texts {
        let mut edited = full();
        text.clone_into(&mut edited.text);
        edited.reasoning_details = None;
        edited.tool_calls.push(ToolCall::new("call_9", "h", "{}"));
        edited.images.clear();
        let joined: String = edited
            .blocks()
            .filter_map(|block| match block {
                BlockRef::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        assert_eq!(joined, text);
        let calls: Vec<String> =
            shown(&edited).into_iter().filter(|block| block.starts_with("call")).collect();
        assert_eq!(calls, ["call f", "call g", "call h"]);
    }
    // Stored places may be anything.
    let odd = r#"{"text":"日本","blocks":[{"type":"text","start":9},{"type":"text","start":1},
        {"type":"tool_call","start":5},{"type":"text","start":4}]}"#;
    let odd: AssistantMessage = serde_json::from_str(odd).expect("a message");
    assert_eq!(shown(&odd), ["text 日", "text 本"]);
}

#[test]
fn parts_stand_in_place_of_text_in_recorded_blocks_as_well() {
    let mut message = full();
    message.parts = vec![Part::text("Let me look.")];
    let mut expected = FULL.to_vec();
    expected.remove(3);
    expected[1] = "part Text";
    assert_eq!(shown(&message), expected);
}

#[test]
fn block_of_a_provider_alone_is_an_answer() {
    let mut out = ResponseAccumulator::without_events();
    out.start_block(BlockKind::Text);
    assert!(out.response().message.is_empty(), "a block without anything in it says nothing");
    out.push_block(ProviderJson::new("acme", json!({})));
    assert!(!out.response().message.is_empty());
}

#[test]
fn secret_is_taken_out_of_blocks_and_moves_none() {
    let key = "sk-0123456789abcdef";
    let mut out = ResponseAccumulator::without_events();
    say(&mut out, &format!("key {key} "));
    out.start_block(BlockKind::Reasoning);
    out.push_reasoning(key);
    out.push_block(ProviderJson::new("acme", json!({ "key": key })));
    say(&mut out, "mine");
    out.start_block(BlockKind::Reasoning);
    out.push_reasoning("hm");
    // It may stand across the beginning of a block.
    say(&mut out, &key[..9]);
    say(&mut out, &format!("{}!", &key[9..]));
    let error = out.fail(Error::new(ErrorKind::Server, "down")).redact(&Secret::new(key));
    let message = &error.partial().expect("what came").message;
    let expected = [
        "text key *** ",
        "reasoning ***|",
        r#"acme {"key":"***"}"#,
        "text mine",
        "reasoning hm|",
        "text ***!",
    ];
    assert_eq!(shown(message), expected);
}
