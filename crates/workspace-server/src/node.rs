//! Agent nodes, in the JSON of the platform that draws them.

mod template;

use std::collections::{BTreeMap, BTreeSet};

use provider_core::{FieldProblem, RawJson, Usd};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::template::substitute;
use crate::api::extract::unread;

/// The `type` of an agent node.
pub const NODE_TYPE: &str = "ai-agent-node";

/// The turns of a node in the mode `function_calling` that does not set `max_iterations`.
pub const DEFAULT_MAX_ITERATIONS: u32 = 10;

/// The parameters that stand in a node's `config` under OpenAI's own names.
const PARAMETERS: [&str; 5] = ["temperature", "max_tokens", "top_p", "frequency_penalty", "presence_penalty"];

/// An agent node: `{"id": …, "type": "ai-agent-node", "config": {…}}`.
///
/// It is read strictly where the host acts on a key, and written with every key that it came with, unknown
/// ones included. What the JSON does not set is not sent: a default of a form is no default of a request.
///
/// ```
/// use workspace_server::{AgentMode, AgentNode};
///
/// let json = r#"{"id": "n1", "type": "ai-agent-node", "position": {"x": 1}, "config": {
///     "model": "openai/gpt-4o", "system_prompt": "Answer in {{language}}.", "top_p": 0.9, "icon": "bolt"
/// }}"#;
/// let node: AgentNode = serde_json::from_str(json).expect("a node");
/// assert_eq!(node.mode, AgentMode::Standard);
/// assert_eq!(node.model.as_deref(), Some("openai/gpt-4o"));
/// let written = serde_json::to_string(&node).expect("JSON");
/// assert!(written.contains(r#""position":{"x": 1}"#) && written.contains(r#""icon":"bolt""#));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AgentNode {
    /// Its id in the graph: budgets and runs are counted by it.
    pub id: Option<String>,
    /// How it works.
    pub mode: AgentMode,
    /// The model reference (`model`, or `model_id`). A comparison sets its own.
    pub model: Option<String>,
    /// The system prompt, with its variables not yet filled in.
    pub system_prompt: Option<String>,
    /// The parameters that are set, by their names in a chat completion.
    pub parameters: BTreeMap<String, RawJson>,
    /// The treatment of a conversation that is too long for the model. `None`: it is sent as it is.
    pub context_window: Option<ContextWindow>,
    /// How much of the conversation is sent. `None`: all of it.
    pub memory: Option<Memory>,
    /// The tools in the mode `function_calling`.
    pub tools: Option<FunctionCalling>,
    /// The settings that the platform has no key for.
    pub extension: Extension,
    /// The keys of the node but for its `config`, as they came.
    fields: Vec<(String, RawJson)>,
    /// The keys of its `config`, as they came.
    config: Vec<(String, RawJson)>,
}

/// How an agent node works. The other modes of the platform are refused by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentMode {
    /// One question, one answer.
    #[default]
    Standard,
    /// The model may call tools, which the caller runs.
    FunctionCalling,
}

/// The key `context_window`: what happens to a conversation that is too long.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ContextWindow {
    /// The treatment.
    #[serde(default)]
    pub strategy: ContextStrategy,
    /// The most tokens that prompt and answer may have. Default, and upper bound: the context length of the
    /// catalogue. 1 at least.
    pub max_tokens: Option<u64>,
    /// The tokens that are kept free for the answer. Default: the node's `max_tokens`, or 0.
    pub reserve_for_output: Option<u64>,
}

/// The treatment of a conversation that is too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContextStrategy {
    /// The oldest turns are left out.
    #[default]
    Truncate,
    /// The request is refused.
    Error,
}

/// The key `memory`: how much of the conversation is sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Memory {
    /// Whether earlier messages are sent at all. Default: yes.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The most earlier messages that are sent, newest first. Default: all.
    pub message_window: Option<usize>,
}

/// The key `function_calling_config`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct FunctionCalling {
    /// The tools: functions in the shape of chat completions, or the inner object of one.
    #[serde(default)]
    pub tools: Vec<RawJson>,
    /// Whether the model may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// Whether arguments must match the schema exactly, for tools that do not say so themselves.
    pub strict_mode: Option<bool>,
    /// The most turns in which the model may call tools for one question, 1 at least.
    pub max_iterations: Option<u32>,
}

