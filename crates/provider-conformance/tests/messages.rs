//! A provider for Anthropic's messages keeps the promises: what the wire lacks, it refuses by name.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_conformance::{At, Kit, Messages};
use provider_core::author::{
    DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead, ToolCallPiece,
    refuse_all_but,
};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigField, ConfigValues, ConnectionReport, Error,
    ErrorKind, FieldProblem, LlmProvider, Message, Model, ProviderContext, ProviderDescriptor, RawJson,
    Usage,
};
use provider_http::{Endpoint, HttpClient, HttpLimits, RequestBuilder, error, settings};
use serde::Deserialize;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn provider_for_messages_keeps_every_promise() {
    let report = Kit::new(|at: At| async move {
        let limits = HttpLimits::default()
            .max_body_bytes(at.max_bytes)
            .max_frame_bytes(at.max_bytes)
            .max_error_bytes(at.max_bytes.min(16 << 10));
        CLAUDE.connect_with(&at.values(), &ProviderContext::new().with(limits))
    })
    .wire(Messages)
    .patience(Duration::from_millis(500))
    .run()
    .await;
    println!("{report}");
    report.assert_all();
}

static FIELDS: &[ConfigField] = &[
    settings::api_key(),
    settings::base_url(),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
    settings::total_timeout(),
];

static CLAUDE: ProviderDescriptor = ProviderDescriptor::new("claude", "Claude", connect).fields(FIELDS);

provider_core::register_provider!(CLAUDE);

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let endpoint = Endpoint::builder("https://api.anthropic.com/v1")
        .provider(CLAUDE.id)
        .limits(HttpLimits::of(context))
        .values(values)
        .key_header("x-api-key", values.get(settings::API_KEY))
        .header("anthropic-version", "2023-06-01")
        .error_response(told)
        .build(&HttpClient::of(context))?;
    Ok(Arc::new(Claude { endpoint }))
}

#[derive(Debug)]
struct Claude {
    endpoint: Endpoint,
}

impl Claude {
    fn request(&self, request: &ChatRequest, stream: bool) -> Result<RequestBuilder<'_>, Error> {
        refuse_all_but(
            request,
            CLAUDE.id,
            &["system", "assistant", "tool", "tools", "temperature", "stop", "max_tokens"],
        )?;
        let refused =
            |field: &str, problem: &str| Error::invalid_request(vec![FieldProblem::new(field, problem)]);
        if request.max_tokens.is_none() {
            return Err(refused("max_tokens", "is needed by this service"));
        }
        if request.temperature.is_some_and(|temperature| !temperature.is_finite()) {
            return Err(refused("temperature", "is no number"));
        }
        let (mut system, mut messages) = (Vec::new(), Vec::new());
        for message in &request.messages {
            match message {
                Message::System(message) => system.push(message.content.text()),
                Message::User(message) => {
                    messages.push(json!({"role": "user", "content": message.content.text()}));
                }
                Message::Assistant(message) => {
                    let mut content = Vec::new();
                    if !message.text.is_empty() {
                        content.push(json!({"type": "text", "text": message.text}));
                    }
                    for call in &message.tool_calls {
                        let input = call.arguments_json().unwrap_or_default();
                        content.push(
                            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input}),
                        );
                    }
                    messages.push(json!({"role": "assistant", "content": content}));
                }
                Message::Tool(message) => messages.push(json!({"role": "user", "content": [{
                    "type": "tool_result", "tool_use_id": message.tool_call_id,
                    "content": message.content.text(),
                }]})),
                _ => return Err(refused("messages", "have one of a kind that this service lacks")),
            }
        }
        let mut body = json!({
            "model": request.model, "messages": messages, "max_tokens": request.max_tokens, "stream": stream,
        });
        if !system.is_empty() {
            body["system"] = json!(system.concat());
        }
        if let Some(temperature) = request.temperature {
            body["temperature"] = json!(temperature);
        }
        if !request.stop.is_empty() {
            body["stop_sequences"] = json!(request.stop);
        }
        let tools = request.tools.iter().filter_map(|tool| match tool {
            provider_core::Tool::Function(tool) => Some(json!({
                "name": tool.name, "description": tool.description, "input_schema": tool.parameters,
            })),
            _ => None,
        });
        let tools: Vec<Value> = tools.collect();
        if !tools.is_empty() {
            body["tools"] = json!(tools);
        }
        Ok(self.endpoint.post("messages").model(&request.model).json(&body))
    }
}

