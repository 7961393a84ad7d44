//! Conversations: trees of messages, each stored without loss.

use provider_core::{Message, Timestamp};
use serde::Serialize;

use crate::database::Tx;
use crate::error::{RecordKind, Result, StoreError};
use crate::run::{clean, new_id};
use crate::store::Store;
use crate::time::timestamp;

/// A stored conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConversationRecord {
    /// Its id: later ones have higher ones.
    pub id: String,
    /// The workspace that it is in.
    pub workspace: String,
    /// The title to show.
    pub title: String,
    /// The user that it is of.
    pub user: Option<String>,
    /// The moment of its creation.
    pub created: Timestamp,
    /// The moment of its last message.
    pub updated: Timestamp,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoredMessage {
    /// Its id: later ones have higher ones.
    pub id: String,
    /// The message before it; `None` for the first.
    pub parent: Option<String>,
    /// The run that it is the answer of.
    pub run: Option<String>,
    /// The moment at which it was stored.
    pub created: Timestamp,
    /// The message, exactly as it was given.
    pub message: Message,
}

/// The longest title, in characters. Longer ones are cut.
const MAX_TITLE: usize = 200;

impl Store {
    /// Creates a conversation without messages.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown workspace.
    pub async fn create_conversation(
        &self,
        workspace: &str,
        title: &str,
        user: Option<&str>,
    ) -> Result<ConversationRecord> {
        let now = self.now();
        let id = new_id(now)?;
        let sql = "INSERT INTO conversations (id, workspace, title, user_id, created, updated) \
                   SELECT $1, id, $3, $4, $5, $5 FROM workspaces WHERE id = $2";
        let query =
            sqlx::query(sql).bind(&id).bind(workspace).bind(cut(title)).bind(user.map(clean)).bind(now);
        if query.execute(&self.database().write).await?.rows_affected() == 0 {
            return Err(StoreError::not_found(RecordKind::Workspace, workspace));
        }
        self.conversation(workspace, &id).await
    }

