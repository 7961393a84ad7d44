//! Export and import of a workspace: a file of JSON lines, from one store to another of either database.

mod lines;

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::XChaCha20Poly1305;
use provider_core::{RawJson, Secret};
use sqlx::{Any, Row as _, Transaction};
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

use self::lines::{
    BudgetLine, CellLine, ComparisonLine, ConversationLine, End, Header, Kdf, Line, MessageLine,
    ProviderLine, SecretLine, TokenLine, WorkspaceLine, read_line,
};
use crate::audit::{Action, Actor};
use crate::budget::{Period, Scope};
use crate::conversation::insert_message;
use crate::database::{Backend, Tx};
use crate::error::{RecordKind, Result, StoreError};
use crate::key::{self, SealError, hex};
use crate::provider::put_secret;
use crate::run::{self, Run, totals};
use crate::store::Store;
use crate::time::time_zone;

/// The result of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The id of the workspace.
    pub workspace: String,
    /// The providers whose secrets are not in the export, or were not opened for want of a passphrase: they
    /// connect once their secrets are set.
    pub without_secrets: Vec<String>,
    /// How many runs came along.
    pub runs: u64,
}

/// The name of the format, in the first line of an export.
const FORMAT: &str = "workspace-store export";

/// The version of the format. New kinds of lines raise it.
const VERSION: u32 = 2;

/// The shortest passphrase, in characters.
const MIN_PASSPHRASE: usize = 12;

impl Store {
    /// Writes a workspace as JSON lines: settings, providers, budgets, conversations, runs with what is kept
    /// of their content, comparisons. It is as it was at one moment, and read in pages.
    ///
    /// Without a passphrase no secret is in it. With one (12 characters at least) the providers' secrets and
    /// the hashes of the API tokens are, sealed with a key that argon2id derives from it. Content of runs is
    /// kept anew for the workspace's time where it is imported.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Invalid`] for a short passphrase; [`StoreError::Seal`] for a
    /// secret that does not open; [`StoreError::Io`].
    pub async fn export(
        &self,
        workspace: &str,
        passphrase: Option<&Secret>,
        to: &mut (impl AsyncWrite + Unpin + Send),
        by: &Actor,
    ) -> Result<()> {
        let (kind, detail) = (RecordKind::Workspace, if passphrase.is_some() { "with secrets" } else { "" });
        let mut tx = self.database().begin().await?;
        self.lock_workspace(&mut tx, workspace).await?;
        let detail = detail.to_owned();
        let action = Action { workspace, action: "export", kind, subject: workspace, detail };
        action.log(&mut tx, self.now(), by).await?;
        tx.commit().await?;

        let (kdf, cipher) = match passphrase {
            Some(passphrase) => {
                let kdf = Kdf::new()?;
                let cipher = cipher_of(passphrase, &kdf).await?;
                (Some(kdf), Some(cipher))
            }
            None => (None, None),
        };
        let snapshot = match self.backend() {
            Backend::Sqlite => "BEGIN",
            Backend::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        let snapshot = self.database().read.begin_with(snapshot).await?;
        let mut export = Export { store: self, workspace, snapshot, cipher, to, lines: 0 };
        export.line(&Line::Header(Header { format: FORMAT.to_owned(), version: VERSION, kdf })).await?;
        export.settings().await?;
        export.budgets_and_tokens().await?;
        export.conversations().await?;
        export.runs().await?;
        export.run_totals().await?;
        export.comparisons().await?;
        let lines = export.lines;
        export.line(&Line::End(End { lines })).await?;
        export.to.flush().await?;
        export.snapshot.rollback().await?;
        Ok(())
    }

    /// Reads a workspace that was exported, all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError::Import`] for a file that is no export, of a newer version, cut off, or with a wrong
    /// passphrase; [`StoreError::Duplicate`] if the workspace, or something of it, is here already.
    pub async fn import(
        &self,
        from: &mut (impl AsyncBufRead + Unpin + Send),
        passphrase: Option<&Secret>,
        by: &Actor,
    ) -> Result<Imported> {
        let Some(Line::Header(header)) = read_line(from).await? else {
            return Err(StoreError::Import("it has no header".to_owned()));
        };
        if header.format != FORMAT || header.version > VERSION {
            let problem = format!("it is {:?}, version {}", header.format, header.version);
            return Err(StoreError::Import(problem));
        }
        let cipher = match (passphrase, &header.kdf) {
            (Some(passphrase), Some(kdf)) => Some(cipher_of(passphrase, kdf).await?),
            (Some(_), None) => return Err(StoreError::Import("it has no secrets to open".to_owned())),
            (None, _) => None,
        };
        let tx = self.database().begin().await?;
        let (workspace, conversation, without_secrets) = (None, None, Vec::new());
        let mut import = Import {
            store: self,
            tx,
            cipher,
            workspace,
            conversation,
            without_secrets,
            runs: 0,
            counts: Some(totals::Counts::default()),
        };
        let mut lines = 1;
        loop {
            let numbered = |error| match error {
                StoreError::Import(problem) => StoreError::Import(format!("line {}: {problem}", lines + 1)),
                error => error,
            };
            match read_line(from).await.map_err(numbered)? {
                Some(Line::End(end)) if end.lines == lines => break,
                Some(Line::End(_)) => return Err(StoreError::Import("lines are missing".to_owned())),
                Some(line) => import.line(line).await.map_err(numbered)?,
                None => return Err(StoreError::Import("it was cut off".to_owned())),
            }
            lines += 1;
        }
        let Import { mut tx, workspace, without_secrets, runs, counts, .. } = import;
        if let Some(counts) = counts {
            counts.write(&mut tx).await?;
        }
        let workspace = workspace.ok_or_else(|| StoreError::Import("it has no workspace".to_owned()))?;
        let kind = RecordKind::Workspace;
        let action = Action {
            workspace: &workspace,
            action: "import",
            kind,
            subject: &workspace,
            detail: String::new(),
        };
        self.commit(tx, action, by, &[(&workspace, kind, &workspace)]).await?;
        Ok(Imported { workspace, without_secrets, runs })
    }
}

/// An export under way.
struct Export<'a, W> {
    store: &'a Store,
    workspace: &'a str,
    /// All of it is read in one transaction, which sees one moment.
    snapshot: Transaction<'static, Any>,
    cipher: Option<XChaCha20Poly1305>,
    to: &'a mut W,
    lines: u64,
}

