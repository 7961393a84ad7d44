//! Runs: every call of a model, how it ended, and what it cost.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provider_core::{ChatRequest, ChatResponse, Error, OptionsByProvider, RawJson, Usage, Usd};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::database::Tx;
use crate::error::{RecordKind, Result, StoreError};
use crate::key::hex;
use crate::store::{Inner, Store};

/// The columns of a run, in the order in which they are bound.
macro_rules! columns {
    () => {
        "id, workspace, started, node, user_id, token, conversation, provider, requested, served, upstream, \
         generation, attempts, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost, \
         upstream_cost, first_output_ms, total_ms, finish, error_kind, error"
    };
}

mod filter;
pub(crate) mod totals;

pub use self::filter::RunFilter;
pub use self::totals::RunTotals;

/// One call of a model: who asked which model, how it ended, what it cost. Make one before the request is
/// sent, tell it [how it ended](Self::answered), and hand it to a [`Recorder`](crate::Recorder).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// Its id: 32 hexadecimal digits that begin with the time, so that later runs have higher ones.
    pub id: String,
    /// The workspace that it is in.
    pub workspace: String,
    /// Its beginning, in milliseconds since 1970.
    pub started_ms: i64,
    /// The agent node that asked.
    pub node: Option<String>,
    /// The user that it was for.
    pub user: Option<String>,
    /// The id of the API token that it came with.
    pub token: Option<String>,
    /// The conversation that it is part of.
    pub conversation: Option<String>,
    /// The id of the configured provider.
    pub provider: String,
    /// The model that was asked for.
    pub requested: String,
    /// The model that answered, as the service names it.
    pub served: Option<String>,
    /// The upstream provider that ran the model.
    pub upstream: Option<String>,
    /// The service's id of the generation.
    pub generation: Option<String>,
    /// How many attempts there were, those that failed included.
    pub attempts: u32,
    /// The tokens of the request.
    pub prompt_tokens: Option<u64>,
    /// The tokens of the answer.
    pub completion_tokens: Option<u64>,
    /// The tokens of the request that were read from the prompt cache.
    pub cached_tokens: Option<u64>,
    /// The tokens that the model thought with.
    pub reasoning_tokens: Option<u64>,
    /// The service's charge, exactly as billed; `None`: the service did not say.
    pub cost: Option<Usd>,
    /// The upstream provider's own charge, where a key of one's own was used there.
    pub upstream_cost: Option<Usd>,
    /// The time to the first output, in milliseconds.
    pub first_output_ms: Option<u64>,
    /// The time to the end, in milliseconds.
    pub total_ms: Option<u64>,
    /// The reason why the model stopped.
    pub finish: Option<String>,
    /// The kind of error that it ended with, in the words of [`ErrorKind`](provider_core::ErrorKind)'s JSON.
    pub error_kind: Option<String>,
    /// The error in words.
    pub error: Option<String>,
    /// The prompt and the answer. They are stored if the workspace
    /// [keeps content](crate::WorkspaceChange::keep_content), and dropped if not.
    pub content: Option<RunContent>,
}

/// The prompt and the answer of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunContent {
    /// The request, in the stored form of [`ChatRequest`], without options of providers.
    pub request: RawJson,
    /// The answer, or the part of it that came, as the JSON of a [`ChatResponse`]; `null` if none did.
    pub response: RawJson,
}

/// The longest text of an error that is stored, in characters.
const MAX_ERROR: usize = 2000;

