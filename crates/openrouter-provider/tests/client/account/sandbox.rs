//! Every method against the sandbox.

use std::time::{Duration, SystemTime};

use openrouter_provider::{Limits, ModelsQuery, ModelsSort, OpenRouter};
use openrouter_sandbox::Sandbox;
use provider_core::{
    ChatRequest, Effort, ErrorKind, FunctionTool, LlmProvider, ModelQuery, Price, Reasoning, TimeOfDay,
};

async fn sandbox() -> Sandbox {
    Sandbox::start().await.expect("a sandbox")
}

fn client_with(sandbox: &Sandbox, key: &str) -> OpenRouter {
    let limits = Limits::default().generation_wait(Duration::ZERO);
    let builder = OpenRouter::builder().api_key(key).base_url(sandbox.base_url()).limits(limits);
    builder.build().expect("good settings")
}

fn client(sandbox: &Sandbox) -> OpenRouter {
    client_with(sandbox, "sk-or-v1-test")
}

#[tokio::test]
async fn the_public_list_can_be_had_of_any_provider() {
    let sandbox = sandbox().await;
    let provider: std::sync::Arc<dyn LlmProvider> = std::sync::Arc::new(client(&sandbox));
    assert!(!provider.all_models().await.expect("models").models.is_empty());
    assert_eq!(sandbox.requests()[0].path, "/api/v1/models");
}

#[tokio::test]
async fn models_are_those_of_the_key() {
    let sandbox = sandbox().await;
    let catalogue = client(&sandbox).models().await.expect("models");
    assert_eq!(sandbox.requests()[0].path, "/api/v1/models/user");
    assert_eq!(catalogue.total_count, Some(catalogue.models.len() as u64));

    let claude = catalogue.find("anthropic/claude-sonnet-4.5").expect("a model");
    assert_eq!(claude.author(), Some("anthropic"));
    assert!(claude.supports_tools() && claude.supports_input("image") && claude.supports_output("text"));
    assert_eq!(claude.pricing.overrides[0].min_prompt_tokens, Some(200_000));
    let price = |text: &str| text.parse().ok().map(Price::Fixed);
    assert_eq!(claude.pricing.in_force(200_001, TimeOfDay::NOON).completion, price("0.0000225"));
    assert_eq!(
        claude.details_link.as_deref(),
        Some("/api/v1/models/anthropic/claude-4.5-sonnet-20250929/endpoints")
    );
    assert!(claude.reasoning.is_some() && claude.tokenizer.is_some() && claude.is_moderated.is_some());

    let alias = catalogue.find("~anthropic/claude-opus-latest").expect("an alias");
    assert_eq!(
        alias.alias_target.as_ref().map(|target| target.slug.as_str()),
        Some("anthropic/claude-opus-4.1")
    );
    let llama = catalogue.find("meta-llama/llama-3.3-70b-instruct").expect("a model");
    assert_eq!(llama.expiration_date.as_deref(), Some("2098-12-31"));
    assert_eq!(llama.deprecation(SystemTime::now()), None);
    let batch = catalogue.find("openai/gpt-4o:batch").expect("a model");
    assert!(batch.batch_only && !batch.is_selectable());
    let picked = catalogue.select(&ModelQuery::new("gpt-4o"));
    assert!(picked.iter().all(|model| model.id != batch.id) && picked[0].id == "openai/gpt-4o");

    let refused = client_with(&sandbox, "sk-invalid").models().await.expect_err("a bad key");
    assert_eq!(refused.kind(), ErrorKind::Authentication);
}

#[tokio::test]
async fn all_models_are_searched_by_the_service() {
    let sandbox = sandbox().await;
    let client = client_with(&sandbox, "sk-invalid");
    let all = client.search_models(&ModelsQuery::new()).await.expect("a public list");
    let query = ModelsQuery::new().q("grok").sort(ModelsSort::Newest);
    let found = client.search_models(&query).await.expect("models");
    assert_eq!(found.models[0].id, "x-ai/grok-4-fast");
    let requests = sandbox.requests();
    let asked = requests.last().expect("a request");
    assert!(asked.path.starts_with("/api/v1/models"), "{}", asked.path);

    let pages = client.search_models(&ModelsQuery::new().param("limit", 4)).await.expect("models");
    assert_eq!(pages, all, "page by page it is the same list");
    let able =
        ModelsQuery::new().supported_parameters(["tools", "response_format"]).input_modalities(["image"]);
    let able = client.search_models(&able.param("limit", 2)).await.expect("models");
    assert!(
        able.models.len() > 2
            && able.models.iter().all(|model| model.supports_tools() && model.supports_input("image"))
    );
    let images =
        client.search_models(&ModelsQuery::new().output_modalities(["image"])).await.expect("models");
    assert!(images.models.iter().all(|model| model.supports_output("image")) && !images.models.is_empty());
}

