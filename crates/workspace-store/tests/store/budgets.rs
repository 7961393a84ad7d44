use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use provider_core::Usd;
use workspace_store::{
    Amount, BudgetRefusal, Call, NewWorkspace, Period, RecordKind, Reservation, Scope, Settled, Store,
    StoreError,
};

use crate::support::{TestDatabase, ada, key, on_each, options, within_a_second};

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn dollars(text: &str) -> Amount {
    Amount::Usd(usd(text))
}

async fn acme(database: &TestDatabase) -> Store {
    let store = database.open().await;
    store.create_workspace(NewWorkspace::new("acme"), &ada()).await.unwrap();
    store
}

fn refusal(result: Result<Reservation, StoreError>) -> BudgetRefusal {
    match result {
        Err(StoreError::Budget(refusal)) => *refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn call_reserves_its_estimate_and_settles_with_the_bill() {
    on_each(async |database| {
        let store = acme(&database).await;
        let added =
            store.add_budget("acme", Scope::Workspace, dollars("1"), Period::Month, &ada()).await.unwrap();
        let reservation = store.reserve(&Call::new("acme").estimate(usd("0.4"))).await.unwrap();
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!(
            (budget.spent, budget.reserved, budget.left()),
            (dollars("0"), dollars("0.4"), dollars("0.6"))
        );
        assert_eq!(reservation.settle(Some(usd("0.123456789012"))).await.unwrap(), Settled::Now);
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.reserved), (dollars("0.12345679"), dollars("0")), "rounded up");

        let unknown = store.reserve(&Call::new("acme").estimate(usd("0.1"))).await.unwrap();
        unknown.settle(None).await.unwrap();
        let unsent = store.reserve(&Call::new("acme").estimate(usd("0.5"))).await.unwrap();
        unsent.release().await.unwrap();
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.reserved), (dollars("0.22345679"), dollars("0")));
    });
}

#[test]
fn refusal_names_the_budget_and_what_is_left() {
    on_each(async |database| {
        let store = acme(&database).await;
        let wide =
            store.add_budget("acme", Scope::Workspace, dollars("10"), Period::Total, &ada()).await.unwrap();
        let scope = Scope::User("ada".to_owned());
        let tight = store.add_budget("acme", scope.clone(), dollars("1"), Period::Day, &ada()).await.unwrap();
        let call = Call::new("acme").user("ada").estimate(usd("0.6"));
        let first = store.reserve(&call).await.unwrap();
        let refused = refusal(store.reserve(&call).await);
        assert_eq!((&refused.budget.id, &refused.budget.scope), (&tight.id, &scope));
        assert_eq!((refused.asked, refused.left), (dollars("0.6"), dollars("0.4")));
        assert!(refused.resets.is_some());
        let wide_now = store.budget("acme", &wide.id).await.unwrap();
        assert_eq!(wide_now.reserved, dollars("0.6"), "a refused call reserves in no budget");
        assert_eq!(wide_now.resets, None);
        let other = Call::new("acme").user("bob").estimate(usd("0.6"));
        store.reserve(&other).await.unwrap().settle(Some(usd("0"))).await.unwrap();
        first.settle(Some(usd("0.1"))).await.unwrap();
        let exact = Call::new("acme").user("ada").estimate(usd("0.9"));
        store.reserve(&exact).await.unwrap().release().await.unwrap();
    });
}