/// How many rows are read at once.
const PAGE: i64 = 500;

impl<W: AsyncWrite + Unpin + Send> Export<'_, W> {
    async fn line(&mut self, line: &Line) -> Result<()> {
        let json = serde_json::to_vec(line).map_err(|error| StoreError::Import(error.to_string()))?;
        self.to.write_all(&json).await?;
        self.to.write_all(b"\n").await?;
        self.lines += 1;
        Ok(())
    }

    async fn settings(&mut self) -> Result<()> {
        let sql = "SELECT name, time_zone, unlisted_models, keep_content_ms, created, keep_runs_ms FROM workspaces WHERE id = $1";
        let row = sqlx::query(sql).bind(self.workspace).fetch_optional(&mut *self.snapshot).await?;
        let row = row.ok_or_else(|| StoreError::not_found(RecordKind::Workspace, self.workspace))?;
        let workspace = WorkspaceLine {
            id: self.workspace.to_owned(),
            name: row.try_get(0)?,
            time_zone: row.try_get(1)?,
            unlisted_models: row.try_get(2)?,
            keep_content_ms: row.try_get(3)?,
            keep_runs_ms: row.try_get(5)?,
            created: row.try_get(4)?,
        };
        self.line(&Line::Workspace(workspace)).await?;
        for provider in self.store.providers_in(&mut self.snapshot, self.workspace).await? {
            let mut secrets = None;
            if let Some(cipher) = &self.cipher {
                let values = provider.values(&self.store.0.keys)?;
                let seal = |field: &String| {
                    let value = values.get(field).unwrap_or_default().as_bytes();
                    let data = associated_data("secret", &provider.record.id, field);
                    let sealed = STANDARD.encode(key::seal(cipher, value, &data)?);
                    Ok(SecretLine { field: field.clone(), sealed })
                };
                let sealed: Result<Vec<_>, SealError> = provider.record.secrets.iter().map(seal).collect();
                secrets = Some(sealed?);
            }
            let has_secrets = !provider.record.secrets.is_empty();
            let created = provider.record.created.unix_seconds().saturating_mul(1000);
            let record = provider.record;
            let line = ProviderLine {
                id: record.id,
                kind: record.kind,
                settings: record.settings,
                enabled_models: record.enabled_models,
                created,
                has_secrets,
                secrets,
            };
            self.line(&Line::Provider(line)).await?;
        }
        Ok(())
    }

    async fn budgets_and_tokens(&mut self) -> Result<()> {
        // A share comes behind its budget.
        let sql = "SELECT id, scope, scope_id, unit, amount, period, created, period_end, spent, parent \
                   FROM budgets WHERE workspace = $1 ORDER BY CASE WHEN parent IS NULL THEN 0 ELSE 1 END, id";
        for row in sqlx::query(sql).bind(self.workspace).fetch_all(&mut *self.snapshot).await? {
            let budget = BudgetLine {
                id: row.try_get(0)?,
                scope: row.try_get(1)?,
                scope_id: row.try_get(2)?,
                unit: row.try_get(3)?,
                amount: row.try_get(4)?,
                period: row.try_get(5)?,
                created: row.try_get(6)?,
                period_end: row.try_get(7)?,
                spent: row.try_get(8)?,
                parent: row.try_get(9)?,
            };
            self.line(&Line::Budget(budget)).await?;
        }
        let Some(cipher) = self.cipher.clone() else { return Ok(()) };
        let sql = "SELECT id, name, role, created, expires, revoked, hash FROM tokens WHERE workspace = $1 \
                   ORDER BY id";
        for row in sqlx::query(sql).bind(self.workspace).fetch_all(&mut *self.snapshot).await? {
            let id: String = row.try_get(0)?;
            let hash = key::seal(&cipher, row.try_get::<&[u8], _>(6)?, &associated_data("token", &id, ""))?;
            let token = TokenLine {
                id,
                name: row.try_get(1)?,
                role: row.try_get(2)?,
                created: row.try_get(3)?,
                expires: row.try_get(4)?,
                revoked: row.try_get(5)?,
                sealed_hash: STANDARD.encode(hash),
            };
            self.line(&Line::Token(token)).await?;
        }
        Ok(())
    }

    /// Conversations, each with its messages behind it, parents first.
    async fn conversations(&mut self) -> Result<()> {
        let mut after = String::new();
        loop {
            let sql = "SELECT id, title, user_id, created, updated FROM conversations \
                       WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3";
            let query = sqlx::query(sql).bind(self.workspace).bind(&after).bind(PAGE);
            let rows = query.fetch_all(&mut *self.snapshot).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let conversation = ConversationLine {
                    id: row.try_get(0)?,
                    title: row.try_get(1)?,
                    user: row.try_get(2)?,
                    created: row.try_get(3)?,
                    updated: row.try_get(4)?,
                };
                after.clone_from(&conversation.id);
                self.line(&Line::Conversation(conversation)).await?;
                for message in self.messages(&after.clone()).await? {
                    self.line(&Line::Message(message)).await?;
                }
            }
        }
    }

    async fn messages(&mut self, conversation: &str) -> Result<Vec<MessageLine>> {
        let sql = "SELECT id, parent, created, run, body FROM messages WHERE conversation = $1 ORDER BY created, id";
        let rows = sqlx::query(sql).bind(conversation).fetch_all(&mut *self.snapshot).await?;
        let mut behind: HashMap<Option<String>, Vec<MessageLine>> = HashMap::new();
        for row in rows {
            let body: String = row.try_get(4)?;
            let message = MessageLine {
                id: row.try_get(0)?,
                parent: row.try_get(1)?,
                created: row.try_get(2)?,
                run: row.try_get(3)?,
                body: RawJson::from_checked(&body),
            };
            behind.entry(message.parent.clone()).or_default().push(message);
        }
        let (mut ordered, mut next) = (Vec::new(), behind.remove(&None).unwrap_or_default());
        while let Some(message) = next.pop() {
            next.extend(behind.remove(&Some(message.id.clone())).unwrap_or_default());
            ordered.push(message);
        }
        Ok(ordered)
    }

    async fn run_totals(&mut self) -> Result<()> {
        for day in totals::days(&mut self.snapshot, self.workspace, "", "9999-12-31").await? {
            self.line(&Line::RunTotals(day)).await?;
        }
        Ok(())
    }

    async fn runs(&mut self) -> Result<()> {
        let mut after = String::new();
        loop {
            let runs = run::page(&mut self.snapshot, self.workspace, &after, PAGE, self.store.now()).await?;
            let Some(last) = runs.last() else { return Ok(()) };
            after.clone_from(&last.id);
            for run in runs {
                self.line(&Line::Run(Box::new(run))).await?;
            }
        }
    }

    async fn comparisons(&mut self) -> Result<()> {
        let mut after = String::new();
        loop {
            let sql = "SELECT id, title, user_id, created, report FROM comparisons \
                       WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT 10";
            let query = sqlx::query(sql).bind(self.workspace).bind(&after);
            let rows = query.fetch_all(&mut *self.snapshot).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let (id, report): (String, String) = (row.try_get(0)?, row.try_get(4)?);
                let sql = "SELECT label, provider, requested, served, cost, first_output_ms, total_ms, error_kind \
                           FROM comparison_cells WHERE comparison = $1 ORDER BY position";
                let cells =
                    sqlx::query_as::<_, CellLine>(sql).bind(&id).fetch_all(&mut *self.snapshot).await?;
                after.clone_from(&id);
                let comparison = ComparisonLine {
                    id,
                    title: row.try_get(1)?,
                    user: row.try_get(2)?,
                    created: row.try_get(3)?,
                    report: RawJson::from_checked(&report),
                    cells,
                };
                self.line(&Line::Comparison(comparison)).await?;
            }
        }
    }
}

