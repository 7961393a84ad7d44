//! Chat completions and models, as a client of OpenAI's sees them.

use std::time::Duration;

use fault_server::{FaultServer, Script};
use messages_provider as _;
use openai_compatible_provider as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::door::{Door, ROLE, STOP, TEXT, USAGE, hello, stream_of};

#[tokio::test]
async fn chunks_of_the_same_wire_come_byte_for_byte() {
    let door = Door::open().await;
    let server =
        FaultServer::always(stream_of(&[ROLE, TEXT, STOP, USAGE, "[DONE]"])).await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;
    let mut body = hello("local:m", true);
    let answer = door.ask(&body).await;
    assert_eq!(answer.data(), [ROLE, TEXT, STOP, "[DONE]"], "usage came unasked");
    assert!(answer.header("x-request-id").len() > 8);
    body["stream_options"] = json!({"include_usage": true});
    assert_eq!(door.ask(&body).await.data(), [ROLE, TEXT, STOP, USAGE, "[DONE]"]);
    door.host.stop().await;
}

#[tokio::test]
async fn line_breaks_in_a_chunk_end_no_event() {
    let door = Door::open().await;
    let pretty = format!("data: {}\n\n", TEXT.replace(",\"", "\ndata: ,\""));
    let server = FaultServer::always(Script::events(pretty + "data: " + STOP + "\n\ndata: [DONE]\n\n"));
    let server = server.await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;
    let answer = door.ask(&hello("local:m", true)).await;
    assert_eq!(answer.chunks()[0], serde_json::from_str::<Value>(TEXT).expect("JSON"));
    door.host.stop().await;
}

#[tokio::test]
async fn whole_answer_keeps_every_choice_and_field() {
    let door = Door::open().await;
    let choice = |index: u8| json!({"index": index, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"});
    let whole = json!({"id": "c", "model": "m", "choices": [choice(0), choice(1)], "shard": 7}).to_string();
    let server = FaultServer::always(Script::json(200, whole.clone())).await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;
    let mut body = hello("local:m", false);
    (body["n"], body["top_fish"]) = (json!(2), json!({"deep": [1.5]}));
    let answer = door.ask(&body).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, whole.as_str()));
    // The list of models is asked for as well, for the price.
    let requests = server.requests();
    let sent = requests.iter().find(|request| !request.body.is_empty()).expect("a request with a body");
    let sent: Value = serde_json::from_slice(&sent.body).expect("JSON");
    assert_eq!((&sent["model"], &sent["n"]), (&json!("m"), &json!(2)));
    assert_eq!(sent["top_fish"], body["top_fish"]);
    door.host.stop().await;
}

#[tokio::test]
async fn field_of_one_service_reaches_no_other() {
    let door = Door::open().await;
    let server = FaultServer::always(stream_of(&[TEXT, STOP, "[DONE]"])).await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;
    door.add("Anthropic", "claude", server.url()).await;
    let mut body = hello("local:m", false);
    body["provider"] = json!({"order": ["openai"]});
    body["session_id"] = json!("s-1");
    let refused = door.ask(&body).await;
    assert_eq!((refused.status, refused.json()["error"]["param"].as_str()), (400, Some("provider")));
    assert_eq!(server.requests().len(), 0);

    body["model"] = json!("openrouter:openai/gpt-4o");
    assert_eq!(door.ask(&body).await.status, 200);
    let sent = door.host.sandbox.requests();
    let sent = &sent.iter().rfind(|request| request.path.ends_with("completions")).expect("a request").body;
    assert_eq!((&sent["provider"], &sent["session_id"]), (&body["provider"], &body["session_id"]));

    let mut body = hello("claude:claude-sonnet-4", false);
    body["n"] = json!(2);
    let refused = door.ask(&body).await;
    assert_eq!((refused.status, refused.json()["error"]["param"].as_str()), (400, Some("n")));
    door.host.stop().await;
}

