//! A key by the user's approval, at the sandbox's page.

use http::Method;
use serde_json::{Value, json};
use workspace_store::{Actor, NewToken, Role};

use crate::support::{Client, Host};

const START: &str = "workspaces/acme/provider-connections";
const FINISH: &str = "workspaces/acme/provider-connections/finish";

/// Approves in place of a browser, and returns the address that it is sent back to.
async fn approve(url: &str) -> String {
    let browser =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let answer = browser.get(url).send().await.expect("an answer");
    let location = answer.headers().get("location").expect("sent back").to_str().expect("a text");
    location.to_owned()
}

fn query(address: &str) -> Value {
    let query = address.split_once('?').map(|(_, query)| query).expect("a query");
    json!({"query": format!("?{query}")})
}

#[tokio::test]
async fn key_is_granted_once_to_the_token_that_asked() {
    let host = Host::start().await;
    let (admin, other) = (Client::of(&host, Role::Admin).await, Client::of(&host, Role::Owner).await);
    let settings = json!({"base_url": host.sandbox.base_url(), "site_name": "Acme"});
    let new = json!({"kind": "OpenRouter", "id": "clicked", "settings": settings});
    let started = admin.done(Method::POST, START, new.clone()).await;
    let url = started["url"].as_str().expect("an address");
    assert!(url.contains("code_challenge_method=S256"), "{url}");
    let back = approve(url).await;
    assert!(back.starts_with(&format!("{}/connected?", host.url)), "{back}");
    assert_eq!(admin.send(Method::GET, "workspaces/acme/providers/clicked", None).await.0, 404, "not yet");

    // The page at that address is for anyone, and changes nothing.
    assert_eq!(host.http.get(&back).send().await.expect("an answer").status(), 200);
    let (status, refused) = other.send(Method::POST, FINISH, Some(query(&back))).await;
    assert_eq!((status, &refused["code"]), (400, &json!("connection_refused")), "{refused}");
    assert_eq!(admin.send(Method::GET, "workspaces/acme/providers/clicked", None).await.0, 404);

    let provider = admin.done(Method::POST, FINISH, query(&back)).await;
    assert_eq!(
        (&provider["id"], &provider["secrets"]["api_key"]["configured"]),
        (&json!("clicked"), &json!(true))
    );
    assert_eq!(provider["settings"]["site_name"], "Acme");
    let tested = admin.done(Method::POST, "workspaces/acme/providers/clicked/test", json!({})).await;
    assert_eq!(tested["is_ok"], true, "{tested}");
    assert!(tested["report"]["label"].is_string(), "{tested}");
    let (status, refused) = admin.send(Method::POST, FINISH, Some(query(&back))).await;
    assert_eq!((status, &refused["code"]), (400, &json!("connection_refused")), "once: {refused}");

    // The provider that is there gets another key, and keeps its settings.
    let again = admin.done(Method::POST, START, json!({"kind": "openrouter", "id": "clicked"})).await;
    let changed =
        admin.done(Method::POST, FINISH, query(&approve(again["url"].as_str().expect("one")).await)).await;
    assert_eq!((&changed["revision"], &changed["settings"]["site_name"]), (&json!(2), &json!("Acme")));
    assert_ne!(changed["secrets"]["api_key"]["last4"], provider["secrets"]["api_key"]["last4"]);
    host.stop().await;
}

#[tokio::test]
async fn approval_that_is_not_the_answer_is_refused() {
    let host = Host::start().await;
    let admin = Client::of(&host, Role::Admin).await;
    let start = async || {
        let new =
            json!({"kind": "openrouter", "id": "second", "settings": {"base_url": host.sandbox.base_url()}});
        let started = admin.done(Method::POST, START, new).await;
        approve(started["url"].as_str().expect("an address")).await
    };
    let state = |address: &str| {
        let state = address.split(['?', '&']).find(|field| field.starts_with("state=")).expect("a state");
        state.to_owned()
    };
    let first = start().await;
    let cases = [
        format!("?{}&error=access_denied", state(&first)),
        format!("?{}&code=none", state(&start().await)),
        format!("?{}", state(&start().await)),
        "?state=guessed&code=any".to_owned(),
    ];
    for case in cases {
        let (status, refused) = admin.send(Method::POST, FINISH, Some(json!({"query": case}))).await;
        assert!(matches!(status, 400 | 502), "{case}: {refused}");
    }
    for field in ["", "?code=any", &"x".repeat(5000)] {
        admin.refused(Method::POST, FINISH, json!({"query": field}), "query").await;
    }
    // A request that the user has refused is over.
    let (status, _) = admin.send(Method::POST, FINISH, Some(query(&first))).await;
    assert_eq!(status, 400);
    assert_eq!(admin.send(Method::GET, "workspaces/acme/providers/second", None).await.0, 404);

    // The address is another one by the time that the key comes.
    let moved = admin.done(Method::POST, START, json!({"kind": "openrouter"})).await;
    let back = approve(moved["url"].as_str().expect("an address")).await;
    let change = json!({"revision": 1, "settings": {"base_url": "https://example.com/api/v1"}});
    admin.done(Method::PATCH, "workspaces/acme/providers/openrouter", change).await;
    let (status, answer) = admin.send(Method::POST, FINISH, Some(query(&back))).await;
    assert_eq!((status, &answer["code"]), (409, &json!("conflict")), "{answer}");

    admin.refused(Method::POST, START, json!({"kind": "openai-compatible"}), "kind").await;
    let given = json!({"kind": "openrouter", "settings": {"site_name": "B"}});
    admin.refused(Method::POST, START, given, "settings").await;
    host.stop().await;
}

