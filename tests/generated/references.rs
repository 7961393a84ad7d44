//! Model references.

use proptest::prelude::*;
use wire_properties::model_ref;

fn reference() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "openrouter",
        "ollama",
        "prod",
        "test",
        "openai",
        "meta",
        "a",
        "b",
        "gpt-4o",
        "llama",
        "auto",
        "@preset",
        "mine",
        "~anthropic",
        "free",
        "nitro",
        "作者",
        "OpenAI",
        "",
    ]);
    let between = prop::sample::select(vec!["/", ":", "@", "", ",", " ", "//", "::"]);
    let parts = prop::collection::vec((name, between), 0..5)
        .prop_map(|parts| parts.into_iter().map(|(name, between)| format!("{name}{between}")).collect());
    prop_oneof![4 => parts, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn a_reference_is_refused_or_found_as_it_is(reference in reference()) {
        model_ref(reference.as_bytes());
        model_ref(reference.trim_end_matches([':', '/', '@']).as_bytes());
    }
}
