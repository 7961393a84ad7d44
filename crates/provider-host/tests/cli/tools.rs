//! Tests of tools that the program runs: commands of the shell, and servers of the Model Context Protocol.

use std::fs::File;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use openrouter_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{
    KEY, Ran, against, assert_has, binary, gone, questions, ran, sandbox, test_file, until,
};
use crate::terminal::terminal;

const ASK: [&str; 3] = ["chat", "openai/gpt-4o", "What does the clock say?"];

/// A run of a question that makes the sandbox call the tool `clock`.
fn clock(sandbox: &Sandbox, command: &str, more: &[&str]) -> Command {
    let tool = format!("clock={command}");
    against(sandbox, &[&ASK[..], &["--tool", &tool], more].concat())
}

/// The message with the result of the first call, as the service got it.
fn result(sandbox: &Sandbox) -> Value {
    let messages = questions(sandbox)[1].body["messages"].as_array().unwrap().clone();
    messages.into_iter().find(|message| message["role"] == "tool").unwrap()
}

fn schema(name: &str, schema: Value) -> String {
    test_file(name, schema.to_string().as_bytes())
}

#[tokio::test]
async fn tool_runs_and_the_model_answers_with_its_result() {
    let sandbox = sandbox().await;
    let ran = ran(&mut clock(&sandbox, "echo ten past four", &["--allow-tools"])).await.with_code(0);
    assert_has(&ran.out, &["ten past four"]);
    assert_has(&ran.err, &["clock(", ") returned after ", ": ten past four", "2 answers"]);
    assert_eq!(result(&sandbox)["content"], "ten past four\n");
    let whole = ["--allow-tools", "--no-stream"];
    let whole = crate::support::ran(&mut clock(&sandbox, "echo ten past four", &whole)).await.with_code(0);
    assert_has(&whole.out, &["ten past four"]);
    assert_has(&whole.err, &[") returned after "]);
    let offered = &questions(&sandbox)[0].body["tools"][0]["function"];
    assert_has(offered["description"].as_str().unwrap(), &["`echo ten past four`"]);
}

#[tokio::test]
async fn tool_gets_its_arguments_on_standard_input() {
    let sandbox = sandbox().await;
    let file = schema(
        "clock.json",
        json!({"description": "Tells the time", "type": "object", "required": ["zone"],
               "properties": {"zone": {"type": "string"}}, "additionalProperties": false}),
    );
    let flags = ["--allow-tools=clock", "--tool-schema", &format!("clock={file}"), "--json"];
    let ran = ran(&mut clock(&sandbox, "cat; printf ' by the clock'", &flags)).await.with_code(0);
    let json = ran.json();
    let call = &json["tool_calls"][0];
    let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
    assert!(arguments["zone"].is_string(), "{arguments}");
    let expected = format!("{} by the clock", call["arguments"].as_str().unwrap());
    assert_eq!((&call["name"], &call["result"]), (&json!("clock"), &json!(expected)));
    let costs: Vec<f64> = [&json["earlier"][0], &json["response"]]
        .map(|answer| answer["usage"]["cost"].as_f64().unwrap())
        .to_vec();
    let sum = json["usage"]["cost"].as_f64().unwrap();
    assert!((costs.iter().sum::<f64>() - sum).abs() < 1e-9, "{costs:?} {sum}");
    let function = &questions(&sandbox)[0].body["tools"][0]["function"];
    assert_eq!(function["description"], "Tells the time");
}

#[tokio::test]
async fn failing_tool_is_told_to_the_model() {
    let sandbox = sandbox().await;
    let command = "echo half a result; echo no battery >&2; exit 3";
    let ran = ran(&mut clock(&sandbox, command, &["--allow-tools"])).await.with_code(0);
    assert_has(&ran.err, &["clock(", ") failed after ", "the command failed (exit status: 3)"]);
    let told = result(&sandbox)["content"].as_str().unwrap().to_owned();
    assert_has(&told, &["(exit status: 3)", "standard error: no battery", "standard output: half a result"]);
}

