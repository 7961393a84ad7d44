//! Bodies of requests, read back.

use std::collections::HashSet;
use std::fmt;

use openrouter_provider::body as stored;
use provider_core::ErrorKind;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::call_ids::without_repeated_ids;
use crate::json::same_json;

/// Any text is refused as a body, or read; what was read and can be written says the same as the text, with
/// an id of its own for every tool call, and is written the same when it is read again.
pub fn body(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let read = match stored::from_json(&text) {
        Ok(read) => read,
        Err(error) => {
            assert_eq!((error.kind(), error.provider()), (ErrorKind::InvalidRequest, Some("openrouter")));
            assert!(!error.fields().is_empty(), "{error} names no field");
            return;
        }
    };
    let written = match stored::to_json(&read.request) {
        Ok(written) => written,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            return;
        }
    };
    let again = stored::from_json(written.get()).expect("what was written can be read");
    assert!(!again.stream, "it is not the body that says so");
    assert_eq!(stored::to_json(&again.request).expect("it was written before"), written, "written again");
    // Of a name that comes twice, any may count.
    let twice = serde_json::from_str::<Names>(&text).map_or(true, |names| names.twice);
    if let (false, Ok(mut given)) = (twice, serde_json::from_str::<Value>(&text)) {
        if let Some(fields) = given.as_object_mut() {
            fields.remove("stream");
        }
        let mut written: Value = serde_json::from_str(written.get()).expect("JSON");
        as_it_is_sent(&mut given);
        as_it_is_sent(&mut written);
        without_repeated_ids(&mut given, &mut written);
        assert!(same_json(&given, &written), "{given}\nis sent as\n{written}");
    }
}

/// Respells a body as it is sent, where that differs on purpose: lists and objects that are empty say
/// nothing, one stop text is a list of one, a blank `content` of an assistant is `null` beside something
/// else, and blank arguments are an empty object.
fn as_it_is_sent(body: &mut Value) {
    let Some(fields) = body.as_object_mut() else { return };
    for name in ["tools", "stop", "modalities", "logit_bias", "metadata", "messages"] {
        let empty = match fields.get(name) {
            Some(Value::Array(list)) => list.is_empty(),
            Some(Value::Object(object)) => object.is_empty(),
            _ => false,
        };
        if empty {
            fields.remove(name);
        }
    }
    if let Some(stop @ Value::String(_)) = fields.get_mut("stop") {
        *stop = Value::Array(vec![stop.take()]);
    }
    let messages = fields.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten().filter_map(Value::as_object_mut) {
        if message.get("role").is_none_or(|role| role != "assistant") {
            continue;
        }
        if message.get("content").is_some_and(|content| content == "") {
            message.remove("content");
        }
        for name in ["tool_calls", "annotations", "images"] {
            if message.get(name).and_then(Value::as_array).is_some_and(Vec::is_empty) {
                message.remove(name);
            }
        }
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten().filter_map(Value::as_object_mut) {
            // A call without a type is a function's.
            call.entry("type").or_insert_with(|| "function".into());
            call.entry("id").or_insert_with(|| "".into());
            let function = call.entry("function").or_insert_with(|| serde_json::json!({}));
            let Some(function) = function.as_object_mut() else { continue };
            function.entry("name").or_insert_with(|| "".into());
            let arguments = function.entry("arguments").or_insert_with(|| "".into());
            if arguments.as_str().is_some_and(|text| text.trim().is_empty()) {
                *arguments = "{}".into();
            }
        }
    }
}

/// Whether an object anywhere in a value has a name twice.
#[derive(Default)]
struct Names {
    twice: bool,
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        macro_rules! none {
            ($($name:ident: $type:ty),*) => {
                $(fn $name<E>(self, _: $type) -> Result<Names, E> { Ok(Names::default()) })*
            };
        }
        impl<'de> Visitor<'de> for Any {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            none!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
            fn visit_unit<E>(self) -> Result<Names, E> {
                Ok(Names::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
                let mut twice = false;
                while let Some(item) = seq.next_element::<Names>()? {
                    twice |= item.twice;
                }
                Ok(Names { twice })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let (mut twice, mut seen) = (false, HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, Names>()? {
                    twice |= value.twice || !seen.insert(name);
                }
                Ok(Names { twice })
            }
        }
        deserializer.deserialize_any(Any)
    }
}
