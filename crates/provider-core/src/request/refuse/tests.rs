use serde_json::json;

use super::refuse_all_but;
use crate::author::ParameterMut;
use crate::{
    AssistantMessage, AudioOutput, ChatRequest, Content, ErrorKind, Image, Message, Part, PromptCacheOptions,
    ProviderJson, Reasoning, ResponseFormat, Tool, ToolCall, ToolChoice,
};

fn refused(request: &ChatRequest, carried: &[&str]) -> Vec<String> {
    match refuse_all_but(request, "acme", carried) {
        Ok(()) => Vec::new(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            error.fields().iter().map(|problem| problem.field.clone()).collect()
        }
    }
}

/// A request with every parameter.
fn full() -> ChatRequest {
    let mut request = ChatRequest::new("m").user("Hi");
    for name in ChatRequest::PARAMETERS {
        match request.parameter_mut(name).expect("a place") {
            ParameterMut::Flag(place) => *place = Some(false),
            ParameterMut::Number(place) => *place = Some(0.0),
            ParameterMut::U8(place) => *place = Some(0),
            ParameterMut::U32(place) => *place = Some(0),
            ParameterMut::I64(place) => *place = Some(0),
            ParameterMut::Text(place) => *place = Some(String::new()),
            ParameterMut::Texts(place) => place.push(String::new()),
            ParameterMut::NumberMap(place) => drop(place.insert("1".to_owned(), 0.0)),
            ParameterMut::TextMap(place) => drop(place.insert("k".to_owned(), String::new())),
            ParameterMut::ToolChoice(place) => *place = Some(ToolChoice::None),
            ParameterMut::ResponseFormat(place) => *place = Some(ResponseFormat::Text),
            ParameterMut::Reasoning(place) => *place = Some(Reasoning::default()),
            ParameterMut::Prediction(place) => *place = Some(Content::from("")),
            ParameterMut::Audio(place) => *place = Some(AudioOutput::new("", "")),
            ParameterMut::PromptCache(place) => *place = Some(PromptCacheOptions::explicit()),
        }
    }
    request
}

#[test]
fn parameters_are_refused_unless_carried_zero_included() {
    assert_eq!(refused(&full(), &[]), ChatRequest::PARAMETERS);
    for carried in ChatRequest::PARAMETERS {
        let others: Vec<&str> =
            ChatRequest::PARAMETERS.iter().copied().filter(|name| name != carried).collect();
        assert_eq!(refused(&full(), &[carried]), others);
    }
    assert_eq!(refused(&full(), ChatRequest::PARAMETERS), [""; 0]);
    assert_eq!(refused(&ChatRequest::new("m").user("Hi").keep_raw().raw_events(), &[]), [""; 0]);
}

#[test]
fn tools_and_extra_are_refused_unless_carried() {
    let request = ChatRequest::new("m").user("Hi").tool(Tool::function("f", "does it", json!({})));
    let request = request.extra("acme", "n", 2).extra("acme", "raw_mode", true).extra("other", "n", 2);
    assert_eq!(refused(&request, &[]), ["tools", "extra.acme.n", "extra.acme.raw_mode"]);
    assert_eq!(refused(&request, &["tools"]), ["extra.acme.n", "extra.acme.raw_mode"]);
    assert_eq!(refused(&request, &["extra"]), ["tools"]);
}

#[test]
fn messages_are_refused_by_role_and_by_part_unless_carried() {
    let answer = AssistantMessage {
        text: "It is".to_owned(),
        tool_calls: vec![ToolCall::default()],
        images: vec![Image::new("{}".parse().unwrap())],
        audio: Some(Default::default()),
        refusal: Some("No.".to_owned()),
        ..AssistantMessage::default()
    };
    let novel = || Part::Other(ProviderJson::new("acme", json!({})));
    let request = ChatRequest::new("m")
        .system("Be terse.")
        .message(Message::developer("Really."))
        .user(vec![Part::text("Look:"), Part::image_url("https://a.example/1.png"), novel()])
        .message(answer)
        .tool_result("c", [novel()])
        .message(Message::Other(ProviderJson::new("acme", json!({}))));
    let roles = ["messages[0]", "messages[1]"];
    let user = ["messages[2].content[1]", "messages[2].content[2]"];
    assert_eq!(
        refused(&request, &[]),
        [&roles[..], &user, &["messages[3]", "messages[4]", "messages[5]"]].concat()
    );
    let answer = ["messages[3].tool_calls", "messages[3].images", "messages[3].audio", "messages[3].refusal"];
    assert_eq!(
        refused(&request, &["system", "developer", "assistant", "tool", "image_url"]),
        [&user[1..], &answer, &["messages[4].content[0]", "messages[5]"]].concat()
    );
    assert!(!refused(&request, &["assistant", "tools"]).contains(&answer[0].to_owned()));
    assert_eq!(refused(&request, &["messages"]), [""; 0]);
}

#[test]
fn json_of_another_provider_is_refused_where_its_kind_is_carried() {
    let other = || ProviderJson::new("other", json!({}));
    let request = ChatRequest::new("m")
        .user([Part::Other(other())])
        .message(Message::Other(other()))
        .tool(Tool::Other(other()))
        .tool_choice(ToolChoice::Other(other()))
        .response_format(ResponseFormat::Other(other()));
    let carried = ["messages", "tools", "tool_choice", "response_format"];
    let fields = ["messages[0].content[0]", "messages[1]", "tools[0]", "tool_choice", "response_format"];
    assert_eq!(refused(&request, &carried), fields);
    assert_eq!(refused(&request, &carried[..1])[..3], ["tools", "tool_choice", "response_format"]);
    let own = ChatRequest::new("m").user("Hi").tool(Tool::Other(ProviderJson::new("acme", json!({}))));
    assert_eq!(refused(&own, &carried), [""; 0]);
}

#[test]
fn refusal_names_the_field_and_the_fix() {
    let error = refuse_all_but(&ChatRequest::new("m").system("Be terse.").top_k(0), "acme", &[]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("messages[0]: is a message of the role `system`, which this provider cannot"),
        "{text}"
    );
    assert!(text.contains("top_k: cannot be sent by this provider; leave it out"), "{text}");
}