/// An import under way.
struct Import<'a> {
    store: &'a Store,
    tx: Tx,
    cipher: Option<XChaCha20Poly1305>,
    /// The id of the workspace, once its line was read.
    workspace: Option<String>,
    /// The conversation that messages are of.
    conversation: Option<String>,
    without_secrets: Vec<String>,
    runs: u64,
    /// The sums over the runs; `None` once the file had its own, which have runs that were dropped as well.
    counts: Option<totals::Counts>,
}

impl Import<'_> {
    async fn line(&mut self, line: Line) -> Result<()> {
        line.check()?;
        if let Line::Workspace(workspace) = line {
            return self.workspace(workspace).await;
        }
        let workspace = self.workspace.clone();
        let workspace =
            workspace.ok_or_else(|| StoreError::Import("its workspace is not first".to_owned()))?;
        match line {
            Line::Provider(provider) => self.provider(&workspace, provider).await,
            Line::Budget(budget) => self.budget(&workspace, budget).await,
            Line::Token(token) => self.token(&workspace, token).await,
            Line::Conversation(conversation) => self.conversation(&workspace, conversation).await,
            Line::Message(message) => self.message(message).await,
            Line::Run(run) => self.run(&workspace, *run).await,
            Line::RunTotals(day) => {
                self.counts = None;
                totals::add(&mut self.tx, &workspace, &day).await
            }
            Line::Comparison(comparison) => self.comparison(&workspace, comparison).await,
            Line::Header(_) | Line::Workspace(_) | Line::End(_) => {
                Err(StoreError::Import("a line stands where it does not belong".to_owned()))
            }
        }
    }

    async fn workspace(&mut self, line: WorkspaceLine) -> Result<()> {
        if self.workspace.is_some() {
            return Err(StoreError::Import("it has two workspaces".to_owned()));
        }
        crate::workspace::check_id(&line.id)?;
        crate::workspace::check_name(&line.name)?;
        time_zone(&line.time_zone)?;
        let sql = "INSERT INTO workspaces (id, name, time_zone, unlisted_models, keep_content_ms, keep_runs_ms, revision, \
                   changed, created) VALUES ($1, $2, $3, $4, $5, $6, 1, '{}', $7)";
        let query = sqlx::query(sql).bind(&line.id).bind(&line.name).bind(&line.time_zone);
        let query = query.bind(&line.unlisted_models).bind(line.keep_content_ms).bind(line.keep_runs_ms);
        let query = query.bind(line.created);
        let duplicate = |error| StoreError::duplicate(error, RecordKind::Workspace, &line.id);
        query.execute(&mut *self.tx).await.map_err(duplicate)?;
        self.workspace = Some(line.id);
        Ok(())
    }

    async fn provider(&mut self, workspace: &str, line: ProviderLine) -> Result<()> {
        crate::provider::check_id(&line.id)?;
        let mut uid = [0; 8];
        getrandom::fill(&mut uid).map_err(|_| SealError::NotSealed)?;
        let uid = hex(&uid);
        let json =
            |value: serde_json::Result<String>| value.map_err(|error| StoreError::Import(error.to_string()));
        let settings = json(serde_json::to_string(&line.settings))?;
        let models = line.enabled_models.as_ref().map(serde_json::to_string).map(json).transpose()?;
        let sql = "INSERT INTO providers (workspace, id, uid, kind, settings, enabled_models, revision, changed, \
                   created) VALUES ($1, $2, $3, $4, $5, $6, 1, '{}', $7)";
        let query = sqlx::query(sql).bind(workspace).bind(&line.id).bind(&uid).bind(&line.kind);
        let query = query.bind(settings).bind(models).bind(line.created);
        let duplicate = |error| StoreError::duplicate(error, RecordKind::Provider, &line.id);
        query.execute(&mut *self.tx).await.map_err(duplicate)?;
        let (Some(cipher), Some(secrets)) = (&self.cipher, line.secrets) else {
            if line.has_secrets {
                self.without_secrets.push(line.id);
            }
            return Ok(());
        };
        for SecretLine { field, sealed } in secrets {
            let opened = open(cipher, &sealed, &associated_data("secret", &line.id, &field))?;
            let value = std::str::from_utf8(&opened).unwrap_or_default();
            let keys = &self.store.0.keys;
            put_secret(&mut self.tx, keys, workspace, (&line.id, &uid), &field, 1, value).await?;
        }
        Ok(())
    }

    async fn budget(&mut self, workspace: &str, line: BudgetLine) -> Result<()> {
        let is_known = Scope::read(&line.scope, line.scope_id.clone()).is_some()
            && Period::read(&line.period).is_some()
            && ["usd", "requests"].contains(&&*line.unit);
        if !is_known {
            return Err(StoreError::Import(format!("the budget {:?} is none", line.id)));
        }
        let sql = "INSERT INTO budgets (id, workspace, scope, scope_id, unit, amount, period, revision, changed, \
                   created, period_end, spent, reserved, parent) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, 1, '{}', $8, $9, $10, 0, $11)";
        let query = sqlx::query(sql).bind(&line.id).bind(workspace).bind(&line.scope).bind(&line.scope_id);
        let query = query.bind(&line.unit).bind(line.amount).bind(&line.period).bind(line.created);
        let query = query.bind(line.period_end).bind(line.spent).bind(&line.parent);
        let duplicate = |error| StoreError::duplicate(error, RecordKind::Budget, &line.id);
        query.execute(&mut *self.tx).await.map_err(duplicate)?;
        Ok(())
    }

    async fn token(&mut self, workspace: &str, line: TokenLine) -> Result<()> {
        let Some(cipher) = &self.cipher else { return Ok(()) };
        line.role.parse::<crate::token::Role>()?;
        crate::workspace::check_name(&line.name)?;
        let hash = open(cipher, &line.sealed_hash, &associated_data("token", &line.id, ""))?;
        let sql = "INSERT INTO tokens (id, workspace, name, role, hash, created, expires, revoked) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let query = sqlx::query(sql).bind(&line.id).bind(workspace).bind(&line.name).bind(&line.role);
        let query = query.bind(hash.to_vec()).bind(line.created).bind(line.expires).bind(line.revoked);
        let duplicate = |error| StoreError::duplicate(error, RecordKind::Token, &line.id);
        query.execute(&mut *self.tx).await.map_err(duplicate)?;
        Ok(())
    }

    async fn conversation(&mut self, workspace: &str, line: ConversationLine) -> Result<()> {
        let sql = "INSERT INTO conversations (id, workspace, title, user_id, created, updated) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(&line.id).bind(workspace).bind(&line.title).bind(&line.user);
        let query = query.bind(line.created).bind(line.updated);
        let duplicate = |error| StoreError::duplicate(error, RecordKind::Conversation, &line.id);
        query.execute(&mut *self.tx).await.map_err(duplicate)?;
        self.conversation = Some(line.id);
        Ok(())
    }

    async fn message(&mut self, line: MessageLine) -> Result<()> {
        let stray = || StoreError::Import("a message stands outside of its conversation".to_owned());
        let conversation = self.conversation.clone().ok_or_else(stray)?;
        if let Some(parent) = &line.parent {
            let sql = "SELECT count(*) FROM messages WHERE conversation = $1 AND id = $2";
            let query = sqlx::query_scalar::<_, i64>(sql).bind(&conversation).bind(parent);
            if query.fetch_one(&mut *self.tx).await? == 0 {
                return Err(stray());
            }
        }
        let (parent, run) = (line.parent.as_deref(), line.run.as_deref());
        let inserted =
            insert_message(&mut self.tx, &conversation, &line.id, parent, line.created, run, line.body.get());
        inserted.await
    }

    async fn run(&mut self, workspace: &str, mut run: Run) -> Result<()> {
        workspace.clone_into(&mut run.workspace);
        if self.store.0.insert_run(&mut self.tx, &run).await? == 0 {
            return Err(StoreError::Duplicate { kind: RecordKind::Run, id: run.id });
        }
        self.runs += 1;
        if let Some(counts) = &mut self.counts {
            counts.add(&mut self.tx, &run).await?;
        }
        Ok(())
    }

    async fn comparison(&mut self, workspace: &str, line: ComparisonLine) -> Result<()> {
        let sql = "INSERT INTO comparisons (id, workspace, title, user_id, created, report) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(&line.id).bind(workspace).bind(&line.title).bind(&line.user);
        let duplicate = |error| StoreError::duplicate(error, RecordKind::Comparison, &line.id);
        query.bind(line.created).bind(line.report.get()).execute(&mut *self.tx).await.map_err(duplicate)?;
        for (position, cell) in (0_i64..).zip(line.cells) {
            let sql = "INSERT INTO comparison_cells (comparison, position, label, provider, requested, served, \
                       cost, first_output_ms, total_ms, error_kind) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
            let query = sqlx::query(sql).bind(&line.id).bind(position).bind(cell.label).bind(cell.provider);
            let query =
                query.bind(cell.requested).bind(cell.served).bind(cell.cost).bind(cell.first_output_ms);
            query.bind(cell.total_ms).bind(cell.error_kind).execute(&mut *self.tx).await?;
        }
        Ok(())
    }
}

