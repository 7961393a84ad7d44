//! Tests of a workspace's catalogues: fetched concurrently, stored on disk, searched.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use provider_core::{Error, ErrorKind};
use provider_layers::CatalogueOrigin;
use provider_registry::{Listing, Workspace};
use provider_testing::ScriptedProvider;
use tokio::time::timeout;

use support::{OLLAMA, OPENROUTER, fetches, listing, unreachable, workspace};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("provider-registry").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[tokio::test(start_paused = true)]
async fn catalogues_are_fetched_concurrently() {
    let slow = |descriptor, id: &str| {
        let provider = ScriptedProvider::new([]).with_descriptor(descriptor).with_listing([id]);
        Arc::new(provider.with_listing_delay(Duration::from_secs(2)))
    };
    let (open, local) = (slow(&OPENROUTER, "openai/gpt-4o"), slow(&OLLAMA, "qwen3"));
    let spare = slow(&OLLAMA, "qwen3");
    let workspace = workspace([("prod", &open), ("spare", &spare), ("local", &local)]);
    let found =
        timeout(Duration::from_millis(2_500), workspace.model("openai/gpt-4o")).await.expect("none waits");
    assert_eq!(found.unwrap().reference().provider, "prod");
    let error = workspace.model("qwen3").await.unwrap_err();
    assert!(error.message().ends_with("write one of: local:qwen3, spare:qwen3"), "in order: {error}");
}

#[tokio::test]
async fn disk_catalogue_survives_a_restart() {
    let folder = folder("restart");
    // Two workspaces whose ids differ in case alone, each with its own list of the same provider.
    for (id, model) in [("acme", "openai/gpt-4o"), ("Acme", "openai/gpt-5")] {
        let mut workspace = Workspace::new(id).catalogue_dir(&folder);
        workspace.add_provider("prod", listing(&OPENROUTER, &[model])).unwrap();
        workspace.model(model).await.unwrap();
    }
    for (id, model, other) in
        [("acme", "openai/gpt-4o", "openai/gpt-5"), ("Acme", "openai/gpt-5", "openai/gpt-4o")]
    {
        let mut workspace = Workspace::new(id).catalogue_dir(&folder);
        let away = unreachable(&OPENROUTER);
        workspace.add_provider("prod", away.clone()).unwrap();
        workspace.add_provider("test", unreachable(&OLLAMA)).unwrap();
        assert!(matches!(workspace.model(model).await.unwrap().listing(), Listing::Listed(_)));
        let error = workspace.model(other).await.unwrap_err();
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Connection, Some("test")), "not its own");
        assert_eq!(fetches(&away), 0);
        let cache = workspace.instance("prod").unwrap().catalogue_cache();
        assert_eq!(cache.peek().unwrap().origin, CatalogueOrigin::Disk);
    }
}

#[tokio::test(start_paused = true)]
async fn stale_catalogue_is_used_while_refreshed() {
    let provider = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let workspace = workspace([("prod", &provider)]);
    let instance = workspace.instance("prod").unwrap();
    instance.catalogue().await.unwrap();
    provider.set_listing(["openai/gpt-5"]);
    tokio::time::advance(Duration::from_secs(60 * 60)).await;
    assert!(instance.catalogue().await.unwrap().find("openai/gpt-4o").is_some());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(instance.catalogue().await.unwrap().find("openai/gpt-5").is_some());
    assert_eq!(fetches(&provider), 2);
}

#[tokio::test]
async fn unknown_model_suggests_cached_ones() {
    let listing = listing(&OPENROUTER, &["openai/gpt-4o", "google/gemini-2.5-pro"]);
    let workspace = workspace([("prod", &listing)]);
    let instance = workspace.instance("prod").unwrap();
    let unknown = || Error::new(ErrorKind::ModelNotFound, "there is no such model");
    let mistyped = instance.model("opnai/gpt-4o");
    assert_eq!(mistyped.explained(unknown()).next_step(), None, "nothing is fetched for it");
    assert_eq!(fetches(&listing), 0);

    instance.catalogue().await.unwrap();
    let step = mistyped.explained(unknown()).next_step().map(str::to_owned).unwrap();
    assert!(step.ends_with(": openai/gpt-4o"), "{step}");
    assert_eq!(instance.model("nothing/like-it").explained(unknown()).next_step(), None);
    // A hint that the error already has stays, and other errors get none.
    let known = unknown().with_next_step("ask another model");
    assert_eq!(mistyped.explained(known).next_step(), Some("ask another model"));
    assert_eq!(mistyped.explained(Error::new(ErrorKind::Server, "broken")).next_step(), None);
}
