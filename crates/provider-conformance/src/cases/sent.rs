//! All that a request asks for is sent, or refused by name; it is never dropped.

use fault_server::Request;
use provider_core::{
    AssistantMessage, AudioOutput, ChatRequest, DetailValue, ErrorKind, Message, Part, PromptCacheOptions,
    Reasoning, ReasoningDetail, ResponseFormat, Tool, ToolCall, ToolChoice,
};
use serde_json::{Value, json};

use crate::trial::{Trial, Verdict, ensure};
use crate::wire::{Hint, Route, SentMessage};

cases! {
    "sent" Llm;
    tool_choice: "stream: sent";
    parallel_tool_calls: "stream: sent";
    response_format: "stream: sent";
    reasoning: "stream: sent";
    temperature: "stream: sent";
    top_p: "stream: sent";
    top_k: "stream: sent";
    top_a: "stream: sent";
    min_p: "stream: sent";
    frequency_penalty: "stream: sent";
    presence_penalty: "stream: sent";
    repetition_penalty: "stream: sent";
    seed: "stream: sent";
    stop: "stream: sent";
    max_tokens: "stream: sent";
    max_completion_tokens: "stream: sent";
    logit_bias: "stream: sent";
    logprobs: "stream: sent";
    top_logprobs: "stream: sent";
    verbosity: "stream: sent";
    prediction: "stream: sent";
    modalities: "stream: sent";
    audio: "stream: sent";
    service_tier: "stream: sent";
    prompt_cache_key: "stream: sent";
    prompt_cache_options: "stream: sent";
    user: "stream: sent";
    metadata: "stream: sent";
    model: "stream: sent";
    text: "stream: sent";
    system: "stream: sent";
    developer: "stream: sent";
    assistant: "stream: sent";
    conversation: "stream: sent";
    name: "stream: sent";
    tools: "stream: sent";
    tool_result: "stream: sent";
    empty_tool_result: "stream: sent";
    image: "stream: sent";
    media: "stream: sent";
    extra: "stream: sent";
    zero: "stream: sent";
    not_finite: "stream: sent";
    nothing_added: "all: once";
    foreign_extra: "stream: sent";
    foreign_thoughts: "stream: sent";
    own_thoughts: "stream: sent";
}

/// Makes a case of each parameter.
macro_rules! parameters {
    ($($name:ident)*) => {
        $(async fn $name(trial: &Trial<'_>) -> Result<(), Verdict> {
            parameter(trial, stringify!($name)).await
        })*
    };
}

parameters! {
    tool_choice parallel_tool_calls response_format reasoning temperature top_p top_k top_a min_p
    frequency_penalty presence_penalty repetition_penalty seed stop max_tokens max_completion_tokens
    logit_bias logprobs top_logprobs verbosity prediction modalities audio service_tier prompt_cache_key
    prompt_cache_options user metadata
}

