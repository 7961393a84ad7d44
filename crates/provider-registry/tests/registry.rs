//! Tests of the registry: discovery, refusals, and the errors that an engineer sees.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use openrouter_provider as _; // links the provider in
use provider_core::{
    Capabilities, Capability, ConfigField, ConfigValues, Error, ErrorKind, FieldKind, FieldProblem,
    LlmProviderExt, ProviderContext, ProviderDescriptor,
};
use provider_registry::{Registry, Workspace};
use provider_testing::{ScriptedProvider, Turn};

use support::{describe, listing};

static ACME: ProviderDescriptor = describe("acme", "Acme AI");
static ZETA: ProviderDescriptor = {
    let mut zeta = describe("zeta-2", "Zeta");
    zeta.capabilities =
        Capabilities::of(&[Capability::Embedding, Capability::Reranking, Capability::ImageUnderstanding]);
    zeta
};

/// The names of a registry with these providers, or the first refusal.
fn register(providers: &[&'static ProviderDescriptor]) -> Result<Registry, Error> {
    let mut registry = Registry::new();
    for provider in providers {
        registry.register(provider)?;
    }
    Ok(registry)
}

fn ids(providers: impl Iterator<Item = &'static ProviderDescriptor>) -> Vec<&'static str> {
    providers.map(|provider| provider.id).collect()
}

#[test]
fn discovery_finds_what_is_linked_in() {
    let registry = Registry::discover().unwrap();
    assert_eq!(ids(registry.providers()), ["openrouter"]);
}

#[test]
fn a_discovered_registry_takes_more_by_hand() {
    let mut registry = Registry::discover().unwrap();
    registry.register(&ACME).unwrap();
    assert_eq!(ids(registry.providers()), ["acme", "openrouter"]);
}

#[test]
fn providers_are_sorted_by_id() {
    let registry = register(&[&ZETA, &openrouter_provider::OPENROUTER, &ACME]).unwrap();
    assert_eq!(ids(registry.providers()), ["acme", "openrouter", "zeta-2"]);
}

#[test]
fn names_match_in_any_case_and_trimmed() {
    let registry = register(&[&ACME, &openrouter_provider::OPENROUTER]).unwrap();
    let cases = [
        ("openrouter", "openrouter"),
        ("OpenRouter", "openrouter"),
        ("OPENROUTER", "openrouter"),
        ("  OpenRouter\n", "openrouter"),
        ("acme", "acme"),
        ("Acme", "acme"),
        ("Acme AI", "acme"),
        ("acme ai", "acme"),
        ("\tACME AI ", "acme"),
    ];
    for (name, id) in cases {
        assert_eq!(registry.descriptor(name).unwrap().id, id, "{name:?}");
    }
}

#[test]
fn only_whole_names_are_found() {
    let registry = register(&[&ACME, &openrouter_provider::OPENROUTER]).unwrap();
    for name in ["", " ", "open", "open router", "Open-Router", "openrouter2", "Acme  AI", "openrouter:x"] {
        let error = registry.descriptor(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name:?}");
    }
}

#[test]
fn a_taken_name_is_refused_and_both_are_named() {
    static SAME_ID: ProviderDescriptor = describe("acme", "Another");
    static SAME_DISPLAY_NAME: ProviderDescriptor = describe("acme-2", "ACME ai");
    static ID_IS_A_DISPLAY_NAME: ProviderDescriptor = describe("zeta", "Something");
    static DISPLAY_NAME_IS_AN_ID: ProviderDescriptor = describe("other", "Acme");
    let cases = [
        (&SAME_ID, "acme (Acme AI)", "acme (Another)"),
        (&SAME_DISPLAY_NAME, "acme (Acme AI)", "acme-2 (ACME ai)"),
        (&ID_IS_A_DISPLAY_NAME, "zeta-2 (Zeta)", "zeta (Something)"),
        (&DISPLAY_NAME_IS_AN_ID, "acme (Acme AI)", "other (Acme)"),
    ];
    for (second, one, other) in cases {
        let mut registry = register(&[&ACME, &ZETA]).unwrap();
        let error = registry.register(second).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate, "{error}");
        assert!(error.message().contains(one) && error.message().contains(other), "{error}");
        assert_eq!(ids(registry.providers()), ["acme", "zeta-2"], "nothing has changed");
    }
}

#[test]
fn an_id_that_no_model_reference_could_carry_is_refused() {
    static BAD: [ProviderDescriptor; 8] = [
        describe("", "a"),
        describe("Acme", "b"),
        describe("acme ai", "c"),
        describe("acme:ai", "d"),
        describe("acme/ai", "e"),
        describe("~acme", "f"),
        describe("@acme", "g"),
        describe("acmé", "h"),
    ];
    for provider in &BAD {
        let error = register(&[provider]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains(&format!("{:?}", provider.id)), "{error}");
    }
}

#[test]
fn unknown_provider_lists_the_registered_ones() {
    let registry = register(&[&ZETA, &ACME]).unwrap();
    let error = registry.descriptor("OpenRouter").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "not found: provider \"OpenRouter\" is not registered; registered are: acme (Acme AI), zeta-2 (Zeta). \
         A crate that is only listed in Cargo.toml is not linked in: name it in the program, as in \
         `use openrouter_provider as _;`, or register it by hand"
    );
}

