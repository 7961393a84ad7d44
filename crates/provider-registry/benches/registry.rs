//! Benchmarks the steps before a first request: finding the providers, connecting one, and finding the
//! model that an agent node has selected.
//!
//! The first happens once, the second once for every workspace. The third happens before every run of a node,
//! with the list of models in memory, so that its time should be negligible for a list of any length.
//!
//! ```sh
//! cargo bench -p provider-registry --bench registry
//! ```

#![allow(clippy::expect_used, reason = "benches fail by panicking, as tests do")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use criterion::Criterion;
use openrouter_provider as _;
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConfigValues, ConnectionReport, Error, ErrorKind, LlmProvider, Model,
    ProviderDescriptor, RawJson,
};
use provider_registry::{Registry, Workspace};

/// The length of the list, about that of OpenRouter's.
const MODELS: usize = 400;

fn main() {
    let criterion = Criterion::default().sample_size(20).without_plots();
    let criterion =
        criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let mut criterion = criterion.configure_from_args();
    connecting(&mut criterion);
    resolving(&mut criterion);
    criterion.final_summary();
}

fn connecting(criterion: &mut Criterion) {
    let registry = Registry::discover().expect("providers");
    // An address of this machine, for which no certificates are read. The benchmark sends it no request.
    let values = ConfigValues::from([
        ("api_key", "sk-or-v1-0a1b2c3d"),
        ("site_url", "https://acme.example"),
        ("site_name", "Acme"),
        ("base_url", "http://127.0.0.1:9/api/v1"),
    ]);
    let mut group = criterion.benchmark_group("registry");
    group.bench_function("discover", |b| b.iter(|| Registry::discover().expect("providers")));
    group.bench_function("connect", |b| {
        b.iter(|| registry.connect("openrouter", values.clone()).expect("good settings"));
    });
    group.finish();
}

/// Each form of a reference, in a workspace whose list of models is cached.
fn resolving(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut workspace = Workspace::new("acme").catalogue_lifetime(Duration::from_secs(3_600));
    workspace.add_provider("openrouter", Arc::new(Lister)).expect("a provider");
    runtime.block_on(workspace.model("openai/gpt-4o")).expect("a model");

    let mut group = criterion.benchmark_group("resolve");
    let references = [
        ("listed", "openai/gpt-4o"),
        ("named provider", "openrouter:openai/gpt-4o"),
        ("unlisted", "@preset/support"),
    ];
    for (name, reference) in references {
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(workspace.model(reference)).expect("a model"));
        });
    }
    group.finish();
}

static OPENROUTER: ProviderDescriptor = ProviderDescriptor::new("openrouter", "OpenRouter", |_, _| {
    Err(Error::new(ErrorKind::Config, "made by hand only"))
})
.description("Made up for a benchmark.")
.accepts_unlisted_models();

/// A provider that lists models and does nothing else.
#[derive(Debug)]
struct Lister;

#[async_trait]
impl LlmProvider for Lister {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &OPENROUTER
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream, Error> {
        Err(Error::new(ErrorKind::Server, "it only lists models"))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::new((0..MODELS).map(model).collect(), None))
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

/// A model of the list. The wanted one is in the middle.
fn model(n: usize) -> Model {
    let author = ["openai", "anthropic", "google", "mistralai", "qwen"][n % 5];
    let texts = |texts: &[&str]| texts.iter().copied().map(Into::into).collect();
    let mut model = Model::default();
    model.id = if n == MODELS / 2 { "openai/gpt-4o".to_owned() } else { format!("{author}/model-{n}") };
    model.name = format!("{author}: Model {n}");
    model.canonical_slug = Some(format!("{}-2025-08-07", model.id));
    model.description =
        Some("An all-round model that reads text, pictures and files, and calls tools. ".repeat(4));
    model.context_length = Some(200_000);
    model.input_modalities = texts(&["text", "image", "file"]);
    model.output_modalities = texts(&["text"]);
    model.supported_parameters =
        texts(&["max_tokens", "temperature", "top_p", "stop", "tools", "tool_choice", "reasoning", "seed"]);
    model.raw = RawJson::new(&model).ok();
    model
}
