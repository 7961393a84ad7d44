//! Tests of flags for requests: attachments, tools, routing. They check the sandbox's log or a dry run.

use serde_json::{Value, json};

use crate::support::{against, assert_has, ran, run, sandbox, test_file};

/// Writes a file for one test.
fn file(name: &str, content: &[u8]) -> String {
    test_file(&format!("requests/{name}"), content)
}

#[tokio::test]
async fn dry_run_shows_the_request_and_sends_none() {
    let sandbox = sandbox().await;
    let mut command =
        against(&sandbox, &["chat", "openai/gpt-4o", "Hello", "--dry-run", "--temperature", "0"]);
    let shown: Value = ran(&mut command).await.with_code(0).json();
    assert_eq!(
        shown,
        json!({"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.0})
    );
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn dry_run_needs_no_key() {
    let sandbox = sandbox().await;
    let args = ["chat", "openrouter/openai/gpt-4o", "Hello", "--dry-run"];
    let mut command = against(&sandbox, &args);
    let ran = ran(command.env_remove("OPENROUTER_API_KEY")).await.with_code(0);
    assert_eq!(ran.json()["model"], "openai/gpt-4o");
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn attachments_follow_the_prompt() {
    let image = file("photo.png", b"\x89PNG\r\n\x1a\n0000");
    let paper = file("paper.pdf", b"%PDF-1.7");
    let sound = file("voice.wav", b"RIFF\x10\0\0\0WAVEfmt ");
    let args = [
        "chat",
        "openai/gpt-4o",
        "Look",
        "--dry-run",
        "--image",
        &image,
        "--image",
        "https://example.com/b.jpg",
    ];
    let more = ["--file", &paper, "--file", "https://example.com/c.pdf?x=1", "--audio", &sound];
    let shown = run(&[&args[..], &more[..]].concat()).await.with_code(0).json();
    assert_eq!(
        shown["messages"][0]["content"],
        json!([
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgowMDAw"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/b.jpg"}},
            {"type": "file", "file": {"filename": "paper.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjc="}},
            {"type": "file", "file": {"filename": "c.pdf", "file_data": "https://example.com/c.pdf?x=1"}},
            {"type": "input_audio", "input_audio": {"data": "UklGRhAAAABXQVZFZm10IA==", "format": "wav"}},
        ])
    );
    run(&["chat", "openai/gpt-4o", "Look", "--image", &image]).await.with_code(0);
}

#[tokio::test]
async fn invalid_attachment_is_refused() {
    let picture = file("picture.bmp", b"BM\0\0\0\0\0\0\0\0");
    let ran = run(&["chat", "openai/gpt-4o", "Look", "--image", &picture]).await.with_code(2);
    assert_has(&ran.err, &["--image", "picture.bmp", "image/bmp", "png, jpeg, webp or gif"]);
    let ran = run(&["chat", "openai/gpt-4o", "Look", "--file", "/nowhere/at.all"]).await.with_code(2);
    assert_has(&ran.err, &["--file /nowhere/at.all"]);
}

#[tokio::test]
async fn tools_come_from_a_file() {
    let tools = r#"[{"type":"openrouter:datetime"},{"type":"function","function":{"name":"get_weather",
        "parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]"#;
    let tools = file("tools.json", tools.as_bytes());
    let args =
        ["chat", "openai/gpt-4o", "The weather in Paris?", "--tools", &tools, "--tool-choice", "get_weather"];
    let ran = run(&args).await.with_code(0);
    assert_has(&ran.err, &["the model calls get_weather({", "Paris"]);
    let bad = file("bad.json", b"{}");
    let ran = run(&["chat", "openai/gpt-4o", "Hi", "--tools", &bad]).await.with_code(2);
    assert_has(&ran.err, &["--tools", "bad.json", "list of tools"]);
}

#[tokio::test]
async fn routing_flags_are_sent_and_reported() {
    let args = ["chat", "openai/gpt-4o", "Hi", "--provider-order", "azure,openai", "--no-provider-fallbacks"];
    let more = ["--data-collection", "deny", "--max-price-in", "3", "--fallback", "openai/gpt-4o-mini"];
    let args = [&args[..], &more[..]].concat();
    let shown = run(&[&args[..], &["--dry-run"]].concat()).await.with_code(0).json();
    assert_eq!(shown["models"], json!(["openai/gpt-4o-mini"]));
    assert_eq!(
        shown["provider"],
        json!({"order": ["azure", "openai"], "allow_fallbacks": false, "data_collection": "deny", "max_price": {"prompt": "3"}})
    );
    let ran = run(&["chat", "openai/gpt-4o", "Hi", "--provider-only", "azure", "--show-routing"])
        .await
        .with_code(0);
    assert_has(&ran.err, &["served by Azure", "routed: "]);
}

#[tokio::test]
async fn free_to_paid_fallback_needs_a_second_flag() {
    let args = ["chat", "meta-llama/llama-3.2-3b-instruct:free", "Hi", "--fallback", "openai/gpt-4o-mini"];
    let ran = run(&args).await.with_code(2);
    assert_has(&ran.err, &["--fallback: ", "may be billed", "give --allow-paid-fallback"]);
    run(&[&args[..], &["--allow-paid-fallback"]].concat()).await.with_code(0);
}
