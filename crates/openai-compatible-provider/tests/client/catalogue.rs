//! The models: the server's list, or those of the settings.

use fault_server::{FaultServer, Script};
use provider_core::{ErrorKind, LlmProvider as _, Price, Pricing};

use crate::support::{client, v1};

#[tokio::test]
async fn list_of_the_server_has_context_and_prices_of_the_settings() {
    let list = r#"{"data":[{"id":"a","max_model_len":8192},{"id":"b"}]}"#;
    let server = FaultServer::always(Script::json(200, list)).await.expect("a free port");
    let settings = [("context_length", "4096"), ("prompt_price", "0.15"), ("completion_price", "2")];
    let catalogue = client(&v1(&server), settings).models().await.expect("a list");
    assert_eq!(catalogue.accepts_unlisted_models, Some(false));
    let lengths: Vec<_> = catalogue.models.iter().map(|model| model.context_length).collect();
    assert_eq!(lengths, [Some(8192), Some(4096)]);
    let price = |text: &str| text.parse().ok().map(Price::Fixed);
    for model in &catalogue.models {
        let Pricing { prompt, completion, is_billed, .. } = model.pricing;
        assert_eq!((prompt, completion, is_billed), (price("0.00000015"), price("0.000002"), None));
    }
}

#[tokio::test]
async fn context_length_is_read_under_the_name_of_each_server() {
    for (row, length) in [
        (r#"{"id":"m","max_model_len":8192}"#, Some(8192)),
        (r#"{"id":"m","meta":{"n_ctx":2048,"n_ctx_train":4096}}"#, Some(2048)),
        (r#"{"id":"m","meta":{"n_ctx_train":4096}}"#, Some(4096)),
        (r#"{"id":"m","meta":null}"#, None),
        (r#"{"id":"m","max_input_tokens":128000,"max_output_tokens":16384}"#, Some(128_000)),
    ] {
        let list = format!(r#"{{"data":[{row}]}}"#);
        let server = FaultServer::always(Script::json(200, list)).await.expect("a free port");
        let catalogue = client(&v1(&server), []).models().await.expect("a list");
        assert_eq!(catalogue.models[0].context_length, length, "{row}");
    }
}

#[tokio::test]
async fn models_of_the_settings_stand_in_for_a_list() {
    let server = FaultServer::always(Script::json(404, "{}")).await.expect("a free port");
    let settings = [("models", "llama3.2, qwen3:8b\n\nphi4"), ("not_billed", "yes")];
    let catalogue = client(&v1(&server), settings).models().await.expect("a list");
    let ids: Vec<&str> = catalogue.models.iter().map(|model| &*model.id).collect();
    assert_eq!(ids, ["llama3.2", "qwen3:8b", "phi4"]);
    assert_eq!(catalogue.accepts_unlisted_models, Some(true));
    assert_eq!(catalogue.is_billed, Some(false), "those that are not listed included");
    assert!(catalogue.models.iter().all(|model| model.pricing == Pricing::not_billed()));
    assert_eq!(server.request_count(), 0);
}

#[tokio::test]
async fn server_without_a_list_says_which_setting_helps() {
    let server = FaultServer::always(Script::json(404, r#"{"detail":"Not Found"}"#)).await.expect("a port");
    let error = client(&v1(&server), []).models().await.expect_err("no list");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.next_step().expect("a step").contains("in `models`"), "{error}");
}

#[tokio::test]
async fn model_without_prices_in_the_settings_has_none() {
    let server = FaultServer::always(Script::json(200, r#"[{"id":"a"}]"#)).await.expect("a free port");
    let catalogue = client(&v1(&server), [("not_billed", "no")]).models().await.expect("a list");
    assert_eq!(catalogue.models[0].pricing, Pricing::default());
}
