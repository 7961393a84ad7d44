//! Endpoints, server tools and presets: for forms, and for a check of a request before it is sent.

use openrouter_provider::options::{MaxPrice, ProviderPreferences};
use openrouter_provider::{OpenRouter, OpenRouterOptions};
use openrouter_sandbox::Sandbox;
use provider_core::{
    ChatRequest, ConfigValues, ErrorKind, FunctionTool, JsonSchema, RawJson, ResponseFormat, ToolChoice, Usd,
};
use serde_json::Value;

use super::{answered, paths, server};
use fault_server::Script;

const TWO: &str = r#"{"data":{"id":"acme/parrot","name":"Parrot","endpoints":[
    {"provider_name":"Acme","tag":"acme/fp8","quantization":"fp8","pricing":{"prompt":"0.000003","completion":"0.000009"},"service_tier":"priority",
     "max_completion_tokens":1000,"supported_parameters":["tools","tool_choice","structured_outputs"],
     "supports_tool_choice":{"auto":true,"none":true,"required":true,"function":false},
     "native_tools":{"openrouter:web_search":{"type":"web_search_20260209"},"odd":7},
     "perf_last_30m_by_workload":{"text_generation":{"latency":{"p50":420},"throughput":{"p50":64.5},"request_count":12},
       "odd":null}},
    {"provider_name":"Big Cloud","tag":"big-cloud","quantization":null,"max_completion_tokens":500,
     "supported_parameters":["tools","tool_choice"],
     "supports_tool_choice":{"auto":true,"none":true,"required":false,"function":false},
     "native_tools":[],"perf_last_30m_by_workload":null}]}}"#;

fn with_tool() -> ChatRequest {
    ChatRequest::new("acme/parrot").user("Hi").tool(FunctionTool::new("get_time", "The time"))
}

fn only(names: [&str; 1]) -> OpenRouterOptions {
    OpenRouterOptions::new().provider(ProviderPreferences::new().only(names))
}

#[tokio::test]
async fn whole_endpoint_arrives() {
    let (_server, client) = answered(TWO).await;
    let endpoints = client.endpoints("acme/parrot").await.expect("endpoints").endpoints;
    let [first, second] = endpoints.as_slice() else { panic!("{endpoints:?}") };
    let support = first.supports_tool_choice.expect("tested");
    assert_eq!((support.auto, support.none), (Some(true), Some(true)));
    assert_eq!((support.required, support.function), (Some(true), Some(false)));
    assert_eq!(first.service_tier.as_deref(), Some("priority"));
    let native: Vec<_> = first.native_tools.iter().collect();
    assert_eq!(native, [(&"openrouter:web_search".to_owned(), &"web_search_20260209".to_owned())]);
    let speed = first.perf_last_30m_by_workload["text_generation"];
    assert_eq!(speed.latency.and_then(|latency| latency.p50), Some(420.0));
    assert_eq!(speed.throughput.and_then(|throughput| throughput.p50), Some(64.5));
    assert_eq!((speed.request_count, first.perf_last_30m_by_workload.len()), (Some(12), 1));
    assert!(second.native_tools.is_empty() && second.perf_last_30m_by_workload.is_empty());
}

#[tokio::test]
async fn tier_has_the_prices_of_its_endpoints() {
    let (_server, client) = answered(TWO).await;
    let endpoints = client.endpoints("acme/parrot").await.expect("endpoints");
    let tags = |tier| -> Vec<&str> {
        endpoints.in_tier(tier).filter_map(|endpoint| endpoint.tag.as_deref()).collect()
    };
    assert_eq!((tags(Some("priority")), tags(Some("fast"))), (vec!["acme/fp8"], vec!["acme/fp8"]));
    assert_eq!((tags(None), tags(Some("flex"))), (vec!["big-cloud"], vec![]));
}

#[tokio::test]
async fn request_is_checked_against_the_endpoints_that_may_serve_it() {
    let (_server, client) = answered(TWO).await;
    let endpoints = client.endpoints("acme/parrot").await.expect("endpoints");
    let required = with_tool().tool_choice(ToolChoice::Required);
    let named = with_tool().tool_choice(ToolChoice::Function("get_time".to_owned()));
    let schema = RawJson::new(&serde_json::json!({"type": "object"})).expect("JSON");
    let structured = with_tool().response_format(ResponseFormat::JsonSchema(JsonSchema::new("s", schema)));
    let cases: [(ChatRequest, &[(&str, &str)]); 11] = [
        (with_tool(), &[]),
        (required.clone(), &[]),
        (required.clone().options(only(["big-cloud"])), &[("tool_choice", "allow other providers")]),
        (required.clone().options(only(["Big Cloud"])), &[("tool_choice", "`tool_choice: required`")]),
        (required.options(only(["acme/fp8"])), &[]),
        (named, &[("tool_choice", "or choose another model")]),
        (structured.clone(), &[]),
        (structured.options(only(["big-cloud"])), &[("response_format", "JSON of a schema")]),
        (with_tool().max_tokens(1001), &[("max_tokens", "at most 1000 tokens")]),
        (with_tool().max_tokens(501).options(only(["big-cloud"])), &[("max_tokens", "at most 500")]),
        (with_tool().options(only(["azure"])), &[("options.provider", "it has: acme, acme/fp8, big-cloud")]),
    ];
    for (request, wanted) in cases {
        let found = client.endpoint_problems(&endpoints, &request);
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (problem, (field, words)) in found.iter().zip(wanted) {
            assert_eq!(problem.field, *field);
            assert!(problem.problem.contains(words), "{problem:?}");
        }
    }
}

