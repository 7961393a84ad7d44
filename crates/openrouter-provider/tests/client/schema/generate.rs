//! Made-up instances of JSON Schemas: the same seed gives the same ones.

use serde_json::{Map, Value, json};

/// A schema document, and a generator of pseudo-random numbers (xorshift64).
pub(crate) struct Generator<'a> {
    document: &'a Value,
    /// The state of the generator of numbers.
    state: u64,
}

/// Beyond this depth only what is required is made.
const DEPTH: usize = 7;

impl<'a> Generator<'a> {
    pub(crate) fn new(document: &'a Value, seed: u64) -> Self {
        Self { document, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// An instance of a named schema.
    pub(crate) fn named(&mut self, name: &str) -> Value {
        self.instance(&json!({ "$ref": format!("#/components/schemas/{name}") }), Place::default(), 0)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % bound.max(1)
    }

    fn instance(&mut self, schema: &Value, place: Place<'_>, depth: usize) -> Value {
        if let Some(value) = self.hinted(place) {
            return value;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.resolved(schema);
            let owner = reference.rsplit('/').next().unwrap_or_default();
            return self.instance(target, Place { owner, field: "" }, depth);
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(options) = schema[choice].as_array() {
                let option = &options[self.below(options.len())];
                return self.instance(option, Place { field: "", ..place }, depth);
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            let parts: Vec<Value> = all.iter().map(|part| self.resolved(part).clone()).collect();
            let mut whole = Map::new();
            for part in parts.iter().filter(|part| part["properties"].is_object()) {
                whole.extend(self.object(part, place.owner, depth).as_object().cloned().unwrap_or_default());
            }
            // One part requires a field that another describes.
            for name in parts
                .iter()
                .filter_map(|part| part["required"].as_array())
                .flatten()
                .filter_map(Value::as_str)
            {
                let described = parts.iter().find(|part| part["properties"][name].is_object());
                if let (false, Some(part)) = (whole.contains_key(name), described) {
                    let value = self.instance(&part["properties"][name], place, depth);
                    whole.insert(name.to_owned(), value);
                }
            }
            return Value::Object(whole);
        }
        if let Some(values) = schema["enum"].as_array() {
            return values[self.below(values.len())].clone();
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ if schema["properties"].is_object() => vec!["object"],
            _ => vec!["string"],
        };
        match kinds[self.below(kinds.len())] {
            "null" => Value::Null,
            "boolean" => json!(self.below(2) == 0),
            "integer" => json!(self.number(schema, 9_000) as i64),
            "number" => match self.below(3) {
                0 => json!(self.number(schema, 1) as i64),
                _ => json!(self.number(schema, 1)),
            },
            "array" => self.list(schema, place.owner, depth),
            "object" => self.object(schema, place.owner, depth),
            _ => self.text(schema),
        }
    }

    /// The schema that a reference leads to.
    fn resolved<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        let Some(reference) = schema["$ref"].as_str() else { return schema };
        let target = self.document.pointer(reference.trim_start_matches('#'));
        target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    fn number(&mut self, schema: &Value, most: u32) -> f64 {
        let least = schema["minimum"].as_f64().unwrap_or(1.0);
        let most = schema["maximum"].as_f64().unwrap_or(least + f64::from(most));
        least + (most - least) * (self.below(1_001) as f64 / 1_000.0)
    }

    fn text(&mut self, schema: &Value) -> Value {
        const WORDS: [&str; 6] = ["alpha", "Beta-2", "gamma_3", "x", "delta", "epsilon0"];
        let free = schema["maxLength"].is_null() && schema["pattern"].is_null();
        if free && self.below(8) == 0 {
            return json!("Zeichen: \u{e9} \u{1f5fc} \"quoted\" \\ \n end");
        }
        json!(WORDS[self.below(WORDS.len())])
    }

    fn list(&mut self, schema: &Value, owner: &str, depth: usize) -> Value {
        let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
        let most = schema["maxItems"].as_u64().unwrap_or(3).min(3) as usize;
        let count = if depth > DEPTH { least } else { least + self.below(most.saturating_sub(least) + 1) };
        (0..count).map(|_| self.instance(&schema["items"], Place { owner, field: "" }, depth + 1)).collect()
    }

    fn object(&mut self, schema: &Value, owner: &str, depth: usize) -> Value {
        let mut object = Map::new();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let wanted = required.contains(&name.as_str()) || (depth <= DEPTH && self.below(2) == 0);
            if wanted {
                object.insert(name.clone(), self.instance(property, Place { owner, field: name }, depth + 1));
            }
        }
        // An open schema gets a field that nobody knows.
        let open = &schema["additionalProperties"];
        if (open.is_object() || *open == json!(true)) && self.below(2) == 0 {
            object.insert(
                format!("made_up_{}", self.below(9)),
                self.instance(open, Place { owner, field: "" }, depth + 1),
            );
        }
        Value::Object(object)
    }

    /// Values for fields whose ranges the schema leaves out, though the service has them.
    fn hinted(&mut self, place: Place<'_>) -> Option<Value> {
        let share = self.below(101) as f64 / 100.0;
        Some(match (place.owner, place.field) {
            ("ChatRequest", "temperature" | "repetition_penalty") => json!(share * 2.0),
            ("ChatRequest", "frequency_penalty" | "presence_penalty") => json!(share * 4.0 - 2.0),
            ("ChatRequest", "top_p" | "top_a" | "min_p") => json!(share),
            ("ChatRequest", "top_logprobs") => json!(self.below(21)),
            ("ChatRequest", "models") => json!(["a/b", "c/d", "e/f"][..self.below(4)]),
            ("ChatRequest", "logit_bias") => json!({ "50256": share * 100.0 }),
            ("ProviderPreferences", "prompt" | "completion" | "request" | "image" | "audio") => {
                json!(format!("{}", share * 4.0))
            }
            _ => return None,
        })
    }
}

/// Where in the document an instance stands.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    /// The named schema around it.
    owner: &'a str,
    /// The field of that schema.
    field: &'a str,
}
