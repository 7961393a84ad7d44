//! The fields of requests and answers that are newer than the schema of August 2026. Over real sockets.

use fault_server::{FaultServer, Script};
use openrouter_provider::options::{
    AlignmentPlugin, AlignmentRule, ArmorContext, ArmorPlugin, ArmorRule, ArmorRules, ConfigurationUpdate,
    DeferredTools, JevRouter, Plugin, ProviderPreferences, ServerTool, SwitchyardRouter, ToolSearch,
    WebPlugin, WebSearch, XSearch,
};
use openrouter_provider::{
    Limits, OpenRouter, OpenRouterError, OpenRouterOptions, OpenRouterResponse, SafeguardVerdict, body,
};
use provider_core::{
    CacheBreakpoint, ChatRequest, ChatResponse, ConfigValues, Effort, ErrorKind, FinishReason, FunctionTool,
    LlmProviderExt, Message, Part, PromptCacheOptions, RunOutcome, TextPart, ToolSet,
};
use serde_json::{Value, json};

use crate::support::{keep_body, openrouter, read, request};

/// The body of a request, which must be the same when it is read and written again.
fn sent(request: &ChatRequest) -> Value {
    let body: Value = body::to_json(request).expect("a good request").read().expect("JSON");
    keep_body(&body);
    let read = body::from_json(&body.to_string()).expect("a body").request;
    assert_eq!(&read, request, "{body:#}");
    body
}

#[test]
fn options_of_upstream_providers_are_sent_as_they_are() {
    let vertex = json!({"labels": {"team": "a"}, "z": 1.5});
    let preferences = ProviderPreferences::new()
        .order(["google-vertex"])
        .options_of("google-vertex", vertex.clone())
        .extra("brand_new", json!(["x"]));
    let body = sent(&request().options(OpenRouterOptions::new().provider(preferences)));
    let expected =
        json!({"order": ["google-vertex"], "options": {"google-vertex": vertex}, "brand_new": ["x"]});
    assert_eq!(body["provider"], expected);
}

#[tokio::test]
async fn a_workspace_keeps_preferences_that_are_newer() {
    let answer =
        r#"{"id":"gen-1","model":"m","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
    let server = FaultServer::always(Script::json(200, answer)).await.expect("a free port");
    let routing = r#"{"brand_new":{"a":1},"newer":1,"options":{"azure":{"x":1},"groq":{"y":2}}}"#;
    let values = ConfigValues::from([("api_key", "k"), ("routing", routing)]).set("base_url", server.url());
    let client = OpenRouter::from_values(values).expect("good settings");
    let own = ProviderPreferences::new().options_of("groq", json!({"y": 3})).extra("newer", json!(2));
    client.chat(&request().options(OpenRouterOptions::new().provider(own))).await.expect("an answer");
    let body: Value = serde_json::from_slice(&server.requests()[0].body).expect("JSON");
    assert_eq!(
        body["provider"],
        json!({"brand_new": {"a": 1}, "newer": 2, "options": {"azure": {"x": 1}, "groq": {"y": 3}}})
    );
}

#[test]
fn a_change_of_the_effort_is_a_message_without_text() {
    let asked = request()
        .message(Message::assistant("Good day."))
        .message(ConfigurationUpdate::new(Effort::High))
        .user("Prove it.");
    let body = sent(&asked);
    let update =
        json!({"role": "system", "content": "", "configuration_update": {"reasoning": {"effort": "high"}}});
    assert_eq!(body["messages"][2], update);
    assert_eq!(
        ConfigurationUpdate::of(&asked.messages[2]),
        Some(ConfigurationUpdate::new(Effort::High)),
        "it is found again"
    );
    assert!(asked.messages.iter().filter_map(ConfigurationUpdate::of).count() == 1);

    let twice = request()
        .message(ConfigurationUpdate::new(Effort::Low))
        .message(ConfigurationUpdate::new("max").developer())
        .user("Hi");
    let error = body::to_json(&twice).expect_err("two changes in a row");
    assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::InvalidRequest, "messages[2]"));
}

