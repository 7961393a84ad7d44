//! Validates tools and the tool choice.

use serde_json::{Map, Value};

use super::{Check, check_name, ensure, invalid, list};

pub(super) fn check(fields: &Map<String, Value>) -> Check {
    let empty = Vec::new();
    let tools = match fields.get("tools") {
        Some(tools) => list(tools, "tools")?,
        None => &empty,
    };
    for (index, tool) in tools.iter().enumerate() {
        check_tool(tool, &format!("tools[{index}]"))?;
    }
    fields.get("tool_choice").map_or(Ok(()), |choice| check_choice(choice, tools))
}

fn check_tool(tool: &Value, field: &str) -> Check {
    match tool["type"].as_str() {
        Some("function") => {
            let function = &tool["function"];
            check_name(&function["name"], &format!("{field}.function.name"))?;
            let described = function.get("description").is_none_or(Value::is_string);
            ensure(described, &format!("{field}.function.description"), "must be a string")?;
            let shaped = function.get("parameters").is_none_or(Value::is_object);
            ensure(shaped, &format!("{field}.function.parameters"), "must be an object")?;
            for defer in [&tool["defer_loading"], &function["defer_loading"]] {
                let good = defer.is_null() || defer.is_boolean();
                ensure(good, &format!("{field}.defer_loading"), "must be true or false")?;
            }
            let strict = &function["strict"];
            let good = strict.is_null() || strict.is_boolean();
            ensure(good, &format!("{field}.function.strict"), "must be true or false")
        }
        Some(server_tool)
            if server_tool.starts_with("openrouter:") || server_tool.starts_with("web_search") =>
        {
            Ok(())
        }
        _ => Err(invalid(&format!("{field}.type"), "must be function or a server tool")),
    }
}

fn check_choice(choice: &Value, tools: &[Value]) -> Check {
    let field = "tool_choice";
    match choice {
        Value::String(word) => match word.as_str() {
            "none" | "auto" => Ok(()),
            "required" => ensure(!tools.is_empty(), field, "requires a tool, but there are none"),
            _ => Err(invalid(field, "must be none, auto, required, or name a tool")),
        },
        Value::Object(_) => {
            let offered = tools.iter().any(|tool| match choice["type"].as_str() {
                Some("function") => {
                    let name = &choice["function"]["name"];
                    name.is_string() && tool["function"]["name"] == *name
                }
                _ => tool["type"] == choice["type"],
            });
            ensure(offered, field, "names a tool that is not offered")
        }
        _ => Err(invalid(field, "must be none, auto, required, or name a tool")),
    }
}
