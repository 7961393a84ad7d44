//! Generates tool calls: which tools a message asks for, and their arguments.

use serde_json::{Value, json};

use crate::answer::ToolCall;
use crate::conversation::Conversation;
use crate::rng::Rng;
use crate::schema_fill;
use crate::words::{Words, keywords};

/// The calls that answer a request; none if it is answered with text.
pub(crate) fn calls(request: &Value, conversation: Conversation<'_>, rng: &mut Rng) -> Vec<ToolCall> {
    let text = conversation.user_text();
    let mut words = Words::of(&text);
    let chosen = choose(request, conversation, &text);
    chosen.into_iter().map(|function| call(function, &mut words, rng)).collect()
}

/// A call whose arguments are cut short. Without tools in the request, it calls a made-up one.
pub(crate) fn truncated_call(request: &Value, conversation: Conversation<'_>, rng: &mut Rng) -> ToolCall {
    let fallback = json!({
        "name": "write_report",
        "parameters": {"type": "object", "properties": {"summary": {"type": "string"}}},
    });
    let function = functions(request).next().unwrap_or(&fallback);
    let mut call = call(function, &mut Words::of(&conversation.user_text()), rng);
    call.arguments = match call.arguments.trim_end_matches(['}', ']', '"']) {
        "{" | "" => "{\"unfinished".to_owned(),
        open => open.to_owned(),
    };
    call
}

fn functions(request: &Value) -> impl Iterator<Item = &Value> {
    let tools = request["tools"].as_array().into_iter().flatten();
    tools.filter(|tool| tool["type"] == "function").map(|tool| &tool["function"])
}

fn choose<'a>(request: &'a Value, conversation: Conversation<'_>, text: &str) -> Vec<&'a Value> {
    let choice = &request["tool_choice"];
    if choice["type"] == "function" {
        let name = &choice["function"]["name"];
        return functions(request).filter(|function| function["name"] == *name).take(1).collect();
    }
    let required = choice == "required";
    if choice == "none" || !(required || conversation.user_is_last()) {
        return Vec::new();
    }
    let mut chosen = matching_text(request, text);
    if chosen.is_empty() && required {
        chosen.extend(functions(request).next());
    }
    if request["parallel_tool_calls"] == false {
        chosen.truncate(1);
    }
    chosen
}

/// All tools that the text names, or else the first whose description shares a word with it.
fn matching_text<'a>(request: &'a Value, text: &str) -> Vec<&'a Value> {
    let spoken = keywords(text);
    let shares_a_word = |described: &Value| {
        keywords(described.as_str().unwrap_or_default()).iter().any(|word| spoken.contains(word))
    };
    let spelt_out = |function: &Value| function["name"].as_str().is_some_and(|name| text.contains(name));
    let named: Vec<&Value> = functions(request)
        .filter(|function| shares_a_word(&function["name"]) || spelt_out(function))
        .collect();
    match named.is_empty() {
        true => {
            functions(request).filter(|function| shares_a_word(&function["description"])).take(1).collect()
        }
        false => named,
    }
}

fn call(function: &Value, words: &mut Words, rng: &mut Rng) -> ToolCall {
    let arguments = match &function["parameters"] {
        Value::Null => json!({}),
        schema => schema_fill::fill(schema, words),
    };
    ToolCall {
        id: format!("call_{}", rng.alphanumeric(24)),
        name: function["name"].as_str().unwrap_or_default().to_owned(),
        arguments: arguments.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::calls;
    use crate::conversation::Conversation;
    use crate::rng::Rng;
    use serde_json::{Value, json};

    fn called(text: &str, extra: Value) -> Vec<String> {
        let tool = |name: &str, description: &str| json!({"type": "function", "function": {"name": name, "description": description}});
        let mut request = json!({
            "messages": [{"role": "user", "content": text}],
            "tools": [tool("get_weather", "Forecast for a city"), tool("get_time", "Clock of a city")],
        });
        request.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let calls = calls(&request, Conversation::of(&request), &mut Rng::new(1, ""));
        calls.into_iter().map(|call| call.name).collect()
    }

    #[test]
    fn last_message_chooses_tools() {
        assert_eq!(called("How is the weather in Rome?", json!({})), ["get_weather"]);
        assert_eq!(called("Show me a forecast", json!({})), ["get_weather"]);
        assert_eq!(called("Weather and time in Rome?", json!({})), ["get_weather", "get_time"]);
        assert_eq!(called("Weather and time?", json!({"parallel_tool_calls": false})), ["get_weather"]);
        assert!(called("Tell me a joke", json!({})).is_empty());
    }

    #[test]
    fn tool_choice_overrides_the_message() {
        let named = json!({"type": "function", "function": {"name": "get_time"}});
        assert_eq!(called("Hi", json!({"tool_choice": named})), ["get_time"]);
        assert_eq!(called("Hi", json!({"tool_choice": "required"})), ["get_weather"]);
        assert!(called("weather", json!({"tool_choice": "none"})).is_empty());
    }
}
