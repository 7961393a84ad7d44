//! The body as text: what a reader of JSON alone would not show.

use provider_core::{
    AudioOutput, ChatRequest, PromptCacheOptions, Reasoning, ResponseFormat, Tool, ToolChoice,
};
use serde_json::json;

use super::encode;
use crate::Plain;
use crate::conversation::{Fields, decode};

/// Returns the names of an object's fields, in order, those that come twice as well.
fn names(body: &[u8]) -> Vec<String> {
    let fields: Fields = serde_json::from_slice(body).expect("a JSON object");
    fields.0.into_iter().map(|(name, _)| name).collect()
}

/// A request with all that has a place of its own, but for `max_completion_tokens`: it excludes `max_tokens`.
fn full() -> ChatRequest {
    ChatRequest::new("m")
        .user("Hi")
        .tool(Tool::function("f", "does it", json!({})))
        .tool_choice(ToolChoice::Auto)
        .parallel_tool_calls(false)
        .response_format(ResponseFormat::JsonObject)
        .reasoning(Reasoning::effort("low"))
        .temperature(0.0)
        .top_p(0.5)
        .top_k(0)
        .top_a(0.25)
        .min_p(1.0)
        .frequency_penalty(-2.0)
        .presence_penalty(2.0)
        .repetition_penalty(1.5)
        .seed(-7)
        .stop(["END"])
        .max_tokens(16)
        .logit_bias("50256", -100.0)
        .logprobs(true)
        .top_logprobs(20)
        .verbosity("low")
        .prediction("so")
        .modalities(["text", "audio"])
        .audio(AudioOutput::new("alloy", "wav"))
        .service_tier("flex")
        .prompt_cache_key("k")
        .prompt_cache_options(PromptCacheOptions::explicit())
        .end_user("u")
        .metadata("team", "a")
}

const FULL: &str = concat!(
    r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"#,
    r#""tools":[{"type":"function","function":{"name":"f","description":"does it","parameters":{}}}],"#,
    r#""tool_choice":"auto","parallel_tool_calls":false,"response_format":{"type":"json_object"},"#,
    r#""reasoning":{"effort":"low"},"temperature":0.0,"top_p":0.5,"top_k":0,"top_a":0.25,"min_p":1.0,"#,
    r#""frequency_penalty":-2.0,"presence_penalty":2.0,"repetition_penalty":1.5,"seed":-7,"stop":["END"],"#,
    r#""max_tokens":16,"logit_bias":{"50256":-100.0},"logprobs":true,"top_logprobs":20,"verbosity":"low","#,
    r#""prediction":{"type":"content","content":"so"},"modalities":["text","audio"],"#,
    r#""audio":{"format":"wav","voice":"alloy"},"service_tier":"flex","prompt_cache_key":"k","#,
    r#""prompt_cache_options":{"mode":"explicit"},"user":"u","metadata":{"team":"a"}}"#,
);

#[test]
fn body_has_parameters_in_order_and_reads_back() {
    let full_names: Vec<&str> = full().parameters().map(|parameter| parameter.name).collect();
    let mut all = ChatRequest::PARAMETERS.to_vec();
    all.retain(|name| *name != "max_completion_tokens");
    assert_eq!(full_names, all, "the test is to have every parameter");
    let body = encode(&full(), false, &Plain).expect("a good request");
    assert_eq!(String::from_utf8_lossy(&body), FULL);
    assert_eq!(decode(FULL, &Plain).expect("a body").request, full());
}

#[test]
fn body_has_each_field_once() {
    let request = full().extra("safe_prompt", true);
    for stream in [false, true] {
        let body = encode(&request, stream, &Plain).expect("a good request");
        let names = names(&body);
        let mut distinct = names.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
}

#[test]
fn stream_asks_for_usage_once_and_whole_answer_does_not() {
    let request = ChatRequest::new("m").user("Hi");
    let whole = encode(&request, false, &Plain).expect("a good request");
    let stream = encode(&request, true, &Plain).expect("a good request");
    assert_eq!(whole, br#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#);
    let rest = &stream[whole.len() - 1..];
    assert_eq!(rest, br#","stream":true,"stream_options":{"include_usage":true}}"#);
}
