//! Tests of what is kept: configuration, keys, log, conversations, costs.

use std::path::Path;

use openrouter_sandbox::Sandbox;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::support::{
    KEY, Ran, against, all_streams_closed, assert_has, binary, gone, questions, ran, ran_with_input, sandbox,
};

/// A home of its own: folders for configuration and data.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn config(self, text: &str) -> Self {
        let folder = self.0.path().join("config/asq");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), text).unwrap();
        self
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data/asq")
    }

    /// The same command at home, with its runs logged.
    fn with(&self, mut command: Command) -> Command {
        command.env("XDG_CONFIG_HOME", self.0.path().join("config"));
        command.env("XDG_DATA_HOME", self.0.path().join("data")).env_remove("ASQ_LOG");
        command
    }

    /// The command with a key in the environment.
    pub(crate) fn against(&self, sandbox: &Sandbox, args: &[&str]) -> Command {
        self.with(against(sandbox, args))
    }

    /// The command without any provider in the environment.
    pub(crate) fn bare(&self, args: &[&str]) -> Command {
        let mut command = self.with(binary());
        command.args(args);
        command
    }

    pub(crate) async fn json(&self, args: &[&str]) -> Value {
        ran(&mut self.bare(&[args, &["--json"]].concat())).await.with_code(0).json()
    }

    pub(crate) async fn keep_key(&self, name: &str, sandbox: &Sandbox) -> Ran {
        let set = format!("base_url={}", sandbox.base_url());
        ran_with_input(&mut self.bare(&["keys", "set", name, "--set", &set]), KEY).await
    }
}

#[tokio::test]
async fn profile_has_model_alias_parameters_and_system_prompt() {
    let sandbox = sandbox().await;
    let home = Home::new().config(
        "[profiles.default]\nmodel = 'fast'\nsystem = 'Be brief.'\naliases = { fast = 'openai/gpt-4o-mini' }\n\
         parameters = { temperature = 0.25, max_tokens = 50 }\n\
         [profiles.other]\nmodel = 'openai/gpt-5'\n",
    );
    let asked = async |args: &[&str]| {
        ran(&mut home.against(&sandbox, args)).await.with_code(0);
        questions(&sandbox).pop().unwrap().body
    };
    let body = asked(&["chat", "Hello"]).await;
    assert_eq!((&body["model"], &body["temperature"]), (&"openai/gpt-4o-mini".into(), &0.25.into()));
    assert_eq!(body["messages"][0]["content"], "Be brief.");
    let body = asked(&["chat", "fast", "Hello", "--temperature", "1", "--system", "Long."]).await;
    assert_eq!((&body["model"], &body["temperature"]), (&"openai/gpt-4o-mini".into(), &1.0.into()));
    assert_eq!((&body["messages"][0]["content"], &body["max_tokens"]), (&"Long.".into(), &50.into()));
    let body = asked(&["chat", "-m", "openai/gpt-4o", "a/b"]).await;
    assert_eq!((&body["model"], &body["messages"][1]["content"]), (&"openai/gpt-4o".into(), &"a/b".into()));
    let body = asked(&["--profile", "other", "chat", "Hello there"]).await;
    assert_eq!((&body["model"], &body["temperature"]), (&"openai/gpt-5".into(), &Value::Null));
    let wrong = ran(&mut home.against(&sandbox, &["--profile", "othr", "chat", "Hi"])).await.with_code(2);
    assert_has(&wrong.err, &["there is no profile \"othr\" (is other meant?)"]);
}

