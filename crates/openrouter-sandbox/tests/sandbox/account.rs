//! Tests of the endpoints for keys, credits and generations.

use serde_json::{Value, json};

use crate::support::{KEY, ask, chat, client, get, start};

#[tokio::test]
async fn key_endpoint_hides_the_key() {
    let sandbox = start().await;
    let (_, body) = get(&sandbox, "/key", Some(KEY)).await;
    let data = &body["data"];
    assert!(!data["label"].as_str().unwrap().contains(KEY));
    assert_eq!(
        (&data["limit"], &data["usage"], &data["is_management_key"]),
        (&json!(100), &json!(0), &json!(false))
    );
    assert_eq!(get(&sandbox, "/key", None).await.0, 401);
    assert_eq!(get(&sandbox, "/key", Some("sk-invalid")).await.0, 401);
    assert_eq!(get(&sandbox, "/key", Some("sk-poor")).await.1["data"]["limit_remaining"], 0);
}

#[tokio::test]
async fn key_tells_the_budgets_that_requests_meet() {
    let sandbox = start().await;
    let (_, body) = get(&sandbox, "/key", Some(KEY)).await;
    assert_eq!(body["data"]["effective_budget"]["scope"], "key_limit");
    let free = json!({"limit": 1000, "used": 0, "remaining": 1000});
    assert_eq!(body["data"]["free_model_daily_requests"], free);
    chat(&sandbox, &ask("openai/gpt-oss-20b:free", "Hi", json!({}))).await;
    let (_, body) = get(&sandbox, "/key", Some(KEY)).await;
    assert_eq!(body["data"]["free_model_daily_requests"]["used"], 1);

    let (_, body) = get(&sandbox, "/key", Some("sk-capped")).await;
    let budgets = body["data"]["budgets"].as_array().unwrap();
    assert_eq!((budgets.len(), &budgets[0]), (2, &body["data"]["effective_budget"]));
    assert_eq!((&budgets[0]["scope"], &budgets[0]["remaining_usd"]), (&json!("workspace"), &json!(-0.13)));
    let question = ask("openai/gpt-4o", "Hi", json!({}));
    let url = format!("{}/chat/completions", sandbox.base_url());
    let response = client().post(url).bearer_auth("sk-capped").json(&question).send().await.unwrap();
    assert_eq!(response.status(), 403);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["metadata"]["resets_at"], budgets[0]["resets_at"]);
}

#[tokio::test]
async fn credits_need_a_management_key() {
    let sandbox = start().await;
    let (status, body) = get(&sandbox, "/credits", Some(KEY)).await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!(403)));
    let (_, answer) = chat(&sandbox, &ask("openai/gpt-4o", "Hi", json!({}))).await;
    let (_, body) = get(&sandbox, "/credits", Some("sk-management")).await;
    assert_eq!(body["data"], json!({"total_credits": 100, "total_usage": answer["usage"]["cost"]}));
}

#[tokio::test]
async fn generation_is_found_by_id() {
    let sandbox = start().await;
    let (_, answer) = chat(&sandbox, &ask("openai/gpt-4o", "Hi", json!({"user": "u-1"}))).await;
    let path = format!("/generation?id={}", answer["id"].as_str().unwrap());
    let (_, body) = get(&sandbox, &path, Some(KEY)).await;
    let data = &body["data"];
    assert_eq!((&data["id"], &data["total_cost"]), (&answer["id"], &answer["usage"]["cost"]));
    assert_eq!((&data["external_user"], &data["provider_name"]), (&json!("u-1"), &json!("OpenAI")));
    assert_eq!(get(&sandbox, &path, None).await.0, 401);
    assert_eq!(get(&sandbox, "/generation?id=gen-none", Some(KEY)).await.0, 404);
    assert_eq!(get(&sandbox, "/generation", Some(KEY)).await.0, 400);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_json_errors() {
    let sandbox = start().await;
    assert_eq!(
        get(&sandbox, "/nothing", Some(KEY)).await.1,
        json!({"error": {"code": 404, "message": "Not Found"}})
    );
    let (status, body) = get(&sandbox, "/chat/completions", Some(KEY)).await;
    assert_eq!((status, &body["error"]["code"], body.get("data")), (405, &json!(405), None::<&Value>));
}