#[tokio::test]
async fn one_model_is_found_by_any_of_its_names() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    for (id, path, found) in [
        ("openai/gpt-4o", "openai/gpt-4o", "openai/gpt-4o"),
        ("openai/gpt-oss-20b:free", "openai/gpt-oss-20b:free", "openai/gpt-oss-20b:free"),
        ("~anthropic/claude-opus-latest", "~anthropic/claude-opus-latest", "~anthropic/claude-opus-latest"),
        ("openai/gpt-4o-2024-11-20", "openai/gpt-4o-2024-11-20", "openai/gpt-4o"),
    ] {
        assert_eq!(client.model(id).await.expect(id).id, found);
        let endpoints = client.endpoints(id).await.expect(id);
        assert_eq!(endpoints.id, found);
        let requests = sandbox.requests();
        let [.., first, second] = requests.as_slice() else { panic!("two requests") };
        assert_eq!(first.path, format!("/api/v1/model/{path}"));
        assert_eq!(second.path, format!("/api/v1/models/{path}/endpoints"));
    }
    let error = client.model("nobody/nothing").await.expect_err("no such model");
    assert_eq!(
        (error.kind(), error.model(), error.status()),
        (ErrorKind::ModelNotFound, Some("nobody/nothing"), Some(404))
    );
    let error = client.endpoints("nobody/nothing").await.expect_err("no such model");
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
    let before = sandbox.requests().len();
    for id in ["@preset/x", "gpt-4o", "", "a b/c", "../key"] {
        for error in [client.model(id).await.map(drop), client.endpoints(id).await.map(drop)] {
            let error = error.expect_err(id);
            assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::InvalidRequest, "id"));
            assert_eq!(error.provider(), Some("openrouter"));
        }
    }
    assert_eq!(sandbox.requests().len(), before, "nothing was sent");
}

#[tokio::test]
async fn endpoints_have_prices_and_speeds() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let model = client.endpoints("openai/gpt-4o").await.expect("endpoints");
    assert!(model.input_modalities.contains(&"image".into()) && model.description.is_some());
    let endpoint =
        model.endpoints.iter().find(|endpoint| endpoint.provider_name == "OpenAI").expect("OpenAI");
    assert_eq!((endpoint.tag.as_deref(), endpoint.status), (Some("openai"), Some(0)));
    assert_eq!(endpoint.pricing.prompt, "0.0000025".parse().ok().map(Price::Fixed));
    let latency = endpoint.latency_last_30m.expect("with a key");
    assert_eq!((latency.p50, latency.p99), (Some(420.0), Some(1260.0)));
    assert_eq!(endpoint.throughput_last_30m.and_then(|speed| speed.p50), Some(64.0));
    assert_eq!((endpoint.uptime_last_5m, endpoint.uptime_last_1d), (Some(100.0), Some(99.9)));
    assert_eq!(endpoint.supports_implicit_caching, Some(true));
    let bare = client_with(&sandbox, "sk-invalid").endpoints("openai/gpt-4o").await.expect("endpoints");
    assert_eq!(bare.endpoints[0].latency_last_30m, None, "speeds are for keys");

    let zdr = client.zdr_endpoints().await.expect("endpoints");
    assert!(zdr.len() > 3 && zdr.iter().all(|endpoint| endpoint.model_id.is_some()));
    assert_eq!(sandbox.requests().last().expect("a request").path, "/api/v1/endpoints/zdr");
}

#[tokio::test]
async fn providers_and_counts() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let providers = client.providers().await.expect("providers");
    let openai = providers.iter().find(|provider| provider.slug == "openai").expect("OpenAI");
    assert_eq!(openai.name, "OpenAI");
    assert_eq!(openai.headquarters.as_deref(), Some("US"));
    assert_eq!((openai.privacy_policy_url.is_some(), &openai.status_page_url), (true, &None));
    let models = client.models().await.expect("models");
    assert_eq!(client.models_count().await.expect("a number"), models.models.len() as u64);
}

