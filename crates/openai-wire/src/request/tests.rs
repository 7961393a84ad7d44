//! The body as text: what a reader of JSON alone would not show.

use provider_core::author::ParameterMut;
use provider_core::{
    AssistantMessage, AudioOutput, ChatRequest, Error, ErrorKind, Message, Part, PromptCacheOptions,
    ProviderJson, RawJson, Reasoning, ResponseFormat, Tool, ToolCall, ToolChoice,
};
use serde_json::{Value, json};

use super::encode;
use crate::conversation::Fields;
use crate::{Dialect, Plain, Problems, WIRE, decode};

/// A provider with a name, and nothing else of its own.
#[derive(Debug)]
struct Acme;

impl Dialect for Acme {
    fn provider(&self) -> &str {
        "acme"
    }
}

/// Returns the body as it is written for Acme.
fn sent(request: &ChatRequest) -> Result<Value, Error> {
    encode(request, false, &Acme).map(|body| serde_json::from_slice(&body).expect("JSON"))
}

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
    let request = full().extra(WIRE, "safe_prompt", true);
    for stream in [false, true] {
        let body = encode(&request, stream, &Plain).expect("a good request");
        let names = names(&body);
        let mut distinct = names.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
}

/// A service that has another name for a parameter, and lacks others.
#[derive(Debug)]
struct Partial;

impl Dialect for Partial {
    fn provider(&self) -> &str {
        "acme"
    }

    fn parameter_name(&self, name: &'static str) -> &'static str {
        if name == "max_tokens" { "max_completion_tokens" } else { name }
    }

    fn validate(&self, request: &ChatRequest, problems: &mut Problems) {
        problems.refuse(request, |name| ["tools", "top_k", "novel", "beam"].contains(&name));
    }
}

#[test]
fn dialect_renames_a_parameter_once_and_refuses_others_by_name() {
    let request = ChatRequest::new("m").user("Hi").max_tokens(5).temperature(0.0);
    let body = encode(&request, false, &Partial).expect("a good request");
    assert_eq!(names(&body), ["model", "messages", "temperature", "max_completion_tokens"]);
    // The new name is taken, and the old one is free.
    let twice = request.clone().extra(WIRE, "max_completion_tokens", 6);
    let error = encode(&twice, false, &Partial).expect_err("set twice");
    assert_eq!(error.fields()[0].field, "extra.openai-chat.max_completion_tokens");

    let refused = request.tool(Tool::function("f", "does it", json!({}))).top_k(1);
    let refused = refused.extra(WIRE, "novel", 1).extra("acme", "beam", 2).extra("other", "beam", 3);
    let error = encode(&refused, false, &Partial).expect_err("refused");
    let fields: Vec<&str> = error.fields().iter().map(|problem| &*problem.field).collect();
    assert_eq!(fields, ["tools", "top_k", "extra.openai-chat.novel", "extra.acme.beam"]);
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

/// Requests with JSON for `provider` in each place that takes some: the place's name, the request, and where
/// the JSON stands in the body.
fn with_json_for(provider: &str) -> Vec<(&'static str, ChatRequest, &'static str)> {
    let other = || ProviderJson::new(provider, json!({"type": "novel"}));
    let hello = || ChatRequest::new("m").user("Hi");
    let parts = || vec![Part::text("See:"), Part::Other(other())];
    let mut continued = AssistantMessage::default();
    continued.parts = parts();
    vec![
        ("messages[1]", hello().message(Message::Other(other())), "/messages/1"),
        ("messages[1].content[1]", hello().user(parts()), "/messages/1/content/1"),
        ("messages[1].content[1]", hello().message(continued), "/messages/1/content/1"),
        ("messages[1].content[1]", hello().tool_result("call_1", parts()), "/messages/1/content/1"),
        ("tools[0]", hello().tool(Tool::Other(other())), "/tools/0"),
        ("tool_choice", hello().tool_choice(ToolChoice::Other(other())), "/tool_choice"),
        ("response_format", hello().response_format(ResponseFormat::Other(other())), "/response_format"),
        ("prediction[1]", hello().prediction(parts()), "/prediction/content/1"),
    ]
}

#[test]
fn json_of_another_provider_is_refused_by_name() {
    for (field, request, _) in with_json_for("openrouter") {
        let error = sent(&request).expect_err(field);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        let [problem] = error.fields() else { panic!("{field}: {error}") };
        assert_eq!(problem.field, field);
        let words = "is for openrouter, and acme cannot send it; ";
        assert!(problem.problem.starts_with(words), "{problem:?}");
        encode(&request, false, &Plain).expect_err("a plain server is not openrouter either");
    }
}

#[test]
fn json_of_its_own_and_of_the_wire_is_sent() {
    for (field, request, place) in ["acme", WIRE].map(with_json_for).concat() {
        let body = sent(&request).expect(field);
        assert_eq!(body.pointer(place), Some(&json!({"type": "novel"})), "{field}: {body}");
    }
}

#[test]
fn extra_parameters_of_another_provider_are_left_out() {
    let request = ChatRequest::new("m")
        .user("Hi")
        .extra("openrouter", "plugins", json!([]))
        .extra("acme", "own", 1)
        .extra(WIRE, "shared", 2);
    let body = sent(&request).expect("a good request");
    let own = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "own": 1, "shared": 2});
    assert_eq!(body, own);
    // Another provider's parameter may have the name of a field.
    assert_eq!(sent(&request.clone().extra("openrouter", "model", "x")).expect("a good request"), own);

