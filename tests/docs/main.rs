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
#[path = "../../docs/examples/compatible_servers.rs"]
mod compatible_servers;
#[path = "../../docs/examples/continuation.rs"]
mod continuation;
#[path = "../../docs/examples/failures.rs"]
mod failures;
#[path = "../../docs/examples/fallback.rs"]
mod fallback;
#[path = "../../docs/examples/images_and_files.rs"]
mod images_and_files;
#[path = "../../docs/examples/key_by_one_click.rs"]
mod key_by_one_click;
#[path = "../../docs/examples/network.rs"]
mod network;
#[path = "../../docs/examples/reasoning.rs"]
mod reasoning;
#[path = "../../docs/examples/routing.rs"]
mod routing;
#[path = "../../docs/examples/sandbox.rs"]
mod sandbox;
#[path = "../../docs/examples/stream.rs"]
mod stream;
#[path = "../../docs/examples/structured_output.rs"]
mod structured_output;
#[path = "../../docs/examples/tools.rs"]
mod tools;
#[path = "../../docs/examples/tracing.rs"]
mod tracing;

mod decisions;
mod guide;
mod links;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fault_server::{FaultServer, Script};
use openrouter_provider::OpenRouter;
use openrouter_sandbox::Sandbox;
use provider_http::{Endpoint, HttpClient};

/// A sandbox, and a client of it.
async fn start() -> (Sandbox, OpenRouter) {
    let sandbox = Sandbox::start().await.expect("a free port");
    let client = OpenRouter::builder().api_key("sk-or-v1-docs").base_url(sandbox.base_url()).build();
    (sandbox, client.expect("good settings"))
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn page(file: &str) -> String {
    std::fs::read_to_string(docs().join(file)).expect("every page of the index exists")
}

/// The pages in the table of the index, whose first sentence says what is checked here.
#[test]
fn every_page_of_the_index_shows_an_example_that_is_run() {
    let (index, tests) = (page("README.md"), include_str!("main.rs"));
    let rows =
        index.lines().filter_map(|line| line.strip_prefix("| [")?.split_once("](")?.1.split_once(".md)"));
    let pages: Vec<&str> = rows.map(|(page, _)| page).collect();
    for name in &pages {
        let (page, module) = (page(&format!("{name}.md")), name.replace('-', "_"));
        let code = std::fs::read_to_string(docs().join(format!("examples/{module}.rs")));
        let code = code.unwrap_or_else(|_| panic!("{name}.md has no example"));
        assert!(
            page.contains(&format!("```rust,ignore\n{code}```")),
            "{name}.md does not show {module}.rs as it is"
        );
        assert!(tests.contains(&format!("#[tokio::test]\nasync fn {module}()")), "{module}.rs is not run");
    }
    assert!(pages.len() >= 15, "only {pages:?}");
}

#[test]
fn every_page_is_in_the_index_and_every_example_on_a_page() {
    let index = page("README.md");
    let files = |folder: PathBuf| std::fs::read_dir(folder).expect("a folder");
    let names = |folder| {
        files(folder).map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
    };
    for file in names(docs()).filter(|file| file.ends_with(".md") && file != "README.md") {
        assert!(index.contains(&format!("({file})")), "{file} is not in docs/README.md");
    }
    for file in names(docs().join("examples")) {
        let page = file.replace('_', "-").replace(".rs", ".md");
        assert!(index.contains(&format!("({page})")), "{file} has no page");
    }
}

#[test]
fn the_page_of_the_sandbox_lists_all_that_it_can_play() {
    let page = page("sandbox.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `sandbox/")).collect();
    let failures = openrouter_sandbox::FAILURES.iter().map(|(id, what)| format!("| `{id}` | {what} |"));
    assert_eq!(rows, failures.collect::<Vec<_>>());
}

#[tokio::test]
async fn chat() {
    let (sandbox, client) = start().await;
    chat::chat(&client).await.expect("it runs");
    assert_eq!(sandbox.requests().len(), 2);
}

#[tokio::test]
async fn stream() {
    let (_sandbox, client) = start().await;
    stream::stream(&client).await.expect("it runs");
}

#[tokio::test]
async fn images_and_files() {
    let (_sandbox, client) = start().await;
    let photo = b"\x89PNG\r\n\x1a\n0000";
    images_and_files::images_and_files(&client, photo).await.expect("it runs");
}

#[tokio::test]
async fn reasoning() {
    let (sandbox, client) = start().await;
    reasoning::reasoning(&client).await.expect("it runs");
    let requests = sandbox.requests();
    let second = requests.last().expect("two requests").body.to_string();
    assert!(second.contains("reasoning_details"), "{second}");
}

#[tokio::test]
async fn caching() {
    let (_sandbox, client) = start().await;
    caching::caching(&client, "A long manual.").await.expect("it runs");
}

#[tokio::test]
async fn routing() {
    let (_sandbox, client) = start().await;
    let most = "5".parse().expect("a price");
    routing::routing(&client, most).await.expect("it runs");
}

#[tokio::test]
async fn catalogue_and_cost() {
    let (_sandbox, client) = start().await;
    catalogue_and_cost::catalogue_and_cost(&client).await.expect("it runs");
}

#[tokio::test]
async fn comparison() {
    let (sandbox, client) = start().await;
    let report = comparison::comparison(Arc::new(client)).await.expect("it runs");
    assert!(report.contains("## Claude") && report.contains("2 of 3 answered"), "{report}");
    assert_eq!(sandbox.requests().iter().filter(|request| request.method == "POST").count(), 3);
}

