//! A small provider for Ollama's JSON lines keeps the promises: a test of each case, with and without a key.

#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_conformance::{At, JsonLines, Kit, Outcome, conformance_tests};
use provider_core::author::{
    ChatCodec, DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead, range_problems,
    refuse_all_but,
};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigField, ConfigValues, ConnectionReport, Error,
    ErrorKind, LlmProvider, Message, Model, ProviderContext, ProviderDescriptor, Usage,
};
use provider_http::{ChatApi, Endpoint, HttpLimits, error, settings};
use serde::Deserialize;
use serde_json::{Map, Value, json};

conformance_tests!(kit);

fn kit() -> Kit {
    Kit::new(|at: At| async move {
        let limits = HttpLimits::default().max_body_bytes(at.max_bytes).max_frame_bytes(at.max_bytes);
        LOCAL.connect_with(&at.values(), &ProviderContext::new().with(limits))
    })
    .wire(JsonLines)
    .patience(Duration::from_millis(500))
}

#[tokio::test(flavor = "multi_thread")]
async fn keyless_provider_is_spared_the_cases_about_keys() {
    let connect = |at: At| async move { LOCAL.connect(&at.values().set("api_key", "")) };
    let kit = Kit::new(connect).wire(JsonLines).without_layers();
    let report = kit.clone().keyless().only("se").run().await;
    report.assert_all();
    let spared = |name: &str| {
        let case = report.cases.iter().find(|case| case.name == name);
        case.is_some_and(|case| matches!(case.outcome, Outcome::Skipped { .. }))
    };
    assert!(spared("secrets: in_the_words") && spared("settings: white_space_around_the_key"), "{report}");
    assert!(!spared("settings: slash_behind_the_url") && !spared("sent: temperature"), "{report}");
    let broken = kit.only("secrets: in_a_header_alone").run().await;
    assert_eq!(broken.broken().count(), 1, "a key was expected: {broken}");
}

static FIELDS: &[ConfigField] = &[
    settings::optional_api_key(),
    settings::base_url(),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
    settings::total_timeout(),
];

static LOCAL: ProviderDescriptor = ProviderDescriptor::new("local", "Local", connect).fields(FIELDS);

provider_core::register_provider!(LOCAL);

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let endpoint = Endpoint::builder("http://localhost:11434/api")
        .provider(LOCAL.id)
        .values(values)
        .bearer(values.get(settings::API_KEY));
    Ok(Arc::new(Local { api: ChatApi::new(endpoint, Ollama, context)? }))
}

#[derive(Debug)]
struct Local {
    api: ChatApi<Ollama>,
}

/// The wire: the native chat of Ollama.
#[derive(Debug)]
struct Ollama;

/// The parameters that stand among the options, by their names here and there.
const OPTIONS: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("min_p", "min_p"),
    ("seed", "seed"),
    ("stop", "stop"),
    ("max_tokens", "num_predict"),
    ("repetition_penalty", "repeat_penalty"),
];

impl ChatCodec for Ollama {
    type Decoder = Lines;

    fn path(&self) -> &str {
        "chat"
    }

    fn encode(&self, request: &ChatRequest, stream: bool) -> Result<Vec<u8>, Error> {
        let carried: Vec<&str> =
            OPTIONS.iter().map(|(name, _)| *name).chain(["system", "assistant"]).collect();
        refuse_all_but(request, LOCAL.id, &carried)?;
        let problems = range_problems(request);
        if !problems.is_empty() {
            return Err(Error::invalid_request(problems));
        }
        let messages = request.messages.iter().filter_map(|message| {
            let (role, text) = match message {
                Message::System(message) => ("system", message.content.text()),
                Message::User(message) => ("user", message.content.text()),
                Message::Assistant(message) => ("assistant", message.text.clone()),
                _ => return None, // refused above
            };
            Some(json!({"role": role, "content": text}))
        });
        let messages: Vec<Value> = messages.collect();
        let mut options = Map::new();
        let set = serde_json::to_value(request).unwrap_or_default();
        for (name, there) in OPTIONS {
            if let Some(value) = set.get(name) {
                options.insert((*there).to_owned(), value.clone());
            }
        }
        let mut body = json!({"model": request.model, "messages": messages, "stream": stream});
        if !options.is_empty() {
            body["options"] = Value::Object(options);
        }
        Ok(body.to_string().into_bytes())
    }

    fn decoder(&self, _request: &ChatRequest, head: ResponseHead) -> Lines {
        Lines { head }
    }

    /// Reads a refusal: `{"error": "words"}`, of which two are telling.
    fn decode_error(&self, head: &ResponseHead, body: &str) -> Error {
        let error = error::from_response(head, body);
        let kind = match error.kind() {
            ErrorKind::InvalidRequest if error.message().contains("context length") => {
                ErrorKind::ContextLength
            }
            ErrorKind::NotFound => ErrorKind::ModelNotFound,
            _ => return error,
        };
        Error::new(kind, error.message())
    }
}

#[async_trait]
impl LlmProvider for Local {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &LOCAL
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.api.stream(request).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.api.chat(request).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        #[derive(Deserialize)]
        struct Tags {
            models: Vec<Tag>,
        }
        #[derive(Deserialize)]
        struct Tag {
            name: String,
        }
        let endpoint = self.api.endpoint();
        let tags: Tags =
            endpoint.get("tags").parse("the list of models", |text| serde_json::from_str(text)).await?;
        let models = tags.models.into_iter().map(|tag| {
            let mut model = Model::default();
            model.id = tag.name;
            model
        });
        Ok(Catalogue::new(models.collect(), None))
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.models().await.map(|_| ConnectionReport::default())
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.api.endpoint().warm_up("tags").await
    }
}

/// Decodes the lines of an answer.
struct Lines {
    head: ResponseHead,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    model: String,
    message: Said,
    done: bool,
    done_reason: String,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    content: String,
    thinking: String,
}

impl FrameDecoder for Lines {
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        let line: Line = serde_json::from_str(&frame.data).map_err(|cause| {
            DecodeError::Fatal(error::undecodable(&self.head, &frame.data, "a line", &cause.to_string()))
        })?;
        if let Some(words) = line.error {
            let words = self.head.redact(&words);
            return Err(DecodeError::Reported(Error::new(ErrorKind::Server, words)));
        }
        out.set_model(&line.model);
        out.push_reasoning(&line.message.thinking);
        out.push_text(&line.message.content);
        out.set_finish_reason(&line.done_reason);
        let mut usage = Usage::default();
        (usage.prompt_tokens, usage.completion_tokens) = (line.prompt_eval_count, line.eval_count);
        if !usage.is_unknown() {
            out.update_usage(usage);
        }
        Ok(if line.done { Progress::End } else { Progress::More })
    }
}
