//! Tests of what is missing on a machine: a variable that the profile names, a home folder.

use openrouter_sandbox::Sandbox;
use tokio::process::Command;

use crate::keep::Home;
use crate::support::{KEY, assert_has, binary, questions, ran, sandbox};

/// A profile with this provider, and beside it `home` at a sandbox, whose key is in `HOME_KEY`.
fn beside(provider: &str, sandbox: &Sandbox) -> Home {
    let url = sandbox.base_url();
    Home::new().config(&format!(
        "{provider}[profiles.default.providers.home]\nkind = 'openrouter'\napi_key = {{ env = 'HOME_KEY' }}\n\
         base_url = '{url}'\n"
    ))
}

/// The program with the key of [`beside`].
fn with_key(home: &Home, args: &[&str]) -> Command {
    let mut command = home.bare(args);
    command.env("HOME_KEY", KEY);
    command
}

#[tokio::test]
async fn variable_that_is_not_set_fails_what_needs_it_alone() {
    let sandbox = sandbox().await;
    let home = beside(
        "[profiles.default.providers.work]\nkind = 'openrouter'\napi_key = { env = 'WORK_KEY' }\n",
        &sandbox,
    );
    let with_key = |args: &[&str]| with_key(&home, args);
    let missing = "work.api_key: the variable WORK_KEY of the profile is not set, or blank";

    ran(&mut with_key(&["chat", "home:openai/gpt-4o", "Hi"])).await.with_code(0);
    assert_eq!(questions(&sandbox).len(), 1);
    let needed = ran(&mut with_key(&["chat", "work:openai/gpt-4o", "Hi"])).await.with_code(2);
    assert_has(&needed.err, &[missing, "set WORK_KEY"]);
    // Any of them may have this model.
    let needed = ran(&mut with_key(&["chat", "openai/gpt-4o", "Hi"])).await.with_code(2);
    assert_has(&needed.err, &[missing, "home:openai/gpt-4o"]);
    let listed = ran(&mut with_key(&["models"])).await.with_code(0);
    assert!(listed.out.contains("home:openai/gpt-4o") && listed.err.contains("WORK_KEY"), "{listed:?}");
    let tested = ran(&mut with_key(&["key"])).await.with_code(2);
    assert!(tested.out.contains("the key works") && tested.err.contains(missing), "{tested:?}");
    let shown = ran(&mut with_key(&["doctor", "--json"])).await.with_code(2).json();
    let faults: Vec<_> =
        shown["checks"].as_array().unwrap().iter().filter(|check| check["result"] == "fault").collect();
    assert_eq!(faults.len(), 1, "{shown}");
    assert_eq!((&faults[0]["name"], &faults[0]["provider"]), (&"settings".into(), &"work".into()));

    let shown = ran(&mut with_key(&["config", "show", "--json"])).await.with_code(0).json();
    let rows = shown["values"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "work.api_key").unwrap();
    assert!(row["value"].is_null(), "{row}");
    assert_eq!(row["from"], "profile default: variable WORK_KEY, which is not set");
    ran(&mut home.bare(&["config", "show"])).await.with_code(0);
    ran(&mut home.bare(&["--sandbox", "chat", "work:openai/gpt-4o", "Hi"])).await.with_code(0);
    ran(&mut home.bare(&["chat", "work:openai/gpt-4o", "Hi", "--dry-run"])).await.with_code(0);
    let nothing = ran(&mut home.bare(&["chat", "openai/gpt-4o", "Hi"])).await.with_code(2);
    assert_has(&nothing.err, &["WORK_KEY", "HOME_KEY"]);
}

#[tokio::test]
async fn provider_without_a_key_leaves_the_others_alone() {
    let sandbox = sandbox().await;
    let home = beside("[profiles.default.providers.bare]\nkind = 'openrouter'\n", &sandbox);
    let with_key = |args: &[&str]| with_key(&home, args);
    ran(&mut with_key(&["chat", "home:openai/gpt-4o", "Hi"])).await.with_code(0);
    let needed = ran(&mut with_key(&["chat", "bare:openai/gpt-4o", "Hi"])).await.with_code(2);
    assert_has(&needed.err, &["bare.api_key: OPENROUTER_API_KEY is not set", "asq keys set bare"]);
    ran(&mut home.bare(&["chat", "home:openai/gpt-4o", "Hi"])).await.with_code(2);
    assert_eq!(questions(&sandbox).len(), 1);
}

#[tokio::test]
async fn key_of_the_store_does_not_stand_in_for_a_variable() {
    let sandbox = sandbox().await;
    let home = Home::new();
    home.keep_key("work=openrouter", &sandbox).await.with_code(0);
    let home = home
        .config("[profiles.default.providers.work]\nkind = 'openrouter'\napi_key = { env = 'WORK_KEY' }\n");
    let told = ran(&mut home.bare(&["chat", "work:openai/gpt-4o", "Hi"])).await.with_code(2);
    assert_has(&told.err, &["the variable WORK_KEY of the profile is not set"]);
    assert!(questions(&sandbox).is_empty());
}

#[tokio::test]
async fn sandbox_settings_are_shown_as_its_own() {
    let home = Home::new();
    let shown = ran(&mut home.bare(&["--sandbox", "config", "show", "--json"])).await.with_code(0).json();
    for (name, value) in [
        ("openrouter.api_key", "inside this program"),
        ("openrouter.base_url", "inside this program"),
        ("workspace", "sandbox"),
    ] {
        let rows = shown["values"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        assert_eq!((&row["value"], &row["from"]), (&value.into(), &"sandbox".into()));
    }
}

#[tokio::test]
async fn program_without_a_home_keeps_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let bare = |args: &[&str]| {
        let mut command = binary();
        for name in ["HOME", "APPDATA", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "ASQ_LOG"] {
            command.env_remove(name);
        }
        command.current_dir(folder.path()).args(args);
        command
    };
    let asked = ran(&mut bare(&["--sandbox", "chat", "openai/gpt-4o", "Hi"])).await.with_code(0);
    assert_has(&asked.err, &["this is not logged: there is no folder for the store", "HOST_DATA"]);
    for (args, fix) in [
        (&["keys", "set", "openrouter"][..], "HOST_DATA"),
        (&["config", "path"], "ASQ_CONFIG"),
        (&["template", "list"], "ASQ_CONFIG"),
        (&["serve", "--dev"], "--data"),
    ] {
        let mut command = bare(args);
        let refused = crate::support::ran_with_input(&mut command, KEY).await.with_code(2);
        assert_has(&refused.err, &[fix]);
    }
    ran(&mut bare(&["config", "show"])).await.with_code(0);
    ran(&mut bare(&["log"])).await.with_code(0);
    let made: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(made.is_empty(), "{made:?}");
    let data = folder.path().join("data");
    let mut named = bare(&["--sandbox", "chat", "openai/gpt-4o", "Hi"]);
    ran(named.env("HOST_DATA", &data)).await.with_code(0);
    assert!(data.join("host.db").exists());
}
