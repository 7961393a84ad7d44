//! The bodies that handlers read as they came, as the OpenAPI document describes them. A test holds their
//! fields against what the handlers take.

#![allow(dead_code, reason = "for the document alone")]

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One turn of an agent node.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatRequest)]
pub(crate) struct Chat {
    /// The conversation to go on with; `new` begins one. Without it nothing is stored but the run.
    conversation_id: Option<String>,
    /// The message to go on behind. Default: the newest.
    parent_id: Option<String>,
    /// The user's new message: a text, its parts, or a message.
    #[schema(required = false)]
    message: Option<NewMessage>,
    /// New messages in the shape of chat completions.
    #[schema(required = false)]
    messages: Vec<ChatMessage>,
    /// The results of the tools that the last answer called.
    #[schema(required = false)]
    tool_results: Vec<ToolResult>,
    node: AgentNode,
    /// The values of `{{name}}` in the system prompt.
    #[schema(required = false, value_type = Object)]
    variables: BTreeMap<String, Value>,
    /// Whether the answer is a stream of events. Default: one JSON.
    #[schema(required = false)]
    stream: bool,
    /// The end user: for budgets, runs and the service.
    user: Option<String>,
    #[schema(required = false)]
    events: EventNames,
}

/// Several models, asked the same.
#[derive(Serialize, ToSchema)]
#[schema(as = ComparisonRequest)]
pub(crate) struct Comparison {
    /// The models, as an agent node has them.
    #[schema(min_items = 1, max_items = 8)]
    models: Vec<String>,
    /// The user's message: a text, its parts, or a message.
    #[schema(required = false)]
    message: Option<NewMessage>,
    /// Messages in the shape of chat completions.
    #[schema(required = false)]
    messages: Vec<ChatMessage>,
    /// The node whose prompt and parameters all models get; its own model is not asked.
    #[schema(required = false)]
    node: Option<AgentNode>,
    /// The values of `{{name}}` in the system prompt.
    #[schema(required = false, value_type = Object)]
    variables: BTreeMap<String, Value>,
    /// The title in the history. Default: the beginning of the prompt.
    title: Option<String>,
    user: Option<String>,
    /// The most seconds that a model may take.
    timeout_seconds: Option<u64>,
    /// Whether the answer is a stream of events. Default: one JSON.
    #[schema(required = false)]
    stream: bool,
    #[schema(required = false)]
    events: EventNames,
}

/// A text, its parts, or a message.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum NewMessage {
    Text(String),
    #[schema(value_type = Vec<Object>)]
    Parts(Vec<Value>),
    Message(ChatMessage),
}

/// A message of chat completions. It may have more fields.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChatMessage {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    role: String,
    /// A text or parts.
    #[schema(required = false)]
    content: Value,
}

/// The result of a tool.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolResult {
    /// The id of the call.
    tool_call_id: String,
    /// A text or parts.
    content: Value,
    #[schema(required = false)]
    is_error: bool,
}

/// The names of the events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventNames {
    /// `llm_call_start`, `text_chunk`, … This is the default.
    Agent,
    /// `message_start`, `text_chunk`, …
    Chat,
}

/// An agent node in the platform's JSON. Keys that are not listed are kept and not read.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentNode {
    /// Budgets and runs are counted by it.
    id: Option<String>,
    /// `ai-agent-node`.
    #[schema(pattern = "^ai-agent-node$")]
    r#type: String,
    config: AgentConfig,
}

/// The keys of an agent node that act.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentConfig {
    /// `standard` (default) or `function_calling`; other modes are refused by name.
    agent_mode: Option<String>,
    /// The model reference: `openrouter:openai/gpt-4o`, or the id alone.
    model: Option<String>,
    /// The same under another name.
    model_id: Option<String>,
    /// With its variables `{{name}}`.
    system_prompt: Option<String>,
    temperature: Option<f64>,
    max_tokens: Option<u64>,
    top_p: Option<f64>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    /// A text or a list of texts. `stop` is another name of it.
    #[schema(required = false)]
    stop_sequences: Value,
    /// `{strategy: truncate | error, max_tokens, reserve_for_output}`.
    #[schema(value_type = Option<Object>)]
    context_window: Option<Value>,
    /// `{enabled, message_window}`.
    #[schema(value_type = Option<Object>)]
    memory: Option<Value>,
    /// `{tools, parallel_tool_calls, strict_mode, max_iterations}`.
    #[schema(value_type = Option<Object>)]
    function_calling_config: Option<Value>,
    /// `{fallback, allow_paid, request, parameters, limits}`: what the platform has no key for.
    #[schema(value_type = Option<Object>)]
    x_provider: Option<Value>,
}

/// The answer of a turn that is not streamed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChatAnswer {
    /// The id of the configured provider.
    provider: String,
    /// The model that answered.
    model: Option<String>,
    /// The model's message, in the shape of chat completions.
    #[schema(value_type = Object)]
    message: Value,
    run_id: String,
    conversation_id: Option<String>,
    /// `prompt_tokens`, `completion_tokens`, `total_tokens`, `cached_tokens`, `reasoning_tokens`.
    #[schema(value_type = Object)]
    usage: Value,
    /// `complete`, `tool_calls` (send the results) or `broken`.
    turn: String,
}

/// A comparison that is not streamed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ComparisonAnswer {
    /// The id in the history.
    #[schema(value_type = Option<String>)]
    comparison_id: Value,
    /// The run of each model; `null` for one that was not asked.
    run_ids: Vec<Option<String>>,
    /// The report, with a cell for each model.
    #[schema(value_type = Object)]
    report: Value,
}

/// A request of OpenAI's chat completions. It may have more fields: those of OpenRouter go to OpenRouter.
#[derive(Serialize, ToSchema)]
pub(crate) struct CompletionRequest {
    /// A model reference: `openai/gpt-4o`, or `openrouter:openai/gpt-4o`.
    model: String,
    messages: Vec<ChatMessage>,
    #[schema(required = false)]
    stream: bool,
    /// `{include_usage}`.
    #[schema(value_type = Option<Object>)]
    stream_options: Option<Value>,
    temperature: Option<f64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    #[schema(value_type = Option<Vec<Object>>)]
    tools: Option<Vec<Value>>,
    user: Option<String>,
}

/// A completion. It has every field that the provider sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Completion {
    id: String,
    /// `chat.completion`.
    object: String,
    model: String,
    #[schema(value_type = Vec<Object>)]
    choices: Vec<Value>,
    #[schema(value_type = Option<Object>)]
    usage: Option<Value>,
}

/// A model in OpenAI's shape, with a few of the facts that OpenRouter's has.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenAiModel {
    id: String,
    /// `model`.
    object: String,
    /// Seconds since 1970; 0: not told.
    created: u64,
    /// The id of the configured provider.
    owned_by: String,
}

/// The enabled models in OpenAI's shape.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenAiModels {
    /// `list`.
    object: String,
    data: Vec<OpenAiModel>,
}

/// An error in OpenAI's shape.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenAiError {
    error: OpenAiErrorFacts,
}

/// The facts of an error in OpenAI's shape.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenAiErrorFacts {
    message: String,
    r#type: String,
    /// The field that has the problem.
    param: Option<String>,
    code: Option<String>,
    /// The provider, its upstream and the attempts.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// The readiness of a host.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// `ready`, `database_away` or `stopping`.
    status: String,
    /// RFC 3339; `null`: the database is there.
    away_since: Option<String>,
    /// Calls that wait to be settled with their budgets.
    waiting_settlements: u64,
}
