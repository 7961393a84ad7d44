use std::path::Path;

use workspace_store::{
    Connections, MasterKeys, NewProvider, NewToken, NewWorkspace, ProviderChange, Role, SealError, Store,
    StoreError,
};

use crate::support::{API_KEY, acme, ada, key, on_each, other_key, postgres, registry, sqlite};

/// The error of the provider `openrouter` of this workspace.
async fn error_of(store: &Store, workspace: &str) -> Option<String> {
    let connections = Connections::new(store.clone(), registry());
    let connected = connections.workspace(workspace).await.unwrap();
    connected.error("openrouter").map(|error| {
        assert!(matches!(error, StoreError::Seal(SealError::DoesNotOpen { .. })), "{error:?}");
        error.to_string()
    })
}

#[test]
fn copied_row_and_flipped_bit_do_not_open() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        store.create_workspace(NewWorkspace::new("evil"), &ada()).await.unwrap();
        let new = NewProvider::new("openrouter", [("api_key", "sk-or-v1-evil")]);
        store.add_provider("evil", &registry(), new, &ada()).await.unwrap();
        assert_eq!(error_of(&store, "evil").await, None);

        let raw = database.raw().await;
        let copy = "UPDATE secrets SET sealed = (SELECT s.sealed FROM secrets s WHERE s.workspace = 'acme') \
                    WHERE workspace = 'evil'";
        sqlx::query(copy).execute(&raw).await.unwrap();
        let error = error_of(&store, "evil").await.expect("a copied row");
        assert!(error.contains("evil") && error.contains("api_key"), "{error}");

        let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM secrets WHERE workspace = 'acme'")
            .fetch_one(&raw)
            .await
            .unwrap();
        let mut flipped = sealed;
        *flipped.last_mut().unwrap() ^= 0x10;
        let flip = "UPDATE secrets SET sealed = $1 WHERE workspace = 'acme'";
        sqlx::query(flip).bind(flipped).execute(&raw).await.unwrap();
        assert!(error_of(&store, "acme").await.is_some(), "a flipped bit");
        raw.close().await;
    });
}

#[test]
fn secret_of_a_provider_made_anew_is_no_secret_of_the_old_one() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let raw = database.raw().await;
        let sealed = "SELECT sealed FROM secrets";
        let old: Vec<u8> = sqlx::query_scalar(sealed).fetch_one(&raw).await.unwrap();
        store.remove_provider("acme", "openrouter", &ada()).await.unwrap();
        let new = NewProvider::new("openrouter", [("api_key", "sk-or-v1-new")]);
        store.add_provider("acme", &registry(), new, &ada()).await.unwrap();
        sqlx::query("UPDATE secrets SET sealed = $1").bind(old).execute(&raw).await.unwrap();
        raw.close().await;
        assert!(error_of(&store, "acme").await.is_some());
    });
}

#[test]
fn rewrap_moves_all_secrets_to_the_new_key() {
    on_each(async |database| {
        let old = database.open().await;
        for number in 0..120 {
            let id = format!("w{number:03}");
            old.create_workspace(NewWorkspace::new(&id), &ada()).await.unwrap();
            let new = NewProvider::new("openrouter", [("api_key", API_KEY)]);
            old.add_provider(&id, &registry(), new, &ada()).await.unwrap();
        }
        let keys = MasterKeys::new(other_key()).previous(key());
        let both = Store::open(&database.url, keys).await.unwrap();
        let result = both.rewrap(&ada()).await.unwrap();
        assert_eq!((result.count, result.failed.len()), (120, 0));
        assert_eq!(both.rewrap(&ada()).await.unwrap().count, 0);
        assert_eq!(error_of(&both, "w119").await, None);
        drop(both);
        let new = Store::open(&database.url, other_key()).await.unwrap();
        assert_eq!(error_of(&new, "w000").await, None);
        assert!(Store::open(&database.url, key()).await.is_err(), "the old key opens nothing any more");
    });
}