impl Run {
    /// A run that begins now.
    ///
    /// # Errors
    /// [`StoreError::Seal`] if the operating system gives no random numbers.
    pub fn begin(
        workspace: impl Into<String>,
        provider: impl Into<String>,
        requested: impl Into<String>,
    ) -> Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Ok(Self {
            id: new_id(started_ms)?,
            workspace: workspace.into(),
            started_ms,
            node: None,
            user: None,
            token: None,
            conversation: None,
            provider: provider.into(),
            requested: requested.into(),
            served: None,
            upstream: None,
            generation: None,
            attempts: 1,
            prompt_tokens: None,
            completion_tokens: None,
            cached_tokens: None,
            reasoning_tokens: None,
            cost: None,
            upstream_cost: None,
            first_output_ms: None,
            total_ms: None,
            finish: None,
            error_kind: None,
            error: None,
            content: None,
        })
    }

    /// Says which agent node asked.
    #[must_use]
    pub fn node(mut self, id: impl Into<String>) -> Self {
        self.node = Some(id.into());
        self
    }

    /// Says which user it is for.
    #[must_use]
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(id.into());
        self
    }

    /// Says which API token it came with.
    #[must_use]
    pub fn token(mut self, id: impl Into<String>) -> Self {
        self.token = Some(id.into());
        self
    }

    /// Says which conversation it is part of.
    #[must_use]
    pub fn conversation(mut self, id: impl Into<String>) -> Self {
        self.conversation = Some(id.into());
        self
    }

    /// Sets the times to the first output and to the end.
    #[must_use]
    pub fn timings(mut self, first_output: Option<Duration>, total: Option<Duration>) -> Self {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.first_output_ms = first_output.map(milliseconds);
        self.total_ms = total.map(milliseconds);
        self
    }

    /// Takes over what an answer tells: models, tokens, cost, attempts, finish reason.
    #[must_use]
    pub fn answered(mut self, response: &ChatResponse) -> Self {
        self.served = Some(response.model.clone()).filter(|model| !model.is_empty());
        self.upstream.clone_from(&response.served_by.provider);
        self.generation.clone_from(&response.id);
        self.attempts = u32::try_from(response.attempts.len()).unwrap_or(u32::MAX).saturating_add(1);
        let Usage { prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, .. } = response.usage;
        (self.prompt_tokens, self.completion_tokens) = (prompt_tokens, completion_tokens);
        (self.cached_tokens, self.reasoning_tokens) = (cached_tokens, reasoning_tokens);
        self.cost = response.usage.cost;
        self.upstream_cost = response.usage.upstream_cost.filter(|_| response.usage.is_byok == Some(true));
        self.finish = response.finish_reason.as_ref().map(|reason| reason.as_str().to_owned());
        self
    }

    /// Takes over what an error tells, the part of an answer that came included: it may have been billed.
    #[must_use]
    pub fn failed(mut self, error: &Error) -> Self {
        if let Some(partial) = error.partial() {
            self = self.answered(partial);
        }
        self.generation = self.generation.or_else(|| error.generation_id().map(str::to_owned));
        let upstream = error.upstream().and_then(|upstream| upstream.provider.clone());
        self.upstream = self.upstream.or(upstream);
        self.attempts = u32::try_from(error.attempts().len()).unwrap_or(u32::MAX).saturating_add(1);
        let kind = serde_json::to_value(error.kind()).ok();
        self.error_kind = kind.and_then(|kind| kind.as_str().map(str::to_owned));
        self.error = Some(error.to_string().chars().take(MAX_ERROR).collect());
        self
    }

    /// Whether it may have cost something that the service has not told. A run that was refused before any
    /// answer began is free.
    pub fn lacks_cost(&self) -> bool {
        let completion = self.completion_tokens.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        self.cost.is_none() && !is_free(self.error_kind.as_deref(), self.served.as_deref(), completion)
    }

    /// Adds the prompt and the answer, for workspaces that keep them. The request goes without the
    /// [options](ChatRequest::options) of providers: a key of a gateway may be among their headers.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if one of them cannot be written as JSON.
    pub fn with_content(mut self, request: &ChatRequest, response: Option<&ChatResponse>) -> Result<Self> {
        let problem = |error: serde_json::Error| StoreError::invalid("content", error.to_string());
        let mut kept = request.clone();
        kept.options = OptionsByProvider::default();
        let request = RawJson::new(&kept).map_err(problem)?;
        let response = RawJson::new(&response).map_err(problem)?;
        self.content = Some(RunContent { request, response });
        Ok(self)
    }
}

/// Whether a run without a bill cost nothing: the service refused it, and no answer had begun. A wait that
/// was ended may be billed all the same.
fn is_free(error_kind: Option<&str>, served: Option<&str>, completion_tokens: Option<i64>) -> bool {
    let may_be_billed =
        ["cancelled", "interrupted", "timeout", "connection", "empty_response", "invalid_response"];
    let was_refused = error_kind.is_some_and(|kind| !may_be_billed.contains(&kind));
    was_refused && served.is_none() && completion_tokens.is_none()
}