#[test]
fn an_empty_registry_says_that_it_is() {
    let error = Registry::new().descriptor("OpenRouter").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("registered are: none"), "{error}");
    assert!(error.message().contains("use openrouter_provider as _;"), "{error}");
}

#[test]
fn suggested_use_line_is_always_valid_rust() {
    let cases = [
        ("acme", "use acme_provider as _;"),
        ("Acme AI", "use acme_ai_provider as _;"),
        (" acme-ai ", "use acme_ai_provider as _;"),
        ("", "use acme_provider as _;"),
        ("日本", "use acme_provider as _;"),
        ("302.ai", "use acme_provider as _;"),
    ];
    for (name, line) in cases {
        let error = Registry::new().descriptor(name).unwrap_err();
        assert!(error.message().contains(line), "{name:?}: {error}");
    }
}

#[test]
fn providers_are_found_by_what_they_can_do() {
    let registry = register(&[&ZETA, &openrouter_provider::OPENROUTER, &ACME]).unwrap();
    for &capability in Capability::ALL {
        let expected: &[&str] = match capability {
            Capability::Llm => &["acme", "openrouter"],
            Capability::Embedding | Capability::Reranking => &["zeta-2"],
            Capability::ImageUnderstanding => &["openrouter", "zeta-2"],
            _ => &[],
        };
        assert_eq!(ids(registry.providers_with(capability)), expected, "{capability}");
    }
}

#[test]
fn missing_capability_names_provider_and_it() {
    let registry = Registry::discover().unwrap();
    let openrouter = registry.connect("OpenRouter", [("api_key", "sk-or-v1-abc")]).unwrap();
    let has = [Capability::Llm, Capability::ImageUnderstanding];
    assert!(has.into_iter().all(|capability| openrouter.require(capability).is_ok()));
    for capability in Capability::ALL.iter().copied().filter(|capability| !has.contains(capability)) {
        let error = openrouter.require(capability).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.capability(), Some(capability));
        assert_eq!(error.provider(), Some("openrouter"));
        let text = error.to_string();
        assert!(text.contains("openrouter") && text.contains(capability.label()), "{text}");
    }
}

#[test]
fn require_passes_when_all_are_there() {
    let registry = register(&[&ACME, &ZETA]).unwrap();
    assert!(registry.require(&["Acme AI", "zeta-2"]).is_ok());
    assert!(Registry::new().require(&[]).is_ok());
}

