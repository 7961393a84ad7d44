//! The management API.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use workspace_store::{Actor, Call, MasterKey, MasterKeys, NewProvider, Role, Run, Store, StoreOptions};

use crate::support::{Client, Host, OPERATOR_KEY};

const KEY: &str = "sk-or-v1-0123456789abcdefWXYZ";

#[tokio::test]
async fn secret_goes_in_and_never_comes_out() {
    let host = Host::start().await;
    let admin = Client::of(&host, Role::Admin).await;
    let providers = "workspaces/acme/providers";
    let base_url = host.sandbox.base_url();
    let new =
        json!({"kind": "openrouter", "id": "second", "settings": {"api_key": KEY, "base_url": base_url}});
    let added = admin.done(Method::POST, providers, new).await;
    assert_eq!(added["secrets"]["api_key"], json!({"configured": true, "last4": "WXYZ"}));

    let second = &format!("{providers}/second");
    for mask in ["••••WXYZ", "***", "sk-…WXYZ"] {
        let change = json!({"revision": 1, "settings": {"api_key": mask}});
        admin.refused(Method::PATCH, second, change, "api_key").await;
    }
    let state = json!({"revision": 1, "settings": {"api_key": {"configured": true, "last4": "WXYZ"}}});
    let (status, answer) = admin.send(Method::PATCH, second, Some(state)).await;
    assert_eq!(status, 422, "{answer}");

    // A field that is absent stays, null removes.
    let change = json!({"revision": 1, "settings": {"site_name": "Acme"}});
    let changed = admin.done(Method::PATCH, second, change).await;
    assert_eq!(changed["dropped_secrets"], json!([]));
    assert_eq!(changed["provider"]["secrets"]["api_key"]["last4"], "WXYZ");
    let change = json!({"revision": 2, "settings": {"site_name": null}});
    let changed = admin.done(Method::PATCH, second, change).await;
    assert_eq!(changed["provider"]["settings"].get("site_name"), None);

    let stale = json!({"revision": 2, "settings": {"site_name": "B"}});
    let (status, answer) = admin.send(Method::PATCH, second, Some(stale)).await;
    assert_eq!((status, answer["code"].as_str()), (409, Some("conflict")), "{answer}");
    assert_eq!(answer["data"]["problems"][0]["field"], "site_name");

    let change = json!({"revision": 3, "settings": {"base_url": "https://example.com/api/v1"}});
    let changed = admin.done(Method::PATCH, second, change).await;
    assert_eq!(changed["dropped_secrets"], json!(["api_key"]), "the address is another one");
    assert_eq!(changed["provider"]["secrets"], json!({}));

    let all = json!([admin.get(providers).await, added, changed]).to_string();
    assert!(!all.contains("0123456789abcdef"), "{all}");
    admin.done(Method::DELETE, second, json!({})).await;
    assert_eq!(admin.get(providers).await.as_array().map(Vec::len), Some(1));
    host.stop().await;
}

#[tokio::test]
async fn provider_is_tested_saved_and_unsaved() {
    let host = Host::start().await;
    let admin = Client::of(&host, Role::Admin).await;
    let saved = admin.done(Method::POST, "workspaces/acme/providers/openrouter/test", json!({})).await;
    assert_eq!((&saved["is_ok"], &saved["problem"]), (&json!(true), &Value::Null), "{saved}");
    let tests = "workspaces/acme/provider-tests";
    // The stored key is not taken for the address of a form.
    let form = json!({"kind": "openrouter", "settings": {"base_url": host.sandbox.base_url()}});
    admin.refused(Method::POST, tests, form, "api_key").await;
    let form =
        json!({"kind": "openrouter", "settings": {"api_key": KEY, "base_url": "http://127.0.0.1:9/v1"}});
    let tested = admin.done(Method::POST, tests, form).await;
    assert_eq!(tested["is_ok"], false);
    assert!(tested["problem"]["message"].as_str().is_some_and(|words| !words.is_empty()), "{tested}");
    assert!(!tested.to_string().contains(KEY));
    host.stop().await;
}

