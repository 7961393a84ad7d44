//! Tests of the endpoints for models and providers.

use serde_json::{Value, json};

use crate::support::{KEY, get, start};

fn ids(body: &Value) -> Vec<&str> {
    body["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn server_tools_have_schemas_and_presets_a_status() {
    let sandbox = start().await;
    assert_eq!(get(&sandbox, "/tools", None).await.0, 401);
    let (_, tools) = get(&sandbox, "/tools?api_format=chat-completions", Some(KEY)).await;
    assert_eq!(tools["total_count"], tools["data"].as_array().unwrap().len());
    assert_eq!(tools["data"][0]["parameters_schema"]["type"], "object");
    for tool in
        ["web_fetch", "datetime", "image_generation", "fusion", "advisor", "subagent", "bash", "files"]
    {
        let (status, body) = get(&sandbox, &format!("/tools/openrouter:{tool}"), Some(KEY)).await;
        assert_eq!((status, &body["data"]["status"]), (200, &Value::from("active")), "{tool}");
    }
    let (_, tool) = get(&sandbox, "/tools/openrouter:web_search", Some(KEY)).await;
    assert_eq!(tool["data"]["native_support"]["models"][0]["providers"][0], "anthropic");
    assert_eq!(get(&sandbox, "/tools/openrouter:nothing", Some(KEY)).await.0, 404);
    let (_, presets) = get(&sandbox, "/presets?offset=1&limit=1", Some(KEY)).await;
    assert_eq!((&presets["data"][0]["status"], &presets["total_count"]), (&"disabled".into(), &2.into()));
}

#[tokio::test]
async fn models_are_listed_without_a_key() {
    let sandbox = start().await;
    let (status, body) = get(&sandbox, "/models", Some("sk-invalid")).await;
    assert_eq!(status, 200);
    let ids = ids(&body);
    for id in ["openai/gpt-4o", "openrouter/auto", "~anthropic/claude-opus-latest", "openai/gpt-4o:batch"] {
        assert!(ids.contains(&id), "{id}");
    }
    assert_eq!(body["total_count"], ids.len());
    assert_eq!(body["links"]["next"], Value::Null);
    let auto = body["data"].as_array().unwrap().iter().find(|row| row["id"] == "openrouter/auto").unwrap();
    assert_eq!(auto["pricing"]["prompt"], "-1");
    assert_eq!(get(&sandbox, "/models/user", None).await.0, 401);
    assert_eq!(get(&sandbox, "/models/user", Some(KEY)).await.1, body);
}

#[tokio::test]
async fn models_are_paged_and_filtered() {
    let sandbox = start().await;
    let (_, page) = get(&sandbox, "/models?offset=2&limit=3", None).await;
    assert_eq!((ids(&page).len(), &page["links"]["next"]), (3, &json!("/api/v1/models?offset=5&limit=3")));
    let (_, found) = get(&sandbox, "/models?q=Grok", None).await;
    assert_eq!(ids(&found), ["x-ai/grok-4-fast"]);
    let (_, found) = get(&sandbox, "/models?output_modalities=image", None).await;
    assert_eq!(ids(&found), ["google/gemini-2.5-flash-image"]);
    let (_, found) = get(&sandbox, "/models?max_price=0&supported_parameters=tools", None).await;
    assert_eq!(ids(&found), ["openai/gpt-oss-20b:free", "openrouter/free"]);
    let (_, counted) = get(&sandbox, "/models/count", Some(KEY)).await;
    assert!(counted["data"]["count"].as_u64().unwrap() >= 25);
    assert_eq!(get(&sandbox, "/models?limit=many", None).await.0, 400);
}

#[tokio::test]
async fn model_and_its_endpoints_are_shown() {
    let sandbox = start().await;
    let (_, body) = get(&sandbox, "/model/~anthropic/claude-opus-latest", Some(KEY)).await;
    assert_eq!(body["data"]["alias_target"]["slug"], "anthropic/claude-opus-4.1");
    let (_, body) = get(&sandbox, "/model/openai/gpt-4o:nitro", Some(KEY)).await;
    assert_eq!(body["data"]["id"], "openai/gpt-4o");
    assert_eq!(get(&sandbox, "/model/nobody/nothing", Some(KEY)).await.0, 404);

    let path = "/models/meta-llama/llama-3.2-3b-instruct%3Afree/endpoints";
    let (_, public) = get(&sandbox, path, None).await;
    assert_eq!(public["data"]["endpoints"][0]["provider_name"], "Venice");
    assert_eq!(public["data"]["endpoints"][0]["latency_last_30m"], Value::Null);
    let (_, private) = get(&sandbox, path, Some(KEY)).await;
    assert!(private["data"]["endpoints"][0]["latency_last_30m"].is_object());

    let (_, zdr) = get(&sandbox, "/endpoints/zdr", Some(KEY)).await;
    let tags: Vec<&Value> = zdr["data"].as_array().unwrap().iter().map(|row| &row["tag"]).collect();
    assert!(tags.contains(&&json!("azure")) && !tags.contains(&&json!("openai")), "{tags:?}");
    assert_eq!(get(&sandbox, "/endpoints/zdr", None).await.0, 401);

    let (status, body) = get(&sandbox, "/providers", None).await;
    assert_eq!(status, 200);
    let slugs = body["data"].as_array().unwrap().iter().map(|row| row["slug"].as_str().unwrap());
    assert_eq!(slugs.filter(|slug| *slug == "deepinfra").count(), 1);
}
