//! Reservations: a call reserves its estimate before it is sent, and settles with the bill after it.
//!
//! A reservation raises the counters of all budgets that the call counts in, or of none, while their rows are
//! locked: in PostgreSQL with one statement ([`postgres`]), in SQLite in a transaction that calls of this
//! process share ([`sqlite`]). So calls at the same time, on any number of hosts, never reserve beyond a
//! limit.

mod bill;
mod claim;
mod lapse;
mod memory;
mod postgres;
mod sqlite;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use provider_core::{Timestamp, Usd};
use serde::Serialize;

pub use self::bill::{ASSUMED_ANSWER_TOKENS, Bill, estimate};
use self::claim::{Claim, Verdict};
pub(crate) use self::lapse::{lapse, prune, renew};
use self::memory::AboutBudgets;
pub(crate) use self::memory::BudgetMemory;
pub(crate) use self::sqlite::GroupCommit;
use crate::budget::{Amount, BudgetRecord, Scope, units_of};
use crate::error::{RecordKind, Result, StoreError};
use crate::key::{SealError, hex};
use crate::run::clean;
use crate::store::{Inner, Store};
use crate::time::time_zone;

/// A budget that has not enough left for a call. Where it is one of [each user](Scope::EachUser), node or
/// token, its scope here is the one whose share is used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BudgetRefusal {
    /// The budget as it was then.
    pub budget: BudgetRecord,
    /// The amount that the call would have reserved.
    pub asked: Amount,
    /// The amount that was left.
    pub left: Amount,
    /// The moment at which it begins anew; `None`: it never does.
    pub resets: Option<Timestamp>,
}

impl fmt::Display for BudgetRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, asked, left, resets } = self;
        write!(
            f,
            "the budget of the {} ({} a {}) has {left} left, and the call needs {asked}",
            budget.scope,
            budget.limit,
            budget.period.as_str()
        )?;
        match resets {
            Some(resets) => write!(f, "; it begins anew at {resets}"),
            None => Ok(()),
        }
    }
}

/// A call that wants to be paid for: whose it is, and an estimate of what it costs at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    workspace: String,
    node: Option<String>,
    user: Option<String>,
    token: Option<String>,
    estimate: Usd,
}

impl Call {
    /// A call in a workspace that costs nothing. It counts in budgets of requests all the same.
    pub fn new(workspace: impl Into<String>) -> Self {
        Self { workspace: workspace.into(), node: None, user: None, token: None, estimate: Usd::ZERO }
    }

    /// Says which agent node makes it.
    #[must_use]
    pub fn node(mut self, id: impl Into<String>) -> Self {
        self.node = Some(clean(&id.into()));
        self
    }

    /// Says which user it is for.
    #[must_use]
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(clean(&id.into()));
        self
    }

    /// Says which API token it came with.
    #[must_use]
    pub fn token(mut self, id: impl Into<String>) -> Self {
        self.token = Some(clean(&id.into()));
        self
    }

    /// The scope and the id of the call's share of a budget of each user, node or token.
    fn share_of(&self, scope: &Scope) -> Option<(&'static str, &str)> {
        match scope {
            Scope::EachNode => self.node.as_deref().map(|id| ("node", id)),
            Scope::EachUser => self.user.as_deref().map(|id| ("user", id)),
            Scope::EachToken => self.token.as_deref().map(|id| ("token", id)),
            _ => None,
        }
    }

    /// Sets what it costs at most: [`estimate`](crate::estimate) of its request. By as much as a bill is
    /// above its estimate, and by no more, spending may exceed a limit; the calls after it are refused then.
    #[must_use]
    pub fn estimate(mut self, amount: Usd) -> Self {
        self.estimate = amount;
        self
    }
}

/// A call's part of its budgets, until it is settled. A host that dies loses it: it lapses with the
/// [lease](crate::StoreOptions::reservation_lease).
///
/// A call may take two hours: after that its reservation is not renewed, and lapses as well.
///
/// A reservation that is dropped unsettled, as when the future of a call is dropped, is settled with its
/// estimate: the call may have been sent.
#[derive(Debug)]
#[must_use = "a reservation that is dropped is settled with its estimate"]
pub struct Reservation {
    store: Store,
    /// `None` once it is settled.
    settlement: Option<Settlement>,
}

