//! Schemas of Rust types, in the form that strict services take.

#![cfg(feature = "schemars")]
#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]
#![allow(dead_code, reason = "the types are only described")]

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use provider_core::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};
use provider_core::{ErrorKind, FunctionTool, JsonSchema as Format, ResponseFormat};
use serde::Deserialize;
use serde_json::{Value, json};

/// An order
#[derive(Deserialize, JsonSchema)]
struct Order {
    zip: String,
    /// The payer
    customer: Customer,
    items: Vec<Item>,
    note: Option<String>,
    deliver_to: Option<Customer>,
    state: State,
    #[serde(default = "ten")]
    priority: u32,
    paid_at: Payment,
    #[schemars(length(min = 2))]
    country: String,
    labels: BTreeSet<String>,
    replaces: Option<Box<Order>>,
}

fn ten() -> u32 {
    10
}

#[derive(Deserialize, JsonSchema)]
struct Customer {
    name: String,
    age: Option<u8>,
}

#[derive(Deserialize, JsonSchema)]
struct Item {
    title: String,
    price: f64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Open,
    /// On its way
    Sent,
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Payment {
    Cash,
    Card { number: String, name: Option<String> },
    Voucher(Item),
}

#[test]
fn every_object_is_closed_and_every_property_required_in_its_order() {
    let closed = |properties: Value| {
        let names: Vec<&String> = properties.as_object().expect("properties").keys().collect();
        json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
    };
    let mut order = json!({"description": "An order"});
    let properties = closed(json!({
        "zip": {"type": "string"},
        "customer": {"description": "The payer", "anyOf": [{"$ref": "#/$defs/Customer"}]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
        "note": {"type": ["string", "null"]},
        "deliver_to": {"anyOf": [{"$ref": "#/$defs/Customer"}, {"type": "null"}]},
        "state": {"$ref": "#/$defs/State"},
        "priority": {"type": "integer", "minimum": 0, "description": "(default: 10)"},
        "paid_at": {"$ref": "#/$defs/Payment"},
        "country": {"type": "string", "description": "(minLength: 2)"},
        "labels": {"type": "array", "items": {"type": "string"}, "description": "(uniqueItems: true)"},
        "replaces": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    }));
    let order_keywords = order.as_object_mut().expect("an object");
    order_keywords.extend(properties.as_object().expect("an object").clone());
    let kind = |name: &str| json!({"type": "string", "const": name});
    let definitions = json!({
        "Customer": closed(json!({
            "name": {"type": "string"},
            "age": {"type": ["integer", "null"], "minimum": 0, "maximum": 255},
        })),
        "Item": closed(json!({"title": {"type": "string"}, "price": {"type": "number"}})),
        "State": {"anyOf": [
            {"type": "string", "enum": ["open"]},
            {"description": "On its way", "type": "string", "const": "sent"},
        ]},
        "Payment": {"anyOf": [
            closed(json!({"kind": kind("cash")})),
            closed(json!({
                "kind": kind("card"), "number": {"type": "string"}, "name": {"type": ["string", "null"]},
            })),
            closed(json!({"kind": kind("voucher"), "title": {"type": "string"}, "price": {"type": "number"}})),
        ]},
    });
    order_keywords.insert("$defs".to_owned(), definitions);
    // Also that it is in order: the texts are compared.
    let schema = Format::of::<Order>().schema.expect("a schema").read::<Value>().expect("JSON");
    assert_eq!(format!("{schema:#}"), format!("{order:#}"));
}

#[test]
fn enums_of_all_kinds_are_choices() {
    #[derive(JsonSchema)]
    enum External {
        Empty,
        One(u8),
        Named { x: bool },
    }
    #[derive(JsonSchema)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        Empty,
        One(u8),
    }
    #[derive(JsonSchema)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
        Text(String),
    }
    #[derive(JsonSchema)]
    struct All {
        external: External,
        adjacent: Adjacent,
        untagged: Untagged,
    }
    let schema = Format::strict_of::<All>().expect("strict").schema.expect("a schema");
    let schema: Value = schema.read().expect("JSON");
    let byte = json!({"type": "integer", "minimum": 0, "maximum": 255});
    assert_eq!(
        schema["$defs"]["External"],
        json!({"anyOf": [
            {"type": "string", "enum": ["Empty"]},
            {"type": "object", "properties": {"One": byte}, "required": ["One"], "additionalProperties": false},
            {"type": "object", "required": ["Named"], "additionalProperties": false, "properties": {"Named": {
                "type": "object", "properties": {"x": {"type": "boolean"}}, "required": ["x"],
                "additionalProperties": false,
            }}},
        ]})
    );
    assert_eq!(schema["$defs"]["Adjacent"]["anyOf"][1]["required"], json!(["t", "c"]));
    assert_eq!(schema["$defs"]["Untagged"], json!({"anyOf": [byte, {"type": "string"}]}));
}

