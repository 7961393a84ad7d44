use serde_json::Value;

use crate::support::{assert_has, run};

async fn ids(args: &[&str]) -> Vec<String> {
    let json = run(&[&["models", "--json"], args].concat()).await.with_code(0).json();
    json["models"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_table_has_exact_prices() {
    let ran = run(&["models", "gpt-4o", "mini"]).await.with_code(0);
    let row: Vec<&str> = ran.out.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..6], ["openai/gpt-4o-mini", "128,000", "16,384", "0.15", "0.60", "tools"], "{}", ran.out);
    assert_has(&ran.err, &["1 of "]);
    let auto = run(&["models", "openrouter/"]).await.with_code(0).out;
    assert_has(&auto, &["varies", "free"]);
}

#[tokio::test]
async fn filters_combine() {
    let free = ids(&["--free"]).await;
    let free_tools = ids(&["--free", "--supports", "tools"]).await;
    assert!(!free_tools.is_empty() && free_tools.len() < free.len(), "{free:?} {free_tools:?}");
    assert!(free_tools.iter().all(|id| free.contains(id)));

    let seeing = ids(&["--input", "video", "--min-context", "1000000"]).await;
    assert!(seeing.contains(&"google/gemini-2.5-pro".to_owned()), "{seeing:?}");
    assert!(!seeing.contains(&"openai/gpt-4o".to_owned()));
    assert!(ids(&["CLAUDE", "haiku"]).await.iter().all(|id| id.contains("claude-haiku")));
    assert!(ids(&["no such model"]).await.is_empty());
}

#[tokio::test]
async fn the_order_can_be_chosen() {
    assert!(ids(&[]).await.is_sorted());
    let json = run(&["models", "--json", "--sort", "context"]).await.json();
    let context = |model: &Value| model["context_length"].as_u64();
    let models = json["models"].as_array().unwrap();
    assert!(models.is_sorted_by(|a, b| context(a) >= context(b)));

    let by_price = ids(&["--sort", "price"]).await;
    let place = |id: &str| by_price.iter().position(|other| other == id);
    assert!(place("openai/gpt-oss-20b:free") < place("openai/gpt-4o-mini"));
    assert!(place("openai/gpt-4o-mini") < place("openai/gpt-4o"));
    assert!(place("openai/gpt-4o") < place("openrouter/auto"), "what varies comes last");
    assert_eq!(ids(&["--sort", "newest", "--limit", "2"]).await.len(), 2);
}