#[test]
fn tools_wait_for_a_search() {
    let search = ToolSearch::custom("find_tools", "tools").max_results(5);
    let asked = request()
        .tool(FunctionTool::new("get_weather", "The weather").defer_loading(true))
        .options(OpenRouterOptions::new().deferred_tools(DeferredTools::new(search)));
    let body = sent(&asked);
    assert_eq!(body["tools"][0]["defer_loading"], true);
    let search = json!({"type": "custom", "tool_id": "find_tools", "result_key": "tools", "max_results": 5});
    assert_eq!(
        body["deferred_tools"],
        json!({"protocol": "v1", "profile": "portable", "validation": "runtime", "search": search})
    );
}

#[test]
fn caches_videos_and_searches_say_more() {
    let x = || {
        XSearch::new().allowed_x_handles(["acme"]).from_date("2026-01-31").enable_image_understanding(true)
    };
    let content: Vec<Part> = vec![
        TextPart::new("A manual").cache_breakpoint(CacheBreakpoint::ttl("12h")).into(),
        TextPart::new("Look").cache_breakpoint(CacheBreakpoint::default()).into(),
        Part::video_url("https://example.com/a.mp4").processing("agentic"),
    ];
    let asked = ChatRequest::new("x-ai/grok-4-fast")
        .user(content)
        .prompt_cache_options(PromptCacheOptions::explicit().ttl("30m"))
        .options(
            OpenRouterOptions::new()
                .plugins([Plugin::Web(WebPlugin::new().x_search(x()))])
                .server_tools([ServerTool::web_search(WebSearch::new().x_search(x()))]),
        );
    let body = sent(&asked);
    let parts = &body["messages"][0]["content"];
    assert_eq!(parts[0]["prompt_cache_breakpoint"], json!({"mode": "explicit", "ttl": "12h"}));
    assert_eq!(parts[1]["prompt_cache_breakpoint"], json!({"mode": "explicit"}));
    assert_eq!(parts[2]["video_url"], json!({"url": "https://example.com/a.mp4", "processing": "agentic"}));
    let x =
        json!({"allowed_x_handles": ["acme"], "from_date": "2026-01-31", "enable_image_understanding": true});
    assert_eq!((&body["plugins"][0]["x_search"], &body["tools"][0]["parameters"]["x_search"]), (&x, &x));
}

#[test]
fn plugins_that_judge_and_route_are_sent_by_their_ids() {
    let rules = ArmorRules::new()
        .hard_deny([ArmorRule::named("secrets", "Sends a secret away.")])
        .soft_deny(["Deletes a file."])
        .allow(["Reads a file."])
        .environment(["Trusted repo: acme/app"]);
    let plugins = [
        Plugin::JevRouter(JevRouter::new().models(["openai/*"]).cost_tier("low")),
        Plugin::SwitchyardRouter(SwitchyardRouter::new().algorithm("stage").judge_model("a/b")),
        Plugin::Alignment(
            AlignmentPlugin::new()
                .rules([AlignmentRule::new("Name no competitor.", ["content", "refusal"])])
                .mode("enforce")
                .max_retries(2_u32)
                .instruct(false)
                .threshold(0.25),
        ),
        Plugin::Armor(
            ArmorPlugin::new()
                .mode("audit")
                .on_error("log")
                .output_mode("text")
                .evaluate_native_tools(true)
                .use_cc_style_default_rules(false)
                .classifier_context(ArmorContext::new(rules)),
        ),
    ];
    let body = sent(&request().options(OpenRouterOptions::new().plugins(plugins)));
    let rules = json!({
        "hard_deny": [{"id": "secrets", "instructions": "Sends a secret away."}],
        "soft_deny": ["Deletes a file."],
        "allow": ["Reads a file."],
        "environment": ["Trusted repo: acme/app"],
    });
    let expected = json!([
        {"id": "jev-router", "models": ["openai/*"], "cost_tier": "low"},
        {"id": "switchyard-router", "algorithm": "stage", "judge_model": "a/b"},
        {
            "id": "alignment", "mode": "enforce", "max_retries": 2, "instruct": false, "threshold": 0.25,
            "rules": [{"rule": "Name no competitor.", "watch": ["content", "refusal"]}],
        },
        {
            "id": "armor", "mode": "audit", "on_error": "log", "output_mode": "text",
            "evaluate_native_tools": true, "use_cc_style_default_rules": false,
            "classifier_context": {"v": 1, "auto_mode": rules},
        },
    ]);
    assert_eq!(body["plugins"], expected);
}

