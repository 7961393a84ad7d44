//! The comparison of a reading with the expected one.

use provider_core::{Catalogue, ChatResponse, Error, ErrorKind, Price, ReasoningDetail, ToolCall};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::case::{Case, Kind};

/// The disagreements between what was read of an answer and what was expected.
pub(crate) fn answer(reading: &Result<ChatResponse, Error>, case: &Case) -> Vec<String> {
    let nothing = ChatResponse::default();
    let (reply, error) = match reading {
        Ok(reply) => (reply, None),
        Err(error) => (error.partial().unwrap_or(&nothing), Some(error)),
    };
    let mut compare = Compare { expected: &case.expected, disagreements: Vec::new() };
    if case.kind != Kind::Error {
        compare_reply(&mut compare, reply);
    }
    compare_error(&mut compare, error);
    compare.disagreements
}

struct Compare<'a> {
    expected: &'a Value,
    disagreements: Vec<String>,
}

impl Compare<'_> {
    fn field(&mut self, name: &str, got: Value) {
        let expected = self.expected.get(name).cloned().unwrap_or_default();
        self.values(name, &expected, &got);
    }

    fn values(&mut self, name: &str, expected: &Value, got: &Value) {
        if !same(expected, got) {
            self.disagreements.push(format!("{name}: expected {}, got {}", short(expected), short(got)));
        }
    }
}

/// Equal, numbers by value.
fn same(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => expected == got,
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 300 {
        format!("{}…", text.chars().take(300).collect::<String>())
    } else {
        text
    }
}

fn compare_reply(compare: &mut Compare<'_>, reply: &ChatResponse) {
    let message = &reply.message;
    compare.field("id", json!(reply.id));
    compare.field("model", json!(Some(&reply.model).filter(|model| !model.is_empty())));
    compare.field("provider", json!(reply.served_by.provider));
    compare.field("text", json!(message.text));
    compare.field("reasoning", json!(message.reasoning.as_deref().unwrap_or_default()));
    compare.field("refusal", json!(message.refusal));
    let details = message.reasoning_details.as_deref().unwrap_or_default();
    compare.field("reasoning_details", details.iter().map(detail).collect());
    compare_calls(compare, &message.tool_calls);
    compare.field("finish_reason", json!(reply.finish_reason));
    compare.field("native_finish_reason", json!(reply.native_finish_reason));
    compare.field("annotations", json!(message.annotations));
    compare.field("images", json!(message.images.len()));
    compare.field("logprobs", json!(reply.logprobs.len()));
    let usage = &reply.usage;
    let known = (!usage.is_unknown()).then(|| {
        json!({
            "prompt": usage.prompt_tokens,
            "completion": usage.completion_tokens,
            "total": usage.total_tokens,
            "cached": usage.cached_tokens,
            "cache_write": usage.cache_write_tokens,
            "reasoning": usage.reasoning_tokens,
            "cost": usage.cost,
        })
    });
    compare.field("usage", json!(known));
}

/// The fields of an item that the expectations have.
fn detail(item: &ReasoningDetail) -> Value {
    let known = ["type", "id", "format", "index", "text", "summary", "data", "signature"];
    let fields = item.iter().filter(|(name, _)| known.contains(name));
    let fields = fields.map(|(name, value)| (name.to_owned(), json!(value)));
    Value::Object(fields.filter(|(_, value)| !value.is_null()).collect())
}

fn compare_calls(compare: &mut Compare<'_>, calls: &[ToolCall]) {
    let expected = compare.expected["tool_calls"].as_array().cloned().unwrap_or_default();
    compare.values("how many tool_calls", &json!(expected.len()), &json!(calls.len()));
    let mut ids = Vec::new();
    for (expected, call) in expected.iter().zip(calls) {
        compare.values(
            "tool name",
            &expected["name"],
            &json!(Some(&call.name).filter(|name| !name.is_empty())),
        );
        compare.values("tool arguments", &expected["arguments"], &json!(call.arguments));
        if !expected["id"].is_null() {
            let received = call.received_id.as_ref().unwrap_or(&call.id);
            compare.values("tool call id", &expected["id"], &json!(received));
        }
        if call.id.is_empty() || ids.contains(&&call.id) {
            compare.disagreements.push(format!("tool call id {:?} is empty or taken", call.id));
        }
        ids.push(&call.id);
    }
}