/// Requests with one parameter, each with the values to look for in the body. Numbers are such that a clamp,
/// a detour through `f32` or a missing digit shows.
fn marked(request: ChatRequest, name: &str) -> Vec<(ChatRequest, Vec<Value>)> {
    let with_tools = || request.clone().tool(marker_tool());
    let one = |request: ChatRequest, marker: Value| vec![(request, vec![marker])];
    match name {
        "tool_choice" => {
            let named = with_tools().tool_choice(ToolChoice::Function("marker_tool".to_owned()));
            let required = with_tools().tool_choice(ToolChoice::Required);
            vec![(named, vec![json!("marker_tool")]), (required, vec![json!("required")])]
        }
        "parallel_tool_calls" => one(with_tools().parallel_tool_calls(false), json!(false)),
        "response_format" => {
            let schema = json!({"type": "object", "description": "marker-schema"});
            let of_schema = request.clone().response_format(ResponseFormat::json_schema("marker", schema));
            let of_any = request.response_format(ResponseFormat::JsonObject);
            vec![(of_any, vec![json!("json_object")]), (of_schema, vec![json!("marker-schema")])]
        }
        "reasoning" => one(request.reasoning(Reasoning::effort("high")), json!("high")),
        "temperature" => one(request.temperature(0.1), json!(0.1)),
        "top_p" => one(request.top_p(0.7), json!(0.7)),
        "top_k" => one(request.top_k(37), json!(37)),
        "top_a" => one(request.top_a(0.3), json!(0.3)),
        "min_p" => one(request.min_p(0.05), json!(0.05)),
        "frequency_penalty" => one(request.frequency_penalty(-0.7), json!(-0.7)),
        "presence_penalty" => one(request.presence_penalty(1.3), json!(1.3)),
        "repetition_penalty" => one(request.repetition_penalty(1.1), json!(1.1)),
        "seed" => one(request.seed(i64::MAX), json!(i64::MAX)),
        "stop" => {
            let markers = ["marker-stop", "marker-halt"];
            vec![(request.stop(markers), markers.map(Value::from).to_vec())]
        }
        "max_tokens" => one(request.max_tokens(100_000), json!(100_000)),
        "max_completion_tokens" => one(request.max_completion_tokens(100_001), json!(100_001)),
        "logit_bias" => {
            vec![(request.logit_bias("42", 7.0).logit_bias("43", -8.0), vec![json!(7), json!(-8)])]
        }
        "logprobs" => one(request.logprobs(true), json!(true)),
        "top_logprobs" => one(request.logprobs(true).top_logprobs(5), json!(5)),
        "verbosity" => one(request.verbosity("low"), json!("low")),
        "prediction" => one(request.prediction("marker-prediction"), json!("marker-prediction")),
        "modalities" => {
            vec![(request.modalities(["text", "image"]), vec![json!("text"), json!("image")])]
        }
        "audio" => {
            let request = request.modalities(["text", "audio"]);
            one(request.audio(AudioOutput::new("marker-voice", "pcm16")), json!("marker-voice"))
        }
        "service_tier" => one(request.service_tier("flex"), json!("flex")),
        "prompt_cache_key" => one(request.prompt_cache_key("marker-cache"), json!("marker-cache")),
        "prompt_cache_options" => {
            one(request.prompt_cache_options(PromptCacheOptions::explicit()), json!("explicit"))
        }
        "user" => one(request.end_user("marker-user"), json!("marker-user")),
        "metadata" => {
            let request = request.metadata("marker", "marker-label").metadata("other", "marker-other");
            vec![(request, vec![json!("marker-label"), json!("marker-other")])]
        }
        _ => Vec::new(),
    }
}

fn marker_tool() -> Tool {
    let schema = json!({
        "type": "object", "properties": {"q": {"type": "string", "description": "marker-property"}},
    });
    Tool::function("marker_tool", "marker-description", schema)
}

async fn parameter(trial: &Trial<'_>, name: &str) -> Result<(), Verdict> {
    let requests = marked(trial.request(), name);
    ensure!(!requests.is_empty(), "the kit has no request with {name}");
    for (request, markers) in requests {
        sent_or_refused(trial, &request, name, &markers).await?;
    }
    Ok(())
}

/// Checks that a request is sent with all markers at the places of the parameter, or refused by its name.
async fn sent_or_refused(
    trial: &Trial<'_>,
    request: &ChatRequest,
    name: &str,
    markers: &[Value],
) -> Result<(), Verdict> {
    for (way, body) in bodies(trial, request, name).await? {
        placed(trial, way, &body, name, markers)?;
    }
    Ok(())
}

/// Checks that a body has all markers at the places of a parameter.
fn placed(trial: &Trial<'_>, way: &str, body: &Value, name: &str, markers: &[Value]) -> Result<(), Verdict> {
    for marker in markers {
        let places = trial.kit.places(name, marker);
        let is_sent = places
            .iter()
            .any(|(place, value)| body.pointer(place).is_some_and(|below| contains(below, value)));
        ensure!(is_sent, "{way}: {name} was dropped: {marker} is at none of {places:?} in {body}");
    }
    Ok(())
}