#[tokio::test]
async fn providers_of_a_profile_are_connected() {
    let sandbox = sandbox().await;
    let home = Home::new().config(&format!(
        "[profiles.default.providers.work]\nkind = 'openrouter'\napi_key = {{ env = 'WORK_KEY' }}\n\
         base_url = '{}'\nsite_name = 'Profile'\n",
        sandbox.base_url()
    ));
    let mut command = home.bare(&["chat", "work:openai/gpt-4o", "Hi"]);
    // The key of the environment is not for the base URL of the profile.
    ran(command.env("WORK_KEY", KEY).env("OPENROUTER_API_KEY", "sk-or-v1-other")).await.with_code(0);
    let sent = questions(&sandbox).pop().unwrap();
    assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {KEY}")));
    assert_eq!(sent.header("x-title"), Some("Profile"));
    let mut command = home.bare(&["chat", "work:openai/gpt-4o", "Hi", "--set", "site_name=Flag"]);
    ran(command.env("WORK_KEY", KEY)).await.with_code(0);
    assert_eq!(questions(&sandbox).pop().unwrap().header("x-title"), Some("Flag"));
    let missing = ran(&mut home.bare(&["key"])).await.with_code(2).err;
    assert_has(&missing, &["the variable WORK_KEY of the profile is not set"]);

    for (text, said) in [
        ("api_key = 'sk-or-v1-plain'", "api_key is a secret"),
        ("site_nam = 'x'", "openrouter has no setting \"site_nam\" (is site_name meant?)"),
    ] {
        let home = Home::new().config(&format!("[profiles.default.providers.openrouter]\n{text}\n"));
        let told = ran(&mut home.bare(&["key"])).await.with_code(2);
        assert_has(&told.err, &[said]);
        assert!(!told.err.contains("plain"), "{}", told.err);
    }
}

