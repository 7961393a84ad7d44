//! Tests of settings: flags, variables, and which of them count for which provider.

use fault_server::{FaultServer, Script};
use openrouter_sandbox::Sandbox;
use tokio::process::Command;

use crate::support::{KEY, KEY_OF_ENV, against, assert_has, binary, questions, ran, sandbox};

/// The ids of the providers that a command connects, from its tests of them.
async fn connected(command: &mut Command) -> Vec<String> {
    let ran = ran(command.args(["key", "--json"])).await;
    let json = ran.json();
    let providers = json["providers"].as_array().unwrap_or_else(|| panic!("{json}"));
    providers.iter().map(|one| one["provider"].as_str().unwrap().to_owned()).collect()
}

fn with_both(sandbox: &Sandbox) -> Command {
    let mut command = against(sandbox, &[]);
    command.env("OPENAI_COMPATIBLE_BASE_URL", sandbox.base_url());
    command.env("OPENAI_COMPATIBLE_API_KEY", KEY);
    command
}

#[tokio::test]
async fn flag_goes_before_variable_and_variable_before_default() {
    let sandbox = sandbox().await;
    assert_eq!(connected(&mut with_both(&sandbox)).await, ["openai-compatible", "openrouter"]);
    let listed = "openrouter, b=OpenAI-Compatible\tc=openrouter,";
    let mut command = with_both(&sandbox);
    assert_eq!(connected(command.env("PROVIDER_HOST_PROVIDERS", listed)).await, ["b", "c", "openrouter"]);
    let mut command = with_both(&sandbox);
    command.env("PROVIDER_HOST_PROVIDERS", listed).args(["--provider", "x=openrouter"]);
    assert_eq!(connected(command.args(["--provider", "y=OpenRouter"])).await, ["x", "y"]);
    let mut command = with_both(&sandbox);
    assert_eq!(
        connected(command.env("PROVIDER_HOST_PROVIDERS", " ")).await,
        ["openai-compatible", "openrouter"]
    );
}

#[tokio::test]
async fn flags_on_both_sides_of_the_command_count() {
    let sandbox = sandbox().await;
    let mut command = with_both(&sandbox);
    command.args(["--provider", "x=openrouter", "--set", "x.site_name=X", "key", "--json"]);
    command.args(["--provider", "y=openrouter", "--set", "y.site_name=Y"]);
    let json = ran(&mut command).await.with_code(0).json();
    assert_eq!(json["providers"].as_array().unwrap().len(), 2);
    let mut titles: Vec<_> =
        sandbox.requests().iter().map(|request| request.header("x-title").map(str::to_owned)).collect();
    titles.sort();
    titles.dedup();
    assert_eq!(titles, [Some("X".to_owned()), Some("Y".to_owned())]);
}

#[tokio::test]
async fn wrong_list_of_providers_is_refused() {
    for (list, code, said) in [
        (&["openrouter", "OpenRouter"][..], 2, "two providers are called openrouter"),
        (&["Local=openrouter"], 2, "an id is made of lower-case letters"),
        (&["=openrouter"], 2, "an id is made of lower-case letters"),
        (&["x=openruter"], 5, "is openrouter meant?"),
    ] {
        let flags = list.iter().flat_map(|one| ["--provider", one]);
        assert_has(&ran(binary().args(flags).arg("key")).await.with_code(code).err, &[said]);
        let mut command = binary();
        command.env("PROVIDER_HOST_PROVIDERS", list.join(" ")).arg("key");
        assert_has(&ran(&mut command).await.with_code(code).err, &[said]);
    }
}

#[tokio::test]
async fn provider_of_the_environment_with_wrong_settings_is_an_error() {
    for (with_openrouter, field) in [(true, "openai-compatible.base_url"), (false, "base_url")] {
        let mut command = binary();
        command.env("OPENAI_COMPATIBLE_API_KEY", "any").args(["chat", "openai/gpt-4o", "Hi"]);
        if with_openrouter {
            command.env("OPENROUTER_API_KEY", KEY);
        }
        let ran = ran(&mut command).await.with_code(2);
        assert_has(&ran.err, &[&format!("  {field}: OPENAI_COMPATIBLE_BASE_URL is not set; ")]);
        assert_has(&ran.err, &["--set openai-compatible.base_url=VALUE"]);
        assert_has(&ran.err, &["was connected since OPENAI_COMPATIBLE_API_KEY is set", "--provider"]);
    }
    let mut command = binary();
    command.env("OPENAI_COMPATIBLE_BASE_URL", "no url").env("OPENROUTER_API_KEY", KEY).arg("key");
    assert_has(
        &ran(&mut command).await.with_code(2).err,
        &["the value came from OPENAI_COMPATIBLE_BASE_URL"],
    );
}