impl Store {
    /// Stores a run, and returns when it is in the database. A run that is stored already stays as it is. A
    /// [`Recorder`](crate::Recorder) does this off the path of an answer.
    ///
    /// # Errors
    /// Those of the database; [`StoreError::NotFound`] for an unknown workspace.
    pub async fn record_run(&self, run: &Run) -> Result<()> {
        match self.0.insert_runs(std::slice::from_ref(run)).await?.refused {
            0 => Ok(()),
            _ => Err(StoreError::not_found(RecordKind::Workspace, &run.workspace)),
        }
    }

    /// Returns a run.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn run(&self, workspace: &str, id: &str) -> Result<Run> {
        let sql = concat!("SELECT ", columns!(), " FROM runs WHERE workspace = $1 AND id = $2");
        let row = sqlx::query(sql).bind(workspace).bind(id).fetch_optional(&self.database().read).await?;
        let row = row.ok_or_else(|| StoreError::not_found(RecordKind::Run, id))?;
        Ok(read(&row)?)
    }

    /// The prompt and the answer of a run; `None` if the workspace does not keep them, or not any more.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn run_content(&self, workspace: &str, id: &str) -> Result<Option<RunContent>> {
        let sql = "SELECT c.request, c.response FROM run_contents c JOIN runs r ON r.id = c.run \
                   WHERE r.workspace = $1 AND r.id = $2 AND c.expires > $3";
        let query = sqlx::query_as::<_, (String, String)>(sql).bind(workspace).bind(id).bind(self.now());
        let Some((request, response)) = query.fetch_optional(&self.database().read).await? else {
            return Ok(None);
        };
        // It was written from JSON.
        let json = |text: String| RawJson::from_checked(&text);
        Ok(Some(RunContent { request: json(request), response: json(response) }))
    }

    /// The sums over the runs of a workspace that began in this span of time, in milliseconds since 1970, the
    /// end left out. Runs are read in pages. Those that are [not kept any
    /// more](crate::WorkspaceChange::keep_runs) are not in it, but in [`run_days`](Self::run_days).
    ///
    /// # Errors
    /// Those of the database.
    pub async fn run_totals(&self, workspace: &str, from_ms: i64, to_ms: i64) -> Result<RunTotals> {
        type Row = (
            String,
            i64,
            Option<i64>,
            Option<i64>,
            Option<String>,
            Option<String>,
            Option<String>,
            Option<String>,
        );
        let mut totals = RunTotals::default();
        let mut after = (from_ms, String::new());
        loop {
            let sql = "SELECT id, started, prompt_tokens, completion_tokens, cost, upstream_cost, error_kind, \
                       served FROM runs WHERE workspace = $1 AND (started, id) > ($2, $3) AND started < $4 \
                       ORDER BY started, id LIMIT 1000";
            let query =
                sqlx::query_as::<_, Row>(sql).bind(workspace).bind(after.0).bind(&after.1).bind(to_ms);
            let rows = query.fetch_all(&self.database().read).await?;
            let Some(last) = rows.last() else { return Ok(totals) };
            after = (last.1, last.0.clone());
            for (_, _, prompt, completion, cost, upstream_cost, error_kind, served) in rows {
                let count =
                    |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
                totals.runs += 1;
                totals.failed += u64::from(error_kind.is_some());
                totals.prompt_tokens = totals.prompt_tokens.saturating_add(count(prompt));
                totals.completion_tokens = totals.completion_tokens.saturating_add(count(completion));
                let is_free = is_free(error_kind.as_deref(), served.as_deref(), completion);
                totals.cost_unknown += u64::from(cost.is_none() && !is_free);
                for cost in [cost, upstream_cost].into_iter().flatten() {
                    totals.cost = totals.cost + cost.parse().unwrap_or(Usd::ZERO);
                }
            }
        }
    }
}

impl Run {
    /// Its row, in the order of the columns.
    fn row(&self) -> serde_json::Value {
        let count = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let cost = |cost: Option<Usd>| cost.map(|cost| cost.to_string());
        let text = |text: &Option<String>| text.as_deref().map(clean);
        json!([
            clean(&self.id),
            clean(&self.workspace),
            self.started_ms,
            text(&self.node),
            text(&self.user),
            text(&self.token),
            text(&self.conversation),
            clean(&self.provider),
            clean(&self.requested),
            text(&self.served),
            text(&self.upstream),
            text(&self.generation),
            self.attempts,
            count(self.prompt_tokens),
            count(self.completion_tokens),
            count(self.cached_tokens),
            count(self.reasoning_tokens),
            cost(self.cost),
            cost(self.upstream_cost),
            count(self.first_output_ms),
            count(self.total_ms),
            text(&self.finish),
            text(&self.error_kind),
            text(&self.error),
        ])
    }
}