#[tokio::test]
async fn config_show_says_where_each_value_comes_from() {
    let home = Home::new().config(
        "log = 'figures'\n[profiles.default]\nmodel = 'a/b'\nparameters = { top_p = 0.5 }\n\
         [profiles.default.providers.openrouter]\nsite_name = 'Profile'\n",
    );
    let mut command = home.bare(&["config", "show", "--json"]);
    command.env("OPENROUTER_API_KEY", KEY).env("ASQ_WORKSPACE", "acme");
    let shown = ran(&mut command).await.with_code(0).json();
    let found = |name: &str| {
        let rows = shown["values"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {shown}"));
        (row["value"].as_str().unwrap_or("-").to_owned(), row["from"].as_str().unwrap().to_owned())
    };
    let expected = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    assert_eq!(found("openrouter.api_key"), expected("…cdef", "variable OPENROUTER_API_KEY"));
    assert_eq!(found("openrouter.site_name"), expected("Profile", "profile default"));
    assert_eq!(found("openrouter.base_url").1, "default");
    assert_eq!(found("log"), expected("figures", "file"));
    assert_eq!(found("workspace"), expected("acme", "variable ASQ_WORKSPACE"));
    assert_eq!(found("model"), expected("a/b", "profile default"));
    assert_eq!(found("parameter top_p"), expected("0.5", "profile default"));
    let path = ran(&mut home.bare(&["config", "path"])).await.with_code(0).out;
    assert!(Path::new(path.trim()).exists(), "{path}");
    let missing = ran(&mut home.bare(&["--config", "/no/such/file", "key"])).await.with_code(1);
    assert_has(&missing.err, &["cannot read the configuration in /no/such/file"]);
}

#[tokio::test]
async fn kept_key_is_sealed_used_listed_and_removed() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let kept = home.keep_key("openrouter", &sandbox).await.with_code(0);
    assert_has(&kept.err, &["master.key, which you alone may read", "is kept, sealed, in the workspace dev"]);
    // The second time there is nothing new to tell.
    let again = home.keep_key("work=openrouter", &sandbox).await.with_code(0);
    assert!(!again.err.contains("master.key"), "{}", again.err);
    for entry in std::fs::read_dir(home.data()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()), "{path:?} has the key");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{path:?}");
        }
    }
    ran(&mut home.bare(&["chat", "work:openai/gpt-4o", "Hi"])).await.with_code(0);
    let sent = questions(&sandbox).pop().unwrap();
    assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {KEY}")));

    let listed = home.json(&["keys", "list"]).await;
    assert_eq!(listed["keys"][1]["id"], "work");
    assert_eq!(listed["keys"][1]["secrets"]["api_key"], "cdef");
    let shown = ran(&mut home.bare(&["config", "show"])).await.with_code(0);
    assert_has(&shown.out, &["…cdef", "store, workspace dev"]);
    let wrong = ran(&mut home.bare(&["keys", "remove", "wrk"])).await.with_code(2);
    assert_has(&wrong.err, &["is work meant?"]);
    ran(&mut home.bare(&["keys", "remove", "work"])).await.with_code(0);
    assert_eq!(home.json(&["keys", "list"]).await["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn kept_key_goes_to_no_other_base_url() {
    let (own, elsewhere, home) = (sandbox().await, sandbox().await, Home::new());
    home.keep_key("openrouter", &own).await.with_code(0);
    let args = ["chat", "openai/gpt-4o", "Hi"];
    for command in [
        home.bare(&args).args(["--base-url", elsewhere.base_url()]),
        home.bare(&args).env("OPENROUTER_BASE_URL", elsewhere.base_url()),
    ] {
        let told = ran(command).await.with_code(2);
        assert_has(&told.err, &["api_key of the store, workspace dev is not sent to a base URL that"]);
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn key_that_is_no_key_is_refused() {
    let home = Home::new();
    let empty = ran_with_input(&mut home.bare(&["keys", "set", "openrouter"]), " \n").await.with_code(2);
    assert_has(&empty.err, &["there is no key"]);
    let unknown = ran_with_input(&mut home.bare(&["keys", "set", "openruter"]), KEY).await.with_code(5);
    assert_has(&unknown.err, &["is openrouter meant?"]);
    let field = ["keys", "set", "openrouter", "--field", "api_kye"];
    assert_has(&ran_with_input(&mut home.bare(&field), KEY).await.with_code(2).err, &["is api_key meant?"]);
    let sandbox = ["keys", "set", "openrouter", "--sandbox"];
    assert_has(
        &ran_with_input(&mut home.bare(&sandbox), KEY).await.with_code(2).err,
        &["leave out --sandbox"],
    );
    assert!(!home.data().exists(), "nothing is made for nothing");
}

#[tokio::test]
async fn run_is_logged_with_its_figures_and_its_text() {
    let (sandbox, home) = (sandbox().await, Home::new());
    ran(&mut home.against(&sandbox, &["chat", "openai/gpt-4o", "Tell of Ada Lovelace", "--node", "docs"]))
        .await
        .with_code(0);
    ran(&mut home.against(&sandbox, &["chat", "sandbox/server-error", "Hi", "--retries", "0"]))
        .await
        .with_code(8);
    ran(&mut home.against(&sandbox, &["chat", "openai/gpt-4o", "Secret", "--no-log"])).await.with_code(0);
    ran(&mut home.against(&sandbox, &["compare", "Hi", "openai/gpt-4o", "openai/gpt-5"])).await.with_code(0);

    let runs = home.json(&["log"]).await["runs"].as_array().unwrap().clone();
    assert_eq!(runs.len(), 4, "{runs:?}");
    let failed = &runs[2];
    assert_eq!(
        (&failed["error_kind"], &failed["requested"]),
        (&"server".into(), &"sandbox/server-error".into())
    );
    let first = &runs[3];
    assert_eq!((&first["requested"], &first["provider"]), (&"openai/gpt-4o".into(), &"openrouter".into()));
    assert_eq!((&first["served"], &first["finish"]), (&"openai/gpt-4o-2024-11-20".into(), &"stop".into()));
    assert!(first["prompt_tokens"].as_u64() > Some(0) && first["total_ms"].is_u64(), "{first}");
    let answer = home.json(&["log", "show", first["id"].as_str().unwrap()]).await;
    assert_eq!(answer["request"]["messages"].as_array().unwrap().len(), 1);
    assert!(!answer["response"]["message"]["text"].as_str().unwrap().is_empty());

    let found = home.json(&["log", "search", "lovelace", "ADA"]).await;
    assert_eq!(found["runs"].as_array().unwrap().len(), 1);
    let failed = home.json(&["log", "--failed", "--since", "1h"]).await;
    assert_eq!(failed["runs"].as_array().unwrap().len(), 1);
    let exported = ran(&mut home.bare(&["log", "export"])).await.with_code(0).out;
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["id"]), (4, &first["id"]));
    let page = ran(&mut home.bare(&["log", "export", "--markdown", "--node", "docs"])).await.with_code(0).out;
    assert_has(&page, &["### user\n\nTell of Ada Lovelace\n", "### assistant\n", "- cost: $0.0"]);
    let table = ran(&mut home.bare(&["log"])).await.with_code(0).out;
    assert_has(&table, &["openrouter:openai/gpt-4o", "server"]);

    let cost = async |by: &'static str| home.json(&["cost", "--by", by]).await;
    let by_model = cost("model").await;
    assert_eq!((&by_model["total"]["runs"], &by_model["total"]["failed"]), (&4.into(), &1.into()));
    let sums: Vec<&str> =
        by_model["sums"].as_array().unwrap().iter().map(|sum| sum["name"].as_str().unwrap()).collect();
    assert!(sums.contains(&"openai/gpt-4o-2024-11-20") && sums.contains(&"sandbox/server-error"), "{sums:?}");
    assert_eq!(by_model["total"]["cost_unknown"], 0, "the service refused the failed one");
    assert_eq!(cost("node").await["sums"].as_array().unwrap().len(), 2);
    assert_eq!(cost("project").await["sums"][0]["name"], "dev");
    let by_day = cost("day").await;
    assert_eq!((by_day["sums"].as_array().unwrap().len(), &by_day["total"]["runs"]), (1, &4.into()));
    // The exact sum of what was billed.
    let bills = lines.iter().filter(|run| run["cost"].is_number()).map(|run| run["cost"].to_string());
    let bills = bills.map(|cost| cost.parse::<provider_core::Usd>().unwrap()).sum::<provider_core::Usd>();
    assert_eq!(by_day["total"]["cost"].to_string().parse(), Ok(bills));
}

#[tokio::test]
async fn log_finds_a_model_by_all_its_names() {
    let sandbox = sandbox().await;
    let home = Home::new().config("[profiles.default]\naliases = { best = 'openrouter:openai/gpt-4o' }\n");
    for model in ["openai/gpt-4o", "openai/gpt-4o-mini"] {
        ran(&mut home.against(&sandbox, &["chat", model, "Hi"])).await.with_code(0);
    }
    for name in [
        "openai/gpt-4o",
        "openrouter:openai/gpt-4o",
        "openai/gpt-4o-2024-11-20",
        "openrouter:openai/gpt-4o-2024-11-20",
        "best",
    ] {
        let runs = home.json(&["log", "--model", name, "--limit", "1"]).await["runs"].clone();
        assert_eq!(runs.as_array().unwrap().len(), 1, "{name}");
        assert_eq!(runs[0]["requested"], "openai/gpt-4o", "{name}");
    }
    for name in ["gpt-4o", "other:openai/gpt-4o", "openai/gpt"] {
        assert!(home.json(&["log", "--model", name]).await["runs"].as_array().unwrap().is_empty(), "{name}");
    }
    // In a pipe a run is one line.
    let piped = ran(&mut home.bare(&["log"])).await.with_code(0).out;
    assert_eq!(piped.lines().count(), 3, "{piped}");
    assert_has(&piped, &["SERVED", "openai/gpt-4o-2024-11-20"]);
}

#[tokio::test]
async fn log_without_a_run_says_so() {
    let home = Home::new();
    assert_eq!(home.json(&["log"]).await["runs"], Value::Array(Vec::new()));
    assert_eq!(home.json(&["cost"]).await["total"]["runs"], 0);
    assert_has(&ran(&mut home.bare(&["log"])).await.with_code(0).err, &["nothing was logged yet"]);
    assert_has(&ran(&mut home.bare(&["log", "show", "-"])).await.with_code(2).err, &["there is no run"]);
    assert_has(&ran(&mut home.bare(&["cost", "--since", "soon"])).await.with_code(2).err, &["write 12h"]);
    assert!(!home.data().exists());
}

#[tokio::test]
async fn figures_alone_are_logged_if_it_is_wanted() {
    let (sandbox, home) = (sandbox().await, Home::new().config("log = 'figures'"));
    ran(&mut home.against(&sandbox, &["chat", "openai/gpt-4o", "Confidential"])).await.with_code(0);
    let runs = home.json(&["log"]).await["runs"].clone();
    assert!(runs[0]["cost"].is_number() && runs[0]["conversation"].is_null(), "{runs}");
    let exported = ran(&mut home.bare(&["log", "export"])).await.with_code(0).out;
    assert!(!exported.contains("Confidential"), "{exported}");
    assert_has(&ran(&mut home.bare(&["log", "show", "-"])).await.with_code(0).out, &["were not kept"]);
}

#[tokio::test]
async fn page_of_a_run_cannot_steer_a_terminal() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let prompt = "red \u{1b}[31m and \u{202e}turned";
    ran(&mut home.against(&sandbox, &["chat", "openai/gpt-4o", prompt])).await.with_code(0);
    let page = ran(&mut home.bare(&["log", "show", "-"])).await.with_code(0).out;
    assert_has(&page, &["red [31m and <U+202E>turned"]);
    assert!(!page.contains(['\u{1b}', '\u{202e}']), "{page:?}");
    let kept = home.json(&["log", "show", "-"]).await;
    assert_eq!(kept["request"]["messages"][0]["content"], prompt);
}