#[async_trait]
impl LlmProvider for Claude {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &CLAUDE
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.request(request, true)?.stream(Events::new).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.request(request, false)?.chat(Events::new).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        #[derive(Deserialize)]
        struct List {
            data: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            id: String,
        }
        let list: List = self
            .endpoint
            .get("models")
            .parse("the list of models", |text| serde_json::from_str(text))
            .await?;
        let models = list.data.into_iter().map(|entry| {
            let mut model = Model::default();
            model.id = entry.id;
            model
        });
        Ok(Catalogue::new(models.collect(), None))
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.models().await.map(|_| ConnectionReport::default())
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.endpoint.warm_up("models").await
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

impl Fault {
    fn into_error(self, head: &ResponseHead) -> Error {
        let kind = match &*self.kind {
            "authentication_error" => ErrorKind::Authentication,
            "billing_error" => ErrorKind::PaymentRequired,
            "permission_error" => ErrorKind::PermissionDenied,
            "not_found_error" => ErrorKind::ModelNotFound,
            "invalid_request_error" if self.message.contains("context length") => ErrorKind::ContextLength,
            "invalid_request_error" => ErrorKind::InvalidRequest,
            "rate_limit_error" => ErrorKind::RateLimited,
            "overloaded_error" => ErrorKind::Overloaded,
            _ => ErrorKind::Server,
        };
        Error::new(kind, head.redact(&self.message)).with_code(head.redact(&self.kind))
    }
}

fn told(head: &ResponseHead, body: &str) -> Error {
    let plain = error::from_response(head, body);
    match serde_json::from_str::<Event>(body) {
        Ok(Event { error: Some(fault), .. }) => {
            let error = fault.into_error(head);
            if plain.retry().after().is_some() { error.with_retry(plain.retry()) } else { error }
        }
        _ => plain,
    }
}

/// Decodes the events of an answer.
struct Events {
    head: ResponseHead,
}

impl Events {
    fn new(head: ResponseHead) -> Self {
        Self { head }
    }

    fn unreadable(&self, data: &str, cause: &serde_json::Error) -> DecodeError {
        DecodeError::Fatal(error::undecodable(&self.head, data, "an event", &cause.to_string()))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    index: u64,
    message: Option<Answer>,
    content_block: Option<Block>,
    delta: Delta,
    usage: Option<Used>,
    error: Option<Fault>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    id: String,
    model: String,
    content: Vec<Block>,
    stop_reason: Option<String>,
    usage: Option<Used>,
    error: Option<Fault>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    name: String,
    text: String,
    thinking: String,
    input: Option<RawJson>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    text: String,
    thinking: String,
    partial_json: String,
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Used {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

/// Hands over why the answer ended, and what it used.
fn end(reason: Option<&str>, used: Option<&Used>, out: &mut ResponseAccumulator) {
    match reason {
        Some("end_turn" | "stop_sequence") => out.set_finish_reason("stop"),
        Some("max_tokens") => out.set_finish_reason("length"),
        Some("tool_use") => out.set_finish_reason("tool_calls"),
        other => out.set_finish_reason(other.unwrap_or_default()),
    }
    if let Some(used) = used {
        let mut usage = Usage::default();
        (usage.prompt_tokens, usage.completion_tokens) = (used.input_tokens, used.output_tokens);
        out.update_usage(usage);
    }
}

impl FrameDecoder for Events {
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        let event: Event =
            serde_json::from_str(&frame.data).map_err(|cause| self.unreadable(&frame.data, &cause))?;
        if let Some(fault) = event.error {
            return Err(DecodeError::Reported(fault.into_error(&self.head)));
        }
        match &*event.kind {
            "message_stop" => return Ok(Progress::End),
            "message_start" => {
                let answer = event.message.unwrap_or_default();
                out.set_id(&answer.id);
                out.set_model(&answer.model);
            }
            "content_block_start" => {
                let block = event.content_block.unwrap_or_default();
                if block.kind == "tool_use" {
                    let (id, name) = (Some(&*block.id), Some(&*block.name));
                    let index = Some(event.index);
                    out.push_tool_call(ToolCallPiece { index, id, name, ..ToolCallPiece::default() });
                }
            }
            "content_block_delta" => {
                out.push_text(&event.delta.text);
                out.push_reasoning(&event.delta.thinking);
                if !event.delta.partial_json.is_empty() {
                    let (index, arguments) = (Some(event.index), &*event.delta.partial_json);
                    out.push_tool_call(ToolCallPiece { index, arguments, ..ToolCallPiece::default() });
                }
            }
            "message_delta" => end(event.delta.stop_reason.as_deref(), event.usage.as_ref(), out),
            _ => {}
        }
        Ok(Progress::More)
    }

    fn decode_body(&mut self, body: &str, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        let answer: Answer = serde_json::from_str(body).map_err(|cause| self.unreadable(body, &cause))?;
        if let Some(fault) = answer.error {
            return Err(DecodeError::Reported(fault.into_error(&self.head)));
        }
        out.set_id(&answer.id);
        out.set_model(&answer.model);
        for block in &answer.content {
            out.push_text(&block.text);
            out.push_reasoning(&block.thinking);
            if block.kind == "tool_use" {
                let arguments = block.input.as_ref().map_or("{}", RawJson::get);
                let (id, name) = (Some(&*block.id), Some(&*block.name));
                out.push_tool_call(ToolCallPiece {
                    id,
                    name,
                    arguments,
                    whole: true,
                    ..ToolCallPiece::default()
                });
            }
        }
        end(answer.stop_reason.as_deref(), answer.usage.as_ref(), out);
        Ok(())
    }
}
