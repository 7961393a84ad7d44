//! The conversation of a turn: what came before it, and what it adds.

use std::time::{SystemTime, UNIX_EPOCH};

use provider_core::{AssistantMessage, ChatResponse, FieldProblem, Message, Usd};
use workspace_store::{StoredMessage, TokenRecord};

use super::prompt::limit;
use crate::error::{ApiError, Result};
use crate::node::AgentNode;
use crate::state::App;

/// A branch of a conversation, to go on with.
pub(crate) struct Thread {
    workspace: String,
    pub(crate) conversation: String,
    history: Vec<StoredMessage>,
    /// The last message: the next one goes behind it.
    pub(crate) last: Option<String>,
    /// The ids of the messages that this turn has asked with.
    pub(crate) asked: Vec<String>,
    /// Whether an earlier request has stored them, to which no answer came.
    is_asked_again: bool,
    user: Option<String>,
    is_new: bool,
}

/// Opens a conversation behind one of its messages, or behind the newest.
pub(crate) async fn open(
    app: &App,
    token: &TokenRecord,
    id: &str,
    parent: Option<&str>,
    user: Option<&str>,
) -> Result<Thread> {
    let workspace = token.workspace.clone();
    let user = user.map(str::to_owned);
    let mut thread = Thread {
        workspace,
        conversation: String::new(),
        history: Vec::new(),
        last: None,
        asked: Vec::new(),
        is_asked_again: false,
        user,
        is_new: id == "new",
    };
    if thread.is_new {
        return match parent {
            None => Ok(thread),
            Some(_) => {
                Err(ApiError::invalid(vec![FieldProblem::new("parent_id", "is of another conversation")]))
            }
        };
    }
    id.clone_into(&mut thread.conversation);
    let last = match parent {
        Some(parent) => Some(parent.to_owned()),
        None => {
            let leaves = app.store.branches(&thread.workspace, id).await?;
            leaves.last().map(|message| message.id.clone())
        }
    };
    if let Some(last) = &last {
        thread.history = app.store.branch(&thread.workspace, id, last).await?;
    }
    thread.last = last;
    Ok(thread)
}

impl Thread {
    /// Finds the messages of this turn where an earlier request has stored them and got no answer: a client
    /// that tries again sends the same. They are stored once, and stand in the request once. Without a
    /// `parent` the turn goes on behind the newest message, which then is the last of them.
    pub(crate) async fn find_asked(
        &mut self,
        app: &App,
        new: &[Message],
        parent: Option<&str>,
    ) -> Result<()> {
        if self.is_new || new.is_empty() {
            return Ok(());
        }
        if parent.is_none() {
            let before = self.history.len().saturating_sub(new.len());
            if same(&self.history[before..], new) {
                let asked = self.history.split_off(before);
                self.asked_again(asked);
            }
            return Ok(());
        }
        let leaves = app.store.branches(&self.workspace, &self.conversation).await?;
        let unanswered = leaves.iter().filter(|leaf| Some(&leaf.message) == new.last());
        for leaf in unanswered {
            let branch = app.store.branch(&self.workspace, &self.conversation, &leaf.id).await?;
            let behind = branch.get(self.history.len()..).unwrap_or_default();
            let is_here = behind.first().is_some_and(|first| first.parent == self.last);
            if is_here && same(behind, new) {
                self.asked_again(behind.to_vec());
                break;
            }
        }
        Ok(())
    }

    fn asked_again(&mut self, asked: Vec<StoredMessage>) {
        self.last = asked.last().map(|message| message.id.clone());
        self.asked = asked.into_iter().map(|message| message.id).collect();
        self.is_asked_again = true;
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.history.iter().map(|stored| stored.message.clone()).collect()
    }