fn compare_error(compare: &mut Compare<'_>, error: Option<&Error>) {
    let expected = compare.expected;
    let is = |name: &str, value: &Value| expected.get(name).unwrap_or(&Value::Null) == value;
    let said = &expected["error"];
    let wanted = if !said.is_null() {
        compare.values("whether there is an error", &json!(true), &json!(error.is_some()));
        match &said["code"] {
            Value::Null => {}
            Value::String(code) => {
                compare.values("error code", &json!(code), &json!(error.and_then(Error::code)))
            }
            code => {
                compare.values("error code", &json!(code.to_string()), &json!(error.and_then(Error::code)))
            }
        }
        if !said["message"].is_null() {
            compare.values("error message", &said["message"], &json!(error.map(Error::message)));
        }
        compare.values("error metadata", &said["metadata"], &json!(error.and_then(Error::details)));
        return;
    } else if expected["bad_chunks"].as_u64().unwrap_or(0) > 0 {
        Some(ErrorKind::InvalidResponse)
    } else if is("finish_reason", &json!("error")) {
        Some(ErrorKind::Upstream)
    } else if is("finish_reason", &Value::Null) && is("done", &json!(false)) {
        Some(ErrorKind::Interrupted)
    } else if is("finish_reason", &Value::Null) && says_nothing(expected) {
        Some(ErrorKind::EmptyResponse)
    } else {
        None
    };
    if error.map(Error::kind) != wanted {
        let got = error.map_or("none".to_owned(), Error::to_string);
        compare.disagreements.push(format!("error: expected {wanted:?}, got {got}"));
    }
}

fn says_nothing(expected: &Value) -> bool {
    let blank = |name: &str| expected[name].as_str().unwrap_or_default().is_empty();
    let none = |name: &str| expected[name].as_array().is_none_or(Vec::is_empty);
    blank("text")
        && blank("reasoning")
        && blank("refusal")
        && none("tool_calls")
        && none("reasoning_details")
        && none("annotations")
        && expected["images"].as_u64().unwrap_or(0) == 0
}

/// The disagreements between a catalogue and what was expected.
pub(crate) fn models(catalogue: &Catalogue, expected: &Value) -> Vec<String> {
    let mut compare = Compare { expected, disagreements: Vec::new() };
    let models = &catalogue.models;
    compare.field("models", json!(models.len()));
    compare.field("first_id", json!(models.first().map(|model| &model.id)));
    compare.field("last_id", json!(models.last().map(|model| &model.id)));
    compare.field("total_count", json!(catalogue.total_count));
    compare.field("n_with_tools", json!(models.iter().filter(|model| model.supports("tools")).count()));
    // The expectation counts free variants by their name; `Model::is_free` goes by the price.
    compare.field("n_free", json!(models.iter().filter(|model| model.id.ends_with(":free")).count()));
    let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
    compare.field("ids_sha256", json!(format!("{:x}", Sha256::digest(ids.join("\n")))));
    for sample in expected["sample"].as_array().into_iter().flatten() {
        let Some(model) = sample["id"].as_str().and_then(|id| catalogue.find(id)) else {
            compare.disagreements.push(format!("{} is missing", sample["id"]));
            continue;
        };
        let mut field =
            |name: &str, got: Value| compare.values(&format!("{} {name}", model.id), &sample[name], &got);
        field("name", json!(model.name));
        field("context_length", json!(model.context_length));
        field("max_completion_tokens", json!(model.max_completion_tokens));
        field("supported_parameters", json!(model.supported_parameters.len()));
        field("input_modalities", json!(Some(&model.input_modalities).filter(|list| !list.is_empty())));
        field("output_modalities", json!(Some(&model.output_modalities).filter(|list| !list.is_empty())));
        let price = |price: Option<Price>| match price {
            Some(Price::Fixed(amount)) => json!(amount.to_string()),
            Some(_) => json!("-1"),
            None => Value::Null,
        };
        field("prompt_price", price(model.pricing.prompt));
        field("completion_price", price(model.pricing.completion));
    }
    compare.disagreements
}