#[tokio::test]
async fn field_that_is_not_writable_is_refused_by_name() {
    let host = Host::start().await;
    let owner = Client::of(&host, Role::Owner).await;
    let cases = [
        (Method::PATCH, "workspaces/acme", json!({"revision": 1, "id": "evil"}), "id"),
        (Method::PATCH, "workspaces/acme", json!({"revision": 1, "created": "x"}), "created"),
        (
            Method::POST,
            "workspaces/acme/tokens",
            json!({"name": "a", "role": "viewer", "workspace": "b"}),
            "workspace",
        ),
        (Method::POST, "workspaces/acme/providers", json!({"kind": "openrouter", "secrets": {}}), "secrets"),
        (Method::POST, "workspaces/acme/conversations", json!({"title": "a", "id": "b"}), "id"),
    ];
    for (method, path, body, field) in cases {
        let answer = owner.refused(method, path, body, field).await;
        assert!(answer["message"].as_str().is_some_and(|words| words.contains("unknown field")), "{answer}");
    }
    let new = json!({"kind": "openrouter", "settings": {"api_keys": KEY}});
    let answer = owner.refused(Method::POST, "workspaces/acme/providers", new, "api_keys").await;
    assert!(!answer.to_string().contains(KEY));
    // A value of another type is not repeated: it may be a secret.
    let answer = owner
        .refused(
            Method::POST,
            "workspaces/acme/providers",
            json!({"kind": "openrouter", "settings": KEY}),
            "settings",
        )
        .await;
    assert!(!answer.to_string().contains(KEY), "{answer}");
    let (status, answer) = owner.send(Method::GET, "workspaces/acme/runs?limit=201", None).await;
    assert_eq!((status, &answer["data"]["problems"][0]["field"]), (422, &json!("limit")));
    let (status, answer) = owner.send(Method::GET, "workspaces/acme/runs?workspace=b", None).await;
    assert_eq!((status, &answer["code"]), (400, &json!("invalid_request")), "{answer}");
    host.stop().await;
}

#[tokio::test]
async fn admin_makes_and_revokes_no_owner() {
    let host = Host::start().await;
    let (admin, owner) = (Client::of(&host, Role::Admin).await, Client::of(&host, Role::Owner).await);
    let tokens = "workspaces/acme/tokens";
    let new = |role: &str| json!({"name": "a token", "role": role});
    let (status, answer) = admin.send(Method::POST, tokens, Some(new("owner"))).await;
    assert_eq!((status, &answer["code"]), (403, &json!("forbidden")));
    let created = owner.done(Method::POST, tokens, new("owner")).await;
    let text = created["text"].as_str().expect("a text").to_owned();
    let path = format!("{tokens}/{}", created["token"]["id"].as_str().expect("an id"));
    assert_eq!(admin.send(Method::DELETE, &path, None).await.0, 403);
    let listed = owner.get(tokens).await;
    // The secret, which may have a `_` of its own.
    let secret = text.splitn(3, '_').nth(2).expect("a secret");
    assert!(!listed.to_string().contains(secret), "shown once");
    let third = Client { host: &host, token: text };
    assert_eq!(third.get("token").await["role"], "owner");
    assert_eq!(owner.send(Method::DELETE, &path, None).await.0, 200);
    assert_eq!(third.send(Method::GET, "token", None).await.0, 401);
    assert_eq!(admin.send(Method::POST, tokens, Some(new("admin"))).await.0, 200);
    assert_eq!(owner.send(Method::POST, tokens, Some(new("root"))).await.0, 422);
    host.stop().await;
}

