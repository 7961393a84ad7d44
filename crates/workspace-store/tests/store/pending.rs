use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use provider_core::Secret;

use crate::support::{acme, on_each};

const LIFE: Duration = Duration::from_secs(600);

#[test]
fn secret_is_taken_once_by_the_token_that_put_it_there() {
    on_each(async |database| {
        let ahead = Arc::new(AtomicU64::new(0));
        let (store, other_host) = (database.open_with_clock(&ahead).await, database.open().await);
        acme(&store).await;
        let secret = Secret::new("verifier-5ec2e7");
        let put = async |token: &str, state: &str| {
            store.put_pending("acme", token, state, &secret, LIFE).await.unwrap();
        };
        let taken = async |workspace: &str, token: &str, state: &str| {
            let taken = other_host.take_pending(workspace, token, state).await.unwrap();
            taken.map(|secret| secret.expose().to_owned())
        };
        put("t1", "state-1").await;
        assert_eq!(taken("acme", "t2", "state-1").await, None, "another token");
        assert_eq!(taken("other", "t1", "state-1").await, None, "another workspace");
        assert_eq!(taken("acme", "t1", "state-2").await, None);
        let raw = database.raw().await;
        let (id, sealed): (String, Vec<u8>) =
            sqlx::query_as("SELECT id, sealed FROM pending_requests").fetch_one(&raw).await.unwrap();
        assert!(!id.contains("state-1") && !String::from_utf8_lossy(&sealed).contains("5ec2e7"));
        assert_eq!(taken("acme", "t1", "state-1").await.as_deref(), Some("verifier-5ec2e7"));
        assert_eq!(taken("acme", "t1", "state-1").await, None, "once");

        put("t1", "old").await;
        ahead.store(601, Ordering::Relaxed);
        assert!(store.take_pending("acme", "t1", "old").await.unwrap().is_none(), "its time is over");
        ahead.store(0, Ordering::Relaxed);
        for number in 0..25 {
            ahead.store(number, Ordering::Relaxed);
            put("t2", &format!("many-{number}")).await;
        }
        assert_eq!(taken("acme", "t2", "many-4").await, None, "the oldest make room");
        assert!(taken("acme", "t2", "many-5").await.is_some());
        // A row that is copied to another token does not open there.
        sqlx::query("UPDATE pending_requests SET token = 't3'").execute(&raw).await.unwrap();
        assert_eq!(taken("acme", "t3", "many-24").await, None);
        raw.close().await;
    });
}
