//! OpenRouter refuses what does not fit into the budget of requests under way: a comparison, a tool loop and
//! a workspace's provider come back when it says so. The waits are real, so the service names short ones.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use openrouter_provider::Limits;
use provider_compare::Comparison;
use provider_core::{ChatRequest, LimitKind, LlmProvider, LlmProviderExt, RetryAdvice, RunOutcome, ToolSet};
use provider_registry::Registry;
use provider_tests::{Reply, ScriptedServer, chunk, openrouter, request};

const REFUSAL: &str = r#"{"error":{"code":402,"message":"Too many requests in flight for your balance","metadata":{"reason":"in_flight_budget_exhausted","limit_source":"openrouter_in_flight_budget"}}}"#;

/// Refuses these requests, counted from 0, and answers all others.
async fn refusing(refused: &'static [usize]) -> ScriptedServer {
    let count = AtomicUsize::new(0);
    let script = move |request: &provider_tests::Request| {
        if refused.contains(&count.fetch_add(1, SeqCst)) {
            return Reply::json(402, REFUSAL).header("retry-after", "1");
        }
        let is_streamed = String::from_utf8_lossy(&request.body).contains(r#""stream":true"#);
        let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        match is_streamed {
            true => Reply::events(chunk("Hello") + end),
            false => {
                Reply::json(200, r#"{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"#)
            }
        }
    };
    ScriptedServer::start(script).await.expect("a free port")
}

#[tokio::test]
async fn a_comparison_asks_again_and_no_call_is_lost() {
    let server = refusing(&[0, 1, 3]).await;
    let provider: Arc<dyn LlmProvider> = Arc::new(openrouter(&server, Limits::default()));
    let mut comparison = Comparison::new(ChatRequest::default().user("Hi")).concurrency(3);
    for number in 0..5 {
        comparison = comparison.cell(number.to_string(), provider.clone(), "openai/gpt-4o");
    }
    let report = comparison.run().await;
    assert_eq!((report.totals.answered, server.requests().len()), (5, 8));
}

#[tokio::test]
async fn a_tool_loop_with_a_timer_waits() {
    let server = refusing(&[0]).await;
    let provider = openrouter(&server, Limits::default());
    let tools = ToolSet::new();
    let run = provider.tool_loop(&tools).pause_with(tokio::time::sleep).run(&request()).await;
    assert_eq!((&run.outcome, server.requests().len()), (&RunOutcome::Answered, 2));
    let attempts = &run.response().expect("an answer").attempts;
    assert_eq!(attempts[0].limit().expect("the limit").kind, LimitKind::InFlight);
}

#[tokio::test]
async fn a_connected_provider_waits_and_says_so_where_its_deadline_is_too_near() {
    let registry = Registry::discover().expect("no duplicates");
    for streamed in [false, true] {
        let server = refusing(&[0]).await;
        let values = [("api_key", "sk-or-v1-abc"), ("base_url", &*server.url()), ("retry_timeout", "0.001")];
        let provider = registry.connect("openrouter", values).expect("good settings");
        let outcome = match streamed {
            true => provider.stream(&request()).await.expect("a stream").collect().await,
            false => provider.chat(&request()).await,
        };
        assert_eq!((outcome.expect("an answer").attempts.len(), server.requests().len()), (1, 2));
    }
    let server = refusing(&[0]).await;
    let values = [("api_key", "sk-or-v1-abc"), ("base_url", &*server.url()), ("deadline", "0.9")];
    let provider = registry.connect("openrouter", values).expect("good settings");
    let error = provider.chat(&request()).await.expect_err("there is no time to wait");
    assert!(error.is_budget_in_flight() && matches!(error.retry(), RetryAdvice::After(_)), "{error}");
    assert!(error.message().contains("0 s are left of the deadline"), "{error}");
    assert!(error.message().ends_with("ask again in 1 s"), "{error}");
    assert_eq!(server.requests().len(), 1);
}
