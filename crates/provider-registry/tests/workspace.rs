//! Tests of a workspace's providers, and of requests to a selected model.

mod support;

use provider_core::{Capabilities, Capability, ChatRequest, ConfigValues, ErrorKind, ProviderDescriptor};
use provider_registry::{Registry, Workspace};

use support::{OLLAMA, OPENROUTER, describe, listing, unreachable, workspace};

fn ids(workspace: &Workspace) -> Vec<&str> {
    workspace.instances().map(|instance| instance.id()).collect()
}

#[test]
fn a_provider_is_added_by_name_with_its_settings() {
    let mut registry = Registry::new();
    registry.register(&openrouter_provider::OPENROUTER).unwrap();
    let mut workspace = Workspace::new("acme");
    let added = workspace.add(&registry, " OpenRouter", [("api_key", "sk-or-v1-abc")]).unwrap();
    assert_eq!((added.id(), added.descriptor().display_name), ("openrouter", "OpenRouter"));
    assert_eq!(workspace.id(), "acme");
}

#[test]
fn several_of_one_kind_are_told_apart_by_their_ids() {
    let mut registry = Registry::new();
    registry.register(&openrouter_provider::OPENROUTER).unwrap();
    let mut workspace = Workspace::new("acme");
    for (id, key) in [("test", "sk-or-v1-a"), ("prod", "sk-or-v1-b"), ("eu_2-x", "sk-or-v1-c")] {
        workspace.add_as(id, &registry, "OpenRouter", [("api_key", key)]).unwrap();
    }
    assert_eq!(ids(&workspace), ["eu_2-x", "prod", "test"], "sorted");
    assert!(workspace.instances().all(|instance| instance.descriptor().id == "openrouter"));
}

#[test]
fn a_taken_id_is_refused_and_the_first_provider_stays() {
    let first = listing(&OPENROUTER, &[]);
    let mut workspace = workspace([("prod", &first)]);
    let error = workspace.add_provider("prod", listing(&OLLAMA, &[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    for word in ["\"acme\"", "\"prod\"", "add_as"] {
        assert!(error.message().contains(word), "{error}");
    }
    assert_eq!(workspace.instance("prod").unwrap().descriptor().id, "openrouter");
}

#[test]
fn an_id_that_no_reference_could_carry_is_refused() {
    let mut workspace = Workspace::new("acme");
    for id in ["", "Prod", "my prod", "prod:eu", "prod/eu", "~prod", "@prod", "prød", "prod\n"] {
        let error = workspace.add_provider(id, listing(&OPENROUTER, &[])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{id:?}");
        assert!(error.message().contains(&format!("{id:?}")), "{error}");
    }
    assert_eq!(ids(&workspace), [""; 0]);
}

#[test]
fn settings_that_cannot_be_used_add_nothing() {
    let mut registry = Registry::new();
    registry.register(&openrouter_provider::OPENROUTER).unwrap();
    let mut workspace = Workspace::new("acme");
    let error = workspace.add(&registry, "OpenRouter", ConfigValues::new()).unwrap_err();
    assert_eq!((error.kind(), error.fields().len()), (ErrorKind::Config, 1));
    let error = workspace.add(&registry, "Ollama", ConfigValues::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(ids(&workspace), [""; 0]);
}

#[test]
fn a_removed_provider_is_gone_and_its_id_is_free() {
    let mut workspace =
        workspace([("prod", &listing(&OPENROUTER, &[])), ("test", &listing(&OPENROUTER, &[]))]);
    assert_eq!(workspace.remove("prod").unwrap().id(), "prod");
    assert!(workspace.remove("prod").is_none());
    assert_eq!(ids(&workspace), ["test"]);
    assert!(workspace.add_provider("prod", listing(&OLLAMA, &[])).is_ok());
}

#[test]
fn unknown_instance_lists_the_configured_ones() {
    let workspace = workspace([("prod", &listing(&OPENROUTER, &[])), ("local", &listing(&OLLAMA, &[]))]);
    let error = workspace.instance("openrouter").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("it has: local, prod"), "{error}");
    let error = Workspace::new("empty").instance("prod").unwrap_err();
    assert!(error.message().contains("it has: none"), "{error}");
}

// Requests to a selected model.

#[tokio::test]
async fn a_request_for_the_selected_model_is_passed_on() {
    let provider = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let model = workspace([("prod", &provider)]).model("openai/gpt-4o").await.unwrap();
    let reply = model.chat(&model.request().user("Hello")).await.unwrap();
    assert_eq!((reply.text(), provider.requests().len()), ("Hello", 1));
}

#[tokio::test]
async fn request_for_another_model_is_refused() {
    let provider = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let model = workspace([("prod", &provider)]).model("openai/gpt-4o").await.unwrap();
    for other in ["openai/gpt-4o-mini", "prod:openai/gpt-4o", "OpenAI/gpt-4o", ""] {
        let request = ChatRequest::new(other).user("Hello");
        for error in [model.chat(&request).await.unwrap_err(), model.stream(&request).await.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!((error.provider(), error.model()), (Some("prod"), Some("openai/gpt-4o")));
            let [problem] = error.fields() else { panic!("one problem: {error}") };
            assert_eq!(problem.field, "model");
            assert!(problem.problem.contains(&format!("{other:?}")), "{error}");
        }
    }
    assert_eq!(provider.requests().len(), 0);
}

#[tokio::test]
async fn a_provider_without_language_models_is_not_asked() {
    static EMBEDDER: ProviderDescriptor = {
        let mut embedder = describe("embedder", "Embedder");
        embedder.capabilities = Capabilities::of(&[Capability::Embedding]);
        embedder
    };
    let provider = listing(&EMBEDDER, &["text-embedding-3"]);
    let workspace = workspace([("embedder", &provider)]);
    let error = workspace.model("text-embedding-3").await.unwrap_err();
    assert!(error.message().contains("no provider of language models"), "{error}");
    let model = workspace.instance("embedder").unwrap().model("text-embedding-3");
    let request = model.request().user("Hello");
    for error in [model.chat(&request).await.unwrap_err(), model.stream(&request).await.unwrap_err()] {
        assert_eq!((error.kind(), error.capability()), (ErrorKind::Unsupported, Some(Capability::Llm)));
        assert!(error.message().contains("embedder"), "{error}");
    }
    assert_eq!(provider.requests().len(), 0);
}

#[tokio::test]
async fn errors_name_the_instance_that_was_asked() {
    let workspace = workspace([("prod", &unreachable(&OPENROUTER))]);
    let model = workspace.instance("prod").unwrap().model("openai/gpt-4o");
    assert_eq!(model.stream(&model.request()).await.unwrap_err().provider(), Some("prod"));
    let error = workspace.instance("prod").unwrap().catalogue().await.unwrap_err();
    assert_eq!(error.provider(), Some("prod"));
}