#[cfg(unix)]
#[tokio::test]
async fn interrupted_answer_is_logged_as_far_as_it_came() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let mut child = home.against(&sandbox, &["chat", "sandbox/stall", "Hello"]).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 1]).await.unwrap();
    crate::signals::interrupt(&child);
    gone(child).await.with_code(130);
    all_streams_closed(&sandbox).await;
    let run = home.json(&["log", "show", "-"]).await;
    assert_eq!(run["error_kind"], "interrupted");
    assert!(!run["response"]["message"]["text"].as_str().unwrap().is_empty(), "{run}");
    // The conversation goes on with what had come.
    ran(&mut home.against(&sandbox, &["chat", "-c", "-m", "openai/gpt-4o", "Go on"])).await.with_code(0);
    let body = questions(&sandbox).pop().unwrap().body;
    let roles: Vec<&str> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
}

#[tokio::test]
async fn conversation_goes_on_with_its_model_and_system_prompt() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let args = ["chat", "openai/gpt-4o", "My name is Ada", "--system", "Be brief."];
    ran(&mut home.against(&sandbox, &args)).await.with_code(0);
    ran(&mut home.against(&sandbox, &["chat", "openai/gpt-5", "Something else"])).await.with_code(0);
    let first = home.json(&["log", "search", "Ada"]).await["runs"][0]["conversation"].clone();
    let end = first.as_str().unwrap();
    let args = ["chat", "--conversation", &end[end.len() - 6..], "What is my name?"];
    ran(&mut home.against(&sandbox, &args)).await.with_code(0);
    ran(&mut home.against(&sandbox, &["chat", "-c", "Are you sure?"])).await.with_code(0);
    let body = questions(&sandbox).pop().unwrap().body;
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user", "assistant", "user"]);
    assert_eq!(
        (&body["model"], &messages[1]["content"]),
        (&"openai/gpt-4o".into(), &"My name is Ada".into())
    );
    let runs = home.json(&["log"]).await["runs"].as_array().unwrap().clone();
    assert_eq!(runs.iter().filter(|run| run["conversation"] == first).count(), 3);
    let none = ran(&mut home.bare(&["chat", "--conversation", "zzz", "Hi"])).await.with_code(2);
    assert_has(&none.err, &["there is no conversation \"zzz\""]);
    let empty = ran(&mut Home::new().bare(&["chat", "-c", "Hi"])).await.with_code(2);
    assert_has(&empty.err, &["there is no conversation yet"]);
}

