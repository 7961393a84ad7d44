//! Tests of starting, watching and stopping a sandbox.

use std::time::{Duration, Instant};

use openrouter_sandbox::Sandbox;
use serde_json::json;

use crate::support::{KEY, ask, get, post, send, start, stream};

#[tokio::test]
async fn sandbox_records_requests_on_loopback() {
    let sandbox = start().await;
    assert!(sandbox.address().ip().is_loopback());
    assert_eq!(sandbox.base_url(), format!("http://{}/api/v1", sandbox.address()));

    let request = ask("openai/gpt-4o", "Hi", json!({}));
    post(&sandbox, &request).header("X-Title", "Tests").send().await.unwrap();
    get(&sandbox, "/models?q=gpt", None).await;

    let [first, second] = <[_; 2]>::try_from(sandbox.requests()).unwrap();
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/api/v1/chat/completions"));
    assert_eq!((first.header("x-title"), &first.body), (Some("Tests"), &request));
    assert_eq!(first.header("Authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert!(!format!("{first:?}").contains(KEY));
    assert_eq!((second.query.as_str(), second.body.is_null()), ("q=gpt", true));
}

#[tokio::test]
async fn token_delay_slows_a_stream() {
    let sandbox = Sandbox::builder().token_delay(Duration::from_millis(5)).start().await.unwrap();
    let start = Instant::now();
    let events = stream(&sandbox, &ask("openai/gpt-4o", "Hi", json!({"max_tokens": 10}))).await;
    assert!(events.done && start.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn stop_closes_stalled_connections() {
    for by_drop in [false, true] {
        let sandbox = start().await;
        let address = sandbox.address();
        let mut stalled = send(&sandbox, &ask("sandbox/stall", "Hi", json!({"stream": true}))).await;
        match by_drop {
            true => drop(sandbox),
            false => tokio::time::timeout(Duration::from_secs(2), sandbox.stop()).await.unwrap(),
        }
        let end = async { while let Ok(Some(_)) = stalled.chunk().await {} };
        tokio::time::timeout(Duration::from_secs(2), end).await.expect("the connection ends");
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}

#[tokio::test]
async fn seeds_change_content_and_ids() {
    let request = ask("openai/gpt-4o", "Hi", json!({"tools": [], "logprobs": true}));
    let one = Sandbox::builder().seed(1).start().await.unwrap();
    let two = Sandbox::builder().seed(2).start().await.unwrap();
    assert_ne!(stream(&one, &request).await.text, stream(&two, &request).await.text);
}
