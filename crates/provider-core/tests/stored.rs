//! Conversations and requests that are stored as JSON and read back.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::fmt::Debug;

use provider_core::author::ProviderOptions;
use provider_core::{
    Annotation, AssistantMessage, Audio, AudioOutput, CacheBreakpoint, CacheMark, ChatRequest, Content,
    DetailValue, Effort, FilePart, FunctionTool, Image, JsonSchema, Message, Part, PromptCacheOptions,
    ProviderJson, RawJson, Reasoning, ReasoningDetail, ResponseFormat, TextPart, Tool, ToolCall, ToolChoice,
    ToolMessage, UrlCitation,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Stores a value, and checks that it is read back as it was.
#[track_caller]
fn stored<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> String {
    let json = serde_json::to_string(value).expect("it can be written");
    let read: T = serde_json::from_str(&json).expect(&json);
    assert_eq!(&read, value, "{json}");
    assert_eq!(serde_json::to_string(&read).expect("it can be written"), json, "written again");
    // A value respells raw JSON, and can be read all the same.
    let value: Value = serde_json::from_str(&json).expect("JSON");
    let by_value: T = serde_json::from_value(value.clone()).expect(&json);
    assert_eq!(serde_json::to_value(&by_value).expect("it can be written"), value);
    json
}

/// JSON whose spelling must survive.
fn raw() -> RawJson {
    r#"{"z": 1.50, "a": [null, "\u00e9"]}"#.parse().expect("JSON")
}

fn other() -> ProviderJson {
    ProviderJson::new("openrouter", raw())
}

fn marked(part: Part) -> Part {
    part.cached(CacheMark::ttl("1h"))
}

/// A part of every kind.
fn parts() -> Vec<Part> {
    let mut text = TextPart::default();
    (text.text, text.cache_breakpoint) = ("Look:".to_owned(), Some(CacheBreakpoint::ttl("12h")));
    vec![
        Part::text("plain"),
        marked(Part::text("cached")),
        Part::Text(text),
        TextPart::new("Here:").cache_breakpoint(CacheBreakpoint::default()).into(),
        Part::image_url("https://example.com/a.png"),
        marked(Part::image_url("data:image/png;base64,AAAA").detail("low")),
        marked(Part::audio_as("pcm16", [1, 2, 3]).expect("a sound")),
        marked(Part::file_url("a.pdf", "https://example.com/a.pdf")),
        Part::file_id("file-1"),
        Part::File(FilePart::default()),
        marked(Part::video_url("https://example.com/a.mp4").processing("static")),
        Part::Other(other()),
    ]
}

/// An answer with everything that an answer can have.
fn turn() -> AssistantMessage {
    let mut turn = AssistantMessage::default();
    turn.text = "Hi".to_owned();
    turn.parts = parts();
    turn.reasoning = Some("hm".to_owned());
    let mut thought = ReasoningDetail::new();
    thought.set("type", DetailValue::Text("reasoning.text".to_owned()));
    thought.set("text", DetailValue::Text("hm".to_owned()));
    thought.set("signature", DetailValue::Json(RawJson::default()));
    thought.set("index", DetailValue::Json(RawJson::from_checked("0")));
    turn.reasoning_details = Some(vec![thought, ReasoningDetail::new()]);
    let mut call = ToolCall::new("call_1", "f", r#"{"city":"#);
    call.received_id = Some("0".to_owned());
    call.extra.insert("extra_content", raw());
    turn.tool_calls = vec![call, ToolCall::new("call_2", "g", "")];
    turn.refusal = Some("no".to_owned());
    turn.annotations = vec![Annotation::from_url_citation(&UrlCitation::new("https://example.com"))];
    turn.images = vec![Image::from_url("data:image/png;base64,AAAA"), Image::new(raw())];
    let mut audio = Audio::default();
    (audio.id, audio.data) = (Some("audio_1".to_owned()), Some("AAAA".to_owned()));
    (audio.transcript, audio.expires_at) = (Some("Hi".to_owned()), Some(1_900_000_000));
    audio.extra.insert("novel", raw());
    turn.audio = Some(audio);
    turn.name = Some("Ada".to_owned());
    turn.model = Some("a/b".to_owned());
    turn.made_by = Some("a/b:nitro".to_owned());
    turn.made_by_provider = Some("acme".to_owned());
    turn.extra.insert("novel", raw());
    turn
}

/// A message of every kind.
fn messages() -> Vec<Message> {
    let mut failed = match Message::tool_error("call_1", "no such city") {
        Message::Tool(failed) => ToolMessage::clone(&failed),
        other => panic!("{other:?}"),
    };
    failed.name = Some("f".to_owned());
    vec![
        Message::system("Be terse."),
        Message::developer(vec![Part::text("Really.")]).named("dev"),
        Message::user(Content::Parts(parts())).named("Ada"),
        Message::user(Content::Parts(Vec::new())),
        turn().into(),
        AssistantMessage::default().into(),
        failed.into(),
        Message::tool("call_2", parts()),
        Message::Other(other()),
    ]
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcmeOptions {
    turbo: bool,
}

impl ProviderOptions for AcmeOptions {
    const PROVIDER: &'static str = "acme";
}

/// A request with every field.
fn request() -> ChatRequest {
    let schema = JsonSchema::new("answer", raw()).strict(false).description("An answer");
    let full = FunctionTool::new("f", "A function").parameters(raw()).strict(true);
    let full = full.cached(CacheMark::default()).eager_input_streaming(false).defer_loading(true);
    let mut request = ChatRequest::new("a/b")
        .tool(full)
        .tool(FunctionTool::default())
        .tool(Tool::Other(other()))
        .tool_choice(ToolChoice::Function("f".to_owned()))
        .parallel_tool_calls(false)
        .response_format(schema)
        .reasoning(Reasoning::effort("novel").exclude().summary("auto").context("all_turns").mode("pro"))
        .temperature(0.1 + 0.2)
        .top_p(0.5)
        .top_k(0)
        .top_a(0.25)
        .min_p(0.0)
        .frequency_penalty(-2.0)
        .presence_penalty(1e-7)
        .repetition_penalty(1.1)
        .seed(i64::MIN)
        .stop(["END", "\n"])
        .max_tokens(u32::MAX)
        .max_completion_tokens(1)
        .logit_bias("50256", -100.0)
        .logprobs(true)
        .top_logprobs(3)
        .verbosity("low")
        .prediction(parts())
        .modalities(["text", "audio"])
        .audio(AudioOutput::new("alloy", "pcm16"))
        .service_tier("flex")
        .prompt_cache_key("k")
        .prompt_cache_options(PromptCacheOptions::explicit().ttl("1h"))
        .end_user("u")
        .metadata("team", "a")
        .extra("openrouter", "novel", json!({"z": [1, null]}))
        .options(AcmeOptions { turbo: true })
        .keep_raw()
        .raw_events();
    request.messages = messages().into();
    request
}

#[test]
fn request_with_everything_is_read_back_as_it_was() {
    stored(&request());
    assert_eq!(stored(&ChatRequest::new("a/b")), r#"{"model":"a/b"}"#, "what is absent is not stored");
}

#[test]
fn parts_of_a_request_can_be_stored_alone() {
    stored(&messages());
    stored(&parts());
    stored(&turn());
    stored(&turn().tool_calls);
    stored(&request().tools);
    stored(&other());
    for content in [Content::from("Hi"), Content::from(""), Content::Parts(parts())] {
        stored(&content);
    }
    for choice in [
        ToolChoice::Auto,
        ToolChoice::None,
        ToolChoice::Required,
        ToolChoice::Function("f".to_owned()),
        ToolChoice::Other(other()),
    ] {
        stored(&choice);
    }
    for format in [
        ResponseFormat::Text,
        ResponseFormat::JsonObject,
        JsonSchema::named("n").into(),
        ResponseFormat::json_schema("n", raw()),
        ResponseFormat::Grammar("x".to_owned()),
        ResponseFormat::Python,
        ResponseFormat::Other(other()),
    ] {
        stored(&format);
    }
    for reasoning in [
        Reasoning::effort(Effort::XHigh),
        Reasoning::max_tokens(7),
        Reasoning::enabled(false),
        Reasoning::default(),
    ] {
        stored(&reasoning);
    }
    let mut no_thoughts = AssistantMessage::default();
    no_thoughts.reasoning_details = Some(Vec::new());
    assert_eq!(stored(&no_thoughts), r#"{"text":"","reasoning_details":[]}"#);
}

#[test]
fn stored_form_is_tagged_by_role_and_type() {
    let json = json!({
        "model": "a/b",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image", "url": "u"}]},
            {"role": "assistant", "text": "", "made_by": "a/b",
                "tool_calls": [{"id": "call_1", "name": "f", "arguments": "{}"}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "out of order", "is_error": true},
            {"role": "other", "provider": "openrouter", "json": {"role": "critic"}},
        ],
        "tools": [{"type": "function", "name": "f"}],
        "tool_choice": {"type": "function", "name": "f"},
        "response_format": {"type": "json_schema", "name": "n"},
        "reasoning": {"budget": {"effort": "low"}},
        "extra": {"openrouter": {"novel": 1}},
        "options": {"acme": {"turbo": true}},
    });
    let request: ChatRequest = serde_json::from_value(json.clone()).expect("a request");
    assert_eq!(serde_json::to_value(&request).expect("it can be written"), json);
}

#[test]
fn number_that_json_lacks_is_stored_as_absent() {
    let mut request = ChatRequest::new("m").user("Hi").temperature(f64::NAN);
    for (token, bias) in [("1", f64::NAN), ("2", f64::INFINITY), ("3", 1.0)] {
        request = request.logit_bias(token, bias);
    }
    let stored = serde_json::to_string(&request).unwrap();
    let read: ChatRequest = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, ChatRequest::new("m").user("Hi").logit_bias("3", 1.0), "{stored}");
}

#[test]
fn unknown_fields_are_passed_over_and_unknown_kinds_are_refused() {
    let newer = r#"{"model":"a/b","novel":1,"messages":[{"novel":2,"role":"user","content":"Hi"}]}"#;
    let read: ChatRequest = serde_json::from_str(newer).expect("a request of a newer version");
    assert_eq!(read, ChatRequest::new("a/b").user("Hi"));
    for (json, words) in [
        (r#"{"messages":[{"role":"critic","content":"Hm"}]}"#, r#"unknown role "critic", expected one of"#),
        (r#"{"messages":[{"content":"Hm"}]}"#, "missing field `role`"),
        (r#"{"messages":[{"role":"user"}]}"#, "missing field `content`"),
        (r#"{"messages":[{"role":"user","content":[{"type":"smell"}]}]}"#, r#"unknown type "smell""#),
        (r#"{"tools":[7]}"#, "expected a map"),
        (r#"{"tool_choice":{"type":"function"}}"#, "missing field `name`"),
        (r#"{"messages":[{"role":"user","content":7}]}"#, "a text or a list of parts"),
    ] {
        let error = serde_json::from_str::<ChatRequest>(json).expect_err(json).to_string();
        assert!(error.contains(words), "{json}: {error}");
    }
}

#[test]
fn options_stay_json_until_their_provider_asks() {
    let text = r#"{"model":"a/b","options":{"acme":{"turbo": true},"other":{"z":1.50}}}"#;
    let read: ChatRequest = serde_json::from_str(text).expect("a request");
    assert_eq!(read.options.providers().collect::<Vec<_>>(), ["acme", "other"]);
    let again: Value = serde_json::to_value(&read).expect("it can be written");
    assert_eq!(
        again,
        serde_json::from_str::<Value>(text).expect("JSON"),
        "nobody asked, and all of it is there"
    );
    let options = read.options.get::<AcmeOptions>().expect("they fit");
    assert!(options.turbo && std::ptr::eq(options, read.options.get().expect("they fit")), "read once");
    assert_eq!(read.options.problem::<AcmeOptions>(), None);

    let mut changed = read.clone();
    assert_eq!(changed.options.remove(), Some(AcmeOptions { turbo: true }));
    assert_eq!((changed.options.get::<AcmeOptions>(), changed.options.providers().count()), (None, 1));
    changed.options.set(AcmeOptions { turbo: true });
    assert_eq!(changed, read);
}

#[test]
fn options_that_do_not_fit_are_a_problem_and_not_dropped() {
    for (options, words) in [
        (r#"{"turbo":true,"novel":1}"#, "unknown field `novel`"),
        (r#"{"turbo":"sk-secret"}"#, "line 1"),
        ("null", "line 1"),
    ] {
        let text = format!(r#"{{"model":"a/b","options":{{"acme":{options}}}}}"#);
        let read: ChatRequest = serde_json::from_str(&text).expect("a request");
        assert!(!format!("{read:?}").contains("secret"), "{read:?}");
        assert_eq!(read.options.get::<AcmeOptions>(), None);
        let problem = read.options.problem::<AcmeOptions>().expect(options);
        assert_eq!(problem.field, "options.acme");
        assert!(problem.problem.contains(words) && !problem.problem.contains("secret"), "{problem:?}");
        assert_eq!(serde_json::to_string(&read).expect("it can be written"), text);
    }
}
