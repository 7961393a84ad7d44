//! Tests of requests that a model of the catalogue cannot serve.

use serde_json::{Value, json};

use crate::support::{ask, chat, send, start};

const TEXT_ONLY: &str = "meta-llama/llama-3.3-70b-instruct";
/// A model without tools, schemas and log probabilities.
const PLAIN: &str = "meta-llama/llama-3.2-3b-instruct";

/// A user message with one part beside its text.
fn with_part(part: Value) -> Value {
    json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]})
}

fn file(data: &str) -> Value {
    json!({"type": "file", "file": {"filename": "it", "file_data": data}})
}

fn tool() -> Value {
    json!([{"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}])
}

fn schema() -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}})
}

#[tokio::test]
async fn model_refuses_features_it_lacks() {
    let sandbox = start().await;
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    let video = json!({"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}});
    for (model, more, words, step) in [
        (TEXT_ONLY, with_part(image), "that support image input", Some("Filter by Image Support")),
        (
            "openai/gpt-4o",
            with_part(audio),
            "that support input audio",
            Some("Filter by Input Audio Support"),
        ),
        (
            "openai/gpt-4o",
            with_part(video),
            "that support input video",
            Some("Filter by Input Video Support"),
        ),
        (TEXT_ONLY, with_part(file("data:text/csv;base64,AAAA")), "that support file input", None),
        (
            PLAIN,
            json!({"tools": tool()}),
            "tool use. Try disabling \"clock\"",
            Some("Filter by Tool Compatibility"),
        ),
        (
            PLAIN,
            json!({"response_format": schema()}),
            "the requested parameters",
            Some("Filter by Parameters"),
        ),
        (
            "openai/gpt-4o",
            json!({"modalities": ["text", "image"]}),
            "the requested output modalities: text, image",
            Some("Filter by Model Output Modalities"),
        ),
    ] {
        for streamed in [false, true] {
            let mut request = ask(model, "Hi", more.clone());
            request["stream"] = streamed.into();
            let (status, body) = chat(&sandbox, &request).await;
            let message = body["error"]["message"].as_str().unwrap();
            assert!(
                status == 404 && message.starts_with("No endpoints found") && message.contains(words),
                "{body}"
            );
            assert_eq!(body["error"]["metadata"]["failed_routing_step"].as_str(), step, "{body}");
        }
    }
}

#[tokio::test]
async fn model_accepts_features_it_has() {
    let sandbox = start().await;
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    for (model, more) in [
        ("openai/gpt-4o", with_part(image)),
        ("google/gemini-2.5-flash", with_part(audio)),
        // The service parses PDFs for models that cannot.
        (TEXT_ONLY, with_part(file("data:application/pdf;base64,AAAA"))),
        (TEXT_ONLY, with_part(file("https://example.com/report.pdf"))),
        (TEXT_ONLY, json!({"tools": tool(), "response_format": schema()})),
        (PLAIN, json!({"tools": [], "response_format": {"type": "text"}})),
        ("google/gemini-2.5-flash-image", json!({"modalities": ["image", "text"]})),
    ] {
        let (status, body) = chat(&sandbox, &ask(model, "Hi", more)).await;
        assert_eq!(status, 200, "{model}: {body}");
    }
    let mut native = with_part(file("data:application/pdf;base64,AAAA"));
    native["plugins"] = json!([{"id": "file-parser", "pdf": {"engine": "native"}}]);
    assert_eq!(chat(&sandbox, &ask(TEXT_ONLY, "Hi", native)).await.0, 404);
}

#[tokio::test]
async fn preferences_without_endpoint_are_explained() {
    let sandbox = start().await;
    let refusal = async |provider: Value| {
        let request = ask(TEXT_ONLY, "Hi", json!({"provider": provider, "top_a": 0.5}));
        let (status, body) = chat(&sandbox, &request).await;
        assert_eq!((status, &body["error"]["code"]), (404, &json!(404)), "{body}");
        body["error"].clone()
    };
    for (provider, preference) in [
        (json!({"only": ["openai"]}), "only"),
        (json!({"order": ["openai"], "allow_fallbacks": false}), "order"),
    ] {
        let error = refusal(provider).await;
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("No allowed providers are available for the selected model."),
            "{message}"
        );
        assert!(
            message.contains(&format!("`provider.{preference}` preference permits only: openai")),
            "{message}"
        );
        assert_eq!(error["metadata"]["available_providers"], json!(["deepinfra", "groq", "fireworks"]));
        assert_eq!(error["metadata"]["requested_providers"], json!(["openai"]));
    }
    for (provider, words, step) in [
        (json!({"ignore": ["deepinfra", "groq", "fireworks"]}), "All providers have been ignored", None),
        (json!({"max_price": {"completion": 0.3}}), "satisfy the max price", Some("Filter by Max Price")),
        (
            json!({"require_parameters": true}),
            "handle the requested parameters",
            Some("Filter by Parameters"),
        ),
        (json!({"zdr": true}), "ZDR violation", Some("Filter by Guardrails")),
        (json!({"quantizations": ["fp4"]}), "No endpoints found for", None),
    ] {
        let error = refusal(provider).await;
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
        assert_eq!(error["metadata"]["failed_routing_step"].as_str(), step, "{error}");
    }
}

#[tokio::test]
async fn prompt_and_answer_must_fit_the_context() {
    let sandbox = start().await;
    // A word and its space are one token.
    let words = |count: usize| "word ".repeat(count);
    let refusal = async |text: &str, more: Value| {
        let (status, body) = chat(&sandbox, &ask(PLAIN, text, more)).await;
        assert_eq!(status, 400, "{body}");
        body["error"]["message"].as_str().unwrap().to_owned()
    };
    let message = refusal(&words(131_072), json!({})).await;
    assert!(
        message
            .starts_with("This endpoint's maximum context length is 131072 tokens. However, you requested")
    );
    let message = refusal("Hi", json!({"max_tokens": 131_072})).await;
    assert!(message.contains("131072 in the output"), "{message}");
    assert!(refusal("Hi", json!({"max_completion_tokens": 131_072})).await.contains("131072 in the output"));

    for more in [
        json!({"max_tokens": 131_000}),
        json!({"max_tokens": 131_072, "plugins": [{"id": "context-compression"}]}),
        json!({"max_tokens": 131_072, "transforms": ["middle-out"]}),
    ] {
        assert_eq!(chat(&sandbox, &ask(PLAIN, "Hi", more)).await.0, 200);
    }
}

#[tokio::test]
async fn too_large_max_tokens_is_an_upstream_error() {
    let sandbox = start().await;
    let (status, body) = chat(&sandbox, &ask("openai/gpt-4o", "Hi", json!({"max_tokens": 16_385}))).await;
    let metadata = &body["error"]["metadata"];
    assert_eq!((status, &metadata["provider_name"]), (400, &json!("OpenAI")));
    assert!(metadata["raw"].as_str().unwrap().contains("supports at most 16384 completion tokens"), "{body}");
    assert_eq!(chat(&sandbox, &ask("openai/gpt-4o", "Hi", json!({"max_tokens": 16_384}))).await.0, 200);
}

#[tokio::test]
async fn fallback_answers_after_a_refusal() {
    let sandbox = start().await;
    let request = ask(PLAIN, "Hi", json!({"tools": tool(), "models": ["openai/gpt-4o"]}));
    let response = send(&sandbox, &request).await;
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("openai/gpt-4o-2024-11-20"));
}