#[tokio::test]
async fn setting_of_a_flag_goes_before_the_environment() {
    let sandbox = sandbox().await;
    for (set, title) in [
        (&["--set", "site_name=Flag"][..], Some("Flag")),
        (&["--set", "site_name="], None),
        (&[], Some("Environment")),
    ] {
        let mut command = against(&sandbox, &["chat", "openai/gpt-4o", "Hi"]);
        ran(command.args(set).env("OPENROUTER_SITE_NAME", "Environment")).await.with_code(0);
        assert_eq!(questions(&sandbox).pop().unwrap().header("x-title"), title, "{set:?}");
    }
}

#[tokio::test]
async fn setting_of_the_environment_goes_to_every_provider_of_the_kind() {
    let sandbox = sandbox().await;
    let mut command = against(&sandbox, &["--provider", "a=openrouter", "--provider", "b=openrouter"]);
    command.env("OPENROUTER_SITE_NAME", "Environment").args(["--set", "b.site_name=Flag"]);
    ran(command.args(["compare", "Hi", "a:openai/gpt-4o", "b:openai/gpt-4o"])).await.with_code(0);
    let mut titles: Vec<_> =
        questions(&sandbox).iter().map(|asked| asked.header("x-title").unwrap().to_owned()).collect();
    titles.sort();
    assert_eq!(titles, ["Environment", "Flag"]);
}

#[tokio::test]
async fn layers_have_settings_too() {
    let sandbox = sandbox().await;
    let args = ["chat", "sandbox/server-error", "Hi", "--set", "max_attempts=2"];
    ran(&mut against(&sandbox, &args)).await.with_code(8);
    assert_eq!(questions(&sandbox).len(), 2);
    // The more exact flag counts.
    ran(&mut against(&sandbox, &[&args[..], &["--retries", "5"]].concat())).await.with_code(8);
    assert_eq!(questions(&sandbox).len(), 4);
}

#[tokio::test]
async fn secret_is_refused_on_the_command_line_and_taken_from_a_variable() {
    let sandbox = sandbox().await;
    for name in ["api_key", "openrouter.api_key"] {
        let secret = format!("{name}={KEY}");
        // Every run checks that the key is nowhere in the output.
        let ran = ran(&mut against(&sandbox, &["key", "--set", &secret])).await.with_code(2);
        assert_has(&ran.err, &[&format!("--set-env {name}=VARIABLE")]);
    }
    let mut command = binary();
    command.args(["--provider", "local=openai-compatible", "key", "--set", "headers=x-secret: 1"]);
    assert_has(&ran(&mut command).await.with_code(2).err, &["--set-env headers=VARIABLE"]);

    let mut command = binary();
    command.env("MINE", KEY).env("OPENROUTER_BASE_URL", sandbox.base_url());
    ran(command.args(["chat", "openai/gpt-4o", "Hi", "--set-env", "api_key=MINE"])).await.with_code(0);
    let sent = questions(&sandbox).pop().unwrap();
    assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {KEY}")));
    // A key in the place of the variable is not repeated.
    let mistaken = format!("api_key={KEY}");
    let ran_so = ran(&mut against(&sandbox, &["key", "--set-env", &mistaken])).await.with_code(2);
    assert_has(&ran_so.err, &["the variable of this name is not set"]);
    let unset = ["key", "--set-env", "api_key=NO_SUCH_VARIABLE"];
    assert_has(&ran(&mut against(&sandbox, &unset)).await.with_code(2).err, &["NO_SUCH_VARIABLE is not set"]);
}

