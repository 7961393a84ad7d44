//! All that a request asks for is sent, or refused by name; it is never dropped.

use fault_server::Request;
use provider_core::{
    AssistantMessage, AudioOutput, ChatRequest, DetailValue, ErrorKind, Message, Part, PromptCacheOptions,
    Reasoning, ReasoningDetail, ResponseFormat, Tool, ToolCall, ToolChoice,
};
use serde_json::{Value, json};

use crate::trial::{Trial, Verdict, ensure};
use crate::wire::Route;

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
    tools: "stream: sent";
    tool_result: "stream: sent";
    image: "stream: sent";
    extra: "stream: sent";
    zero: "stream: sent";
    not_finite: "stream: sent";
    nothing_added: "all: once";
    foreign_extra: "stream: sent";
    foreign_thoughts: "stream: sent";
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

/// A request with one parameter, and the value to look for in the body.
fn marked(request: ChatRequest, name: &str) -> Option<(ChatRequest, Value)> {
    Some(match name {
        "tool_choice" => {
            let choice = ToolChoice::Function("marker_tool".to_owned());
            (request.tool(marker_tool()).tool_choice(choice), json!("marker_tool"))
        }
        "parallel_tool_calls" => (request.tool(marker_tool()).parallel_tool_calls(false), json!(false)),
        "response_format" => (request.response_format(ResponseFormat::JsonObject), json!("json_object")),
        "reasoning" => (request.reasoning(Reasoning::effort("high")), json!("high")),
        "temperature" => (request.temperature(0.375), json!(0.375)),
        "top_p" => (request.top_p(0.625), json!(0.625)),
        "top_k" => (request.top_k(37), json!(37)),
        "top_a" => (request.top_a(0.125), json!(0.125)),
        "min_p" => (request.min_p(0.0625), json!(0.0625)),
        "frequency_penalty" => (request.frequency_penalty(-0.75), json!(-0.75)),
        "presence_penalty" => (request.presence_penalty(1.25), json!(1.25)),
        "repetition_penalty" => (request.repetition_penalty(1.5), json!(1.5)),
        "seed" => (request.seed(i64::MAX), json!(i64::MAX)),
        "stop" => (request.stop(["marker-stop"]), json!("marker-stop")),
        "max_tokens" => (request.max_tokens(321), json!(321)),
        "max_completion_tokens" => (request.max_completion_tokens(322), json!(322)),
        "logit_bias" => (request.logit_bias("42", 7.0), json!(7)),
        "logprobs" => (request.logprobs(true), json!(true)),
        "top_logprobs" => (request.logprobs(true).top_logprobs(5), json!(5)),
        "verbosity" => (request.verbosity("low"), json!("low")),
        "prediction" => (request.prediction("marker-prediction"), json!("marker-prediction")),
        "modalities" => (request.modalities(["text", "image"]), json!("image")),
        "audio" => {
            let request = request.modalities(["text", "audio"]);
            (request.audio(AudioOutput::new("marker-voice", "pcm16")), json!("marker-voice"))
        }
        "service_tier" => (request.service_tier("flex"), json!("flex")),
        "prompt_cache_key" => (request.prompt_cache_key("marker-cache"), json!("marker-cache")),
        "prompt_cache_options" => {
            (request.prompt_cache_options(PromptCacheOptions::explicit()), json!("explicit"))
        }
        "user" => (request.end_user("marker-user"), json!("marker-user")),
        "metadata" => (request.metadata("marker", "marker-label"), json!("marker-label")),
        _ => return None,
    })
}

fn marker_tool() -> Tool {
    Tool::function("marker_tool", "marker-description", json!({"type": "object", "properties": {}}))
}

async fn parameter(trial: &Trial<'_>, name: &str) -> Result<(), Verdict> {
    let Some((request, marker)) = marked(trial.request(), name) else {
        return Err(Verdict::Broken(format!("the kit has no request with {name}")));
    };
    sent_or_refused(trial, &request, name, &[marker]).await
}