/// How many runs went to the database.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inserted {
    pub(crate) new: u64,
    /// Those of a workspace that does not exist.
    pub(crate) refused: u64,
}

impl Inner {
    /// Inserts the runs that are not there yet, in one transaction.
    pub(crate) async fn insert_runs(&self, runs: &[Run]) -> Result<Inserted> {
        let mut tx = self.database.begin().await?;
        let all = runs.len() as u64;
        if self.insert_rows(&mut tx, runs).await? == all {
            let mut counts = totals::Counts::default();
            for run in runs {
                counts.add(&mut tx, run).await?;
            }
            counts.write(&mut tx).await?;
            tx.commit().await?;
            return Ok(Inserted { new: all, refused: 0 });
        }
        // Some are there already, or are of no workspace: one after another tells which.
        tx.rollback().await?;
        let mut tx = self.database.begin().await?;
        let mut inserted = Inserted::default();
        let mut counts = totals::Counts::default();
        for run in runs {
            match self.insert_run(&mut tx, run).await? {
                0 => {
                    let sql = "SELECT count(*) FROM runs WHERE id = $1";
                    let known: i64 = sqlx::query_scalar(sql).bind(&run.id).fetch_one(&mut *tx).await?;
                    inserted.refused += u64::from(known == 0);
                }
                new => {
                    inserted.new += new;
                    counts.add(&mut tx, run).await?;
                }
            }
        }
        counts.write(&mut tx).await?;
        tx.commit().await?;
        Ok(inserted)
    }

    /// Inserts a run that is not there yet, and returns how many that were. It is not in the sums by day
    /// then.
    pub(crate) async fn insert_run(&self, tx: &mut Tx, run: &Run) -> Result<u64> {
        self.insert_rows(tx, std::slice::from_ref(run)).await
    }

    /// Inserts the runs that are not there yet with one statement, and returns how many that were.
    async fn insert_rows(&self, tx: &mut Tx, runs: &[Run]) -> Result<u64> {
        macro_rules! insert {
            ($integer:literal, $from:literal) => {
                concat!(
                    "INSERT INTO runs (",
                    columns!(),
                    ") SELECT run.value ->> 0, run.value ->> 1, ",
                    "(run.value ->> 2)",
                    $integer,
                    ", run.value ->> 3, run.value ->> 4, run.value ->> 5, run.value ->> 6, run.value ->> 7, ",
                    "run.value ->> 8, run.value ->> 9, run.value ->> 10, run.value ->> 11, ",
                    "(run.value ->> 12)",
                    $integer,
                    ", (run.value ->> 13)",
                    $integer,
                    ", (run.value ->> 14)",
                    $integer,
                    ", (run.value ->> 15)",
                    $integer,
                    ", (run.value ->> 16)",
                    $integer,
                    ", run.value ->> 17, run.value ->> 18, ",
                    "(run.value ->> 19)",
                    $integer,
                    ", (run.value ->> 20)",
                    $integer,
                    ", run.value ->> 21, run.value ->> 22, run.value ->> 23 FROM ",
                    $from,
                    " WHERE EXISTS (SELECT 1 FROM workspaces w WHERE w.id = run.value ->> 1) ",
                    "ON CONFLICT (id) DO NOTHING"
                )
            };
        }
        let sql = self.database.pick(
            insert!("", "json_each($1) AS run"),
            insert!("::bigint", "json_array_elements($1::json) AS run (value)"),
        );
        let rows: Vec<_> = runs.iter().map(Run::row).collect();
        // Lists of texts and numbers are always JSON.
        let rows = serde_json::to_string(&rows).unwrap_or_default();
        let inserted = sqlx::query(sql).bind(rows).execute(&mut **tx).await?.rows_affected();
        if inserted == 0 {
            return Ok(0);
        }
        for (run, content) in runs.iter().filter_map(|run| Some((run, run.content.as_ref()?))) {
            let sql = "INSERT INTO run_contents (run, request, response, expires) \
                       SELECT $1, $2, $3, $4 + keep_content_ms FROM workspaces \
                       WHERE id = $5 AND keep_content_ms IS NOT NULL ON CONFLICT (run) DO NOTHING";
            let query =
                sqlx::query(sql).bind(&run.id).bind(content.request.get()).bind(content.response.get());
            query.bind(self.clock.now()).bind(&run.workspace).execute(&mut **tx).await?;
        }
        Ok(inserted)
    }

