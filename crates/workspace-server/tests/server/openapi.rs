//! The OpenAPI document: made from the code, kept in the docs.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use workspace_server::{ROUTES, openapi};

#[test]
fn document_has_every_route_and_no_other() {
    let document: Value = serde_json::from_str(&openapi()).expect("JSON");
    let mut described = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            if method == "parameters" {
                continue;
            }
            described.insert(format!("{} {path}", method.to_uppercase()));
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id.to_owned()), "{id} twice");
            assert!(operation["x-role"].is_string(), "{id}");
        }
    }
    let views =
        ["/", "/compare", "/connected", "/costs", "/models", "/page/{file}", "/providers", "/run", "/tokens"];
    // The files of the page are no API.
    let routes: BTreeSet<String> = ROUTES
        .iter()
        .filter(|route| !views.contains(&route.path))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(described, routes);
}

#[test]
fn document_in_the_docs_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let made = openapi();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "docs/openapi.json is old: run this test with UPDATE_OPENAPI=1");
}

#[test]
fn references_of_the_document_lead_somewhere() {
    let document: Value = serde_json::from_str(&openapi()).expect("JSON");
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let place = reference.strip_prefix('#').expect("a local reference");
                    assert!(document.pointer(place).is_some(), "{reference}");
                }
                open.extend(map.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}
