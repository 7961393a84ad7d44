//! Compares a reading with what was expected.

use serde_json::{Map, Value};

/// The expectations that a reading does not meet: JSON pointer → value, or a matcher that is an object of `$`
/// words.
pub(crate) fn disagreements(reading: &Value, expected: &Map<String, Value>) -> Vec<String> {
    let wrong = expected.iter().filter_map(|(pointer, expected)| {
        let got = reading.pointer(pointer).unwrap_or(&Value::Null);
        let problem = disagreement(got, expected)?;
        Some(format!("{pointer}: {problem}, got {}", short(got)))
    });
    wrong.collect()
}

fn disagreement(got: &Value, expected: &Value) -> Option<String> {
    let matcher = expected.as_object().filter(|words| words.keys().any(|word| word.starts_with('$')));
    let Some(matcher) = matcher else {
        return (!same(got, expected)).then(|| format!("expected {expected}"));
    };
    matcher.iter().find_map(|(word, with)| {
        (!holds(word, got, with)).then(|| format!("expected {}", serde_json::json!({ word: with })))
    })
}

/// Whether one matcher holds. An unknown one does not.
fn holds(word: &str, got: &Value, with: &Value) -> bool {
    let texts = |value: &Value| -> Vec<String> {
        let several = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        several.iter().map(|value| text(value).to_lowercase()).collect()
    };
    match word {
        "$has" => texts(with).iter().all(|part| text(got).to_lowercase().contains(part)),
        "$lacks" => !texts(with).iter().any(|part| text(got).to_lowercase().contains(part)),
        "$one_of" => with.as_array().is_some_and(|values| values.iter().any(|value| same(got, value))),
        "$between" => match (got.as_f64(), with[0].as_f64(), with[1].as_f64()) {
            (Some(got), Some(low), Some(high)) => (low..=high).contains(&got),
            _ => false,
        },
        "$absent" => got.is_null() == with.as_bool().unwrap_or(true),
        "$json" => serde_json::from_str::<Value>(&text(got)).is_ok_and(|got| same(&got, with)),
        "$len" => {
            let length = match got {
                Value::Array(items) => items.len(),
                Value::Object(fields) => fields.len(),
                Value::String(text) => text.chars().count(),
                _ => 0,
            };
            with.as_u64() == Some(length as u64)
        }
        _ => false,
    }
}

/// A string as it is, nothing as nothing, everything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Equal, numbers by value.
fn same(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (Value::Number(got), Value::Number(expected)) => got.as_f64() == expected.as_f64(),
        _ => got == expected,
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