#[tokio::test]
async fn preferences_of_the_workspace_count_in_the_check() {
    let (server, _) = answered(TWO).await;
    for (settings, field) in [
        (vec![("provider_ignore", "acme")], Some("tool_choice")),
        (vec![("provider_order", "big-cloud"), ("allow_fallbacks", "no")], Some("tool_choice")),
        (vec![("provider_order", "big-cloud")], None),
        (vec![("quantizations", "fp8")], None),
        (vec![("max_price_prompt", "2.99")], Some("tool_choice")),
        (vec![("max_price_prompt", "3"), ("max_price_completion", "9")], None),
        (vec![("max_price_completion", "8"), ("provider_only", "acme")], Some("options.provider")),
    ] {
        let values = settings.into_iter().collect::<ConfigValues>().set("api_key", "k");
        let client = OpenRouter::from_values(values.set("base_url", server.url())).expect("settings");
        let endpoints = client.endpoints("acme/parrot").await.expect("endpoints");
        let found = client.endpoint_problems(&endpoints, &with_tool().tool_choice(ToolChoice::Required));
        assert_eq!(found.first().map(|problem| problem.field.as_str()), field, "{found:?}");
    }
}

#[tokio::test]
async fn preference_that_leaves_no_endpoint_is_named() {
    let (_server, client) = answered(TWO).await;
    let endpoints = client.endpoints("acme/parrot").await.expect("endpoints");
    let cap = |price: &str| MaxPrice::new().prompt(price.parse::<Usd>().expect("a price"));
    let exact = ProviderPreferences::new().require_parameters(true);
    let with = |preferences: ProviderPreferences| {
        with_tool().options(OpenRouterOptions::new().provider(preferences))
    };
    let structured = || {
        let schema = RawJson::new(&serde_json::json!({"type": "object"})).expect("JSON");
        ResponseFormat::JsonSchema(JsonSchema::new("s", schema))
    };
    let schema_at_big_cloud = with(exact.clone().only(["big-cloud"])).response_format(structured());
    let cases = [
        (with(ProviderPreferences::new().only(["azure"])), "options.provider", "by `only`; it has: acme,"),
        (with(ProviderPreferences::new().ignore(["acme", "big-cloud"])), "options.provider", "by `ignore`;"),
        (
            with(ProviderPreferences::new().only(["acme"]).max_price(cap("2"))),
            "options.provider",
            "no endpoint; it has",
        ),
        (
            with(exact.clone()).top_k(3).temperature(0.0),
            "options.provider.require_parameters",
            "lists temperature, top_k;",
        ),
        (schema_at_big_cloud, "options.provider.require_parameters", "lists response_format;"),
    ];
    for (request, field, words) in cases {
        let found = client.endpoint_problems(&endpoints, &request);
        let [problem] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(problem.field, field);
        assert!(problem.problem.contains(words), "{problem:?}");
    }
    // Neither names a person, nor is about the model: no endpoint lists them.
    let named = with(exact.clone()).user("Ada");
    assert_eq!(client.endpoint_problems(&endpoints, &named), []);
    // Without the preference the others ignore what they do not know.
    let loose = with(ProviderPreferences::new().require_parameters(false)).top_k(3);
    assert_eq!(client.endpoint_problems(&endpoints, &loose), []);
    // The endpoints do not state these.
    let private = ProviderPreferences::new().zdr(true).data_collection("deny");
    assert_eq!(client.endpoint_problems(&endpoints, &with(private)), []);
}

