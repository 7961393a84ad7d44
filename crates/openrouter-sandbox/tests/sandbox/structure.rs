//! Tests of answers beyond text: tool calls, JSON, reasoning, images, citations.

use serde_json::{Value, json};

use crate::support::{ask, chat, start, stream};

fn weather_tools() -> Value {
    let parameters = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
    });
    json!([
        {"type": "function", "function": {"name": "get_weather", "parameters": parameters}},
        {"type": "function", "function": {"name": "get_time", "description": "The clock"}},
    ])
}

#[tokio::test]
async fn tool_call_arguments_fit_the_schema() {
    let sandbox = start().await;
    let request = ask("openai/gpt-4o", "What is the weather in Oslo?", json!({"tools": weather_tools()}));
    let (_, body) = chat(&sandbox, &request).await;
    let choice = &body["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null)
    );
    let function = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(function["name"], "get_weather");
    assert_eq!(function["arguments"], r#"{"city":"Oslo","unit":"celsius"}"#);
}

#[tokio::test]
async fn parallel_tool_calls_stream_in_fragments() {
    let sandbox = start().await;
    let request = ask("openai/gpt-4o", "Weather and time in Oslo?", json!({"tools": weather_tools()}));
    let events = stream(&sandbox, &request).await;
    let fragments: Vec<&Value> = events.deltas().filter_map(|delta| delta["tool_calls"].get(0)).collect();
    assert_eq!(fragments[0]["function"], json!({"name": "get_weather", "arguments": ""}));
    assert!(fragments[1].get("id").is_none() && fragments[1]["function"].get("name").is_none());
    let arguments = |index: u64| -> String {
        let of_call = fragments.iter().filter(|part| part["index"] == index);
        of_call.filter_map(|part| part["function"]["arguments"].as_str()).collect()
    };
    assert_eq!(arguments(0), r#"{"city":"Oslo","unit":"celsius"}"#);
    assert_eq!(arguments(1), "{}");
    assert!(
        events
            .deltas()
            .filter(|delta| delta["tool_calls"].is_array())
            .all(|delta| delta["content"].is_null())
    );
}

#[tokio::test]
async fn structured_answer_fits_its_schema() {
    let sandbox = start().await;
    let schema =
        json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "person", "schema": schema}});
    let request = ask("openai/gpt-4o", "Describe Ada, 36", json!({ "response_format": format }));
    let (_, body) = chat(&sandbox, &request).await;
    let content = body["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(content).unwrap(), json!({"name": "Ada", "age": 36}));

    let request = ask("openai/gpt-4o", "Hi", json!({"response_format": {"type": "json_object"}}));
    let (_, body) = chat(&sandbox, &request).await;
    let content = body["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(content).unwrap().is_object());
}

#[tokio::test]
async fn claude_signature_has_an_entry_of_its_own() {
    let sandbox = start().await;
    let request = ask("anthropic/claude-sonnet-4.5", "Hi", json!({"reasoning": {"effort": "low"}}));
    let events = stream(&sandbox, &request).await;
    let details: Vec<&Value> =
        events.deltas().filter_map(|delta| delta["reasoning_details"].get(0)).collect();
    let (seal, texts) = details.split_last().unwrap();
    assert!(seal["signature"].is_string() && seal.get("text").is_none());
    let text: String = texts.iter().filter_map(|detail| detail["text"].as_str()).collect();
    assert_eq!(text, events.joined("reasoning"));
    assert!(details.iter().all(|it| it["format"] == "anthropic-claude-v1" && it["index"] == 0));
    let usage = &events.chunks.last().unwrap()["usage"];
    assert!(usage["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn reasoning_details_depend_on_the_author() {
    let sandbox = start().await;
    let wish = json!({"reasoning": {"max_tokens": 100}});
    let (_, body) = chat(&sandbox, &ask("openai/gpt-4o", "Hi", wish.clone())).await;
    let details = &body["choices"][0]["message"]["reasoning_details"];
    assert_eq!(
        (&details[0]["type"], &details[1]["type"]),
        (&json!("reasoning.summary"), &json!("reasoning.encrypted"))
    );
    let (_, body) = chat(&sandbox, &ask("deepseek/deepseek-r1", "Hi", json!({}))).await;
    assert_eq!(body["choices"][0]["message"]["reasoning_details"][0]["format"], "unknown");

    let hidden = json!({"reasoning": {"enabled": true, "exclude": true}});
    let (_, body) = chat(&sandbox, &ask("openai/gpt-4o", "Hi", hidden)).await;
    let message = &body["choices"][0]["message"];
    assert_eq!(message.get("reasoning"), None);
    assert_eq!(message["reasoning_details"].as_array().unwrap().len(), 1);

    let (_, body) =
        chat(&sandbox, &ask("openai/gpt-4o", "Hi", json!({"reasoning": {"effort": "none"}}))).await;
    assert_eq!(body["choices"][0]["message"]["reasoning"], Value::Null);
}

#[tokio::test]
async fn images_and_citations_are_answered() {
    let sandbox = start().await;
    let request = ask("google/gemini-2.5-flash-image", "A cat", json!({"modalities": ["image", "text"]}));
    let (_, body) = chat(&sandbox, &request).await;
    let url = body["choices"][0]["message"]["images"][0]["image_url"]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("data:image/png;base64,"));
    let (status, _) = chat(&sandbox, &ask("openai/gpt-4o", "A cat", json!({"modalities": ["image"]}))).await;
    assert_eq!(status, 404);

    let events = stream(&sandbox, &ask("openai/gpt-4o:online", "News?", json!({}))).await;
    assert_eq!(events.deltas().filter(|delta| delta["annotations"].is_array()).count(), 1);
}
