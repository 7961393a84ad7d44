//! The settings: what is refused, what is shown, what errors are called by.

use fault_server::{FaultServer, Script};
use openai_compatible_provider::{FIELDS, OPENAI_COMPATIBLE, OpenAiCompatible};
use provider_core::{ConfigValues, ErrorKind, LlmProvider as _};

use crate::support::{client, request, v1};

#[test]
fn settings_that_cannot_be_used_are_refused_by_name() {
    for (key, value, words) in [
        ("base_url", "http://gpu.example/v1", "must be https"),
        ("base_url", "https://gpu.example/v1/chat/completions", "ends in /chat/completions"),
        ("base_url", "https://gpu.example/v1/models", "ends in /models"),
        ("preset", "triton", "must be one of"),
        ("api_key", "Bearer abc", "paste the key alone"),
        ("key_header", "api key", "no name"),
        ("headers", "s3cret", "no colon in line 1"),
        ("models", "a b", "white space"),
        ("context_length", "0", "above 0"),
        ("prompt_price", "-1", "US dollars"),
        ("completion_price", "1e3", "US dollars"),
        ("name", "a\tb", "control character"),
        ("unsupported_parameters", "top k", "no name of a parameter"),
        ("output_cap", "tokens", "must be one of"),
        ("novel", "1", "no such setting"),
    ] {
        let values = ConfigValues::from([(key, value)]).or([("base_url", "http://localhost:1/v1")].into());
        let error = OpenAiCompatible::from_values(values).expect_err(key);
        let problem = error.fields().iter().find(|problem| problem.field == key).expect(key);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(problem.problem.contains(words) && !error.to_string().contains("s3cret"), "{problem:?}");
    }
}

#[test]
fn base_url_is_required_unless_there_is_a_preset() {
    let error = OPENAI_COMPATIBLE.connect(&ConfigValues::new()).expect_err("no base URL");
    let words = "missing; enter the Base URL or set OPENAI_COMPATIBLE_BASE_URL";
    assert_eq!((&*error.fields()[0].field, &*error.fields()[0].problem), ("base_url", words));
    OPENAI_COMPATIBLE.connect(&[("preset", "ollama")].into()).expect("the preset has one");
}

#[test]
fn plain_http_goes_to_this_machine_or_where_it_is_allowed() {
    for base_url in ["http://localhost:8000", "http://127.0.0.1:8000/v1", "http://[::1]:8000/v1"] {
        OpenAiCompatible::from_values([("base_url", base_url)]).expect(base_url);
    }
    let allowed = [("base_url", "http://gpu.example:8000/v1"), ("allow_http", "yes")];
    OpenAiCompatible::from_values(allowed).expect("allowed");
}

#[test]
fn price_contradicts_not_billed() {
    let both = [("preset", "vllm"), ("not_billed", "yes"), ("prompt_price", "1")];
    let error = OpenAiCompatible::from_values(both).expect_err("a contradiction");
    assert_eq!((error.fields().len(), &*error.fields()[0].field), (1, "prompt_price"));
}

#[test]
fn debug_shows_no_secret() {
    let secrets = [("preset", "vllm"), ("api_key", "sk-s3cret"), ("headers", "x-gateway: s3cret")];
    let client = OpenAiCompatible::from_values(secrets).expect("good settings");
    assert!(!format!("{client:?}").contains("s3cret"), "{client:?}");
}

#[test]
fn every_field_has_a_help_and_a_secret_is_a_secret() {
    for field in FIELDS {
        assert!(!field.help.is_empty(), "{}", field.key);
    }
    let secrets = FIELDS.iter().filter(|field| field.kind == provider_core::FieldKind::Secret);
    assert_eq!(secrets.map(|field| field.key).collect::<Vec<_>>(), ["api_key", "headers"]);
}

#[tokio::test]
async fn errors_have_the_name_of_the_server() {
    let server = FaultServer::always(Script::json(500, r#"{"error":"no"}"#)).await.expect("a free port");
    for (settings, name) in [([("name", "GPU box")], "GPU box"), ([("name", "")], "openai-compatible")] {
        let client = client(&v1(&server), settings);
        let refused = request().max_tokens(1).max_completion_tokens(1);
        for error in [client.chat(&request()).await, client.chat(&refused).await]
            .map(|end| end.expect_err("a failure"))
        {
            assert_eq!(error.provider(), Some(name), "{error}");
        }
    }
}
