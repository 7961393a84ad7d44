//! A provider that answers what it is told.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]
#![allow(dead_code, reason = "each test uses what it needs")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use provider_core::author::{ChunkSource, Progress, ResponseAccumulator, ToolCallPiece};
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider, Message,
    ProviderDescriptor, RawJson, Usage,
};

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor::new("scripted", "Scripted", |_, _| {
    Err(Error::new(ErrorKind::Config, "made by hand only"))
})
.description("Made up for a test.")
.accepts_unlisted_models();

/// One turn of the model.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Text, tool calls (name, arguments), finish reason, cost.
    Answer {
        text: &'static str,
        calls: Vec<(&'static str, String)>,
        finish: &'static str,
        cost: Option<&'static str>,
    },
    /// An answer that this function collects.
    Collected(fn(&mut ResponseAccumulator)),
    /// A refusal.
    Refusal(&'static str),
    /// Refused outright.
    Fails(ErrorKind),
    /// Some text, then a failure.
    FailsMidway(&'static str, ErrorKind),
    /// Some text, then nothing ever again.
    Stalls(&'static str),
}

impl Turn {
    pub(crate) fn text(text: &'static str) -> Self {
        Turn::Answer { text, calls: Vec::new(), finish: "stop", cost: None }
    }

    pub(crate) fn calls<const N: usize>(calls: [(&'static str, &str); N]) -> Self {
        let calls = calls.map(|(name, arguments)| (name, arguments.to_owned())).into();
        Turn::Answer { text: "", calls, finish: "tool_calls", cost: None }
    }

    pub(crate) fn saying(mut self, words: &'static str) -> Self {
        if let Turn::Answer { text, .. } = &mut self {
            *text = words;
        }
        self
    }

    pub(crate) fn finish(mut self, reason: &'static str) -> Self {
        if let Turn::Answer { finish, .. } = &mut self {
            *finish = reason;
        }
        self
    }

    pub(crate) fn cost(mut self, usd: &'static str) -> Self {
        if let Turn::Answer { cost, .. } = &mut self {
            *cost = Some(usd);
        }
        self
    }
}

/// Plays turns in order and keeps what was asked.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    turns: Mutex<VecDeque<Turn>>,
    asked: Mutex<Vec<ChatRequest>>,
    streamed: Mutex<usize>,
}

impl Scripted {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        Arc::new(Self { turns: Mutex::new(turns.into_iter().collect()), ..Self::default() })
    }

    /// Returns the requests, turn by turn.
    pub(crate) fn asked(&self) -> Vec<ChatRequest> {
        self.asked.lock().unwrap().clone()
    }

    /// How often a stream was asked for.
    pub(crate) fn streamed(&self) -> usize {
        *self.streamed.lock().unwrap()
    }

    fn play(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.asked.lock().unwrap().push(request.clone());
        let turn = self.turns.lock().unwrap().pop_front().expect("the script is long enough");
        if let Turn::Fails(kind) = turn {
            return Err(Error::new(kind, "as told").with_provider("scripted").with_model(&request.model));
        }
        let number = self.asked.lock().unwrap().len();
        Ok(ChatStream::new(Playing { turn, number, played: false }).requested(&request.model, &[]))
    }
}

#[async_trait::async_trait]
impl LlmProvider for Scripted {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        *self.streamed.lock().unwrap() += 1;
        self.play(request)
    }

    async fn chat(&self, request: &ChatRequest) -> Result<provider_core::ChatResponse, Error> {
        self.play(request)?.collect().await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

struct Playing {
    turn: Turn,
    number: usize,
    played: bool,
}

impl ChunkSource for Playing {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        if std::mem::replace(&mut self.played, true) {
            return match self.turn {
                Turn::Stalls(_) => Poll::Pending,
                Turn::FailsMidway(_, kind) => Poll::Ready(Err(Error::new(kind, "as told"))),
                _ => Poll::Ready(Ok(Progress::End)),
            };
        }
        accumulator.set_id(&format!("gen-{}", self.number));
        match &self.turn {
            Turn::Answer { text, calls, finish, cost } => {
                accumulator.push_text(text);
                for (index, (name, arguments)) in calls.iter().enumerate() {
                    let id = format!("call_{}_{index}", self.number);
                    accumulator.push_tool_call(ToolCallPiece {
                        index: Some(index as u64),
                        id: Some(&id),
                        name: Some(name),
                        arguments: arguments.as_str(),
                        ..ToolCallPiece::default()
                    });
                }
                let mut usage = Usage::default();
                usage.completion_tokens = Some(10);
                usage.cost = cost.map(|cost| cost.parse().expect("an amount"));
                usage.raw = Some(RawJson::default());
                accumulator.update_usage(usage);
                accumulator.set_finish_reason(finish);
            }
            Turn::Collected(collect) => collect(accumulator),
            Turn::Refusal(words) => {
                accumulator.push_refusal(words);
                accumulator.set_finish_reason("stop");
            }
            Turn::FailsMidway(text, _) | Turn::Stalls(text) => accumulator.push_text(text),
            Turn::Fails(_) => {}
        }
        Poll::Ready(Ok(Progress::More))
    }
}

/// The ids of the calls in a request.
pub(crate) fn call_ids(request: &ChatRequest) -> Vec<&str> {
    let turns = request.messages.iter().filter_map(|message| match message {
        Message::Assistant(turn) => Some(turn),
        _ => None,
    });
    turns.flat_map(|turn| &turn.tool_calls).map(|call| call.id.as_str()).collect()
}

/// The tool messages of a request, as `id: text`.
pub(crate) fn results(request: &ChatRequest) -> Vec<String> {
    let messages = request.messages.iter();
    messages
        .filter_map(|message| match message {
            Message::Tool(message) => Some(format!("{}: {}", message.tool_call_id, message.content.text())),
            _ => None,
        })
        .collect()
}
