use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use workspace_store::{NewToken, RecordKind, Role, Store, StoreError, TokenError};

use crate::secrets::is_in_files;
use crate::support::{acme, ada, key, on_each, options, within_a_second};

fn token_error(error: StoreError) -> TokenError {
    let StoreError::Token(error) = error else { panic!("{error}") };
    error
}

/// A token's prefix with its id, and its secret.
fn split(text: &str) -> (&str, &str) {
    (&text[..28], &text[29..])
}

#[test]
fn token_lets_its_bearer_in_on_every_host() {
    on_each(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        acme(&one).await;
        let created = one.create_token("acme", NewToken::new("CI", Role::Member), &ada()).await.unwrap();
        let found = other.authenticate(created.text.expose()).await.unwrap();
        assert_eq!((found.workspace.as_str(), found.role), ("acme", Role::Member));
        let listed = one.tokens("acme").await.unwrap();
        assert_eq!(listed.len(), 1);
        within_a_second("the use is noted", async || {
            one.tokens("acme").await.unwrap()[0].last_used.is_some()
        })
        .await;
        assert!(!format!("{created:?}{listed:?}").contains(created.text.expose()));
        if database.backend == workspace_store::Backend::Sqlite {
            let secret = split(created.text.expose()).1;
            assert!(!is_in_files(database.folder.path(), secret));
        }
    });
}

#[test]
fn revoked_token_is_refused_at_once_and_on_other_hosts_within_a_second() {
    on_each(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        acme(&one).await;
        let created = one.create_token("acme", NewToken::new("CI", Role::Admin), &ada()).await.unwrap();
        for store in [&one, &other] {
            store.authenticate(created.text.expose()).await.unwrap();
        }
        let elsewhere = one.revoke_token("other", &created.record.id, &ada()).await.unwrap_err();
        assert!(matches!(elsewhere, StoreError::NotFound { kind: RecordKind::Token, .. }), "{elsewhere}");
        one.revoke_token("acme", &created.record.id, &ada()).await.unwrap();
        let refused = one.authenticate(created.text.expose()).await.unwrap_err();
        assert_eq!(token_error(refused), TokenError::Revoked);
        within_a_second("the other host refuses it", async || {
            other.authenticate(created.text.expose()).await.is_err()
        })
        .await;
        let refused = other.authenticate(created.text.expose()).await.unwrap_err();
        assert_eq!(token_error(refused), TokenError::Revoked);
    });
}

#[test]
fn token_that_was_looked_up_lately_needs_no_query() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let asking = options().token_cache(Duration::ZERO);
        let asking = Store::open_with(&database.url, key(), asking).await.unwrap();
        let created = store.create_token("acme", NewToken::new("CI", Role::Member), &ada()).await.unwrap();
        // The feed may tell of the token once more.
        tokio::time::sleep(Duration::from_millis(200)).await;
        for store in [&store, &asking] {
            store.authenticate(created.text.expose()).await.unwrap();
        }
        // Past the store, so that the feed tells of nothing.
        let raw = database.raw().await;
        sqlx::query("DELETE FROM tokens").execute(&raw).await.unwrap();
        raw.close().await;
        assert_eq!(store.authenticate(created.text.expose()).await.unwrap().role, Role::Member);
        let refused = asking.authenticate(created.text.expose()).await.unwrap_err();
        assert_eq!(token_error(refused), TokenError::Unknown);
        let wrong = format!("wst_{}_{}", created.record.id, "A".repeat(43));
        let refused = store.authenticate(&wrong).await.unwrap_err();
        assert_eq!(token_error(refused), TokenError::Unknown, "what is remembered is compared as well");
    });
}

#[test]
fn token_expires() {
    on_each(async |database| {
        let ahead = Arc::new(AtomicU64::new(0));
        let store = database.open_with_clock(&ahead).await;
        acme(&store).await;
        let new = NewToken::new("CI", Role::Viewer).expires_in(Duration::from_secs(3600));
        let created = store.create_token("acme", new, &ada()).await.unwrap();
        ahead.store(3500, Ordering::Relaxed);
        store.authenticate(created.text.expose()).await.unwrap();
        ahead.store(3601, Ordering::Relaxed);
        let refused = store.authenticate(created.text.expose()).await.unwrap_err();
        assert_eq!(token_error(refused), TokenError::Expired);
    });
}