#[tokio::test]
async fn arguments_that_do_not_fit_run_no_tool() {
    let sandbox = sandbox().await;
    // The sandbox fills a schema by its type, and knows no pattern.
    let file = schema(
        "strict.json",
        json!({"type": "object", "required": ["zone"],
        "properties": {"zone": {"type": "string", "pattern": "^[0-9]{40}$"}}}),
    );
    let marker = test_file("ran-anyway", b"");
    std::fs::remove_file(&marker).unwrap();
    let command = format!("touch {marker}");
    let flags = ["--allow-tools", "--tool-schema", &format!("clock={file}")];
    ran(&mut clock(&sandbox, &command, &flags)).await.with_code(0);
    assert_has(result(&sandbox)["content"].as_str().unwrap(), &["the arguments do not fit: /zone: "]);
    assert!(!std::path::Path::new(&marker).exists());
}

#[tokio::test]
async fn slow_tool_is_stopped_with_all_that_it_started() {
    let sandbox = sandbox().await;
    let marker = test_file("slow-tool", b"");
    std::fs::remove_file(&marker).unwrap();
    let command = format!("(sleep 3; touch {marker}) & sleep 600");
    let started = Instant::now();
    ran(&mut clock(&sandbox, &command, &["--allow-tools", "--tool-timeout", "0.5"])).await.with_code(0);
    assert_has(result(&sandbox)["content"].as_str().unwrap(), &["was stopped after 0.5 s"]);
    tokio::time::sleep(Duration::from_millis(4_000).saturating_sub(started.elapsed())).await;
    assert!(!std::path::Path::new(&marker).exists(), "a process of the tool lives on");
}

#[tokio::test]
async fn endless_output_is_cut() {
    let sandbox = sandbox().await;
    ran(&mut clock(&sandbox, "yes tick", &["--allow-tools"])).await.with_code(0);
    let told = result(&sandbox)["content"].as_str().unwrap().to_owned();
    assert!(told.len() < 70_000, "{}", told.len());
    assert_has(&told, &["tick\ntick\n", "[cut here: the command wrote more than 65536 bytes]"]);
}

