//! Tests of complete answers that are not of the requested form: each kind has an exit code.

use fault_server::{FaultServer, Script};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{KEY, Ran, assert_has, binary, ran, run, test_file};

/// A service that answers every request with this choice, streamed or not.
async fn service(text: &str, finish: &str) -> FaultServer {
    let (text, finish) = (text.to_owned(), finish.to_owned());
    let answer = move |request: &fault_server::Request| {
        let streamed = String::from_utf8_lossy(&request.body).contains("\"stream\":true");
        let object = if streamed { "delta" } else { "message" };
        let choice =
            json!({"index": 0, "finish_reason": finish, object: {"role": "assistant", "content": text}});
        let body = json!({"id": "gen-1", "model": "a/b", "choices": [choice], "usage": {
            "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1,
        }});
        match streamed {
            true => Script::new(200)
                .header("content-type", "text/event-stream")
                .write(format!("data: {body}\n\ndata: [DONE]\n\n")),
            false => Script::json(200, body.to_string()),
        }
    };
    FaultServer::start(answer).await.unwrap()
}

fn asked(server: &FaultServer, args: &[&str]) -> Command {
    let mut command = binary();
    command.env("OPENROUTER_API_KEY", KEY).env("OPENROUTER_BASE_URL", format!("{}/api/v1", server.url()));
    command.args(["chat", "a/b", "Hello"]).args(args);
    command
}

/// Runs `chat` in every form, and checks exit code and message.
async fn all_forms(text: &str, finish: &str, args: &[&str], code: i32, said: &[&str]) {
    let server = service(text, finish).await;
    for form in [&[][..], &["--no-stream"], &["--json"], &["--json", "--no-stream"]] {
        let ran: Ran = ran(&mut asked(&server, &[args, form].concat())).await.with_code(code);
        assert_has(&ran.err, said);
        let errors = ran.err.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, usize::from(code != 0), "{}", ran.err);
        if form.contains(&"--json") {
            let json: Value = ran.json();
            assert_eq!(json["response"]["message"]["text"], text, "the answer is there all the same");
            assert_eq!(json.get("problem").is_some(), code != 0, "{json}");
        } else {
            assert_eq!(ran.out, format!("{text}\n"));
        }
    }
}

#[tokio::test]
async fn cut_off_answer_exits_with_10() {
    let said = ["a token limit cut the answer off", "hint: raise --max-tokens", "finish length"];
    all_forms("Half an ans", "length", &[], 10, &said).await;
}

#[tokio::test]
async fn filtered_answer_exits_with_9() {
    for word in ["content_filter", "content_filtered", "SAFETY", "refusal"] {
        all_forms("Half an ans", word, &[], 9, &["a content filter stopped the answer"]).await;
    }
}

#[tokio::test]
async fn refusal_exits_with_9_and_is_quoted() {
    for form in [&[][..], &["--no-stream"]] {
        let ran = run(&[&["chat", "sandbox/refusal", "Hello"], form].concat()).await.with_code(9);
        assert_has(&ran.err, &["error: content policy: the model refused: I am sorry"]);
    }
    let json = run(&["chat", "sandbox/refusal", "Hello", "--json"]).await.with_code(9).json();
    assert_eq!(json["problem"]["kind"], "content_policy");
}

#[tokio::test]
async fn json_that_violates_its_schema_exits_with_11() {
    let schema = test_file(
        "verdicts/person.json",
        br#"{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"]}"#,
    );
    let with_schema = ["--json-schema", &*schema];
    all_forms(r#"{"name":"Ada","age":36}"#, "stop", &with_schema, 0, &["finish stop"]).await;
    all_forms(" {\"age\":1,\"name\":\"\"} \n ", "stop", &with_schema[..0], 0, &[]).await;
    for (text, said) in [
        (r#"{"name":"Ada","age":"old"}"#, "  /age: "),
        (r#"{"name":"Ada"}"#, "  the whole answer: \"age\" is a required property"),
        ("[]", "the answer does not fit the schema"),
        ("Ada is 36.", "the answer is no JSON"),
        ("```json\n{}\n```", "Markdown fence"),
        (r#"{"name":"Ada","#, "the answer is no JSON"),
    ] {
        all_forms(text, "stop", &with_schema, 11, &["error: invalid output: ", said]).await;
    }
    // An answer that is cut off and invalid counts as cut off.
    all_forms(r#"{"name":"Ada","#, "length", &with_schema, 10, &["cut the answer off"]).await;
}

#[tokio::test]
async fn json_object_format_requires_an_object() {
    all_forms("{}", "stop", &["--json-object"], 0, &[]).await;
    all_forms("[1]", "stop", &["--json-object"], 11, &["JSON, but no object"]).await;
}

#[tokio::test]
async fn invalid_schema_is_refused_before_sending() {
    let server = service("{}", "stop").await;
    let schema = test_file("verdicts/none.json", br#"{"type":"people"}"#);
    let ran = ran(&mut asked(&server, &["--json-schema", &schema])).await.with_code(2);
    assert_has(&ran.err, &["--json-schema: is no JSON Schema", "/type"]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn sandbox_keeps_schema_and_token_limit() {
    let schema = test_file(
        "verdicts/city.json",
        br#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}"#,
    );
    run(&["chat", "openai/gpt-4o", "A city", "--json-schema", &schema]).await.with_code(0);
    run(&["chat", "openai/gpt-4o", "Hello", "--max-tokens", "2"]).await.with_code(10);
    run(&["chat", "openai/gpt-4o", "Rain?", "--json-object", "--no-stream"]).await.with_code(0);
}

#[tokio::test]
async fn compare_succeeds_with_one_good_answer() {
    let all = ["compare", "Hello", "openai/gpt-4o", "openai/gpt-5", "--max-tokens", "2"];
    let ran = run(&all).await.with_code(10);
    assert_eq!(ran.out.matches("error: answer truncated").count(), 2, "{}", ran.out);
    assert_eq!(ran.err.matches("hint: raise --max-tokens").count(), 1, "each advice once: {}", ran.err);
    let json = run(&[&all[..], &["--json"]].concat()).await.with_code(10).json();
    assert_eq!(
        (&json["problems"][1]["index"], &json["problems"][1]["problem"]["kind"]),
        (&1.into(), &"truncated".into())
    );
    let ran = run(&["compare", "Hello", "sandbox/refusal", "openai/gpt-4o"]).await.with_code(0);
    assert_has(&ran.out, &["error: content policy: the model refused"]);
    let json = run(&["compare", "Hello", "openai/gpt-4o", "--json"]).await.with_code(0).json();
    assert_eq!(json.get("problems"), None);
}
