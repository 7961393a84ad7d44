//! Running: agent nodes as events, tool turns, conversations, comparisons.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use workspace_store::{Actor, Amount, Period, Scope};

use crate::bench::{Bench, data, names, node, plain, weather};

#[tokio::test]
async fn chat_streams_the_events_of_the_host() {
    let bench = Bench::start().await;
    let body = json!({"message": "Hello", "node": plain("openai/gpt-4o"), "stream": true, "user": "ada"});
    let events = bench.events("chat", body).await;
    let expected = ["llm_call_start", "text_chunk", "token_usage", "cost_update", "llm_call_end", "done"];
    assert_eq!(names(&events), expected);
    let end = data(&events, "llm_call_end");
    assert_eq!((&end["turn"], &end["finish_reason"]), (&json!("complete"), &json!("stop")));
    assert_eq!(data(&events, "cost_update")["cost_usd"], end["cost_usd"]);
    let run = &bench.recorded(1).await[0];
    assert_eq!(data(&events, "llm_call_start")["run_id"], json!(run.id));
    assert_eq!(end["cost_usd"], json!(run.cost.expect("a cost").to_string()));
    assert_eq!((run.node.as_deref(), run.user.as_deref()), (Some("n1"), Some("ada")));
    assert!(run.first_output_ms.is_some() && run.total_ms >= run.first_output_ms);
    let recorded = (json!(run.total_ms), json!(run.first_output_ms));
    assert_eq!((end["latency_ms"].clone(), end["first_output_ms"].clone()), recorded);
    bench.host.stop().await;
}

#[tokio::test]
async fn chat_streams_the_second_list_when_asked_to() {
    let bench = Bench::start().await;
    let config =
        json!({"model": "openai/gpt-4o", "x_provider": {"request": {"reasoning": {"effort": "low"}}}});
    let body = json!({"message": "Hello", "node": node(config), "stream": true, "events": "chat"});
    let events = bench.events("chat", body).await;
    let expected = [
        "message_start",
        "thinking_start",
        "thinking_chunk",
        "thinking_end",
        "text_chunk",
        "text_end",
        "usage",
        "metadata",
        "done",
    ];
    assert_eq!(names(&events), expected);
    bench.host.stop().await;
}