#[tokio::test]
async fn sandbox_is_logged_apart() {
    let home = Home::new();
    ran(&mut home.bare(&["--sandbox", "chat", "openai/gpt-4o", "Hi"])).await.with_code(0);
    assert_eq!(home.json(&["log"]).await["runs"].as_array().unwrap().len(), 0);
    assert_eq!(home.json(&["--sandbox", "log"]).await["runs"].as_array().unwrap().len(), 1);
    assert_eq!(home.json(&["cost", "--by", "project"]).await["total"]["runs"], 0);
}

#[tokio::test]
async fn store_that_does_not_open_costs_no_answer() {
    let (sandbox, home) = (sandbox().await, Home::new());
    // A file in the place of the folder.
    std::fs::create_dir_all(home.data().parent().unwrap()).unwrap();
    std::fs::write(home.data(), "").unwrap();
    let ran = ran(&mut home.against(&sandbox, &["chat", "openai/gpt-4o", "Hi"])).await.with_code(0);
    assert!(!ran.out.is_empty());
    assert_has(&ran.err, &["this is not logged: "]);
}

#[tokio::test]
async fn template_asks_with_its_parameters_and_standard_input() {
    let (sandbox, home) = (sandbox().await, Home::new().config(""));
    let folder = ran(&mut home.bare(&["template", "path"])).await.with_code(0).out;
    let folder = Path::new(folder.trim());
    std::fs::create_dir_all(folder).unwrap();
    let schema = r#"{"type":"object"}"#;
    std::fs::write(folder.join("answer.json"), schema).unwrap();
    let text = "description = 'Reviews a change'\nmodel = 'openai/gpt-4o'\nsystem = 'You know {{language}}.'\n\
                prompt = 'Look for {{focus}}: {{input}}'\ndefaults = { focus = 'bugs' }\nschema = 'answer.json'\n\
                parameters = { temperature = 0 }\n";
    std::fs::write(folder.join("review.toml"), text).unwrap();
    let args = ["chat", "-t", "review", "-p", "language=Rust", "--top-p", "0.5"];
    ran_with_input(&mut home.against(&sandbox, &args), "fn main() {}\n").await.with_code(0);
    let body = questions(&sandbox).pop().unwrap().body;
    assert_eq!(body["messages"][0]["content"], "You know Rust.");
    assert_eq!(body["messages"][1]["content"], "Look for bugs: fn main() {}");
    assert_eq!((&body["temperature"], &body["top_p"]), (&0.0.into(), &0.5.into()));
    assert_eq!(body["response_format"]["type"], "json_schema");

    let missing = ["chat", "-t", "review", "Hi"];
    assert_has(&ran(&mut home.bare(&missing)).await.with_code(2).err, &["needs -p language=…"]);
    let unknown = ["chat", "-t", "reviw", "Hi"];
    assert_has(&ran(&mut home.bare(&unknown)).await.with_code(2).err, &["is review meant?"]);
    let listed = home.json(&["template", "list"]).await;
    assert_eq!(listed["templates"][0]["parameters"], serde_json::json!(["focus", "language"]));
    assert_eq!(ran(&mut home.bare(&["template", "show", "review"])).await.with_code(0).out, text);
    let mut edit = home.bare(&["template", "edit", "new"]);
    assert_has(&ran(edit.env("EDITOR", "true")).await.with_code(0).err, &["new.toml is fine"]);
    assert_has(
        &ran(&mut home.bare(&["template", "path", "../x"])).await.with_code(2).err,
        &["letters, digits"],
    );
}