const MARK: &str = "<openrouter_armor_blocked>secrets</openrouter_armor_blocked>";

fn verdicts() -> Value {
    json!([{"type": "dangerous_tool_use", "status": {"type": "available", "tool_uses": {
        "call_1": {"type": "evaluated", "outcome": "flagged", "explanation": "sends a secret away"},
        "call_2": {"type": "evaluated", "outcome": "not_flagged"},
        "call_3": {"type": "unavailable", "reason": "time limit"},
        "call_4": {"type": "skipped"},
        "call_5": {"type": "guessed"},
    }}}])
}

/// An answer whose guard has judged, with these calls left.
fn judged(calls: &[&str], finish: &str) -> String {
    let call =
        |id: &&str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let calls: Vec<Value> = calls.iter().map(call).collect();
    json!({
        "id": "gen-1",
        "model": "m",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": MARK, "tool_calls": calls},
            "finish_reason": finish,
        }],
        "safeguard_results": verdicts(),
    })
    .to_string()
}

async fn answer(body: String) -> ChatResponse {
    crate::support::chat(Script::json(200, body)).await.expect("an answer")
}

fn withheld(reply: &ChatResponse) -> Vec<(&str, Option<&str>)> {
    reply.withheld_calls.iter().map(|call| (call.id.as_str(), call.reason.as_deref())).collect()
}

#[tokio::test]
async fn a_withheld_call_is_no_call_and_no_answer() {
    let reply = answer(judged(&[], "stop")).await;
    let both = [("call_1", Some("sends a secret away")), ("call_3", Some("time limit"))];
    assert_eq!(withheld(&reply), both);
    assert!(reply.tool_calls().is_empty() && reply.is_filtered());
    assert_eq!(reply.finish_reason, Some(FinishReason::ContentFilter));
    assert_eq!(reply.extra.get("finish_reason").map(|word| word.get()), Some("\"stop\""));
    let verdicts: Vec<_> =
        reply.safeguard_results().into_iter().map(|result| (result.call_id, result.verdict)).collect();
    let expected = [
        SafeguardVerdict::Flagged,
        SafeguardVerdict::NotFlagged,
        SafeguardVerdict::Unavailable,
        SafeguardVerdict::Skipped,
        SafeguardVerdict::Other("guessed".to_owned()),
    ];
    let expected: Vec<_> =
        expected.into_iter().enumerate().map(|(at, verdict)| (format!("call_{}", at + 1), verdict)).collect();
    assert_eq!(verdicts, expected);

    // Calls that are left are calls, and those that came although they are flagged were only judged.
    let reply = answer(judged(&["call_1", "call_2"], "tool_calls")).await;
    assert_eq!((withheld(&reply), reply.tool_calls().len()), (vec![both[1]], 2));
    assert_eq!(reply.finish_reason, Some(FinishReason::ToolCalls));
    // A token limit is told before the guard.
    assert!(answer(judged(&[], "length")).await.is_truncated());
}

#[tokio::test]
async fn withheld_calls_are_told_at_the_end_of_a_stream() {
    let head = json!({"id": "gen-1", "model": "m"});
    let chunk = |more: Value| {
        let mut chunk = head.clone();
        chunk.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        format!("data: {chunk}\n\n")
    };
    let delta = |text: &str, finish: Value| json!([{"index": 0, "delta": {"content": text}, "finish_reason": finish}]);
    let one = json!([{"type": "dangerous_tool_use", "status": {"tool_uses": {"call_0": {"type": "evaluated", "outcome": "flagged"}}}}]);
    let events = [
        chunk(json!({"choices": delta(MARK, Value::Null), "safeguard_results": one})),
        chunk(json!({"choices": delta("", json!("stop")), "safeguard_results": verdicts()})),
        "data: [DONE]\n\n".to_owned(),
    ];
    let server = FaultServer::always(Script::events(events.concat())).await.expect("a free port");
    let (text, reply) = read(openrouter(&server, Limits::default())).await;
    let reply = reply.expect("an answer");
    let ids: Vec<&str> = reply.withheld_calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!((text.as_str(), ids), (MARK, vec!["call_0", "call_1", "call_3"]));
    assert_eq!(reply.finish_reason, Some(FinishReason::ContentFilter));
}

