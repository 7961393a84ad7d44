//! Reserving and settling in SQLite: a thread with a connection of its own writes, and what waits for it
//! shares a transaction.
//!
//! SQLite has one writer, and a transaction costs more than what is in it: so calls at the same time are one
//! transaction, however many they are. The claims are judged one after another while it holds the writer's
//! lock against others. A claim that is refused writes nothing, and so leaves its neighbours alone.
//!
//! sqlx hands over each row and each end of a statement by itself, and so wakes two threads for each of them,
//! twenty times for a call. Here a call wakes this thread once, and is woken by it once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::Error::FromSqlConversionFailure;
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use tokio::sync::{Semaphore, oneshot};

use super::Settlement;
use super::claim::{Claim, Hold, Verdict};
use crate::budget::{Counted, MAX_UNITS, Row};
use crate::database::SQLITE_PRAGMAS;
use crate::error::{Result, StoreError};

/// The queue to the thread that reserves and settles. The thread ends with it, once it has done what is in
/// it.
#[derive(Debug)]
pub(crate) struct GroupCommit {
    jobs: mpsc::Sender<Job>,
    places: Semaphore,
}

#[derive(Debug)]
enum Job {
    Reserve(Claim, oneshot::Sender<Result<Verdict>>),
    /// The answer says whether the reservation was still there.
    Settle(Settlement, oneshot::Sender<Result<bool>>),
}

/// How many jobs wait at most. Beyond them, calls wait for a place.
const MAX_WAITING: usize = 1024;

impl GroupCommit {
    /// Starts the thread. It connects when there is something to do.
    ///
    /// # Errors
    /// Those of the system, which may have no thread left.
    pub(crate) fn start(file: PathBuf, host: String) -> Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        let writer = Writer { file, host, connection: None };
        std::thread::Builder::new().name("reservations".to_owned()).spawn(move || writer.run(&waiting))?;
        Ok(Self { jobs, places: Semaphore::new(MAX_WAITING) })
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
        // The queue and the answer fail where the thread has ended, as after a panic.
        let is_gone = || StoreError::from(sqlx::Error::WorkerCrashed);
        let _place = self.places.acquire().await.map_err(|_| is_gone())?;
        self.jobs.send(job).map_err(|_| is_gone())?;
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
    file: PathBuf,
    host: String,
    /// `None` before the first job, and after an error.
    connection: Option<Connection>,
}

/// How many jobs share a transaction at most, so that other writes come to their turn.
const MAX_GROUP: usize = 128;

impl Writer {
    fn run(mut self, waiting: &mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(MAX_GROUP);
        while let Ok(job) = waiting.recv() {
            group.push(job);
            group.extend(waiting.try_iter().take(MAX_GROUP - 1));
            self.work(&mut group);
        }
    }

    /// Does these jobs and answers them.
    fn work(&mut self, group: &mut Vec<Job>) {
        group.retain(|job| !job.is_left());
        if group.is_empty() {
            return;
        }
        match self.write(group) {
            Ok(answers) => give(group.drain(..), answers),
            // One of them may be the reason: each on its own.
            Err(_) if group.len() > 1 => {
                for job in group.drain(..).filter(|job| !job.is_left()) {
                    match self.write(std::slice::from_ref(&job)) {
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

    /// Does these jobs in one transaction. After an error none of them is done: the transaction ends with its
    /// connection.
    fn write(&mut self, jobs: &[Job]) -> Result<Vec<Answer>> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.file)?,
        };
        let answers = transact(&connection, &self.host, jobs)?;
        tracing::trace!(jobs = jobs.len(), "a transaction of reservations and settlements");
        self.connection = Some(connection);
        Ok(answers)
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

fn connect(file: &Path) -> Result<Connection> {
    // One thread has it, so that SQLite needs no lock of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_handler(Some(wait_for_the_lock))?;
    connection.execute_batch(SQLITE_PRAGMAS)?;
    Ok(connection)
}

/// Waits for another writer: other connections of this process, and other processes. SQLite's own handler
/// waits longer each time, up to 100 ms, while a writer is through in one or two.
fn wait_for_the_lock(tries: i32) -> bool {
    const SOON: i32 = 200;
    const MOST: i32 = 2000;
    std::thread::sleep(Duration::from_micros(if tries < SOON { 250 } else { 5000 }));
    tries < MOST
}

/// Does the jobs in a transaction.
fn transact(connection: &Connection, host: &str, jobs: &[Job]) -> rusqlite::Result<Vec<Answer>> {
    run(connection, "BEGIN IMMEDIATE")?;
    let mut ledger = Ledger { connection, host, budgets: BTreeMap::new(), changed: BTreeSet::new() };
    let answers = jobs.iter().map(|job| match job {
        Job::Reserve(claim, _) => ledger.reserve(claim).map(Answer::Verdict),
        Job::Settle(settlement, _) => ledger.settle(settlement).map(Answer::WasThere),
    });
    let answers = answers.collect::<rusqlite::Result<_>>()?;
    ledger.write()?;
    run(connection, "COMMIT")?;
    Ok(answers)
}

fn run(connection: &Connection, sql: &'static str) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute([])
}

/// The budgets of a transaction while its jobs are done one after another.
struct Ledger<'a> {
    connection: &'a Connection,
    host: &'a str,
    /// Those that were read, by the ids of their rows, with the changes of this transaction.
    budgets: BTreeMap<String, Counted>,
    changed: BTreeSet<String>,
}

/// The columns of a [`Row`].
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, parent, workspace, scope, scope_id, unit, amount, period, spent, reserved, \
             period_end, revision FROM budgets WHERE ",
            $condition
        )
    };
}