#[test]
fn scopes_count_their_calls_alone() {
    on_each(async |database| {
        let store = acme(&database).await;
        let scopes = [Scope::Node("n".to_owned()), Scope::User("n".to_owned()), Scope::Token("n".to_owned())];
        for scope in &scopes {
            store
                .add_budget("acme", scope.clone(), Amount::Requests(1), Period::Total, &ada())
                .await
                .unwrap();
        }
        store.create_workspace(NewWorkspace::new("other"), &ada()).await.unwrap();
        let calls = [Call::new("acme").node("n"), Call::new("acme").user("n"), Call::new("acme").token("n")];
        for (call, scope) in calls.iter().zip(&scopes) {
            // A free call is counted as any call is.
            store.reserve(call).await.unwrap().settle(Some(Usd::ZERO)).await.unwrap();
            let refused = refusal(store.reserve(call).await);
            assert_eq!((&refused.budget.scope, refused.left), (scope, Amount::Requests(0)));
        }
        let all = Call::new("other").node("n").user("n").token("n");
        store.reserve(&all).await.unwrap().settle(None).await.unwrap();
        store.reserve(&Call::new("acme").user("m")).await.unwrap().settle(None).await.unwrap();
        let refused = store.reserve(&Call::new("none")).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound { kind: RecordKind::Workspace, .. }), "{refused}");
    });
}

#[test]
fn budget_begins_anew_with_its_period() {
    on_each(async |database| {
        let ahead = Arc::new(AtomicU64::new(0));
        let store = database.open_with_clock(&ahead).await;
        store.create_workspace(NewWorkspace::new("acme").time_zone("Asia/Kolkata"), &ada()).await.unwrap();
        let added = store
            .add_budget("acme", Scope::Workspace, Amount::Requests(2), Period::Day, &ada())
            .await
            .unwrap();
        let call = Call::new("acme");
        let straddling = store.reserve(&call).await.unwrap();
        store.reserve(&call).await.unwrap().settle(None).await.unwrap();
        let refused = refusal(store.reserve(&call).await);
        let resets = refused.resets.unwrap();
        assert_eq!((resets.unix_seconds() + 19_800) % 86_400, 0, "midnight in Kolkata, at UTC+5:30");

        ahead.store(24 * 3600, Ordering::Relaxed);
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.reserved), (Amount::Requests(0), Amount::Requests(0)));
        assert_eq!(budget.resets.unwrap().unix_seconds(), resets.unix_seconds() + 86_400);
        let one = store.reserve(&call).await.unwrap();
        straddling.settle(None).await.unwrap();
        let two = store.reserve(&call).await.unwrap();
        refusal(store.reserve(&call).await);
        one.settle(None).await.unwrap();
        two.release().await.unwrap();
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.reserved), (Amount::Requests(1), Amount::Requests(0)));
    });
}

#[test]
fn bill_above_its_estimate_is_counted_whole() {
    on_each(async |database| {
        let store = acme(&database).await;
        let added =
            store.add_budget("acme", Scope::Workspace, dollars("1"), Period::Total, &ada()).await.unwrap();
        let call = Call::new("acme").estimate(usd("0.9"));
        store.reserve(&call).await.unwrap().settle(Some(usd("1.25"))).await.unwrap();
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.left()), (dollars("1.25"), dollars("0")));
        let refused = refusal(store.reserve(&Call::new("acme").estimate(usd("0.000000001"))).await);
        assert_eq!(refused.left, dollars("0"));
        let absurd = store.budget("acme", &added.id).await.unwrap();
        let raised = store.change_budget("acme", &absurd.id, 1, dollars("999999999"), &ada()).await.unwrap();
        assert_eq!(raised.revision, 2);
        for _ in 0..12 {
            store.reserve(&Call::new("acme")).await.ok().map(|call| call.settle(Some(usd("1e13"))));
        }
        store.reserve(&Call::new("acme")).await.unwrap().settle(Some(usd("1e13"))).await.unwrap();
        refusal(store.reserve(&Call::new("acme")).await);
    });
}

