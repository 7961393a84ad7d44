//! The form of a schema that services demand for `strict`, and what stands in its way.
//!
//! Every object is closed and all its properties are required; only few keywords are known. Maps, tuples and
//! "any JSON" cannot be said.

mod join;

use serde_json::{Map, Value, json};

use self::join::{Keywords, choices, join, resolved};
use crate::FieldProblem;

/// Choices within choices that are joined with a struct's properties, before they are taken to be endless.
const MAX_JOIN_DEPTH: usize = 4;

/// A schema in the strict form, as far as it can be had.
pub(super) struct Strict {
    /// The schema. With problems it is still a schema of the type, only not a strict one.
    pub(super) schema: Value,
    /// The parts that the strict form cannot express, and where they are.
    pub(super) problems: Vec<FieldProblem>,
}

impl Strict {
    /// The strict form of a schema.
    pub(super) fn of(natural: &Value) -> Self {
        let mut shaper = Shaper { root: natural, problems: Vec::new(), tangled: false, joins: 0 };
        let path = Path::default();
        // Outermost, a reference will not do for an object.
        let root = natural.as_object().and_then(|root| resolved(natural, root)).map(Value::Object);
        let shaped = shaper.shape(root.as_ref().unwrap_or(natural), &path);
        let Shaper { mut problems, tangled, .. } = shaper;
        let shaped = if tangled { natural.clone() } else { shaped };
        if shaped.get("type").and_then(Value::as_str) != Some("object") {
            problems.push(path.problem("is no object; put it into a struct"));
        }
        Self { schema: shaped, problems }
    }
}

/// Whether this is the width of a number and no format of a text.
pub(super) fn is_width(format: &str) -> bool {
    let bits = format.strip_prefix("uint").or(format.strip_prefix("int"));
    matches!(format, "float" | "double") || bits.is_some_and(|bits| bits.bytes().all(|b| b.is_ascii_digit()))
}

struct Shaper<'a> {
    root: &'a Value,
    problems: Vec<FieldProblem>,
    /// Whether schemas are combined in a way that closed objects would contradict.
    tangled: bool,
    joins: usize,
}

