use crate::support::{assert_has, binary, ran};

#[tokio::test]
async fn providers_are_listed() {
    for args in [&["providers"][..], &["providers", "list"]] {
        let ran = ran(binary().args(args)).await.with_code(0);
        assert_has(&ran.out, &["openai-compatible", "openrouter", "OpenRouter", "llm"]);
        assert_eq!(ran.err, "");
    }
    let json = ran(binary().args(["providers", "--json"])).await.with_code(0).json();
    let ids: Vec<&str> =
        json["providers"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["openai-compatible", "openrouter"], "sorted by id");
}

#[tokio::test]
async fn provider_page_has_settings_and_links() {
    let page = ran(binary().args(["providers", "show", "openROUTER"])).await.with_code(0).out;
    let rows: Vec<Vec<&str>> = page.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["LLM", "llm", "yes"]), "{page}");
    assert!(rows.contains(&vec!["Image", "Understanding", "image_understanding", "yes"]), "{page}");
    assert_has(&page, &["by model: `asq models --input-modality image`"]);
    assert!(rows.contains(&vec!["Reranking", "reranking", "no"]), "{page}");
    assert!(
        rows.contains(&vec!["api_key", "API", "Key", "secret", "yes", "OPENROUTER_API_KEY", "-"]),
        "{page}"
    );
    assert!(rows.contains(&vec!["max_attempts", "Attempts", "integer", "no", "-", "3"]), "{page}");
    assert_has(&page, &["deadline: How many seconds", "provider_only: Only these upstream providers"]);
    assert_has(&page, &["One of: price, throughput, latency, exacto."]);
    let order = ["provider_order", "Providers", "to", "Try", "First", "list", "no", "-", "-"];
    assert!(rows.contains(&order.to_vec()), "{page}");
    let heading = rows.iter().position(|row| row == &["Routing"]).expect("a group");
    assert_eq!(rows[heading + 2][0], "provider_order", "{page}");
    assert_has(&page, &["site_url", "site_name", "base_url", "https://openrouter.ai/api/v1", "status "]);
}

#[tokio::test]
async fn provider_json_has_the_descriptor() {
    let json = ran(binary().args(["providers", "show", "OpenRouter", "--json"])).await.with_code(0).json();
    assert_eq!(json["capabilities"], serde_json::json!(["llm", "image_understanding"]));
    assert_eq!(json["fields"][0]["key"], "api_key");
    assert_eq!(json["layer_fields"][0]["key"], "max_attempts");
    assert_eq!(json["layer_fields"][0]["kind"], "integer");
}

#[tokio::test]
async fn unknown_provider_is_not_found() {
    let mistyped = ran(binary().args(["providers", "show", "openruter", "--json"])).await.with_code(5);
    assert_has(&mistyped.err, &["is openrouter meant?"]);
    assert_eq!(mistyped.json()["error"]["kind"], "not_found");
    let ran = ran(binary().args(["providers", "show", "acme"])).await.with_code(5);
    assert_has(&ran.err, &["\"acme\"", "openrouter (OpenRouter)"]);
}
