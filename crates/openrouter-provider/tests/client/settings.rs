//! Settings: what is accepted, what is refused, and how it is said.

use std::time::Duration;

use openrouter_provider::{DEFAULT_BASE_URL, FIELDS, Limits, OPENROUTER, OpenRouter};
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
fn a_gateway_may_have_a_path_that_is_called_like_an_endpoint() {
    for path in ["/team/models", "/by/key", "/openrouter/credits", "/generation", "/v1x/responses"] {
        let url = format!("https://gateway.example{path}");
        let values = [("api_key", "sk-or-v1-abc"), ("base_url", &url)];
        let made = OpenRouter::from_values(values).map(drop);
        assert_eq!(made.is_ok(), path != "/v1x/responses", "{path}: {made:?}");
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
        ("api_key", "\"sk-or-v1-MARKER\"", "quotation marks"),
        ("api_key", "'sk-or-v1-MARKER'", "quotation marks"),
        ("api_key", "“sk-or-v1-MARKER”", "quotation marks"),
        ("api_key", "\"sk-or-v1-MARKER", "quotation mark"),
        ("api_key", "Bearer sk-or-v1-MARKER", "Bearer"),
        ("api_key", "bearer\tsk-or-v1-MARKER", "Bearer"),
        ("api_key", "Authorization: Bearer sk-or-v1-MARKER", "Bearer"),
        ("api_key", "OPENROUTER_API_KEY=sk-or-v1-MARKER", "its own name"),
        ("api_key", "export OPENROUTER_API_KEY='sk-or-v1-MARKER'", "its own name"),
        ("api_key", "api_key: sk-or-v1-MARKER", "its own name"),
        ("api_key", "$OPENROUTER_API_KEY_MARKER", "name of a variable"),
        ("api_key", "${OPENROUTER_API_KEY:-MARKER}", "name of a variable"),
        ("api_key", "{{ secrets.MARKER }}", "name of a variable"),
        ("api_key", "sk-or-...MARKER", "shortened"),
        ("api_key", "sk-or-v1-…MARKER", "shortened"),
        ("api_key", "<MARKER>", "example"),
        ("api_key", "sk-or-v1-your-key-MARKER", "example"),
        ("site_url", "\"https://MARKER.example\"", "quotation marks"),
        ("site_url", "OPENROUTER_SITE_URL=https://MARKER.example", "its own name"),
        ("site_name", "OPENROUTER_SITE_NAME=MARKER", "its own name"),
        ("base_url", "'https://MARKER.example/api/v1'", "quotation marks"),
        ("base_url", "$MARKER", "name of a variable"),
        ("base_url", "https://MARKER.example/api/v1/chat/completions", "ends in /chat/completions"),
        ("base_url", "https://MARKER.example/api/v1/chat/completions/", "https://openrouter.ai/api/v1"),
        ("base_url", "https://MARKER.example/v1/completions", "ends in /completions"),
        ("base_url", "https://MARKER.example/api/v1/models", "ends in /models"),
        ("base_url", "https://MARKER.example/api/v1/models/user", "ends in /models/user"),
        ("base_url", "https://MARKER.example/api/v1/key", "ends in /key"),
        ("base_url", "https://MARKER.example/v1/v1", "twice"),
        ("base_url", "https://MARKER.example/v1/Messages", "ends in /messages"),
        ("base_url", "https://https://MARKER.example/v1", "scheme twice"),
        ("api_key", "https://MARKER.example/keys", "is an address"),
        ("api_key", "sk-or-v1-MARKER,", "comma"),
        ("api_key", "sk-or-v1-sk-or-v1-MARKER", "twice"),
        ("api_key", "os.environ/MARKER", "is an example"),
        ("api_key", "undefined", "is an example"),
        ("base_url", "https://MARKER.example/api/v1/api/v1/", "twice"),
        ("base_url", "https://MARKER.example/api/v1#top", "#"),
        ("base_url", "https://openrouter.ai", "write https://openrouter.ai/api/v1"),
        ("base_url", "https://openrouter.ai/v1", "write https://openrouter.ai/api/v1"),
        ("base_url", "https://openrouter.ai/api/", "write https://openrouter.ai/api/v1"),
        ("base_url", "https://openrouter.ai/api/v1/chat/completions", "write https://openrouter.ai/api/v1"),
        ("base_url", "https://eu.openrouter.ai/MARKER", "write https://eu.openrouter.ai/api/v1"),
        ("allow_http", "MARKER", "true or false"),
        ("zdr", "MARKER", "true or false"),
        ("data_collection", "MARKER", "one of: allow, deny"),
        ("provider_order", "[\"MARKER\"]", "names with commas"),
        ("provider_only", " , ", "names with commas"),
        ("provider_sort", "MARKER", "one of: price"),
        ("allow_fallbacks", "MARKER", "true or false"),
        ("max_price_prompt", "MARKER", "must be a number"),
        ("max_price_request", "-1", "not negative"),
        ("routing", "'{\"sort\": \"MARKER\"}'", "quotation marks"),
        ("connect_timeout", "MARKER", "seconds above 0"),
        ("connect_timeout", "0", "seconds above 0"),
        ("read_timeout", "-1", "seconds above 0"),
        ("total_timeout", "MARKER", "seconds above 0"),
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
        ("base_url", "https://openrouter.ai/api/v1"),
        ("base_url", "https://gateway.example/openrouter/0/0"),
        ("base_url", "https://gateway.example/v1/acme/v1"),
        ("base_url", "https://gateway.example/models-of-acme"),
        ("site_name", "'Acme'"),
        ("api_key", "any"),
        ("api_key", "sk-lite-llm_1234=="),
        ("connect_timeout", "2.5"),
        ("read_timeout", "600"),
        ("total_timeout", "7200"),
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
fn a_text_in_quotation_marks_is_refused_where_a_variable_has_it() {
    let lookup = |name: &str| match name {
        "OPENROUTER_API_KEY" => Some("k".to_owned()),
        "OPENROUTER_SITE_NAME" => Some("\"Acme\"".to_owned()),
        _ => None,
    };
    let [(field, problem)] = &*problems(ConfigValues::from_variables(FIELDS, lookup)) else { panic!("one") };
    assert_eq!(field, "site_name");
    assert!(problem.contains("quotation marks") && problem.contains("OPENROUTER_SITE_NAME"), "{problem}");
}

#[test]
fn a_blank_value_is_none_whoever_gives_it() {
    let default = format!("{:?}", DEFAULT_BASE_URL);
    let environment = |name: &str| Some(if name == "OPENROUTER_API_KEY" { "k" } else { " \t" }.to_owned());
    let clients = [
        OpenRouter::builder().api_key("k").base_url("").build(),
        OpenRouter::builder().api_key("k").base_url(" ").site_url("").site_name("").build(),
        OpenRouter::builder().values([("api_key", "k"), ("base_url", ""), ("read_timeout", "")]).build(),
        OpenRouter::from_values([("api_key", "k"), ("base_url", "")]),
        OpenRouter::from_values(ConfigValues::from_variables(FIELDS, environment)),
    ];
    for client in clients {
        let shown = format!("{:?}", client.expect("good settings"));
        assert!(shown.contains(&format!("base_url: {default}")), "{shown}");
    }
    for key in ["", "  "] {
        let error = OpenRouter::builder().api_key(key).build().expect_err("no key");
        assert!(error.to_string().contains("missing"), "{error}");
    }
}

#[test]
fn settings_by_key_go_together_with_limits_and_what_is_given_one_by_one() {
    let stored = [("api_key", "k"), ("site_name", "Stored"), ("connect_timeout", "2.5")];
    let host = Limits::default().read_timeout(Duration::from_secs(7)).connect_timeout(Duration::from_secs(7));
    let client = OpenRouter::builder().site_name("Given").values(stored).limits(host).build();
    let shown = format!("{:?}", client.expect("good settings"));
    let expected = host.connect_timeout(Duration::from_millis(2500));
    assert!(shown.contains(&format!("{expected:?}")), "a setting counts before the host's limit: {shown}");
    assert!(shown.contains("Stored") && !shown.contains("Given"), "the last one counts: {shown}");
    let wrong = OpenRouter::builder().values([("site_url", "x"), ("read_timeout", "soon")]);
    let fields = wrong.build().expect_err("bad settings").fields().len();
    assert_eq!(fields, 3, "all problems at once, the missing key too");
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_client() {
    let key = ConfigValues::from([("api_key", "k")]);
    let defaults = FIELDS.iter().filter_map(|field| Some((field.key, field.default?)));
    let said: ConfigValues = defaults.collect();
    let keys: Vec<_> = said.keys().collect();
    assert_eq!(keys, ["base_url", "connect_timeout", "read_timeout", "total_timeout"]);
    let shown = |values| format!("{:?}", OpenRouter::from_values(values).expect("good settings"));
    for name in keys {
        let other = if name == "base_url" { "https://eu.openrouter.ai/api/v1" } else { "7" };
        assert_ne!(shown(key.clone()), shown(key.clone().set(name, other)), "{name} is not shown");
    }
    assert_eq!(shown(key.clone()), shown(key.or(said)));
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
