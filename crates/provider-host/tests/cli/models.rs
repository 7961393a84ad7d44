use serde_json::Value;

use crate::support::{assert_has, run};

async fn ids(args: &[&str]) -> Vec<String> {
    let json = run(&[&["models", "--json"], args].concat()).await.with_code(0).json();
    json["models"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn models_table_has_exact_prices() {
    let ran = run(&["models", "gpt-4o", "mini"]).await.with_code(0);
    let row: Vec<&str> = ran.out.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..6], ["openai/gpt-4o-mini", "128,000", "16,384", "0.15", "0.60", "tools"], "{}", ran.out);
    assert_has(&ran.err, &["1 of ", "--all looks through"]);
    let all = run(&["models", "--json", "--all"]).await.json()["models"].as_array().unwrap().len();
    let listed = run(&["models"]).await.with_code(0);
    let rows = listed.out.lines().count() - 1;
    assert_has(&listed.err, &[&format!("{rows} models; --all looks through {} more", all - rows)]);
    assert_has(&run(&["models", "--all"]).await.with_code(0).err, &[&format!("{all} models\n")]);
    let auto = run(&["models", "openrouter/"]).await.with_code(0).out;
    assert_has(&auto, &["varies", "free"]);
}

#[tokio::test]
async fn model_filters_combine() {
    let free = ids(&["--free"]).await;
    let free_tools = ids(&["--free", "--supports", "tools"]).await;
    assert!(!free_tools.is_empty() && free_tools.len() < free.len(), "{free:?} {free_tools:?}");
    assert!(free_tools.iter().all(|id| free.contains(id)));

    let seeing = ids(&["--input-modality", "video", "--min-context", "1000000"]).await;
    assert!(seeing.contains(&"google/gemini-2.5-pro".to_owned()), "{seeing:?}");
    assert!(!seeing.contains(&"openai/gpt-4o".to_owned()));
    assert!(ids(&["CLAUDE", "haiku"]).await.iter().all(|id| id.contains("claude-haiku")));
    assert!(ids(&["no such model"]).await.is_empty());
}

#[tokio::test]
async fn sort_sets_the_order_of_models() {
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

#[tokio::test]
async fn search_tolerates_typos_and_lists_chat_models() {
    assert_eq!(ids(&["sonet", "antropic", "4.5"]).await, ["anthropic/claude-sonnet-4.5"]);
    assert_eq!(ids(&["gpt4o", "--limit", "1"]).await, ["openai/gpt-4o"]);
    assert!(!ids(&["gpt-4o"]).await.contains(&"openai/gpt-4o:batch".to_owned()));
    assert!(ids(&["gpt-4o", "--all"]).await.contains(&"openai/gpt-4o:batch".to_owned()));

    let two = ids(&["--author", "mistralai", "--author", "X-AI"]).await;
    assert_eq!(two, ["mistralai/mistral-large", "x-ai/grok-4-fast"]);
    assert_eq!(ids(&["--output-modality", "image"]).await, ["google/gemini-2.5-flash-image"]);
    let cheap = ids(&["--author", "openai", "--max-price", "0.6"]).await;
    assert_eq!(cheap, ["openai/gpt-4o-mini", "openai/gpt-oss-20b", "openai/gpt-oss-20b:free"]);
    assert_has(
        &run(&["models", "--max-price", "cheap"]).await.with_code(2).err,
        &["--max-price", "decimal amount"],
    );
}

#[tokio::test]
async fn expiry_is_shown_but_not_a_sentinel() {
    let out = run(&["models", "llama-3.3-70b"]).await.with_code(0).out;
    assert!(out.contains("meta-llama/llama-3.3-70b-instruct") && !out.contains("(ends"), "{out}");
    assert_has(&run(&["models", "o4-mini"]).await.with_code(0).out, &["(ends 2027-03-31)"]);
}

#[tokio::test]
async fn unknown_filter_word_lists_known_ones() {
    for (option, word, nearest) in [
        ("--supports", "toools", "tools"),
        ("--supports", "Tools", "tools"),
        ("--input-modality", "imag", "image"),
        ("--input", "imag", "image"),
        ("--output-modality", "images", "image"),
        ("--author", "opnai", "openai"),
        ("--author", "Antropic", "anthropic"),
    ] {
        let ran = run(&["models", option, word]).await.with_code(2);
        assert_has(&ran.err, &[&format!("{word:?} is unknown; there are: {nearest},")]);
        assert_eq!(ran.out, "");
    }
    // An error has all unknown words, in JSON as well, also beside known ones.
    let args = ["models", "--json", "--supports", "tools", "--supports", "tolls", "--output", "json"];
    let ran = run(&args).await.with_code(2);
    assert_has(&ran.err, &["  --supports: \"tolls\"", "  --output-modality: \"json\"", "--json"]);
    let fields = &ran.json()["error"]["fields"];
    assert_eq!(
        (&fields[0]["field"], &fields[1]["field"]),
        (&"--supports".into(), &"--output-modality".into())
    );
    // Known words that no model has together are an empty result, and no error.
    let none = run(&["models", "--author", "openai", "--input-modality", "video"]).await.with_code(0);
    assert_has(&none.err, &["0 of "]);
}
