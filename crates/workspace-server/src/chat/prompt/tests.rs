use provider_core::{ChatRequest, Message, ToolCall};
use serde_json::json;

use super::{fit, remembered, request};
use crate::node::{AgentNode, ContextStrategy, ContextWindow};

fn window(strategy: ContextStrategy, max_tokens: u64) -> ContextWindow {
    let json = json!({"max_tokens": max_tokens, "reserve_for_output": 10});
    ContextWindow { strategy, ..serde_json::from_value(json).unwrap() }
}

/// Two old turns, the second with a tool, and a question; each message counts as 29 tokens or 4.
fn conversation() -> Vec<Message> {
    let mut calling = provider_core::AssistantMessage::default();
    calling.tool_calls.push(ToolCall::new("c1", "", ""));
    let long = "a".repeat(100);
    vec![
        Message::user(&*long),
        Message::assistant(&*long),
        Message::user(&*long),
        calling.into(),
        Message::tool("c1", &*long),
        Message::assistant(&*long),
        Message::user("last"),
    ]
}

#[test]
fn truncate_drops_whole_turns_from_the_oldest() {
    let mut full =
        conversation().into_iter().fold(ChatRequest::new("m").system("be kind"), ChatRequest::message);
    let trimmed = fit(&mut full, &window(ContextStrategy::Truncate, 120), Some(1000)).unwrap().unwrap();
    assert_eq!(trimmed.removed_messages, 2);
    let kept: Vec<Message> = full.messages.iter().cloned().collect();
    assert_eq!(kept[0], Message::system("be kind"));
    assert_eq!(kept[1..], conversation()[2..]);
    assert!(fit(&mut full, &window(ContextStrategy::Truncate, 120), None).unwrap().is_none(), "it fits now");
}

#[test]
fn error_strategy_and_a_long_question_are_refused() {
    let full = conversation().into_iter().fold(ChatRequest::new("m"), ChatRequest::message);
    let refused = fit(&mut full.clone(), &window(ContextStrategy::Error, 1000), Some(50)).unwrap_err();
    assert_eq!(refused.code, "context_overflow");
    let mut alone = ChatRequest::new("m").user("a".repeat(400));
    assert!(fit(&mut alone, &window(ContextStrategy::Truncate, 50), None).is_err());
}

#[test]
fn memory_begins_with_a_question_and_keeps_the_one_under_way() {
    let history = || conversation()[..6].to_vec();
    let question = [Message::user("next")];
    assert_eq!(remembered(history(), true, None, &question).len(), 6);
    assert_eq!(remembered(history(), true, Some(5), &question).len(), 4, "from the second question on");
    assert_eq!(remembered(history(), true, Some(2), &question).len(), 0, "no question is among the last two");
    assert_eq!(remembered(history(), false, None, &question).len(), 0);
    let result = [Message::tool("c1", "x")];
    assert_eq!(remembered(conversation()[..4].to_vec(), false, None, &result).len(), 2);
}

#[test]
fn request_refuses_parameters_that_no_wire_knows() {
    let node = |config: serde_json::Value| {
        AgentNode::read(&json!({"type": "ai-agent-node", "config": config}).into()).unwrap()
    };
    let ask = |config| request(&node(config), "m", Vec::new(), &[Message::user("hi")], &Default::default());
    let refused = ask(json!({"x_provider": {"request": {"tempreture": 1}}})).unwrap_err();
    assert_eq!(refused.problems[0].field, "node.config.x_provider.request.tempreture");
    let refused = ask(json!({"temperature": "hot"})).unwrap_err();
    assert_eq!(refused.problems[0].field, "node.config.temperature");
    let routed = ask(json!({"x_provider": {"parameters": {"openrouter": {"provider": {"sort": "price"}}}}}));
    assert_eq!(routed.unwrap().extra["openrouter"]["provider"], json!({"sort": "price"}));
}