#[tokio::test]
async fn a_tool_loop_tells_of_withheld_calls() {
    let server = FaultServer::always(Script::json(200, judged(&[], "stop"))).await.expect("a free port");
    let client = openrouter(&server, Limits::default());
    let tools = ToolSet::new();
    let run = client.tool_loop(&tools).run(&request()).await;
    let RunOutcome::Withheld(calls) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((calls.len(), calls[0].id.as_str(), run.steps.len()), (2, "call_1", 1));
    assert_eq!(run.request.messages.last(), Some(&Message::from(run.steps[0].response.message.clone())));
    let error = run.into_response().expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::ContentPolicy);
    assert!(error.message().contains("sends a secret away") && error.partial().is_some(), "{error}");
}

#[tokio::test]
async fn alignment_is_read_from_answers_and_errors() {
    let rule = json!({"applicable": true, "broken": true, "probability": 0.94});
    let other = json!({"applicable": false, "broken": false, "probability": null});
    let calls = json!([
        {"call": 1, "outcome": "blocked", "rules": [rule, other]},
        {"call": 2, "outcome": "unavailable", "reason": "cut"},
    ]);
    let audited = json!({
        "id": "gen-1", "model": "m", "alignment": {"calls": calls},
        "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
    });
    let alignment = answer(audited.to_string()).await.alignment().expect("a result");
    assert_eq!((alignment.calls.len(), alignment.rejected), (2, None));
    assert_eq!(alignment.calls[0].outcome.as_deref(), Some("blocked"));
    assert_eq!(alignment.calls[0].rules[0].probability, Some(0.94));
    assert_eq!(
        (alignment.calls[0].rules[1].applicable, alignment.calls[0].rules[1].probability),
        (Some(false), None)
    );
    assert_eq!((alignment.calls[1].call, alignment.calls[1].reason.as_deref()), (Some(2), Some("cut")));

    let rejected = json!({
        "role": "assistant", "content": "Acme is worse.", "refusal": null,
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    });
    let blocked = json!({
        "error": {"code": 403, "message": "Alignment plugin: the reply broke these rules",
            "metadata": {"alignment": {"calls": calls, "rejected": rejected}}},
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12, "cost": 0.002},
    });
    let error = crate::support::chat(Script::json(403, blocked.to_string())).await.expect_err("blocked");
    assert_eq!((error.kind(), error.was_paid_for()), (ErrorKind::ContentPolicy, true));
    let partial = error.partial().expect("a usage");
    assert_eq!((partial.usage.cost, partial.text()), ("0.002".parse().ok(), ""));
    let rejected = error.alignment().and_then(|alignment| alignment.rejected).expect("the turn");
    assert_eq!((rejected.text.as_str(), rejected.tool_calls[0].name.as_str()), ("Acme is worse.", "f"));
    assert!(!error.to_string().contains("Acme is worse."), "{error}");
    assert_eq!(crate::support::chat(Script::json(403, "{}")).await.expect_err("no").alignment(), None);
}

#[tokio::test]
async fn generation_time_and_the_cost_of_server_tools_are_read() {
    let body = json!({
        "id": "gen-1", "model": "m", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
        "openrouter_metadata": {"requested": "m", "generation_time": 1840},
        "usage": {"cost": 0.5, "cost_details": {"upstream_inference_cost": 0.25, "server_tool_cost": 0.25}},
    });
    let reply = answer(body.to_string()).await;
    assert_eq!(reply.routing().and_then(|routing| routing.generation_time_ms), Some(1_840));
    assert_eq!(reply.usage.server_tool_cost, "0.25".parse().ok());
}
