//! Reserving and settling in SQLite: one task writes, and what waits for it shares a transaction.
//!
//! SQLite has one writer, and a transaction costs more than what is in it: so calls at the same time are one
//! transaction of two round trips to SQLite's thread, however many they are. Between the two the claims are
//! judged here, one after another, while the transaction holds the writer's lock against other processes. A
//! claim that is refused writes nothing, and so leaves its neighbours alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Any, FromRow as _, Row as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::Settlement;
use super::claim::{Claim, Hold, Verdict};
use crate::budget::{Counted, MAX_UNITS, Row};
use crate::database::Database;
use crate::error::{Result, StoreError};

/// The queue to the task that reserves and settles. The task ends with it, once it has done what is in it.
#[derive(Debug)]
pub(crate) struct GroupCommit(mpsc::Sender<Job>);

#[derive(Debug)]
enum Job {
    Reserve(Claim, oneshot::Sender<Result<Verdict>>),
    /// The answer says whether the reservation was still there.
    Settle(Settlement, oneshot::Sender<Result<bool>>),
}

/// How many jobs wait at most. Beyond them, calls wait for a place.
const MAX_WAITING: usize = 1024;

impl GroupCommit {
    /// Starts the task, on the runtime of the caller.
    pub(crate) fn start(database: Database, host: String) -> Self {
        let (queue, jobs) = mpsc::channel(MAX_WAITING);
        tokio::spawn(Writer { database, host, lease: None }.run(jobs));
        Self(queue)
    }

    /// Reserves. A caller that leaves before the answer must see to it that the reservation is given back.
    pub(super) async fn reserve(&self, claim: Claim) -> Result<Verdict> {
        let (answer, answered) = oneshot::channel();
        self.ask(Job::Reserve(claim, answer), answered).await
    }

    /// Settles. Returns whether the reservation was still there.
    pub(super) async fn settle(&self, settlement: Settlement) -> Result<bool> {
        let (answer, answered) = oneshot::channel();
        self.ask(Job::Settle(settlement, answer), answered).await
    }

    async fn ask<T>(&self, job: Job, answered: oneshot::Receiver<Result<T>>) -> Result<T> {
        // Both fail where the runtime of the task was shut down.
        let is_gone = || StoreError::from(sqlx::Error::WorkerCrashed);
        self.0.send(job).await.map_err(|_| is_gone())?;
        answered.await.map_err(|_| is_gone())?
    }
}

impl Job {
    /// Whether its caller has left, so that it need not begin.
    fn is_left(&self) -> bool {
        match self {
            Job::Reserve(_, answer) => answer.is_closed(),
            Job::Settle(_, answer) => answer.is_closed(),
        }
    }

    fn fail(self, error: StoreError) {
        // Its caller may have left, here and below.
        match self {
            Job::Reserve(_, answer) => drop(answer.send(Err(error))),
            Job::Settle(_, answer) => drop(answer.send(Err(error))),
        }
    }
}

/// The answer to a job.
enum Answer {
    Verdict(Verdict),
    WasThere(bool),
}

struct Writer {
    database: Database,
    host: String,
    /// The connection that writes, and since when it is held.
    lease: Option<(PoolConnection<Any>, Instant)>,
}

/// How many jobs share a transaction at most, so that other writes come to their turn.
const MAX_GROUP: usize = 128;

/// How long the connection is held for the next job: to take it and to give it back costs as much as a job.
const IDLE: Duration = Duration::from_millis(5);

/// How long it is held at most. The other writes of this process wait for it: settings, and the runs that a
/// recorder writes.
const MAX_LEASE: Duration = Duration::from_millis(20);