    for (request, field) in [
        (request.clone().extra("acme", "model", "x"), "extra.acme.model"),
        (request.clone().extra(WIRE, "messages", 1), "extra.openai-chat.messages"),
        (request.clone().extra("acme", "shared", 3), "extra.acme.shared"),
    ] {
        let error = sent(&request).expect_err(field);
        let fields: Vec<&str> = error.fields().iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, [field], "{error}");
    }
}

#[test]
fn body_read_back_names_its_provider() {
    let body = r#"{"model":"m","messages":[{"role":"critic","content":"Hm"},
        {"role":"user","content":[{"type":"hologram"}]}],"tools":[{"type":"novel"}],
        "tool_choice":{"type":"novel"},"response_format":{"type":"novel"},"novel":1}"#;
    fn names(dialect: &impl Dialect, body: &str) -> Vec<String> {
        let request = decode(body, dialect).expect("a body").request;
        let Some(Message::Other(message)) = request.messages.first() else { panic!("{request:?}") };
        let Some(Message::User(said)) = request.messages.get(1) else { panic!("{request:?}") };
        let provider_core::Content::Parts(parts) = &said.content else { panic!("{request:?}") };
        let Some(Part::Other(part)) = parts.first() else { panic!("{request:?}") };
        let Some(Tool::Other(tool)) = request.tools.first() else { panic!("{request:?}") };
        let Some(ToolChoice::Other(choice)) = &request.tool_choice else { panic!("{request:?}") };
        let Some(ResponseFormat::Other(format)) = &request.response_format else { panic!("{request:?}") };
        let raw = [message, part, tool, choice, format].map(|json| json.provider().to_owned());
        raw.into_iter().chain(request.extra.keys().cloned()).collect()
    }
    assert_eq!(names(&Acme, body), ["acme"; 6]);
    assert_eq!(names(&Plain, body), [WIRE; 6]);
}

