use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use provider_core::{ConfigValues, Error, ErrorKind, LlmProvider, ProviderContext, ProviderDescriptor};
use provider_registry::Registry;
use provider_testing::{Operation, ScriptedProvider};
use workspace_store::{
    Connections, NewProvider, NewWorkspace, ProviderChange, RecordKind, StoreError, WorkspaceChange,
};

use crate::support::{API_KEY, acme, ada, on_each, registry, within_a_second};

#[test]
fn provider_is_read_without_its_secrets() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let stored = store.provider("acme", "openrouter").await.unwrap();
        assert_eq!(stored.settings.get("site_name").map(String::as_str), Some("Acme"));
        assert_eq!(stored.secrets, ["api_key"]);
        assert!(!format!("{stored:?}").contains("5ec2e7"));
        let again = NewProvider::new("OpenRouter", [("api_key", API_KEY)]);
        let refused = store.add_provider("acme", &registry(), again.clone(), &ada()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Duplicate { kind: RecordKind::Provider, .. }), "{refused}");
        let second = store.add_provider("acme", &registry(), again.id("second"), &ada()).await.unwrap();
        assert_eq!(second.id, "second");
    });
}

#[test]
fn settings_are_checked_before_they_are_stored() {
    on_each(async |database| {
        let store = database.open().await;
        store.create_workspace(NewWorkspace::new("acme"), &ada()).await.unwrap();
        for values in [vec![("site_name", "Acme")], vec![("api_key", API_KEY), ("nonsense", "x")]] {
            let new =
                NewProvider::new("openrouter", values.into_iter().collect::<provider_core::ConfigValues>());
            let refused = store.add_provider("acme", &registry(), new, &ada()).await.unwrap_err();
            let StoreError::Provider(error) = refused else { panic!("{refused}") };
            assert_eq!(error.kind(), ErrorKind::Config);
        }
        let elsewhere = NewProvider::new("openrouter", [("api_key", API_KEY)]);
        let refused = store.add_provider("other", &registry(), elsewhere, &ada()).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound { kind: RecordKind::Workspace, .. }), "{refused}");
        assert!(store.providers("acme").await.unwrap().is_empty());
    });
}

#[test]
fn changed_base_url_drops_the_key() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let connections = Connections::new(store.clone(), registry());
        let show = ProviderChange::new().set([("site_url", "https://acme.example")]);
        let changed =
            store.change_provider("acme", "openrouter", 1, &registry(), show, &ada()).await.unwrap();
        assert!(changed.dropped_secrets.is_empty(), "a URL for show moves nothing");

        let moved = ProviderChange::new().set([("base_url", "https://gateway.example/v1")]);
        let changed =
            store.change_provider("acme", "openrouter", 2, &registry(), moved, &ada()).await.unwrap();
        assert_eq!(changed.dropped_secrets, ["api_key"]);
        assert!(changed.record.secrets.is_empty());
        let raw = database.raw().await;
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM secrets").fetch_one(&raw).await.unwrap();
        raw.close().await;
        assert_eq!(left, 0);
        let connected = connections.workspace("acme").await.unwrap();
        let error = connected.error("openrouter").expect("no key, no connection");
        assert!(error.to_string().contains("settings"), "{error}");

        let keyed = ProviderChange::new().set([("api_key", API_KEY)]);
        store.change_provider("acme", "openrouter", 3, &registry(), keyed, &ada()).await.unwrap();
        let both = [("base_url", "https://other.example/v1"), ("api_key", API_KEY)];
        let both = ProviderChange::new().set(both);
        let changed =
            store.change_provider("acme", "openrouter", 4, &registry(), both, &ada()).await.unwrap();
        assert!(changed.dropped_secrets.is_empty(), "the key was given for the new address");
        let back = ProviderChange::new().unset("base_url");
        let changed =
            store.change_provider("acme", "openrouter", 5, &registry(), back, &ada()).await.unwrap();
        assert_eq!(changed.dropped_secrets, ["api_key"], "the default address is another one, too");
    });
}

