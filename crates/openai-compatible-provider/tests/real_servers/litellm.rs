//! LiteLLM's proxy, with answers of its own.

use provider_core::{ChatRequest, ErrorKind, FinishReason, FunctionTool, LlmProvider as _};

use crate::{both, check_tells_keys_apart, client, origin};

const LITELLM: &str = "REAL_LITELLM";

fn request(model: &str) -> ChatRequest {
    ChatRequest::new(model).user("Hello")
}

#[tokio::test]
async fn litellm_answers_whole_and_streamed() {
    let Some(origin) = origin(LITELLM) else { return };
    for answer in both(&client(&origin, []), &request("tiny")).await {
        let answer = answer.expect("an answer");
        assert_eq!((answer.text(), &answer.finish_reason), (r#"{"a": "x"}"#, &Some(FinishReason::Stop)));
        assert!(answer.id.is_some() && answer.usage.completion_tokens.is_some(), "{:?}", answer.usage);
    }
}

#[tokio::test]
async fn litellm_calls_a_tool() {
    let Some(origin) = origin(LITELLM) else { return };
    let request = request("tools").tool(FunctionTool::new("f", "A function"));
    // Its streams have no tool calls that were made up.
    let answer = client(&origin, []).chat(&request).await.expect("an answer");
    let calls = answer.tool_calls();
    assert_eq!((calls.len(), &*calls[0].name, &*calls[0].arguments), (1, "f", r#"{"a": "x"}"#));
}

#[tokio::test]
async fn litellm_lists_its_models() {
    let Some(origin) = origin(LITELLM) else { return };
    let catalogue = client(&origin, []).models().await.expect("a list");
    let mut models: Vec<_> = catalogue.models.iter().map(|model| &*model.id).collect();
    models.sort_unstable();
    assert_eq!(models, ["busy", "slow", "tiny", "tools"]);
}

#[tokio::test]
async fn check_of_litellm_tells_keys_apart() {
    let Some(origin) = origin(LITELLM) else { return };
    check_tells_keys_apart(&origin).await;
}

#[tokio::test]
async fn errors_of_litellm_have_kind_and_words() {
    let Some(origin) = origin(LITELLM) else { return };
    let client = client(&origin, []);
    for (model, kind) in [("nope", ErrorKind::ModelNotFound), ("busy", ErrorKind::RateLimited)] {
        for answer in both(&client, &request(model)).await {
            let error = answer.expect_err(model);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.message().len() > 10, "{error}");
        }
    }
}

#[tokio::test]
async fn slow_answer_of_litellm_ends_in_a_timeout() {
    let Some(origin) = origin(LITELLM) else { return };
    let client = client(&origin, [("read_timeout", "1")]);
    let error = client.chat(&request("slow")).await.expect_err("too slow");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}
