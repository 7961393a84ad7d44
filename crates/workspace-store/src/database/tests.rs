use super::*;

#[test]
fn urls_name_a_file_or_postgres() {
    let path = |url| sqlite_path(url).unwrap();
    assert_eq!(path("sqlite:data/store.db"), Some(PathBuf::from("data/store.db")));
    assert_eq!(path("sqlite:///var/lib/store.db"), Some(PathBuf::from("/var/lib/store.db")));
    assert_eq!(path("postgres://u:secret@localhost/x"), None);
    for url in ["", "store.db", "mysql://u:secret@h/x", "sqlite:", "sqlite::memory:", "sqlite:a?mode=ro"] {
        let refused = sqlite_path(url).unwrap_err();
        assert!(matches!(refused, StoreError::Url(_)), "{url}");
        assert!(!refused.to_string().contains("secret"), "{url}");
    }
}

/// A database without a schema.
struct Empty {
    database: Database,
    /// A PostgreSQL database's server and name.
    postgres: Option<(String, String)>,
}

async fn empty_databases(folder: &Path, version: usize) -> Vec<Empty> {
    let wait = Duration::from_secs(30);
    let url = format!("sqlite:{}", folder.join(format!("{version}.db")).display());
    let mut databases =
        vec![Empty { database: Database::open(&url, 2, wait).await.unwrap(), postgres: None }];
    if let Some(server) = std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty()) {
        let name = format!("store_steps_{version}_{}", std::process::id());
        run_on(&server, format!("CREATE DATABASE {name}")).await;
        let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        let database = Database::open(&url, 2, wait).await.unwrap();
        databases.push(Empty { database, postgres: Some((server, name)) });
    }
    databases
}

async fn run_on(server: &str, sql: String) {
    let pool = AnyPool::connect(server).await.unwrap();
    pool.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    pool.close().await;
}

/// The version that counts runs by day.
const RUN_TOTALS: usize = 8;

#[tokio::test]
async fn every_version_is_brought_to_the_newest_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    for version in 0..=MIGRATIONS.len() {
        for Empty { database, postgres } in empty_databases(folder.path(), version).await {
            database.migrate_to(version).await.unwrap();
            if version > 0 {
                let sql = "INSERT INTO workspaces (id, name, time_zone, revision, changed, created) \
                           VALUES ('acme', 'Acme', 'UTC', 1, '{}', 0)";
                database.write.execute(sql).await.unwrap();
            }
            let has_runs = version >= 4;
            if has_runs {
                let sql = "INSERT INTO runs (id, workspace, started, provider, requested, attempts, cost) \
                           VALUES ('1', 'acme', 0, 'p', 'm', 1, '0.5'), ('2', 'acme', 1, 'p', 'm', 1, '0.25')";
                database.write.execute(sql).await.unwrap();
                if version >= RUN_TOTALS {
                    let sql = "INSERT INTO run_totals VALUES ('acme', '1970-01-01', 'p', 'm', 2, 0, 0, 0, 750000000, 0, 0)";
                    database.write.execute(sql).await.unwrap();
                }
            }
            for _ in 0..2 {
                database.migrate().await.unwrap();
            }
            let sql = "SELECT count(*) FROM schema_versions";
            let steps: i64 = sqlx::query_scalar(sql).fetch_one(&database.read).await.unwrap();
            assert_eq!(usize::try_from(steps), Ok(MIGRATIONS.len()));
            let names: Vec<String> =
                sqlx::query_scalar("SELECT name FROM workspaces").fetch_all(&database.read).await.unwrap();
            assert_eq!(names.len(), usize::from(version > 0), "from version {version}");
            let sql = "SELECT runs, cost_billionths FROM run_totals";
            let counted: Option<(i64, i64)> =
                sqlx::query_as(sql).fetch_optional(&database.read).await.unwrap();
            assert_eq!(counted, has_runs.then_some((2, 750_000_000)), "from version {version}");
            database.read.close().await;
            if let Some((server, name)) = postgres {
                run_on(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
            }
        }
    }
}

#[tokio::test]
async fn connection_whose_transaction_sqlite_rolled_back_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("full.db").display());
    let database = Database::open(&url, 2, Duration::from_secs(5)).await.unwrap();
    // As SQLite does on a full disk.
    let mut tx = database.begin().await.unwrap();
    tx.execute(sqlx::raw_sql("ROLLBACK")).await.unwrap();
    assert!(tx.commit().await.is_err());
    let tx = database.begin().await.expect("another transaction");
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn file_that_is_no_database_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.db");
    std::fs::write(&path, [7; 4096]).unwrap();
    let url = format!("sqlite:{}", path.display());
    let begun = std::time::Instant::now();
    let error = Database::open(&url, 2, Duration::from_secs(600)).await.unwrap_err();
    assert!(error.to_string().contains("file is not a database"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(60));
}