#[tokio::test]
async fn fragments_stand_above_the_prompt() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let folder = home.0.path();
    std::fs::write(folder.join("b.txt"), "two\n").unwrap();
    std::fs::write(folder.join("a.txt"), "one").unwrap();
    let pattern = folder.join("*.txt").display().to_string();
    let args = ["chat", "openai/gpt-4o", "Compare them", "-f", &pattern];
    ran(&mut home.against(&sandbox, &args)).await.with_code(0);
    let sent = questions(&sandbox).pop().unwrap().body["messages"][0]["content"].clone();
    let path = folder.display();
    let expected = format!(
        "<file path=\"{path}/a.txt\">\none\n</file>\n\n<file path=\"{path}/b.txt\">\ntwo\n</file>\n\nCompare them"
    );
    assert_eq!(sent.as_str(), Some(&*expected));
    let none = ["chat", "openai/gpt-4o", "Hi", "-f", "no/such/*.rs"];
    assert_has(&ran(&mut home.against(&sandbox, &none)).await.with_code(2).err, &["no file fits"]);
}

#[tokio::test]
async fn price_is_estimated_and_limited_before_anything_is_sent() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let base = ["chat", "openai/gpt-4o", "Hello", "--max-tokens", "1000"];
    let shown = ran(&mut home.against(&sandbox, &[&base[..], &["--estimate"]].concat())).await.with_code(0);
    assert_has(&shown.out, &["openrouter:openai/gpt-4o: $0.01", "completion", "1,000", "context"]);
    let json = [&base[..], &["--estimate", "--json", "--seed", "1"]].concat();
    let json = ran(&mut home.against(&sandbox, &json)).await.with_code(0).json();
    assert_eq!(json["is_complete"], true);
    let dear = [&base[..], &["--max-cost", "0.001"]].concat();
    let refused = ran(&mut home.against(&sandbox, &dear)).await.with_code(4);
    assert_has(&refused.err, &["it may cost $0.01", "--max-cost is $0.001"]);
    // The definitions of tools are part of the prompt.
    let tokens = async |args: &[&str]| {
        let args = [&base[..], &["--estimate", "--json"], args].concat();
        let json = ran(&mut home.against(&sandbox, &args)).await.with_code(0).json();
        json["cost"]["parts"][0]["count"].as_u64().unwrap()
    };
    let alone = tokens(&[]).await;
    assert!(tokens(&["--tool", "weather=cat", "--allow-tools"]).await > alone);
    let unlisted = ["chat", "acme/unlisted", "Hi", "--max-cost", "1"];
    assert_has(&ran(&mut home.against(&sandbox, &unlisted)).await.with_code(5).err, &["price is not known"]);
    assert!(questions(&sandbox).is_empty());
    ran(&mut home.against(&sandbox, &[&base[..], &["--max-cost", "0.1"]].concat())).await.with_code(0);
    assert_eq!(questions(&sandbox).len(), 1);
}

#[tokio::test]
async fn older_name_starts_the_same_program() {
    let home = Home::new();
    let mut older = home.with(Command::new(env!("CARGO_BIN_EXE_provider-host")));
    older.args(["--sandbox", "chat", "openai/gpt-4o"]).stdout(std::process::Stdio::piped());
    older.stderr(std::process::Stdio::piped());
    assert!(!ran_with_input(&mut older, "Hello").await.with_code(0).out.is_empty());
    let mut refused = home.with(Command::new(env!("CARGO_BIN_EXE_provider-host")));
    assert_has(&ran(refused.arg("nonsense")).await.with_code(2).err, &["Usage: asq "]);
}
