//! Streams built from chunks: what is read is what was put in.

use proptest::prelude::*;
use provider_core::Event;
use serde_json::{Value, json};
use wire_properties::{read, sse};

/// Something in a stream.
#[derive(Clone, Debug)]
enum Item {
    Text(String),
    Thought(String),
    Refusal(String),
    /// A piece of the arguments of the call of this number.
    Call(u8, String),
    Usage(u32),
    Comment(String),
    Ping,
    Nothing,
}

/// How an event is written.
#[derive(Clone, Copy, Debug)]
struct Style {
    /// LF, CR or CRLF.
    end_of_line: &'static str,
    /// Whether a space is behind the colon.
    space: bool,
    /// Whether the JSON is written over several lines.
    lines: bool,
    /// Whether everything outside ASCII is an escape.
    escapes: bool,
    /// Whether the event is called what events without a name are.
    named: bool,
}

/// How a stream is over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Proper,
    WithoutMark,
    /// The last event lacks its empty line, or any line end.
    WithoutLine {
        any: bool,
    },
    WithoutReason,
    CutOff,
    InsideAnEvent,
}

fn item() -> impl Strategy<Value = Item> {
    let text = prop_oneof![any::<String>(), "[a-z \\\\\"\n]{0,20}", "[🗼東é\u{2028}\u{feff}]{1,4}"].boxed();
    prop_oneof![
        4 => text.clone().prop_map(Item::Text),
        1 => text.clone().prop_map(Item::Thought),
        1 => text.clone().prop_map(Item::Refusal),
        2 => (0..3_u8, text).prop_map(|(call, text)| Item::Call(call, text)),
        1 => any::<u32>().prop_map(Item::Usage),
        1 => "[^\r\n]{0,30}".prop_map(Item::Comment),
        1 => Just(Item::Ping),
        1 => Just(Item::Nothing),
    ]
}

fn style() -> impl Strategy<Value = Style> {
    let end_of_line = prop_oneof![Just("\n"), Just("\r"), Just("\r\n")];
    (end_of_line, any::<[bool; 4]>()).prop_map(|(end_of_line, [space, lines, escapes, named])| Style {
        end_of_line,
        space,
        lines,
        escapes,
        named,
    })
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => Just(End::Proper),
        1 => Just(End::WithoutMark),
        1 => any::<bool>().prop_map(|any| End::WithoutLine { any }),
        1 => Just(End::WithoutReason),
        1 => Just(End::CutOff),
        1 => Just(End::InsideAnEvent),
    ]
}

fn event(json: &Value, style: Style) -> String {
    let text = if style.lines { serde_json::to_string_pretty(json) } else { serde_json::to_string(json) };
    let mut text = text.expect("JSON");
    if style.escapes {
        let escape = |c: char| match c.is_ascii() {
            true => c.to_string(),
            false => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        };
        text = text.chars().map(escape).collect();
    }
    let mut event = String::new();
    if style.named {
        event.push_str(&format!("event:message{}", style.end_of_line));
    }
    for line in text.split('\n') {
        let space = if style.space { " " } else { "" };
        event.push_str(&format!("data:{space}{line}{}", style.end_of_line));
    }
    event + style.end_of_line
}

fn written(item: &Item, style: Style) -> String {
    let delta = |delta: Value| event(&json!({ "choices": [{ "index": 0, "delta": delta }] }), style);
    match item {
        Item::Text(text) => delta(json!({ "content": text })),
        Item::Thought(text) => delta(json!({ "reasoning": text, "content": "" })),
        Item::Refusal(text) => delta(json!({ "refusal": text, "content": null })),
        Item::Call(call, text) => {
            let function = json!({ "name": format!("f{call}"), "arguments": text });
            delta(
                json!({ "tool_calls": [{ "index": call, "id": format!("c{call}"), "function": function }] }),
            )
        }
        Item::Usage(tokens) => event(&json!({ "choices": [], "usage": { "total_tokens": tokens } }), style),
        Item::Comment(words) => format!(":{words}{}", style.end_of_line),
        Item::Ping => format!("event: ping{0}data: ping{0}{0}", style.end_of_line),
        Item::Nothing => delta(json!({})),
    }
}

