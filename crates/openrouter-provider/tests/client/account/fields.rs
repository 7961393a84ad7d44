//! Answers as the service documents them: every field arrives.

use provider_core::{Effort, Price, Usd};

use super::answered;

fn usd(text: &str) -> Option<Usd> {
    text.parse().ok()
}

fn price(text: &str) -> Option<Price> {
    usd(text).map(Price::Fixed)
}

#[tokio::test]
async fn a_whole_model() {
    let (_server, client) = answered(
        r#"{"data":{"id":"acme/parrot-2:batch","canonical_slug":"acme/parrot-2-20260101","hugging_face_id":"acme/Parrot-2",
        "name":"Acme: Parrot 2","created":1767225600,"description":"It repeats.","context_length":262144,
        "architecture":{"modality":"text+image->text","input_modalities":["text","image"],"output_modalities":["text"],
          "tokenizer":"GPT","instruct_type":"chatml"},
        "pricing":{"prompt":"0.000001","completion":"0.000002","request":"0.003","image":"0.004","image_output":"0.005",
          "image_token":"0.000006","audio":"0.000007","audio_output":"0.000008","input_audio_cache":"0.000009",
          "input_cache_read":"0.0000001","input_cache_write":"0.0000011","input_cache_write_1h":"0.0000012",
          "internal_reasoning":"0.0000013","web_search":"0.01","discount":0.25,
          "overrides":[{"min_prompt_tokens":200000,"utc_start":1630,"utc_end":30,"prompt":"0.000005"}]},
        "top_provider":{"context_length":131072,"max_completion_tokens":4096,"is_moderated":true},
        "per_request_limits":{"prompt_tokens":1000,"completion_tokens":2000},
        "supported_parameters":["temperature","tools"],
        "default_parameters":{"temperature":0.7,"top_p":0.9,"top_k":40,"frequency_penalty":0.1,"presence_penalty":0.2,
          "repetition_penalty":1.1},
        "supported_voices":["alloy","ash"],
        "reasoning":{"mandatory":true,"default_enabled":true,"default_effort":"medium","supported_efforts":["max","high"],
          "supports_max_tokens":true},
        "expiration_date":"2026-06-19","knowledge_cutoff":"2025-10-01",
        "alias_target":{"slug":"acme/parrot-3","name":"Acme: Parrot 3"},
        "links":{"details":"/api/v1/models/acme/parrot-2-20260101/endpoints"},
        "benchmarks":{"design_arena":[]}}}"#,
    )
    .await;
    let model = client.model("acme/parrot-2:batch").await.expect("a model");
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    assert_eq!(model.name, "Acme: Parrot 2");
    assert_eq!(text(&model.canonical_slug), "acme/parrot-2-20260101");
    assert_eq!(text(&model.hugging_face_id), "acme/Parrot-2");
    assert_eq!((model.created, text(&model.description)), (Some(1_767_225_600), "It repeats.".to_owned()));
    assert_eq!((model.context_length, model.top_provider_context_length), (Some(262_144), Some(131_072)));
    assert_eq!((model.max_completion_tokens, model.is_moderated), (Some(4_096), Some(true)));
    assert_eq!(
        (text(&model.modality), text(&model.tokenizer)),
        ("text+image->text".to_owned(), "GPT".to_owned())
    );
    assert_eq!(text(&model.instruct_type), "chatml");
    assert!(model.supports_input("image") && !model.supports_input("audio") && model.supports_output("text"));
    let limits = model.per_request_limits.expect("limits");
    assert_eq!((limits.prompt_tokens, limits.completion_tokens), (Some(1_000), Some(2_000)));
    let defaults = model.default_parameters;
    assert_eq!((defaults.temperature, defaults.top_p, defaults.top_k), (Some(0.7), Some(0.9), Some(40)));
    assert_eq!((defaults.frequency_penalty, defaults.presence_penalty), (Some(0.1), Some(0.2)));
    assert_eq!(defaults.repetition_penalty, Some(1.1));
    assert_eq!(model.supported_voices, ["alloy", "ash"]);
    let reasoning = model.reasoning.as_ref().expect("options");
    assert!(reasoning.mandatory && reasoning.supports_max_tokens && reasoning.default_enabled == Some(true));
    assert_eq!(reasoning.default_effort, Some(Effort::Medium));
    assert_eq!(reasoning.supported_efforts, Some(vec![Effort::Max, Effort::High]));
    assert_eq!(text(&model.expiration_date), "2026-06-19");
    assert_eq!(text(&model.knowledge_cutoff), "2025-10-01");
    let alias = model.alias_target.as_ref().expect("an alias");
    assert_eq!((alias.slug.as_str(), alias.name.as_deref()), ("acme/parrot-3", Some("Acme: Parrot 3")));
    assert_eq!(text(&model.details_link), "/api/v1/models/acme/parrot-2-20260101/endpoints");
    assert!(model.batch_only && model.raw.as_ref().is_some_and(|raw| raw.get().contains("design_arena")));

    let listed = &model.pricing;
    for (found, wanted) in [
        (listed.prompt, "0.000001"),
        (listed.completion, "0.000002"),
        (listed.request, "0.003"),
        (listed.image, "0.004"),
        (listed.image_output, "0.005"),
        (listed.image_token, "0.000006"),
        (listed.audio, "0.000007"),
        (listed.audio_output, "0.000008"),
        (listed.input_audio_cache, "0.000009"),
        (listed.input_cache_read, "0.0000001"),
        (listed.input_cache_write, "0.0000011"),
        (listed.input_cache_write_1h, "0.0000012"),
        (listed.internal_reasoning, "0.0000013"),
        (listed.web_search, "0.01"),
    ] {
        assert_eq!(found, price(wanted));
    }
    assert_eq!(listed.discount, Some(0.25));
    let [entry] = listed.overrides.as_slice() else { panic!("one override, not {:?}", listed.overrides) };
    let window = entry.window.expect("a window");
    assert_eq!((entry.min_prompt_tokens, entry.prices.prompt), (Some(200_000), price("0.000005")));
    assert_eq!((window.start.to_string(), window.end.to_string()), ("16:30".to_owned(), "00:30".to_owned()));
}

