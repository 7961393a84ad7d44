//! The tool loop and structured output over sockets, against the sandbox: it calls the tools that a prompt
//! asks for, and fills the schemas that it is sent.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Arc;

use openrouter_provider::OpenRouter;
use openrouter_provider::options::{DataCollection, OpenRouterOptions, ProviderPreferences};
use openrouter_sandbox::Sandbox;
use provider_core::schemars::{self, JsonSchema};
use provider_core::{
    ChatRequest, Effort, ErrorKind, Event, FunctionTool, Json, JsonSchema as Format, LlmProvider,
    LlmProviderExt, LoopEvent, Reasoning, ResponseFormat, RunOutcome, ToolChoice, ToolSet, Usd,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const MODELS: [&str; 3] = ["openai/gpt-4o", "anthropic/claude-sonnet-4.5", "google/gemini-2.5-flash"];

fn provider(sandbox: &Sandbox) -> Arc<dyn LlmProvider> {
    let builder = OpenRouter::builder().api_key("sk-or-v1-test").base_url(sandbox.base_url());
    Arc::new(builder.build().expect("good settings"))
}

#[derive(Deserialize, JsonSchema)]
struct City {
    /// The city's name
    city: String,
}

#[derive(Serialize)]
struct Weather {
    celsius: i8,
}

fn tools() -> ToolSet<'static> {
    ToolSet::new()
        .typed("get_weather", "Forecast for a city", async |args: City| {
            assert!(!args.city.is_empty());
            Json(Weather { celsius: 18 })
        })
        .untyped(FunctionTool::new("get_time", "Clock of a city"), |_call| async { "noon" })
}

#[tokio::test]
async fn tools_are_called_until_the_model_answers() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let (provider, tools) = (provider(&sandbox), tools());
    for model in MODELS {
        for watched in [false, true] {
            let request = ChatRequest::new(model).user("What are the weather and the time in Rome?");
            let (mut text, mut finished) = (String::new(), 0);
            let mut looping = provider.tool_loop(&tools).max_turns(3);
            if watched {
                looping = looping.watch(|event| match event {
                    LoopEvent::Model(Event::Text(piece)) => text.push_str(&piece),
                    LoopEvent::ToolFinished(_) => finished += 1,
                    _ => {}
                });
            }
            let run = looping.run(&request).await;
            assert_eq!(run.outcome, RunOutcome::Answered, "{model}");
            let names: Vec<&str> = run.calls().map(|called| called.call.name.as_str()).collect();
            assert_eq!(names, ["get_weather", "get_time"], "{model}");
            let costs = run.steps.iter().filter_map(|step| step.response.usage.cost);
            assert!(run.cost() > Usd::ZERO && run.cost() == costs.sum());
            let sent = sandbox.requests();
            let sent = &sent.last().expect("a request").body;
            assert_eq!(sent["stream"] == json!(true), watched);
            assert_eq!(sent["messages"][2]["content"], json!(r#"{"celsius":18}"#));
            assert_eq!(sent["messages"][3]["content"], json!("noon"));
            let reply = run.into_response().expect("an answer");
            assert!(reply.text().contains("noon"), "{model}: {}", reply.text());
            assert_eq!(finished, if watched { 2 } else { 0 });
            assert_eq!(text.ends_with(reply.text()), watched);
        }
    }
}

#[tokio::test]
async fn a_forced_tool_does_not_loop_for_ever() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let (provider, tools) = (provider(&sandbox), tools());
    let request = ChatRequest::new("openai/gpt-4o").user("Hello").tool_choice(ToolChoice::Required);
    let run = provider.tool_loop(&tools).run(&request).await;
    assert_eq!((run.outcome, run.steps.len()), (RunOutcome::Answered, 2));
}

#[tokio::test]
async fn what_goes_wrong_on_the_wire_is_told_by_the_run() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let (provider, tools) = (provider(&sandbox), tools());
    let run = provider.tool_loop(&tools).run(&ChatRequest::new("sandbox/rate-limit").user("Hi")).await;
    assert_eq!(run.into_response().expect_err("too many requests").kind(), ErrorKind::RateLimited);
    let run =
        provider.tool_loop(&tools).run(&ChatRequest::new("sandbox/truncated-tool-call").user("Hi")).await;
    assert_eq!(run.outcome, RunOutcome::Truncated);
    assert_eq!(run.calls().count(), 0);
}

