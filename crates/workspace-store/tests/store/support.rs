//! Databases for tests: one of its own for each, on every server that there is.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime};

use provider_registry::Registry;
use sqlx::{AnyPool, Executor as _};
use tempfile::TempDir;
use workspace_store::{Actor, Backend, MasterKey, NewProvider, NewWorkspace, Store, StoreOptions};

use openrouter_provider as _;

/// A database of a test, which is gone with it.
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    pub(crate) backend: Backend,
    pub(crate) folder: TempDir,
    /// The name of a PostgreSQL database, and the server's URL.
    postgres: Option<(String, String)>,
}

impl TestDatabase {
    pub(crate) async fn open(&self) -> Store {
        Store::open_with(&self.url, key(), options()).await.unwrap()
    }

    /// A store whose clock is as many seconds ahead as the counter says.
    pub(crate) async fn open_with_clock(&self, ahead: &Arc<AtomicU64>) -> Store {
        let ahead = ahead.clone();
        let clock = move || SystemTime::now() + Duration::from_secs(ahead.load(Ordering::Relaxed));
        Store::open_with(&self.url, key(), options().clock(clock)).await.unwrap()
    }

    /// The database without the store.
    pub(crate) async fn raw(&self) -> AnyPool {
        sqlx::any::install_default_drivers();
        AnyPool::connect(&self.url).await.unwrap()
    }

    /// Removes it from its server.
    pub(crate) async fn drop(self) {
        if let Some((name, server)) = &self.postgres {
            let pool = AnyPool::connect(server).await.unwrap();
            let sql = format!("DROP DATABASE {name} WITH (FORCE)");
            pool.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        }
    }
}

/// Runs a test on each database.
pub(crate) fn on_each<F: Future<Output = ()>>(test: impl Fn(Arc<TestDatabase>) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for database in [Some(sqlite()), postgres().await].into_iter().flatten() {
            let database = Arc::new(database);
            test(database.clone()).await;
            Arc::into_inner(database).expect("no test keeps its database").drop().await;
        }
    });
}

pub(crate) fn sqlite() -> TestDatabase {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("data/store.db").display());
    TestDatabase { url, backend: Backend::Sqlite, folder, postgres: None }
}

/// A new database on the server of `TEST_POSTGRES_URL`; `None`, and a line that says so, without one.
pub(crate) async fn postgres() -> Option<TestDatabase> {
    static TOLD: Once = Once::new();
    let Some(server) = std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty()) else {
        TOLD.call_once(|| {
            // Not through the captured output: whoever runs the tests must see it.
            let _ = writeln!(std::io::stderr(), "skipped: PostgreSQL, since TEST_POSTGRES_URL is not set");
        });
        return None;
    };
    sqlx::any::install_default_drivers();
    let name = format!("store_{}", MasterKey::generate().unwrap().id());
    let pool = AnyPool::connect(&server).await.expect("the server of TEST_POSTGRES_URL");
    pool.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    let url = format!("{base}/{name}");
    let folder = tempfile::tempdir().unwrap();
    Some(TestDatabase { url, backend: Backend::Postgres, folder, postgres: Some((name, server)) })
}

pub(crate) fn key() -> MasterKey {
    MasterKey::parse(&"0123456789abcdef".repeat(4)).unwrap()
}

pub(crate) fn other_key() -> MasterKey {
    MasterKey::parse(&"fedcba9876543210".repeat(4)).unwrap()
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions::new().poll_interval(Duration::from_millis(50))
}

pub(crate) fn ada() -> Actor {
    Actor::new("user:ada").from_origin("192.0.2.7")
}

pub(crate) fn registry() -> Registry {
    Registry::discover().unwrap()
}

/// The key of the provider that `acme` has.
pub(crate) const API_KEY: &str = "sk-or-v1-5ec2e7000000000000000000000000000000000000000000000000000000acdc";

/// The workspace `acme`, with a provider.
pub(crate) async fn acme(store: &Store) {
    store.create_workspace(NewWorkspace::new("acme"), &ada()).await.unwrap();
    let provider = NewProvider::new("openrouter", [("api_key", API_KEY), ("site_name", "Acme")]);
    store.add_provider("acme", &registry(), provider, &ada()).await.unwrap();
}

/// Waits until something holds; a second is what the store promises.
pub(crate) async fn within_a_second<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "not within a second: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