#[test]
fn what_is_flattened_is_joined() {
    #[derive(JsonSchema)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        item: Item,
        #[serde(flatten)]
        payment: Payment,
    }
    #[derive(JsonSchema)]
    struct Root {
        flat: Flat,
    }
    let schema = Format::strict_of::<Root>().expect("strict").schema.expect("a schema");
    let schema: Value = schema.read().expect("JSON");
    let flat = &schema["$defs"]["Flat"];
    assert_eq!(flat.as_object().map(|flat| flat.len()), Some(1), "{flat:#}");
    let required = |number: usize| &flat["anyOf"][number]["required"];
    assert_eq!(*required(0), json!(["id", "title", "price", "kind"]));
    assert_eq!(*required(1), json!(["id", "title", "price", "kind", "number", "name"]));
    assert_eq!(flat["anyOf"][1]["additionalProperties"], json!(false));
}

#[test]
fn a_newtype_is_what_is_in_it() {
    #[derive(JsonSchema)]
    struct Wrapper(Item);
    let schema = Format::strict_of::<Wrapper>().expect("strict");
    assert_eq!(schema.name, "Wrapper");
    let schema: Value = schema.schema.expect("a schema").read().expect("JSON");
    assert_eq!(schema["properties"]["title"], json!({"type": "string"}));
}

#[test]
fn what_cannot_be_strict_is_named_and_not_claimed() {
    #[derive(JsonSchema)]
    struct Loose {
        scores: BTreeMap<String, u8>,
        by_number: BTreeMap<u8, u8>,
        pairs: Vec<(u8, String)>,
        anything: Value,
        fine: Item,
    }
    let error = Format::strict_of::<Loose>().expect_err("maps are not strict");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let fields: Vec<&str> = error.fields().iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["scores", "by_number", "pairs[]", "anything"]);
    assert!(error.to_string().contains("scores: is a map; use a list of structs"), "{error}");

    let loose = Format::of::<Loose>();
    assert_eq!(loose.strict, None);
    let schema: Value = loose.schema.expect("a schema").read().expect("JSON");
    assert_eq!(schema["properties"]["scores"]["additionalProperties"]["type"], json!("integer"));
    assert_eq!(schema["required"].as_array().map(Vec::len), Some(5));

    #[derive(JsonSchema)]
    #[serde(tag = "unless")]
    enum Unless {
        Before { date: String },
        Never,
    }
    #[derive(JsonSchema)]
    struct TwoChoices {
        #[serde(flatten)]
        payment: Payment,
        #[serde(flatten)]
        unless: Unless,
    }
    struct Endless;
    impl JsonSchema for Endless {
        fn schema_name() -> Cow<'static, str> {
            "Endless".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "object", "properties": {"x": {"type": "string"}}, "oneOf": [{"$ref": "#"}]})
        }
    }
    for error in [Format::strict_of::<TwoChoices>(), Format::strict_of::<Endless>()] {
        let error = error.expect_err("nobody can say that");
        assert!(error.to_string().contains("combines schemas"), "{error}");
    }
    let schema = Format::of::<TwoChoices>().schema.expect("a schema");
    assert!(!schema.get().contains("\"additionalProperties\":false"), "closed, it would contradict itself");
    for error in [Format::strict_of::<Vec<Item>>(), Format::strict_of::<Payment>(), Format::strict_of::<u8>()]
    {
        let error = error.expect_err("no object");
        assert_eq!(error.fields()[0].problem, "is no object; put it into a struct");
    }
}

#[test]
fn strictness_is_the_callers() {
    assert_eq!(Format::of::<Order>().strict, None);
    assert_eq!(Format::strict_of::<Order>().expect("strict").strict, Some(true));
    assert_eq!(ResponseFormat::of::<Item>(), Format::of::<Item>().into());
}

#[test]
fn names_are_of_the_letters_that_services_take() {
    #[derive(JsonSchema)]
    #[schemars(rename = "Größe (cm)")]
    struct Size {
        x: u8,
    }
    #[derive(JsonSchema)]
    struct AStructWhoseNameIsMuchLongerThanAnybodyWouldEverWantToReadOrToWrite {
        x: u8,
    }
    assert_eq!(Format::of::<Size>().name, "Gr__e__cm_");
    let long = Format::of::<AStructWhoseNameIsMuchLongerThanAnybodyWouldEverWantToReadOrToWrite>();
    assert_eq!(long.name.len(), 64);
}

#[test]
fn a_tools_arguments_may_be_left_out() {
    #[derive(Deserialize, JsonSchema)]
    struct Search {
        /// The words to look for
        words: String,
        #[serde(default = "ten")]
        limit: u32,
        before: Option<String>,
    }
    let tool = FunctionTool::of::<Search>("search", "Searches");
    assert_eq!((tool.name.as_str(), tool.strict), ("search", None));
    assert_eq!(
        tool.parameters.expect("a schema").get(),
        json!({
            "type": "object",
            "properties": {
                "words": {"description": "The words to look for", "type": "string"},
                "limit": {"type": "integer", "minimum": 0, "default": 10},
                "before": {"type": ["string", "null"]},
            },
            "required": ["words"],
        })
        .to_string()
    );
    let strict = FunctionTool::strict_of::<Search>("search", "Searches").expect("strict");
    assert_eq!(strict.strict, Some(true));
    let parameters: Value = strict.parameters.expect("a schema").read().expect("JSON");
    assert_eq!(parameters["required"], json!(["words", "limit", "before"]));
}
