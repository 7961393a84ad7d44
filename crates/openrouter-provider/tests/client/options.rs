//! The options that OpenRouter alone understands, headers, a workspace's preferences, and what is refused.
//! Over real sockets.

use fault_server::{FaultServer, Request, Script};
use openrouter_provider::options::{
    CacheControl, DataCollection, MaxPrice, ProviderPreferences, ResponseCache, ServerTool, SortBy, WebSearch,
};
use openrouter_provider::{Limits, OpenRouter, OpenRouterOptions, body};
use provider_core::author::ProviderOptions;
use provider_core::{
    ChatRequest, ConfigValues, ErrorKind, FunctionTool, JsonSchema, Message, Reasoning, Tool,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{openrouter, request};

const ANSWER: &str =
    r#"{"id":"gen-1","model":"m","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;

async fn service() -> FaultServer {
    FaultServer::always(Script::json(200, ANSWER)).await.expect("a free port")
}

/// The one request that was sent.
async fn sent(client: impl FnOnce(&FaultServer) -> OpenRouter, request: &ChatRequest) -> Request {
    let server = service().await;
    client(&server).chat(request).await.expect("an answer");
    server.requests().remove(0)
}

fn plain(server: &FaultServer) -> OpenRouter {
    openrouter(server, Limits::default())
}

fn json_of(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

#[tokio::test]
async fn options_of_others_stay_here() {
    #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
    struct Acme;
    impl ProviderOptions for Acme {
        const PROVIDER: &'static str = "acme";
    }
    let theirs = json_of(&sent(plain, &request().options(Acme)).await);
    assert_eq!(theirs, json_of(&sent(plain, &request()).await));
}

#[tokio::test]
async fn options_that_are_headers_are_sent_as_such() {
    let options = OpenRouterOptions::new()
        .metadata(true)
        .response_cache(ResponseCache::new().ttl_seconds(60_u32).clear(true))
        .categories(["cli-agent", "writing-assistant"])
        .header("x-anthropic-beta", "structured-outputs-2025-11-13");
    let request = sent(plain, &request().options(options)).await;
    for (name, value) in [
        ("x-openrouter-metadata", "enabled"),
        ("x-openrouter-cache", "true"),
        ("x-openrouter-cache-ttl", "60"),
        ("x-openrouter-cache-clear", "true"),
        ("x-openrouter-categories", "cli-agent,writing-assistant"),
        ("x-anthropic-beta", "structured-outputs-2025-11-13"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let mut keys: Vec<String> = json_of(&request).as_object().expect("an object").keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["messages", "model"], "headers are no fields");
}

#[test]
fn headers_of_the_callers_own_are_named_and_not_told() {
    let options = OpenRouterOptions::new().header("x-gateway-key", "MARKER").session_id("conversation-7");
    let shown = format!("{:?}", request().options(options));
    assert!(shown.contains("x-gateway-key") && shown.contains("conversation-7"), "{shown}");
    assert!(!shown.contains("MARKER"), "{shown}");
}

#[tokio::test]
async fn nothing_is_on_by_default() {
    let request = sent(plain, &request()).await;
    assert!(request.headers.iter().all(|(name, _)| !name.starts_with("x-openrouter-")), "{request:?}");
}

#[tokio::test]
async fn a_request_overrides_the_workspace() {
    let settings = |server: &FaultServer| {
        OpenRouter::from_values(
            ConfigValues::from([("api_key", "k"), ("data_collection", "deny"), ("zdr", "yes")])
                .set("base_url", server.url())
                .set("routing", r#"{"sort":"price","order":["azure"],"data_collection":"allow"}"#),
        )
        .expect("good settings")
    };
    let left_open = json_of(&sent(settings, &request()).await);
    let workspace = json!({"sort": "price", "order": ["azure"], "data_collection": "deny", "zdr": true});
    assert_eq!(left_open["provider"], workspace);

    let own = ProviderPreferences::new().order(["openai"]).zdr(false).sort(SortBy::Latency);
    let own = request().options(OpenRouterOptions::new().provider(own));
    let overridden = json_of(&sent(settings, &own).await);
    let joined = json!({"sort": "latency", "order": ["openai"], "data_collection": "deny", "zdr": false});
    assert_eq!(overridden["provider"], joined);

    let by_builder = |server: &FaultServer| {
        let preferences = ProviderPreferences::new()
            .data_collection(DataCollection::Deny)
            .max_price(MaxPrice::new().prompt("0.1".parse::<provider_core::Usd>().expect("a price")));
        OpenRouter::builder()
            .api_key("k")
            .base_url(server.url())
            .routing(&preferences)
            .build()
            .expect("good settings")
    };
    let built = json_of(&sent(by_builder, &request()).await);
    assert_eq!(built["provider"], json!({"data_collection": "deny", "max_price": {"prompt": "0.1"}}));
    // A policy of the workspace cannot be passed by as an unknown field.
    let server = service().await;
    let extra = request().extra("openrouter", "provider", json!({"data_collection": "allow"}));
    let error = by_builder(&server).chat(&extra).await.expect_err("set twice");
    assert_eq!(error.fields()[0].field, "extra.openrouter.provider");
}

#[tokio::test]
async fn routing_is_set_field_by_field() {
    let settings = |server: &FaultServer| {
        let values = [
            ("api_key", "k"),
            ("provider_order", "azure, openai/priority"),
            ("provider_only", "azure\nopenai"),
            ("provider_ignore", "deepinfra"),
            ("allow_fallbacks", "no"),
            ("quantizations", "fp8,bf16"),
            ("provider_sort", "throughput"),
            ("max_price_prompt", "2.5"),
            ("max_price_request", "0"),
            ("require_parameters", "yes"),
            ("data_collection", "deny"),
            ("zdr", "yes"),
            // The object has the rest; the fields count before it, price by price.
            (
                "routing",
                r#"{"sort":"price","only":["groq"],"max_price":{"prompt":9,"image":1},
                "enforce_distillable_text":true,"preferred_min_throughput":50}"#,
            ),
        ];
        let values = ConfigValues::from(values).set("base_url", server.url());
        OpenRouter::from_values(values).expect("good settings")
    };
    assert_eq!(
        json_of(&sent(settings, &request()).await)["provider"],
        json!({
            "order": ["azure", "openai/priority"],
            "only": ["azure", "openai"],
            "ignore": ["deepinfra"],
            "allow_fallbacks": false,
            "quantizations": ["fp8", "bf16"],
            "sort": "throughput",
            "max_price": {"prompt": "2.5", "request": "0", "image": "1"},
            "require_parameters": true,
            "data_collection": "deny",
            "zdr": true,
            "enforce_distillable_text": true,
            "preferred_min_throughput": 50.0,
        })
    );
}

#[test]
fn settings_of_the_wrong_kind_are_refused_by_name() {
    for (key, value, hint) in [
        ("data_collection", "never", "allow, deny"),
        ("zdr", "perhaps", "true or false"),
        ("routing", "price", "JSON"),
        ("routing", r#"{"max_price":{"promt":1}}"#, "promt"),
        ("routing", r#"{"allow_fallback":false}"#, "`allow_fallbacks` may be meant"),
        ("routing", r#"{"zrd":true}"#, "`zdr` may be meant"),
        ("routing", r#"{"dataCollection":"deny"}"#, "`data_collection` may be meant"),
        ("routing", r#""sk-or-v1-secret""#, "line 1"),
    ] {
        let error = OpenRouter::from_values([("api_key", "k"), (key, value)]).expect_err(value);
        assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::Config, key));
        assert!(error.to_string().contains(hint), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn what_the_service_refuses_for_all_is_refused_here_by_name() {
    let good = request;
    let own = |options: OpenRouterOptions| request().options(options);
    let named = |name: &str| Tool::from(FunctionTool::new(name, "does it"));
    let free = ChatRequest::new("a/b:free").user("Hi");
    let long = "x".repeat(257);
    let misspelt: ProviderPreferences =
        serde_json::from_value(json!({"quantisation": ["fp8"], "order_by": "x"})).expect("an object");
    let cases = [
        (good().temperature(2.1), "temperature"),
        (good().top_p(-0.1), "top_p"),
        (good().presence_penalty(-2.5), "presence_penalty"),
        (good().repetition_penalty(2.01), "repetition_penalty"),
        (good().logit_bias("7", 101.0), "logit_bias.7"),
        (good().max_tokens(0), "max_tokens"),
        (good().top_logprobs(3), "top_logprobs"),
        (good().logprobs(true).top_logprobs(21), "top_logprobs"),
        (good().stop(["1", "2", "3", "4", "5"]), "stop"),
        (good().tool(named("get weather")), "tools[0].function.name"),
        (good().tool(named("")), "tools[0].function.name"),
        (good().tool(named(&"x".repeat(65))), "tools[0].function.name"),
        (good().tool(named("a")).tool(named("a")), "tools[1].function.name"),
        (good().response_format(JsonSchema::new("a b", json!({}))), "response_format.json_schema.name"),
        (good().metadata("k", "v".repeat(513)), "metadata"),
        (good().temperature(1.0).extra("openrouter", "temperature", 1), "extra.openrouter.temperature"),
        (own(OpenRouterOptions::new().models(["a/1", "a/2", "a/3", "a/4"])), "options.models"),
        (own(OpenRouterOptions::new().provider(misspelt)), "options.provider.quantisation"),
        (free.clone().options(OpenRouterOptions::new().models(["a/b"])), "options.models"),
        (own(OpenRouterOptions::new().session_id(long)), "options.session_id"),
        (own(OpenRouterOptions::new().prompt("Once")), "options.prompt"),
        (
            own(OpenRouterOptions::new().reasoning_effort("low")).reasoning(Reasoning::effort("high")),
            "options.reasoning_effort",
        ),
        (
            own(OpenRouterOptions::new().reasoning_effort("low")).reasoning(Reasoning::max_tokens(9)),
            "options.reasoning_effort",
        ),
        (
            own(OpenRouterOptions::new().provider(ProviderPreferences::new().preferred_max_latency(f64::NAN))),
            "options.provider.preferred_max_latency",
        ),
        (own(OpenRouterOptions::new().header("Authorization", "mine")), "options.headers.Authorization"),
        (own(OpenRouterOptions::new().header("x a", "b")), "options.headers.x a"),
        (own(OpenRouterOptions::new().header("x-a", "b\r\nx-c: d")), "options.headers.x-a"),
        (
            own(OpenRouterOptions::new().metadata(true).header("X-OpenRouter-Metadata", "disabled")),
            "options.headers.X-OpenRouter-Metadata",
        ),
        (
            own(OpenRouterOptions::new().response_cache(ResponseCache::new().ttl_seconds(0_u32))),
            "options.response_cache.ttl_seconds",
        ),
    ];
    let server = service().await;
    for (request, field) in cases {
        let error = plain(&server).chat(&request).await.expect_err(field);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        let fields: Vec<&str> = error.fields().iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, [field], "{error}");
    }
    assert!(server.requests().is_empty(), "nothing was sent");

    // The client does what is meant.
    let paid = OpenRouterOptions::new().models(["a/b"]).allow_paid_fallback();
    let body = json_of(&sent(plain, &free.options(paid)).await);
    assert_eq!(body["models"], json!(["a/b"]));
    let unknown_form = good().extra("openrouter", "reasoning", json!({"effort": "high", "new": 1}));
    assert_eq!(json_of(&sent(plain, &unknown_form).await)["reasoning"], json!({"effort": "high", "new": 1}));
}

#[tokio::test]
async fn a_prompt_takes_the_place_of_messages() {
    let server = FaultServer::start(|_| {
        Script::json(
            200,
            r#"{"id":"gen-1","model":"m","choices":[{"text":" upon a time","finish_reason":"stop"}]}"#,
        )
    })
    .await
    .expect("a free port");
    let request = ChatRequest::new("a/b").options(OpenRouterOptions::new().prompt("Once"));
    let reply = plain(&server).chat(&request).await.expect("an answer");
    assert_eq!(reply.text(), " upon a time");
    assert_eq!(json_of(&server.requests()[0]), json!({"model": "a/b", "prompt": "Once"}));
}

#[test]
fn what_is_read_goes_out_again() {
    let text = r#"{"model":"a/b","stream":true,"messages":[{"role":"user","content":"Hi"},
        {"role":"critic","content":"new role"},{"role":"user","content":[{"type":"hologram","x":1}]}],
        "tools":[{"type":"openrouter:web_search","parameters":{"max_results":2}},{"type":"new:tool"}],
        "plugins":[{"id":"brand-new","z":1,"a":2}],"cache_control":{"type":"ephemeral","ttl":"1h"},"provider":{"order":["openai"],"max_price":{"prompt":1}},
        "reasoning":{"effort":"low","depth":3},"n":2}"#;
    let read = body::from_json(text).expect("a body");
    assert!(read.stream);
    let Message::Other(critic) = &read.request.messages[1] else { panic!("{:?}", read.request.messages) };
    assert_eq!(critic.provider(), "openrouter");
    let options = read.request.options.get::<OpenRouterOptions>().expect("options");
    assert_eq!(options.cache_control, Some(CacheControl::ephemeral().ttl("1h")));
    let tools = options.server_tools.as_ref().expect("tools");
    assert_eq!(tools[0], ServerTool::web_search(WebSearch::new().max_results(2_u32)));
    let mut expected: Value = serde_json::from_str(text).expect("JSON");
    expected.as_object_mut().expect("an object").remove("stream");
    // A number that is a price becomes the text that the schema asks for.
    expected["provider"]["max_price"]["prompt"] = json!("1");
    let written: Value = body::to_json(&read.request).expect("a good request").read().expect("JSON");
    assert_eq!(written, expected);

    // Serde would take these for something else: lists for structs, numbers for variants.
    for (name, value) in [
        ("audio", json!(["a", "b"])),
        ("reasoning", json!(["low"])),
        ("plugins", json!([{"id": 1}, ["web"], {"id": "file-parser", "pdf": ["native"]}])),
        ("provider", json!({"sort": ["price"], "max_price": ["1"]})),
        ("stream_options", json!([true])),
        ("tools", json!([{"type": "function", "function": ["f"]}, {"type": 2}, ["openrouter:datetime"]])),
        ("tool_choice", json!({"type": "function", "function": ["f"]})),
        ("response_format", json!(["json_schema", ["n"]])),
        ("cache_control", json!({"type": {"ephemeral": null}})),
        (
            "messages",
            json!([["user", "Hi"], {"role": "user", "content": [["text", "a"],
            {"type": "image_url", "image_url": ["u"]},
            {"type": "text", "text": "a", "cache_control": {"type": {"ephemeral": null}}}]},
            {"role": "assistant", "content": "x", "audio": ["a"],
             "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "function.x": 1}]}]),
        ),
    ] {
        let mut body = json!({ "model": "a/b", "messages": [{ "role": "user", "content": "Hi" }] });
        body[name] = value;
        let read = body::from_json(&body.to_string()).expect("a body").request;
        let written: Value = body::to_json(&read).expect("a good request").read().expect("JSON");
        assert_eq!(written, body, "{name}");
    }

    for (text, field) in [
        ("[]", "body"),
        ("{", "body"),
        (r#"{"model":7}"#, "model"),
        (r#"{"messages":{}}"#, "messages"),
        (r#"{"novel":1e999}"#, "novel"),
        (r#"{"novel":["\ud83d"]}"#, "novel"),
    ] {
        let error = body::from_json(text).expect_err(text);
        assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::InvalidRequest, field));
    }
}
