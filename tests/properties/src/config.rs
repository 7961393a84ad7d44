//! Settings.

use openrouter_provider::{DEFAULT_BASE_URL, FIELDS};
use provider_core::{ConfigValues, ErrorKind, Usd};
use serde_json::Value;

use crate::client::{self, connect, request};
use crate::json::same_json;
use crate::pairs::pairs;

/// A word that stands for a secret in values: no error may repeat it.
pub const MARKER: &str = "MARKER";

/// Settings of any text are refused, by name and without being repeated, or make a request with exactly these
/// headers to exactly this address.
///
/// The input is lines of `key=value`.
pub fn config(input: &[u8]) {
    let pairs = pairs(input);
    let values: ConfigValues = pairs.into_iter().collect();
    let client = match connect(values.clone()) {
        Ok(client) => client,
        Err(error) => {
            assert_eq!((error.kind(), error.provider()), (ErrorKind::Config, Some("openrouter")));
            assert!(!error.fields().is_empty(), "{error} names no field");
            for problem in error.fields() {
                let known = FIELDS.iter().any(|field| field.key == problem.field);
                assert!(known || values.get(&problem.field).is_some(), "{problem:?}");
                // A field of the JSON that is unknown is named.
                assert!(problem.field == "routing" || !problem.problem.contains(MARKER), "{problem:?}");
            }
            return;
        }
    };
    let sent = client::sent(&client, &request()).expect("settings that were accepted make a request");
    let header = |name: &str| {
        let mut values = sent.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let value = values.next().map(|value| String::from_utf8_lossy(value).into_owned());
        assert!(values.next().is_none(), "{name} is sent twice");
        value
    };
    for (name, value) in &sent.headers {
        assert!(value.iter().all(|byte| matches!(byte, b' '..=b'~')), "{name}: {value:?}");
    }
    let key = values.get("api_key").expect("it is required");
    assert_eq!(header("authorization"), Some(format!("Bearer {key}")));
    match (values.get("site_url"), header("http-referer")) {
        (Some(url), Some(sent)) if url.is_ascii() => assert_eq!(sent, url),
        (Some(_), Some(sent)) => assert!(sent.starts_with("http"), "{sent}"),
        (None, None) => {}
        (given, sent) => panic!("{given:?} was sent as {sent:?}"),
    }
    assert_eq!(header("x-title"), header("x-openrouter-title"));
    match (values.get("site_name"), header("x-title")) {
        (Some(name), Some(sent)) if name.is_ascii() => assert_eq!(sent, name),
        (Some(name), Some(sent)) if !name.contains('%') => assert_eq!(percent_decode(&sent), name),
        (Some(_), Some(_)) | (None, None) => {}
        (given, sent) => panic!("{given:?} was sent as {sent:?}"),
    }
    if let Some(routing) = values.get("routing") {
        let mut given: Value = serde_json::from_str(routing).expect("JSON");
        if let Some(word) = values.get("data_collection") {
            given["data_collection"] = word.into();
        }
        for key in ["zdr", "allow_fallbacks", "require_parameters"] {
            if let Some(flag) = values.flag(key) {
                given[key] = flag.into();
            }
        }
        for (key, name) in [
            ("provider_order", "order"),
            ("provider_only", "only"),
            ("provider_ignore", "ignore"),
            ("quantizations", "quantizations"),
        ] {
            if values.get(key).is_some() {
                given[name] = values.list(key).collect();
            }
        }
        if let Some(word) = values.get("provider_sort") {
            given["sort"] = word.into();
        }
        for name in ["prompt", "completion", "request"] {
            if let Some(price) = values.get(&format!("max_price_{name}")) {
                given["max_price"][name] = price.into();
            }
        }
        as_text(&mut given["max_price"]);
        let body: Value = client.body_of(&request()).expect("a good request").read().expect("JSON");
        let said =
            |value: &Value| value.as_object().is_some_and(|fields| !fields.values().all(Value::is_null));
        assert!(
            same_json(&body["provider"], &given) || !said(&given),
            "{given} was sent as {}",
            body["provider"]
        );
    }
    check_address(&sent.url, values.get("base_url").unwrap_or(DEFAULT_BASE_URL));
}

/// The key travels over https, or stays on this machine; nothing is behind the path.
fn check_address(url: &str, base: &str) {
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let (authority, path) = rest.split_once('/').expect("a path");
    let local = |host: &str| host == "localhost" || host == "[::1]" || host.starts_with("127.");
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    assert!(scheme == "https" || (scheme == "http" && local(host)), "{base:?} became {url}");
    assert!(
        path.ends_with("chat/completions") && !url.contains(['@', '?', '#', ' ']) || path.contains('@'),
        "{url}"
    );
    assert!(!authority.contains('@'), "{base:?} became {url}");
}

/// Prices are sent as texts.
fn as_text(prices: &mut Value) {
    for price in prices.as_object_mut().into_iter().flat_map(|prices| prices.values_mut()) {
        let text = match &*price {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => continue,
        };
        *price = text.parse::<Usd>().map_or(Value::Null, |price| price.to_string().into());
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