impl Writer {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(MAX_GROUP);
        loop {
            let received = match &self.lease {
                None => jobs.recv_many(&mut group, MAX_GROUP).await,
                Some(_) => match timeout(IDLE, jobs.recv_many(&mut group, MAX_GROUP)).await {
                    Ok(received) => received,
                    Err(_) => {
                        self.lease = None;
                        continue;
                    }
                },
            };
            if received == 0 {
                return;
            }
            self.work(&mut group).await;
            if self.lease.as_ref().is_some_and(|(_, since)| since.elapsed() >= MAX_LEASE) {
                self.lease = None;
            }
        }
    }

    /// Does these jobs and answers them.
    async fn work(&mut self, group: &mut Vec<Job>) {
        group.retain(|job| !job.is_left());
        if group.is_empty() {
            return;
        }
        match self.write(group).await {
            Ok(answers) => give(group.drain(..), answers),
            // One of them may be the reason: each on its own.
            Err(_) if group.len() > 1 => {
                for job in group.drain(..).filter(|job| !job.is_left()) {
                    match self.write(std::slice::from_ref(&job)).await {
                        Ok(answers) => give([job], answers),
                        Err(error) => job.fail(error),
                    }
                }
            }
            Err(error) => {
                if let Some(job) = group.pop() {
                    job.fail(error);
                }
            }
        }
    }

    /// Does these jobs in one transaction. After an error none of them is done.
    async fn write(&mut self, jobs: &[Job]) -> Result<Vec<Answer>> {
        let (mut connection, since) = match self.lease.take() {
            Some(lease) => lease,
            None => (self.database.write.acquire().await?, Instant::now()),
        };
        // Without an end of its own, a transaction ends with its connection.
        let written = transact(&mut connection, &self.host, jobs).await;
        match written {
            Ok(answers) => {
                self.lease = Some((connection, since));
                Ok(answers)
            }
            Err(error) => {
                // An error on the way does not matter any more.
                let _ = connection.close().await;
                Err(error)
            }
        }
    }
}

fn give(jobs: impl IntoIterator<Item = Job>, answers: Vec<Answer>) {
    for (job, answer) in jobs.into_iter().zip(answers) {
        match (job, answer) {
            (Job::Reserve(_, asked), Answer::Verdict(verdict)) => drop(asked.send(Ok(verdict))),
            (Job::Settle(_, asked), Answer::WasThere(was_there)) => drop(asked.send(Ok(was_there))),
            // Answers are made in the order of their jobs, each of its kind.
            _ => {}
        }
    }
}

/// Takes the writer's lock, reads the budgets that the jobs are about ($1: reservations to settle; $2:
/// workspaces, $3: workspaces with a scope and its id), and takes the settled reservations away.
const BEGIN: &str = "\
    BEGIN IMMEDIATE; \
    SELECT id, parent, workspace, scope, scope_id, unit, amount, period, spent, reserved, period_end, revision \
    FROM budgets WHERE id IN ( \
        SELECT hold.value ->> 'budget' FROM json_each($1) AS settled \
            JOIN reservations ON reservations.id = settled.value, json_each(reservations.holds) AS hold \
        UNION ALL SELECT b.id FROM json_each($2) AS asked \
            JOIN budgets AS b ON b.workspace = asked.value AND b.scope = 'workspace' \
        UNION ALL SELECT b.id FROM json_each($3) AS asked JOIN budgets AS b \
            ON b.workspace = asked.value ->> 0 AND b.scope = asked.value ->> 1 AND b.scope_id = asked.value ->> 2); \
    DELETE FROM reservations WHERE id IN (SELECT value FROM json_each($1)) RETURNING id, lapsed, holds";

/// Writes what has changed ($1: counters of budgets; $2: new reservations, $3: their host), and commits.
const COMMIT: &str = "\
    UPDATE budgets SET spent = changed.value ->> 1, reserved = changed.value ->> 2, \
        period_end = changed.value ->> 3 \
        FROM json_each($1) AS changed WHERE budgets.id = changed.value ->> 0; \
    INSERT INTO reservations (id, host, created, expires, lapsed, holds) \
        SELECT value ->> 0, $3, value ->> 1, value ->> 2, 0, value ->> 3 FROM json_each($2); \
    COMMIT";

/// Does the jobs in a transaction. sqlx runs several statements of one text in one round trip on SQLite, and
/// on SQLite alone; `$1` is the same value in all of them.
async fn transact(connection: &mut PoolConnection<Any>, host: &str, jobs: &[Job]) -> Result<Vec<Answer>> {
    let Lookup { settled, workspaces, scopes } = Lookup::of(jobs);
    let query = sqlx::query(BEGIN).bind(json(&settled)).bind(json(&workspaces)).bind(json(&scopes));
    let mut ledger = Ledger::default();
    for row in query.fetch_all(&mut **connection).await? {
        match row.len() {
            3 => ledger.take_away(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?),
            _ => ledger.add(Row::from_row(&row)?.into()),
        }
    }
    let answers = jobs.iter().map(|job| match job {
        Job::Reserve(claim, _) => Answer::Verdict(ledger.reserve(claim)),
        Job::Settle(settlement, _) => Answer::WasThere(ledger.settle(settlement)),
    });
    let answers = answers.collect();
    let query = sqlx::query(COMMIT).bind(json(&ledger.counters())).bind(json(&ledger.new)).bind(host);
    query.execute(&mut **connection).await?;
    Ok(answers)
}

