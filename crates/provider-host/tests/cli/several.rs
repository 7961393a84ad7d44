//! Tests of several providers: which are connected, which models mean which, and what a dead one holds up.

use std::time::{Duration, Instant};

use fault_server::{FaultServer, RefusedPort, Request, Script};
use openrouter_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{KEY, REFUSED_KEY, against, assert_has, binary, questions, ran, sandbox};

/// The flags for OpenRouter and a server that is called `local`.
const BOTH: [&str; 4] = ["--provider", "openrouter", "--provider", "local=openai-compatible"];

/// A server with one model, `qwen3`, which answers with these words.
async fn server(words: &'static str) -> FaultServer {
    let script = move |request: &Request| match request.path.as_str() {
        "/v1/models" => Script::json(200, r#"{"data":[{"id":"qwen3"}]}"#),
        _ if request.body == b"{}" => Script::json(400, r#"{"error":{"message":"no model"}}"#),
        _ => {
            let model = body(request)["model"].clone();
            let choice = format!(r#"{{"index":0,"delta":{{"content":"{words}"}},"finish_reason":"stop"}}"#);
            let chunk = format!(r#"{{"id":"1","model":{model},"choices":[{choice}]}}"#);
            Script::events(format!("data: {chunk}\n\ndata: [DONE]\n\n"))
        }
    };
    FaultServer::start(script).await.unwrap()
}

/// A server that takes requests and never answers.
async fn silent() -> FaultServer {
    FaultServer::always(Script::no_response().stall()).await.unwrap()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

/// The models of the chats that a server was sent.
fn asked(server: &FaultServer) -> Vec<String> {
    let chats = server.requests().into_iter().filter(|request| request.method == "POST");
    chats.filter_map(|request| Some(body(&request)["model"].as_str()?.to_owned())).collect()
}

/// The binary with this sandbox as OpenRouter, and the server at this URL as `local`.
fn with_both(sandbox: &Sandbox, local: &str, args: &[&str]) -> Command {
    let mut command = against(sandbox, &BOTH);
    command.args(["--set", &format!("local.base_url={local}/v1")]).args(args);
    command
}

#[tokio::test]
async fn model_goes_to_the_provider_that_lists_it() {
    let (sandbox, server) = (sandbox().await, server("from home").await);
    for model in ["qwen3", "local:qwen3", "local/qwen3"] {
        let ran = ran(&mut with_both(&sandbox, &server.url(), &["chat", model, "Hi"])).await.with_code(0);
        assert_eq!(ran.out, "from home\n", "{model}");
        assert_has(&ran.err, &["served by local"]);
    }
    for model in ["openai/gpt-4o", "openrouter:openai/gpt-4o", "openai/gpt-4o:nitro", "@preset/x"] {
        ran(&mut with_both(&sandbox, &server.url(), &["chat", model, "Hi"])).await.with_code(0);
    }
    assert_eq!((asked(&server).len(), questions(&sandbox).len()), (3, 4));
}

#[tokio::test]
async fn mistyped_model_goes_nowhere_and_names_the_spellings() {
    let (sandbox, server) = (sandbox().await, server("no").await);
    let args = ["chat", "qwen4", "Hi"];
    let ran = ran(&mut with_both(&sandbox, &server.url(), &args)).await.with_code(5);
    assert_has(&ran.err, &["write openrouter:qwen4", "similar: local:qwen3"]);
    assert!(asked(&server).is_empty() && questions(&sandbox).is_empty());
}

#[tokio::test]
async fn model_of_two_providers_names_the_spellings() {
    let sandbox = sandbox().await;
    let url = sandbox.base_url().trim_end_matches("/v1").to_owned();
    let ran = ran(&mut with_both(&sandbox, &url, &["chat", "openai/gpt-4o", "Hi"])).await.with_code(2);
    assert_has(&ran.err, &["local:openai/gpt-4o, openrouter:openai/gpt-4o"]);
    assert!(questions(&sandbox).is_empty());
}

#[tokio::test]
async fn qualified_id_is_sent_byte_for_byte() {
    let server = server("Hi").await;
    let chat = |id: &str| {
        let mut command = binary();
        command.args(["--provider", "local=openai-compatible"]);
        command.args(["--set", &format!("base_url={}/v1", server.url())]);
        command.args(["chat", &format!("local:{id}"), "Hi"]);
        command
    };
    for id in ["b:c/d@e=f,g", "ünïcode💥", "local:twice", "openrouter:x", "/", ":", "\"\\", "qwen3%20"] {
        ran(&mut chat(id)).await.with_code(0);
        assert_eq!(asked(&server).pop().as_deref(), Some(id));
    }
    let sent = asked(&server).len();
    for id in ["a b", " ", "a\tb", ""] {
        let ran = ran(&mut chat(id)).await;
        assert!([Some(2), Some(5)].contains(&ran.code), "{id:?}: {}", ran.err);
    }
    assert_eq!(asked(&server).len(), sent, "no wire has ids with white space");
}

#[tokio::test]
async fn dead_silent_or_refusing_provider_holds_up_no_other() {
    let (sandbox, refused, silent) = (sandbox().await, RefusedPort::new().unwrap(), silent().await);
    let no_key = FaultServer::always(Script::json(401, r#"{"error":{"message":"no key"}}"#)).await.unwrap();
    for local in [refused.url(), silent.url(), no_key.url()] {
        let began = Instant::now();
        // One that OpenRouter lists, and one that it claims by its own rule.
        for model in ["openai/gpt-4o", "openai/gpt-4o:nitro"] {
            ran(&mut with_both(&sandbox, &local, &["chat", model, "Hi"])).await.with_code(0);
        }
        let args = ["compare", "Hi", "openai/gpt-4o", "local:qwen3", "--timeout", "2", "--json"];
        let json = ran(&mut with_both(&sandbox, &local, &args)).await.with_code(0).json();
        assert!(json["cells"][0]["response"].is_object(), "{json}");
        assert_eq!(json["cells"][1]["error"]["provider"], "local", "{json}");
        // An id that the server may have goes to no other provider.
        let args = ["chat", "qwen3", "Hi", "--retries", "0"];
        let lost = ran(&mut with_both(&sandbox, &local, &args)).await;
        assert!(lost.code != Some(0) && lost.err.contains("local:qwen3"), "{}", lost.err);
        assert!(began.elapsed() < Duration::from_secs(30), "{:?} for {local}", began.elapsed());
    }
    assert!(questions(&sandbox).iter().all(|request| request.body["model"] != "qwen3"));
}

#[tokio::test]
async fn fallback_crosses_providers_and_tells_of_it() {
    let (sandbox, refused) = (sandbox().await, RefusedPort::new().unwrap());
    let args = ["chat", "local:qwen3", "Hi", "--fallback", "openrouter:openai/gpt-4o-mini", "--verbose"];
    let args = [&args[..], &["--allow-paid-fallback"]].concat();
    let began = Instant::now();
    let told = ran(&mut with_both(&sandbox, &refused.url(), &args)).await.with_code(0);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_has(&told.err, &["a fallback answered: asked for local:qwen3", "openrouter:openai/gpt-4o-mini"]);
    // Each model but the last is asked once.
    assert_eq!(told.err.matches(" failed: connection failed: ").count(), 1, "{}", told.err);
    assert_eq!(questions(&sandbox)[0].body.get("models"), None);

    let json = ran(&mut with_both(&sandbox, &refused.url(), &[&args[..], &["--json"]].concat())).await;
    let json = json.with_code(0).json();
    assert_eq!(json["fallback"], json!({"provider": "openrouter", "model": "openai/gpt-4o-mini"}));
    assert_eq!(json["response"]["attempts"][0]["provider"], "local");
}

#[tokio::test]
async fn silent_provider_is_waited_for_once_and_a_refused_key_ends_the_call() {
    let (sandbox, silent) = (sandbox().await, silent().await);
    let args = ["chat", "local:qwen3", "Hi", "--fallback", "openrouter:openai/gpt-4o-mini"];
    let args = [&args[..], &["--allow-paid-fallback", "--set", "local.read_timeout=1"]].concat();
    for form in [&[][..], &["--no-stream"]] {
        let began = Instant::now();
        ran(&mut with_both(&sandbox, &silent.url(), &[&args[..], form].concat())).await.with_code(0);
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
    assert_eq!((silent.request_count(), questions(&sandbox).len()), (2, 2));

    let no_key = FaultServer::always(Script::json(401, r#"{"error":{"message":"no key"}}"#)).await.unwrap();
    ran(&mut with_both(&sandbox, &no_key.url(), &args)).await.with_code(3);
    assert_eq!(questions(&sandbox).len(), 2, "a wrong key is no outage");
}

#[tokio::test]
async fn fallback_from_a_server_of_ones_own_to_the_cloud_needs_permission() {
    let (sandbox, refused) = (sandbox().await, RefusedPort::new().unwrap());
    for more in [&[][..], &["--set", "local.not_billed=yes"]] {
        let args = ["chat", "local:qwen3", "Hi", "--fallback", "openrouter:openai/gpt-4o-mini"];
        let args = [&args[..], more].concat();
        let ran = ran(&mut with_both(&sandbox, &refused.url(), &args)).await.with_code(7);
        assert_has(&ran.err, &["no fallback to \"openai/gpt-4o-mini\"", "--allow-paid-fallback"]);
        assert!(!ran.err.contains("FallbackSettings"), "{}", ran.err);
    }
    assert!(questions(&sandbox).is_empty());
}

#[tokio::test]
async fn fallback_to_a_server_that_is_not_billed_needs_no_permission() {
    let (sandbox, server) = (sandbox().await, server("from home").await);
    let args = ["chat", "sandbox/overload", "Hi", "--fallback", "local:qwen3"];
    let args = [&args[..], &["--set", "local.not_billed=yes"]].concat();
    // The id is in no list, and its provider has to be named.
    let named = [&["chat", "openrouter:sandbox/overload"], &args[2..]].concat();
    let told = ran(&mut with_both(&sandbox, &server.url(), &named)).await.with_code(0);
    assert_eq!(told.out, "from home\n");
    assert_eq!(questions(&sandbox).len(), 1, "asked once, since another one comes after it");
    let again = [&named[..], &["--retries", "1"]].concat();
    ran(&mut with_both(&sandbox, &server.url(), &again)).await.with_code(0);
    assert_eq!(questions(&sandbox).len(), 3, "asked as often as the flag says");
}

#[tokio::test]
async fn fallback_within_openrouter_stays_its_own() {
    let (sandbox, server) = (sandbox().await, server("no").await);
    let args = ["chat", "openrouter:sandbox/overload", "Hi", "--fallback", "openrouter:openai/gpt-4o-mini"];
    ran(&mut with_both(&sandbox, &server.url(), &args)).await.with_code(0);
    let questions = questions(&sandbox);
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].body["models"], json!(["openai/gpt-4o-mini"]));
    assert!(asked(&server).is_empty());
}

#[tokio::test]
async fn same_model_of_two_providers_is_told_apart() {
    let (sandbox, refused, server) = (sandbox().await, RefusedPort::new().unwrap(), server("b").await);
    let mut command = with_both(&sandbox, &refused.url(), &["--provider", "b=openai-compatible"]);
    command.args(["--set", &format!("b.base_url={}/v1", server.url()), "--set", "b.not_billed=yes"]);
    let ran = ran(command.args(["chat", "local:qwen3", "Hi", "--fallback", "b:qwen3"])).await.with_code(0);
    assert_eq!(ran.out, "b\n");
    assert_has(&ran.err, &["a fallback answered: asked for local:qwen3, then for b:qwen3"]);
}

#[tokio::test]
async fn comparison_falls_back_across_providers() {
    let (sandbox, refused) = (sandbox().await, RefusedPort::new().unwrap());
    let args = ["compare", "Hi", "local:qwen3", "openrouter:openai/gpt-4o", "--json"];
    let more = ["--fallback", "openrouter:openai/gpt-4o-mini", "--allow-paid-fallback"];
    let json = ran(&mut with_both(&sandbox, &refused.url(), &[&args[..], &more].concat())).await;
    let json = json.with_code(0).json();
    assert_eq!(json["cells"][0]["response"]["message"]["made_by"], "openai/gpt-4o-mini");
    assert_eq!(json["cells"][1]["response"]["message"]["made_by"], "openai/gpt-4o");
    assert_eq!(json["cells"][1]["listing"]["context_length"], 128_000);
    assert!(questions(&sandbox).iter().all(|request| request.body.get("models").is_none()));
}

#[tokio::test]
async fn options_of_openrouter_are_refused_for_other_providers_alone() {
    let (sandbox, server) = (sandbox().await, server("Hi").await);
    for flag in [
        &["--provider-order", "azure"][..],
        &["--zdr"],
        &["--max-price-in", "1"],
        &["--header", "x-a=b"],
        &["--show-routing"],
    ] {
        for dry in [&[][..], &["--dry-run"]] {
            let args = [&["chat", "local:qwen3", "Hi"], flag, dry].concat();
            let ran = ran(&mut with_both(&sandbox, &server.url(), &args)).await.with_code(2);
            let said = format!("{} is an option of OpenRouter, and local:qwen3 is a model of", flag[0]);
            assert_has(&ran.err, &[&said, "openai-compatible"]);
        }
    }
    let args = ["compare", "Hi", "local:qwen3", "openai/gpt-4o", "--provider-order", "azure"];
    ran(&mut with_both(&sandbox, &server.url(), &args)).await.with_code(0);
    assert_eq!(questions(&sandbox)[0].body["provider"]["order"], json!(["azure"]));
    let sent = server.requests().into_iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(body(&sent).get("provider"), None);
}

#[tokio::test]
async fn extra_parameter_goes_to_every_provider_that_is_asked() {
    let (sandbox, server) = (sandbox().await, server("Hi").await);
    let args = ["compare", "Hi", "local:qwen3", "openrouter:openai/gpt-4o", "--extra", "plugins=[]"];
    ran(&mut with_both(&sandbox, &server.url(), &args)).await.with_code(0);
    assert_eq!(questions(&sandbox)[0].body["plugins"], json!([]));
    let sent = server.requests().into_iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(body(&sent)["plugins"], json!([]));
}

#[tokio::test]
async fn dry_run_shows_the_body_of_the_models_provider() {
    let server = server("no").await;
    let set = format!("local.base_url={}", server.url());
    let shown = |args: &[&str]| {
        let mut command = binary();
        command.args(BOTH).args(["--set", &set, "--set", "openrouter.zdr=yes"]);
        command.args(["--set", "local.output_cap=max_completion_tokens"]);
        command.args(["chat", args[0], "Hi", "--dry-run", "--max-tokens", "5"]).args(&args[1..]);
        command
    };
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let local = ran(&mut shown(&["local:qwen3", "--extra", "guided=1"])).await.with_code(0).json();
    assert_eq!(
        local,
        json!({"model": "qwen3", "messages": messages, "max_completion_tokens": 5, "guided": 1})
    );
    let cloud = ran(&mut shown(&["openrouter:a/b", "--extra", "x=1"])).await.with_code(0).json();
    assert_eq!(
        cloud,
        json!({"model": "a/b", "messages": messages, "max_tokens": 5, "provider": {"zdr": true}, "x": 1})
    );
    // No list of models is fetched, so an id needs its provider.
    let ran = ran(&mut shown(&["qwen3"])).await.with_code(2);
    assert_has(&ran.err, &["write local:qwen3 or openrouter:qwen3"]);
    assert_eq!(server.request_count(), 0);
}

#[tokio::test]
async fn models_of_all_providers_have_their_provider_in_front() {
    let (sandbox, server, silent) = (sandbox().await, server("no").await, silent().await);
    let ids = |out: &str| -> Vec<String> {
        out.lines().skip(1).map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    let args = ["models", "qwen3"];
    let both = ran(&mut with_both(&sandbox, &server.url(), &args)).await.with_code(0);
    assert!(ids(&both.out).contains(&"local:qwen3".to_owned()), "{}", both.out);
    let args = ["models", "gpt-4o-mini", "--limit", "1"];
    let cloud = ran(&mut with_both(&sandbox, &server.url(), &args)).await.with_code(0);
    assert_eq!(ids(&cloud.out), ["openrouter:openai/gpt-4o-mini"]);
    let json = ran(&mut with_both(&sandbox, &server.url(), &["models", "qwen3", "--json"])).await.json();
    assert!(
        json["models"]
            .as_array()
            .unwrap()
            .iter()
            .any(|model| { (&model["provider"], &model["id"]) == (&"local".into(), &"qwen3".into()) })
    );
    // A server that does not answer is told of, and holds up the others for some seconds alone.
    let began = Instant::now();
    let lost = ran(&mut with_both(&sandbox, &silent.url(), &["models", "--json"])).await.with_code(0);
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    let json = lost.json();
    assert!(json["models"].as_array().unwrap().len() > 10);
    assert_eq!(
        (&json["failed"][0]["provider"], &json["failed"][0]["error"]["kind"]),
        (&"local".into(), &"timeout".into())
    );
}

#[tokio::test]
async fn key_tests_all_providers_or_the_named_one() {
    let (sandbox, server) = (sandbox().await, server("no").await);
    let both = ran(&mut with_both(&sandbox, &server.url(), &["key"])).await.with_code(0);
    assert_has(&both.out, &["local: the test passed\n", "openrouter: the key works\n", "limit      $100"]);
    let one = ran(&mut with_both(&sandbox, &server.url(), &["key", "local"])).await.with_code(0);
    assert_eq!(one.out, "the test passed\n");
    let other = ran(&mut with_both(&sandbox, &server.url(), &["key", "lcoal"])).await.with_code(5);
    assert_has(&other.err, &["connected are: local, openrouter"]);

    let mut refused = with_both(&sandbox, &server.url(), &["key", "--json"]);
    let ran = ran(refused.env("OPENROUTER_API_KEY", REFUSED_KEY)).await.with_code(3);
    let json = ran.json();
    assert_eq!(json["providers"][0]["provider"], "local");
    assert_eq!(json["providers"][0].get("error"), None);
    assert_eq!(json["providers"][1]["error"]["kind"], "authentication");
}

#[tokio::test]
async fn sandbox_answers_for_both_providers() {
    let both = || {
        let mut command = binary();
        command.arg("--sandbox").args(BOTH).env("OPENROUTER_API_KEY", KEY);
        command
    };
    let args = ["compare", "Hi", "openrouter:openai/gpt-4o", "local:openai/gpt-4o-mini", "--json"];
    let json = ran(both().args(args)).await.with_code(0).json();
    assert_eq!((&json["totals"]["answered"], &json["cells"][1]["provider"]), (&2.into(), &"local".into()));
    let args = ["chat", "local:sandbox/overload", "Hi", "--fallback", "openrouter:openai/gpt-4o-mini"];
    let ran = ran(both().args(args).arg("--allow-paid-fallback")).await.with_code(0);
    assert_has(&ran.err, &["OPENROUTER_API_KEY is not used", "a fallback answered: "]);
    let set = ["key", "--set", "local.base_url=http://127.0.0.1:1"];
    assert_has(&crate::support::ran(both().args(set)).await.with_code(2).err, &["--sandbox has a base_url"]);
}