#[tokio::test]
async fn chat_sends_only_what_the_node_sets() {
    let bench = Bench::start().await;
    let config = json!({
        "model": "openai/gpt-4o", "system_prompt": "Speak {{language}}.", "temperature": 0, "top_k_of_the_form": 3,
        "x_provider": {"parameters": {"openrouter": {"provider": {"sort": "price"}}}},
    });
    let variables = json!({"language": "Korean"});
    let body = json!({"message": "Hello", "node": node(config), "variables": variables});
    let (status, answer) = bench.json("chat", body).await;
    assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    assert!(answer["data"]["message"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    let requests = bench.host.sandbox.requests();
    let sent =
        requests.iter().rev().find(|request| request.path.ends_with("/chat/completions")).expect("sent");
    let sent = &sent.body;
    let mut keys: Vec<&str> = sent.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.retain(|key| !["stream", "stream_options", "usage"].contains(key));
    keys.sort_unstable();
    assert_eq!(keys, ["messages", "model", "provider", "temperature"]);
    assert_eq!(sent["messages"][0]["content"], "Speak Korean.");
    bench.host.stop().await;
}

#[tokio::test]
async fn error_before_the_answer_has_its_status_and_releases_the_budget() {
    let bench = Bench::start().await;
    let limit = Amount::Usd("1".parse().expect("an amount"));
    let by = Actor::new("tests");
    let budget = bench
        .host
        .store
        .add_budget("acme", Scope::Workspace, limit, Period::Total, &by)
        .await
        .expect("a budget");
    for stream in [true, false] {
        let body = json!({"message": "Hello", "node": plain("sandbox/no-credits"), "stream": stream});
        let (status, answer) = bench.json("chat", body).await;
        assert_eq!((status, &answer["code"]), (402, &json!("payment_required")), "{answer}");
        assert_eq!(answer["data"]["kind"], "payment_required");
        assert!(answer["data"]["next_step"].as_str().is_some_and(|step| !step.is_empty()), "{answer}");
    }
    assert_eq!(bench.recorded(2).await[0].error_kind.as_deref(), Some("payment_required"));
    let budget = bench.settled(&budget.id).await;
    let zero = Amount::Usd(provider_core::Usd::ZERO);
    assert_eq!((budget.spent, budget.reserved), (zero, zero));
    bench.host.stop().await;
}

#[tokio::test]
async fn error_in_the_stream_is_an_event_and_keeps_what_came() {
    let bench = Bench::start().await;
    let node = plain("sandbox/mid-stream-error");
    let body = json!({"conversation_id": "new", "message": "Hello", "node": node, "stream": true});
    let events = bench.events("chat", body).await;
    let names = names(&events);
    assert_eq!(names[..2], ["llm_call_start", "text_chunk"]);
    assert_eq!(names.last(), Some(&"done"));
    assert_eq!(data(&events, "error")["code"], "provider_error");
    let end = data(&events, "llm_call_end");
    assert_eq!(end["turn"], "broken");
    let conversation = end["conversation_id"].as_str().expect("an id");
    let leaf = &bench.host.store.branches("acme", conversation).await.expect("a branch")[0];
    assert_eq!(json!(leaf.id), end["message_id"]);
    bench.host.stop().await;
}

#[tokio::test]
async fn client_that_leaves_ends_the_call_and_keeps_what_came() {
    let bench = Bench::start().await;
    let (limit, by) = (Amount::Usd("1".parse().expect("an amount")), Actor::new("tests"));
    let store = bench.host.store.clone();
    let budget =
        store.add_budget("acme", Scope::Workspace, limit, Period::Total, &by).await.expect("a budget");
    let node = plain("sandbox/stall");
    let body = json!({"conversation_id": "new", "message": "Hello", "node": node, "stream": true});
    let mut answer = bench.post("chat", body).await;
    let mut seen = String::new();
    while !seen.contains("text_chunk") {
        seen += &String::from_utf8_lossy(&answer.chunk().await.expect("a chunk").expect("no end"));
    }
    assert_eq!(bench.host.sandbox.open_streams(), 1);
    drop(answer);
    bench.no_open_streams().await;
    let run = &bench.recorded(1).await[0];
    assert_eq!(run.error_kind.as_deref(), Some("cancelled"));
    let conversation = run.conversation.clone().expect("a conversation");
    let budget = bench.settled(&budget.id).await;
    let estimate = Amount::Usd("0.05".parse().expect("an amount"));
    assert_eq!((budget.spent, budget.reserved), (estimate, Amount::Usd(provider_core::Usd::ZERO)));
    let begun = Instant::now();
    let leaf = loop {
        let leaf = store.branches("acme", &conversation).await.expect("a branch").remove(0);
        if leaf.run.is_some() || begun.elapsed() > Duration::from_secs(10) {
            break leaf;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(leaf.run.as_deref(), Some(&*run.id), "the part of the answer is the last message");
    bench.host.stop().await;
}

#[tokio::test]
async fn tools_are_called_over_the_wire_and_limited() {
    let bench = Bench::start().await;
    let node = weather("openai/gpt-4o", json!({"x_provider": {"limits": {"max_cost_usd": "0.0000001"}}}));
    let ask = |more: Value| {
        let mut body =
            json!({"conversation_id": "new", "node": weather("openai/gpt-4o", json!({})), "stream": true});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        body
    };
    let events = bench.events("chat", ask(json!({"message": "What is the weather in Paris?"}))).await;
    let call = data(&events, "agent_tool_call");
    let end = data(&events, "llm_call_end");
    assert_eq!((&call["name"], &end["turn"]), (&json!("get_weather"), &json!("tool_calls")));
    let id = &end["conversation_id"];

    let (status, answer) =
        bench.json("chat", ask(json!({"conversation_id": id, "message": "And now?"}))).await;
    assert_eq!((status, &answer["code"]), (422, &json!("validation_error")), "{answer}");
    let results = json!([{"tool_call_id": call["id"], "content": {"celsius": 21}}]);
    let more = json!({"conversation_id": id, "tool_results": results, "node": node});
    let (status, answer) = bench.json("chat", ask(more)).await;
    assert_eq!((status, &answer["code"]), (400, &json!("limit_reached")), "{answer}");
    let once = json!({"function_calling_config": {"tools": [{"name": "get_weather"}], "max_iterations": 1}});
    let more =
        json!({"conversation_id": id, "tool_results": results, "node": weather("openai/gpt-4o", once)});
    let (status, answer) = bench.json("chat", ask(more)).await;
    assert_eq!((status, &answer["code"]), (400, &json!("limit_reached")), "{answer}");

    let events = bench.events("chat", ask(json!({"conversation_id": id, "tool_results": results}))).await;
    assert_eq!(data(&events, "llm_call_end")["turn"], "complete");
    let leaf = data(&events, "llm_call_end")["message_id"].as_str().expect("an id").to_owned();
    let conversation = id.as_str().expect("an id");
    let branch = bench.host.store.branch("acme", conversation, &leaf).await.expect("a branch");
    assert_eq!(branch.len(), 4);
    bench.host.stop().await;
}

#[tokio::test]
async fn regenerated_answer_is_a_second_branch() {
    let bench = Bench::start().await;
    let body = json!({"conversation_id": "new", "message": "Hello", "node": plain("openai/gpt-4o")});
    let (_, first) = bench.json("chat", body).await;
    let first = &first["data"];
    let (id, question) = (&first["conversation_id"], &first["message_ids"][0]);
    assert!(id.is_string() && question.is_string(), "{first}");
    let body = json!({"conversation_id": id, "parent_id": question, "node": plain("openai/gpt-4o")});
    let (status, second) = bench.json("chat", body).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(second["data"]["message_id"], first["message_id"]);
    let conversation = id.as_str().expect("an id");
    assert_eq!(bench.host.store.branches("acme", conversation).await.expect("branches").len(), 2);
    bench.host.stop().await;
}

#[tokio::test]
async fn error_names_the_conversation_that_keeps_the_question() {
    let bench = Bench::start().await;
    let body = json!({"conversation_id": "new", "message": "Hello", "node": plain("sandbox/no-credits")});
    let answer = bench.post("chat", body).await;
    assert_eq!(answer.status(), 402);
    let id = answer.headers()["x-conversation-id"].to_str().expect("an id").to_owned();
    assert_eq!(bench.host.store.branches("acme", &id).await.expect("a branch").len(), 1);
    bench.host.stop().await;
}

#[tokio::test]
async fn fallback_answers_and_names_the_attempt() {
    let bench = Bench::start().await;
    let config = json!({
        "model": "sandbox/upstream-error", "max_tokens": 50,
        "x_provider": {"fallback": ["openai/gpt-4o"], "allow_paid": true},
    });
    let body = json!({"message": "Hello", "node": node(config), "stream": true});
    let events = bench.events("chat", body).await;
    let end = data(&events, "llm_call_end");
    assert_eq!(end["requested"], "sandbox/upstream-error");
    assert!(end["model"].as_str().is_some_and(|model| model.starts_with("openai/gpt-4o")), "{end}");
    assert_eq!(end["attempts"][0]["model"], "sandbox/upstream-error");
    bench.host.stop().await;
}

#[tokio::test]
async fn question_beyond_its_seconds_gets_no_more_turns() {
    let bench = Bench::start().await;
    let ask = |more: Value, seconds: u64| {
        let limits = json!({"x_provider": {"limits": {"max_seconds": seconds}}});
        let mut body = json!({"conversation_id": "new", "node": weather("openai/gpt-4o", limits)});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        body
    };
    let (status, answer) =
        bench.json("chat", ask(json!({"message": "What is the weather in Paris?"}), 1)).await;
    assert_eq!((status, &answer["data"]["turn"]), (200, &json!("tool_calls")), "{answer}");
    let id = &answer["data"]["conversation_id"];
    let results =
        json!([{"tool_call_id": answer["data"]["message"]["tool_calls"][0]["id"], "content": "sunny"}]);
    let more = json!({"conversation_id": id, "tool_results": results});
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    let (status, refused) = bench.json("chat", ask(more.clone(), 1)).await;
    assert_eq!((status, &refused["code"]), (400, &json!("limit_reached")), "{refused}");
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("max_seconds")), "{refused}");
    let (status, answer) = bench.json("chat", ask(more, 600)).await;
    assert_eq!((status, &answer["data"]["turn"]), (200, &json!("complete")), "{answer}");
    // The question is answered: the next one has seconds of its own.
    let more = json!({"conversation_id": id, "message": "And in Rome?"});
    let (status, answer) = bench.json("chat", ask(more, 1)).await;
    assert_eq!(status, 200, "{answer}");
    bench.host.stop().await;
}

#[tokio::test]
async fn model_that_calls_tools_for_ever_is_stopped_after_its_turns() {
    let bench = Bench::start().await;
    // The sandbox calls the tool again as long as it is told to.
    let config = json!({
        "function_calling_config": {"tools": [{"name": "get_weather"}], "max_iterations": 3},
        "x_provider": {"request": {"tool_choice": "required"}},
    });
    let mut body =
        json!({"conversation_id": "new", "message": "Weather?", "node": weather("openai/gpt-4o", config)});
    let mut turns = 0;
    let refused = loop {
        let (status, answer) = bench.json("chat", body.clone()).await;
        if status != 200 {
            break answer;
        }
        assert_eq!(answer["data"]["turn"], "tool_calls", "{answer}");
        turns += 1;
        let calls = answer["data"]["message"]["tool_calls"].as_array().expect("calls").clone();
        let results: Vec<Value> =
            calls.iter().map(|call| json!({"tool_call_id": call["id"], "content": "sunny"})).collect();
        body["conversation_id"] = answer["data"]["conversation_id"].clone();
        body["tool_results"] = json!(results);
        body.as_object_mut().expect("an object").remove("message");
    };
    assert_eq!((turns, &refused["code"]), (3, &json!("limit_reached")), "{refused}");
    bench.host.stop().await;
}

#[tokio::test]
async fn request_that_is_sent_again_is_stored_once() {
    let bench = Bench::start().await;
    let message = |id: &Value, parent: &Value, text: &str, model: &str| json!({"conversation_id": id, "parent_id": parent, "message": text, "node": plain(model)});
    let failed = bench.post("chat", message(&json!("new"), &Value::Null, "One", "sandbox/no-credits")).await;
    assert_eq!(failed.status(), 402);
    let id = failed.headers()["x-conversation-id"].to_str().expect("an id").to_owned();
    let conversation = json!(id);
    let (status, first) =
        bench.json("chat", message(&conversation, &Value::Null, "One", "openai/gpt-4o")).await;
    assert_eq!(status, 200, "{first}");
    let leaf = first["data"]["message_id"].clone();
    // Behind a message that the client names, as behind the newest.
    for _ in 0..2 {
        let again = message(&conversation, &leaf, "Two", "sandbox/no-credits");
        assert_eq!(bench.json("chat", again).await.0, 402);
    }
    let (status, second) = bench.json("chat", message(&conversation, &leaf, "Two", "openai/gpt-4o")).await;
    assert_eq!(status, 200, "{second}");
    let leaves = bench.host.store.branches("acme", &id).await.expect("branches");
    assert_eq!(leaves.len(), 1, "{leaves:?}");
    let branch = bench.host.store.branch("acme", &id, &leaves[0].id).await.expect("a branch");
    assert_eq!(branch.len(), 4, "each question and each answer once");
    let requests = bench.host.sandbox.requests();
    let sent = requests.iter().rfind(|request| request.path.ends_with("/chat/completions")).expect("sent");
    assert_eq!(sent.body["messages"].as_array().map(Vec::len), Some(3), "{}", sent.body);
    // The same words behind an answer are a new question.
    let (status, _) = bench.json("chat", message(&conversation, &Value::Null, "Two", "openai/gpt-4o")).await;
    assert_eq!(status, 200);
    let leaves = bench.host.store.branches("acme", &id).await.expect("branches");
    assert_eq!(bench.host.store.branch("acme", &id, &leaves[0].id).await.expect("a branch").len(), 6);
    bench.host.stop().await;
}

#[tokio::test]
async fn results_that_are_sent_again_are_stored_once() {
    let bench = Bench::start().await;
    let body = json!({"conversation_id": "new", "message": "What is the weather in Paris?",
        "node": weather("openai/gpt-4o", json!({}))});
    let (_, called) = bench.json("chat", body).await;
    let called = &called["data"];
    let results = json!([{"tool_call_id": called["message"]["tool_calls"][0]["id"], "content": "sunny"}]);
    let send = |model: &str, parent: &Value| {
        json!({"conversation_id": called["conversation_id"], "parent_id": parent, "tool_results": results,
            "node": weather(model, json!({}))})
    };
    for parent in [&Value::Null, &called["message_id"]] {
        assert_eq!(bench.json("chat", send("sandbox/no-credits", parent)).await.0, 402);
    }
    let (status, answer) = bench.json("chat", send("openai/gpt-4o", &Value::Null)).await;
    assert_eq!((status, &answer["data"]["turn"]), (200, &json!("complete")), "{answer}");
    let id = called["conversation_id"].as_str().expect("an id");
    let leaves = bench.host.store.branches("acme", id).await.expect("branches");
    assert_eq!(leaves.len(), 1);
    assert_eq!(bench.host.store.branch("acme", id, &leaves[0].id).await.expect("a branch").len(), 4);
    bench.host.stop().await;
}

#[tokio::test]
async fn message_that_nobody_could_read_is_refused_and_not_kept() {
    let bench = Bench::start().await;
    let node = node(json!({"model": "openai/gpt-4o"}));
    let url = format!("{}/api/v1/workspaces/acme/chat", bench.host.url);
    let deep = format!("[{}{}]", "[".repeat(300), "]".repeat(300));
    for message in [r#""x\ud83d""#, r#"{"role":"user","content":"x","zz":1e999}"#, &deep] {
        let body = format!(r#"{{"conversation_id":"new","message":{message},"node":{node}}}"#);
        let request = bench.host.http.post(&url).bearer_auth(&bench.token).body(body);
        let answer = request.header("content-type", "application/json").send().await.expect("an answer");
        assert_eq!(answer.status(), 422, "{message}");
        let text = answer.text().await.expect("text");
        assert!(text.contains("\"field\":\"message\""), "{text}");
    }
    bench.host.stop().await;
}

#[tokio::test]
async fn body_that_cannot_be_read_names_its_field() {
    let bench = Bench::start().await;
    let unknown = json!({"message": "q", "node": plain("openai/gpt-4o"), "foo": 1});
    for (body, named) in [(unknown, "foo"), (json!({"message": "q"}), "node")] {
        let (status, answer) = bench.json("chat", body).await;
        assert_eq!((status, &answer["data"]["problems"][0]["field"]), (422, &json!(named)), "{answer}");
    }
    bench.host.stop().await;
}
