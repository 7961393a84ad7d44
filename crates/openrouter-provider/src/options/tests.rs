//! Options that are stored with a request and read back.

use provider_core::{ChatRequest, ErrorKind, RawJson, Usd};
use serde_json::json;

use super::*;
use crate::body;

fn raw(json: &str) -> RawJson {
    RawJson::from_checked(json)
}

/// Every option, with every kind of value in them.
fn full() -> OpenRouterOptions {
    let preferences = ProviderPreferences::new()
        .order(["openai"])
        .allow_fallbacks(false)
        .data_collection(DataCollection::Deny)
        .sort(SortConfig::new().by(SortBy::Price).partition("none"))
        .preferred_min_throughput(50.5)
        .preferred_max_latency(Cutoffs::new().p90(0.1))
        .options_of("google-vertex", json!({"labels": {"team": "a"}}))
        .extra("brand_new", raw(r#"{"z":1.50,"a":[]}"#))
        .max_price(MaxPrice::new().prompt("0.00000000012345678901".parse::<Usd>().unwrap()));
    OpenRouterOptions::new()
        .models(["a/b"])
        .provider(preferences)
        .plugins([
            Plugin::from(FileParser::engine("mistral-ocr")),
            Plugin::Web(WebPlugin::new().max_results(3_u32)),
            Plugin::Moderation(Switch::new().enabled(false)),
            Plugin::JevRouter(JevRouter::new().models(["openai/*"]).cost_tier("low")),
            Plugin::SwitchyardRouter(SwitchyardRouter::new().algorithm("stage").judge_model("a/b")),
            Plugin::Alignment(
                AlignmentPlugin::new()
                    .rules([AlignmentRule::new("Name no competitor.", ["content"])])
                    .mode("enforce")
                    .max_retries(2_u32)
                    .threshold(0.25),
            ),
            Plugin::Armor(
                ArmorPlugin::new().mode("audit").classifier_context(ArmorContext::new(
                    ArmorRules::new()
                        .hard_deny([ArmorRule::named("secrets", "Sends a secret away.")])
                        .allow(["Reads a file."])
                        .environment(["Trusted repo: acme/app"]),
                )),
            ),
            Plugin::Other(raw(r#"{"id":"brand-new","z":1.50,"a":[]}"#)),
            Plugin::Other(raw(r#"{"id":"moderation","new":1}"#)),
        ])
        .server_tools([
            ServerTool::web_search(WebSearch::new().user_location(UserLocation::new().city("Paris"))),
            ServerTool::web_search(
                WebSearch::new().x_search(XSearch::new().allowed_x_handles(["acme"]).from_date("2026-01-31")),
            ),
            ServerTool::ImageGeneration(ImageGeneration::model("m").config("size", 1024)),
            ServerTool::Bash(Bash::new().environment(Container::Reference { container_id: "c".to_owned() })),
            ServerTool::Other(raw(r#"{"type":"new:tool","z":1.50}"#)),
        ])
        .stop_server_tools_when([
            StopServerTools::StepCountIs { step_count: 3 },
            StopServerTools::MaxCost { max_cost_in_dollars: 0.1 },
        ])
        .max_tool_calls(7_u32)
        .deferred_tools(DeferredTools::new(ToolSearch::custom("find", "tools").max_results(5)))
        .session_id("s")
        .trace(Trace::id("t").name("n").extra("team", json!(["a"])))
        .debug(DebugOptions::new().echo_upstream_body(true))
        .cache_control(CacheControl::ephemeral().ttl("1h"))
        .image_config(BTreeMap::from([("size".to_owned(), json!("large"))]))
        .preset("p")
        .structured_outputs(true)
        .web_search_options(json!({"search_context_size": "low"}))
        .x_search_filter(json!({"from": []}))
        .speed("fast")
        .prompt("Once")
        .reasoning_effort("novel")
        .include_reasoning(false)
        .route("fallback")
        .transforms(["middle-out"])
        .stream_options(json!({}))
        .usage(json!({"include": true}))
        .metadata(true)
        .response_cache(ResponseCache::new().ttl_seconds(60_u32).clear(true))
        .categories(["cli-agent"])
        .header("x-gateway-key", "secret")
        .allow_paid_fallback()
}

#[test]
fn options_are_stored_with_their_request() {
    let options = full();
    let request = ChatRequest::new("a/b").options(options.clone());
    let stored = serde_json::to_string(&request).unwrap();
    let read: ChatRequest = serde_json::from_str(&stored).unwrap();
    assert_eq!(read.options.problem::<OpenRouterOptions>(), None, "{stored}");
    assert_eq!(read.options.get::<OpenRouterOptions>(), Some(&options));
    assert_eq!(read, request);
    assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    let written = serde_json::to_value(&options).unwrap();
    let unset = OpenRouterOptions::NAMES.iter().find(|name| written.get(name).is_none());
    assert_eq!(unset, None, "every option is set above");
}

#[test]
fn options_that_do_not_fit_are_refused_by_name() {
    for options in [r#"{"zero_retention":true}"#, r#"{"models":"a/b"}"#, "7"] {
        let stored = format!(
            r#"{{"model":"a/b","messages":[{{"role":"user","content":"Hi"}}],"options":{{"openrouter":{options}}}}}"#
        );
        let read: ChatRequest = serde_json::from_str(&stored).unwrap();
        let error = body::to_json(&read).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        let [problem] = error.fields() else { panic!("{options}: {error}") };
        assert_eq!(problem.field, "options.openrouter");
        assert!(problem.problem.contains("do not fit"), "{problem:?}");
    }
}