#[test]
fn fields_beside_a_function_call_go_back_to_the_model_that_made_it_alone() {
    let signature = || RawJson::from(json!({"google": {"thought_signature": "c2ln"}}));
    let mut function = ToolCall::new("call_1", "f", "{}");
    function.extra.insert("extra_content", signature());
    let mut custom = ToolCall::new("call_2", "", "");
    custom.extra.insert("type", json!("custom").into());
    custom.extra.insert("custom", json!({"name": "g", "input": "x"}).into());
    let mut turn = AssistantMessage::default();
    turn.tool_calls = vec![function, custom];
    let calls = |made_by: Option<&str>| {
        let mut turn = turn.clone();
        turn.made_by = made_by.map(str::to_owned);
        let body = sent(&ChatRequest::new("m").user("Hi").message(turn)).expect("a good request");
        body["messages"][1]["tool_calls"].clone()
    };
    let plain = json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let mut signed = plain.clone();
    signed["extra_content"] = json!({"google": {"thought_signature": "c2ln"}});
    let custom = json!({"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "x"}});
    for (made_by, first) in [(None, &signed), (Some("m"), &signed), (Some("other"), &plain)] {
        assert_eq!(calls(made_by), json!([first, custom]), "made by {made_by:?}");
    }
}

#[test]
fn thoughts_go_back_by_way_of_their_own_provider() {
    let mut turn = AssistantMessage::default();
    (turn.text, turn.reasoning, turn.made_by) =
        ("Hi".to_owned(), Some("hm".to_owned()), Some("m".to_owned()));
    for (provider, has_thoughts) in [(None, true), (Some("acme"), true), (Some("openrouter"), false)] {
        turn.made_by_provider = provider.map(str::to_owned);
        let request = ChatRequest::new("m").user("Hi").message(turn.clone());
        let body = sent(&request).expect("a good request");
        assert_eq!(body["messages"][1]["reasoning"] == json!("hm"), has_thoughts, "{provider:?}");
        // A plain server has no provider to compare.
        let plain = encode(&request, false, &Plain).expect("a good request");
        assert!(String::from_utf8_lossy(&plain).contains("hm"));
    }
}

#[test]
fn error_of_a_tool_is_sent_as_its_content() {
    let request = |result| ChatRequest::new("m").user("Hi").message(result);
    let error = sent(&request(Message::tool_error("call_1", "no such city"))).expect("a good request");
    assert_eq!(error, sent(&request(Message::tool("call_1", "no such city"))).expect("a good request"));
}

/// The full request with another number, if the parameter can hold it.
fn with(name: &str, number: f64) -> Option<ChatRequest> {
    let mut request = full();
    if name == "max_completion_tokens" {
        request.max_tokens = None;
    }
    match request.parameter_mut(name)? {
        ParameterMut::Number(place) => *place = Some(number),
        ParameterMut::U8(place) => *place = Some(u8::try_from(number as i64).ok()?),
        ParameterMut::U32(place) => *place = Some(u32::try_from(number as i64).ok()?),
        ParameterMut::NumberMap(place) => drop(place.insert("50256".to_owned(), number)),
        _ => return None,
    }
    Some(request)
}

#[test]
fn number_is_sent_at_the_ends_of_its_range_and_refused_beyond() {
    let mut ranges = 0;
    for name in ChatRequest::PARAMETERS {
        let Some(request) = with(name, 1.0) else { continue };
        let parameter = request.parameters().find(|parameter| parameter.name == *name).expect("it is set");
        let Some(range) = parameter.range else { continue };
        let (least, most) = range.into_inner();
        ranges += 1;
        for number in [least, most] {
            encode(&with(name, number).expect("it is in the range"), false, &Plain).expect(name);
        }
        for (number, words) in [(least - 1.0, "at least"), (most + 1.0, "at most")] {
            let Some(request) = with(name, number) else { continue };
            let error = encode(&request, false, &Plain).expect_err(name);
            let [problem] = error.fields() else { panic!("{error}") };
            assert!(problem.field == *name || problem.field == format!("{name}.50256"), "{error}");
            assert!(problem.problem.contains(words), "{error}");
        }
    }
    assert!(ranges >= 11, "only {ranges}");
}

#[test]
fn number_that_json_lacks_is_refused_by_name() {
    for number in [f64::NAN, f64::INFINITY] {
        for name in ["temperature", "logit_bias"] {
            let error = encode(&with(name, number).expect("a number"), false, &Plain).expect_err(name);
            assert!(error.fields()[0].problem.contains("NaN"), "{error}");
        }
    }
}