#[tokio::test]
async fn a_whole_record_of_an_answer() {
    let (_server, client) = answered(
        r#"{"data":{"id":"gen-1","upstream_id":"chatcmpl-1","request_id":"req-1","response_cache_source_id":"gen-0",
        "model":"acme/parrot","provider_name":"Acme","router":"openrouter/auto","preset_id":"p-1","service_tier":"priority",
        "data_region":"europe","api_type":"completions","created_at":"2024-07-15T23:33:19.433273+00:00","streamed":true,
        "cancelled":false,"finish_reason":"stop","native_finish_reason":"end_turn","latency":1250,"generation_time":1200.5,
        "moderation_latency":50,"tokens_prompt":10,"tokens_completion":25,"native_tokens_prompt":11,
        "native_tokens_completion":26,"native_tokens_reasoning":5,"native_tokens_cached":3,
        "native_tokens_completion_images":1,"num_media_prompt":2,"num_input_audio_prompt":3,"num_media_completion":4,
        "num_search_results":5,"num_fetches":6,"web_search_engine":"exa","total_cost":0.0015,"usage":0.0014,
        "upstream_inference_cost":0.0012,"cache_discount":-0.0002,"is_byok":true,"session_id":"s-1","external_user":"u-1",
        "workspace_id":"w-1","app_id":12345,"origin":"https://a.example/","http_referer":"https://b.example/",
        "user_agent":"Mozilla/5.0",
        "provider_responses":[{"id":"x","endpoint_id":"ep_1","model_permaslug":"acme/parrot","provider_name":"Beta",
          "status":503,"latency":12.5,"is_byok":false,"routed_service_tier":"flex"},{"status":null}]}}"#,
    )
    .await;
    let record = client.generation("gen-1").await.expect("a record");
    let json = serde_json::to_value(&record).expect("JSON");
    let sent: serde_json::Value = record.raw.as_ref().expect("kept").read().expect("JSON");
    for (name, value) in sent.as_object().expect("an object") {
        if name == "provider_responses" {
            assert_eq!(json[name][0]["status"], 503);
            assert_eq!(json[name][0]["routed_service_tier"], "flex");
            assert_eq!(
                (json[name][0]["latency"].as_f64(), json[name][1]["status"].is_null()),
                (Some(12.5), true)
            );
        } else if value.is_number() {
            assert_eq!(json[name].as_f64(), value.as_f64(), "{name}");
        } else {
            assert_eq!(&json[name], value, "{name}");
        }
    }
    assert_eq!((record.cache_discount, record.upstream_inference_cost), (usd("-0.0002"), usd("0.0012")));
    let usage = record.to_usage();
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
        (Some(11), Some(26), Some(37))
    );
    assert_eq!((usage.cached_tokens, usage.reasoning_tokens), (Some(3), Some(5)));
    assert_eq!((usage.cost, usage.upstream_cost, usage.is_byok), (usd("0.0015"), usd("0.0012"), Some(true)));
}

