//! Pictures, sound and annotations, into a request and out of its answer, at both APIs.

use fault_server::FaultServer;
use openai_compatible_provider as _;
use serde_json::{Value, json};

use crate::bench::{data, events};
use crate::door::{Door, ROLE, STOP, hello, stream_of};

const IMAGE: &str = r#"{"id":"c-1","choices":[{"index":0,"delta":{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0K"}}]}}]}"#;
const SOUND: &str = r#"{"id":"c-1","choices":[{"index":0,"delta":{"audio":{"id":"audio_1","data":"UklGRg==","transcript":"Hi"}}}]}"#;
const SOURCE: &str = r#"{"id":"c-1","choices":[{"index":0,"delta":{"annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example/","title":"A","start_index":0,"end_index":2}}]}}]}"#;

/// A message of the user with each kind of part.
fn parts() -> Value {
    json!([
        {"type": "text", "text": "Look and listen"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
    ])
}

#[tokio::test]
async fn media_come_through_both_apis() {
    let door = Door::open().await;
    let script = stream_of(&[ROLE, IMAGE, SOUND, SOURCE, STOP, "[DONE]"]);
    let server = FaultServer::always(script).await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;

    let mut body = hello("local:m", true);
    body["messages"][0]["content"] = parts();
    let relayed = door.ask(&body).await;
    assert_eq!(relayed.data(), [ROLE, IMAGE, SOUND, SOURCE, STOP, "[DONE]"]);

    let more = json!({"message": parts(), "conversation_id": "new", "stream": true});
    let answer = door.chat("local:m", more).await;
    let events = events(&answer.text);
    assert_eq!(data(&events, "image")["image"]["image_url"]["url"], "data:image/png;base64,iVBORw0K");
    let sound = &data(&events, "audio_chunk")["audio"];
    assert_eq!((&sound["data"], &sound["transcript"]), (&json!("UklGRg=="), &json!("Hi")));
    let source = &data(&events, "annotation")["annotation"];
    assert!(source.to_string().contains("https://a.example/"), "{source}");

    // Both bodies have the parts as they came.
    let sent: Vec<Value> = server
        .requests()
        .iter()
        .filter(|request| !request.body.is_empty())
        .map(|request| serde_json::from_slice(&request.body).expect("JSON"))
        .collect();
    assert_eq!(sent.len(), 2);
    for sent in &sent {
        assert_eq!(sent["messages"][0]["content"], parts(), "{sent}");
    }

    // The conversation keeps them, and goes on with them.
    let end = data(&events, "llm_call_end");
    let (id, message) = (end["conversation_id"].as_str().expect("an id"), &end["message_id"]);
    let branch = door.host.store.branches("acme", id).await.expect("a branch");
    assert_eq!(json!(branch[0].id), *message);
    let kept = serde_json::to_string(&branch[0].message).expect("JSON");
    for piece in ["iVBORw0K", "UklGRg==", "https://a.example/"] {
        assert!(kept.contains(piece), "{piece} is not in {kept}");
    }
    let question = door.host.store.branch("acme", id, &branch[0].id).await.expect("a branch").remove(0);
    assert!(serde_json::to_string(&question.message).expect("JSON").contains("JVBERi0="));
    door.host.stop().await;
}

#[tokio::test]
async fn media_of_a_whole_answer_come_through_both_apis() {
    let door = Door::open().await;
    let whole = json!({"id": "c", "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "Hi",
        "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}],
        "audio": {"id": "audio_1", "data": "UklGRg==", "transcript": "Hi", "expires_at": 7},
        "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example/", "title": "A"}}],
    }}]});
    let server =
        FaultServer::always(fault_server::Script::json(200, whole.to_string())).await.expect("a server");
    door.add("OpenAI-Compatible", "local", server.url()).await;
    assert_eq!(door.ask(&hello("local:m", false)).await.json(), whole);
    let answer = door.chat("local:m", json!({})).await.json();
    let message = answer["data"]["message"].to_string();
    for piece in ["iVBORw0K", "UklGRg==", "https://a.example/"] {
        assert!(message.contains(piece), "{piece} is not in {message}");
    }
    door.host.stop().await;
}