#[test]
fn require_names_the_one_that_is_missing() {
    let error = register(&[&ACME]).unwrap().require(&["acme", "OpenRouter"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("\"OpenRouter\""), "{error}");
    assert!(error.message().contains("acme (Acme AI)"), "{error}");
}

#[test]
fn a_provider_is_connected_from_a_stored_map() {
    let stored: BTreeMap<String, String> =
        [("api_key", "sk-or-v1-abc"), ("site_url", "https://acme.example"), ("site_name", "Acme")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    let values: ConfigValues = stored.into_iter().collect();
    let provider = Registry::discover().unwrap().connect("openrouter", values).unwrap();
    assert_eq!(provider.descriptor().display_name, "OpenRouter");
}

#[test]
fn the_key_alone_is_enough() {
    assert!(Registry::discover().unwrap().connect("OpenRouter", [("api_key", "sk-or-v1-abc")]).is_ok());
}

#[test]
fn every_problem_of_every_setting_is_told_at_once() {
    let values =
        [("site_url", "acme.example/s3cret"), ("site_name", "Acme\nX-S3cret: 1"), ("apikey", "s3cret")];
    let error = Registry::discover().unwrap().connect("OpenRouter", values).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.provider(), Some("openrouter"));
    let expected = [
        ("api_key", "missing; enter the API Key or set OPENROUTER_API_KEY"),
        ("site_url", "https://example.com"),
        ("site_name", "control character"),
        ("apikey", "no such setting; there are api_key, site_url, site_name, base_url"),
    ];
    assert_eq!(error.fields().len(), expected.len(), "{error}");
    for (FieldProblem { field, problem, .. }, (key, words)) in error.fields().iter().zip(expected) {
        assert_eq!(field, key);
        assert!(problem.contains(words), "{key}: {problem}");
        assert!(error.to_string().contains(problem), "Display has them all: {error}");
    }
}

#[test]
fn a_refused_value_is_never_in_the_error() {
    let values = [
        ("api_key", "sk-or-v1-s3cret with blanks"),
        ("site_url", "ftp://user:s3cret@acme.example"),
        ("site_name", "s3cret\tname"),
        ("base_url", "http://acme.example/s3cret"),
        ("apikey", "s3cret"),
    ];
    let error = Registry::discover().unwrap().connect("OpenRouter", values).unwrap_err();
    assert_eq!(error.fields().len(), values.len(), "{error}");
    let shown = [error.to_string(), format!("{error:?}"), serde_json::to_string(&error).unwrap()];
    for text in shown {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn unknown_provider_is_told_before_bad_settings() {
    let error = Registry::new().connect("OpenRouter", [("nonsense", "1")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.fields(), []);
}

#[test]
fn misspelt_provider_suggests_a_name() {
    let registry = Registry::discover().unwrap();
    for name in ["openruter", "Open Router", "OPENROUTR"] {
        let error = registry.descriptor(name).unwrap_err();
        assert!(error.message().contains("did you mean \"openrouter\"?"), "{error}");
        assert_eq!(registry.similar(name).map(|provider| provider.id), Some("openrouter"));
    }
    assert!(registry.similar("acme").is_none());
    assert!(!registry.descriptor("acme").unwrap_err().message().contains("did you mean"));
}

// Settings of the layers.

/// A provider with a setting that the layers have, too. It must get its own settings alone.
static OWN_DEADLINE: ProviderDescriptor = {
    static FIELDS: &[ConfigField] = &[
        ConfigField::new("region", "Region", FieldKind::Text),
        ConfigField::new("deadline", "Deadline", FieldKind::Text),
    ];
    ProviderDescriptor::new("own", "Own", |values, _| match values.keys().eq(["deadline"]) {
        true => Ok(failing()),
        false => Err(Error::new(ErrorKind::Config, format!("{values:?}"))),
    })
    .fields(FIELDS)
};

/// A provider whose chats fail.
fn failing() -> Arc<ScriptedProvider> {
    Arc::new(ScriptedProvider::new([Turn::fails(ErrorKind::Server)]).with_descriptor(&OWN_DEADLINE))
}

/// A provider that needs what the host shares.
static SHARING: ProviderDescriptor = ProviderDescriptor::new("sharing", "Sharing", |_, context| {
    let shared = context.get::<&str>().ok_or_else(|| Error::new(ErrorKind::Config, "nothing is shared"))?;
    assert_eq!(*shared, "a pool");
    Ok(listing(&SHARING, &[]))
});

#[test]
fn registry_hands_its_context_to_constructors() {
    let registry = register(&[&SHARING]).unwrap();
    assert_eq!(registry.connect("sharing", ConfigValues::default()).unwrap_err().kind(), ErrorKind::Config);
    let registry = registry.context(ProviderContext::new().with("a pool"));
    registry.connect("sharing", ConfigValues::default()).unwrap();
}

#[test]
fn fields_add_those_of_the_layers() {
    let registry = register(&[&OWN_DEADLINE, &openrouter_provider::OPENROUTER]).unwrap();
    let keys = |name| -> Vec<&str> { registry.fields(name).unwrap().iter().map(|field| field.key).collect() };
    let openrouter = keys("OpenRouter");
    let layers: Vec<&str> = provider_layers::FIELDS.iter().map(|field| field.key).collect();
    assert!(
        openrouter.starts_with(&["api_key", "site_url"]) && openrouter.ends_with(&layers),
        "{openrouter:?}"
    );
    let not_its_own = layers.iter().filter(|key| **key != "deadline");
    let expected: Vec<&str> = ["region", "deadline"].iter().chain(not_its_own).copied().collect();
    assert_eq!(keys("own"), expected, "a key that both know is the provider's");
    assert_eq!(registry.fields("acme").unwrap_err().kind(), ErrorKind::NotFound);

    let values = [("api_key", "sk-or-v1-abc"), ("max_attempts", "5"), ("idle_timeout", "12.5")];
    let provider = registry.connect("OpenRouter", values).unwrap();
    assert_eq!(provider.descriptor().id, "openrouter");
    assert!(registry.connect("own", [("deadline", "Friday"), ("max_attempts", "1")]).is_ok());
}

#[test]
fn layer_settings_are_checked_at_connect() {
    let values = [("max_attempts", "0"), ("deadline", "soon"), ("idle", "3")];
    let error = Registry::discover().unwrap().connect("OpenRouter", values).unwrap_err();
    let fields: Vec<&str> = error.fields().iter().map(|problem| &*problem.field).collect();
    assert_eq!(fields, ["api_key", "max_attempts", "deadline", "idle"]);
    assert!(error.to_string().contains("there are api_key") && error.to_string().contains("idle_timeout"));
    // The provider itself does not get them.
    let alone = ConfigValues::from([("api_key", "sk-or-v1-abc"), ("max_attempts", "1")]);
    assert_eq!(openrouter_provider::OPENROUTER.connect(&alone).unwrap_err().fields().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn connected_provider_retries_as_set() {
    let registry = register(&[&OWN_DEADLINE]).unwrap();
    for (attempts, failed_before) in [("1", 0), ("2", 1), ("4", 3)] {
        let mut workspace = Workspace::new("acme");
        let values = [("deadline", "Friday"), ("max_attempts", attempts)];
        let instance = workspace.add_as("prod", &registry, "own", values).unwrap();
        assert_eq!((instance.id(), instance.descriptor().id), ("prod", "own"));
        let model = instance.model("a");
        let error = model.stream(&model.request().user("Hello")).await.unwrap_err();
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Server, Some("prod")));
        assert_eq!(error.attempts().len(), failed_before);
    }
    // A connected provider is added unchanged.
    let mut workspace = Workspace::new("acme");
    let instance = workspace.add_provider("prod", failing()).unwrap();
    let model = instance.model("a");
    assert!(model.stream(&model.request().user("Hello")).await.unwrap_err().attempts().is_empty());
}