#[test]
fn lifetime_beyond_ten_years_is_refused() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let year = Duration::from_secs(365 * 24 * 3600);
        for lifetime in [Duration::ZERO, year * 10 + Duration::from_secs(1), Duration::MAX] {
            let new = NewToken::new("CI", Role::Viewer).expires_in(lifetime);
            let refused = store.create_token("acme", new, &ada()).await.unwrap_err();
            assert!(refused.to_string().contains("expires_in_seconds"), "{refused}");
        }
        let new = NewToken::new("CI", Role::Viewer).expires_in(year * 10);
        assert!(store.create_token("acme", new, &ada()).await.unwrap().record.expires.is_some());
    });
}

#[test]
fn first_token_is_made_while_no_owner_token_is_taken() {
    on_each(async |database| {
        let ahead = Arc::new(AtomicU64::new(0));
        let store = database.open_with_clock(&ahead).await;
        acme(&store).await;
        let admin = NewToken::new("admin", Role::Admin);
        store.create_token("acme", admin, &ada()).await.unwrap();
        let by = ada();
        let both = tokio::join!(
            store.create_first_token("acme", "one", &by),
            store.create_first_token("acme", "two", &by)
        );
        let (made, refused) = match both {
            (Ok(made), Err(refused)) | (Err(refused), Ok(made)) => (made, refused),
            both => panic!("{both:?}"),
        };
        assert_eq!(made.record.role, Role::Owner);
        assert!(matches!(refused, StoreError::Duplicate { kind: RecordKind::Token, .. }), "{refused}");
        store.revoke_token("acme", &made.record.id, &ada()).await.unwrap();
        let short = NewToken::new("short", Role::Owner).expires_in(Duration::from_secs(60));
        store.create_token("acme", short, &ada()).await.unwrap();
        store.create_first_token("acme", "three", &ada()).await.unwrap_err();
        ahead.store(61, Ordering::Relaxed);
        store.create_first_token("acme", "three", &ada()).await.unwrap();
        let missing = store.create_first_token("none", "four", &ada()).await.unwrap_err();
        assert!(matches!(missing, StoreError::NotFound { .. }), "{missing}");
    });
}

#[test]
fn texts_that_are_no_token_are_refused() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let created = store.create_token("acme", NewToken::new("CI", Role::Owner), &ada()).await.unwrap();
        let text = created.text.expose();
        let injected = format!("wst_{}' OR '1'='1_x", created.record.id);
        let long = "wst_".to_owned() + &"a".repeat(1_000_000);
        for bad in ["", "Bearer x", "wst_", "wst_x_y", &text[..text.len() - 1], &injected, &long, "wst_\0_\0"]
        {
            let refused = store.authenticate(bad).await.unwrap_err();
            assert_eq!(token_error(refused), TokenError::Malformed, "{:.40}", bad);
        }
        let (id, secret) = split(text);
        let other = store.create_token("acme", NewToken::new("CI", Role::Owner), &ada()).await.unwrap();
        let other_id = split(other.text.expose()).0.to_owned();
        let unknown_id = format!("wst_{}", "0".repeat(24));
        for (id, secret) in [(&*other_id, secret), (&*unknown_id, secret), (id, &"A".repeat(43))] {
            let refused = store.authenticate(&format!("{id}_{secret}")).await.unwrap_err();
            assert_eq!(token_error(refused), TokenError::Unknown);
        }
    });
}

#[test]
fn roles_include_those_before_them() {
    assert!(Role::Owner > Role::Admin && Role::Admin > Role::Member && Role::Member > Role::Viewer);
    assert_eq!("admin".parse::<Role>().unwrap(), Role::Admin);
    assert!("root".parse::<Role>().is_err());
}
