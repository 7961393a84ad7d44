//! Generates a value that fits a JSON schema from the user's words: tool arguments, structured answers.

use serde_json::{Map, Number, Value, json};

use crate::words::Words;

/// The depth below which a value is `null`, since a schema can contain itself.
const MAX_DEPTH: usize = 12;
/// The number of values after which all others are `null`, since a schema can also branch without end.
const MAX_VALUES: usize = 10_000;

/// Generates a value that fits `schema`.
pub(crate) fn fill(schema: &Value, words: &mut Words) -> Value {
    Filler { root: schema, words, left: MAX_VALUES }.value(schema, "value", 0)
}

struct Filler<'a> {
    root: &'a Value,
    words: &'a mut Words,
    /// The number of values that may still be generated.
    left: usize,
}

impl Filler<'_> {
    fn value(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > MAX_DEPTH || self.left == 0 {
            return Value::Null;
        }
        self.left -= 1;
        if let Some(path) = schema["$ref"].as_str() {
            let target = path.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)).cloned();
            return target.map_or(Value::Null, |target| self.value(&target, name, depth + 1));
        }
        if let Some(fixed) = schema.get("const") {
            return fixed.clone();
        }
        if let Some(first) = schema["enum"].get(0).or_else(|| schema.get("default")) {
            return first.clone();
        }
        for key in ["anyOf", "oneOf"] {
            let choices = schema[key].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(choice) = choices.iter().find(|choice| choice["type"] != "null").or(choices.first()) {
                return self.value(&choice.clone(), name, depth + 1);
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.all_of(parts, name, depth);
        }
        match type_of(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "string" => Value::String(self.text(schema, name)),
            "integer" => Value::from(self.number(schema) as i64),
            "number" => Number::from_f64(self.number(schema)).map_or(Value::from(1), Value::Number),
            "boolean" => Value::Bool(true),
            _ => Value::Null,
        }
    }

    fn all_of(&mut self, parts: &[Value], name: &str, depth: usize) -> Value {
        let mut merged = Map::new();
        for part in parts {
            match self.value(part, name, depth + 1) {
                Value::Object(fields) => merged.extend(fields),
                other => return other,
            }
        }
        Value::Object(merged)
    }

    /// An object with the required properties, or with all of them if none is required.
    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let Some(properties) = schema["properties"].as_object() else { return json!({}) };
        let required: Option<Vec<&str>> =
            schema["required"].as_array().map(|names| names.iter().filter_map(Value::as_str).collect());
        let wanted = |name: &str| required.as_ref().is_none_or(|names| names.contains(&name));
        let mut fields = Map::new();
        for (name, property) in properties.iter().filter(|(name, _)| wanted(name)) {
            fields.insert(name.clone(), self.value(property, name, depth + 1));
        }
        Value::Object(fields)
    }

    fn array(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(items) = schema["prefixItems"].as_array() {
            return items.iter().map(|item| self.value(item, name, depth + 1)).collect();
        }
        let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
        let length = schema["minItems"].as_u64().unwrap_or(1).min(most).min(64);
        let item = schema.get("items").cloned().unwrap_or_else(|| json!({"type": "string"}));
        (0..length).map(|_| self.value(&item, name, depth + 1)).collect()
    }

    fn text(&mut self, schema: &Value, name: &str) -> String {
        let fixed = match schema["format"].as_str() {
            Some("date") => Some("2025-06-01"),
            Some("time") => Some("12:00:00Z"),
            Some("date-time") => Some("2025-06-01T12:00:00Z"),
            Some("email") => Some("ada@example.com"),
            Some("uri" | "url") => Some("https://example.com/"),
            Some("uuid") => Some("00000000-0000-4000-8000-000000000001"),
            Some("ipv4") => Some("192.0.2.1"),
            _ => None,
        };
        if let Some(fixed) = fixed {
            return fixed.to_owned();
        }
        let mut text = self.words.word(name);
        let length = |key: &str, otherwise: u64| schema[key].as_u64().unwrap_or(otherwise) as usize;
        let (least, most) = (length("minLength", 0).min(4096), length("maxLength", u64::MAX));
        while text.chars().count() < least {
            text.push('.');
        }
        text.chars().take(most).collect()
    }

    /// The next number of the user's text, or 1, clamped to the schema's range.
    fn number(&mut self, schema: &Value) -> f64 {
        let limit = |key: &str| schema[key].as_f64();
        let mut number = self.words.number().unwrap_or(1.0);
        if type_of(schema) == "integer" {
            number = number.trunc();
        }
        if let Some(step) = limit("multipleOf").filter(|step| *step > 0.0) {
            number = (number / step).ceil() * step;
        }
        let low = limit("minimum").or(limit("exclusiveMinimum").map(|bound| bound + 1.0));
        let high = limit("maximum").or(limit("exclusiveMaximum").map(|bound| bound - 1.0));
        number = low.map_or(number, |low| number.max(low));
        high.map_or(number, |high| number.min(high))
    }
}

/// The schema's type: the first that is not null, or else the one that its keywords imply.
fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("null")
        }
        _ if schema["properties"].is_object() => "object",
        _ if !schema["items"].is_null() => "array",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::fill;
    use crate::words::Words;
    use serde_json::json;

    #[test]
    fn fills_every_kind_of_value() {
        let schema = json!({
            "type": "object",
            "required": ["city", "unit", "days", "deep", "tags", "maybe", "at", "ok", "link", "ratio"],
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 2, "maximum": 5},
                "deep": {"type": "object", "properties": {"word": {"type": ["null", "string"], "maxLength": 3}}},
                "tags": {"type": "array", "minItems": 2, "items": {"const": "x"}},
                "maybe": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
                "at": {"type": "string", "format": "date"},
                "ok": {"allOf": [{"type": "boolean"}]},
                "link": {"$ref": "#/$defs/link"},
                "ratio": {"type": "number", "exclusiveMaximum": 1},
                "left_out": {"type": "string"},
            },
            "$defs": {"link": {"type": "string", "format": "uri"}},
        });
        let value = fill(&schema, &mut Words::of("Will it rain in Oslo within 9 days?"));
        assert_eq!(
            value,
            json!({
                "city": "Oslo", "unit": "celsius", "days": 5, "deep": {"word": "rai"}, "tags": ["x", "x"],
                "maybe": true, "at": "2025-06-01", "ok": true, "link": "https://example.com/", "ratio": 0.0,
            })
        );
    }

    #[test]
    fn recursive_schema_ends() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert!(fill(&schema, &mut Words::of("")).is_object());
        let bush = json!({"type": "array", "minItems": 50, "items": {"$ref": "#"}});
        assert!(fill(&bush, &mut Words::of("")).is_array());
    }
}