/// The fate of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// It is in the database.
    Now,
    /// The database is away: this handle settles as soon as it is back. If the process ends before, the
    /// reservation lapses.
    Later,
}

/// The writes that are due when a call is over.
#[derive(Clone, Debug)]
pub(crate) struct Settlement {
    reservation: String,
    /// Spent in budgets of dollars, in billionths of one.
    usd: i64,
    /// Spent in budgets of requests.
    requests: i64,
    /// Set while it is not known whether the reservation is there, or will be.
    doubt: Option<Doubt>,
}

/// A reservation whose transaction was left alone: the server may end it at any time, so that it is looked
/// for several times, each after twice the time of the one before.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    tries: u32,
    next_try: Instant,
}

/// How often a reservation in doubt is looked for. The last time is half a minute after the first.
const MAX_DOUBTS: u32 = 9;

/// How long after the first time it is looked for again.
const FIRST_DOUBT: Duration = Duration::from_millis(100);

impl Settlement {
    /// The same for a call that was not sent.
    fn released(self) -> Self {
        Self { usd: 0, requests: 0, ..self }
    }
}

/// A reservation whose transaction is not known to have ended. Dropped before it is, it is given back.
struct Unconfirmed<'a> {
    inner: &'a Inner,
    settlement: Option<Settlement>,
}

impl Drop for Unconfirmed<'_> {
    fn drop(&mut self) {
        if let Some(settlement) = self.settlement.take() {
            let doubt = Some(Doubt { tries: 0, next_try: Instant::now() });
            self.inner.queue(Settlement { doubt, ..settlement });
        }
    }
}

/// How long a reservation is renewed: longer than any call, so that one that was lost lapses all the same.
const MAX_AGE_MS: i64 = 2 * 60 * 60 * 1000;

/// How often a transaction that lost against another writer is tried.
const MAX_TRIES: u32 = 20;

impl Reservation {
    /// Settles with the bill of the call; with the estimate if nobody knows it.
    ///
    /// # Errors
    /// Those of the database. While it is away, that is no error but [`Settled::Later`].
    pub async fn settle(mut self, bill: Option<Usd>) -> Result<Settled> {
        let Some(mut settlement) = self.settlement.take() else { return Ok(Settled::Now) };
        if let Some(bill) = bill {
            settlement.usd = units_of(bill);
        }
        self.store.0.settle_or_queue(settlement).await
    }

    /// Settles with the bill of a call that has ended.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    pub async fn bill(self, bill: Bill) -> Result<Settled> {
        match bill {
            Bill::None => self.release().await,
            Bill::Unknown => self.settle(None).await,
            Bill::Known(amount) => self.settle(Some(amount)).await,
        }
    }

    /// Gives everything back: the call was not sent.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    pub async fn release(mut self) -> Result<Settled> {
        let Some(settlement) = self.settlement.take() else { return Ok(Settled::Now) };
        self.store.0.settle_or_queue(settlement.released()).await
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(settlement) = self.settlement.take() {
            self.store.0.queue(settlement);
        }
    }
}

impl Store {
    /// Reserves a call's estimate in every budget that it counts in, or in none. Call it before the request
    /// is sent, and [settle](Reservation::settle) after it.
    ///
    /// The call counts in the period in which it was reserved.
    ///
    /// # Errors
    /// [`StoreError::Budget`] with the budget that has not enough left, [`StoreError::NotFound`] for an
    /// unknown workspace, [`StoreError::Unavailable`]: without the database, nothing can be reserved.
    pub async fn reserve(&self, call: &Call) -> Result<Reservation> {
        let mut has_swept = false;
        let mut tries = 0;
        loop {
            let error = match self.0.bounded(self.try_reserve(call)).await {
                Ok(reservation) => return Ok(reservation),
                Err(error) => error,
            };
            tries += 1;
            match &error {
                // The reservations of dead hosts may be enough.
                StoreError::Budget(_) if !has_swept => {
                    has_swept = true;
                    if lapse(&self.0).await? == 0 {
                        return Err(error);
                    }
                }
                _ if error.is_contention() && tries < MAX_TRIES => back_off(tries).await,
                _ => {
                    self.0.note_write(!error.is_unavailable());
                    return Err(error);
                }
            }
        }
    }