/// The key `x_provider`: routing, fallback and limits, which the platform's JSON has no key for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Extension {
    /// The models to ask, in order, when the one before cannot answer.
    #[serde(default)]
    pub fallback: Vec<String>,
    /// Whether a fallback may go from a free model to one that is billed. Default: no.
    #[serde(default)]
    pub allow_paid: bool,
    /// More parameters of a chat completion (`reasoning`, `response_format`, `seed`, …).
    #[serde(default)]
    pub request: BTreeMap<String, RawJson>,
    /// Parameters that one provider alone knows, by its id: `{"openrouter": {"provider": {"order": […]}}}`.
    #[serde(default)]
    pub parameters: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// The limits of one question with all its tool turns.
    #[serde(default)]
    pub limits: TurnLimits,
}

/// The limits of one question with all its tool turns. They need a conversation, which remembers the turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TurnLimits {
    /// The most seconds from the question to the beginning of a turn, 1 at least.
    pub max_seconds: Option<u64>,
    /// The most that the turns before may have cost for another one to begin, in US dollars. More than 0.
    pub max_cost_usd: Option<Usd>,
}

fn yes() -> bool {
    true
}

impl AgentNode {
    /// Reads a node.
    ///
    /// # Errors
    /// All problems at once, each with the path of its key.
    pub fn read(json: &RawJson) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let fields: Vec<_> = match json.read::<BTreeMap<String, RawJson>>() {
            Ok(fields) => fields.into_iter().collect(),
            Err(_) => return Err(vec![FieldProblem::new("node", "is no JSON object")]),
        };
        let outer = Keys { prefix: "node", keys: &fields };
        match outer.value::<String>("type", &mut problems) {
            Some(kind) if kind == NODE_TYPE => {}
            Some(kind) => problems.add("node.type", format!("is {kind:?}, and only {NODE_TYPE:?} is run")),
            None => problems.add("node.type", format!("must be {NODE_TYPE:?}")),
        }
        let id = outer.value("id", &mut problems);
        let config: Vec<_> = match outer.raw("config").map(RawJson::read::<BTreeMap<String, RawJson>>) {
            Some(Ok(config)) => config.into_iter().collect(),
            _ => {
                problems.add("node.config", "must be a JSON object");
                Vec::new()
            }
        };
        let keys = Keys { prefix: "node.config", keys: &config };
        let mode = read_mode(&keys, &mut problems);
        let model = keys.value("model", &mut problems).or_else(|| keys.value("model_id", &mut problems));
        let system_prompt = keys.value("system_prompt", &mut problems);
        let mut parameters: BTreeMap<String, RawJson> = PARAMETERS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), keys.raw(name)?.clone())))
            .collect();
        let stop = keys.raw("stop_sequences").or_else(|| keys.raw("stop"));
        if let Some(stop) = stop.filter(|stop| stop.get() != "[]") {
            parameters.insert("stop".to_owned(), stop.clone());
        }
        let context_window = read_context_window(&keys, &mut problems);
        let memory = keys.value("memory", &mut problems);
        let tools = match mode {
            AgentMode::Standard => None,
            AgentMode::FunctionCalling => {
                Some(keys.value("function_calling_config", &mut problems).unwrap_or_default())
            }
        };
        let extension = keys.value::<Extension>("x_provider", &mut problems).unwrap_or_default();
        for name in extension.request.keys() {
            if parameters.contains_key(name) || ["model", "messages", "stream", "tools"].contains(&&**name) {
                problems.add(format!("node.config.x_provider.request.{name}"), "has a place of its own");
            }
        }
        let (limits, window) = (&extension.limits, &context_window);
        let turns = tools.as_ref().and_then(|tools: &FunctionCalling| tools.max_iterations.map(u64::from));
        let counts = [
            ("function_calling_config.max_iterations", turns),
            ("context_window.max_tokens", window.as_ref().and_then(|window| window.max_tokens)),
            ("x_provider.limits.max_seconds", limits.max_seconds),
        ];
        for (name, _) in counts.iter().filter(|(_, count)| *count == Some(0)) {
            problems.add(format!("node.config.{name}"), "must be 1 at least");
        }
        if limits.max_cost_usd.is_some_and(|most| most <= Usd::ZERO) {
            problems.add("node.config.x_provider.limits.max_cost_usd", "must be more than 0");
        }
        let node = Self {
            id,
            mode,
            model,
            system_prompt,
            parameters,
            context_window,
            memory,
            tools,
            extension,
            fields: fields.iter().filter(|(name, _)| name != "config").cloned().collect(),
            config,
        };
        if problems.0.is_empty() { Ok(node) } else { Err(problems.0) }
    }

    /// The most turns in which the model may call tools for one question: 0 in the mode `standard`.
    pub fn max_iterations(&self) -> u32 {
        let tools = self.tools.as_ref();
        tools.map_or(0, |tools| tools.max_iterations.unwrap_or(DEFAULT_MAX_ITERATIONS))
    }
}

