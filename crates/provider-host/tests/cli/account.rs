//! Tests of the commands that read what only a service knows.

use crate::support::{Ran, against, assert_has, ran, run, sandbox};

#[tokio::test]
async fn generation_shows_the_record_of_an_answer() {
    let sandbox = sandbox().await;
    let asked = ran(&mut against(&sandbox, &["chat", "openai/gpt-4o", "Hello", "--json"])).await.with_code(0);
    let response = &asked.json()["response"];
    let id = response["id"].as_str().unwrap();
    let shown = ran(&mut against(&sandbox, &["generation", id])).await.with_code(0);
    assert_has(&shown.out, &[id, "model", "served by", "cost", "tokens in"]);
    let named = format!("openrouter:{id}");
    let json = ran(&mut against(&sandbox, &["generation", &named, "--json"])).await.with_code(0).json();
    assert_eq!(json["provider"], "openrouter");
    assert_eq!(json["total_cost"].as_f64(), response["usage"]["cost"].as_f64());
    let unknown = run(&["generation", "gen-unknown"]).await.with_code(5);
    assert_has(&unknown.err, &["error: not found: there is no record of this answer"]);
}

#[tokio::test]
async fn credits_need_a_management_key() {
    let refused = run(&["credits"]).await.with_code(3);
    assert_has(&refused.err, &["credits need a management key"]);
    let sandbox = sandbox().await;
    let with_key = |args: &[&str]| {
        let mut command = against(&sandbox, args);
        command.env("OPENROUTER_API_KEY", "sk-or-v1-management");
        command
    };
    let shown = ran(&mut with_key(&["credits"])).await.with_code(0);
    assert_has(&shown.out, &["paid in", "spent", "left", "$"]);
    let json = ran(&mut with_key(&["credits", "openrouter", "--json"])).await.with_code(0).json();
    assert!(json["total_credits"].as_f64().unwrap() > 0.0, "{json}");
}

#[tokio::test]
async fn presets_are_listed_by_the_id_to_ask_for() {
    let sandbox = sandbox().await;
    let json = ran(&mut against(&sandbox, &["presets", "--json"])).await.with_code(0).json();
    let count = json["presets"].as_array().unwrap().len();
    let shown = ran(&mut against(&sandbox, &["presets"])).await.with_code(0);
    assert_has(&shown.err, &[&format!("{count} presets")]);
    assert_eq!(shown.out.matches("@preset/").count(), count, "{}", shown.out);
}

#[tokio::test]
async fn endpoints_show_who_serves_a_model() {
    let sandbox = sandbox().await;
    let shown = ran(&mut against(&sandbox, &["endpoints", "openai/gpt-4o"])).await.with_code(0);
    assert_has(&shown.out, &["ENDPOINT", "$/M IN", "UPTIME", "2.50"]);
    let json = ran(&mut against(&sandbox, &["endpoints", "openrouter:openai/gpt-4o", "--json"])).await;
    let json = json.with_code(0).json();
    assert_eq!((&json["provider"], &json["id"]), (&"openrouter".into(), &"openai/gpt-4o".into()));
    assert!(!json["endpoints"].as_array().unwrap().is_empty());
    let unknown = run(&["endpoints", "opnai/gpt-4o"]).await.with_code(5);
    assert_has(&unknown.err, &["openai/gpt-4o,"]);
}

#[tokio::test]
async fn one_model_is_shown_with_all_that_is_known() {
    let sandbox = sandbox().await;
    let shown = ran(&mut against(&sandbox, &["models", "show", "openai/gpt-4o"])).await.with_code(0);
    assert_has(&shown.out, &["(openai/gpt-4o)", "provider", "openrouter", "$/M in", "2.50", "parameters"]);
    let args = ["models", "show", "openrouter:openai/gpt-4o", "--json", "--provider", "openrouter"];
    let json = ran(&mut against(&sandbox, &args)).await.with_code(0).json();
    assert_eq!((&json["provider"], &json["id"]), (&"openrouter".into(), &"openai/gpt-4o".into()));
    let unknown = run(&["models", "show", "opnai/gpt-4o", "--json"]).await.with_code(5);
    assert_has(&unknown.err, &["openai/gpt-4o,"]);
    assert_eq!(unknown.json()["error"]["kind"], "model_not_found");
}

#[tokio::test]
async fn records_of_several_providers_need_a_name() {
    let two = ["--sandbox", "--provider", "openrouter", "--provider", "work=openrouter"];
    let asked = |args: &[&str]| {
        let mut command = crate::support::binary();
        command.args(two).args(args);
        command
    };
    let unclear: Ran = ran(&mut asked(&["presets"])).await.with_code(2);
    assert_has(&unclear.err, &["name one of openrouter, work"]);
    ran(&mut asked(&["presets", "work"])).await.with_code(0);
    ran(&mut asked(&["endpoints", "work:openai/gpt-4o"])).await.with_code(0);
    let mut local = crate::support::binary();
    local.args(["--sandbox", "--provider", "local=openai-compatible", "presets"]);
    assert_has(
        &ran(&mut local).await.with_code(2).err,
        &["no provider is connected whose service tells this"],
    );
}