#[test]
fn changed_limit_holds_and_stale_change_is_refused() {
    on_each(async |database| {
        let (store, other) = (acme(&database).await, database.open().await);
        let added = store
            .add_budget("acme", Scope::Workspace, Amount::Requests(1), Period::Total, &ada())
            .await
            .unwrap();
        let kept = store.reserve(&Call::new("acme")).await.unwrap();
        refusal(other.reserve(&Call::new("acme")).await);
        store.change_budget("acme", &added.id, 1, Amount::Requests(2), &ada()).await.unwrap();
        other.reserve(&Call::new("acme")).await.unwrap().release().await.unwrap();
        let stale = store.change_budget("acme", &added.id, 1, Amount::Requests(3), &ada()).await.unwrap_err();
        assert!(matches!(stale, StoreError::Conflict(_)), "{stale}");
        let unit = store.change_budget("acme", &added.id, 2, dollars("3"), &ada()).await.unwrap_err();
        assert!(matches!(unit, StoreError::Invalid(_)), "{unit}");
        store.remove_budget("acme", &added.id, &ada()).await.unwrap();
        kept.settle(None).await.unwrap();
        let gone = store.budget("acme", &added.id).await.unwrap_err();
        assert!(matches!(gone, StoreError::NotFound { kind: RecordKind::Budget, .. }), "{gone}");
    });
}

#[test]
fn dropped_reservation_is_settled_with_its_estimate() {
    on_each(async |database| {
        let store = acme(&database).await;
        let added =
            store.add_budget("acme", Scope::Workspace, dollars("1"), Period::Total, &ada()).await.unwrap();
        drop(store.reserve(&Call::new("acme").estimate(usd("0.25"))).await.unwrap());
        within_a_second("the estimate is spent", async || {
            let budget = store.budget("acme", &added.id).await.unwrap();
            budget.spent == dollars("0.25") && budget.reserved == dollars("0")
        })
        .await;
    });
}

#[test]
fn reservation_whose_future_is_dropped_is_given_back() {
    on_each(async |database| {
        let (store, other) = (acme(&database).await, database.open().await);
        let added =
            store.add_budget("acme", Scope::Workspace, dollars("1"), Period::Total, &ada()).await.unwrap();
        for milliseconds in 0..40 {
            let call = Call::new("acme").estimate(usd("0.001"));
            let reserving =
                tokio::time::timeout(Duration::from_micros(milliseconds * 100), store.reserve(&call));
            if let Ok(reservation) = reserving.await {
                reservation.unwrap().release().await.unwrap();
            }
        }
        within_a_second("nothing is reserved", async || {
            let budget = other.budget("acme", &added.id).await.unwrap();
            (budget.spent, budget.reserved) == (dollars("0"), dollars("0"))
        })
        .await;
    });
}

#[test]
fn reservation_of_a_dead_host_lapses_and_that_of_a_living_one_does_not() {
    on_each(async |database| {
        let store = acme(&database).await;
        let added = store
            .add_budget("acme", Scope::Workspace, Amount::Requests(2), Period::Total, &ada())
            .await
            .unwrap();
        let short = || options().reservation_lease(Duration::from_millis(1500));
        let living = Store::open_with(&database.url, key(), short()).await.unwrap();
        let kept = living.reserve(&Call::new("acme")).await.unwrap();
        // A host that dies settles nothing: its upkeep and its destructors do not run.
        let dead =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (url, options) = (database.url.clone(), short());
        let lost = dead.spawn(async move {
            let store = Store::open_with(&url, key(), options).await.unwrap();
            std::mem::forget(store.reserve(&Call::new("acme")).await.unwrap());
        });
        lost.await.unwrap();
        dead.shutdown_background();
        refusal(store.reserve(&Call::new("acme")).await);
        tokio::time::sleep(Duration::from_millis(3000)).await;
        let taken = store.reserve(&Call::new("acme")).await.expect("the dead host's reservation has lapsed");
        refusal(store.reserve(&Call::new("acme")).await);
        kept.settle(None).await.unwrap();
        taken.settle(None).await.unwrap();
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.reserved), (Amount::Requests(2), Amount::Requests(0)));
    });
}