impl Ledger<'_> {
    /// Reads the budgets that count a call, and those of its shares. Each part finds its rows by the index.
    fn read(&mut self, claim: &Claim) -> rusqlite::Result<()> {
        const SQL: &str = concat!(
            select!("workspace = ?1 AND scope = 'workspace'"),
            " UNION ALL ",
            select!("workspace = ?1 AND scope = 'node' AND scope_id = ?2"),
            " UNION ALL ",
            select!("workspace = ?1 AND scope = 'user' AND scope_id = ?3"),
            " UNION ALL ",
            select!("workspace = ?1 AND scope = 'token' AND scope_id = ?4")
        );
        let call = &claim.call;
        let mut statement = self.connection.prepare_cached(SQL)?;
        let mut rows = statement.query(params![call.workspace, call.node, call.user, call.token])?;
        while let Some(row) = rows.next()? {
            let counted = Counted::from(Row::try_from(row)?);
            self.budgets.entry(counted.row_id.clone()).or_insert(counted);
        }
        Ok(())
    }

    /// Reads a budget, or a share of one, by its id.
    fn read_one(&mut self, id: &str) -> rusqlite::Result<()> {
        if self.budgets.contains_key(id) {
            return Ok(());
        }
        let mut statement = self.connection.prepare_cached(select!("id = ?1"))?;
        let row = statement.query_row([id], |row| Row::try_from(row)).optional()?;
        self.budgets.extend(row.map(Counted::from).map(|counted| (counted.row_id.clone(), counted)));
        Ok(())
    }

    fn reserve(&mut self, claim: &Claim) -> rusqlite::Result<Verdict> {
        const SQL: &str = "INSERT INTO reservations (id, host, created, expires, lapsed, holds) \
                           VALUES (?1, ?2, ?3, ?4, 0, ?5)";
        self.read(claim)?;
        let counted = self.budgets.values().filter(|counted| claim.counts_in(counted));
        let counted: Vec<_> = counted.map(|counted| counted.clone().at(claim.now, claim.ends)).collect();
        if let Some(objection) = claim.objection(&counted) {
            return Ok(objection);
        }
        let holds: Vec<_> = counted.iter().map(|counted| claim.hold(counted)).collect();
        for (mut counted, hold) in counted.into_iter().zip(&holds) {
            counted.reserved += hold.units;
            self.changed.insert(counted.row_id.clone());
            self.budgets.insert(counted.row_id.clone(), counted);
        }
        // A list of texts and numbers is always JSON.
        let holds = serde_json::to_string(&holds).unwrap_or_default();
        let values = params![claim.id, self.host, claim.now, claim.expires, holds];
        self.connection.prepare_cached(SQL)?.execute(values)?;
        Ok(Verdict::Held)
    }

    /// Settles. A reservation that has lapsed is reserved no more; the bill is due all the same. Without a
    /// row it was settled before: a commit may pass although its answer was lost.
    fn settle(&mut self, settlement: &Settlement) -> rusqlite::Result<bool> {
        const SQL: &str = "DELETE FROM reservations WHERE id = ?1 RETURNING lapsed, holds";
        let taken = self
            .connection
            .prepare_cached(SQL)?
            .query_row([&settlement.reservation], |row| <(i64, String)>::try_from(row))
            .optional()?;
        let Some((lapsed, holds)) = taken else { return Ok(false) };
        let holds: Vec<Hold> = serde_json::from_str(&holds)
            .map_err(|error| FromSqlConversionFailure(1, Type::Text, Box::new(error)))?;
        for Hold { budget, unit, units, period_end } in holds {
            self.read_one(&budget)?;
            // One of another period counts there no more.
            let Some(counted) = self.budgets.get_mut(&budget).filter(|one| one.period_end == period_end)
            else {
                continue;
            };
            if lapsed == 0 {
                counted.reserved -= units;
            }
            if counted.spent <= MAX_UNITS {
                counted.spent += if unit == "usd" { settlement.usd } else { settlement.requests };
            }
            self.changed.insert(budget);
        }
        Ok(true)
    }

    /// Writes the counters that have changed.
    fn write(&self) -> rusqlite::Result<()> {
        const SQL: &str = "UPDATE budgets SET spent = ?1, reserved = ?2, period_end = ?3 WHERE id = ?4";
        let mut statement = self.connection.prepare_cached(SQL)?;
        for one in self.changed.iter().filter_map(|row| self.budgets.get(row)) {
            statement.execute(params![one.spent, one.reserved, one.period_end, one.row_id])?;
        }
        Ok(())
    }
}