    /// Returns a conversation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn conversation(&self, workspace: &str, id: &str) -> Result<ConversationRecord> {
        let sql = "SELECT id, workspace, title, user_id, created, updated FROM conversations \
                   WHERE workspace = $1 AND id = $2";
        let query = sqlx::query_as::<_, Row>(sql).bind(workspace).bind(id);
        let row = query.fetch_optional(&self.database().read).await?;
        row.map(record).ok_or_else(|| StoreError::not_found(RecordKind::Conversation, id))
    }

    /// The conversations of a workspace, newest first: at most `limit`, those created before the one
    /// `before`; those of a user, or of all.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn conversations(
        &self,
        workspace: &str,
        user: Option<&str>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ConversationRecord>> {
        let sql = "SELECT id, workspace, title, user_id, created, updated FROM conversations \
                   WHERE workspace = $1 AND ($2 IS NULL OR user_id = $2) AND ($3 IS NULL OR id < $3) \
                   ORDER BY id DESC LIMIT $4";
        let query = sqlx::query_as::<_, Row>(sql).bind(workspace).bind(user).bind(before);
        let rows = query.bind(i64::from(limit)).fetch_all(&self.database().read).await?;
        Ok(rows.into_iter().map(record).collect())
    }

    /// Gives a conversation another title.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn rename_conversation(&self, workspace: &str, id: &str, title: &str) -> Result<()> {
        let sql = "UPDATE conversations SET title = $1 WHERE workspace = $2 AND id = $3";
        let query = sqlx::query(sql).bind(cut(title)).bind(workspace).bind(id);
        match query.execute(&self.database().write).await?.rows_affected() {
            0 => Err(StoreError::not_found(RecordKind::Conversation, id)),
            _ => Ok(()),
        }
    }

    /// Deletes a conversation with its messages.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_conversation(&self, workspace: &str, id: &str) -> Result<()> {
        let sql = "DELETE FROM conversations WHERE workspace = $1 AND id = $2";
        let query = sqlx::query(sql).bind(workspace).bind(id);
        match query.execute(&self.database().write).await?.rows_affected() {
            0 => Err(StoreError::not_found(RecordKind::Conversation, id)),
            _ => Ok(()),
        }
    }

    /// Adds messages behind one another, the first behind `parent`, and returns their ids. A parent that has
    /// a message behind it already gets a second branch: so a question is asked anew, or answered by another
    /// model. Without a parent they begin the conversation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a conversation that is not in the workspace, or a parent that is not in
    /// the conversation; [`StoreError::Invalid`] for a message that cannot be written as JSON.
    pub async fn append(
        &self,
        workspace: &str,
        conversation: &str,
        parent: Option<&str>,
        messages: &[Message],
        run: Option<&str>,
    ) -> Result<Vec<String>> {
        let now = self.now();
        let mut tx = self.database().begin().await?;
        let sql = "UPDATE conversations SET updated = $1 WHERE workspace = $2 AND id = $3";
        let touched = sqlx::query(sql).bind(now).bind(workspace).bind(conversation).execute(&mut *tx).await?;
        if touched.rows_affected() == 0 {
            return Err(StoreError::not_found(RecordKind::Conversation, conversation));
        }
        if let Some(parent) = parent {
            let sql = "SELECT 1 FROM messages WHERE conversation = $1 AND id = $2";
            let query = sqlx::query_as::<_, (i32,)>(sql).bind(conversation).bind(parent);
            let missing = || StoreError::not_found(RecordKind::Message, parent);
            query.fetch_optional(&mut *tx).await?.ok_or_else(missing)?;
        }
        let mut ids: Vec<String> = Vec::with_capacity(messages.len());
        for message in messages {
            let id = new_id(now)?;
            let body = serde_json::to_string(message);
            let body = body.map_err(|error| StoreError::invalid("message", error.to_string()))?;
            let before = ids.last().map(String::as_str).or(parent);
            let run = run.map(clean);
            insert_message(&mut tx, conversation, &id, before, now, run.as_deref(), &body).await?;
            ids.push(id);
        }
        tx.commit().await?;
        Ok(ids)
    }

    /// The messages of a branch, from the first to `last`: what a request goes on with.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a message that is not in the conversation, or a conversation that is not
    /// in the workspace.
    pub async fn branch(
        &self,
        workspace: &str,
        conversation: &str,
        last: &str,
    ) -> Result<Vec<StoredMessage>> {
        // Depth counts up, since ids of one moment are in no order.
        let sql = "WITH RECURSIVE branch (id, parent, run, created, body, depth) AS ( \
                   SELECT m.id, m.parent, m.run, m.created, m.body, CAST(0 AS BIGINT) FROM messages m \
                   JOIN conversations c ON c.id = m.conversation \
                   WHERE c.workspace = $1 AND c.id = $2 AND m.id = $3 \
                   UNION ALL SELECT m.id, m.parent, m.run, m.created, m.body, b.depth + 1 \
                   FROM messages m JOIN branch b ON m.id = b.parent) \
                   SELECT id, parent, run, created, body FROM branch ORDER BY depth DESC";
        let query = sqlx::query_as::<_, MessageRow>(sql).bind(workspace).bind(conversation).bind(last);
        let rows = query.fetch_all(&self.database().read).await?;
        if rows.is_empty() {
            return Err(StoreError::not_found(RecordKind::Message, last));
        }
        rows.into_iter().map(message).collect()
    }

    /// The last messages of all branches, oldest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn branches(&self, workspace: &str, conversation: &str) -> Result<Vec<StoredMessage>> {
        self.conversation(workspace, conversation).await?;
        let sql = "SELECT id, parent, run, created, body FROM messages m WHERE conversation = $1 \
                   AND NOT EXISTS (SELECT 1 FROM messages n WHERE n.parent = m.id) ORDER BY created, id";
        let query = sqlx::query_as::<_, MessageRow>(sql).bind(conversation);
        query.fetch_all(&self.database().read).await?.into_iter().map(message).collect()
    }
}

type Row = (String, String, String, Option<String>, i64, i64);
type MessageRow = (String, Option<String>, Option<String>, i64, String);

fn record((id, workspace, title, user, created, updated): Row) -> ConversationRecord {
    let (created, updated) = (timestamp(created), timestamp(updated));
    ConversationRecord { id, workspace, title, user, created, updated }
}

fn message((id, parent, run, created, body): MessageRow) -> Result<StoredMessage> {
    let unreadable = |error: serde_json::Error| StoreError::invalid("message", format!("{id}: {error}"));
    let message = serde_json::from_str(&body).map_err(unreadable)?;
    Ok(StoredMessage { id, parent, run, created: timestamp(created), message })
}

pub(crate) async fn insert_message(
    tx: &mut Tx,
    conversation: &str,
    id: &str,
    parent: Option<&str>,
    created: i64,
    run: Option<&str>,
    body: &str,
) -> Result<()> {
    let sql = "INSERT INTO messages (id, conversation, parent, created, run, body) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let query = sqlx::query(sql).bind(id).bind(conversation).bind(parent).bind(created).bind(run);
    query.bind(body).execute(&mut **tx).await?;
    Ok(())
}

fn cut(title: &str) -> String {
    clean(title).chars().take(MAX_TITLE).collect()
}