/// Derives the key of a passphrase, off the runtime's threads: it takes a part of a second.
async fn cipher_of(passphrase: &Secret, kdf: &Kdf) -> Result<XChaCha20Poly1305> {
    if passphrase.expose().chars().count() < MIN_PASSPHRASE {
        let problem = format!("has at least {MIN_PASSPHRASE} characters");
        return Err(StoreError::invalid("passphrase", problem));
    }
    let (passphrase, kdf) = (passphrase.clone(), kdf.clone());
    let derived = tokio::task::spawn_blocking(move || kdf.derive(&passphrase));
    let key = derived.await.map_err(|error| StoreError::Io(std::io::Error::other(error)))??;
    Ok(key::cipher(&key))
}

/// Binds a sealed value to its place in the export. A NUL stands between the parts: none has one.
fn associated_data(what: &str, id: &str, field: &str) -> Vec<u8> {
    format!("workspace-store export v1\0{what}\0{id}\0{field}").into_bytes()
}

fn open(cipher: &XChaCha20Poly1305, sealed: &str, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let opened = STANDARD.decode(sealed).ok().and_then(|sealed| key::open(cipher, &sealed, data));
    opened.ok_or_else(|| StoreError::Import("the passphrase is wrong, or a secret was changed".to_owned()))
}

/// The settings of a provider, by key.
type Settings = BTreeMap<String, String>;