#[tokio::test]
async fn fallback() {
    let (_sandbox, one) = start().await;
    let (_other_sandbox, other) = start().await;
    let model = fallback::fallback(Arc::new(one), Arc::new(other)).await;
    assert!(model.expect("it runs").starts_with("anthropic/"));
}

#[tokio::test]
async fn continuation() {
    let (sandbox, client) = start().await;
    let text = continuation::continuation(Arc::new(client)).await.expect("it runs");
    assert!(text.contains("that is how it goes on"), "{text}");
    let models: Vec<_> = sandbox.requests().iter().map(|request| request.body["model"].clone()).collect();
    assert_eq!(models, ["sandbox/reset", "sandbox/reset", "anthropic/claude-sonnet-4.5"]);
}

#[tokio::test]
async fn structured_output() {
    let (_sandbox, client) = start().await;
    structured_output::structured_output(&client, "Ann wants three pears.").await.expect("it runs");
}

#[tokio::test]
async fn tools() {
    let (sandbox, client) = start().await;
    let answer = tools::tools(&client).await.expect("it runs");
    assert!(answer.contains("18 °C"), "{answer}");
    assert_eq!(sandbox.requests().len(), 2);
}

#[tokio::test]
async fn failures() {
    let (_sandbox, client) = start().await;
    let told = async |model| {
        failures::failures(&client, &provider_core::ChatRequest::new(model).user("Hello")).await
    };
    assert!(told("openai/gpt-4o").await.is_ok());
    for (model, words) in [
        ("sandbox/context-length", "too long"),
        ("sandbox/no-credits", "no money left"),
        ("sandbox/rate-limit", "again in 1 s"),
        ("sandbox/server-error", "try again."),
        ("sandbox/moderation", "cannot be answered: The input was flagged"),
    ] {
        let told = told(model).await.expect_err("a failure");
        assert!(told.contains(words), "{model}: {told}");
    }
}

#[tokio::test]
async fn key_by_one_click() {
    let (sandbox, _) = start().await;
    let values = provider_core::ConfigValues::from([("base_url", sandbox.base_url())]);
    let visit = async |url: &str| {
        let root = format!("http://{}", sandbox.address());
        let browser = Endpoint::builder(&root).build(&HttpClient::new()).expect("an endpoint");
        let path = url.strip_prefix(&root).expect("a page of the sandbox");
        let response = browser.get(path).send().await.expect("an answer");
        response.head().header("location").expect("sent back").to_owned()
    };
    let client = key_by_one_click::key_by_one_click(&values, visit).await.expect("it runs");
    client.check().await.expect("a good key");
}

#[tokio::test]
async fn network() {
    let (sandbox, _) = start().await;
    network::network("sk-or-v1-docs", sandbox.base_url()).await.expect("it runs");
    let sent: Vec<String> = sandbox.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(sent, ["HEAD", "GET"]);
}

#[tokio::test]
async fn compatible_servers() {
    let (sandbox, _) = start().await;
    let server = FaultServer::start(|request| match request.path.as_str() {
        "/v1/models" => Script::json(200, r#"{"data":[{"id":"qwen3"}]}"#),
        "/v1/chat/completions" if *request.body == *b"{}" => Script::json(400, r#"{"error":"no model"}"#),
        "/v1/chat/completions" => Script::json(
            200,
            r#"{"choices":[{"message":{"content":"<think>Hm.</think>Hi"},"finish_reason":"stop"}]}"#,
        ),
        _ => Script::json(404, "{}"),
    });
    let server = server.await.expect("a free port");
    let openrouter = [("api_key", "sk-or-v1-docs"), ("base_url", sandbox.base_url())];
    let answers = compatible_servers::compatible_servers(openrouter, &server.url()).await.expect("it runs");
    assert!(answers[0].starts_with("openrouter:openai/gpt-4o: "), "{answers:?}");
    assert_eq!(answers[1], "local:qwen3: Hi");
}

#[tokio::test]
async fn sandbox() {
    sandbox::sandbox().await.expect("it runs");
}

/// Counts the spans that are told.
struct Spans(Arc<AtomicUsize>);

impl ::tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &::tracing::Metadata<'_>) -> bool {
        metadata.is_span()
    }
    fn new_span(&self, _: &::tracing::span::Attributes<'_>) -> ::tracing::span::Id {
        ::tracing::span::Id::from_u64(self.0.fetch_add(1, Ordering::Relaxed) as u64 + 1)
    }
    fn record(&self, _: &::tracing::span::Id, _: &::tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &::tracing::span::Id, _: &::tracing::span::Id) {}
    fn event(&self, _: &::tracing::Event<'_>) {}
    fn enter(&self, _: &::tracing::span::Id) {}
    fn exit(&self, _: &::tracing::span::Id) {}
}

#[tokio::test]
async fn tracing() {
    let (_sandbox, client) = start().await;
    let spans = Arc::new(AtomicUsize::new(0));
    let _listens = ::tracing::subscriber::set_default(Spans(Arc::clone(&spans)));
    let request = provider_core::ChatRequest::new("openai/gpt-4o").user("Hello");
    tracing::traced(Arc::new(client)).chat(&request).await.expect("it runs");
    assert_eq!(spans.load(Ordering::Relaxed), 1);
}