#[tokio::test]
async fn selector_finds_filters_and_names_failures() {
    let host = Host::start().await;
    let admin = Client::of(&host, Role::Admin).await;
    let models = "workspaces/acme/models";
    let all = admin.get(models).await;
    assert!(all["total"].as_u64().is_some_and(|total| total > 3), "{all}");
    let found = admin.get(&format!("{models}?q=gpt+4o")).await;
    assert_eq!(found["items"][0]["author"], "openai", "{found}");
    let first = &found["items"][0];
    assert!(first["prices"]["prompt_per_million"].is_string(), "{first}");
    let reference = first["reference"].as_str().expect("a reference");
    assert_eq!(&admin.get(&format!("workspaces/acme/model?reference={reference}")).await, first);
    for (query, flag) in [("tools=true", "tools"), ("free=true", "free"), ("enabled=true", "enabled")] {
        let found = admin.get(&format!("{models}?{query}")).await;
        let items = found["items"].as_array().expect("items");
        assert!(items.iter().all(|model| model[flag] == true), "{query}");
    }
    let page = admin.get(&format!("{models}?sort=id&limit=2")).await;
    assert_eq!((page["items"].as_array().map(Vec::len), &page["next"]), (Some(2), &json!(2)));
    let rest = admin.get(&format!("{models}?sort=id&limit=1&offset=1")).await;
    assert_eq!(rest["items"][0], page["items"][1]);

    // A second provider answers nothing: it is named, and the first one's models are there.
    let dead = json!({"kind": "openrouter", "id": "dead", "settings": {"api_key": KEY, "base_url": "http://127.0.0.1:9/v1"}});
    admin.done(Method::POST, "workspaces/acme/providers", dead).await;
    let both = admin.get(models).await;
    assert_eq!(both["failed"][0]["provider"], "dead", "{both}");
    assert_eq!(both["total"], all["total"]);
    // A third has the same models: one order over both.
    let settings = json!({"api_key": KEY, "base_url": host.sandbox.base_url()});
    let third = json!({"kind": "openrouter", "id": "third", "settings": settings, "enabled_models": ["openai/gpt-4o"]});
    admin.done(Method::POST, "workspaces/acme/providers", third).await;
    let three = admin.get(&format!("{models}?sort=id")).await;
    assert_eq!(three["total"].as_u64(), all["total"].as_u64().map(|total| total * 2));
    assert_eq!(three["items"][0]["id"], three["items"][1]["id"]);
    let enabled = admin.get(&format!("{models}?provider=third&enabled=true")).await;
    assert_eq!((&enabled["total"], &enabled["items"][0]["id"]), (&json!(1), &json!("openai/gpt-4o")));

    let request = json!({"messages": [{"role": "user", "content": "Hello"}]});
    let check = json!({"model": "openrouter:openai/gpt-4o", "request": request});
    let checked = admin.done(Method::POST, &format!("{models}/problems"), check).await;
    assert_eq!((&checked["listed"], &checked["problems"]), (&json!(true), &json!([])), "{checked}");
    assert!(checked["estimate"].is_string());
    host.stop().await;
}

#[tokio::test]
async fn budgets_conversations_audit_and_registry_answer() {
    let host = Host::start().await;
    let owner = Client::of(&host, Role::Owner).await;
    let budgets = "workspaces/acme/budgets";
    let new = json!({"scope": {"scope": "node", "id": "n1"}, "limit": {"usd": "2.50"}, "period": "month"});
    let budget = owner.done(Method::POST, budgets, new).await;
    assert_eq!((&budget["limit"], &budget["left"]), (&json!({"usd": "2.5"}), &json!({"usd": "2.5"})));
    let path = format!("{budgets}/{}", budget["id"].as_str().expect("an id"));
    let changed = owner.done(Method::PATCH, &path, json!({"revision": 1, "limit": {"usd": "3"}})).await;
    assert_eq!(changed["limit"], json!({"usd": "3"}));
    assert_eq!(changed["spent"], json!({"usd": "0"}));
    assert!(changed["resets"].as_str().is_some_and(|moment| moment.ends_with("T00:00:00Z")), "{changed}");
    let bad = json!({"revision": 2, "limit": {"usd": "-1"}});
    owner.refused(Method::PATCH, &path, bad, "limit.usd").await;
    for (scope, limit, field) in [
        (json!({"scope": "workspace"}), json!({"usd": "1000000000.01"}), "limit.usd"),
        (json!({"scope": "workspace"}), json!({"requests": 1_000_000_000_000_000_000_u64}), "limit.requests"),
        (json!({"scope": "node", "id": ""}), json!({"requests": 1}), "scope.id"),
    ] {
        let new = json!({"scope": scope, "limit": limit, "period": "day"});
        owner.refused(Method::POST, budgets, new, field).await;
    }
    owner.done(Method::DELETE, &path, json!({})).await;
    assert_eq!(owner.get(budgets).await, json!([]));

    let new = json!({"scope": {"scope": "each_user"}, "limit": {"requests": 3}, "period": "day"});
    let each = owner.done(Method::POST, budgets, new).await;
    let path = format!("{budgets}/{}", each["id"].as_str().expect("an id"));
    assert_eq!(each["scope"], json!({"scope": "each_user"}));
    for user in ["ada", "bob", "ada"] {
        let call = Call::new("acme").user(user);
        host.store.reserve(&call).await.expect("reserved").settle(None).await.expect("settled");
    }
    let shares = owner.get(&format!("{path}/shares?limit=1")).await;
    let first = &shares["items"][0];
    assert_eq!((&first["scope"]["id"], &first["left"]), (&json!("ada"), &json!({"requests": 1})), "{shares}");
    let rest = owner.get(&format!("{path}/shares?after={}", shares["next"].as_str().expect("more"))).await;
    assert_eq!((&rest["items"][0]["spent"], &rest["next"]), (&json!({"requests": 1}), &Value::Null));
    assert_eq!(owner.send(Method::GET, &format!("{budgets}/none/shares"), None).await.0, 404);

    let conversations = "workspaces/acme/conversations";
    let made = owner.done(Method::POST, conversations, json!({"title": "One"})).await;
    let path = format!("{conversations}/{}", made["id"].as_str().expect("an id"));
    let messages = json!({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]});
    let added = owner.done(Method::POST, &format!("{path}/messages"), messages).await;
    let last = added["ids"][1].as_str().expect("an id");
    let branch = owner.get(&format!("{path}/messages?last={last}")).await;
    assert_eq!(branch.as_array().map(Vec::len), Some(2), "{branch}");
    assert_eq!(owner.get(&format!("{path}/branches")).await[0]["id"], last);
    let renamed = owner.done(Method::PATCH, &path, json!({"title": "Two"})).await;
    assert_eq!(renamed["title"], "Two");
    for title in ["Three", "Four"] {
        owner.done(Method::POST, conversations, json!({"title": title})).await;
    }
    let page = owner.get(&format!("{conversations}?limit=2")).await;
    let next = page["next"].as_str().expect("a cursor");
    let rest = owner.get(&format!("{conversations}?limit=2&before={next}")).await;
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["next"]), (Some(1), &Value::Null));

    let log = owner.get("workspaces/acme/audit").await;
    assert_eq!(log["items"][0]["kind"], "budget", "{log}");
    assert_eq!(log["items"][0]["origin"], "127.0.0.1");
    let kind = owner.get("providers/openrouter").await;
    assert_eq!(kind["settings_schema"]["properties"]["api_key"]["writeOnly"], true);
    assert!(kind["fields"].as_array().is_some_and(|fields| fields.len() > 3));
    assert_eq!(owner.get("workspaces/acme/run-totals").await["runs"], 0);
    host.stop().await;
}