#[test]
fn bill_that_comes_after_the_lapse_is_counted_once() {
    on_each(async |database| {
        let store = acme(&database).await;
        let added =
            store.add_budget("acme", Scope::Workspace, dollars("1"), Period::Total, &ada()).await.unwrap();
        let late = store.reserve(&Call::new("acme").estimate(usd("0.9"))).await.unwrap();
        let raw = database.raw().await;
        sqlx::query("UPDATE reservations SET expires = 1").execute(&raw).await.unwrap();
        raw.close().await;
        let other =
            store.reserve(&Call::new("acme").estimate(usd("0.8"))).await.expect("the first has lapsed");
        late.settle(Some(usd("0.7"))).await.unwrap();
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.reserved), (dollars("0.7"), dollars("0.8")));
        other.settle(Some(usd("0.1"))).await.unwrap();
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.reserved), (dollars("0.8"), dollars("0")));
    });
}

#[test]
fn calls_at_once_on_two_hosts_never_reserve_beyond_a_limit() {
    on_each(async |database| {
        let stores = [acme(&database).await, database.open().await];
        // 100 calls of a cent fit into the dollar of the workspace, 30 of them are Ada's.
        let all = stores[0]
            .add_budget("acme", Scope::Workspace, dollars("1"), Period::Month, &ada())
            .await
            .unwrap();
        let user = Scope::User("ada".to_owned());
        let few =
            stores[0].add_budget("acme", user, Amount::Requests(30), Period::Day, &ada()).await.unwrap();
        let taken = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let tasks: Vec<_> = (0_usize..64)
            .map(|number| {
                let (store, taken) = (stores[number % 2].clone(), taken.clone());
                tokio::spawn(async move {
                    let user = if number.is_multiple_of(3) { "ada" } else { "bob" };
                    let call = Call::new("acme").user(user).estimate(usd("0.01"));
                    for _ in 0..4 {
                        match store.reserve(&call).await {
                            Ok(reservation) => {
                                taken[usize::from(user == "ada")].fetch_add(1, Ordering::Relaxed);
                                // A bill below the estimate, so that cents come free while others ask.
                                reservation.settle(Some(usd("0.01"))).await.unwrap();
                            }
                            Err(StoreError::Budget(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let (bob, ada) = (taken[0].load(Ordering::Relaxed), taken[1].load(Ordering::Relaxed));
        let all = stores[1].budget("acme", &all.id).await.unwrap();
        let few = stores[1].budget("acme", &few.id).await.unwrap();
        assert_eq!(bob + ada, 100, "every cent was to be had");
        assert!(ada <= 30, "{ada}");
        assert_eq!((all.spent, all.reserved), (dollars("1"), dollars("0")));
        assert_eq!((few.spent, few.reserved), (Amount::Requests(ada), Amount::Requests(0)));
    });
}

#[test]
fn budget_of_each_user_counts_every_user_on_their_own() {
    on_each(async |database| {
        let (store, other) = (acme(&database).await, database.open().await);
        let each = store
            .add_budget("acme", Scope::EachUser, Amount::Requests(2), Period::Day, &ada())
            .await
            .unwrap();
        let mut kept = Vec::new();
        for user in ["ada", "bob"] {
            let call = Call::new("acme").user(user);
            kept.push(store.reserve(&call).await.unwrap());
            other.reserve(&call).await.unwrap().settle(None).await.unwrap();
            let refused = refusal(store.reserve(&call).await);
            assert_eq!((&refused.budget.id, refused.budget.scope), (&each.id, Scope::User(user.to_owned())));
        }
        store.reserve(&Call::new("acme").node("n")).await.unwrap().release().await.unwrap();

        let shares = store.budget_shares("acme", &each.id, "", 9).await.unwrap();
        let counts = |share: &workspace_store::BudgetRecord| (share.spent, share.reserved);
        assert_eq!(
            shares.iter().map(counts).collect::<Vec<_>>(),
            [(Amount::Requests(1), Amount::Requests(1)); 2]
        );
        let behind = store.budget_shares("acme", &each.id, "ada", 9).await.unwrap();
        assert_eq!(behind, shares[1..]);
        assert_eq!(store.budgets("acme").await.unwrap().len(), 1, "a share is no budget of its own");

        store.change_budget("acme", &each.id, 1, Amount::Requests(3), &ada()).await.unwrap();
        other.reserve(&Call::new("acme").user("ada")).await.unwrap().settle(None).await.unwrap();
        refusal(store.reserve(&Call::new("acme").user("ada")).await);
        for reservation in kept {
            reservation.settle(None).await.unwrap();
        }
        store.remove_budget("acme", &each.id, &ada()).await.unwrap();
        assert!(store.budget_shares("acme", &each.id, "", 9).await.unwrap().is_empty());
        store.reserve(&Call::new("acme").user("ada")).await.unwrap().settle(None).await.unwrap();
    });
}

#[test]
fn new_users_at_once_get_one_share_each_and_no_more() {
    on_each(async |database| {
        let stores = [acme(&database).await, database.open().await];
        for scope in [Scope::EachUser, Scope::EachToken, Scope::EachNode] {
            stores[0].add_budget("acme", scope, Amount::Requests(5), Period::Month, &ada()).await.unwrap();
        }
        within_a_second("the other host has heard of the budgets", async || {
            stores[1].budgets("acme").await.unwrap().len() == 3
        })
        .await;
        let calls: Vec<_> = (0_usize..40)
            .map(|number| {
                let store = stores[number % 2].clone();
                let call = Call::new("acme").user("ada").token("t").node("n");
                tokio::spawn(async move {
                    match store.reserve(&call).await {
                        Ok(reservation) => reservation.settle(None).await.map(|_| 1_u32).unwrap(),
                        Err(StoreError::Budget(_)) => 0,
                        Err(error) => panic!("{error}"),
                    }
                })
            })
            .collect();
        let mut taken = 0;
        for call in calls {
            taken += call.await.unwrap();
        }
        assert_eq!(taken, 5);
    });
}

#[test]
fn budget_that_another_host_adds_holds_within_a_second() {
    on_each(async |database| {
        let (store, other) = (acme(&database).await, database.open().await);
        store.reserve(&Call::new("acme")).await.unwrap().settle(None).await.unwrap();
        other.add_budget("acme", Scope::Workspace, Amount::Requests(0), Period::Total, &ada()).await.unwrap();
        refusal(other.reserve(&Call::new("acme")).await);
        within_a_second("the limit holds here", async || {
            matches!(store.reserve(&Call::new("acme")).await, Err(StoreError::Budget(_)))
        })
        .await;
    });
}

#[test]
fn settlement_that_fails_leaves_calls_at_once_alone() {
    on_each(async |database| {
        let store = acme(&database).await;
        let added = store
            .add_budget("acme", Scope::Workspace, Amount::Requests(99), Period::Total, &ada())
            .await
            .unwrap();
        let broken = store.reserve(&Call::new("acme")).await.unwrap();
        let raw = database.raw().await;
        sqlx::query("UPDATE reservations SET holds = 'broken'").execute(&raw).await.unwrap();
        raw.close().await;
        let (settled, reserved) =
            tokio::join!(broken.settle(None), async { store.reserve(&Call::new("acme")).await });
        assert!(matches!(settled, Err(StoreError::Database(_))), "{settled:?}");
        reserved.unwrap().settle(None).await.unwrap();
        let budget = store.budget("acme", &added.id).await.unwrap();
        assert_eq!((budget.spent, budget.reserved), (Amount::Requests(1), Amount::Requests(1)));
    });
}

#[test]
fn user_with_a_character_that_postgres_cannot_store_is_counted() {
    on_each(async |database| {
        let store = acme(&database).await;
        store.add_budget("acme", Scope::EachUser, Amount::Requests(1), Period::Total, &ada()).await.unwrap();
        let call = Call::new("acme").user("a\0b");
        store.reserve(&call).await.unwrap().settle(None).await.unwrap();
        refusal(store.reserve(&call).await);
    });
}
