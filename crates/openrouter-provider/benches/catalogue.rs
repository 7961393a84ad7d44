//! A list of models, as `GET /models/user` gives it, which a host reads every few minutes. The client is the
//! whole one, with a transport that has the answer at hand.
//!
//! ```sh
//! cargo bench -p openrouter-provider --bench catalogue
//! ```

#![allow(clippy::expect_used, reason = "benches fail by panicking, as tests do")]

use std::time::Duration;

use criterion::{Criterion, Throughput};
use http::{HeaderValue, Response};
use openrouter_provider::OpenRouter;
use provider_http::{Body, HttpClient, transport_fn};
use tokio::runtime::Builder;

/// About as many as the service lists.
const MODELS: usize = 400;

fn main() {
    let criterion = Criterion::default().sample_size(20).without_plots();
    let criterion =
        criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let mut criterion = criterion.configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
}

fn benches(criterion: &mut Criterion) {
    let rows: Vec<String> = (0..MODELS).map(row).collect();
    let page = format!(r#"{{"data":[{}],"total_count":{MODELS}}}"#, rows.join(","));
    let client = client(page);
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    let models = || runtime.block_on(client.models()).expect("a catalogue");
    assert_eq!(models().models.len(), MODELS);

    let mut group = criterion.benchmark_group("catalogue");
    group.throughput(Throughput::Elements(MODELS as u64));
    group.bench_function("400 models", |b| b.iter(models));
    group.finish();
}

/// A client whose transport answers with this JSON.
fn client(json: String) -> OpenRouter {
    let transport = transport_fn(move |_| {
        let mut response = Response::new(Body::from_pieces([json.clone()]));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        async move { Ok(response) }
    });
    let builder = OpenRouter::builder().api_key("sk-or-v1-0a1b2c3d").base_url("http://127.0.0.1:9/api/v1");
    builder.http_client(HttpClient::from_transport(transport)).build().expect("good settings")
}

fn row(n: usize) -> String {
    let author = ["openai", "anthropic", "google", "mistralai", "qwen"][n % 5];
    let description = "An all-round model that reads text, pictures and files, follows \\\"instructions\\\" closely, and calls tools. \
        It is made for agents that work for a long time, and costs less than the one before it."
        .repeat(2);
    let created = 1_715_000_000 + n;
    format!(
        r#"{{"id":"{author}/model-{n}","canonical_slug":"{author}/model-{n}-2025-08-07","hugging_face_id":"","name":"{author}: Model {n}","created":{created},"description":"{description}","context_length":200000,"architecture":{{"modality":"text+image->text","input_modalities":["text","image","file"],"output_modalities":["text"],"tokenizer":"GPT","instruct_type":null}},"pricing":{{"prompt":"0.0000025","completion":"0.00001","request":"0","image":"0","web_search":"0","internal_reasoning":"0","input_cache_read":"0.00000125"}},"top_provider":{{"context_length":200000,"max_completion_tokens":16384,"is_moderated":true}},"per_request_limits":null,"supported_parameters":["frequency_penalty","logit_bias","logprobs","max_tokens","presence_penalty","reasoning","include_reasoning","response_format","seed","stop","structured_outputs","temperature","tool_choice","tools","top_logprobs","top_p"],"default_parameters":{{"temperature":null,"top_p":0.95,"frequency_penalty":null}},"knowledge_cutoff":"2024-10-31","expiration_date":null,"links":{{"details":"/api/v1/models/{author}/model-{n}-2025-08-07/endpoints"}}}}"#
    )
}
