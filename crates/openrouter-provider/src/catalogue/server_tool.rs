//! The registry of the tools that OpenRouter runs itself, with the schemas that a form is drawn from.

use lenient_json::Raw;
use openai_wire::Keep as _;
use provider_core::{RawJson, Usd};

use crate::document;
use crate::options::ServerTool;
use crate::record::{self, record};

record! {
    /// A tool that OpenRouter runs itself, as its registry describes it. `GET /tools`, `GET /tools/{name}`.
    pub struct ServerToolInfo {
        /// Its canonical name (`openrouter:web_search`): the `type` of the tool in a request.
        id: String = "id",
        /// Its name to show.
        name: String = "name",
        /// One sentence for people.
        summary: Option<String> = "summary",
        /// The description that the model gets.
        tool_description: Option<String> = "tool_description",
        /// `active` or `deprecated`.
        status: Option<String> = "status",
        /// Every name that a request may have for it, the canonical one included.
        aliases: Vec<ServerToolAlias> = "aliases",
        /// The APIs that take it: `chat-completions`, `responses`, `anthropic-messages`.
        supported_api_formats: Vec<String> = "supported_api_formats",
        /// The engines that it runs on; the parameter `engine` chooses one.
        engines: Vec<ServerToolEngine> = "engines",
        /// The engine of a request that chooses none; `native` is the model's provider, where it runs the
        /// tool itself.
        default_engine: Option<String> = "default_engine",
        /// The engine where the default one is `native` and the endpoint does not run the tool itself.
        fallback_engine: Option<String> = "fallback_engine",
        /// The JSON Schema of the parameters that a request may set: a form can be drawn from it.
        parameters_schema: Option<RawJson> = "parameters_schema",
        /// The JSON Schema of the arguments that the model calls it with.
        input_schema: Option<RawJson> = "input_schema",
        /// The JSON Schema of the result that the model gets. `None`: not declared.
        output_schema: Option<RawJson> = "output_schema",
        /// How many endpoints run the tool themselves.
        native_endpoint_count: Option<u64> = "endpoint_count" in "native_support",
        /// How many models have such an endpoint.
        native_model_count: Option<u64> = "model_count" in "native_support",
        /// The models that have such an endpoint. Only of one tool, not in the list.
        native_models: Vec<NativeModel> = "models" in "native_support",
        /// Where its documentation is.
        docs_url: Option<String> = "docs_url",
        /// The whole entry as it was sent.
        raw: Option<RawJson>,
    }
}

record! {
    /// A name of a server tool.
    pub struct ServerToolAlias {
        /// The name: the `type` of the tool in a request.
        name: String = "type",
        /// The APIs that take it by this name.
        api_formats: Vec<String> = "api_formats",
    }
}

record! {
    /// Something that runs a server tool.
    pub struct ServerToolEngine {
        /// The value of the parameter `engine` that chooses it. `None`: the tool has no such parameter.
        id: Option<String> = "id",
        /// Its name to show.
        name: String = "name",
        /// The one who runs it: `openrouter`, `provider` (the model's), `client` (the caller's program).
        executed_by: Option<String> = "executed_by",
        /// Whether it needs a key of the caller's own at the engine's vendor: `required`, `optional`, `none`.
        byok: Option<String> = "byok",
        /// The data regions whose requests it serves without leaving the region.
        data_regions: Vec<String> = "data_regions",
        /// The value of the parameter `mode` that a request without one has. `None`: there are no modes.
        default_mode: Option<String> = "default_mode",
        /// The one who bills the calls: `openrouter` (see `pricing`), `provider`, `byok` (the vendor),
        /// `none`.
        pricing_source: Option<String> = "pricing_source",
        /// The prices that OpenRouter bills.
        pricing: Vec<ServerToolPrice> = "pricing",
        /// Where the prices of others are documented.
        pricing_doc_url: Option<String> = "pricing_doc_url",
    }
}

record! {
    /// A price of a server tool.
    pub struct ServerToolPrice {
        /// The parameter `mode` that it is for. `None`: for every mode.
        mode: Option<String> = "mode",
        /// The thing that is paid for: `request`, …
        unit: String = "unit",
        /// The price of one, in US dollars.
        price: Option<Usd> = "price",
        /// How many of them a call costs at most.
        max_units_per_call: Option<u64> = "max_units_per_call",
    }
}

record! {
    /// A model of which an endpoint runs a server tool itself.
    pub struct NativeModel {
        /// The model's id.
        slug: String = "slug",
        /// The providers of those endpoints.
        providers: Vec<String> = "providers",
    }
}

impl ServerToolInfo {
    /// Whether a chat request may have it: it is not deprecated, and chat completions take it.
    pub fn is_for_chats(&self) -> bool {
        let formats = &self.supported_api_formats;
        self.status.as_deref() != Some("deprecated")
            && (formats.is_empty() || formats.iter().any(|format| format == "chat-completions"))
    }

    /// Returns the tool for a request ([`OpenRouterOptions::server_tools`](crate::OpenRouterOptions)), with
    /// parameters such as a form by [`parameters_schema`](Self::parameters_schema) has them. `None`: none.
    pub fn to_tool(&self, parameters: Option<&RawJson>) -> ServerTool {
        let name = serde_json::Value::from(self.id.as_str());
        let json = match parameters {
            Some(parameters) => format!(r#"{{"type":{name},"parameters":{}}}"#, parameters.get()),
            None => format!(r#"{{"type":{name}}}"#),
        };
        ServerTool::Other(RawJson::from_checked(&json))
    }
}

/// Reads the answer of `GET /tools`.
///
/// # Errors
/// When there is no list of tools in it.
pub(crate) fn read_list(body: &str) -> Result<Vec<ServerToolInfo>, String> {
    let mut tools = record::list(document::list(body)?, tool);
    // A tool without a name cannot be asked for.
    tools.retain(|tool| !tool.id.is_empty());
    Ok(tools)
}

/// Reads the answer of `GET /tools/{name}`.
///
/// # Errors
/// When there is no tool in it.
pub(crate) fn read(body: &str) -> Result<ServerToolInfo, String> {
    let tool = tool(document::object(body)?);
    if tool.id.is_empty() { Err("the tool has no id".to_owned()) } else { Ok(tool) }
}

fn tool(raw: Raw<'_>) -> ServerToolInfo {
    ServerToolInfo { raw: raw.keep(), ..record::of(raw) }
}

record::list_fields!(ServerToolAlias, ServerToolEngine, ServerToolPrice, NativeModel);
