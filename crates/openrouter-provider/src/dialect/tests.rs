//! The body's fields that only OpenRouter has, as text.

use openai_wire::{decode, encode};
use provider_core::ChatRequest;
use serde_json::json;

use super::OpenRouterDialect;
use crate::options::{
    CacheControl, DebugOptions, Fusion, OpenRouterOptions, Plugin, ProviderPreferences, ServerTool,
    StopServerTools, Trace,
};

/// All options that are fields of the body. A prompt takes the place of messages.
fn full() -> OpenRouterOptions {
    OpenRouterOptions::new()
        .models(["a/c"])
        .provider(ProviderPreferences::new().order(["openai"]))
        .plugins([Plugin::Other(r#"{"id":"new","z":1}"#.parse().expect("JSON"))])
        .stop_server_tools_when([StopServerTools::StepCountIs { step_count: 2 }])
        .max_tool_calls(3_u32)
        .session_id("s")
        .trace(Trace::id("t"))
        .debug(DebugOptions::new().echo_upstream_body(true))
        .cache_control(CacheControl::ephemeral())
        .image_config([("size".to_owned(), json!("1K"))])
        .preset("p")
        .structured_outputs(true)
        .web_search_options(json!({}))
        .x_search_filter(json!({}))
        .speed("fast")
        .prompt("Once")
        .reasoning_effort("low")
        .include_reasoning(false)
        .route("fallback")
        .transforms(["middle-out"])
        .stream_options(json!({}))
        .usage(json!({}))
}

const FULL: &str = concat!(
    r#"{"model":"a/b","provider":{"order":["openai"]},"reasoning_effort":"low","plugins":[{"id":"new","z":1}],"#,
    r#""models":["a/c"],"prompt":"Once","max_tool_calls":3,"#,
    r#""stop_server_tools_when":[{"type":"step_count_is","step_count":2}],"structured_outputs":true,"#,
    r#""include_reasoning":false,"image_config":{"size":"1K"},"speed":"fast","#,
    r#""cache_control":{"type":"ephemeral"},"route":"fallback","preset":"p","web_search_options":{},"#,
    r#""x_search_filter":{},"transforms":["middle-out"],"session_id":"s","trace":{"trace_id":"t"},"#,
    r#""debug":{"echo_upstream_body":true},"stream_options":{},"usage":{}}"#,
);

#[test]
fn body_has_options_in_order_and_reads_back() {
    let request = ChatRequest::new("a/b").options(full());
    let body = encode(&request, false, &OpenRouterDialect::default()).expect("a good request");
    assert_eq!(String::from_utf8_lossy(&body), FULL);
    assert_eq!(decode(FULL, &OpenRouterDialect::default()).expect("a body").request, request);
}

#[test]
fn cache_control_reads_back_unless_it_says_more() {
    let read = |field: &str| {
        let body = format!(r#"{{"model":"a/b",{field}}}"#);
        decode(&body, &OpenRouterDialect::default()).expect("a body").request
    };
    let own = |request: &ChatRequest| request.options.get::<OpenRouterOptions>().cloned().unwrap_or_default();
    let hour = || CacheControl::ephemeral().ttl("1h");
    let known = read(r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#);
    assert_eq!(own(&known).cache_control, Some(hour()));
    for novel in
        [r#"{"type":"ephemeral","novel":1}"#, r#"{"type":"lasting"}"#, r#"{"ttl":"1h"}"#, r#"["1h"]"#]
    {
        let request = read(&format!(r#""cache_control":{novel}"#));
        assert_eq!(own(&request).cache_control, None, "{novel}");
        assert_eq!(request.extra["openrouter"]["cache_control"].to_string().len(), novel.len(), "{novel}");
    }
    let tool =
        r#"{"type":"openrouter:fusion","parameters":{"cache_control":{"type":"ephemeral","ttl":"1h"}}}"#;
    let fusion = ServerTool::Fusion(Fusion::new().cache_control(hour()));
    assert_eq!(own(&read(&format!(r#""tools":[{tool}]"#))).server_tools, Some([fusion].into()));
}