/// The bodies that a request is sent with, streamed and whole. None where it is refused by this name.
async fn bodies(
    trial: &Trial<'_>,
    request: &ChatRequest,
    name: &str,
) -> Result<Vec<(&'static str, Value)>, Verdict> {
    let mut bodies = Vec::new();
    for is_streamed in [true, false] {
        let stage = trial.plain_stage().await?;
        let way = if is_streamed { "streamed" } else { "whole" };
        let outcome = match is_streamed {
            true => stage.read(request).await.outcome,
            false => stage.provider.chat(request).await,
        };
        match (outcome, stage.asked(Route::Chat).first()) {
            (_, Some(asked)) => bodies.push((way, body(asked))),
            (Ok(_), None) => return Err(Verdict::Broken(format!("{way}: an answer without a request"))),
            (Err(error), None) => {
                let is_kind = matches!(
                    error.kind(),
                    ErrorKind::InvalidRequest | ErrorKind::Unsupported | ErrorKind::UnsupportedFeature
                );
                let is_named = error.message().contains(name)
                    || error.fields().iter().any(|field| field.field.contains(name));
                let whose = if name.is_empty() { "a request that every service takes" } else { name };
                ensure!(
                    is_kind && is_named && !name.is_empty(),
                    "{way}: refused, but not by the name of {whose}: {error} {:?}; {}",
                    error.fields(),
                    trial.log.shown()
                );
            }
        }
    }
    Ok(bodies)
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

/// Whether a value is, or has somewhere below it, this one. A text may be a part of a longer one.
fn contains(value: &Value, marker: &Value) -> bool {
    match (value, marker) {
        (Value::Array(items), _) => items.iter().any(|item| contains(item, marker)),
        (Value::Object(fields), _) => fields.values().any(|field| contains(field, marker)),
        (Value::String(text), Value::String(marker)) => text.contains(&**marker),
        (Value::Number(one), Value::Number(other)) => {
            // 7 and 7.0 are the same number. A large one is the same only if no digit was rounded away.
            let is_small = other.as_f64().is_some_and(|number| number.abs() < 1e15);
            one == other || is_small && one.as_f64() == other.as_f64()
        }
        _ => value == marker,
    }
}

async fn model(trial: &Trial<'_>) -> Result<(), Verdict> {
    const ID: &str = "Acme/Modèle-1:free@2";
    let mut request = trial.request();
    request.model = ID.to_owned();
    for (way, body) in bodies(trial, &request, "model").await? {
        let places = trial.kit.places("model", &json!(ID));
        let is_sent = places.iter().any(|(place, id)| body.pointer(place) == Some(id));
        let places: Vec<&str> = places.iter().map(|(place, _)| &**place).collect();
        ensure!(is_sent, "{way}: the model {ID:?} is at none of {places:?} in {body} (see `Wire::places`)");
    }
    Ok(())
}

async fn text(trial: &Trial<'_>) -> Result<(), Verdict> {
    const TEXT: &str = " \"marker\" \\ \n\r\n\t✓ 🦀 <b>\u{1}\u{7f} ";
    let request = trial.blank().user(TEXT);
    sent_or_refused(trial, &request, "messages", &[json!(TEXT)]).await
}

async fn system(trial: &Trial<'_>) -> Result<(), Verdict> {
    let request = trial.blank().system("marker-system").user("Hello");
    sent_or_refused(trial, &request, "messages", &[json!("marker-system")]).await
}

async fn developer(trial: &Trial<'_>) -> Result<(), Verdict> {
    let request = trial.blank().message(Message::developer("marker-developer")).user("Hello");
    sent_or_refused(trial, &request, "messages", &[json!("marker-developer")]).await
}

async fn assistant(trial: &Trial<'_>) -> Result<(), Verdict> {
    let request = trial.request().assistant("marker-assistant").user("Go on");
    sent_or_refused(trial, &request, "messages", &[json!("marker-assistant")]).await
}

/// The messages of a body. Skips the case if the wire has none.
fn messages(trial: &Trial<'_>, body: &Value) -> Result<Vec<SentMessage>, Verdict> {
    let skip = || Verdict::Skip("the wire does not tell messages apart".to_owned());
    trial.kit.wire.messages(body).ok_or_else(skip)
}

fn roles_and_texts(messages: &[SentMessage]) -> Vec<(&str, &str)> {
    messages.iter().map(|message| (&*message.role, &*message.text)).collect()
}

async fn conversation(trial: &Trial<'_>) -> Result<(), Verdict> {
    let wanted = [
        ("system", "marker-system"),
        ("user", "marker-question"),
        ("assistant", "marker-answer"),
        ("user", "marker-again"),
    ];
    let [(_, system), (_, question), (_, answer), (_, again)] = wanted;
    let request = trial.blank().system(system).user(question).assistant(answer).user(again);
    for (way, body) in bodies(trial, &request, "messages").await? {
        let sent = messages(trial, &body)?;
        ensure!(roles_and_texts(&sent) == wanted, "{way}: sent {:?}, not {wanted:?}", roles_and_texts(&sent));
    }
    Ok(())
}

/// Skips the case if the wire has no place for a hint: then a provider may leave it out.
fn needs(trial: &Trial<'_>, hint: Hint) -> Result<(), Verdict> {
    let has_place = trial.kit.wire.carries(hint);
    if has_place { Ok(()) } else { Err(Verdict::Skip(format!("messages on the wire carry no {hint:?}"))) }
}

async fn name(trial: &Trial<'_>) -> Result<(), Verdict> {
    needs(trial, Hint::Name)?;
    let request = trial.blank().message(Message::user("Hello").named("marker-speaker"));
    sent_or_refused(trial, &request, "messages", &[json!("marker-speaker")]).await
}

async fn tools(trial: &Trial<'_>) -> Result<(), Verdict> {
    let schema = json!({"type": "object", "properties": {}});
    let request = trial.request().tool(marker_tool()).tool(Tool::function("marker_second", "Second", schema));
    let markers = ["marker_tool", "marker-description", "marker-property", "marker_second"].map(Value::from);
    sent_or_refused(trial, &request, "tools", &markers).await
}

/// Two calls with words beside them, and arguments whose spelling has to stay.
fn calling() -> AssistantMessage {
    let mut calling = AssistantMessage::default();
    calling.text = "marker-words".to_owned();
    calling.tool_calls.push(ToolCall::new(
        "call_a",
        "marker_tool",
        "{ \"q\": \"marker-argument\", \"n\": 1.0 }",
    ));
    calling.tool_calls.push(ToolCall::new("call_b", "marker_tool", "{}"));
    calling
}

async fn tool_result(trial: &Trial<'_>) -> Result<(), Verdict> {
    let calling = calling();
    let wanted = [("call_a", "marker-first"), ("call_b", "marker-second")];
    let request = wanted
        .iter()
        .fold(trial.request().tool(marker_tool()).message(calling.clone()), |request, (id, result)| {
            request.tool_result(*id, *result)
        });
    let markers = ["marker-argument", "marker_tool", "marker-first", "marker-second"].map(Value::from);
    for (way, body) in bodies(trial, &request, "messages").await? {
        placed(trial, way, &body, "messages", &markers)?;
        let sent = messages(trial, &body)?;
        let has_ids = sent.iter().any(|message| message.call_id.is_some());
        let results: Vec<(&str, &str)> = sent
            .iter()
            .filter(|message| message.role == "tool")
            .zip(wanted)
            .map(|(message, (id, _))| {
                (message.call_id.as_deref().unwrap_or(if has_ids { "" } else { id }), &*message.text)
            })
            .collect();
        ensure!(results == wanted, "{way}: the results are {results:?}, not {wanted:?}");
        let Some(answer) = sent.iter().find(|message| !message.calls.is_empty()) else {
            return Err(Verdict::Broken(format!("{way}: no calls beside their results: {body}")));
        };
        ensure!(answer.text == calling.text, "{way}: the text beside calls is {:?}", answer.text);
        let is_same = answer.calls.len() == calling.tool_calls.len()
            && answer.calls.iter().zip(&calling.tool_calls).all(|(sent, call)| {
                let is_arguments = match &sent.arguments {
                    Value::String(text) => *text == *call.arguments,
                    json => serde_json::from_str::<Value>(&call.arguments).is_ok_and(|call| call == *json),
                };
                is_arguments && (!has_ids || *sent.id == *call.id) && *sent.name == *call.name
            });
        ensure!(is_same, "{way}: the calls became {:?}", answer.calls);
    }
    Ok(())
}

async fn empty_tool_result(trial: &Trial<'_>) -> Result<(), Verdict> {
    let mut calling = AssistantMessage::default();
    calling.tool_calls.push(ToolCall::new("call_a", "marker_tool", "{}"));
    let request = trial.request().tool(marker_tool()).message(calling).tool_result("call_a", "");
    for (way, body) in bodies(trial, &request, "messages").await? {
        let sent = messages(trial, &body)?;
        let is_sent = sent.len() == 3 && sent[2].role == "tool" && sent[2].text.is_empty();
        ensure!(is_sent, "{way}: an empty result was dropped: {:?}", roles_and_texts(&sent));
    }
    Ok(())
}

async fn image(trial: &Trial<'_>) -> Result<(), Verdict> {
    const DATA: [&str; 2] = ["iVBORw0KGgoAAAANSUhEUg==", "iVBORw0KGgoAAAANSUhEUh=="];
    let images = DATA.map(|data| Part::image_url(format!("data:image/png;base64,{data}")));
    let request = trial.blank().user([vec![Part::text("Look")], images.to_vec()].concat());
    sent_or_refused(trial, &request, "messages", &DATA.map(Value::from)).await
}

async fn media(trial: &Trial<'_>) -> Result<(), Verdict> {
    const FILE: &str = "https://marker.example/marker.pdf";
    const VIDEO: &str = "https://marker.example/marker.mp4";
    /// In base64.
    const AUDIO: &str = "bWFya2VyLWF1ZGlv";
    let audio = Part::audio_as("wav", b"marker-audio").map_err(|error| Verdict::Broken(error.to_string()))?;
    let parts = [(Part::file_url("marker.pdf", FILE), FILE), (audio, AUDIO), (Part::video_url(VIDEO), VIDEO)];
    for (part, marker) in parts {
        let request = trial.blank().user(vec![Part::text("Look"), part]);
        sent_or_refused(trial, &request, "messages", &[json!(marker)]).await?;
    }
    Ok(())
}

async fn extra(trial: &Trial<'_>) -> Result<(), Verdict> {
    let id = trial.plain_stage().await?.provider.descriptor().id;
    let request = trial.request().extra(id, "conformance_marker", "marker-extra");
    for (way, body) in bodies(trial, &request, "conformance_marker").await? {
        let is_sent = contains(&body, &json!("marker-extra"));
        ensure!(is_sent, "{way}: a parameter of the provider's own was dropped: {body}");
    }
    Ok(())
}

async fn zero(trial: &Trial<'_>) -> Result<(), Verdict> {
    let request = trial.request();
    for (name, request) in [
        ("temperature", request.clone().temperature(0.0)),
        ("seed", request.clone().seed(0)),
        ("frequency_penalty", request.clone().frequency_penalty(0.0)),
    ] {
        sent_or_refused(trial, &request, name, &[json!(0)]).await?;
    }
    Ok(())
}

async fn not_finite(trial: &Trial<'_>) -> Result<(), Verdict> {
    for number in [f64::NAN, f64::INFINITY] {
        let request = trial.request().temperature(number);
        let sent = bodies(trial, &request, "temperature").await?;
        ensure!(sent.is_empty(), "a temperature of {number} was sent: {}", sent[0].1);
    }
    Ok(())
}

async fn nothing_added(trial: &Trial<'_>) -> Result<(), Verdict> {
    let request = trial.request();
    let is_asked = |name: &str| request.parameters().any(|parameter| parameter.name == name);
    for (way, body) in bodies(trial, &request, "").await? {
        for name in ChatRequest::PARAMETERS.iter().filter(|name| !is_asked(name)) {
            for (place, _) in trial.kit.places(name, &Value::Null) {
                let added = body.pointer(&place);
                ensure!(added.is_none(), "{way}: {name} was added: {body}");
            }
        }
        if let (Some(known), Some(fields)) = (trial.kit.wire.always_sent(), body.as_object()) {
            let added = fields.keys().find(|field| !known.contains(&&***field));
            ensure!(added.is_none(), "{way}: {added:?} was added: {body}");
        }
        if let Some(sent) = trial.kit.wire.messages(&body) {
            let sent = roles_and_texts(&sent);
            ensure!(sent == [("user", "Hello")], "{way}: a request with one message was sent as {sent:?}");
        }
    }
    Ok(())
}

async fn foreign_extra(trial: &Trial<'_>) -> Result<(), Verdict> {
    let request = trial.request().extra("another-provider", "marker_foreign", "marker-foreign");
    for (way, body) in bodies(trial, &request, "marker_foreign").await? {
        let is_sent = body.to_string().contains("marker_foreign");
        ensure!(!is_sent, "{way}: a parameter of another provider was sent: {body}");
    }
    Ok(())
}

/// A conversation with an answer that had thoughts: one of this model, or of another one.
async fn thoughtful(trial: &Trial<'_>, is_own: bool) -> Result<ChatRequest, Verdict> {
    let mut thought = ReasoningDetail::new();
    for (name, value) in
        [("type", "reasoning.text"), ("text", "marker-thought"), ("signature", "marker-mark")]
    {
        thought.set(name, DetailValue::Text(value.to_owned()));
    }
    let model = if is_own { &*trial.kit.model } else { "another/model" };
    let mut message = AssistantMessage::default();
    message.text = "Hello yourself".to_owned();
    message.reasoning_details = Some(vec![thought]);
    message.model = Some(model.to_owned());
    message.made_by = Some(model.to_owned());
    if is_own {
        let provider = trial.plain_stage().await?.provider.descriptor().id;
        message.made_by_provider = Some(provider.to_owned());
    }
    Ok(trial.request().message(message).user("Go on"))
}

async fn foreign_thoughts(trial: &Trial<'_>) -> Result<(), Verdict> {
    let request = thoughtful(trial, false).await?;
    for (way, body) in bodies(trial, &request, "messages").await? {
        let text = body.to_string();
        let is_sent = text.contains("marker-thought") || text.contains("marker-mark");
        ensure!(!is_sent, "{way}: the thoughts of another model were sent: {body}");
    }
    Ok(())
}

async fn own_thoughts(trial: &Trial<'_>) -> Result<(), Verdict> {
    needs(trial, Hint::Thoughts)?;
    let request = thoughtful(trial, true).await?;
    sent_or_refused(trial, &request, "messages", &[json!("marker-thought"), json!("marker-mark")]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_a_case_and_a_marker() {
        for name in ChatRequest::PARAMETERS {
            assert!(CASES.iter().any(|case| case.name == format!("sent: {name}")), "{name}");
            let requests = marked(ChatRequest::new("m"), name);
            assert!(!requests.is_empty(), "{name}");
            for (request, _) in requests {
                assert!(request.parameters().any(|parameter| parameter.name == *name), "{name}");
            }
        }
    }
}