#[test]
fn stale_change_of_a_provider_names_fields_and_no_values() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let keyed = ProviderChange::new().set([("api_key", "sk-or-v1-another"), ("site_name", "Other")]);
        store.change_provider("acme", "openrouter", 1, &registry(), keyed, &ada()).await.unwrap();
        let stale = ProviderChange::new().set([("site_name", "Third")]);
        let refused =
            store.change_provider("acme", "openrouter", 1, &registry(), stale, &ada()).await.unwrap_err();
        let StoreError::Conflict(conflict) = &refused else { panic!("{refused}") };
        assert_eq!(conflict.changed, ["api_key", "site_name"]);
        assert!(!format!("{refused} {refused:?}").contains("another"));
        let unknown = ProviderChange::new().set([("api_kee", "x")]);
        let refused =
            store.change_provider("acme", "openrouter", 2, &registry(), unknown, &ada()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Invalid(_)), "{refused}");
    });
}

#[test]
fn models_that_are_not_enabled_are_refused() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let connections = Connections::new(store.clone(), registry());
        let few = ProviderChange::new().enabled_models(["openai/gpt-4o"]);
        store.change_provider("acme", "openrouter", 1, &registry(), few, &ada()).await.unwrap();
        let connected = connections.workspace("acme").await.unwrap();
        assert_eq!(connected.model("openrouter:openai/gpt-4o").await.unwrap().id(), "openai/gpt-4o");
        let refused = connected.model("openrouter:openai/o1").await.unwrap_err();
        assert!(
            matches!(&refused, StoreError::NotEnabled { model, .. } if model == "openai/o1"),
            "{refused}"
        );
        let all = ProviderChange::new().all_models();
        store.change_provider("acme", "openrouter", 2, &registry(), all, &ada()).await.unwrap();
        let connected = connections.workspace("acme").await.unwrap();
        assert!(connected.model("openrouter:openai/o1").await.is_ok());
    });
}

#[test]
fn workspace_is_connected_once_until_it_changes() {
    on_each(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        acme(&one).await;
        let second = NewProvider::new("openrouter", [("api_key", API_KEY)]).id("second");
        one.add_provider("acme", &registry(), second, &ada()).await.unwrap();
        let connections = Connections::new(one.clone(), registry());
        let asking: Vec<_> = (0..16)
            .map(|_| {
                let connections = connections.clone();
                tokio::spawn(async move { connections.workspace("acme").await.unwrap() })
            })
            .collect();
        let first = connections.workspace("acme").await.unwrap();
        for asked in asking {
            assert!(std::sync::Arc::ptr_eq(&first, &asked.await.unwrap()));
        }

        let renamed = ProviderChange::new().set([("site_name", "Renamed")]);
        other.change_provider("acme", "openrouter", 1, &registry(), renamed, &ada()).await.unwrap();
        within_a_second("the other host's change is connected", async || {
            let now = connections.workspace("acme").await.unwrap();
            now.providers()
                .any(|provider| provider.settings.get("site_name").is_some_and(|name| name == "Renamed"))
        })
        .await;
        let now = connections.workspace("acme").await.unwrap();
        let same = |id| {
            let provider = |workspace: &workspace_store::ConnectedWorkspace| {
                workspace.workspace().instance(id).unwrap().provider().clone()
            };
            std::sync::Arc::ptr_eq(&provider(&first), &provider(&now))
        };
        assert!(!same("openrouter"));
        assert!(same("second"), "a provider that has not changed stays connected");
    });
}

#[test]
fn provider_made_anew_under_its_old_id_is_connected_anew() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let connections = Connections::new(store.clone(), registry());
        let before = connections.workspace("acme").await.unwrap();
        store.remove_provider("acme", "openrouter", &ada()).await.unwrap();
        let new = NewProvider::new("openrouter", [("api_key", API_KEY), ("site_name", "New")]);
        store.add_provider("acme", &registry(), new, &ada()).await.unwrap();
        let now = connections.workspace("acme").await.unwrap();
        assert_eq!(before.providers().next().unwrap().revision, now.providers().next().unwrap().revision);
        assert_eq!(now.providers().next().unwrap().settings["site_name"], "New");
    });
}

#[test]
fn least_recently_used_workspaces_are_dropped() {
    on_each(async |database| {
        let store = database.open().await;
        for number in 0..5 {
            store.create_workspace(NewWorkspace::new(format!("w{number}")), &ada()).await.unwrap();
        }
        let connections = Connections::new(store, registry()).max_workspaces(2);
        let kept = connections.workspace("w0").await.unwrap();
        for number in 1..5 {
            connections.workspace(&format!("w{number}")).await.unwrap();
            assert!(connections.len() <= 2);
            let again = connections.workspace("w0").await.unwrap();
            assert!(std::sync::Arc::ptr_eq(&kept, &again), "used after each of the others");
        }
        assert!(matches!(connections.workspace("none").await, Err(StoreError::NotFound { .. })));
    });
}

