//! Tests that need a process of their own: this one, executed again with a job that a variable names.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};
use workspace_store::{Amount, Backend, Call, Period, Scope, Store, StoreError};

use crate::support::{TestDatabase, acme, ada, key, on_each, options};

/// The variable that names the database of a copy of this process.
const DATABASE: &str = "WORKSPACE_STORE_TEST_DATABASE";

/// Executes one of the ignored tests below in a process of its own.
fn process(test: &str, database: &TestDatabase) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("processes::{test}"), "--ignored", "--nocapture"]);
    command.env(DATABASE, &database.url).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Runs the job of such a process, with the URL of its database.
fn job<F: Future<Output = ()>>(runtime: &mut tokio::runtime::Builder, job: impl FnOnce(String) -> F) {
    let Ok(url) = std::env::var(DATABASE) else { return };
    runtime.enable_all().build().unwrap().block_on(job(url));
}

/// How long a reservation of the hosts below outlives its host.
const LEASE: Duration = Duration::from_secs(1);

#[test]
fn hosts_reserve_up_to_the_limit_while_one_is_killed() {
    const LIMIT: u64 = 150;
    on_each(async |database| {
        let store = Store::open_with(&database.url, key(), options().reservation_lease(LEASE)).await.unwrap();
        acme(&store).await;
        let (limit, by) = (Amount::Requests(LIMIT), ada());
        let budget = store.add_budget("acme", Scope::Workspace, limit, Period::Total, &by).await.unwrap();
        let mut hosts: Vec<_> = (0..3).map(|_| Host::start(&database)).collect();
        let used = async || {
            let budget = store.budget("acme", &budget.id).await.unwrap();
            let (Amount::Requests(spent), Amount::Requests(reserved)) = (budget.spent, budget.reserved)
            else {
                panic!("{budget:?}")
            };
            (spent, reserved)
        };
        // The first host holds some reservations and has settled others when it is killed.
        let deadline = Instant::now() + Duration::from_secs(60);
        while hosts[0].settled() < 8 || hosts[1].settled() + hosts[2].settled() < 8 {
            assert!(Instant::now() < deadline, "the hosts do not reserve");
            let (spent, reserved) = used().await;
            assert!(spent + reserved <= LIMIT, "{spent} spent and {reserved} reserved of {LIMIT}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // SIGKILL on Unix.
        hosts[0].process.kill().unwrap();
        // The others go on until all is spent or held by them: what the killed one held is theirs, too.
        loop {
            let (spent, reserved) = used().await;
            assert!(spent + reserved <= LIMIT, "{spent} spent and {reserved} reserved of {LIMIT}");
            let held = hosts[1..].iter_mut().map(Host::held).sum::<u64>();
            if spent + held == LIMIT && reserved == held {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "{spent} spent, {reserved} reserved, {held} held by the living"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Those that end give back what they hold.
        let mut acknowledged = hosts[0].settled();
        for host in &mut hosts[1..] {
            drop(host.process.stdin.take());
            assert!(host.process.wait().unwrap().success());
            acknowledged += host.settled();
        }
        let (spent, reserved) = used().await;
        assert_eq!(reserved, 0, "those that ended gave back what they held");
        // The killed one may have settled one call more than it could tell of.
        assert!((acknowledged..=acknowledged + 1).contains(&spent), "{spent} spent, {acknowledged} settled");
    });
}

/// A host in a process of its own, which reserves until it is told to end.
struct Host {
    process: Child,
    lines: Receiver<String>,
    counts: HashMap<String, u64>,
}

impl Host {
    fn start(database: &TestDatabase) -> Self {
        let mut process = process("host_that_reserves", database);
        let (sender, lines) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { process, lines, counts: HashMap::new() }
    }

    fn count(&mut self, word: &str) -> u64 {
        for line in self.lines.try_iter() {
            *self.counts.entry(line).or_default() += 1;
        }
        self.counts.get(word).copied().unwrap_or(0)
    }

    fn settled(&mut self) -> u64 {
        self.count("settled")
    }

    fn held(&mut self) -> u64 {
        self.count("held")
    }
}

#[test]
#[ignore = "runs as a process of its own, which another test starts"]
fn host_that_reserves() {
    job(&mut tokio::runtime::Builder::new_multi_thread(), async |url| {
        let store = Store::open_with(&url, key(), options().reservation_lease(LEASE)).await.unwrap();
        let mut held = Vec::new();
        let is_over = std::sync::Arc::new(AtomicBool::new(false));
        let told = is_over.clone();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read(&mut [0]);
            told.store(true, Ordering::Relaxed);
        });
        for number in 0_u64.. {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            match store.reserve(&Call::new("acme")).await {
                Ok(reservation) if number % 4 == 0 => {
                    held.push(reservation);
                    println!("held");
                }
                Ok(reservation) => {
                    reservation.settle(None).await.unwrap();
                    println!("settled");
                }
                Err(StoreError::Budget(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => panic!("{error}"),
            }
        }
        for reservation in held {
            reservation.release().await.unwrap();
        }
    });
}

#[test]
fn call_costs_few_round_trips_and_calls_at_once_share_commits() {
    on_each(async |database| {
        acme(&database.open().await).await;
        let counting = process("process_that_counts", &database).wait_with_output().unwrap();
        let text = String::from_utf8(counting.stdout).unwrap();
        let counts = text.lines().find_map(|line| line.strip_prefix("trips "));
        let counts = counts.unwrap_or_else(|| panic!("no counts: {text}")).split(' ');
        let counts: Vec<u64> = counts.map(|count| count.parse().unwrap()).collect();
        let [reserve, settle, refuse, at_once] = counts[..] else { panic!("{counts:?}") };
        match database.backend {
            Backend::Sqlite => {
                assert_eq!((reserve, settle), (1, 1), "transactions of a call");
                // The sweep for reservations of dead hosts is a query of its own.
                assert_eq!(refuse, 2, "transactions of a refusal");
                assert!(at_once <= 16, "{at_once} transactions of 64 calls at once");
            }
            Backend::Postgres => {
                assert_eq!((reserve, settle), (1, 1), "round trips of a call");
                assert_eq!(refuse, 2, "round trips of a refusal");
                assert_eq!(at_once, 128, "round trips of 64 calls at once");
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
#[ignore = "runs as a process of its own, which another test starts"]
fn process_that_counts() {
    job(&mut tokio::runtime::Builder::new_current_thread(), async |url| {
        static TRIPS: Trips = Trips(AtomicU64::new(0));
        tracing::subscriber::set_global_default(&TRIPS).unwrap();
        let store = Store::open_with(&url, key(), options()).await.unwrap();
        let (limit, by) = (Amount::Requests(70), ada());
        store.add_budget("acme", Scope::Workspace, limit, Period::Total, &by).await.unwrap();
        let call = Call::new("acme").user("ada");
        // The settings of the workspace are in memory from now on.
        store.reserve(&call).await.unwrap().release().await.unwrap();
        let counted = async || TRIPS.0.swap(0, Ordering::Relaxed);
        counted().await;
        let reservation = store.reserve(&call).await.unwrap();
        let reserve = counted().await;
        reservation.settle(None).await.unwrap();
        let settle = counted().await;

        let mut calls = JoinSet::new();
        for _ in 0..64 {
            let (store, call) = (store.clone(), call.clone());
            calls.spawn(async move { store.reserve(&call).await.unwrap().settle(None).await.unwrap() });
        }
        calls.join_all().await;
        let at_once = counted().await;
        for _ in 0..5 {
            store.reserve(&call).await.unwrap().settle(None).await.unwrap();
        }
        counted().await;
        assert!(matches!(store.reserve(&call).await, Err(StoreError::Budget(_))));
        let refuse = counted().await;
        println!("trips {reserve} {settle} {refuse} {at_once}");
    });
}

/// Counts what sqlx sends about budgets and reservations, for it logs each text that it sends, and the
/// transactions of SQLite's thread.
struct Trips(AtomicU64);

impl Subscriber for &'static Trips {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query" || metadata.target() == "workspace_store::reservation::sqlite"
    }

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{value:?} ");
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        if ["budgets", "reservations"].iter().any(|word| text.0.contains(word)) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