#[test]
fn rewrap_keeps_the_key_of_a_secret_that_does_not_open() {
    on_each(async |database| {
        let old = database.open().await;
        acme(&old).await;
        let raw = database.raw().await;
        sqlx::query("UPDATE secrets SET version = version + 1").execute(&raw).await.unwrap();
        raw.close().await;
        let keys = MasterKeys::new(other_key()).previous(key());
        let both = Store::open(&database.url, keys).await.unwrap();
        let result = both.rewrap(&ada()).await.unwrap();
        assert_eq!((result.count, result.failed.len()), (0, 1));
        assert!(Store::open(&database.url, key()).await.is_ok());
    });
}

#[test]
fn files_of_the_database_hold_no_secret() {
    let database = sqlite();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = database.open().await;
        acme(&store).await;
        assert_eq!(error_of(&store, "acme").await, None);
        let texts =
            format!("{store:?} {:?} {:?}", store.providers("acme").await, store.audit("acme", None, 9).await);
        assert!(!texts.contains(API_KEY));
        assert!(!is_in_files(database.folder.path(), API_KEY), "while it is open, in the log");
        assert!(is_in_files(database.folder.path(), "site_name"), "the test looks where settings are");
        store.remove_provider("acme", "openrouter", &ada()).await.unwrap();
        drop(store);
    });
    assert!(!is_in_files(database.folder.path(), API_KEY));
    assert!(!is_in_files(database.folder.path(), key().to_text().expose()));
}

#[test]
fn tables_of_postgres_hold_no_secret() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(database) = postgres().await else { return };
        let store = database.open().await;
        acme(&store).await;
        let token = store.create_token("acme", NewToken::new("CI", Role::Owner), &ada()).await.unwrap();
        let raw = database.raw().await;
        let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&raw).await.unwrap();
        let mut dump = String::new();
        for table in tables {
            let sql = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
            let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&raw).await.unwrap();
            dump.push_str(&rows);
        }
        assert!(dump.contains("site_name"), "the test looks where settings are");
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        for secret in [API_KEY, &token.text.expose()[29..], key().to_text().expose()] {
            assert!(!dump.contains(secret) && !dump.contains(&hex(secret)));
        }
        raw.close().await;
        database.drop().await;
    });
}

#[test]
fn rewrap_and_changes_of_other_hosts_go_together() {
    on_each(async |database| {
        let old = database.open().await;
        acme(&old).await;
        let keys = || MasterKeys::new(other_key()).previous(key());
        let both = Store::open(&database.url, keys()).await.unwrap();
        let other = Store::open(&database.url, keys()).await.unwrap();
        let changing = tokio::spawn(async move {
            for revision in 1..=20 {
                let change = ProviderChange::new().set([("api_key", API_KEY)]);
                other
                    .change_provider("acme", "openrouter", revision, &registry(), change, &ada())
                    .await
                    .unwrap();
            }
        });
        while !changing.is_finished() {
            assert!(both.rewrap(&ada()).await.unwrap().failed.is_empty());
        }
        changing.await.unwrap();
        assert!(both.rewrap(&ada()).await.unwrap().failed.is_empty());
        let new = Store::open(&database.url, other_key()).await.unwrap();
        assert_eq!(error_of(&new, "acme").await, None);
    });
}

#[test]
fn secret_shows_its_end_if_it_is_long_enough() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let new = NewProvider::new("openrouter", [("api_key", "sk-or-v1-ab")]).id("short");
        store.add_provider("acme", &registry(), new, &ada()).await.unwrap();
        let endings = store.secret_endings("acme").await.unwrap();
        assert_eq!(endings["openrouter"]["api_key"], "acdc");
        assert!(endings["short"].is_empty(), "11 characters");
        assert!(store.secret_endings("none").await.unwrap().is_empty());
    });
}

#[test]
fn opened_providers_have_settings_and_secrets() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let opened = store.opened_providers("acme").await.unwrap();
        let (record, values) = &opened[0];
        assert!(!record.secrets.is_empty());
        for secret in &record.secrets {
            let value = values.get(secret).unwrap();
            assert!(!format!("{values:?}").contains(value), "Debug shows no secret");
        }
        assert!(record.settings.iter().all(|(key, value)| values.get(key) == Some(value)));
        assert!(store.opened_providers("none").await.unwrap().is_empty());
    });
}

/// Whether a text is in any file of a folder.
pub(crate) fn is_in_files(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_in_files(&path, text);
        }
        // A closing database removes its log meanwhile.
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}