/// Checks that a request is sent with all markers at the places of the parameter, or refused by its name.
async fn sent_or_refused(
    trial: &Trial<'_>,
    request: &ChatRequest,
    name: &str,
    markers: &[Value],
) -> Result<(), Verdict> {
    for (way, body) in bodies(trial, request, name).await? {
        for marker in markers {
            let places = trial.kit.wire.places(name, marker);
            let is_sent = places
                .iter()
                .any(|(place, value)| body.pointer(place).is_some_and(|below| contains(below, value)));
            ensure!(is_sent, "{way}: {name} was dropped: {marker} is at none of {places:?} in {body}");
        }
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
                ensure!(
                    is_kind && is_named,
                    "{way}: refused, but not by the name {name}: {error} {:?}",
                    error.fields()
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
        ensure!(body["model"] == ID, "{way}: the model {ID:?} was sent as {}", body["model"]);
    }
    Ok(())
}

async fn text(trial: &Trial<'_>) -> Result<(), Verdict> {
    const TEXT: &str = " \"marker\" \\ \n\t✓ 🦀 <b>\u{1}\u{7f} ";
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

async fn tools(trial: &Trial<'_>) -> Result<(), Verdict> {
    let request = trial.request().tool(marker_tool());
    sent_or_refused(trial, &request, "tools", &[json!("marker_tool"), json!("marker-description")]).await
}

async fn tool_result(trial: &Trial<'_>) -> Result<(), Verdict> {
    let mut call = AssistantMessage::default();
    call.tool_calls.push(ToolCall::new("call_a", "marker_tool", "{\"q\":\"marker-argument\"}"));
    let request = trial.request().tool(marker_tool()).message(call).tool_result("call_a", "marker-result");
    let markers = [json!("marker-argument"), json!("marker_tool"), json!("marker-result")];
    sent_or_refused(trial, &request, "messages", &markers).await
}

async fn image(trial: &Trial<'_>) -> Result<(), Verdict> {
    const DATA: &str = "iVBORw0KGgoAAAANSUhEUg==";
    let image = Part::image_url(format!("data:image/png;base64,{DATA}"));
    let request = trial.blank().user(vec![Part::text("Look"), image]);
    sent_or_refused(trial, &request, "messages", &[json!(DATA)]).await
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
    let request = trial.request().temperature(0.0);
    sent_or_refused(trial, &request, "temperature", &[json!(0.0)]).await
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
            for (place, _) in trial.kit.wire.places(name, &Value::Null) {
                let added = body.pointer(&place);
                ensure!(added.is_none(), "{way}: {name} was added: {body}");
            }
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

async fn foreign_thoughts(trial: &Trial<'_>) -> Result<(), Verdict> {
    let mut thought = ReasoningDetail::new();
    for (name, value) in
        [("type", "reasoning.text"), ("text", "marker-thought"), ("signature", "marker-mark")]
    {
        thought.set(name, DetailValue::Text(value.to_owned()));
    }
    let mut message = AssistantMessage::default();
    message.text = "Hello yourself".to_owned();
    message.reasoning_details = Some(vec![thought]);
    message.model = Some("another/model".to_owned());
    message.made_by = Some("another/model".to_owned());
    let request = trial.request().message(message).user("Go on");
    for (way, body) in bodies(trial, &request, "messages").await? {
        let text = body.to_string();
        let is_sent = text.contains("marker-thought") || text.contains("marker-mark");
        ensure!(!is_sent, "{way}: the thoughts of another model were sent: {body}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_a_case_and_a_marker() {
        for name in ChatRequest::PARAMETERS {
            assert!(CASES.iter().any(|case| case.name == format!("sent: {name}")), "{name}");
            let (request, _) = marked(ChatRequest::new("m"), name).expect(name);
            assert!(request.parameters().any(|parameter| parameter.name == *name), "{name}");
        }
    }
}
