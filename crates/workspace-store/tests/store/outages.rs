//! A process that is killed in the middle of writes, and a database that goes away and comes back.

use std::io::BufRead as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use workspace_store::{
    Amount, Backend, Call, Connections, NewToken, Period, Recorder, RecorderSettings, Role, Run, Scope,
    Settled, Store, StoreError,
};

use crate::support::{acme, ada, key, on_each, options, postgres, registry, within_a_second};

/// The variable that tells a copy of this test which database to write to.
const WRITE_TO: &str = "WORKSPACE_STORE_TEST_WRITE_TO";

#[test]
fn runs_wait_while_the_database_refuses_them_for_a_reason_of_its_own() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let settings = RecorderSettings::new(database.folder.path().join("spill"));
        let recorder = Recorder::start(store.clone(), settings).unwrap();
        let raw = database.raw().await;
        sqlx::query("ALTER TABLE runs RENAME TO runs_moved").execute(&raw).await.unwrap();
        recorder.record(Run::begin("acme", "openrouter", "openai/gpt-4o").unwrap());
        recorder.flush().await;
        let counts = recorder.counts();
        assert_eq!((counts.spilled, counts.refused), (1, 0));

        sqlx::query("ALTER TABLE runs_moved RENAME TO runs").execute(&raw).await.unwrap();
        for _ in 0..200 {
            if recorder.counts().waiting_bytes == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(recorder.counts().written, 1);
        raw.close().await;
    });
}

#[test]
fn killed_process_loses_nothing_that_it_acknowledged() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let (all, by) = (Amount::Requests(1_000_000), ada());
        let budget = store.add_budget("acme", Scope::Workspace, all, Period::Total, &by).await.unwrap();
        let mut writer = Command::new(std::env::current_exe().unwrap());
        writer.args(["--exact", "outages::writer_that_is_killed", "--ignored", "--nocapture"]);
        writer.env(WRITE_TO, &database.url).stdout(Stdio::piped());
        let mut writer = writer.spawn().unwrap();
        let lines = std::io::BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut acknowledged = Vec::new();
        for line in lines.map_while(Result::ok) {
            let Some(id) = line.strip_prefix("recorded ") else { continue };
            acknowledged.push(id.to_owned());
            if acknowledged.len() == 100 {
                // SIGKILL on Unix, while it writes on.
                writer.kill().unwrap();
            }
        }
        writer.wait().unwrap();
        assert!(acknowledged.len() >= 100);
        for id in &acknowledged {
            assert!(store.run("acme", id).await.is_ok(), "{id} was acknowledged");
        }
        let spent = store.budget("acme", &budget.id).await.unwrap().spent;
        let Amount::Requests(spent) = spent else { panic!("{spent}") };
        assert!(spent >= acknowledged.len() as u64, "{spent} of {}", acknowledged.len());
        if database.backend == Backend::Sqlite {
            let raw = database.raw().await;
            let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&raw).await.unwrap();
            raw.close().await;
            assert_eq!(check, "ok");
        }
    });
}

#[test]
#[ignore = "runs as a process of its own, which another test kills"]
fn writer_that_is_killed() {
    let Ok(url) = std::env::var(WRITE_TO) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&url, key()).await.unwrap();
        loop {
            let reservation = store.reserve(&Call::new("acme")).await.unwrap();
            reservation.settle(None).await.unwrap();
            let run = Run::begin("acme", "openrouter", "openai/gpt-4o").unwrap();
            store.record_run(&run).await.unwrap();
            println!("recorded {}", run.id);
        }
    });
}

/// A port between the store and the server, which can be closed.
struct Wire {
    port: u16,
    is_cut: Arc<AtomicBool>,
    cut: Arc<tokio::sync::Notify>,
}

impl Wire {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_cut, cut) = (Arc::new(AtomicBool::new(false)), Arc::new(tokio::sync::Notify::new()));
        let (is, notify) = (is_cut.clone(), cut.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if is.load(Ordering::SeqCst) {
                    continue;
                }
                let (server, notify) = (server.clone(), notify.clone());
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        () = notify.notified() => {}
                    }
                });
            }
        });
        Self { port, is_cut, cut }
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cut.notify_waiters();
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

