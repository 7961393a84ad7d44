//! The catalogue of OpenRouter, kept on disk: exact, and there when the service is not.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::path::Path;

use openrouter_provider as _;
use openrouter_sandbox::Sandbox;
use provider_core::ErrorKind;
use provider_layers::CatalogueOrigin;
use provider_registry::{Listing, Registry, Workspace};

const KEY: &str = "sk-or-v1-MARKER0123456789abcdef";

#[tokio::test]
async fn models_can_be_selected_without_the_service() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("offline-catalogues");
    let _ = std::fs::remove_dir_all(&folder);
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let registry = Registry::discover().expect("no duplicates");
    let workspace = |address: &str| {
        let mut workspace = Workspace::new("acme").catalogue_dir(&folder);
        let values = [("api_key", KEY), ("base_url", address)];
        workspace.add(&registry, "OpenRouter", values).expect("good settings");
        workspace
    };

    let address = sandbox.base_url().to_owned();
    let online = workspace(&address);
    let fetched = online.instance("openrouter").expect("added").catalogue().await.expect("a list");
    assert!(fetched.models.iter().all(|model| model.raw.is_some()));
    drop(sandbox);

    let offline = workspace(&address);
    let model = offline.model("anthropic/claude-sonnet-4.5").await.expect("it is known");
    assert!(matches!(model.listing(), Listing::Listed(listed) if listed.supports("tools")));
    let instance = offline.instance("openrouter").expect("added");
    let kept = instance.catalogue_cache().get().await.expect("a list");
    assert_eq!((kept.origin, &*kept.catalogue), (CatalogueOrigin::Disk, &*fetched), "down to the last digit");
    let error = instance.catalogue_cache().refresh().await.expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::Connection);

    for file in std::fs::read_dir(&folder).expect("a folder") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        assert!(!text.contains("MARKER") && !text.contains(&address), "no settings");
    }
}