#[tokio::test]
async fn id_that_no_provider_may_have_is_refused_before_the_user_is_asked() {
    let host = Host::start().await;
    let admin = Client::of(&host, Role::Admin).await;
    for id in ["A B", "../x", ""] {
        let body = json!({"kind": "openrouter", "id": id, "settings": {"base_url": host.sandbox.base_url()}});
        let (status, answer) =
            admin.send(Method::POST, "workspaces/acme/provider-connections", Some(body)).await;
        assert_eq!((status, &answer["data"]["problems"][0]["field"]), (422, &json!("id")), "{id}: {answer}");
    }
    host.stop().await;
}

#[tokio::test]
async fn callback_is_the_public_url_and_never_a_header() {
    let host = Host::start_with(|settings| settings.public_url("https://models.example/")).await;
    let admin = Client::of(&host, Role::Admin).await;
    let started = admin.done(Method::POST, START, json!({"kind": "openrouter"})).await;
    let url = started["url"].as_str().expect("an address").to_owned();
    assert!(url.contains("callback_url=https%3A%2F%2Fmodels.example%2Fconnected"), "{url}");
    host.stop().await;

    let host = Host::start().await;
    let new = NewToken::new("an admin", Role::Admin);
    let token = host.store.create_token("acme", new, &Actor::new("tests")).await.expect("a token").text;
    for name in ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "127.0.0.1:8790:evil"] {
        let request = host.http.post(format!("{}/api/v1/{START}", host.url)).bearer_auth(token.expose());
        let request = request.header("host", name).json(&json!({"kind": "openrouter"}));
        let answer = request.send().await.expect("an answer");
        let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default());
        assert!(status == 400 || (status == 422 && body["code"] == "public_url_unknown"), "{name}: {body}");
    }
    host.stop().await;
}

#[tokio::test]
async fn endpoints_and_presets_are_told_where_the_service_has_them() {
    let host = Host::start().await;
    let viewer = Client::of(&host, Role::Viewer).await;
    let path = "workspaces/acme/model/endpoints?reference=openrouter:openai/gpt-4o";
    let endpoints = viewer.get(path).await;
    let first = &endpoints[0];
    assert!(
        first["provider"].is_string() && first["prices"]["prompt_per_million"].is_string(),
        "{endpoints}"
    );
    assert!(first["uptime_last_30m"].is_number() && first["latency_p50_ms"].is_number(), "{first}");
    let (status, _) = viewer
        .send(Method::GET, "workspaces/acme/model/endpoints?reference=openrouter:none/none", None)
        .await;
    assert_eq!(status, 404);
    let presets = viewer.get("workspaces/acme/providers/openrouter/presets").await;
    assert!(presets.is_array(), "{presets}");
    assert_eq!(viewer.send(Method::GET, "workspaces/acme/providers/none/presets", None).await.0, 404);

    let admin = Client::of(&host, Role::Admin).await;
    let settings = json!({"api_key": "sk-sandbox", "base_url": host.sandbox.base_url()});
    let plain = json!({"kind": "openai-compatible", "id": "plain", "settings": settings});
    admin.done(Method::POST, "workspaces/acme/providers", plain).await;
    let untold = viewer.get("workspaces/acme/model/endpoints?reference=plain:openai/gpt-4o").await;
    assert_eq!(untold, Value::Null);
    assert_eq!(viewer.get("workspaces/acme/providers/plain/presets").await, Value::Null);
    let kinds = viewer.get("providers").await;
    let has = |id: &str| {
        let kind =
            kinds.as_array().expect("kinds").iter().find(|kind| kind["id"] == id).expect("the kind").clone();
        (kind["grants_keys"].clone(), kind["has_model_details"].clone())
    };
    assert_eq!(has("openrouter"), (json!(true), json!(true)));
    host.stop().await;
}