impl Shaper<'_> {
    fn shape(&mut self, schema: &Value, path: &Path) -> Value {
        let Value::Object(keywords) = schema else {
            self.problems.push(path.problem("is any JSON; give it a type"));
            return schema.clone();
        };
        let has = |keyword| keywords.contains_key(keyword);
        if has("$ref") && (has("properties") || choices(keywords).is_some()) {
            return match resolved(self.root, keywords) {
                Some(joined) => self.shape(&Value::Object(joined), path),
                None => self.tangle(keywords, path, "$ref"),
            };
        }
        if has("$ref") {
            return self.reference(keywords, path);
        }
        if is_map(keywords) {
            self.problems.push(path.problem("is a map; use a list of structs with a key and a value"));
            return schema.clone();
        }
        match choices(keywords) {
            Some(choices) if has("properties") => self.flattened(keywords, choices, path),
            _ => self.plain(keywords, path),
        }
    }

    /// A reference. It must stand alone, so the words go around it.
    fn reference(&mut self, keywords: &Keywords, path: &Path) -> Value {
        let reference = json!({"$ref": keywords.get("$ref")});
        if keywords.len() == 1 {
            return reference;
        }
        let mut around = keywords.clone();
        around.retain(|keyword, _| keyword != "$ref");
        around.insert("anyOf".to_owned(), json!([reference]));
        self.plain(&around, path)
    }

    /// A schema that neither refers to another nor is a map.
    fn plain(&mut self, keywords: &Keywords, path: &Path) -> Value {
        let mut shaped = Map::new();
        let mut notes = Vec::new();
        let mut definitions = None;
        for (keyword, value) in keywords {
            let kept = match keyword.as_str() {
                "type" | "description" | "enum" | "const" | "pattern" | "multipleOf" | "minimum"
                | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "minItems" | "maxItems" => {
                    value.clone()
                }
                "format" if is_known_format(value) => value.clone(),
                "properties" => self.each(value, path),
                "items" => self.shape(value, &path.items()),
                "anyOf" | "oneOf" => {
                    let choices = value.as_array().into_iter().flatten();
                    let choices = choices.map(|choice| self.shape(choice, path)).collect();
                    shaped.insert("anyOf".to_owned(), choices);
                    continue;
                }
                "$defs" => {
                    definitions = Some(self.each(value, &Path::default()));
                    continue;
                }
                "prefixItems" => {
                    self.problems.push(path.problem("is a tuple; use a struct"));
                    value.clone()
                }
                "allOf" | "not" | "if" | "then" | "else" | "contains" | "dependentSchemas" => {
                    return self.tangle(keywords, path, keyword);
                }
                // Said anew, or of no use to a model.
                "required"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "deprecated"
                | "readOnly"
                | "writeOnly"
                | "$comment"
                | "$id" => continue,
                _ => {
                    notes.push(format!("{keyword}: {value}"));
                    continue;
                }
            };
            shaped.insert(keyword.clone(), kept);
        }
        if !["type", "enum", "const", "anyOf"].iter().any(|kind| shaped.contains_key(*kind)) {
            self.problems.push(path.problem("is any JSON; give it a type"));
        }
        close(&mut shaped);
        note(&mut shaped, &notes);
        if let Some(definitions) = definitions {
            shaped.insert("$defs".to_owned(), definitions);
        }
        Value::Object(shaped)
    }

    /// Every schema of an object of schemas.
    fn each(&mut self, schemas: &Value, path: &Path) -> Value {
        let schemas = schemas.as_object().into_iter().flatten();
        schemas.map(|(name, schema)| (name.clone(), self.shape(schema, &path.then(name)))).collect()
    }

    /// An enum that was flattened into a struct: its choices, each with the struct's properties.
    fn flattened(&mut self, keywords: &Keywords, choices: &[Value], path: &Path) -> Value {
        let of_object = |keyword: &str| matches!(keyword, "type" | "properties" | "required");
        let mut base = keywords.clone();
        base.retain(|keyword, _| of_object(keyword));
        let mut joined = Vec::new();
        for choice in choices {
            let choice = choice.as_object().cloned().unwrap_or_default();
            let choice = resolved(self.root, &choice).unwrap_or(choice);
            let joinable = choice.contains_key("properties") || join::choices(&choice).is_some();
            if self.joins == MAX_JOIN_DEPTH || !joinable {
                return self.tangle(keywords, path, "oneOf");
            }
            self.joins += 1;
            joined.push(self.shape(&Value::Object(join(&base, &choice)), path));
            self.joins -= 1;
        }
        let mut shaped = keywords.clone();
        shaped.retain(|keyword, _| keyword == "description");
        shaped.insert("anyOf".to_owned(), Value::Array(joined));
        if let Some(definitions) = keywords.get("$defs") {
            shaped.insert("$defs".to_owned(), self.each(definitions, &Path::default()));
        }
        Value::Object(shaped)
    }

    fn tangle(&mut self, keywords: &Keywords, path: &Path, keyword: &str) -> Value {
        self.tangled = true;
        self.problems.push(path.problem(&format!("combines schemas with `{keyword}`; make it one struct")));
        Value::Object(keywords.clone())
    }
}

/// Whether an object may have properties of any name.
fn is_map(keywords: &Keywords) -> bool {
    ["additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames"]
        .iter()
        .any(|keyword| keywords.get(*keyword).is_some_and(|schema| *schema != Value::Bool(false)))
}

/// Closes an object and requires all of its properties, in their order.
fn close(keywords: &mut Keywords) {
    let is_object = match keywords.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        Some(kind) => kind == "object",
        None => false,
    };
    if is_object {
        let properties = keywords.entry("properties").or_insert_with(|| json!({}));
        let names = properties.as_object().into_iter().flatten().map(|(name, _)| json!(name)).collect();
        keywords.insert("required".to_owned(), names);
        keywords.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

/// Adds to the description what there is no keyword for.
fn note(keywords: &mut Keywords, notes: &[String]) {
    if !notes.is_empty() {
        let notes = format!("({})", notes.join(", "));
        let description = match keywords.get("description").and_then(Value::as_str) {
            Some(words) => format!("{words} {notes}"),
            None => notes,
        };
        keywords.insert("description".to_owned(), description.into());
    }
}

/// Whether strict schemas know this format of a text.
fn is_known_format(format: &Value) -> bool {
    let known = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
    format.as_str().is_some_and(|format| known.contains(&format))
}

/// Where in a type a schema is: `order.items[].price`. Definitions begin with their own name.
#[derive(Default)]
struct Path(String);

impl Path {
    fn then(&self, name: &str) -> Path {
        Path(if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) })
    }

    fn items(&self) -> Path {
        Path(format!("{}[]", self.0))
    }

    fn problem(&self, problem: &str) -> FieldProblem {
        FieldProblem::new(if self.0.is_empty() { "the type itself" } else { &self.0 }, problem)
    }
}
