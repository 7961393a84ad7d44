//! The conversation of the store that a chat goes on with.

use provider_core::{ChatRequest, Message};
use workspace_store::{ConversationRecord, StoredMessage};

use crate::cli::{ChatArgs, ConnectArgs};
use crate::exit::Failure;
use crate::run_log::Conversation;
use crate::storage::{Storage, failed};

/// How many conversations are looked through for one.
const SEARCHED: u32 = 1000;

/// A branch of a conversation: what was said, and where the next message goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thread {
    pub(crate) conversation: Conversation,
    pub(crate) messages: Vec<Message>,
    /// The model of its last answer, as the command line names it.
    pub(crate) model: Option<String>,
    /// The ids of those messages that came from the store.
    ids: Vec<String>,
}

impl Thread {
    /// The conversation that the flags name; a new one, if they name none.
    ///
    /// # Errors
    /// When there is no such conversation, or no store.
    pub(crate) async fn of(args: &ChatArgs, connect: &ConnectArgs) -> Result<Self, Failure> {
        if !args.latest && args.conversation.is_none() {
            return Ok(Self::default());
        }
        if !connect.kept.has_store() {
            return Err(Failure::Usage("there is no conversation yet to go on with".to_owned()));
        }
        let storage = connect.kept.storage().await?;
        let record = found(&storage, args.conversation.as_deref()).await?;
        let leaves = storage.store.branches(&storage.workspace, &record.id).await.map_err(failed)?;
        match leaves.last() {
            Some(last) => Self::at(&storage, &record.id, &last.id).await,
            None => Ok(Self {
                conversation: Conversation { id: Some(record.id), ..Conversation::default() },
                ..Self::default()
            }),
        }
    }

    /// The branch of a conversation that ends in a message.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn at(storage: &Storage, id: &str, last: &str) -> Result<Self, Failure> {
        let Storage { store, workspace, .. } = storage;
        let branch: Vec<StoredMessage> = store.branch(workspace, id, last).await.map_err(failed)?;
        let mut model = None;
        if let Some(run) = branch.iter().rev().find_map(|message| message.run.as_deref()) {
            // Without its run, the model has to be named.
            model =
                store.run(workspace, run).await.ok().map(|run| format!("{}:{}", run.provider, run.requested));
        }
        let (ids, messages): (Vec<String>, Vec<Message>) =
            branch.into_iter().map(|stored| (stored.id, stored.message)).unzip();
        let conversation =
            Conversation { id: Some(id.to_owned()), last: Some(last.to_owned()), stored: messages.len() };
        Ok(Self { conversation, messages, model, ids })
    }

    /// The branch before each question of the store, with the question: messages of the user in a row are
    /// one.
    pub(crate) fn questions(&self) -> Vec<(Self, Vec<Message>)> {
        let is_user = |message: &Message| matches!(message, Message::User(_));
        let mut questions = Vec::new();
        for (begin, message) in self.messages.iter().enumerate().take(self.ids.len()) {
            let follows = begin.checked_sub(1).is_some_and(|before| is_user(&self.messages[before]));
            if !is_user(message) || follows {
                continue;
            }
            let (before, rest) = self.messages.split_at(begin);
            let conversation = Conversation {
                id: self.conversation.id.clone(),
                last: begin.checked_sub(1).and_then(|last| self.ids.get(last).cloned()),
                stored: begin,
            };
            let ids = self.ids.iter().take(begin).cloned().collect();
            let thread = Self { conversation, messages: before.to_vec(), model: self.model.clone(), ids };
            questions.push((thread, rest.iter().take_while(|message| is_user(message)).cloned().collect()));
        }
        questions
    }

    /// The model to ask: the one that the flags or the profile name, or that of the conversation.
    ///
    /// # Errors
    /// When none is known.
    pub(crate) fn model(&self, args: &ChatArgs) -> Result<String, Failure> {
        let named = Some(&args.model).filter(|model| !model.is_empty()).or(self.model.as_ref());
        named.cloned().ok_or_else(|| {
            Failure::Usage("the conversation does not say which model answered; name one with -m".to_owned())
        })
    }

    /// Puts what was said before in front of a request. The system prompt with which the conversation began
    /// stays; another one stands in front of a conversation that began without any.
    pub(crate) fn put_before(&mut self, request: &mut ChatRequest) {
        let has_own = self.messages.first().is_some_and(is_system);
        let (system, asked): (Vec<Message>, Vec<Message>) =
            request.messages.iter().cloned().partition(is_system);
        if self.messages.is_empty() {
            request.messages = system.into_iter().chain(asked).collect();
            return;
        }
        let system = if has_own { Vec::new() } else { system };
        self.conversation.stored = system.len() + self.messages.len();
        request.messages = system.into_iter().chain(self.messages.iter().cloned()).chain(asked).collect();
    }
}

fn is_system(message: &Message) -> bool {
    matches!(message, Message::System(_))
}

/// The conversation of an id or of the end of one, or the one that was last gone on with.
async fn found(storage: &Storage, named: Option<&str>) -> Result<ConversationRecord, Failure> {
    let Storage { store, workspace, .. } = storage;
    let all = store.conversations(workspace, None, None, SEARCHED).await.map_err(failed)?;
    let found = match named {
        Some(end) => all.into_iter().find(|record| record.id.ends_with(end)),
        None => {
            let newest = all.iter().map(|record| record.updated).max_by_key(|moment| moment.unix_seconds());
            // Several may be of one second. The ids of messages are in the order of time.
            let mut found: Option<(String, ConversationRecord)> = None;
            for record in all.into_iter().filter(|record| Some(record.updated) == newest) {
                let leaves = store.branches(workspace, &record.id).await.map_err(failed)?;
                let last = leaves.into_iter().map(|leaf| leaf.id).max().unwrap_or_default();
                if found.as_ref().is_none_or(|(other, _)| *other < last) {
                    found = Some((last, record));
                }
            }
            found.map(|(_, record)| record)
        }
    };
    found.ok_or_else(|| {
        Failure::Usage(match named {
            Some(id) => format!("there is no conversation {id:?}; `asq log show` names that of a run"),
            None => "there is no conversation yet to go on with".to_owned(),
        })
    })
}
