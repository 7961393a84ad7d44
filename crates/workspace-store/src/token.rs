//! API tokens: a public id and 256 random bits, of which the store has the hash alone.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use provider_core::{Secret, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::audit::{Action, Actor};
use crate::error::{RecordKind, Result, StoreError};
use crate::feed::Change;
use crate::key::{SealError, hex};
use crate::store::{Inner, Store, Watch};
use crate::time::timestamp;
use crate::workspace::check_name;

/// The role of a token in its workspace. Later ones may do all that earlier ones may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Reads settings, runs and conversations.
    Viewer,
    /// Runs models as well.
    Member,
    /// Changes providers, budgets and tokens as well.
    Admin,
    /// Deletes the workspace as well.
    Owner,
}

impl Role {
    /// The role as a word: `viewer`, `member`, `admin`, `owner`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Member => "member",
            Role::Admin => "admin",
            Role::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = StoreError;

    fn from_str(word: &str) -> Result<Self> {
        let roles = [Role::Viewer, Role::Member, Role::Admin, Role::Owner];
        let unknown = || StoreError::invalid("role", "must be one of: viewer, member, admin, owner");
        roles.into_iter().find(|role| role.as_str() == word).ok_or_else(unknown)
    }
}

/// A token to be created.
#[derive(Clone, Debug)]
pub struct NewToken {
    name: String,
    role: Role,
    lifetime: Option<Duration>,
}

impl NewToken {
    /// A token with a name to show and a role. It does not expire.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self { name: name.into(), role, lifetime: None }
    }

    /// Has the token expire after this time: more than none, and 10 years at most.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}

/// A token that was just created: the one moment at which its text is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreatedToken {
    /// The token as it is stored.
    pub record: TokenRecord,
    /// The text that its bearer sends: `wst_`, the id, `_`, and the secret in base64.
    pub text: Secret,
}

/// A stored token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenRecord {
    /// Its public id: 24 hexadecimal digits.
    pub id: String,
    /// The workspace that it is for.
    pub workspace: String,
    /// The name to show.
    pub name: String,
    /// Its role there.
    pub role: Role,
    /// The moment of its creation.
    pub created: Timestamp,
    /// The moment from which on it is not taken.
    pub expires: Option<Timestamp>,
    /// The moment since which it is not taken.
    pub revoked: Option<Timestamp>,
    /// Its last use, to the minute.
    pub last_used: Option<Timestamp>,
}

/// The reason why a token does not let its bearer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is no token.
    Malformed,
    /// There is no such token. A wrong secret is told from a wrong id by neither words nor time.
    Unknown,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenError::Malformed => "this is no API token",
            TokenError::Unknown => "there is no such API token",
            TokenError::Expired => "the API token has expired",
            TokenError::Revoked => "the API token was revoked",
        })
    }
}

impl std::error::Error for TokenError {}

/// The beginning of a token, by which scanners for leaked secrets know it.
const PREFIX: &str = "wst_";

/// The length of a secret and of its hash, in bytes.
const SECRET_LEN: usize = 32;

/// How old a stored last use gets before it is written again.
const LAST_USE_MS: i64 = 60 * 1000;

/// The longest lifetime of a token that expires. One that does not has none.
const MAX_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How many tokens are remembered for when the database is away.
const MAX_REMEMBERED: usize = 10_000;

impl Store {
    /// Creates a token for a workspace.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`] for a bad name or a bad lifetime.
    pub async fn create_token(&self, workspace: &str, new: NewToken, by: &Actor) -> Result<CreatedToken> {
        self.insert_token(workspace, new, by, false).await
    }

    /// Creates an Owner token for a workspace that has none which is taken: a new one, one that was imported
    /// without its tokens, or one whose tokens were all revoked or have expired.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] with the id of an Owner token that is taken, [`StoreError::NotFound`],
    /// [`StoreError::Invalid`] for a bad name.
    pub async fn create_first_token(&self, workspace: &str, name: &str, by: &Actor) -> Result<CreatedToken> {
        self.insert_token(workspace, NewToken::new(name, Role::Owner), by, true).await
    }

