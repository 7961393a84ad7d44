//! The headers that a request adds.

use std::collections::BTreeMap;

use openrouter_provider::OpenRouterOptions;
use provider_core::ErrorKind;

use crate::client::{client, request, sent};
use crate::pairs::pairs;

/// A header is refused by its name, or goes out exactly as it is, beside those that are always sent and
/// nothing else.
///
/// The input is lines of `name=value`.
pub fn headers(input: &[u8]) {
    let always = sent(client(), &request()).expect("a good request").headers;
    let mut options = OpenRouterOptions::new();
    for (name, value) in pairs(input) {
        options = options.header(name, value);
    }
    let given: BTreeMap<String, String> = options.headers.clone();
    match sent(client(), &request().options(options)) {
        Ok(sent) => {
            let mut expected = always;
            expected.extend(
                given.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into_bytes())),
            );
            let mut sent = sent.headers;
            sent.sort();
            expected.sort();
            assert_eq!(sent, expected);
            for (name, value) in &sent {
                assert!(value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')), "{name}: {value:?}");
                assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(!error.fields().is_empty() && error.fields().len() <= given.len(), "{error:?}");
            let fields: Vec<String> =
                given.keys().map(|name| format!("options.headers.{}", name.escape_debug())).collect();
            assert!(error.fields().iter().all(|problem| fields.contains(&problem.field)), "{error:?}");
            assert!(!error.to_string().contains(['\n', '\r']), "{error}");
        }
    }
}
