//! Which runs of a workspace are listed.

use super::{Run, read};
use crate::error::Result;
use crate::store::Store;

/// Which runs to read. By default all of a workspace.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    node: Option<String>,
    user: Option<String>,
    token: Option<String>,
    conversation: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    finish: Option<String>,
    error_kind: Option<String>,
    failed: Option<bool>,
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

impl RunFilter {
    /// All runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of an agent node.
    #[must_use]
    pub fn node(mut self, id: impl Into<String>) -> Self {
        self.node = Some(id.into());
        self
    }

    /// Those for a user.
    #[must_use]
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(id.into());
        self
    }

    /// Those with an API token.
    #[must_use]
    pub fn token(mut self, id: impl Into<String>) -> Self {
        self.token = Some(id.into());
        self
    }

    /// Those of a configured provider.
    #[must_use]
    pub fn provider(mut self, id: impl Into<String>) -> Self {
        self.provider = Some(id.into());
        self
    }

    /// Those of a model: that which was asked for or that which answered, by its id or with its provider in
    /// front (`openrouter:openai/gpt-4o`).
    #[must_use]
    pub fn model(mut self, id: impl Into<String>) -> Self {
        self.model = Some(id.into());
        self
    }

    /// Those of a conversation.
    #[must_use]
    pub fn conversation(mut self, id: impl Into<String>) -> Self {
        self.conversation = Some(id.into());
        self
    }

    /// Those whose model stopped for this reason: `stop`, `length`, `tool_calls`, …
    #[must_use]
    pub fn finish(mut self, reason: impl Into<String>) -> Self {
        self.finish = Some(reason.into());
        self
    }

    /// Those that ended with an error of this kind, in the words of [`Run::error_kind`].
    #[must_use]
    pub fn error_kind(mut self, kind: impl Into<String>) -> Self {
        self.error_kind = Some(kind.into());
        self
    }

    /// Those that failed, or with `false` those that did not.
    #[must_use]
    pub fn failed(mut self, failed: bool) -> Self {
        self.failed = Some(failed);
        self
    }

    /// Those that began at this moment or later, in milliseconds since 1970.
    #[must_use]
    pub fn from_ms(mut self, moment: i64) -> Self {
        self.from_ms = Some(moment);
        self
    }

    /// Those that began before this moment, in milliseconds since 1970.
    #[must_use]
    pub fn to_ms(mut self, moment: i64) -> Self {
        self.to_ms = Some(moment);
        self
    }

    /// The ids between which the runs are, the second one left out. Ids begin with the time, so that the
    /// index over them finds a span as well.
    fn ids(&self, before: Option<&str>) -> (String, String) {
        let id = |moment: i64| match moment {
            ..=0 => String::new(),
            1..=MAX_ID_MS => format!("{moment:012x}"),
            _ => BEYOND_IDS.to_owned(),
        };
        let end = self.to_ms.map_or_else(|| BEYOND_IDS.to_owned(), id);
        let end = before.filter(|before| **before < *end).map_or(end, str::to_owned);
        (self.from_ms.map(id).unwrap_or_default(), end)
    }
}

/// The latest moment that an id can begin with, in milliseconds.
const MAX_ID_MS: i64 = 0xffff_ffff_ffff;

/// A text behind all ids, in every collation: they have no letter beyond `f`.
const BEYOND_IDS: &str = "g";

impl Store {
    /// The runs of a workspace, newest first: at most `limit`, those before the run `before`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn runs(
        &self,
        workspace: &str,
        filter: &RunFilter,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Run>> {
        let (from, end) = filter.ids(before);
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM runs WHERE workspace = $1 AND id >= $2 AND id < $3 ",
            "AND ($4 IS NULL OR node = $4) AND ($5 IS NULL OR user_id = $5) AND ($6 IS NULL OR token = $6) ",
            "AND ($7 IS NULL OR provider = $7) AND ($8 IS NULL OR requested = $8 OR served = $8 ",
            "OR provider || ':' || requested = $8 OR provider || ':' || served = $8) ",
            "AND ($9 IS NULL OR conversation = $9) AND ($10 IS NULL OR finish = $10) ",
            "AND ($11 IS NULL OR error_kind = $11) ",
            "AND ($12 = 0 OR $12 = 1 AND error_kind IS NOT NULL OR $12 = 2 AND error_kind IS NULL) ",
            "ORDER BY id DESC LIMIT $13"
        );
        let failed = match filter.failed {
            None => 0_i64,
            Some(true) => 1,
            Some(false) => 2,
        };
        let query = sqlx::query(sql).bind(workspace).bind(from).bind(end).bind(&filter.node);
        let query = query.bind(&filter.user).bind(&filter.token).bind(&filter.provider).bind(&filter.model);
        let query = query.bind(&filter.conversation).bind(&filter.finish).bind(&filter.error_kind);
        let query = query.bind(failed).bind(i64::from(limit));
        let rows = query.fetch_all(&self.database().read).await?;
        Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
    }
}