#[test]
fn removed_provider_takes_no_unlisted_models() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let change = WorkspaceChange::new().unlisted_models(Some("openrouter"));
        store.change_workspace("acme", 1, change, &ada()).await.unwrap();
        store.remove_provider("acme", "openrouter", &ada()).await.unwrap();
        assert_eq!(store.workspace("acme").await.unwrap().unlisted_models, None);
        let refused = store.remove_provider("acme", "openrouter", &ada()).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound { kind: RecordKind::Provider, .. }), "{refused}");
    });
}

#[test]
fn catalogue_and_layers_of_a_provider_outlive_a_change_of_another() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let second = NewProvider::new("openrouter", [("api_key", API_KEY)]).id("second");
        store.add_provider("acme", &registry(), second, &ada()).await.unwrap();
        // In the place of layers, a provider that counts.
        let made = Arc::new(Mutex::new(BTreeMap::<String, Vec<Arc<ScriptedProvider>>>::new()));
        let seen = made.clone();
        let connections = Connections::new(store.clone(), registry()).layers(move |record, _| {
            let provider = Arc::new(ScriptedProvider::new([]).with_listing(["acme/one"]));
            seen.lock().unwrap().entry(record.id.clone()).or_default().push(provider.clone());
            Ok(provider)
        });
        let fetch = async || {
            let connected = connections.workspace("acme").await.unwrap();
            let catalogue = connected.workspace().instance("second").unwrap().catalogue().await.unwrap();
            assert_eq!(catalogue.models.len(), 1);
            connected
        };
        fetch().await;

        let renamed = ProviderChange::new().set([("site_name", "Renamed")]);
        store.change_provider("acme", "openrouter", 1, &registry(), renamed, &ada()).await.unwrap();
        fetch().await;
        let enabled = ProviderChange::new().enabled_models(["acme/one"]);
        store.change_provider("acme", "second", 1, &registry(), enabled, &ada()).await.unwrap();
        let last = fetch().await;
        assert!(last.providers().any(|provider| provider.enabled_models.is_some()));

        let made = made.lock().unwrap();
        assert_eq!((made["openrouter"].len(), made["second"].len()), (2, 1), "once for each connection");
        assert_eq!(made["second"][0].count(Operation::Models), 1);
    });
}

#[test]
fn error_of_a_layer_is_its_providers_error() {
    on_each(async |database| {
        let store = database.open().await;
        acme(&store).await;
        let refusing = |_: &_, _| Err(Error::new(ErrorKind::Config, "no licence for this layer"));
        let connections = Connections::new(store, registry()).layers(refusing);
        let connected = connections.workspace("acme").await.unwrap();
        let error = connected.error("openrouter").expect("its layer was refused");
        assert!(error.to_string().contains("no licence"), "{error}");
        assert!(connected.workspace().instance("openrouter").is_err());
    });
}

/// The resource that a host gives the providers of one workspace.
struct Network(&'static str);

/// Connects in one network alone.
fn connect_guarded(_: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    match context.get::<Network>() {
        Some(Network("guarded")) => Ok(Arc::new(ScriptedProvider::new([]))),
        _ => Err(Error::new(ErrorKind::Config, "another network")),
    }
}

static GUARDED: ProviderDescriptor = ProviderDescriptor::new("guarded", "Guarded", connect_guarded);

#[test]
fn each_provider_is_connected_with_its_context() {
    on_each(async |database| {
        let store = database.open().await;
        let mut registry = Registry::new().context(ProviderContext::new().with(Network("guarded")));
        registry.register(&GUARDED).unwrap();
        for workspace in ["inside", "outside"] {
            store.create_workspace(NewWorkspace::new(workspace), &ada()).await.unwrap();
            let provider = NewProvider::new("guarded", ConfigValues::new());
            store.add_provider(workspace, &registry, provider, &ada()).await.unwrap();
        }
        let connections =
            Connections::new(store, registry).context(|record, context| match &*record.workspace {
                "inside" => context.clone(),
                _ => context.clone().with(Network("open")),
            });
        let inside = connections.workspace("inside").await.unwrap();
        assert!(inside.error("guarded").is_none());
        let outside = connections.workspace("outside").await.unwrap();
        assert!(outside.error("guarded").is_some_and(|error| error.to_string().contains("another network")));
    });
}