    /// Drops prompts and answers whose time is over.
    pub(crate) async fn drop_old_contents(&self) -> Result<()> {
        let sql = "DELETE FROM run_contents WHERE run IN \
                   (SELECT run FROM run_contents WHERE expires <= $1 LIMIT 500)";
        self.delete_in_steps(sql, self.clock.now()).await
    }

    /// Drops the runs that are older than their workspace wants to keep them.
    pub(crate) async fn drop_old_runs(&self) -> Result<()> {
        let sql = "DELETE FROM runs WHERE id IN (SELECT r.id FROM workspaces w JOIN runs r \
                   ON r.workspace = w.id AND r.started < $1 - w.keep_runs_ms \
                   WHERE w.keep_runs_ms IS NOT NULL LIMIT 500)";
        self.delete_in_steps(sql, self.clock.now()).await
    }
}

/// The runs of a workspace behind this one, by their ids, with what is kept of their content.
pub(crate) async fn page(
    connection: &mut sqlx::AnyConnection,
    workspace: &str,
    after: &str,
    limit: i64,
    now: i64,
) -> Result<Vec<Run>> {
    use sqlx::Row as _;

    let sql = concat!(
        "SELECT ",
        columns!(),
        ", c.request, c.response FROM runs ",
        "LEFT JOIN run_contents c ON c.run = id AND c.expires > $1 ",
        "WHERE workspace = $2 AND id > $3 ORDER BY id LIMIT $4"
    );
    let query = sqlx::query(sql).bind(now).bind(workspace).bind(after).bind(limit);
    let mut runs = Vec::new();
    for row in query.fetch_all(connection).await? {
        let mut run = read(&row)?;
        let request: Option<String> = row.try_get("request")?;
        let response: Option<String> = row.try_get("response")?;
        run.content = request.zip(response).map(|(request, response)| RunContent {
            // Both were written from JSON.
            request: RawJson::from_checked(&request),
            response: RawJson::from_checked(&response),
        });
        runs.push(run);
    }
    Ok(runs)
}

fn read(row: &sqlx::any::AnyRow) -> Result<Run, sqlx::Error> {
    use sqlx::Row as _;

    let count = |name| -> Result<Option<u64>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(name)?.and_then(|count| u64::try_from(count).ok()))
    };
    let cost = |name| -> Result<Option<Usd>, sqlx::Error> {
        Ok(row.try_get::<Option<String>, _>(name)?.and_then(|cost| cost.parse().ok()))
    };
    Ok(Run {
        id: row.try_get("id")?,
        workspace: row.try_get("workspace")?,
        started_ms: row.try_get("started")?,
        node: row.try_get("node")?,
        user: row.try_get("user_id")?,
        token: row.try_get("token")?,
        conversation: row.try_get("conversation")?,
        provider: row.try_get("provider")?,
        requested: row.try_get("requested")?,
        served: row.try_get("served")?,
        upstream: row.try_get("upstream")?,
        generation: row.try_get("generation")?,
        attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
        prompt_tokens: count("prompt_tokens")?,
        completion_tokens: count("completion_tokens")?,
        cached_tokens: count("cached_tokens")?,
        reasoning_tokens: count("reasoning_tokens")?,
        cost: cost("cost")?,
        upstream_cost: cost("upstream_cost")?,
        first_output_ms: count("first_output_ms")?,
        total_ms: count("total_ms")?,
        finish: row.try_get("finish")?,
        error_kind: row.try_get("error_kind")?,
        error: row.try_get("error")?,
        content: None,
    })
}

/// A text without the one character that PostgreSQL cannot store.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A new id that begins with the time, so that ids are in the order of time.
pub(crate) fn new_id(milliseconds: i64) -> Result<String> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|_| crate::key::SealError::NotSealed)?;
    Ok(format!("{milliseconds:012x}{}", hex(&random)))
}

#[cfg(test)]
mod tests;
