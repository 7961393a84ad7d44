//! Logs runs into the store: asked and served model, tokens, exact cost, times, how each ended, and what was
//! said.

use std::time::Duration;

use provider_compare::Timings;
use provider_core::{AssistantMessage, ChatRequest, ChatResponse, Error, ErrorKind, Message};
use provider_registry::ModelRef;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use workspace_store::{Run, StoreError};

use crate::ask::{Outcome, Question};
use crate::budget::Budgets;
use crate::cli::{ConnectArgs, LogFlags};
use crate::config::LogLevel;
use crate::exit::Failure;
use crate::output::Output;
use crate::storage::{Storage, failed};

/// The longest that a command waits for its store at the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// The characters of a prompt that become the title of its conversation.
const TITLE: usize = 80;

/// The log of one command. The store is opened in the background, while the service answers.
#[derive(Debug)]
pub(crate) struct RunLog {
    level: LogLevel,
    node: Option<String>,
    opening: Opening,
    /// The budgets that calls have reserved in.
    budgets: Option<Budgets>,
}

#[derive(Debug)]
enum Opening {
    Off,
    Waiting(Box<ConnectArgs>),
    Running(JoinHandle<Result<Storage, Failure>>),
    Open(Storage),
}

/// A call that was made.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The model that was asked for.
    pub(crate) requested: &'a ModelRef,
    /// The provider that was asked last.
    pub(crate) provider: &'a str,
    pub(crate) request: &'a ChatRequest,
    pub(crate) result: Result<&'a ChatResponse, &'a Error>,
    pub(crate) timings: Timings,
}

/// The conversation that calls go on with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversation {
    /// Its id; `None` until its first answer is stored.
    pub(crate) id: Option<String>,
    /// The id of its last message.
    pub(crate) last: Option<String>,
    /// How many messages of the next request it has already.
    pub(crate) stored: usize,
}

impl RunLog {
    /// The log of a command with these flags. Nothing is opened yet.
    pub(crate) fn new(connect: &ConnectArgs, flags: &LogFlags) -> Self {
        let level = if flags.no_log { LogLevel::Off } else { connect.kept.log_level() };
        let opening = match level {
            LogLevel::Off => Opening::Off,
            _ => Opening::Waiting(Box::new(connect.clone())),
        };
        Self { level, node: flags.node.clone(), opening, budgets: None }
    }

    /// Opens the store in the background. To be called when the request goes out.
    pub(crate) fn open(&mut self) {
        if let Opening::Waiting(connect) = &self.opening {
            let kept = connect.kept.clone();
            self.opening = Opening::Running(tokio::spawn(async move { kept.storage().await }));
        }
    }

    /// The budgets of the workspace, in which calls that are logged count; `None` if there are none.
    ///
    /// # Errors
    /// Those of the database: what may be spent is not known then.
    pub(crate) async fn budgets(
        &mut self,
        connect: &ConnectArgs,
        output: Output,
    ) -> Result<Option<Budgets>, Failure> {
        // A store that is made for it has none.
        if matches!(self.opening, Opening::Off) || !connect.kept.has_store() {
            return Ok(None);
        }
        let Some(storage) = self.storage(output).await else { return Ok(None) };
        self.budgets = Budgets::of(storage, self.node.as_deref()).await.map_err(failed)?;
        Ok(self.budgets.clone())
    }

    /// Waits until the calls are settled in their budgets.
    pub(crate) async fn settled(&self, output: Output) {
        if let Some(budgets) = &self.budgets {
            budgets.settled(output).await;
        }
    }

    /// The store, once it is open. A store that does not open is told of once, and nothing is logged then: an
    /// answer is worth more than its log.
    async fn storage(&mut self, output: Output) -> Option<Storage> {
        self.open();
        if let Opening::Running(task) = &mut self.opening {
            let opened = match timeout(PATIENCE, task).await {
                Ok(Ok(opened)) => opened.map_err(|failure| {
                    failure.to_error().map_or_else(String::new, |error| error.message().to_owned())
                }),
                Ok(Err(_)) | Err(_) => Err(format!("it did not open within {} s", PATIENCE.as_secs())),
            };
            self.opening = match opened {
                Ok(storage) => {
                    if let Some(made) = &storage.made {
                        output.note(&output.err.dim(made).to_string());
                    }
                    Opening::Open(storage)
                }
                Err(problem) => {
                    output.note(&output.err.yellow(format!("this is not logged: {problem}")).to_string());
                    Opening::Off
                }
            };
        }
        match &self.opening {
            Opening::Open(storage) => Some(storage.clone()),
            _ => None,
        }
    }

