//! Tools whose arguments are types.

#![cfg(feature = "schemars")]
#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use provider_core::schemars::{self, JsonSchema};
use provider_core::{
    ChatRequest, FunctionTool, LlmProviderExt, ResponseFormat, ToolCall, ToolErrorKind, ToolSet,
};
use provider_testing::{ScriptedProvider, Turn};
use serde::Deserialize;
use support::results;

#[derive(Deserialize, JsonSchema)]
struct Order {
    items: Vec<Item>,
}

#[derive(Deserialize, JsonSchema)]
struct Item {
    price: u32,
}

#[tokio::test]
async fn typed_tools_get_their_arguments_or_tell_the_model_where_they_do_not_fit() {
    #[derive(Deserialize, JsonSchema)]
    struct Nothing {}
    let tools = ToolSet::new()
        .typed("sum", "Sums the prices up", async |order: Order| {
            order.items.iter().map(|item| item.price).sum::<u32>().to_string()
        })
        .typed("now", "The time", async |_: Nothing| "noon");
    let calls = [
        ("sum", r#"{"items":[{"price":1},{"price":2}]}"#),
        ("sum", r#"{"items":[{"price":-1}]}"#),
        ("sum", "5"),
        ("now", ""),
        ("now", "null"),
    ];
    let scripted = ScriptedProvider::new([Turn::calls(calls), Turn::says(r#"{"price":3}"#)]);
    let request = ChatRequest::new("acme/model").user("Sum up").response_format(ResponseFormat::of::<Item>());
    let run = scripted.tool_loop(&tools).run(&request).await;
    let kinds: Vec<_> =
        run.calls().map(|called| called.result.as_ref().err().map(|error| error.kind())).collect();
    assert_eq!(kinds, [None, Some(ToolErrorKind::Arguments), Some(ToolErrorKind::Arguments), None, None]);
    let told = results(&run.request);
    assert_eq!((told[0].as_str(), told[3].as_str()), ("call_1_0: 3", "call_1_3: noon"));
    assert!(told[1].contains("the arguments do not fit: `items[0].price`: invalid value"), "{}", told[1]);
    let sum: Item = run.into_response().expect("an answer").parse().expect("an item");
    assert_eq!(sum.price, 3);
}

#[tokio::test]
async fn a_typed_tool_may_be_described_apart() {
    let strict = FunctionTool::strict_of::<Item>("price", "Takes a price").expect("strict");
    let tools = ToolSet::new().typed_as(strict.clone(), async |item: Item| item.price.to_string());
    assert_eq!(tools.definitions().collect::<Vec<_>>(), [&strict]);
    let call = |arguments: &str| tools.call(ToolCall::new("1", "price", arguments));
    assert_eq!(call(r#"{"price":5}"#).await, Ok("5".into()));
    assert_eq!(call("{").await.map_err(|error| error.kind()), Err(ToolErrorKind::Arguments));
    let unknown = tools.call(ToolCall::new("1", "cost", "{}")).await;
    assert_eq!(unknown.map_err(|error| error.kind()), Err(ToolErrorKind::UnknownTool));
}