/// JSON with every number as a float: amounts of money are written so.
fn floats(json: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.iter().map(floats).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), floats(value))).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn a_whole_key_and_a_whole_provider() {
    let (_server, client) = answered(
        r#"{"data":{"label":"sk-or-v1-au7...890","limit":100,"limit_remaining":74.5,"limit_reset":"monthly",
        "include_byok_in_limit":false,"usage":25.5,"usage_daily":1.5,"usage_weekly":2.5,"usage_monthly":3.5,
        "byok_usage":17.38,"byok_usage_daily":4.5,"byok_usage_weekly":5.5,"byok_usage_monthly":6.5,"is_free_tier":false,
        "is_management_key":false,"is_provisioning_key":false,"creator_user_id":"user_1",
        "organization_id":"org_1","workspace_id":"w-1","allowed_data_regions":["europe","us"],
        "budgets":[{"scope":"member","limit_usd":50,"spend_usd":1,"remaining_usd":49,"reset_interval":"weekly",
          "resets_at":"2027-01-04T00:00:00Z","include_byok":true,"guardrail_id":"g-1","budget_id":null},
          {"scope":"workspace","limit_usd":20,"spend_usd":19.5,"remaining_usd":0.5,"reset_interval":null,
          "resets_at":null,"include_byok":false,"guardrail_id":null,"budget_id":"b-1"}],
        "effective_budget":{"scope":"workspace","limit_usd":20,"spend_usd":19.5,"remaining_usd":0.5,
          "reset_interval":null,"resets_at":null,"include_byok":false,"guardrail_id":null,"budget_id":"b-1"},
        "free_model_daily_requests":{"limit":1000,"used":17,"remaining":983},
        "expires_at":"2027-12-31T23:59:59Z","rate_limit":{"requests":-1,"interval":"1h","note":"ignore"}}}"#,
    )
    .await;
    let key = client.key().await.expect("a record");
    let json = serde_json::to_value(&key).expect("JSON");
    let sent: serde_json::Value = key.raw.as_ref().expect("kept").read().expect("JSON");
    let old = ["is_provisioning_key", "rate_limit"];
    for (name, value) in
        sent.as_object().expect("an object").iter().filter(|(name, _)| !old.contains(&name.as_str()))
    {
        assert_eq!(floats(&json[name]), floats(value), "{name}");
    }

    let (_server, client) = answered(
        r#"{"data":[{"name":"Acme","slug":"acme","privacy_policy_url":"https://acme.example/privacy",
        "terms_of_service_url":"https://acme.example/terms","status_page_url":"https://status.acme.example",
        "headquarters":"US","datacenters":["US","IE"]}]}"#,
    )
    .await;
    let providers = client.providers().await.expect("providers");
    let json = serde_json::to_value(&providers[0]).expect("JSON");
    let sent: serde_json::Value = providers[0].raw.as_ref().expect("kept").read().expect("JSON");
    for (name, value) in sent.as_object().expect("an object") {
        assert_eq!(&json[name], value, "{name}");
    }
}