#[tokio::test]
async fn key_of_the_environment_goes_to_no_base_url_of_a_flag() {
    let (home, elsewhere) = (sandbox().await, sandbox().await);
    let url = format!("base_url={}", elsewhere.base_url());
    for flags in [["--base-url", elsewhere.base_url()], ["--set", &url]] {
        for at_home in [true, false] {
            let mut command = against(&home, &["chat", "openai/gpt-4o", "Hi"]);
            if !at_home {
                command.env_remove("OPENROUTER_BASE_URL");
            }
            let ran = ran(command.args(flags)).await.with_code(2);
            assert_has(&ran.err, &["OPENROUTER_API_KEY is not sent", "--set-env api_key=OPENROUTER_API_KEY"]);
            assert_eq!(ran.err.matches("hint:").count(), 1, "{}", ran.err);
        }
        assert!(elsewhere.requests().is_empty());
    }
    // The base URL of the environment itself, and a key that is given for the other.
    let same = format!("{}/", home.base_url());
    ran(&mut against(&home, &["key", "--base-url", &same])).await.with_code(0);
    let mut command = against(&home, &["key", "--base-url", elsewhere.base_url()]);
    ran(command.args(KEY_OF_ENV)).await.with_code(0);
    assert!(!elsewhere.requests().is_empty());
    // A blank setting is the base URL of the service: the key is for the one of the environment.
    assert_has(
        &ran(&mut against(&home, &["key", "--set", "base_url="])).await.with_code(2).err,
        &["is not sent"],
    );
}

#[tokio::test]
async fn optional_key_is_left_out_with_a_note() {
    let list = Script::json(200, r#"{"data":[{"id":"qwen3"}]}"#);
    let server = FaultServer::always(list).await.unwrap();
    let url = format!("local.base_url={}/v1", server.url());
    for (home, flags) in [(None, ["--set", &*url]), (Some("http://127.0.0.1:1/v1"), ["--set", &url])] {
        let mut command = binary();
        command.env("OPENAI_COMPATIBLE_API_KEY", KEY).args(["--provider", "local=openai-compatible"]);
        command.envs(home.map(|url| ("OPENAI_COMPATIBLE_BASE_URL", url)));
        let ran = ran(command.args(flags).arg("models")).await.with_code(0);
        assert_has(
            &ran.err,
            &["OPENAI_COMPATIBLE_API_KEY is not sent", "--set-env api_key=OPENAI_COMPATIBLE_API_KEY"],
        );
    }
    assert!(server.requests().iter().all(|request| request.header("authorization").is_none()));
    assert_eq!(server.request_count(), 2);
}

#[tokio::test]
async fn unclear_settings_are_refused() {
    const TWO: [&str; 4] = ["--provider", "a=openrouter", "--provider", "b=openai-compatible"];
    for (flags, said) in [
        (&["--set", "base_url=x"][..], "--set a.base_url or --set b.base_url"),
        (&["--set", "site_name=x"], "--set a.site_name"),
        (&["--set", "nonsense=x"], "--set a.nonsense or --set b.nonsense"),
        (&["--set", "a.site_nam=x"], "is site_name meant?"),
        (&["--set", "b.site_name=x"], "openai-compatible has no such setting"),
        (&["--set", "A.site_name=x"], "connected are: a, b"),
        (&["--set", "a.site_name=x", "--set", "a.site_name=y"], "given twice"),
        (&["--set", "a.site_name=x", "--site-name", "y"], "given twice"),
        (&["--set", "a.site_name"], "write KEY=VALUE"),
        (&["--base-url", "https://example.com"], "--set a.base_url or --set b.base_url"),
    ] {
        assert_has(&ran(binary().args(TWO).args(flags).arg("key")).await.with_code(2).err, &[said]);
    }
    let mut none = binary();
    none.env("PROVIDER_HOST_PROVIDERS", " , ").arg("key");
    assert_has(&ran(&mut none).await.with_code(2).err, &["PROVIDER_HOST_PROVIDERS names no provider"]);
    let lone = ["--provider", "openai-compatible", "--site-name", "x", "key"];
    assert_has(
        &ran(binary().args(lone)).await.with_code(2).err,
        &["--site-name: openai-compatible has no such"],
    );
}

#[tokio::test]
async fn short_flag_goes_to_the_only_provider_with_the_setting() {
    let sandbox = sandbox().await;
    let mut command = with_both(&sandbox);
    ran(command.args(["chat", "openrouter:openai/gpt-4o", "Hi", "--site-name", "Flag"])).await.with_code(0);
    assert_eq!(questions(&sandbox)[0].header("x-title"), Some("Flag"));
}
