//! Joins schemas that describe one object together.

use serde_json::{Map, Value};

/// The keywords of a schema.
pub(super) type Keywords = Map<String, Value>;

/// References in a row that are followed before they are taken for a circle.
const MAX_REFERENCES: usize = 16;

/// The choices of a schema that has some.
pub(super) fn choices(keywords: &Keywords) -> Option<&Vec<Value>> {
    keywords.get("oneOf").or_else(|| keywords.get("anyOf")).and_then(Value::as_array)
}

/// A schema that has a reference, joined with the one it refers to. `None` without a reference and where it
/// leads nowhere.
pub(super) fn resolved(root: &Value, keywords: &Keywords) -> Option<Keywords> {
    let mut joined = keywords.clone();
    for _ in 0..MAX_REFERENCES {
        let reference = joined.get("$ref")?.as_str()?.strip_prefix('#')?.to_owned();
        let mut target = root.pointer(&reference)?.as_object()?.clone();
        target.retain(|keyword, _| keyword != "$defs");
        joined.retain(|keyword, _| keyword != "$ref");
        joined = join(&joined, &target);
        if !joined.contains_key("$ref") {
            return Some(joined);
        }
    }
    None
}

/// One schema with the properties of both. Of what cannot be joined, the first one's counts.
pub(super) fn join(first: &Keywords, second: &Keywords) -> Keywords {
    let mut joined = first.clone();
    for (keyword, value) in second {
        match (joined.get_mut(keyword), value) {
            (Some(Value::Object(ours)), Value::Object(theirs)) => {
                ours.extend(theirs.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            (Some(Value::Array(ours)), Value::Array(theirs)) if keyword == "required" => {
                ours.extend(theirs.iter().cloned());
            }
            (Some(_), _) => {}
            (None, value) => {
                joined.insert(keyword.clone(), value.clone());
            }
        }
    }
    joined
}
