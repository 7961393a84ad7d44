//! A tool that is a command of the shell.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use jsonschema::Validator;
use provider_core::{ChatRequest, FunctionTool, RawJson, ToolError};
use serde::Deserialize;
use serde_json::Value;

use super::process::{self, Withheld};
use super::{any_object, is_name, offered};
use crate::cli::ToolArgs;
use crate::exit::Failure;

/// The most problems of arguments that the model is told.
const MAX_PROBLEMS: usize = 5;

/// A command, and its description for the model.
#[derive(Debug)]
pub(super) struct CommandTool {
    pub(super) definition: FunctionTool,
    pub(super) command: String,
    arguments: Validator,
    timeout: Duration,
    withheld: Withheld,
}

/// A file of `--tool-schema` that is more than a schema.
#[derive(Default, Deserialize)]
struct Described {
    description: Option<String>,
    parameters: Option<RawJson>,
    strict: Option<bool>,
}

/// Reads the tools of `--tool`, with the schemas of `--tool-schema` and of `--tools`.
///
/// # Errors
/// When a name is invalid or used twice, or a schema cannot be read.
pub(super) fn read(
    args: &ToolArgs,
    request: &ChatRequest,
    withheld: &Withheld,
) -> Result<Vec<CommandTool>, Failure> {
    if let Some((name, _)) =
        args.tool_schema.iter().find(|(name, _)| !args.tool.iter().any(|(tool, _)| tool == name))
    {
        return Err(Failure::Usage(format!("--tool-schema {name}: there is no --tool {name}=COMMAND")));
    }
    let mut names = BTreeSet::new();
    let mut tools = Vec::new();
    for (name, command) in &args.tool {
        if !is_name(name) {
            let problem = format!(
                "--tool {name}: a name has 1 to 64 letters, digits, _ and -, or services refuse the tool"
            );
            return Err(Failure::Usage(problem));
        }
        if command.trim().is_empty() {
            return Err(Failure::Usage(format!("--tool {name}: there is no command behind the =")));
        }
        if !names.insert(name) {
            return Err(Failure::Usage(format!("--tool {name}: two tools have this name")));
        }
        let file = args.tool_schema.iter().find(|(tool, _)| tool == name).map(|(_, file)| file);
        let definition = match (file, offered(request, name)) {
            (Some(_), Some(_)) => {
                let problem = format!("--tool-schema {name}: --tools describes {name} as well");
                return Err(Failure::Usage(problem));
            }
            (Some(file), None) => described(name, command, file)?,
            (None, Some(function)) => function.clone(),
            (None, None) => FunctionTool::new(name, description(command)).parameters(any_object()?),
        };
        tools.push(CommandTool {
            arguments: validator(&definition)?,
            definition,
            command: command.clone(),
            timeout: args.tool_timeout,
            withheld: withheld.clone(),
        });
    }
    Ok(tools)
}

impl CommandTool {
    /// Runs the command with these arguments on standard input.
    ///
    /// # Errors
    /// When the arguments do not fit the schema, when the command does not end in time or fails; in words for
    /// the model.
    pub(super) async fn run(&self, arguments: &str) -> Result<String, ToolError> {
        let arguments = match arguments.trim() {
            "" => "{}",
            given => given,
        };
        let value: Value = serde_json::from_str(arguments)?;
        let problem = |error: jsonschema::ValidationError<'_>| match error.instance_path().as_str() {
            "" => error.to_string(),
            place => format!("{place}: {error}"),
        };
        let problems: Vec<String> =
            self.arguments.iter_errors(&value).take(MAX_PROBLEMS).map(problem).collect();
        if !problems.is_empty() {
            return Err(ToolError::new(format!("the arguments do not fit: {}", problems.join("; "))));
        }
        process::run(&self.command, arguments.as_bytes(), self.timeout, &self.withheld).await
    }
}

/// Reads a file of `--tool-schema`.
fn described(name: &str, command: &str, file: &str) -> Result<FunctionTool, Failure> {
    let unfit = |problem: String| Failure::Usage(format!("--tool-schema {name}={file}: {problem}"));
    let text = fs::read_to_string(file).map_err(|error| unfit(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| unfit(format!("is no JSON: {error}")))?;
    let Value::Object(object) = &value else { return Err(unfit("is no JSON object".to_owned())) };
    let text_of = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let described = match object.contains_key("parameters") {
        true => serde_json::from_str(&text).map_err(|error| unfit(error.to_string()))?,
        false => {
            let parameters = text.parse().map_err(|error| unfit(format!("is no JSON: {error}")))?;
            Described { description: text_of("description"), parameters: Some(parameters), strict: None }
        }
    };
    let mut tool = FunctionTool::new(name, described.description.unwrap_or_else(|| description(command)));
    tool.parameters = described.parameters;
    tool.strict = described.strict;
    Ok(tool)
}

/// The description of a tool of which the command alone is known.
fn description(command: &str) -> String {
    format!("Runs the command `{command}` with the arguments as JSON on its standard input")
}

fn validator(tool: &FunctionTool) -> Result<Validator, Failure> {
    let unfit = |problem: String| Failure::Usage(format!("the schema of the tool {}: {problem}", tool.name));
    let schema = tool.parameters.as_ref().map_or("true", |schema| schema.get());
    let schema: Value = serde_json::from_str(schema).map_err(|error| unfit(error.to_string()))?;
    jsonschema::validator_for(&schema).map_err(|error| unfit(format!("is no JSON Schema: {error}")))
}
