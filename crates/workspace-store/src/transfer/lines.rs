//! The lines of an export.

use std::collections::BTreeSet;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use provider_core::{Message, RawJson, Secret, Usd};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};
use zeroize::Zeroizing;

use super::Settings;
use crate::error::{Result, StoreError};
use crate::key::SealError;
use crate::run::Run;
use crate::run::totals::DayTotals;

/// A line, which names its kind. Times are milliseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Header(Header),
    Workspace(WorkspaceLine),
    Provider(ProviderLine),
    Budget(BudgetLine),
    Token(TokenLine),
    Conversation(ConversationLine),
    Message(MessageLine),
    Run(Box<Run>),
    RunTotals(DayTotals),
    Comparison(ComparisonLine),
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    /// How the key of the secrets is derived; `None`: there are none.
    pub(super) kdf: Option<Kdf>,
}

/// argon2id: memory in KiB, passes, lanes, salt in base64.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kdf {
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WorkspaceLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) time_zone: String,
    pub(super) unlisted_models: Option<String>,
    pub(super) keep_content_ms: Option<i64>,
    #[serde(default)]
    pub(super) keep_runs_ms: Option<i64>,
    pub(super) created: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProviderLine {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) settings: Settings,
    pub(super) enabled_models: Option<BTreeSet<String>>,
    pub(super) created: i64,
    pub(super) has_secrets: bool,
    pub(super) secrets: Option<Vec<SecretLine>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SecretLine {
    pub(super) field: String,
    pub(super) sealed: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BudgetLine {
    pub(super) id: String,
    pub(super) scope: String,
    pub(super) scope_id: String,
    pub(super) unit: String,
    pub(super) amount: i64,
    pub(super) period: String,
    pub(super) created: i64,
    pub(super) period_end: i64,
    pub(super) spent: i64,
    /// The budget that it is a share of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TokenLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) created: i64,
    pub(super) expires: Option<i64>,
    pub(super) revoked: Option<i64>,
    pub(super) sealed_hash: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ConversationLine {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) user: Option<String>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

/// A message of the conversation before it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MessageLine {
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) created: i64,
    pub(super) run: Option<String>,
    pub(super) body: RawJson,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ComparisonLine {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) user: Option<String>,
    pub(super) created: i64,
    pub(super) report: RawJson,
    pub(super) cells: Vec<CellLine>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CellLine {
    pub(super) label: String,
    pub(super) provider: Option<String>,
    pub(super) requested: String,
    pub(super) served: Option<String>,
    pub(super) cost: Option<String>,
    pub(super) first_output_ms: Option<i64>,
    pub(super) total_ms: Option<i64>,
    pub(super) error_kind: Option<String>,
}

/// The last line: how many lines stand before it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) lines: u64,
}

impl<'r> sqlx::FromRow<'r, sqlx::any::AnyRow> for CellLine {
    fn from_row(row: &'r sqlx::any::AnyRow) -> sqlx::Result<Self> {
        use sqlx::Row as _;

        Ok(Self {
            label: row.try_get(0)?,
            provider: row.try_get(1)?,
            requested: row.try_get(2)?,
            served: row.try_get(3)?,
            cost: row.try_get(4)?,
            first_output_ms: row.try_get(5)?,
            total_ms: row.try_get(6)?,
            error_kind: row.try_get(7)?,
        })
    }
}

