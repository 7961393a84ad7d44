//! Tests of `conformance`: the linked providers keep the promises, and a broken one is seen.

use crate::support::{KEY, assert_has, binary, ran};

#[tokio::test]
async fn linked_providers_keep_the_promises() {
    for (provider, skipped) in [("openrouter", 0), ("OpenAI-Compatible", 2)] {
        let ran = ran(binary().args(["conformance", provider, "--json"])).await.with_code(0);
        let json = ran.json();
        assert_eq!(json["wire"], "chat completions");
        let cases = json["cases"].as_array().unwrap();
        let count = |outcome: &str| cases.iter().filter(|case| case["outcome"] == outcome).count();
        assert!(count("kept") > 200, "{}", ran.out);
        assert_eq!((count("broken"), count("skipped")), (0, skipped), "{provider}");
    }
}

#[tokio::test]
async fn each_case_has_a_line_and_a_skipped_one_its_reason() {
    let args = ["conformance", "openrouter", "--filter", "lists: check", "--skip"];
    let ran = ran(binary().args(args).arg("lists: check_passes=not today")).await.with_code(0);
    let rows: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["skipped", "lists:", "check_passes", "check:", "key"]), "{}", ran.out);
    assert!(rows.contains(&vec!["not", "today"]), "{}", ran.out);
    assert!(rows.contains(&vec!["kept", "lists:", "check_is_free", "check:", "free"]), "{}", ran.out);
    assert_has(&ran.err, &["chat completions: ", " kept, 0 broken, 2 skipped"]);
}

#[tokio::test]
async fn broken_promise_exits_with_1_and_says_what_was_seen() {
    // A provider of chat completions asks at another path than the one of this wire.
    let args = ["conformance", "openrouter", "--wire", "json-lines", "--filter", "law: text_in_pieces"];
    let ran = ran(binary().args(args)).await.with_code(1);
    assert_has(&ran.out, &["BROKEN", "first chat", "/chat/completions is no chat on the wire"]);
    assert_has(&ran.err, &["JSON lines: 0 kept, 1 broken"]);
}

#[tokio::test]
async fn misspelt_skip_is_broken() {
    let args = ["conformance", "openrouter", "--filter", "descriptor: id", "--skip", "law: liev=a slip"];
    assert_has(&ran(binary().args(args)).await.with_code(1).out, &["law: liev", "no case has this name"]);
}

#[tokio::test]
async fn keys_of_the_environment_are_left_alone() {
    let mut command = binary();
    command.env("OPENROUTER_API_KEY", KEY).env("OPENROUTER_BASE_URL", "no url");
    ran(command.args(["conformance", "openrouter", "--filter", "lists: check_passes"])).await.with_code(0);
}

#[tokio::test]
async fn invalid_tests_are_refused() {
    for (args, code, said) in [
        (&["openruter"][..], 5, "is openrouter meant?"),
        (&["openrouter", "--filter", "lwa"], 2, "the groups are law, bad_day,"),
        (&["openrouter", "--set", "base_url=http://127.0.0.1:1"], 2, "base_url is set by the test itself"),
        (&["openrouter", "--retries", "1"], 2, "max_attempts is set by the test itself"),
        (&["openrouter", "--set", "zrd=yes"], 2, "is zdr meant?"),
        (&["openrouter", "--set", "zdr=maybe", "--filter", "law: usage"], 1, "BROKEN"),
        (&["openrouter", "--wire", "smoke"], 2, "chat-completions"),
    ] {
        let ran = ran(binary().arg("conformance").args(args)).await.with_code(code);
        assert_has(&format!("{}{}", ran.out, ran.err), &[said]);
    }
}