#[test]
fn host_goes_on_while_its_database_is_away_and_loses_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(database) = postgres().await else { return };
        let direct = database.open().await;
        let (head, tail) = database.url.split_once('@').expect("a user in TEST_POSTGRES_URL");
        let (server, path) = tail.split_once('/').unwrap();
        let wire = Wire::to(server.to_owned()).await;
        let url = format!("{head}@127.0.0.1:{}/{path}", wire.port);
        let options = options().acquire_timeout(Duration::from_millis(300));
        let store = Store::open_with(&url, key(), options).await.unwrap();
        acme(&store).await;
        let (all, by) = (Amount::Requests(9), ada());
        let budget = store.add_budget("acme", Scope::Workspace, all, Period::Total, &by).await.unwrap();
        let token = store.create_token("acme", NewToken::new("CI", Role::Member), &ada()).await.unwrap();
        // The feed may tell of the token once more.
        tokio::time::sleep(Duration::from_millis(200)).await;
        store.authenticate(token.text.expose()).await.unwrap();
        let connections = Connections::new(store.clone(), registry());
        let connected = connections.workspace("acme").await.unwrap();
        let settings = RecorderSettings::new(database.folder.path().join("spill"));
        let recorder = Recorder::start(store.clone(), settings).unwrap();
        let under_way = store.reserve(&Call::new("acme")).await.unwrap();

        wire.cut();
        for _ in 0..200 {
            if store.health().away_since.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(store.health().away_since.is_some(), "it says that its database is away");
        let still = connections.workspace("acme").await.unwrap();
        assert!(Arc::ptr_eq(&connected, &still), "it goes on with what it has");
        assert_eq!(store.authenticate(token.text.expose()).await.unwrap().role, Role::Member);
        let refused = store.reserve(&Call::new("acme")).await.unwrap_err();
        assert!(refused.is_unavailable(), "{refused}");
        assert_eq!(under_way.settle(None).await.unwrap(), Settled::Later);
        for _ in 0..20 {
            recorder.record(Run::begin("acme", "openrouter", "openai/gpt-4o").unwrap());
        }
        recorder.flush().await;
        assert_eq!(recorder.counts().spilled, 20);
        // Others go on meanwhile, and what they change holds here once the database is back.
        direct.revoke_token("acme", &token.record.id, &ada()).await.unwrap();

        wire.mend();
        for _ in 0..200 {
            if store.health().away_since.is_none() && recorder.counts().waiting_bytes == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(direct.run_totals("acme", 0, i64::MAX).await.unwrap().runs, 20);
        within_a_second("the call is settled", async || {
            let budget = direct.budget("acme", &budget.id).await.unwrap();
            (budget.spent, budget.reserved) == (Amount::Requests(1), Amount::Requests(0))
        })
        .await;
        let refused = store.authenticate(token.text.expose()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Token(_)), "{refused}");
        store.reserve(&Call::new("acme")).await.unwrap().settle(None).await.unwrap();
        database.drop().await;
    });
}

#[test]
fn database_that_takes_no_writes_counts_as_away_until_it_does() {
    on_each(async |database| {
        if database.backend != Backend::Sqlite {
            return;
        }
        let options = options().acquire_timeout(Duration::from_millis(200));
        let store = Store::open_with(&database.url, key(), options).await.unwrap();
        acme(&store).await;
        let all = Amount::Requests(10);
        store.add_budget("acme", Scope::Workspace, all, Period::Total, &ada()).await.unwrap();
        let raw = database.raw().await;
        let mut other = raw.acquire().await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *other).await.unwrap();
        let refused = store.reserve(&Call::new("acme")).await.unwrap_err();
        assert!(refused.is_unavailable(), "{refused}");
        // Reads pass all the while, and change nothing about it.
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(store.workspace("acme").await.is_ok());
            assert!(store.health().away_since.is_some());
        }
        sqlx::query("COMMIT").execute(&mut *other).await.unwrap();
        drop(other);
        raw.close().await;
        let begun = std::time::Instant::now();
        while store.health().away_since.is_some() {
            assert!(begun.elapsed() < Duration::from_secs(30), "still away");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}