impl Line {
    /// Refuses figures that no store has: moments before 1970, charges below zero, messages that are none.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Line::Header(_) | Line::End(_) => Ok(()),
            Line::Workspace(line) => {
                at_least(
                    1,
                    &[("keep_content_ms", line.keep_content_ms), ("keep_runs_ms", line.keep_runs_ms)],
                )?;
                at_least(0, &[("created", Some(line.created))])
            }
            Line::Provider(line) => at_least(0, &[("created", Some(line.created))]),
            Line::Budget(line) => at_least(
                0,
                &[
                    ("amount", Some(line.amount)),
                    ("created", Some(line.created)),
                    ("period_end", Some(line.period_end)),
                    ("spent", Some(line.spent)),
                ],
            ),
            Line::Token(line) => at_least(
                0,
                &[("created", Some(line.created)), ("expires", line.expires), ("revoked", line.revoked)],
            ),
            Line::Conversation(line) => {
                at_least(0, &[("created", Some(line.created)), ("updated", Some(line.updated))])
            }
            Line::Message(line) => {
                at_least(0, &[("created", Some(line.created))])?;
                let unread = |_| refused("body", "is no message in the stored form");
                line.body.read::<Message>().map(drop).map_err(unread)
            }
            Line::Run(run) => {
                at_least(0, &[("started_ms", Some(run.started_ms))])?;
                not_negative(&[("cost", run.cost), ("upstream_cost", run.upstream_cost)])
            }
            Line::RunTotals(day) => {
                if day.day.parse::<Date>().is_err() {
                    return Err(refused("day", "is no date such as 2026-11-29"));
                }
                not_negative(&[("cost", Some(day.totals.cost))])
            }
            Line::Comparison(line) => {
                at_least(0, &[("created", Some(line.created))])?;
                if !line.report.get().starts_with('{') {
                    return Err(refused("report", "is no JSON object"));
                }
                line.cells.iter().try_for_each(CellLine::check)
            }
        }
    }
}

impl CellLine {
    fn check(&self) -> Result<()> {
        at_least(0, &[("first_output_ms", self.first_output_ms), ("total_ms", self.total_ms)])?;
        let cost = self.cost.as_ref().map(|cost| cost.parse::<Usd>()).transpose();
        not_negative(&[("cost", cost.map_err(|_| refused("cost", "is no amount in US dollars"))?)])
    }
}

fn at_least(least: i64, figures: &[(&str, Option<i64>)]) -> Result<()> {
    match figures.iter().find(|(_, figure)| figure.is_some_and(|figure| figure < least)) {
        Some((field, _)) => Err(refused(field, &format!("must be {least} at least"))),
        None => Ok(()),
    }
}

fn not_negative(amounts: &[(&str, Option<Usd>)]) -> Result<()> {
    match amounts.iter().find(|(_, amount)| amount.is_some_and(Usd::is_negative)) {
        Some((field, _)) => Err(refused(field, "must not be below zero")),
        None => Ok(()),
    }
}

fn refused(field: &str, problem: &str) -> StoreError {
    StoreError::Import(format!("`{field}` {problem}"))
}

/// The most that a file may ask for: memory in KiB, passes, lanes.
const MAX_COST: (u32, u32, u32) = (1024 * 1024, 16, 16);

impl Kdf {
    /// The second recommendation of RFC 9106: 64 MiB, three passes, four lanes.
    pub(super) fn new() -> Result<Self> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| SealError::NotSealed)?;
        Ok(Self { memory: 64 * 1024, passes: 3, lanes: 4, salt: STANDARD.encode(salt) })
    }

    pub(super) fn derive(&self, passphrase: &Secret) -> Result<Zeroizing<[u8; 32]>> {
        let unusable = || StoreError::Import("the derivation of its key cannot be used".to_owned());
        let (memory, passes, lanes) = MAX_COST;
        if self.memory > memory || self.passes > passes || self.lanes > lanes {
            return Err(unusable());
        }
        let params = Params::new(self.memory, self.passes, self.lanes, Some(32)).map_err(|_| unusable())?;
        let salt = STANDARD.decode(&self.salt).map_err(|_| unusable())?;
        let mut key = Zeroizing::new([0; 32]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let derived = argon2.hash_password_into(passphrase.expose().as_bytes(), &salt, &mut *key);
        derived.map(|()| key).map_err(|_| unusable())
    }
}

/// The longest line, in bytes: a message with images and files in it.
const MAX_LINE: usize = 256 * 1024 * 1024;

/// Reads a line; `None` at the end of the file.
pub(super) async fn read_line(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Line>> {
    let mut line = Vec::new();
    loop {
        let buffer = from.fill_buf().await?;
        if buffer.is_empty() {
            break;
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        if line.len() + taken > MAX_LINE {
            return Err(StoreError::Import("a line is too long".to_owned()));
        }
        line.extend_from_slice(&buffer[..taken]);
        from.consume(taken);
        if end.is_some() {
            break;
        }
    }
    if line.is_empty() {
        return Ok(None);
    }
    // The error of a wrong line may repeat a part of it, which is no secret: those are sealed.
    serde_json::from_slice(&line).map(Some).map_err(|error| StoreError::Import(error.to_string()))
}