fn read_mode(keys: &Keys<'_>, problems: &mut Problems) -> AgentMode {
    match keys.value::<String>("agent_mode", problems).as_deref() {
        None | Some("standard") => AgentMode::Standard,
        Some("function_calling") => AgentMode::FunctionCalling,
        Some(other) => {
            let problem = format!("is {other:?}; this host runs \"standard\" and \"function_calling\"");
            problems.add("node.config.agent_mode", problem);
            AgentMode::Standard
        }
    }
}

fn read_context_window(keys: &Keys<'_>, problems: &mut Problems) -> Option<ContextWindow> {
    #[derive(Deserialize)]
    struct Strategy {
        strategy: Option<String>,
    }
    let raw = keys.raw("context_window")?;
    let strategy = raw.read::<Strategy>().ok().and_then(|Strategy { strategy }| strategy);
    if let Some(other) = strategy.filter(|word| !["truncate", "error"].contains(&&**word)) {
        let problem = format!("is {other:?}; this host has \"truncate\" and \"error\"");
        problems.add("node.config.context_window.strategy", problem);
        return None;
    }
    keys.value("context_window", problems)
}

/// The keys of an object, and where it is.
struct Keys<'a> {
    prefix: &'static str,
    keys: &'a [(String, RawJson)],
}

impl Keys<'_> {
    /// The JSON of a key; `null` counts as absent.
    fn raw(&self, name: &str) -> Option<&RawJson> {
        let (_, raw) = self.keys.iter().find(|(key, _)| key == name)?;
        (raw.get() != "null").then_some(raw)
    }

    fn value<T: DeserializeOwned>(&self, name: &str, problems: &mut Problems) -> Option<T> {
        let mut reader = serde_json::Deserializer::from_str(self.raw(name)?.get());
        match serde_path_to_error::deserialize(&mut reader) {
            Ok(value) => Some(value),
            Err(error) => {
                let (place, unread) = (format!("{}.{name}", self.prefix), unread(&error));
                let field = match unread.field.as_str() {
                    "body" => place,
                    inner => format!("{place}.{inner}"),
                };
                problems.add(field, unread.problem);
                None
            }
        }
    }
}

#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(FieldProblem::new(field, problem));
    }
}

impl<'de> Deserialize<'de> for AgentNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = RawJson::deserialize(deserializer)?;
        Self::read(&json).map_err(|problems| {
            let problems = problems.iter().map(|problem| format!("{} {}", problem.field, problem.problem));
            serde::de::Error::custom(problems.collect::<Vec<_>>().join("; "))
        })
    }
}

impl Serialize for AgentNode {
    /// With the keys that it was read from.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let config: BTreeMap<&str, &RawJson> =
            self.config.iter().map(|(name, raw)| (name.as_str(), raw)).collect();
        let config = RawJson::new(&config).map_err(serde::ser::Error::custom)?;
        let fields = self.fields.iter().map(|(name, raw)| (name.as_str(), raw));
        serializer.collect_map(fields.chain([("config", &config)]))
    }
}

/// The names of the variables in a text, for a form that asks for them.
pub fn variables(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    template::each(text, |piece| {
        if let template::Piece::Variable(name) = piece {
            names.insert(name.to_owned());
        }
    });
    names
}

#[cfg(test)]
mod tests;
