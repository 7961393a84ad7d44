//! The limit that refused a request, and when to ask again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fault_server::Script;
use provider_core::{Error, ErrorKind, LimitAmount, LimitKind, RetryAdvice};
use serde_json::{Value, json};

use crate::support;

async fn chat(reply: Script) -> Error {
    support::chat(reply).await.expect_err("an error")
}

fn refusal(status: u16, message: &str, metadata: &Value) -> Script {
    let error = json!({ "code": status, "message": message, "metadata": metadata });
    Script::json(status, json!({ "error": error }).to_string())
}

fn seconds(error: &Error) -> Option<u64> {
    error.retry().after().map(|wait| wait.as_secs_f64().round() as u64)
}

#[tokio::test]
async fn a_budget_of_requests_under_way_is_waited_for() {
    let metadata =
        json!({ "limit_source": "openrouter_in_flight_budget", "reason": "in_flight_budget_exhausted" });
    let words = json!({});
    for (message, metadata) in [
        ("Too much at once", &metadata),
        ("This would exceed your available credits given your current in-flight requests.", &words),
    ] {
        let told = chat(refusal(402, message, metadata).header("retry-after", "118")).await;
        assert_eq!((told.kind(), seconds(&told)), (ErrorKind::PaymentRequired, Some(118)), "{told}");
        let untold = chat(refusal(402, message, metadata)).await;
        assert_eq!(
            (untold.kind(), untold.retry()),
            (ErrorKind::PaymentRequired, RetryAdvice::Now),
            "{untold}"
        );
        for error in [told, untold] {
            assert_eq!(error.limit().map(|limit| limit.kind), Some(LimitKind::InFlight));
            assert!(error.next_step().is_some_and(|what| what.contains("fewer at the same time")), "{error}");
        }
    }
}

#[tokio::test]
async fn a_budget_that_is_spent_is_named_with_its_amounts_and_its_reset() {
    let spent = |source: &str, scope: &str| {
        json!({
            "limit_source": source, "scope": scope, "limit_usd": 500, "spend_usd": 500.25,
            "resets_at": "2031-12-01T00:00:00.000Z", "remedy_hint": "wait"
        })
    };
    for (status, source, kind, step) in [
        (
            403,
            "openrouter_key_limit",
            LimitKind::Key,
            "raise the key's limit of 500 USD at https://openrouter.ai/settings/keys",
        ),
        (402, "openrouter_key_limit", LimitKind::Key, "raise the key's limit of 500 USD"),
        (403, "openrouter_guardrail_budget", LimitKind::Guardrail, "raise the guardrail's budget of 500 USD"),
        (
            403,
            "openrouter_workspace_budget",
            LimitKind::Workspace,
            "ask the workspace's owner to raise the workspace's budget of 500 USD",
        ),
        (403, "openrouter_department_budget", LimitKind::Budget, "raise the budget of 500 USD"),
    ] {
        let error = chat(refusal(status, "Budget exceeded by the guardrail", &spent(source, "member"))).await;
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::PaymentRequired, RetryAdvice::Never),
            "{error}"
        );
        let limit = error.limit().expect("the limit");
        assert_eq!(
            (limit.kind, limit.source.as_deref(), limit.scope.as_deref()),
            (kind, Some(source), Some("member"))
        );
        assert_eq!(limit.limit, "500".parse().ok().map(LimitAmount::Usd));
        assert_eq!(limit.used, "500.25".parse().ok().map(LimitAmount::Usd));
        assert_eq!(limit.resets_at, "2031-12-01".parse().ok());
        let told = error.next_step().expect("what to do");
        assert!(told.contains(step) && told.contains("until it resets at 2031-12-01T00:00:00Z"), "{told}");
        assert!(!told.contains("privacy"), "{told}");
    }
    let error = chat(refusal(
        402,
        "Too dear",
        &json!({ "limit_source": "openrouter_credits", "reason": "weight_exceeds_budget" }),
    ))
    .await;
    assert_eq!(
        (error.retry(), error.limit().map(|limit| limit.kind)),
        (RetryAdvice::Never, Some(LimitKind::Credits))
    );
    assert!(
        error.next_step().is_some_and(|what| what.contains("add credits") && what.contains("max_tokens")),
        "{error}"
    );
}

#[tokio::test]
async fn a_spent_limit_without_metadata_is_known_by_its_words() {
    for (status, message, kind, window, step) in [
        (
            403,
            "Key limit exceeded (daily limit). Manage it in your settings",
            LimitKind::Key,
            Some("daily"),
            "raise the key's daily limit",
        ),
        (
            403,
            "Key limit exceeded (total limit).",
            LimitKind::Key,
            Some("total"),
            "raise the key's total limit",
        ),
        (
            402,
            "You can only afford 7 tokens. To increase, create a key with a higher monthly limit",
            LimitKind::Key,
            Some("monthly"),
            "key",
        ),
        (
            403,
            "API key budget limit exceeded (weekly limit)",
            LimitKind::Budget,
            Some("weekly"),
            "raise the weekly budget",
        ),
        (
            403,
            "Workspace monthly budget of $500.00 exceeded",
            LimitKind::Workspace,
            Some("monthly"),
            "monthly budget of 500 USD",
        ),
        (
            402,
            "This request requires more credits, or fewer max_tokens.",
            LimitKind::Credits,
            None,
            "add credits",
        ),
    ] {
        let error = chat(refusal(status, message, &Value::Null)).await;
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::PaymentRequired, RetryAdvice::Never),
            "{error}"
        );
        let limit = error.limit().expect("the limit");
        assert_eq!((limit.kind, limit.window.as_deref()), (kind, window), "{error}");
        assert!(error.next_step().is_some_and(|what| what.contains(step)), "{error}");
    }
    // A 402 that tells nothing but when to come back is believed.
    assert_eq!(seconds(&chat(Script::json(402, "{}").header("retry-after", "9")).await), Some(9));
    assert_eq!(chat(Script::json(402, "{}")).await.retry(), RetryAdvice::Never);
}

