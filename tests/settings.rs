//! Settings: what is accepted, what is refused, and how it is said.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use openrouter_provider::{FIELDS, OPENROUTER, OpenRouter};
use provider_core::{ConfigValues, Error, ErrorKind};

fn problems(values: ConfigValues) -> Vec<(String, String)> {
    match OpenRouter::from_values(values) {
        Ok(_) => Vec::new(),
        Err(error) => {
            assert_eq!((error.kind(), error.provider()), (ErrorKind::Config, Some("openrouter")));
            error.fields().iter().map(|problem| (problem.field.clone(), problem.problem.clone())).collect()
        }
    }
}

#[test]
fn each_bad_value_is_refused_by_name_without_repeating_it() {
    let cases = [
        ("api_key", "sk-or-v1 MARKER", "white space"),
        ("api_key", "sk-or-v1\nMARKER", "white space"),
        ("api_key", "sk-or-v1-\u{7}MARKER", "character"),
        ("api_key", "sk-or-v1-MARKER\u{200b}", "character"),
        ("site_url", "MARKER", "no URL"),
        ("site_url", "ftp://MARKER.example", "http or https"),
        ("site_url", "mailto:MARKER@example.com", "http or https"),
        ("site_url", "https://exa mple.com/MARKER", "white space"),
        ("site_url", "https://user:MARKER@example.com", "password"),
        ("site_name", "MARKER\r\nX-Evil: 1", "control character"),
        ("site_name", "MAR\tKER", "control character"),
        ("base_url", "http://example.com/MARKER", "https"),
        ("base_url", "https://example.com/api?k=MARKER", "?"),
        ("base_url", "MARKER", "no URL"),
        ("routing", "{\"order\": \"MARKER\"}", "does not fit"),
        ("routing", "[[\"MARKER\"]]", "list"),
        ("routing", "{\"sort\": [\"MARKER\"]}", "list"),
        ("api_keys", "MARKER", "no such setting"),
    ];
    for (field, value, words) in cases {
        let values = ConfigValues::from([("api_key", "sk-or-v1-good")]).set(field, value);
        let error = OpenRouter::from_values(values.clone()).expect_err(value);
        let found = problems(values);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, field);
        assert!(found[0].1.contains(words), "{:?} says nothing of {words:?}", found[0].1);
        assert!(!format!("{error} {error:?}").contains("MARKER"), "{error}");
    }
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_form() {
    let values = [("site_url", "nonsense"), ("site_name", "a\nb"), ("base_url", "x"), ("extra", "1")];
    let fields: Vec<String> = problems(values.into()).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["api_key", "site_url", "site_name", "base_url", "extra"]);
}

#[test]
fn good_values_are_accepted() {
    for (field, value) in [
        ("api_key", "  sk-or-v1-abc\n"),
        ("site_url", "http://localhost:3000"),
        ("site_url", "https://例え.jp/パス"),
        ("site_name", "Café 東京"),
        ("site_name", "100% \"quoted\""),
        ("base_url", "http://127.0.0.1:8787/api/v1"),
        ("base_url", "http://[::1]:8787/"),
        ("base_url", "https://eu.openrouter.ai/api/v1/"),
        (
            "routing",
            r#"{"sort": "price", "zdr": null, "max_price": {"prompt": "1.50", "completion": 2, "image": 1e-3}}"#,
        ),
    ] {
        let values = ConfigValues::from([("api_key", "k")]).set(field, value);
        assert_eq!(problems(values), [], "{field}: {value:?}");
    }
}

#[test]
fn blank_variables_count_as_unset_and_white_space_is_trimmed() {
    let lookup = |name: &str| match name {
        "OPENROUTER_API_KEY" => Some(" sk-or-v1-env ".to_owned()),
        "OPENROUTER_SITE_NAME" => Some(" \t ".to_owned()),
        "OPENROUTER_SITE_URL" => Some(String::new()),
        _ => None,
    };
    let values = ConfigValues::from_variables(FIELDS, lookup);
    assert_eq!(values.keys().collect::<Vec<_>>(), ["api_key"]);
    assert_eq!(values.get("api_key"), Some("sk-or-v1-env"));
    let missing = problems(ConfigValues::from_variables(FIELDS, |_| Some("  ".to_owned())));
    assert_eq!(
        missing,
        [("api_key".to_owned(), "missing; enter the API Key or set OPENROUTER_API_KEY".to_owned())]
    );
}

#[test]
fn a_bad_value_of_the_environment_names_its_variable() {
    let values = ConfigValues::from_variables(FIELDS, |name| match name {
        "OPENROUTER_API_KEY" => Some("two words".to_owned()),
        _ => None,
    });
    let error: Error = OpenRouter::from_values(values).expect_err("a bad key");
    assert!(error.to_string().contains("OPENROUTER_API_KEY"), "{error}");
}

#[test]
fn given_values_win_over_the_environment() {
    let environment = ConfigValues::from_variables(FIELDS, |_| Some("from-env".to_owned()));
    let values = ConfigValues::from([("api_key", "given")]).or(environment);
    assert_eq!((values.get("api_key"), values.variable("api_key")), (Some("given"), None));
    assert_eq!(values.get("site_name"), Some("from-env"));
    assert_eq!(values.variable("site_name"), Some("OPENROUTER_SITE_NAME"));
}

#[test]
fn the_field_table_serialises_as_a_form_needs_it() {
    let json = serde_json::to_value(&OPENROUTER).expect("JSON");
    assert_eq!(json["display_name"], "OpenRouter");
    assert_eq!(json["capabilities"], serde_json::json!(["llm", "image_understanding"]));
    assert_eq!(json["fields"][0]["key"], "api_key");
    assert_eq!(json["fields"][0]["kind"], "secret");
    assert_eq!(json["fields"][0]["required"], true);
    assert_eq!(json["fields"][0]["env"], "OPENROUTER_API_KEY");
}

#[test]
fn plain_http_elsewhere_is_for_whoever_says_so() {
    let elsewhere = [("api_key", "k"), ("base_url", "http://gateway.example/api/v1")];
    let error = OpenRouter::from_values(elsewhere).expect_err("in the clear");
    assert!(error.to_string().contains("allow_http"), "{error}");
    let values = ConfigValues::from(elsewhere);
    assert!(OPENROUTER.validate(&values).is_err());
    let said = values.set("allow_http", "yes");
    assert!(OPENROUTER.validate(&said).is_ok());
    OpenRouter::from_values(said).expect("the operator says so");
}
