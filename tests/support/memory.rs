//! A service whose answers come from memory, for counting: no socket, no server, and so the same count every
//! time.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use openrouter_provider::OpenRouter;
use provider_core::LlmProvider;
use provider_http::{Body, HttpClient, transport_fn};
use provider_layers::{StandardSettings, standard};

/// The answers of the service. They are leaked, so that handing them out allocates nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answers {
    whole: &'static str,
    /// A piece of the stream, how often it comes, and the last piece.
    stream: Option<(&'static str, usize, &'static str)>,
    models: &'static str,
}

impl Answers {
    /// A whole answer of about 540 letters, with usage and cost as the service has them.
    pub fn whole() -> Self {
        Self { whole: whole().leak(), ..Self::default() }
    }

    /// A stream of so many words, each in a piece of its own.
    pub fn stream(words: usize) -> Self {
        let leak = |event: String| &*event.leak();
        let word = leak(event(r#""content":" word""#, "null", ""));
        let end =
            leak(event(r#""content":"""#, "\"stop\"", &format!(",\"usage\":{USAGE}")) + "data: [DONE]\n\n");
        Self { stream: Some((word, words, end)), ..Self::default() }
    }

    /// A catalogue of so many models.
    pub fn models(count: usize) -> Self {
        let rows: Vec<String> = (0..count).map(model).collect();
        let models = format!(r#"{{"data":[{}],"total_count":{count}}}"#, rows.join(","));
        Self { models: models.leak(), ..Self::default() }
    }

    /// Returns the JSON of the catalogue.
    pub fn models_json(self) -> &'static str {
        self.models
    }

    /// Returns the JSON of the whole answer.
    pub fn whole_json(self) -> &'static str {
        self.whole
    }

    /// A client of this service.
    ///
    /// # Panics
    /// When the settings are refused.
    #[expect(clippy::expect_used, reason = "tests fail by panicking")]
    pub fn openrouter(self) -> OpenRouter {
        let transport = transport_fn(move |request| {
            let is_chat = request.uri().path().ends_with("/chat/completions");
            let (body, content_type) = match self.stream.filter(|_| is_chat) {
                Some((word, words, end)) => {
                    let pieces = std::iter::repeat_n(word, words).chain([end]);
                    (Body::from_pieces(pieces), "text/event-stream")
                }
                None if is_chat => (Body::from(self.whole), "application/json"),
                None => (Body::from(self.models), "application/json"),
            };
            let mut answer = Response::new(body);
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            async move { Ok(answer) }
        });
        let builder = OpenRouter::builder().api_key(KEY).site_name("Acme");
        builder.http_client(HttpClient::from_transport(transport)).build().expect("good settings")
    }

    /// The same with the standard layers around it.
    pub fn standard(self) -> Arc<dyn LlmProvider> {
        standard(Arc::new(self.openrouter()), &StandardSettings::default())
    }
}

/// A key as long as those of the service.
const KEY: &str = "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";

/// The usage as OpenRouter sends it.
const USAGE: &str = r#"{"prompt_tokens":1203,"completion_tokens":345,"total_tokens":1548,"cost":0.00645725,"is_byok":false,"prompt_tokens_details":{"cached_tokens":1024,"cache_write_tokens":0,"audio_tokens":0,"video_tokens":0},"cost_details":{"upstream_inference_cost":null,"upstream_inference_prompt_cost":0.00300725,"upstream_inference_completions_cost":0.00345},"completion_tokens_details":{"reasoning_tokens":128,"image_tokens":0,"audio_tokens":0}}"#;

const HEAD: &str = r#""id":"gen-1760532574-2dAHZE6zUiSaYyanMrUf","provider":"OpenAI","model":"openai/gpt-4o","created":1760532574"#;

fn whole() -> String {
    let text = "The quick brown fox jumps over the lazy dog.\\n".repeat(12);
    format!(
        r#"{{{HEAD},"object":"chat.completion","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"reasoning":null}},"finish_reason":"stop","native_finish_reason":"stop","logprobs":null}}],"usage":{USAGE},"system_fingerprint":"fp_44709d6fcb"}}"#
    )
}

fn event(delta: &str, finish: &str, rest: &str) -> String {
    let choice = format!(
        r#"{{"index":0,"delta":{{"role":"assistant",{delta}}},"finish_reason":{finish},"native_finish_reason":{finish},"logprobs":null}}"#
    );
    format!(
        "data: {{{HEAD},\"object\":\"chat.completion.chunk\",\"choices\":[{choice}],\"system_fingerprint\":\"fp_1\"{rest}}}\n\n"
    )
}

fn model(n: usize) -> String {
    let author = ["openai", "anthropic", "google", "mistralai", "qwen"][n % 5];
    let description = "An all-round model that reads text, pictures and files, follows \\\"instructions\\\" closely, and calls tools. \
        It is made for agents that work for a long time, and costs less than the one before it."
        .repeat(2);
    let created = 1_715_000_000 + n;
    format!(
        r#"{{"id":"{author}/model-{n}","canonical_slug":"{author}/model-{n}-2025-08-07","hugging_face_id":"","name":"{author}: Model {n}","created":{created},"description":"{description}","context_length":200000,"architecture":{{"modality":"text+image->text","input_modalities":["text","image","file"],"output_modalities":["text"],"tokenizer":"GPT","instruct_type":null}},"pricing":{{"prompt":"0.0000025","completion":"0.00001","request":"0","image":"0","web_search":"0.01","internal_reasoning":"0","input_cache_read":"0.00000125"}},"top_provider":{{"context_length":200000,"max_completion_tokens":16384,"is_moderated":true}},"per_request_limits":null,"supported_parameters":["frequency_penalty","logit_bias","logprobs","max_tokens","presence_penalty","reasoning","include_reasoning","response_format","seed","stop","structured_outputs","temperature","tool_choice","tools","top_logprobs","top_p"],"default_parameters":{{"temperature":null,"top_p":0.95,"frequency_penalty":null}},"knowledge_cutoff":"2024-10-31","expiration_date":null,"links":{{"details":"/api/v1/models/{author}/model-{n}-2025-08-07/endpoints"}}}}"#
    )
}