/// An order of a customer
#[derive(Debug, Deserialize, JsonSchema)]
struct Order {
    customer: String,
    items: Vec<Item>,
    /// How it is paid
    payment: Payment,
    note: Option<String>,
    #[serde(default)]
    express: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Item {
    name: String,
    price: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Payment {
    Card { number: String },
    Cash,
}

#[tokio::test]
async fn an_answer_comes_in_the_form_of_a_type() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let provider = provider(&sandbox);
    for model in MODELS {
        let request = ChatRequest::new(model).user("Ada orders 2 teapots and pays by card.");
        let order = provider.extract::<Order>(&request).await.expect("an order");
        assert!(order.response.usage.cost > Some(Usd::ZERO));
        let order = order.into_value();
        assert!(!order.customer.is_empty() && order.note.is_some() && order.items[0].price.is_some());
        assert!(
            matches!(&order.payment, Payment::Card { number } if !number.is_empty()) && order.express,
            "every property is asked for"
        );
        let sent = sandbox.requests();
        let format = &sent.last().expect("a request").body["response_format"];
        assert_eq!(format["json_schema"]["name"], json!("Order"));
        assert_eq!(format["json_schema"].get("strict"), None, "not unless asked for");
        assert_eq!(format["json_schema"]["schema"]["additionalProperties"], json!(false));
    }
    let strict = Format::strict_of::<Order>().expect("strict");
    let request = ChatRequest::new("openai/gpt-4o").user("A teapot").response_format(strict);
    provider.extract::<Order>(&request).await.expect("an order");
    let sent = sandbox.requests();
    let sent = &sent.last().expect("a request").body["response_format"];
    assert_eq!(sent["json_schema"]["strict"], json!(true));
    let text = sent["json_schema"]["schema"]["properties"].to_string();
    let places: Vec<_> =
        ["customer", "items", "payment", "note", "express"].map(|name| text.find(name)).into();
    assert!(places.is_sorted() && places[0].is_some(), "in the order of the fields: {text}");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_kept() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let provider = provider(&sandbox);
    let request = ChatRequest::new("openai/gpt-4o").user("A teapot").max_tokens(3);
    let error = provider.extract::<Order>(&request).await.expect_err("half an order");
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    let partial = error.partial().expect("what came");
    assert!(!partial.text().is_empty() && partial.usage.cost > Some(Usd::ZERO));
}

#[tokio::test]
async fn a_loop_can_end_in_a_type() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let (provider, tools) = (provider(&sandbox), tools());
    let request = ChatRequest::new("openai/gpt-4o")
        .user("The weather in Rome, as an item")
        .response_format(ResponseFormat::of::<Item>());
    let run = provider.tool_loop(&tools).run(&request).await;
    assert_eq!(run.steps.len(), 2);
    let item: Item = run.into_response().expect("an answer").parse().expect("an item");
    assert!(!item.name.is_empty());
}

#[tokio::test]
async fn turns_keep_to_the_upstream_that_signed_their_thoughts() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let provider = provider(&sandbox);
    let preferences =
        ProviderPreferences::new().order(["google-vertex"]).data_collection(DataCollection::Deny);
    let question = ChatRequest::new("anthropic/claude-sonnet-4.5")
        .user("What are the weather and the time in Rome?")
        .reasoning(Reasoning::effort(Effort::Low))
        .options(OpenRouterOptions::new().provider(preferences));
    for is_pinned in [true, false] {
        let before = sandbox.requests().len();
        let tools = tools();
        let looping = provider.tool_loop(&tools);
        let run = if is_pinned { looping.pin_upstream() } else { looping }.run(&question).await;
        assert_eq!(run.outcome, RunOutcome::Answered);
        let first = &run.steps[0].response;
        assert!(first.message.has_signed_reasoning());
        let upstream = first.served_by.provider.as_deref().expect("an upstream provider");
        let sent: Vec<Value> =
            sandbox.requests()[before..].iter().map(|request| request.body["provider"].clone()).collect();
        let own = json!({"order": ["google-vertex"], "data_collection": "deny"});
        let pinned = json!({"order": [upstream], "allow_fallbacks": false, "data_collection": "deny"});
        assert_eq!(sent, [own.clone(), if is_pinned { pinned } else { own }]);
        assert_eq!(run.steps[1].response.served_by, first.served_by);
        assert_eq!(run.request.options, question.options, "the next run is free again");
    }
}

#[tokio::test]
async fn preferences_that_are_json_of_the_callers_own_stay() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let question = ChatRequest::new("anthropic/claude-sonnet-4.5")
        .user("What is the time in Rome?")
        .reasoning(Reasoning::effort(Effort::Low))
        .extra("openrouter", "provider", json!({"sort": "price"}));
    let run = provider(&sandbox).tool_loop(&tools()).pin_upstream().run(&question).await;
    assert_eq!(run.outcome, RunOutcome::Answered);
    for request in sandbox.requests() {
        assert_eq!(request.body["provider"], json!({"sort": "price"}));
    }
}

#[tokio::test]
async fn signed_thoughts_stay_with_their_upstream_provider_where_the_loop_is_pinned() {
    let tools = tools();
    let question = "What are the weather and the time in Rome?";
    for model in ["anthropic/claude-sonnet-4.5", "openai/gpt-5"] {
        let sandbox = Sandbox::builder().balance_load(true).start().await.expect("a sandbox");
        let provider = provider(&sandbox);
        let request = ChatRequest::new(model).user(question).reasoning(Reasoning::effort(Effort::Low));
        let loose = provider.tool_loop(&tools).run(&request).await;
        let RunOutcome::Failed(error) = loose.outcome else { panic!("{model}: {:?}", loose.outcome) };
        assert!(error.to_string().contains("Invalid `signature`"), "{model}: {error}");

        let pinned = provider.tool_loop(&tools).pin_upstream().run(&request).await;
        assert_eq!(pinned.outcome, RunOutcome::Answered, "{model}");
        let served: Vec<_> = pinned.steps.iter().map(|step| &step.response.served_by).collect();
        assert!(served.len() > 1 && served.iter().all(|upstream| *upstream == served[0]), "{served:?}");
    }
}
