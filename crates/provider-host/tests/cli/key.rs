use crate::support::{assert_has, run};

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
async fn key_json_has_the_report() {
    let json = run(&["key", "--json"]).await.with_code(0).json();
    assert_eq!((&json["schema_version"], &json["is_free_tier"]), (&1.into(), &false.into()));
    assert_eq!(json["limit"], 100.0);
}