#[tokio::test]
async fn runs_are_found_by_time_model_and_end() {
    let host = Host::start().await;
    let viewer = Client::of(&host, Role::Viewer).await;
    // 2026-11-29T12:00:00Z and the three days after it.
    let noon = 1_795_953_600_000_i64;
    for (number, model, finish, error) in [
        (0, "openai/gpt-4o", Some("stop"), None),
        (1, "openai/gpt-4o", Some("length"), None),
        (2, "qwen/qwen3-8b", None, Some("rate_limited")),
        (3, "qwen/qwen3-8b", Some("stop"), None),
    ] {
        let mut run = Run::begin("acme", "openrouter", model).expect("a run").node("n1").user("ada");
        run.started_ms = noon + number * 86_400_000;
        run.id = format!("{:012x}{number:020}", run.started_ms);
        (run.finish, run.error_kind) = (finish.map(str::to_owned), error.map(str::to_owned));
        run.cost = "0.25".parse().ok();
        host.store.record_run(&run).await.expect("recorded");
    }
    let runs = "workspaces/acme/runs";
    let found = async |query: String| {
        let page = viewer.get(&format!("{runs}?{query}")).await;
        let items = page["items"].as_array().expect("items").clone();
        items
            .iter()
            .map(|run| (run["started_ms"].as_i64().expect("a time") - noon) / 86_400_000)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(format!("from_ms={}&to_ms={}", noon + 1, noon + 2 * 86_400_000)).await, [1]);
    assert_eq!(found("finish=length".to_owned()).await, [1]);
    assert_eq!(found("error_kind=rate_limited".to_owned()).await, [2]);
    assert_eq!(found("failed=true".to_owned()).await, [2]);
    assert_eq!(
        found("failed=false&model=qwen/qwen3-8b&provider=openrouter&user=ada&node=n1".to_owned()).await,
        [3]
    );
    assert_eq!(viewer.send(Method::GET, &format!("{runs}?from_ms=2&to_ms=1"), None).await.0, 422);

    let days = viewer.get("workspaces/acme/run-days?from=2026-11-29&to=2026-12-01").await;
    let rows = days["days"].as_array().expect("days");
    assert_eq!(rows.len(), 3, "{days}");
    assert_eq!((&rows[2]["day"], &rows[2]["model"]), (&json!("2026-12-01"), &json!("qwen/qwen3-8b")));
    assert_eq!(rows[2]["totals"]["failed"], 1);
    assert_eq!((&rows[0]["totals"]["cost"], &days["time_zone"]), (&json!("0.25"), &json!("UTC")));
    for (query, field) in [("from=yesterday", "from"), ("to=2026-02-30", "to"), ("from=2020-01-01", "from")] {
        let (status, answer) =
            viewer.send(Method::GET, &format!("workspaces/acme/run-days?{query}"), None).await;
        assert_eq!((status, &answer["data"]["problems"][0]["field"]), (422, &json!(field)), "{answer}");
    }
    host.stop().await;
}