#[tokio::test]
async fn tool_sees_no_key() {
    let sandbox = sandbox().await;
    let mut command = clock(&sandbox, "env", &["--allow-tools", "--set-env", "site_name=NAMED"]);
    command.env("COPY_OF_IT", KEY).env("HOST_MASTER_KEY", "sealed").env("NAMED", "by a flag");
    command.env("HARMLESS", "is kept");
    ran(&mut command).await.with_code(0);
    let told = result(&sandbox)["content"].as_str().unwrap().to_owned();
    assert_has(&told, &["HARMLESS=is kept"]);
    for secret in [KEY, "OPENROUTER_API_KEY", "COPY_OF_IT", "HOST_MASTER_KEY", "NAMED"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[tokio::test]
async fn tool_that_nobody_can_be_asked_about_is_refused_before_a_request() {
    let sandbox = sandbox().await;
    for more in [&[][..], &["--tool", "other=true", "--allow-tools=other"]] {
        let ran = ran(&mut clock(&sandbox, "date", more)).await.with_code(2);
        assert_has(&ran.err, &["clock may not run", "no terminal", "--allow-tools=clock"]);
    }
    let ran = ran(&mut clock(&sandbox, "date", &["--allow-tools=clok"])).await.with_code(2);
    assert_has(&ran.err, &["there is no tool \"clok\", only clock"]);
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn limit_of_turns_ends_the_run() {
    let sandbox = sandbox().await;
    let limit = ["--allow-tools", "--json", "--max-turns", "1"];
    let ran = ran(&mut clock(&sandbox, "date", &limit)).await.with_code(1);
    assert_has(&ran.err, &["error: limit reached: ", "--max-turns"]);
    let json = ran.json();
    assert_eq!(json["error"]["kind"], "limit_reached");
    assert!(json["error"]["partial"]["usage"]["cost"].as_f64().unwrap() > 0.0, "{json}");
    assert_eq!(questions(&sandbox).len(), 1);
}

#[tokio::test]
async fn limit_of_money_refuses_the_first_turn_that_may_exceed_it() {
    let sandbox = sandbox().await;
    let limit = ["--allow-tools", "--json", "--max-cost", "0.0000001"];
    let ran = ran(&mut clock(&sandbox, "date", &limit)).await.with_code(4);
    assert_eq!(ran.json()["error"]["kind"], "payment_required");
    assert!(questions(&sandbox).is_empty());
}

#[tokio::test]
async fn time_limit_and_interrupt_stop_the_tool_at_work() {
    let sandbox = sandbox().await;
    let timed = ["--allow-tools", "--max-seconds", "1"];
    let ran = ran(&mut clock(&sandbox, "sleep 600", &timed)).await.with_code(7);
    assert_has(&ran.err, &["there was no complete answer within 1 s"]);

    let marker = test_file("tool-at-work", b"");
    std::fs::remove_file(&marker).unwrap();
    let command = format!("touch {marker}; sleep 600");
    let child = clock(&sandbox, &command, &["--allow-tools", "--json"]).spawn().unwrap();
    until("the tool", || std::path::Path::new(&marker).exists()).await;
    let id = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let ran = gone(child).await.with_code(130);
    assert_eq!(ran.json()["error"]["kind"], "interrupted");
    assert!(ran.json()["error"]["partial"].is_object());
}

#[tokio::test]
async fn bad_flags_name_the_tool() {
    let sandbox = sandbox().await;
    let no_schema = test_file("no-schema.json", b"{\"type\": 7}");
    for (flags, said) in [
        (&["--tool", "a b=true"][..], "--tool a b: a name has"),
        (&["--tool", "clock= "], "no command behind the ="),
        (&["--tool", "x=true", "--tool", "x=false"], "two tools have this name"),
        (&["--tool", "x=true", "--tool-schema", "y=f"], "there is no --tool y=COMMAND"),
        (&["--tool", "x=true", "--tool-schema", "x=missing.json"], "missing.json: No such file"),
        (&["--tool", "x=true", "--tool-schema", &format!("x={no_schema}")], "is no JSON Schema"),
        (&["--allow-tools"], "--tool <NAME=COMMAND>"),
    ] {
        let allow = if flags[0] == "--tool" { &["--allow-tools"][..] } else { &[] };
        let ran = ran(&mut against(&sandbox, &[&ASK[..], flags, allow].concat())).await.with_code(2);
        assert_has(&ran.err, &[said]);
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn dry_run_offers_tools_and_runs_none() {
    let file = schema(
        "list.json",
        json!([{"type": "function", "function": {"name": "clock",
        "description": "From the list", "parameters": {"type": "object", "properties": {}}}}]),
    );
    let mut command = binary();
    command.args(ASK).args(["--tool", "clock=exit 1", "--tools", &file, "--dry-run"]);
    let body = ran(&mut command).await.with_code(0).json();
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(body["tools"][0]["function"]["description"], "From the list");
}

#[tokio::test]
async fn person_at_the_terminal_is_asked() {
    for (answer, said) in [("y\n", "ten past four"), ("\n", "the user does not want this call to run")] {
        let sandbox = sandbox().await;
        let (screen, program) = terminal(60);
        let mut keyboard = screen.try_clone().unwrap();
        let mut command = clock(&sandbox, "echo ten past four", &["--color", "never"]);
        command.stdin(program.try_clone().unwrap()).stderr(program);
        let child = command.spawn().unwrap();
        drop(command);
        let seen = read_until(screen.try_clone().unwrap(), "[N]o: ").await;
        assert_has(&seen, &["The model wants to run clock: echo ten past four", "  with {"]);
        keyboard.write_all(answer.as_bytes()).unwrap();
        // Everything on the screen is read, or the program would wait for room.
        let rest = tokio::task::spawn_blocking(move || drain(screen));
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success());
        let rest = rest.await.unwrap();
        assert!(result(&sandbox)["content"].as_str().unwrap().contains(said), "{rest}");
    }
}

/// Reads a terminal until it shows this.
async fn read_until(mut screen: File, end: &'static str) -> String {
    let read = tokio::task::spawn_blocking(move || {
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !seen.ends_with(end.as_bytes()) && screen.read(&mut byte).is_ok_and(|count| count > 0) {
            seen.push(byte[0]);
        }
        seen
    });
    String::from_utf8(read.await.unwrap()).unwrap().replace("\r\n", "\n")
}

fn drain(mut screen: File) -> String {
    let mut bytes = Vec::new();
    let _ = screen.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A server of the protocol in the language of the shell: the tools `clock`, which returns its arguments, and
/// `alarm`, which fails.
#[cfg(feature = "mcp")]
const SERVER: &str = r#"
echo "the server was started" >&2
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  say() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
  case "$line" in
    *'"initialize"'*) say '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"t","version":"1"}}' ;;
    *'"tools/list"'*) say '{"tools":[{"name":"clock","description":"Tells the time","inputSchema":{"type":"object","properties":{"zone":{"type":"string"}},"required":["zone"]}},{"name":"bell.rings","inputSchema":{"type":"object"}}]}' ;;
    *'"bell.rings"'*) say '{"content":[{"type":"text","text":"no bell here"}],"isError":true}' ;;
    *'"tools/call"'*) say '{"content":[{"type":"text","text":"ten past four"}]}' ;;
  esac
done
touch "$0.ended"
"#;

#[cfg(feature = "mcp")]
async fn with_server(name: &str, prompt: &str, more: &[&str]) -> (Ran, Sandbox, String) {
    let sandbox = sandbox().await;
    let script = test_file(name, SERVER.as_bytes());
    let server = format!("time=sh {script}");
    let base = ["chat", "openai/gpt-4o", prompt, "--mcp", &server, "--allow-tools=time"];
    let ran = ran(&mut against(&sandbox, &[&base[..], more].concat())).await;
    (ran, sandbox, script)
}

#[cfg(feature = "mcp")]
#[tokio::test]
async fn tools_of_an_mcp_server_are_called() {
    let (ran, sandbox, script) = with_server("server.sh", ASK[2], &[]).await;
    let ran = ran.with_code(0);
    assert_has(&ran.out, &["ten past four"]);
    assert_has(&ran.err, &["time__clock(", "returned after"]);
    let tools = &questions(&sandbox)[0].body["tools"];
    let names: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["function"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["time__clock", "time__bell_rings"]);
    assert_eq!(tools[0]["function"]["description"], "Tells the time");
    assert_eq!(tools[0]["function"]["parameters"]["required"], json!(["zone"]));
    assert_eq!(result(&sandbox)["content"], "ten past four");
    // It was told to end, and not killed.
    assert!(std::path::Path::new(&format!("{script}.ended")).exists());
}

#[cfg(feature = "mcp")]
#[tokio::test]
async fn error_of_an_mcp_tool_is_told_to_the_model() {
    let (ran, sandbox, _) = with_server("server-2.sh", "Has the bell a sound?", &[]).await;
    assert_has(&ran.with_code(0).err, &["time__bell_rings(", "failed after", "no bell here"]);
    assert_has(result(&sandbox)["content"].as_str().unwrap(), &["Error: no bell here"]);
}

#[cfg(feature = "mcp")]
#[tokio::test]
async fn mcp_server_that_does_not_start_says_why() {
    let sandbox = sandbox().await;
    for command in ["echo no such database >&2; exit 1", "no-such-program-anywhere"] {
        let server = format!("db={command}");
        let ran =
            ran(&mut against(&sandbox, &[&ASK[..], &["--mcp", &server, "--allow-tools"]].concat())).await;
        let said = if command.contains("database") { "no such database" } else { "not found" };
        assert_has(
            &ran.with_code(2).err,
            &["--mcp db: does not speak the protocol", "standard error: ", said],
        );
    }
    let bad =
        ran(&mut against(&sandbox, &[&ASK[..], &["--mcp", "a__b=true", "--allow-tools"]].concat())).await;
    assert_has(&bad.with_code(2).err, &["--mcp a__b: a name has"]);
    assert!(sandbox.requests().is_empty());
}
