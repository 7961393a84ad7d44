//! Settings of any text.

use openrouter_provider::FIELDS;
use proptest::prelude::*;
use wire_properties::{MARKER, config, lines};

/// A value: of any text, or of a likely one with something odd in it.
fn value() -> impl Strategy<Value = String> {
    let likely = prop_oneof![
        Just("sk-or-v1-abc"),
        Just("https://example.com/app"),
        Just("http://localhost:8080/api/v1/"),
        Just("Café 東京"),
        Just("true"),
        Just("deny"),
        Just("{\"order\":[\"openai\"],\"zdr\":true}"),
        Just(MARKER),
        Just(""),
    ];
    let odd = prop_oneof![
        any::<char>().prop_map(String::from),
        Just("\r\nX-Evil: 1".to_owned()),
        Just(String::new())
    ];
    let spoiled = (likely.clone(), any::<prop::sample::Index>(), odd).prop_map(|(text, at, odd)| {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let (before, after) = text.split_at(*at.get(&places));
        format!("{before}{odd}{after}")
    });
    let url = "(https?|ftp)://[a-z0-9.:@\\[\\]-]{0,12}(/[a-z%.@;/-]{0,8})?[?#]?";
    prop_oneof![2 => likely.prop_map(str::to_owned), 3 => spoiled, 1 => any::<String>(), 2 => url]
}

fn settings() -> impl Strategy<Value = Vec<(String, String)>> {
    let keys: Vec<String> = FIELDS.iter().map(|field| field.key.to_owned()).collect();
    let key = prop_oneof![20 => prop::sample::select(keys), 1 => "[a-z_]{1,9}"];
    (any::<bool>(), prop::collection::vec((key, value()), 0..5)).prop_map(|(with_key, mut pairs)| {
        if with_key {
            pairs.push(("api_key".to_owned(), "sk-or-v1-good".to_owned()));
        }
        pairs
    })
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn settings_are_refused_or_sent_as_they_are(settings in settings()) {
        config(&lines(&settings));
    }
}