#[tokio::test]
async fn workspace_is_created_changed_exported_and_imported() {
    let host = Host::start().await;
    let operator = Client { host: &host, token: OPERATOR_KEY.to_owned() };
    operator.done(Method::POST, "workspaces", json!({"id": "new", "time_zone": "Asia/Seoul"})).await;
    let (status, answer) = operator.send(Method::POST, "workspaces", Some(json!({"id": "new"}))).await;
    assert_eq!((status, &answer["code"]), (409, &json!("duplicate")));
    let page = operator.get("workspaces?limit=1").await;
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!("acme"), &json!("acme")));

    let owner = Client { host: &host, token: host.token("new", Role::Owner).await };
    let change = json!({"revision": 1, "keep_content_seconds": 3600, "keep_runs_seconds": 86_400});
    let changed = owner.done(Method::PATCH, "workspaces/new", change).await;
    assert_eq!(
        (&changed["keep_content_seconds"], &changed["keep_runs_seconds"]),
        (&json!(3600), &json!(86_400))
    );
    let change = json!({"revision": 2, "keep_runs_seconds": null});
    assert_eq!(owner.done(Method::PATCH, "workspaces/new", change).await["keep_runs_seconds"], Value::Null);
    let url = format!("{}/api/v1/workspaces/new/export", host.url);
    let request = host.http.post(url).bearer_auth(&owner.token).json(&json!({}));
    let export = request.send().await.expect("an answer").text().await.expect("a text");
    owner.done(Method::DELETE, "workspaces/new", json!({})).await;
    let request =
        host.http.post(format!("{}/api/v1/import", host.url)).bearer_auth(OPERATOR_KEY).body(export);
    let imported: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(imported["data"]["workspace"], "new", "{imported}");
    host.stop().await;
}

#[tokio::test]
async fn export_that_fails_in_the_middle_breaks_its_transfer() {
    let host = Host::start().await;
    // A provider whose key this host cannot open: another host sealed it with a newer master key.
    let path = |name: &str| host.folder.path().join(name);
    let keys = MasterKeys::new(MasterKey::generate().expect("a key"));
    let keys = keys.previous(MasterKey::dev_file(path("key")).expect("the key"));
    let newer = Store::open(&format!("sqlite:{}", path("host.db").display()), keys).await.expect("a store");
    let provider = NewProvider::new("openrouter", [("api_key", KEY)]).id("newer");
    let registry = provider_registry::Registry::discover().expect("providers");
    newer.add_provider("acme", &registry, provider, &Actor::new("tests")).await.expect("added");

    let url = format!("{}/api/v1/workspaces/acme/export", host.url);
    let owner = host.token("acme", Role::Owner).await;
    let export =
        async |body: Value| host.http.post(&url).bearer_auth(&owner).json(&body).send().await.expect("one");
    let passphrase = json!({"passphrase": "correct horse battery"});
    let refused = export(passphrase.clone()).await;
    assert_eq!(refused.status(), 500, "nothing was sent yet");
    // With more in front of it, the answer has begun by then.
    let models: Vec<String> = (0..30_000).map(|number| format!("model-{number}")).collect();
    let long = NewProvider::new("openrouter", [("api_key", KEY)]).id("long").enabled_models(models);
    host.store.add_provider("acme", &registry, long, &Actor::new("tests")).await.expect("added");
    let mut broken = export(passphrase).await;
    assert_eq!(broken.status(), 200, "it had begun");
    let mut text = Vec::new();
    let end = loop {
        match broken.chunk().await {
            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
            end => break end,
        }
    };
    assert!(end.is_err(), "the body has no end: {}", String::from_utf8_lossy(&text));
    // Without secrets nothing has to be opened.
    let whole = export(json!({})).await.text().await.expect("a whole body");
    assert!(whole.lines().last().is_some_and(|line| line.contains("\"end\"")), "{whole}");
    host.store.delete_workspace("acme", &Actor::new("tests")).await.expect("deleted");
    let import = host.http.post(format!("{}/api/v1/import", host.url)).bearer_auth(OPERATOR_KEY);
    let import = import.header("x-passphrase", "correct horse battery").body(text);
    let answer = import.send().await.expect("an answer");
    assert_eq!(answer.status(), 400, "what came is not imported");
    host.stop().await;
}