#[tokio::test]
async fn a_quota_of_upstream_is_never_tried_again() {
    let raw = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let error = chat(refusal(429, "Provider returned error", &json!({ "raw": raw, "is_byok": true }))).await;
    assert_eq!((error.kind(), error.retry()), (ErrorKind::PaymentRequired, RetryAdvice::Never), "{error}");
    assert_eq!(error.limit().map(|limit| limit.kind), Some(LimitKind::Upstream));
}

fn milliseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).expect("a time of today").as_millis().to_string()
}

#[tokio::test]
async fn the_days_free_requests_are_back_when_it_is_told_and_not_before() {
    let midnight = SystemTime::now() + Duration::from_secs(3_600);
    let headers = json!({ "X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": milliseconds(midnight) });
    let message = "Rate limit exceeded: free-models-per-day. Add credits to unlock more";
    let error = chat(refusal(429, message, &json!({ "headers": headers }))).await;
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(seconds(&error).is_some_and(|wait| (3_590..=3_602).contains(&wait)), "{error}");
    let limit = error.limit().expect("the limit");
    assert_eq!(
        (limit.kind, limit.limit, limit.remaining),
        (LimitKind::FreeRequests, Some(LimitAmount::Requests(50)), Some(LimitAmount::Requests(0)))
    );
    assert!(error.next_step().is_some_and(|what| what.contains("until it resets at 2")), "{error}");
    let error = chat(refusal(429, message, &Value::Null)).await;
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, RetryAdvice::Never));
    let error = chat(refusal(429, "Rate limit exceeded: free-models-per-min. ", &Value::Null)).await;
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, RetryAdvice::Now));
}

#[tokio::test]
async fn the_wait_of_upstream_is_heeded() {
    let google = |delay: &str| {
        json!({ "error": { "code": 429, "message": "m", "details": [
            { "@type": "type.googleapis.com/google.rpc.QuotaFailure" },
            { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay }
        ] } })
    };
    for (raw, wait) in [
        (google("30s"), Duration::from_secs(30)),
        (google("1.5s"), Duration::from_millis(1500)),
        (json!([google("7s")]), Duration::from_secs(7)),
        (json!("Rate limit reached. Please try again in 2m5s."), Duration::from_secs(125)),
        (json!({ "error": { "message": "Please retry after 20 seconds." } }), Duration::from_secs(20)),
    ] {
        for raw in [raw.clone(), raw.to_string().into()] {
            let error = chat(refusal(429, "Provider returned error", &json!({ "raw": raw }))).await;
            assert_eq!(
                (error.kind(), error.retry()),
                (ErrorKind::RateLimited, RetryAdvice::After(wait)),
                "{error}"
            );
        }
    }
    for error in [
        json!({ "code": 429, "message": "m", "retry_after": 12 }),
        json!({ "code": 429, "message": "m", "metadata": { "retry_after_seconds": 12 } }),
    ] {
        let error = chat(Script::json(429, json!({ "error": error }).to_string())).await;
        assert_eq!(seconds(&error), Some(12), "{error}");
    }
    // The service's own word counts before it.
    let reply =
        refusal(429, "Provider returned error", &json!({ "raw": google("30s") })).header("retry-after", "3");
    assert_eq!(seconds(&chat(reply).await), Some(3));
}

#[tokio::test]
async fn a_reset_is_of_the_services_clock_and_of_rate_limits_alone() {
    let ten_minutes = Duration::from_secs(600);
    for (date, reset) in [
        (SystemTime::now() - ten_minutes, SystemTime::now() - ten_minutes + Duration::from_secs(60)),
        (SystemTime::now() + ten_minutes, SystemTime::now() + ten_minutes + Duration::from_secs(60)),
    ] {
        let limited = |status: u16| {
            Script::json(status, json!({ "error": { "code": status, "message": "m" } }).to_string())
                .header("date", httpdate::fmt_http_date(date))
                .header("x-ratelimit-remaining", "17")
                .header("x-ratelimit-reset", milliseconds(reset))
        };
        let error = chat(limited(429)).await;
        assert!(seconds(&error).is_some_and(|wait| (58..=62).contains(&wait)), "{error}");
        let error = chat(limited(502)).await;
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Upstream, RetryAdvice::Now), "{error}");
        let dated = Script::json(503, "{}").header("date", httpdate::fmt_http_date(date));
        let error = chat(dated.header("retry-after", httpdate::fmt_http_date(reset))).await;
        assert!(seconds(&error).is_some_and(|wait| (58..=62).contains(&wait)), "{error}");
    }
}

#[tokio::test]
async fn a_service_that_says_whether_to_retry_is_believed() {
    let error = |status: u16| json!({ "error": { "code": status, "message": "m" } }).to_string();
    let asked = |status, word| Script::json(status, error(status)).header("x-should-retry", word);
    assert_eq!(chat(asked(503, "false")).await.retry(), RetryAdvice::Never);
    assert_eq!(chat(asked(429, "false").header("retry-after", "1")).await.retry(), RetryAdvice::Never);
    assert_eq!(chat(asked(400, "true")).await.retry(), RetryAdvice::Now);
    assert_eq!(seconds(&chat(asked(400, "true").header("retry-after", "2")).await), Some(2));
    assert_eq!(chat(asked(400, "perhaps")).await.retry(), RetryAdvice::Never);
    assert_eq!(
        chat(Script::with_body(500, "text/html", "<html>").header("x-should-retry", "false")).await.retry(),
        RetryAdvice::Never
    );
}