/// The texts of some of the items, joined.
fn joined(items: &[(Item, Style)], text: impl Fn(&Item) -> Option<&str>) -> String {
    items.iter().filter_map(|(item, _)| text(item)).collect()
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn what_is_read_is_what_was_sent(
        items in prop::collection::vec((item(), style()), 0..12),
        (end, last, mark) in (end(), style(), any::<bool>()),
    ) {
        let mut stream = if mark { "\u{feff}".to_owned() } else { String::new() };
        stream.extend(items.iter().map(|(item, style)| written(item, *style)));
        if matches!(end, End::Proper | End::WithoutMark | End::WithoutLine { .. }) {
            stream.push_str(&event(&json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }), last));
        }
        match end {
            End::Proper | End::WithoutReason => stream.push_str("data: [DONE]\n\ndata: nothing after it\n\n"),
            End::InsideAnEvent => stream.push_str("data: {\"choices\":[{\"delta\":{\"content\":\"never whole"),
            End::WithoutLine { any } => {
                let ends = if any { 1 } else { 2 };
                stream.truncate(stream.len() - ends * last.end_of_line.len());
            }
            End::WithoutMark | End::CutOff => {}
        }
        sse(stream.as_bytes());
        let outcome = read(stream.as_bytes());
        let message = outcome.response().message;
        prop_assert_eq!(
            &message.text, &joined(&items, |item| if let Item::Text(text) = item { Some(text) } else { None })
        );
        let thoughts = joined(&items, |item| if let Item::Thought(text) = item { Some(text) } else { None });
        prop_assert_eq!(message.reasoning.unwrap_or_default(), thoughts);
        let refusal = joined(&items, |item| if let Item::Refusal(text) = item { Some(text) } else { None });
        prop_assert_eq!(message.refusal.unwrap_or_default(), refusal);
        for number in 0..3 {
            let of = |item: &Item| matches!(item, Item::Call(call, _) if *call == number);
            let arguments =
                joined(&items, |item| if let (true, Item::Call(_, text)) = (of(item), item) { Some(text) } else { None });
            let call = message.tool_calls.iter().find(|call| call.id == format!("c{number}"));
            prop_assert_eq!(call.is_some(), items.iter().any(|(item, _)| of(item)));
            prop_assert_eq!(call.map(|call| call.arguments.clone()).unwrap_or_default(), arguments);
        }
        // In one call the name and the id show once.
        let names = outcome.events.iter().filter(|event| matches!(event, Event::ToolCall(delta) if delta.name.is_some()));
        prop_assert_eq!(names.count(), message.tool_calls.len());
        let said_something = outcome.events.iter().any(|event| !matches!(event, Event::Raw(_)));
        match end {
            End::Proper | End::WithoutMark | End::WithoutLine { .. } => prop_assert!(outcome.end.is_ok(), "{:?}", outcome.end),
            End::WithoutReason => prop_assert_eq!(outcome.end.is_ok(), said_something),
            End::CutOff | End::InsideAnEvent => prop_assert!(outcome.end.is_err(), "{:?}", outcome.end),
        }
        let usage = items.iter().rev().find_map(|(item, _)| if let Item::Usage(tokens) = item { Some(u64::from(*tokens)) } else { None });
        prop_assert_eq!(outcome.response().usage.total_tokens, usage);
    }

    #[test]
    fn frames_are_those_of_the_standard(stream in "(data|event|id|:|[a-z]{1,3})?:? ?[ -~é🗼]{0,9}((\n|\r|\r\n){1,3}((data|event|:|[a-z]{1,3})?:? ?[ -~é🗼]{0,9})){0,12}") {
        sse(stream.as_bytes());
    }

    #[test]
    fn any_bytes_are_a_stream(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(b':')], 0..200)) {
        sse(&bytes);
        wire_properties::decoder(&bytes);
    }
}