#[tokio::test]
async fn provider_of_a_form_stays_off_the_host_s_network() {
    let host = Host::start().await;
    let admin = Client::of(&host, Role::Admin).await;
    let elsewhere =
        fault_server::FaultServer::always(fault_server::Script::json(200, "{}")).await.expect("a server");
    let port = elsewhere.address().port();
    for (address, kind) in [
        (format!("https://127.0.0.1:{port}"), "a loopback address"),
        (format!("https://[::1]:{port}"), "a loopback address"),
        (format!("https://localhost:{port}"), "a loopback address"),
        ("https://169.254.169.254".to_owned(), "metadata service"),
        ("https://[fe80::1]".to_owned(), "link-local"),
        ("https://10.0.0.1".to_owned(), "private"),
        ("https://[::ffff:192.168.0.1]".to_owned(), "private"),
        ("https://0.0.0.0".to_owned(), ""),
    ] {
        let form = json!({"kind": "openrouter", "settings": {"api_key": KEY, "base_url": format!("{address}/api/v1")}});
        let tested = admin.done(Method::POST, "workspaces/acme/provider-tests", form).await;
        let message = tested["problem"]["message"].as_str().unwrap_or_default();
        assert!(
            tested["is_ok"] == false && message.contains(kind) && !message.contains(KEY),
            "{address}: {tested}"
        );
    }
    assert_eq!(elsewhere.requests().len(), 0, "no connection was made");
    host.stop().await;

    // The one server that is allowed sends on to one that is not.
    let target = elsewhere.url().to_owned();
    let redirecting = fault_server::FaultServer::start(move |_| {
        fault_server::Script::redirect(307, format!("{target}/api/v1/key"))
    });
    let redirecting = redirecting.await.expect("a server");
    let allowed = provider_http::AddressPolicy::public().allow_socket(redirecting.address());
    let host = Host::start_with(|settings| settings.addresses(allowed)).await;
    let admin = Client::of(&host, Role::Admin).await;
    let base_url = format!("{}/api/v1", redirecting.url());
    let form = json!({"kind": "openrouter", "settings": {"api_key": KEY, "base_url": base_url}});
    let tested = admin.done(Method::POST, "workspaces/acme/provider-tests", form).await;
    assert_eq!((&tested["is_ok"], redirecting.requests().is_empty()), (&json!(false), false), "{tested}");
    assert_eq!(elsewhere.requests().len(), 0, "a redirect is not followed");
    host.stop().await;
}

#[tokio::test]
async fn readiness_is_503_while_the_database_is_away() {
    let options = StoreOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(1));
    let host = Host::start_on(options.poll_interval(Duration::from_millis(20)), |settings| settings).await;
    let ready = async || {
        let answer = host.http.get(format!("{}/readyz", host.url)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON")["status"].clone())
    };
    let until = async |wanted: u16| {
        let begun = Instant::now();
        loop {
            let found = ready().await;
            if found.0 == wanted {
                return found.1;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{found:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(ready().await, (200, json!("ready")));
    let owner = Client::of(&host, Role::Owner).await;
    let long = json!({"messages": [{"role": "user", "content": "x".repeat(8 << 20)}]});
    let made = owner.done(Method::POST, "workspaces/acme/conversations", json!({"title": "One"})).await;
    let path = format!("workspaces/acme/conversations/{}/messages", made["id"].as_str().expect("an id"));
    owner.done(Method::POST, &path, long).await;
    // Exports that nobody reads hold the only connections.
    let url = format!("{}/api/v1/workspaces/acme/export", host.url);
    let export = || host.http.post(&url).bearer_auth(&owner.token).json(&json!({})).send();
    let (first, second) = tokio::join!(export(), export());
    let held = (first.expect("an export"), second.expect("an export"));
    assert_eq!(until(503).await, "database_away");
    let third = export().await.expect("an answer");
    assert_eq!(
        (third.status().as_u16(), third.headers().contains_key("retry-after")),
        (503, true),
        "two at a time"
    );
    drop(held);
    assert_eq!(until(200).await, "ready");
    host.stop().await;
}
