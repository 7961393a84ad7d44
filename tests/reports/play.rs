//! Plays a case one way through the public API, and puts down what a caller reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openrouter_provider::{FIELDS, OpenRouter, body};
use provider_core::schemars::{self, JsonSchema};
use provider_core::{
    ChatRequest, ChatResponse, ConfigValues, Error, Event, FunctionTool, LlmProvider, LlmProviderExt,
    RetryAdvice, RunOutcome, ToolSet,
};
use provider_layers::{Layer, RetryLayer, RetrySettings};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::case::{Case, Way, fill};

/// The model that is asked where a case names none.
const MODEL: &str = "openai/gpt-4o";
/// The longest that a case may take.
const HANG: Duration = Duration::from_secs(20);

/// Where the server of a case is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) address: String,
    pub(crate) port: String,
}

/// A value to extract an answer into.
#[derive(Debug, Deserialize, JsonSchema, serde::Serialize)]
struct Item {
    item: String,
    count: u32,
}

/// Plays a case one way. `requests`, which only the server knows, are added by its owner.
pub(crate) async fn play(case: &Case, way: Way, place: &Place) -> Value {
    let played = tokio::time::timeout(HANG, play_unbounded(case, way, place));
    played.await.unwrap_or_else(|_| json!({ "outcome": "hang" }))
}

async fn play_unbounded(case: &Case, way: Way, place: &Place) -> Value {
    let client = match client(case, place) {
        Ok(client) => client,
        Err(error) => return failed(&error),
    };
    if way == Way::Connect {
        return json!({ "outcome": "ok" });
    }
    let request = match request(case) {
        Ok(request) => request,
        Err(error) => return failed(&error),
    };
    match way {
        Way::Chat => answered(case, &client, &request, client.chat(&request).await),
        Way::Stream => {
            let (answer, events) = stream(&client, &request).await;
            let mut reading = answered(case, &client, &request, answer);
            reading["events"] = json!(events);
            reading
        }
        Way::Retry => {
            let provider: Arc<dyn LlmProvider> = Arc::new(client.clone());
            let settings = RetrySettings::default();
            let retry = RetryLayer::new(settings).layer(provider);
            answered(case, &client, &request, retry.chat(&request).await)
        }
        Way::ToolLoop => tool_loop(case, &client, &request).await,
        Way::Extract => match client.extract::<Item>(&request).await {
            Ok(extracted) => {
                let mut reading = answered(case, &client, &request, Ok(extracted.response));
                reading["value"] = json!(extracted.value);
                reading
            }
            Err(error) => failed(&error),
        },
        Way::Encode => told(client.body_of(&request).map(|body| json!({ "body": body }))),
        Way::Models => {
            let models = LlmProvider::models(&client).await;
            told(models.map(|catalogue| json!({ "models": catalogue.models })))
        }
        Way::Check => told(client.check().await.map(|report| json!({ "report": format!("{report:?}") }))),
        Way::Endpoints => {
            let endpoints = client.endpoints(&request.model).await;
            told(endpoints.map(|endpoints| json!({ "endpoints": endpoints.endpoints.len() })))
        }
        Way::Connect => json!({ "outcome": "ok" }),
    }
}

fn client(case: &Case, place: &Place) -> Result<OpenRouter, Error> {
    let placeholders =
        [("{url}", place.url.clone()), ("{address}", place.address.clone()), ("{port}", place.port.clone())];
    let given = case.settings.iter().map(|(key, value)| (key.clone(), fill(value, &placeholders)));
    let mut values = ConfigValues::from(given.collect::<BTreeMap<_, _>>());
    if case.env.is_some() {
        values = values.or(ConfigValues::from_env(FIELDS));
    }
    let usual = [("api_key", "sk-or-v1-test".to_owned()), ("base_url", format!("{}/api/v1", place.url))];
    OpenRouter::from_values(values.or(ConfigValues::from(usual)))
}

/// The request of a case, with a model and a message where it has none.
fn request(case: &Case) -> Result<ChatRequest, Error> {
    let mut body = case.request.clone();
    body.entry("model").or_insert_with(|| json!(MODEL));
    body.entry("messages").or_insert_with(|| json!([{ "role": "user", "content": "Hello" }]));
    Ok(body::from_json(&Value::Object(body).to_string())?.request)
}

async fn stream(
    client: &OpenRouter,
    request: &ChatRequest,
) -> (Result<ChatResponse, Error>, BTreeMap<String, usize>) {
    let mut events = BTreeMap::new();
    let mut stream = match client.stream(request).await {
        Ok(stream) => stream,
        Err(error) => return (Err(error), events),
    };
    while let Some(event) = stream.next().await {
        let name = match event {
            Ok(Event::Text(_)) => "text",
            Ok(Event::Reasoning(_)) => "reasoning",
            Ok(Event::Refusal(_)) => "refusal",
            Ok(Event::ToolCall(_)) => "tool_call",
            Ok(Event::Image(_)) => "image",
            Ok(Event::Audio(_)) => "audio",
            Ok(Event::Annotation(_)) => "annotation",
            Ok(Event::Finished(_)) => "finished",
            Ok(_) => "other",
            Err(_) => "error",
        };
        *events.entry(name.to_owned()).or_default() += 1;
    }
    (stream.into_response(), events)
}