    /// Refuses messages that do not fit behind the last one, and turns beyond the node's limits.
    pub(crate) async fn check(&self, node: &AgentNode, new: &[Message], app: &App) -> Result<()> {
        let calls: &[_] = match self.history.last().map(|stored| &stored.message) {
            Some(Message::Assistant(said)) => &said.tool_calls,
            _ => &[],
        };
        let results: Vec<&str> = new
            .iter()
            .filter_map(|message| match message {
                Message::Tool(result) => Some(result.tool_call_id.as_str()),
                _ => None,
            })
            .collect();
        let mut problems = Vec::new();
        for call in calls.iter().filter(|call| !results.contains(&call.id.as_str())) {
            let problem = format!("has no result of the call {:?} of {:?}", call.id, call.name);
            problems.push(FieldProblem::new("tool_results", problem));
        }
        for id in results.iter().filter(|id| calls.iter().all(|call| call.id != **id)) {
            problems.push(FieldProblem::new("tool_results", format!("{id:?} is no call of the last answer")));
        }
        let ends_in_answer =
            matches!(self.history.last().map(|last| &last.message), Some(Message::Assistant(_)));
        if new.is_empty() && (ends_in_answer || self.history.is_empty()) {
            problems.push(FieldProblem::new("message", "is missing, and no question waits for an answer"));
        }
        if !problems.is_empty() {
            return Err(ApiError::invalid(problems));
        }
        self.check_limits(node, app).await
    }

    /// Refuses a turn for a question that has taken too long or cost too much.
    async fn check_limits(&self, node: &AgentNode, app: &App) -> Result<()> {
        let limits = &node.extension.limits;
        let question = self.history.iter().rposition(|stored| matches!(stored.message, Message::User(_)));
        let Some(question) = question else { return Ok(()) };
        let turns = &self.history[question..];
        // A question that was answered is over.
        let goes_on = turns.last().is_some_and(|last| match &last.message {
            Message::Assistant(said) => !said.tool_calls.is_empty(),
            _ => true,
        });
        if !goes_on {
            return Ok(());
        }
        if let (Some(most), Some(asked)) = (limits.max_seconds, turns.first()) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let asked = u64::try_from(asked.created.unix_seconds()).unwrap_or_default();
            if now.as_secs().saturating_sub(asked) > most {
                return Err(limit(format!("the question is older than max_seconds, which is {most}")));
            }
        }
        if let Some(most) = limits.max_cost_usd {
            app.recorder.flush().await;
            let mut spent = Usd::ZERO;
            for run in turns.iter().filter_map(|stored| stored.run.as_deref()) {
                let run = app.store.run(&self.workspace, run).await;
                let cost = run.ok().and_then(|run| Some(run.cost? + run.upstream_cost.unwrap_or(Usd::ZERO)));
                spent = spent + cost.unwrap_or(app.settings.unlisted_estimate);
            }
            if spent >= most {
                return Err(limit(format!("the question has cost {spent} USD, and max_cost_usd is {most}")));
            }
        }
        Ok(())
    }

    /// Stores what is asked, in a conversation that begins with it if there is none yet.
    pub(crate) async fn asked(&mut self, app: &App, new: Vec<Message>) -> Result<()> {
        if self.is_new {
            let title = new.iter().find_map(|message| match message {
                Message::User(said) => Some(said.content.text()),
                _ => None,
            });
            let title: String = title.unwrap_or_default().chars().take(80).collect();
            let made = app.store.create_conversation(&self.workspace, &title, self.user.as_deref()).await?;
            self.conversation = made.id;
        }
        if !new.is_empty() && !self.is_asked_again {
            let (workspace, id) = (&self.workspace, &self.conversation);
            self.asked = app.store.append(workspace, id, self.last.as_deref(), &new, None).await?;
            self.last = self.asked.last().cloned().or(self.last.take());
        }
        Ok(())
    }

    /// Stores the answer, and returns the id of its message. Of an answer that broke off, the text and the
    /// rest that came are kept, but no calls of tools: nobody is going to answer these.
    pub(crate) async fn answered(
        self,
        app: &App,
        response: &ChatResponse,
        run: &str,
        is_whole: bool,
    ) -> Result<Option<String>> {
        let mut message: AssistantMessage = response.message.clone();
        if !is_whole {
            message.tool_calls.clear();
        }
        if message.is_empty() {
            return Ok(None);
        }
        let parent = self.last.as_deref();
        let ids = app
            .store
            .append(&self.workspace, &self.conversation, parent, &[message.into()], Some(run))
            .await?;
        Ok(ids.into_iter().next())
    }
}

/// Whether these messages are stored ones, in the same order.
fn same(stored: &[StoredMessage], messages: &[Message]) -> bool {
    stored.len() == messages.len() && stored.iter().map(|stored| &stored.message).eq(messages)
}