/// The keys of the rows that jobs are about.
#[derive(Default)]
struct Lookup<'a> {
    settled: Vec<&'a str>,
    workspaces: BTreeSet<&'a str>,
    /// Workspace, scope, its id.
    scopes: BTreeSet<(&'a str, &'static str, &'a str)>,
}

impl<'a> Lookup<'a> {
    fn of(jobs: &'a [Job]) -> Self {
        let mut lookup = Self::default();
        for job in jobs {
            match job {
                Job::Settle(settlement, _) => lookup.settled.push(&settlement.reservation),
                Job::Reserve(Claim { call, .. }, _) => {
                    lookup.workspaces.insert(&call.workspace);
                    let ids = [("node", &call.node), ("user", &call.user), ("token", &call.token)];
                    let scopes = ids.into_iter().filter_map(|(scope, id)| Some((scope, id.as_deref()?)));
                    lookup.scopes.extend(scopes.map(|(scope, id)| (call.workspace.as_str(), scope, id)));
                }
            }
        }
        lookup
    }
}

/// The budgets of a transaction while its jobs are done one after another.
#[derive(Default)]
struct Ledger {
    /// By the ids of their rows.
    budgets: BTreeMap<String, Counted>,
    changed: BTreeSet<String>,
    /// The reservations that were taken away: whether they had lapsed, and their parts.
    taken: HashMap<String, (bool, Vec<Hold>)>,
    /// Id, beginning, expiry and JSON of the parts of each new reservation.
    new: Vec<(String, i64, i64, String)>,
}

impl Ledger {
    fn add(&mut self, counted: Counted) {
        self.budgets.insert(counted.row_id.clone(), counted);
    }

    fn take_away(&mut self, id: String, lapsed: i64, holds: String) {
        // It was written from JSON.
        self.taken.insert(id, (lapsed != 0, serde_json::from_str(&holds).unwrap_or_default()));
    }

    fn reserve(&mut self, claim: &Claim) -> Verdict {
        let counted = self.budgets.values().filter(|counted| claim.counts_in(counted));
        let counted: Vec<_> = counted.map(|counted| counted.clone().at(claim.now, claim.ends)).collect();
        if let Some(objection) = claim.objection(&counted) {
            return objection;
        }
        let holds: Vec<_> = counted.iter().map(|counted| claim.hold(counted)).collect();
        for (mut counted, hold) in counted.into_iter().zip(&holds) {
            counted.reserved += hold.units;
            self.changed.insert(counted.row_id.clone());
            self.budgets.insert(counted.row_id.clone(), counted);
        }
        self.new.push((claim.id.clone(), claim.now, claim.expires, json(&holds)));
        Verdict::Held
    }

    /// Settles. A reservation that has lapsed is reserved no more; the bill is due all the same. Without a
    /// row it was settled before: a commit may pass although its answer was lost.
    fn settle(&mut self, settlement: &Settlement) -> bool {
        let Some((has_lapsed, holds)) = self.taken.remove(&settlement.reservation) else { return false };
        for Hold { budget, unit, units, period_end } in holds {
            // One of another period counts there no more.
            let Some(counted) = self.budgets.get_mut(&budget).filter(|one| one.period_end == period_end)
            else {
                continue;
            };
            if !has_lapsed {
                counted.reserved -= units;
            }
            if counted.spent <= MAX_UNITS {
                counted.spent += if unit == "usd" { settlement.usd } else { settlement.requests };
            }
            self.changed.insert(budget);
        }
        true
    }

    /// Row, spent, reserved and end of the period of each budget that has changed.
    fn counters(&self) -> Vec<(&str, i64, i64, i64)> {
        let changed = self.changed.iter().filter_map(|row| self.budgets.get(row));
        changed.map(|one| (one.row_id.as_str(), one.spent, one.reserved, one.period_end)).collect()
    }
}

/// Lists of texts and numbers are always JSON.
fn json(list: &impl serde::Serialize) -> String {
    serde_json::to_string(list).unwrap_or_default()
}