#[tokio::test]
async fn a_key_and_an_account_tell_what_is_left() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let reply = client.chat(&ChatRequest::new("openai/gpt-4o").user("Hello")).await.expect("an answer");
    let cost = reply.usage.cost.expect("a cost");
    let key = client.key().await.expect("a record");
    assert_eq!((key.usage, key.usage_daily, key.usage_monthly), (Some(cost), Some(cost), Some(cost)));
    assert_eq!(key.limit_remaining, key.limit.map(|limit| limit - cost));
    assert_eq!(
        (key.is_management_key, key.is_free_tier, key.limit_reset.as_deref()),
        (Some(false), Some(false), None)
    );
    assert!(key.creator_user_id.is_some() && key.byok_usage.is_some_and(|usage| usage.as_f64() == 0.0));
    let report = client.check().await.expect("a report");
    assert_eq!((report.label, report.usage, report.can_run_models), (key.label, Some(cost), Some(true)));

    let error = client.credits().await.expect_err("not with this key");
    assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(403)));
    assert!(error.message().contains("management key"), "{error}");
    let manager = client_with(&sandbox, "sk-management");
    let credits = manager.credits().await.expect("credits");
    assert_eq!(credits.total_usage, Some(cost));
    assert_eq!(credits.remaining(), Some("100".parse::<provider_core::Usd>().expect("a number") - cost));
    let report = manager.check().await.expect("a report");
    assert_eq!(report.can_run_models, Some(false), "a good key that is no good for chats");
    for error in [
        client_with(&sandbox, "sk-invalid").key().await.map(drop),
        client_with(&sandbox, "sk-invalid").credits().await.map(drop),
    ] {
        assert_eq!(error.expect_err("a bad key").kind(), ErrorKind::Authentication);
    }
}

#[tokio::test]
async fn an_answer_can_be_looked_up_and_estimated() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let request = ChatRequest::new("openai/gpt-4o").user("Hello").end_user("u-1");
    let reply = client.chat(&request).await.expect("an answer");
    let id = reply.id.as_deref().expect("an id");
    let record = client.generation(id).await.expect("a record");
    assert_eq!((record.id.as_str(), record.total_cost), (id, reply.usage.cost));
    assert_eq!(record.provider_name, reply.served_by.provider);
    assert_eq!((record.model.as_str(), record.external_user.as_deref()), (reply.model.as_str(), Some("u-1")));
    assert_eq!((record.streamed, record.cancelled, record.is_byok), (Some(false), Some(false), Some(false)));
    assert!(record.created_at.is_some() && record.provider_responses.is_empty());
    let usage = record.to_usage();
    assert_eq!(usage.prompt_tokens, reply.usage.prompt_tokens);
    assert_eq!((usage.completion_tokens, usage.cost), (reply.usage.completion_tokens, reply.usage.cost));

    // The sandbox bills list prices, so the estimate after the call is the bill.
    let model = client.model("openai/gpt-4o").await.expect("a model");
    let estimate = model.pricing.estimate(&reply.usage, TimeOfDay::now());
    assert_eq!((Some(estimate.amount), estimate.is_complete()), (reply.usage.cost, true));
    let before = model.estimate(&request.max_tokens(1_000), TimeOfDay::now());
    assert!(before.amount > estimate.amount, "{before} {estimate}");

    let error = client.generation("gen-none").await.expect_err("no such answer");
    assert_eq!((error.kind(), error.generation_id()), (ErrorKind::NotFound, Some("gen-none")));
    for id in ["", "gen 1", "gen\n"] {
        assert_eq!(client.generation(id).await.expect_err("no id").fields()[0].field, "id");
    }
}

#[tokio::test]
async fn a_request_is_held_against_the_catalogue() {
    let sandbox = sandbox().await;
    let catalogue = client(&sandbox).models().await.expect("models");
    let fields = |id: &str, request: ChatRequest| -> Vec<String> {
        let problems = catalogue.find(id).expect(id).problems(&request);
        problems.into_iter().map(|problem| problem.field).collect()
    };
    let request = || ChatRequest::new("m").user("Hi");
    let tool = FunctionTool::new("get_time", "The time");
    assert!(fields("openai/gpt-4o", request().tool(tool.clone()).max_tokens(100)).is_empty());
    assert_eq!(fields("perplexity/sonar", request().tool(tool)), ["tools"]);
    assert_eq!(fields("openai/gpt-4o:batch", request()), ["model"]);
    assert_eq!(fields("openai/gpt-4o", request().reasoning(Reasoning::effort("high"))), ["reasoning"]);
    assert_eq!(fields("openai/gpt-4o", request().max_tokens(1_000_000)), ["max_tokens"]);
    let thinks = catalogue.models.iter().filter_map(|model| Some((model, model.reasoning.as_ref()?)));
    let (always, _) =
        thinks.into_iter().find(|(_, options)| options.mandatory).expect("one that always thinks");
    assert_eq!(
        fields(&always.id, request().reasoning(Reasoning::effort(Effort::None))),
        ["reasoning.effort"]
    );
}
