use crate::support::{against, assert_has, ran, run, sandbox};

#[tokio::test]
async fn key_is_tested_and_not_shown() {
    let ran = run(&["key"]).await.with_code(0);
    assert_has(
        &ran.out,
        &[
            "the key works",
            "label ",
            "limit      $100",
            "remaining",
            "usage",
            "free tier  no",
            "expires    never",
        ],
    );
}

#[tokio::test]
async fn key_of_a_spent_budget_does_not_pass() {
    let sandbox = sandbox().await;
    for (key, whose, until) in
        [("sk-or-v1-capped", "the workspace's budget", "until 2"), ("sk-or-v1-poor", "the key's limit", ": ")]
    {
        let ran = ran(against(&sandbox, &["key"]).env("OPENROUTER_API_KEY", key)).await.with_code(4);
        assert_has(&ran.out, &["requests with it are refused", whose, until, "is used up"]);
        assert!(!ran.out.contains("the key works"), "{}", ran.out);
    }
}

#[tokio::test]
async fn key_json_has_the_report() {
    let json = run(&["key", "--json"]).await.with_code(0).json();
    assert_eq!((&json["schema_version"], &json["is_free_tier"]), (&1.into(), &false.into()));
    assert_eq!(json["limit"], 100.0);
}
