use std::time::Duration;

use workspace_store::{Backend, MasterKeyError, MasterKeys, Store, StoreError};

use crate::support::{acme, key, on_each, options, other_key, sqlite};

#[test]
fn store_is_made_and_opens_again() {
    on_each(async |database| {
        let first = database.open().await;
        assert_eq!(first.backend(), database.backend);
        let second = database.open().await;
        assert_eq!(second.health().away_since, None);
        assert!(second.workspaces("", 10).await.unwrap().is_empty());
    });
}

#[test]
fn hosts_that_open_at_once_migrate_once() {
    on_each(async |database| {
        let opening: Vec<_> = (0..6)
            .map(|_| {
                let url = database.url.clone();
                tokio::spawn(async move { Store::open(&url, key()).await.map(drop) })
            })
            .collect();
        for opened in opening {
            opened.await.unwrap().unwrap();
        }
    });
}

#[test]
fn wrong_master_key_is_refused_by_its_id() {
    on_each(async |database| {
        drop(database.open().await);
        let refused = Store::open(&database.url, other_key()).await.unwrap_err();
        let StoreError::MasterKey(MasterKeyError::Wrong { given, expected }) = refused else {
            panic!("{refused}");
        };
        assert_eq!((given.as_str(), expected), (other_key().id(), vec![key().id().to_owned()]));
        Store::open(&database.url, MasterKeys::new(other_key()).previous(key())).await.unwrap();
    });
}

#[test]
fn newer_schema_is_refused() {
    on_each(async |database| {
        drop(database.open().await);
        let raw = database.raw().await;
        sqlx::query("INSERT INTO schema_versions (version) VALUES (9999)").execute(&raw).await.unwrap();
        raw.close().await;
        let refused = Store::open(&database.url, key()).await.unwrap_err();
        assert!(matches!(refused, StoreError::NewerSchema { found: 9999, .. }), "{refused}");
    });
}

#[test]
fn errors_of_urls_have_no_password() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let urls = [
            "postgres://ada:pass-w0rd@[::1/x",
            "postgres://ada:pass-w0rd@127.0.0.1:1/x",
            "mysql://pass-w0rd",
        ];
        for url in urls {
            let options = options().acquire_timeout(Duration::from_millis(200));
            let error = Store::open_with(url, key(), options).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("pass-w0rd"), "{error:?}");
        }
    });
}

#[cfg(unix)]
#[test]
fn database_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let database = sqlite();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = database.open().await;
        assert_eq!(store.backend(), Backend::Sqlite);
        for file in std::fs::read_dir(database.folder.path().join("data")).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
    });
}

#[test]
fn commits_are_moved_into_the_file_of_sqlite_without_a_call() {
    let database = sqlite();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = database.open().await;
        acme(&store).await;
        let file = database.folder.path().join("data/store.db");
        let has_workspace = || std::fs::read(&file).unwrap().windows(4).any(|bytes| bytes == b"acme");
        // The log beside it has what was committed last.
        for _ in 0..200 {
            if has_workspace() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no checkpoint within ten seconds");
    });
}

#[test]
fn log_of_sqlite_stays_short_while_one_writes_without_a_pause() {
    const MIB: u64 = 1024 * 1024;
    let database = sqlite();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = database.open().await;
        acme(&store).await;
        let conversation = store.create_conversation("acme", "long", None).await.unwrap();
        let messages = [provider_core::Message::user("a".repeat(MIB as usize / 2))];
        let log = database.folder.path().join("data/store.db-wal");
        let (mut written, mut longest) = (0, 0);
        // The log has begun anew once more was written than it has ever held. A slow disk needs longer for
        // it.
        while written < 48 * MIB || longest >= written / 3 * 2 {
            assert!(written < 512 * MIB, "{longest} bytes of log for {written} written");
            store.append("acme", &conversation.id, None, &messages, None).await.unwrap();
            written += MIB / 2;
            longest = longest.max(std::fs::metadata(&log).unwrap().len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}