#[tokio::test]
async fn endpoints_that_tell_nothing_stand_in_no_ones_way() {
    let (_server, client) = answered(r#"{"data":{"id":"a/b","endpoints":[{"provider_name":"Acme"}]}}"#).await;
    let endpoints = client.endpoints("a/b").await.expect("endpoints");
    let request = with_tool().tool_choice(ToolChoice::Required).max_tokens(9_000_000).options(only(["x"]));
    assert_eq!(client.endpoint_problems(&endpoints, &request), []);
    let (_server, client) = answered(r#"{"data":{"id":"a/b","endpoints":[]}}"#).await;
    let endpoints = client.endpoints("a/b").await.expect("endpoints");
    assert_eq!(client.endpoint_problems(&endpoints, &request)[0].field, "model");
}

#[tokio::test]
async fn check_foretells_the_refusal_of_the_service() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let client = client_of(&sandbox);
    let mut request = with_tool().tool_choice(ToolChoice::Required);
    for (model, fits) in [("deepseek/deepseek-r1", false), ("openai/gpt-4o", true)] {
        request.model = model.to_owned();
        let endpoints = client.endpoints(model).await.expect("endpoints");
        assert_eq!(client.endpoint_problems(&endpoints, &request).is_empty(), fits, "{model}");
        assert_eq!(client.chat(&request).await.is_ok(), fits, "{model}");
    }
}

#[tokio::test]
async fn endpoints_are_the_choices_of_a_form() {
    let (_server, client) = answered(TWO).await;
    let endpoints = client.endpoints("acme/parrot").await.expect("endpoints");
    for setting in ["provider_order", "provider_only", "provider_ignore"] {
        assert!(openrouter_provider::FIELDS.iter().any(|field| field.key == setting), "{setting}");
        let choices = endpoints.choices(setting);
        let choices: Vec<_> =
            choices.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())).collect();
        assert_eq!(choices, [("acme", "Acme"), ("acme/fp8", "Acme, fp8 alone"), ("big-cloud", "Big Cloud")]);
    }
    let precisions = endpoints.choices("quantizations");
    assert_eq!((precisions.len(), precisions[0].value.as_str()), (1, "fp8"));
    assert!(endpoints.choices("zdr").is_empty());
}

fn client_of(sandbox: &Sandbox) -> OpenRouter {
    OpenRouter::builder().api_key("k").base_url(sandbox.base_url()).build().expect("good settings")
}

#[tokio::test]
async fn server_tools_come_with_their_schemas() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let client = client_of(&sandbox);
    let tools = client.server_tools().await.expect("tools");
    let search = tools.iter().find(|tool| tool.id == "openrouter:web_search").expect("a tool");
    assert!(search.is_for_chats() && search.native_models.is_empty());
    assert_eq!(search.native_endpoint_count, Some(1));
    assert!(search.aliases.iter().any(|alias| alias.name == "web_search"));
    let engine = search.engines.iter().find(|engine| engine.id.as_deref() == Some("exa")).expect("an engine");
    assert_eq!((engine.pricing[0].unit.as_str(), engine.pricing[0].price), ("request", "0.004".parse().ok()));
    let schema: Value = search.parameters_schema.as_ref().expect("a schema").read().expect("JSON");
    assert_eq!(schema["properties"]["max_results"]["maximum"], 25);
    assert!(search.input_schema.is_some() && search.output_schema.is_none());

    let one = client.server_tool("web_search").await.expect("a tool, by another of its names");
    assert_eq!(one.id, search.id);
    assert_eq!(one.native_models[0].slug, "anthropic/claude-sonnet-4.5");
    let parameters = RawJson::new(&serde_json::json!({"max_results": 2})).expect("JSON");
    let options = OpenRouterOptions::new().server_tools([one.to_tool(Some(&parameters))]);
    let request = ChatRequest::new("openai/gpt-4o").user("Hi").options(options);
    client.chat(&request).await.expect("a tool that the service takes");
    let error = client.server_tool("openrouter:nothing").await.expect_err("no such tool");
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(404)));
    let before = sandbox.requests().len();
    for id in ["", "..", "a b"] {
        let error = client.server_tool(id).await.expect_err(id);
        assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::InvalidRequest, "name"));
    }
    assert_eq!(sandbox.requests().len(), before, "nothing is sent");
}

#[tokio::test]
async fn presets_are_asked_for_by_their_slug() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let client = client_of(&sandbox);
    let presets = client.presets().await.expect("presets");
    let shown: Vec<_> = presets.iter().map(|preset| (preset.model_id(), preset.is_active())).collect();
    assert_eq!(
        shown,
        [("@preset/email-copywriter".to_owned(), true), ("@preset/old-support".to_owned(), false)]
    );
    client.chat(&ChatRequest::new(presets[0].model_id()).user("Hi")).await.expect("an answer");
}

#[tokio::test]
async fn presets_come_page_by_page_and_never_without_end() {
    let page = |from: usize, count: usize, total: &str| {
        let entry = |number| format!(r#"{{"slug":"p-{number}"}}"#);
        let entries: Vec<String> = (from..from + count).map(entry).collect();
        format!(r#"{{"data":[{}],"total_count":{total}}}"#, entries.join(","))
    };
    for (total, asked) in [("150", 2), ("null", 2), ("9999", 3)] {
        let pages = [page(0, 100, total), page(100, 50, total), page(0, 0, total)];
        let mut next = pages.into_iter();
        let server = server(move |_| Script::json(200, next.next().expect("no more"))).await;
        let client = crate::support::openrouter(&server, openrouter_provider::Limits::default());
        assert_eq!(client.presets().await.expect("presets").len(), 150, "{total}");
        let paths = paths(&server);
        assert_eq!(paths.len(), asked, "{paths:?}");
        assert!(paths[1].ends_with("presets?offset=100&limit=100"), "{paths:?}");
    }
}