    async fn try_reserve(&self, call: &Call) -> Result<Reservation> {
        for _ in 0..3 {
            let about = self.about_budgets(&call.workspace).await?;
            if !about.has_any {
                // No budget, no writer's lock.
                return Ok(Reservation { store: self.clone(), settlement: None });
            }
            let claim = Claim::new(&self.0, call, &about)?;
            let settlement =
                Settlement { reservation: claim.id.clone(), usd: claim.usd, requests: 1, doubt: None };
            let settlement = match self.0.hold(claim).await? {
                Verdict::Held => Some(settlement),
                Verdict::Uncounted => None,
                Verdict::Refused(refusal) => return Err(StoreError::Budget(refusal)),
                Verdict::NoShare => {
                    // A budget that is gone gets no share, and is not to be remembered.
                    if self.add_shares(call, &about).await? == 0 {
                        self.0.budgeted.forget(&call.workspace);
                    }
                    continue;
                }
            };
            return Ok(Reservation { store: self.clone(), settlement });
        }
        Err(StoreError::not_found(RecordKind::Budget, &call.workspace))
    }

    /// The time zone and the kinds of budgets of a workspace, from memory while the change feed is read.
    async fn about_budgets(&self, workspace: &str) -> Result<Arc<AboutBudgets>> {
        let generation = self.0.budgeted.generation();
        if let Some(about) = self.0.budgeted.get(workspace).filter(|_| self.0.is_current()) {
            return Ok(about);
        }
        let sql = "SELECT w.time_zone, b.id, b.scope FROM workspaces w \
                   LEFT JOIN budgets b ON b.workspace = w.id AND b.parent IS NULL WHERE w.id = $1";
        let query = sqlx::query_as::<_, (String, Option<String>, Option<String>)>(sql).bind(workspace);
        let rows = query.fetch_all(&self.database().read).await?;
        let missing = || StoreError::not_found(RecordKind::Workspace, workspace);
        let zone = time_zone(&rows.first().ok_or_else(missing)?.0)?;
        let budgets = rows.into_iter().filter_map(|(_, id, scope)| id.zip(scope));
        let mut about = AboutBudgets { zone, has_any: false, each: Vec::new() };
        for (id, scope) in budgets {
            about.has_any = true;
            about
                .each
                .extend(Scope::read(&scope, String::new()).filter(Scope::is_each).map(|each| (id, each)));
        }
        let about = Arc::new(about);
        self.0.budgeted.put(workspace, about.clone(), generation);
        Ok(about)
    }

    /// Gives the user, node and token of a call their shares of the budgets of each of those, and returns how
    /// many are new.
    async fn add_shares(&self, call: &Call, about: &AboutBudgets) -> Result<u64> {
        // The lock waits for a change of the limit, which changes the shares that are there.
        macro_rules! add {
            ($lock:literal) => {
                concat!(
                    "INSERT INTO budgets (id, parent, workspace, scope, scope_id, unit, amount, period, ",
                    "revision, changed, created, period_end, spent, reserved) ",
                    "SELECT $1, id, workspace, $2, $3, unit, amount, period, revision, '{}', $4, ",
                    "CASE period WHEN 'total' THEN period_end ELSE 0 END, 0, 0 FROM budgets WHERE id = $5",
                    $lock,
                    " ON CONFLICT (parent, scope_id) DO NOTHING"
                )
            };
        }
        let sql = self.database().pick(add!(""), add!(" FOR SHARE"));
        let mut count = 0;
        for (budget, scope) in &about.each {
            let Some((word, id)) = call.share_of(scope) else { continue };
            let mut share = [0; 8];
            getrandom::fill(&mut share).map_err(|_| SealError::NotSealed)?;
            let query = sqlx::query(sql).bind(hex(&share)).bind(word).bind(id).bind(self.now()).bind(budget);
            count += query.execute(&self.database().write).await?.rows_affected();
        }
        Ok(count)
    }
}

/// Settlements that wait for the database.
#[derive(Default)]
pub(crate) struct Pending(Mutex<VecDeque<Settlement>>);