#[tokio::test]
async fn answer_of_another_wire_becomes_chunks() {
    let door = Door::open().await;
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude", "content": [], "usage": {"input_tokens": 5, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": "{\"at\":1}"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ];
    let frame =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().expect("a type"));
    let script = Script::events(events.iter().map(frame).collect::<String>());
    let server = FaultServer::always(script).await.expect("a server");
    door.add("Anthropic", "claude", server.url()).await;
    let mut body = hello("claude:claude-sonnet-4", true);
    body["max_tokens"] = json!(50);
    body["stream_options"] = json!({"include_usage": true});
    let answer = door.ask(&body).await;
    let chunks = answer.chunks();
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": "Hi"}));
    assert!(chunks.iter().all(|chunk| chunk["id"] == "msg_1" && chunk["object"] == "chat.completion.chunk"));
    let calls: Vec<&Value> = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0])
        .filter(|call| !call.is_null())
        .collect();
    assert_eq!((&calls[0]["id"], &calls[0]["type"]), (&json!("toolu_1"), &json!("function")));
    assert_eq!(calls[0]["function"]["name"], "look");
    let arguments: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(arguments, r#"{"at":1}"#);
    let [.., last, usage] = chunks.as_slice() else { panic!("{}", answer.text) };
    assert_eq!(last["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(9)));
    door.host.stop().await;
}

#[tokio::test]
async fn error_has_the_shape_that_clients_read() {
    let door = Door::open().await;
    let server = FaultServer::always(
        Script::json(429, r#"{"error":{"message":"slow down"}}"#).header("retry-after", "7"),
    );
    let server = server.await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;
    for stream in [false, true] {
        let answer = door.ask(&hello("local:m", stream)).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status, error["type"].as_str()), (429, Some("rate_limit_error")));
        assert_eq!(error["code"], "rate_limit_exceeded");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("slow down")), "{error}");
        assert_eq!(error["metadata"]["provider"], "local");
        assert_eq!(answer.header("x-should-retry"), "false");
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 7));
        assert!(!answer.text.contains("sk-upstream-key"));
        let run = answer.header("x-request-id").to_owned();
        assert!(!run.is_empty() && !run.starts_with("req_"), "an id of a run: {run}");
    }
    let cases =
        [(json!({"messages": []}), 400), (json!([1]), 400), (hello("no-such-provider-here:x y", false), 404)];
    for (body, status) in cases {
        let answer = door.ask(&body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(answer.header("x-request-id").starts_with("req_"));
        assert!(answer.json()["error"]["message"].is_string());
    }
    assert!(door.get("nothing").await.json()["error"]["message"].is_string());
    door.host.stop().await;
}

#[tokio::test]
async fn error_in_a_stream_is_its_last_event() {
    let door = Door::open().await;
    let failing = r#"{"id":"c-1","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"gone"}}"#;
    let server = FaultServer::always(stream_of(&[ROLE, TEXT, failing, "[DONE]"])).await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;
    let answer = door.ask(&hello("local:m", true)).await;
    let data = answer.data();
    assert_eq!((answer.status, &data[..2]), (200, &[ROLE, TEXT][..]));
    assert_eq!(data.len(), 3, "{}", answer.text);
    let error = answer.error().expect("an error");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("gone")), "{error}");
    door.host.stop().await;
}

#[tokio::test]
async fn leaving_client_ends_the_call_upstream() {
    let door = Door::open().await;
    let script = stream_of(&[ROLE, TEXT]).repeat_forever(": working\n\n", Duration::from_millis(50));
    let server = FaultServer::always(script).await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;
    let mut answer = door.post(&hello("local:m", true)).send().await.expect("an answer");
    assert!(answer.chunk().await.expect("a chunk").is_some());
    drop(answer);
    timeout(Duration::from_secs(10), server.wait_for_client_close(1))
        .await
        .expect("in time")
        .expect("closed");
    door.host.stop().await;
}

#[tokio::test]
async fn models_are_found_by_ids_with_slashes() {
    let door = Door::open().await;
    let list = door.get("models").await.json();
    assert_eq!(list["object"], "list");
    let ids: Vec<&str> =
        list["data"].as_array().expect("a list").iter().filter_map(|model| model["id"].as_str()).collect();
    assert!(ids.contains(&"openai/gpt-4o"), "{ids:?}");
    for id in ["openai/gpt-4o", "openai%2Fgpt-4o", "openrouter:openai/gpt-4o", "openrouter%3Aopenai%2Fgpt-4o"]
    {
        let answer = door.get(&format!("models/{id}")).await;
        assert_eq!((answer.status, answer.json()["object"].as_str()), (200, Some("model")), "{id}");
        assert!(!answer.header("x-request-id").is_empty());
    }
    let missing = door.get("models/openrouter:openai/gpt-4oo").await;
    assert_eq!((missing.status, missing.json()["error"]["code"].as_str()), (404, Some("model_not_found")));
    door.host.stop().await;
}
