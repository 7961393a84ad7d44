//! The examples of `docs/`: every page shows one, and every one runs, on the sandbox.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "examples are read, and show what they got"
)]

#[path = "../../docs/examples/caching.rs"]
mod caching;
#[path = "../../docs/examples/catalogue_and_cost.rs"]
mod catalogue_and_cost;
#[path = "../../docs/examples/chat.rs"]
mod chat;
#[path = "../../docs/examples/comparison.rs"]
mod comparison;
#[path = "../../docs/examples/fallback.rs"]
mod fallback;
#[path = "../../docs/examples/images_and_files.rs"]
mod images_and_files;
#[path = "../../docs/examples/reasoning.rs"]
mod reasoning;
#[path = "../../docs/examples/routing.rs"]
mod routing;
#[path = "../../docs/examples/stream.rs"]
mod stream;
#[path = "../../docs/examples/structured_output.rs"]
mod structured_output;
#[path = "../../docs/examples/tools.rs"]
mod tools;

use std::path::Path;

use openrouter_provider::OpenRouter;
use openrouter_sandbox::Sandbox;

/// A sandbox, and a client of it.
async fn sandbox() -> (Sandbox, OpenRouter) {
    let sandbox = Sandbox::start().await.expect("a free port");
    let client = OpenRouter::builder().api_key("sk-or-v1-docs").base_url(sandbox.base_url()).build();
    (sandbox, client.expect("good settings"))
}

#[test]
fn every_page_shows_its_example_and_is_in_the_index() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let index = std::fs::read_to_string(docs.join("README.md")).expect("an index");
    let mut examples = 0;
    for entry in std::fs::read_dir(docs.join("examples")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let page = docs.join(format!("{}.md", name.replace('_', "-")));
        let text = std::fs::read_to_string(&page).expect("every example has a page");
        let code = std::fs::read_to_string(&path).expect("a readable example");
        assert!(
            text.contains(&format!("```rust,ignore\n{code}```")),
            "{} does not show {name}.rs as it is",
            page.display()
        );
        let file = page.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(index.contains(&format!("({file})")), "{file} is not in docs/README.md");
        examples += 1;
    }
    assert!(examples >= 10, "only {examples}");
}

#[tokio::test]
async fn chat() {
    let (sandbox, client) = sandbox().await;
    chat::chat(&client).await.expect("it runs");
    assert_eq!(sandbox.requests().len(), 2);
}

#[tokio::test]
async fn stream() {
    let (_sandbox, client) = sandbox().await;
    stream::stream(&client).await.expect("it runs");
}

#[tokio::test]
async fn images_and_files() {
    let (_sandbox, client) = sandbox().await;
    let photo = b"\x89PNG\r\n\x1a\n0000";
    images_and_files::images_and_files(&client, photo).await.expect("it runs");
}

#[tokio::test]
async fn reasoning() {
    let (sandbox, client) = sandbox().await;
    reasoning::reasoning(&client).await.expect("it runs");
    let requests = sandbox.requests();
    let second = requests.last().expect("two requests").body.to_string();
    assert!(second.contains("reasoning_details"), "{second}");
}

#[tokio::test]
async fn caching() {
    let (_sandbox, client) = sandbox().await;
    caching::caching(&client, "A long manual.").await.expect("it runs");
}

#[tokio::test]
async fn routing() {
    let (_sandbox, client) = sandbox().await;
    let most = "5".parse().expect("a price");
    routing::routing(&client, most).await.expect("it runs");
}

#[tokio::test]
async fn catalogue_and_cost() {
    let (_sandbox, client) = sandbox().await;
    catalogue_and_cost::catalogue_and_cost(&client).await.expect("it runs");
}

#[tokio::test]
async fn comparison() {
    let (sandbox, client) = sandbox().await;
    let report = comparison::comparison(std::sync::Arc::new(client)).await.expect("it runs");
    assert!(report.contains("## Claude") && report.contains("2 of 3 answered"), "{report}");
    assert_eq!(sandbox.requests().iter().filter(|request| request.method == "POST").count(), 3);
}

#[tokio::test]
async fn fallback() {
    let (_sandbox, one) = sandbox().await;
    let (_other_sandbox, other) = sandbox().await;
    let model = fallback::fallback(std::sync::Arc::new(one), std::sync::Arc::new(other)).await;
    assert!(model.expect("it runs").starts_with("anthropic/"));
}

#[tokio::test]
async fn structured_output() {
    let (_sandbox, client) = sandbox().await;
    structured_output::structured_output(&client, "Ann wants three pears.").await.expect("it runs");
}

#[tokio::test]
async fn tools() {
    let (sandbox, client) = sandbox().await;
    let answer = tools::tools(&client).await.expect("it runs");
    assert!(answer.contains("18 °C"), "{answer}");
    assert_eq!(sandbox.requests().len(), 2);
}
