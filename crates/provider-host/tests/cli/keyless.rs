//! Tests without a key: nothing is sent, and the sandbox answers only with its flag.

use crate::support::{KEY, against, assert_has, binary, ran, sandbox};

/// Commands that send requests, with JSON and without.
const COMMANDS: [&[&str]; 11] = [
    &["chat", "openai/gpt-4o", "Hello"],
    &["chat", "openai/gpt-4o", "Hello", "--no-stream"],
    &["chat", "openai/gpt-4o", "Hello", "--json"],
    &["compare", "Hello", "openai/gpt-4o"],
    &["compare", "Hello", "openai/gpt-4o", "--json"],
    &["models"],
    &["models", "--json"],
    &["key", "--json"],
    &["chat", "openai/gpt-4o", "Hello", "--tool", "clock=date", "--allow-tools"],
    &["endpoints", "openai/gpt-4o", "--json"],
    &["presets"],
];

#[tokio::test]
async fn missing_key_names_variable_and_sandbox() {
    for args in COMMANDS {
        for (key, state) in
            [(None, "is not set"), (Some(""), "is set, but blank"), (Some(" \t"), "is set, but blank")]
        {
            let mut command = binary();
            command.args(args).envs(key.map(|blank| ("OPENROUTER_API_KEY", blank)));
            let ran = ran(&mut command).await.with_code(2);
            assert_has(&ran.err, &[&format!("api_key: OPENROUTER_API_KEY {state}"), "--sandbox", "https://"]);
            assert_eq!(ran.err.matches("hint:").count(), 1, "{}", ran.err);
            if args.contains(&"--json") {
                let error = &ran.json()["error"];
                assert_eq!(
                    (&error["kind"], &error["fields"][0]["field"]),
                    (&"config".into(), &"api_key".into())
                );
                assert_has(error["next_step"].as_str().unwrap(), &["OPENROUTER_API_KEY", "--sandbox"]);
            } else {
                assert_eq!(ran.out, "");
            }
        }
    }
}

#[tokio::test]
async fn base_url_alone_is_no_key() {
    let elsewhere = sandbox().await;
    let mut command = binary();
    command.env("OPENROUTER_BASE_URL", elsewhere.base_url()).args(["chat", "openai/gpt-4o", "Hello"]);
    assert_has(&ran(&mut command).await.with_code(2).err, &["OPENROUTER_API_KEY is not set"]);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn misspelt_key_variable_is_named_without_value() {
    for name in
        ["OPENROUTER_APIKEY", "OPENROUTER_KEY", "OPEN_ROUTER_API_KEY", "openrouter_api_key", "OPENAI_API_KEY"]
    {
        let mut command = binary();
        command.env(name, KEY).args(["chat", "openai/gpt-4o", "Hello"]);
        // Every run checks that the key is nowhere in the output.
        let ran = ran(&mut command).await.with_code(2);
        assert_has(&ran.err, &["OPENROUTER_API_KEY is not set", &format!("{name} is, which is not read")]);
    }
    let mut command = binary();
    command.env("OPENAI_API_KEY", "sk-proj-0123").args(["key"]);
    assert!(!ran(&mut command).await.with_code(2).err.contains("OPENAI"), "that key is for another service");
}

#[tokio::test]
async fn misspelt_variable_of_a_setting_is_named() {
    let sandbox = sandbox().await;
    let mut command = against(&sandbox, &["key"]);
    let ran = ran(command.env("OPENROUTER_SITENAME", "Acme")).await.with_code(0);
    assert_has(&ran.err, &["OPENROUTER_SITENAME is set, but not read; is OPENROUTER_SITE_NAME meant?"]);
}

#[tokio::test]
async fn sandbox_flag_is_noted_with_the_answer() {
    for args in COMMANDS {
        let ran = ran(binary().args(args).arg("--sandbox")).await.with_code(0);
        assert_eq!(ran.err.matches("built-in sandbox: answers are made up").count(), 1, "{}", ran.err);
        assert!(!ran.err.contains("OPENROUTER_"), "{}", ran.err);
        if args.contains(&"--json") {
            assert_eq!(ran.json()["sandbox"], true);
        }
    }
    let failed =
        ran(binary().args(["--sandbox", "chat", "sandbox/overload", "Hello", "--json", "--retries", "0"]))
            .await;
    assert_eq!(failed.with_code(8).json()["sandbox"], true);
}

#[tokio::test]
async fn real_service_is_never_called_a_sandbox() {
    let elsewhere = sandbox().await;
    for args in COMMANDS {
        let ran = ran(&mut against(&elsewhere, args)).await.with_code(0);
        assert!(!ran.err.contains("sandbox"), "{}", ran.err);
        if args.contains(&"--json") {
            assert_eq!(ran.json().get("sandbox"), None);
        }
    }
}

#[tokio::test]
async fn sandbox_flag_beats_a_key_and_hides_it() {
    let elsewhere = sandbox().await;
    let mut command = against(&elsewhere, &["chat", "openai/gpt-4o", "Hello", "--sandbox"]);
    let run = ran(&mut command).await.with_code(0);
    assert!(elsewhere.requests().is_empty(), "the base URL of the environment was used");
    assert_has(&run.err, &["OPENROUTER_API_KEY and OPENROUTER_BASE_URL are not used"]);
    // Invalid values are ignored, too.
    let mut command = against(&elsewhere, &["chat", "openai/gpt-4o", "Hello", "--sandbox"]);
    command.env("OPENROUTER_API_KEY", "a b").env("OPENROUTER_BASE_URL", "no url");
    ran(&mut command).await.with_code(0);
}