async fn tool_loop(case: &Case, client: &OpenRouter, request: &ChatRequest) -> Value {
    let ran = Mutex::new(Vec::new());
    let mut tools = ToolSet::new();
    for (name, result) in &case.tools {
        let ran = &ran;
        tools = tools.untyped(FunctionTool::new(name, "A tool of the case"), move |call| {
            if let Ok(mut ran) = ran.lock() {
                ran.push(call.name);
            }
            let result = result.clone();
            async move { result }
        });
    }
    let run = client.tool_loop(&tools).run(request).await;
    let outcome = match &run.outcome {
        RunOutcome::Answered => "answered",
        RunOutcome::Truncated => "truncated",
        RunOutcome::TurnLimit => "turn_limit",
        RunOutcome::CostLimit => "cost_limit",
        RunOutcome::CallLimit => "call_limit",
        RunOutcome::Deadline(_) => "deadline",
        RunOutcome::ToolFailed { .. } => "tool_failed",
        RunOutcome::Handover(_) => "handover",
        RunOutcome::Failed(_) => "failed",
        _ => "other",
    };
    let turns = run.steps.len();
    let conversation = body::to_json(&run.request).map(|body| json!(body)).unwrap_or_default();
    let mut reading = match run.into_response() {
        Ok(reply) => reading(&reply),
        Err(error) => failed(&error),
    };
    reading["run"] = json!(outcome);
    reading["turns"] = json!(turns);
    reading["call_ids_unique"] = json!(call_ids_are_unique(&conversation));
    reading["ran"] = json!(ran.lock().map(|ran| ran.clone()).unwrap_or_default());
    reading
}

/// Whether each id of a call in a body names one call, with a result that names it too.
fn call_ids_are_unique(body: &Value) -> bool {
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let mut calls: Vec<Value> =
        messages.iter().filter_map(|message| message["tool_calls"].as_array()).flatten().cloned().collect();
    let mut ids: Vec<String> = calls.drain(..).map(|call| call["id"].to_string()).collect();
    let mut results: Vec<String> = messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|message| message["tool_call_id"].to_string())
        .collect();
    results.sort();
    ids.sort();
    let all_answered = ids == results;
    ids.dedup();
    all_answered && ids.len() == results.len()
}

/// An answer as a caller reads it, and the next request that it leads to.
fn answered(
    case: &Case,
    client: &OpenRouter,
    request: &ChatRequest,
    answer: Result<ChatResponse, Error>,
) -> Value {
    let reply = match answer {
        Ok(reply) => reply,
        Err(error) => return failed(&error),
    };
    let mut next = request.clone().message(reply.message.clone());
    let calls = reply.tool_calls();
    let results =
        calls.iter().map(|call| (call.id.clone(), case.tools.get(&call.name).cloned().unwrap_or_default()));
    let results: Vec<_> = results.collect();
    if results.is_empty() {
        next = next.user("Go on.");
    }
    for (id, result) in results {
        next = next.tool_result(id, result);
    }
    if let Some(model) = &case.follow_model {
        next.model.clone_from(model);
    }
    let mut reading = reading(&reply);
    reading["follow_up"] = client.body_of(&next).map_or_else(|error| failed(&error), |body| json!(body));
    reading
}

fn reading(reply: &ChatResponse) -> Value {
    let mut reading = json!(reply);
    reading["outcome"] = json!("ok");
    reading["text"] = json!(reply.text());
    reading["reasoning_text"] = json!(reply.reasoning());
    reading["ready_calls"] = json!(reply.tool_calls().len());
    reading["truncated"] = json!(reply.is_truncated());
    reading["exact"] = json!({ "cost": reply.usage.cost.map(|cost| cost.to_string()) });
    reading
}

fn failed(error: &Error) -> Value {
    let mut told = json!(error);
    told["display"] = json!(error.to_string());
    told["host_code"] = json!(error.host_code());
    // The advice of the service, whether or not a layer has followed it as often as it may.
    told["retry"] = match (error.retry(), error.retry().after()) {
        (_, Some(wait)) => {
            told["retry_s"] = json!(wait.as_secs_f64());
            json!("after")
        }
        (RetryAdvice::Never, None) => json!("never"),
        (_, None) => json!("now"),
    };
    if let Some(partial) = error.partial() {
        told["partial"] = reading(partial);
    }
    json!({ "outcome": "error", "error": told })
}

fn told(outcome: Result<Value, Error>) -> Value {
    match outcome {
        Ok(mut value) => {
            value["outcome"] = json!("ok");
            value
        }
        Err(error) => failed(&error),
    }
}