    async fn insert_token(
        &self,
        workspace: &str,
        new: NewToken,
        by: &Actor,
        is_first: bool,
    ) -> Result<CreatedToken> {
        check_name(&new.name)?;
        if new.lifetime.is_some_and(|time| time.is_zero() || time > MAX_LIFETIME) {
            let problem = format!("must be from 1 to {}, which is 10 years", MAX_LIFETIME.as_secs());
            return Err(StoreError::invalid("expires_in_seconds", problem));
        }
        let mut id = [0; 12];
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        let filled = getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut *secret));
        filled.map_err(|_| SealError::NotSealed)?;
        let (id, now) = (hex(&id), self.now());
        let lifetime = new.lifetime.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        let expires = lifetime.map(|time| now.saturating_add(time));
        let mut tx = self.database().begin().await?;
        // Two that ask for the first one wait for each other here.
        self.lock_workspace(&mut tx, workspace).await?;
        if is_first {
            let sql = "SELECT id FROM tokens WHERE workspace = $1 AND role = $2 AND revoked IS NULL \
                       AND (expires IS NULL OR expires > $3) ORDER BY id LIMIT 1";
            let query = sqlx::query_scalar::<_, String>(sql).bind(workspace).bind(Role::Owner.as_str());
            if let Some(id) = query.bind(now).fetch_optional(&mut *tx).await? {
                return Err(StoreError::Duplicate { kind: RecordKind::Token, id });
            }
        }
        let sql = "INSERT INTO tokens (id, workspace, name, role, hash, created, expires) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let query = sqlx::query(sql).bind(&id).bind(workspace).bind(&new.name).bind(new.role.as_str());
        query.bind(hash(&secret).to_vec()).bind(now).bind(expires).execute(&mut *tx).await?;
        let (kind, detail) = (RecordKind::Token, format!("{} as {}", new.name, new.role));
        let action = Action { workspace, action: "create", kind, subject: &id, detail };
        self.commit(tx, action, by, &[(workspace, kind, &id)]).await?;
        let text = Secret::new(format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(*secret)));
        let record = TokenRecord {
            id,
            workspace: workspace.to_owned(),
            name: new.name,
            role: new.role,
            created: timestamp(now),
            expires: expires.map(timestamp),
            revoked: None,
            last_used: None,
        };
        Ok(CreatedToken { record, text })
    }

    /// The tokens of a workspace by their ids, those that were revoked included.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn tokens(&self, workspace: &str) -> Result<Vec<TokenRecord>> {
        let sql = "SELECT id, workspace, name, role, hash, created, expires, revoked, last_used FROM tokens \
                   WHERE workspace = $1 ORDER BY id";
        let rows = sqlx::query_as::<_, Row>(sql).bind(workspace).fetch_all(&self.database().read).await?;
        rows.into_iter().map(|row| Ok(Arc::unwrap_or_clone(Stored::read(row)?.record))).collect()
    }

    /// Lets the bearer of a token in. A token that was looked up [lately](crate::StoreOptions::token_cache)
    /// is taken without asking the database. A revoked one is refused at once on this host and
    /// within a second on every other, for nothing is remembered while the change feed is not read. While the
    /// database is away, a token is taken that was taken [lately](crate::StoreOptions::token_grace).
    ///
    /// # Errors
    /// [`StoreError::Token`].
    pub async fn authenticate(&self, text: &str) -> Result<Arc<TokenRecord>> {
        let (id, secret) = parse(text).ok_or(TokenError::Malformed)?;
        let sql = "SELECT id, workspace, name, role, hash, created, expires, revoked, last_used FROM tokens \
                   WHERE id = $1";
        let grace = i64::try_from(self.0.options.token_grace.as_millis()).unwrap_or(i64::MAX);
        let remembered = || self.0.tokens.remembered(id, self.now().saturating_sub(grace));
        let generation = self.0.tokens.generation();
        let fresh = || self.0.tokens.fresh(id, self.0.options.token_cache);
        let known = match self.0.is_current() {
            true => fresh(),
            // No call waits for a database that is known to be away.
            false => remembered().filter(|_| self.0.is_away()),
        };
        let is_known = known.is_some();
        let stored = match known {
            Some(stored) => Some(stored),
            None => {
                let query = sqlx::query_as::<_, Row>(sql).bind(id);
                let asked = async { Ok(query.fetch_optional(&self.database().read).await?) };
                match self.0.bounded(asked).await {
                    Ok(row) => row.map(Stored::read).transpose()?,
                    Err(error) if error.is_unavailable() => {
                        self.0.note(false);
                        Some(remembered().ok_or(error)?)
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let given = hash(&secret);
        let expected = stored.as_ref().map_or([0; SECRET_LEN], |stored| stored.hash);
        let is_equal = bool::from(given.ct_eq(&expected));
        let stored = stored.filter(|_| is_equal).ok_or(TokenError::Unknown)?;
        let now = self.now();
        if stored.record.revoked.is_some() {
            return Err(TokenError::Revoked.into());
        }
        if stored.expires.is_some_and(|expires| expires <= now) {
            return Err(TokenError::Expired.into());
        }
        if stored.last_used.is_none_or(|used| used <= now - LAST_USE_MS) {
            self.0.tokens.note_use(id, now);
        }
        let record = stored.record.clone();
        match is_known {
            true => self.0.tokens.take(id, now),
            false => self.0.tokens.remember(stored, now, now.saturating_sub(grace), generation),
        }
        Ok(record)
    }

    /// Revokes a token, for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn revoke_token(&self, workspace: &str, id: &str, by: &Actor) -> Result<()> {
        let kind = RecordKind::Token;
        let mut tx = self.database().begin().await?;
        let sql = "UPDATE tokens SET revoked = coalesce(revoked, $1) WHERE workspace = $2 AND id = $3";
        let query = sqlx::query(sql).bind(self.now()).bind(workspace).bind(id);
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(StoreError::not_found(kind, id));
        }
        let action = Action { workspace, action: "revoke", kind, subject: id, detail: String::new() };
        self.commit(tx, action, by, &[(workspace, kind, id)]).await
    }
}

type Row = (String, String, String, String, Vec<u8>, i64, Option<i64>, Option<i64>, Option<i64>);

/// A token with its hash.
#[derive(Clone)]
struct Stored {
    record: Arc<TokenRecord>,
    hash: [u8; SECRET_LEN],
    expires: Option<i64>,
    last_used: Option<i64>,
}

impl Stored {
    fn read(row: Row) -> Result<Self> {
        let (id, workspace, name, role, hash, created, expires, revoked, last_used) = row;
        let record = TokenRecord {
            id,
            workspace,
            name,
            role: role.parse()?,
            created: timestamp(created),
            expires: expires.map(timestamp),
            revoked: revoked.map(timestamp),
            last_used: last_used.map(timestamp),
        };
        // A hash of another length equals none.
        let hash = <[u8; SECRET_LEN]>::try_from(hash.as_slice()).unwrap_or_default();
        Ok(Self { record: Arc::new(record), hash, expires, last_used })
    }
}

/// The tokens that were taken lately, and uses that are to be written.
#[derive(Default)]
pub(crate) struct TokenMemory {
    taken: Mutex<Taken>,
    uses: Mutex<HashMap<String, i64>>,
}

#[derive(Default)]
struct Taken {
    tokens: HashMap<String, Remembered>,
    /// Counts changes of tokens. A token that was read before one is not remembered after it.
    generation: u64,
}

struct Remembered {
    stored: Stored,
    /// When it was read from the database.
    read: Instant,
    /// When it was last taken, for when the database is away.
    taken: i64,
}

impl TokenMemory {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation(&self) -> u64 {
        self.taken().generation
    }

    /// Remembers a token that was read when changes were counted so far. Where there are too many, those that
    /// were taken before `oldest` go.
    fn remember(&self, stored: Stored, now: i64, oldest: i64, generation: u64) {
        let mut taken = self.taken();
        if taken.generation != generation {
            return;
        }
        let tokens = &mut taken.tokens;
        if tokens.len() >= MAX_REMEMBERED && !tokens.contains_key(&stored.record.id) {
            tokens.retain(|_, token| token.taken > oldest);
        }
        if tokens.len() < MAX_REMEMBERED {
            let id = stored.record.id.clone();
            tokens.insert(id, Remembered { stored, read: Instant::now(), taken: now });
        }
    }

    /// Notes that a remembered token was taken.
    fn take(&self, id: &str, now: i64) {
        if let Some(token) = self.taken().tokens.get_mut(id) {
            token.taken = now;
        }
    }

    fn note_use(&self, id: &str, now: i64) {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() < MAX_REMEMBERED {
            uses.insert(id.to_owned(), now);
        }
        if let Some(token) = self.taken().tokens.get_mut(id) {
            token.stored.last_used = Some(now);
        }
    }

    /// A token that was read no longer ago than that.
    fn fresh(&self, id: &str, lifetime: Duration) -> Option<Stored> {
        let taken = self.taken();
        let token = taken.tokens.get(id)?;
        (token.read.elapsed() < lifetime).then(|| token.stored.clone())
    }

    /// A token that was taken after `oldest`.
    fn remembered(&self, id: &str, oldest: i64) -> Option<Stored> {
        let taken = self.taken();
        let token = taken.tokens.get(id)?;
        (token.taken > oldest).then(|| token.stored.clone())
    }
}

impl Watch for TokenMemory {
    fn changed(&self, change: &Change) {
        let mut taken = self.taken();
        match change {
            Change::Of { kind: RecordKind::Token, id, .. } => drop(taken.tokens.remove(id)),
            Change::Of { workspace, kind: RecordKind::Workspace, .. } => {
                taken.tokens.retain(|_, token| token.stored.record.workspace != *workspace);
            }
            Change::Of { .. } => return,
            Change::Everything => taken.tokens.clear(),
        }
        taken.generation += 1;
    }
}

/// Writes the last uses of tokens, off the path of their calls.
pub(crate) async fn note_uses(inner: &Inner) {
    let uses = std::mem::take(&mut *inner.tokens.uses.lock().unwrap_or_else(PoisonError::into_inner));
    for (id, used) in uses {
        let sql = "UPDATE tokens SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used < $1)";
        if let Err(error) = sqlx::query(sql).bind(used).bind(id).execute(&inner.database.write).await {
            // The next use is noted again.
            return tracing::debug!(error = %StoreError::from(error), "the use of a token was not noted");
        }
    }
}

/// Takes a token's text apart, which may be anything.
fn parse(text: &str) -> Option<(&str, Zeroizing<[u8; SECRET_LEN]>)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_id =
        id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_id || secret.len() > 64 {
        return None;
    }
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(secret).ok()?);
    Some((id, Zeroizing::new(bytes.as_slice().try_into().ok()?)))
}

/// The hash of a secret. It is 256 random bits, so that no salt and no slow hash is needed.
fn hash(secret: &[u8; SECRET_LEN]) -> [u8; SECRET_LEN] {
    Sha256::new().chain_update(b"workspace-store token v1").chain_update(secret).finalize().into()
}