impl Pending {
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// How many settlements wait at most. Each beyond them drops the oldest, whose reservation lapses.
const MAX_PENDING: usize = 100_000;

impl Inner {
    pub(crate) fn lease_ms(&self) -> i64 {
        i64::try_from(self.options.reservation_lease.as_millis()).unwrap_or(i64::MAX)
    }

    async fn settle_or_queue(&self, settlement: Settlement) -> Result<Settled> {
        match self.settle(&settlement).await {
            Ok(_) => Ok(Settled::Now),
            Err(error) if error.is_unavailable() || error.is_contention() => {
                self.note_write(!error.is_unavailable());
                self.queue(settlement);
                Ok(Settled::Later)
            }
            Err(error) => Err(error),
        }
    }

    /// Has a settlement written soon.
    fn queue(&self, settlement: Settlement) {
        self.keep_pending(settlement);
        self.wake.notify_one();
    }

    fn keep_pending(&self, settlement: Settlement) {
        let mut pending = self.pending.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() >= MAX_PENDING {
            pending.pop_front();
            tracing::error!("a settlement of a budget was dropped: too many wait for the database");
        }
        pending.push_back(settlement);
    }

    /// Settles, until it passes among other writers. Returns whether the reservation was still there.
    async fn settle(&self, settlement: &Settlement) -> Result<bool> {
        let mut tries = 0;
        loop {
            match self.bounded(self.try_settle(settlement)).await {
                Err(error) if error.is_contention() && tries < MAX_TRIES => {
                    tries += 1;
                    back_off(tries).await;
                }
                settled => return settled,
            }
        }
    }

    async fn try_settle(&self, settlement: &Settlement) -> Result<bool> {
        match &self.group {
            Some(group) => group.settle(settlement.clone()).await,
            None => postgres::settle(&self.database, settlement).await,
        }
    }

    /// Has the database decide about a claim. If this ends without a word, or its future is dropped, the
    /// reservation may be there, and is given back.
    async fn hold(&self, claim: Claim) -> Result<Verdict> {
        let settlement = Settlement { reservation: claim.id.clone(), usd: 0, requests: 0, doubt: None };
        let mut unconfirmed = Unconfirmed { inner: self, settlement: Some(settlement) };
        let verdict = match &self.group {
            Some(group) => group.reserve(claim).await,
            None => postgres::reserve(&self.database, &self.host, &claim).await,
        };
        // A database that answers with an error has rolled back.
        if !verdict.as_ref().is_err_and(|error| error.is_unavailable() && !error.is_contention()) {
            unconfirmed.settlement = None;
        }
        verdict
    }
}

/// Settles what waited for the database.
pub(crate) async fn settle_pending(inner: &Inner) {
    let mut waiting = std::mem::take(&mut *inner.pending.0.lock().unwrap_or_else(PoisonError::into_inner));
    while let Some(mut settlement) = waiting.pop_front() {
        if settlement.doubt.is_some_and(|doubt| doubt.next_try > Instant::now()) {
            inner.keep_pending(settlement);
            continue;
        }
        match (inner.settle(&settlement).await, &mut settlement.doubt) {
            (Ok(false), Some(doubt)) if doubt.tries < MAX_DOUBTS => {
                doubt.next_try = Instant::now() + FIRST_DOUBT * 2_u32.pow(doubt.tries);
                doubt.tries += 1;
                inner.keep_pending(settlement);
            }
            (Ok(_), _) => {}
            (Err(error), _) if error.is_unavailable() || error.is_contention() => {
                inner.keep_pending(settlement);
                waiting.into_iter().for_each(|settlement| inner.keep_pending(settlement));
                return;
            }
            (Err(error), _) => tracing::error!(%error, "a call was not settled with its budget"),
        }
    }
}

/// Waits a little longer with each try, and not as long as others.
async fn back_off(tries: u32) {
    let mut random = [0; 1];
    // Without randomness, all wait equally long.
    let _ = getrandom::fill(&mut random);
    let most = 5_u64 << tries.min(6);
    let wait = most * u64::from(random[0]) / 255;
    tokio::time::sleep(Duration::from_millis(wait)).await;
}