    /// Logs the outcome of a question that was asked: a run for each answer, since each has a bill of its
    /// own. The times are with the last. The answers before it have the request as it was asked at first.
    pub(crate) async fn outcome(
        &mut self,
        question: &Question,
        outcome: &Outcome,
        conversation: Option<&mut Conversation>,
        output: Output,
    ) -> Option<String> {
        let provider = outcome.asked.as_ref().map_or(&question.reference().provider, |asked| &asked.provider);
        for earlier in &outcome.earlier {
            let call = Call {
                requested: question.reference(),
                provider,
                request: question.request(),
                result: Ok(earlier),
                timings: Timings::default(),
            };
            self.record(call, None, output).await;
        }
        let call = Call {
            requested: question.reference(),
            provider,
            request: question.request(),
            result: outcome.result.as_ref(),
            timings: outcome.timings,
        };
        self.record(call, conversation, output).await
    }

    /// Logs a question whose answer was dropped, since the reader of the output went away.
    pub(crate) async fn cut_off(&mut self, question: &Question, output: Output) {
        let error = Error::new(ErrorKind::Interrupted, "the reader of the output went away");
        let call = Call {
            requested: question.reference(),
            provider: &question.reference().provider,
            request: question.request(),
            result: Err(&error),
            timings: Timings::default(),
        };
        self.record(call, None, output).await;
    }

    /// Logs a call, and returns the id of its run. With a conversation, the messages that it lacks and the
    /// answer are added to it.
    pub(crate) async fn record(
        &mut self,
        call: Call<'_>,
        conversation: Option<&mut Conversation>,
        output: Output,
    ) -> Option<String> {
        let storage = self.storage(output).await?;
        match self.write(&storage, call, conversation).await {
            Ok(id) => Some(id),
            Err(error) => {
                output.note(&output.err.yellow(format!("this is not logged: {error}")).to_string());
                None
            }
        }
    }

    async fn write(
        &self,
        storage: &Storage,
        call: Call<'_>,
        conversation: Option<&mut Conversation>,
    ) -> Result<String, StoreError> {
        let Storage { store, workspace, .. } = storage;
        let response = call.result.map_or_else(Error::partial, Some);
        let mut run = Run::begin(workspace, call.provider, &call.requested.model)?;
        // It began when its request went out.
        let took = call.timings.total.map_or(0, |total| i64::try_from(total.as_millis()).unwrap_or(0));
        run.started_ms -= took;
        run = match call.result {
            Ok(response) => run.answered(response),
            Err(error) => run.failed(error),
        };
        run = run.timings(call.timings.first_token, call.timings.total);
        run.node.clone_from(&self.node);
        if self.level == LogLevel::All {
            run = run.with_content(call.request, response)?;
        }
        let said = response.and_then(|response| said(response, call.result.is_ok()));
        if let (Some(conversation), Some(said), LogLevel::All) = (conversation, said, self.level) {
            let new = call.request.messages.get(conversation.stored..).unwrap_or_default();
            let id = match &conversation.id {
                Some(id) => id.clone(),
                None => store.create_conversation(workspace, &title(new), None).await?.id,
            };
            run = run.conversation(&id);
            let parent = conversation.last.as_deref();
            let asked = store.append(workspace, &id, parent, new, None).await?;
            let parent = asked.last().map(String::as_str).or(parent);
            let answer = [Message::from(said)];
            let stored = store.append(workspace, &id, parent, &answer, Some(&run.id)).await?;
            conversation.stored = call.request.messages.len() + 1;
            conversation.last = stored.into_iter().next();
            conversation.id = Some(id);
        }
        store.record_run(&run).await?;
        Ok(run.id)
    }
}

/// The answer as a message of a conversation. Of one that broke off, the text that came is kept, but no tool
/// calls: their results will never come.
fn said(response: &ChatResponse, is_whole: bool) -> Option<AssistantMessage> {
    let mut message = response.message.clone();
    if !is_whole {
        message.tool_calls.clear();
    }
    (!message.is_empty() && message.tool_calls.is_empty()).then_some(message)
}

/// The title of a conversation that begins with these messages.
fn title(messages: &[Message]) -> String {
    let asked = messages.iter().find_map(|message| match message {
        Message::User(said) => Some(said.content.text()),
        _ => None,
    });
    let words: Vec<String> =
        asked.iter().flat_map(|text| text.split_whitespace().map(str::to_owned)).collect();
    words.join(" ").chars().take(TITLE).collect()
}
