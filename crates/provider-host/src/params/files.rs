//! Parameters from JSON files: the schema of the answer, the tools.

use std::fs;
use std::path::Path;

use openrouter_provider::{OpenRouterOptions, body};
use provider_core::{ChatRequest, RawJson, ResponseFormat};

use crate::exit::Failure;

/// The longest name of a schema that the API accepts.
const MAX_SCHEMA_NAME: usize = 64;

/// Reads a schema from a file. Its name is the file's, since the API needs one.
pub(super) fn schema(file: &Path) -> Result<ResponseFormat, Failure> {
    let schema = json("--json-schema", file)?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = stem.chars().map(plain).take(MAX_SCHEMA_NAME).collect();
    Ok(ResponseFormat::json_schema(name, schema))
}

/// Adds the tools of a file, which has a list as the chat API takes it. Tools that the service runs itself go
/// to the options.
pub(super) fn tools(
    file: &Path,
    request: &mut ChatRequest,
    options: &mut OpenRouterOptions,
) -> Result<(), Failure> {
    let tools = json("--tools", file)?;
    if !tools.get().starts_with('[') {
        return Err(Failure::Usage(format!("--tools {}: write a JSON list of tools", file.display())));
    }
    let read = body::from_json(&format!(r#"{{"tools":{tools}}}"#)).map_err(Failure::Provider)?.request;
    let server_tools = read.options.get::<OpenRouterOptions>().and_then(|read| read.server_tools.clone());
    request.tools = read.tools;
    options.server_tools = server_tools;
    Ok(())
}

fn json(flag: &str, file: &Path) -> Result<RawJson, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{flag} {}: {error}", file.display())))?;
    text.parse().map_err(|error| Failure::Usage(format!("{flag} {}: no JSON: {error}", file.display())))
}
