//! The settings: one table that draws the form, names the environment variables, checks the values, and is
//! the documentation.

use provider_core::author::model_settings;
use provider_core::{ConfigField, ConfigValues, FieldKind};
use provider_http::settings;

use crate::preset;

/// A base URL to show beside a wrong one, and the one of keys that a host has for this provider.
pub(crate) const EXAMPLE_BASE_URL: &str = "http://localhost:8000/v1";

/// The names of the output cap, of which a server may take one.
pub(crate) const OUTPUT_CAPS: &[&str] = &["max_tokens", "max_completion_tokens"];

/// The settings of a server, in the order a form shows them.
pub static FIELDS: &[ConfigField] = &[
    ConfigField::new("preset", "Preset", FieldKind::Select)
        .options(preset::NAMES)
        .key_destination()
        .help("The kind of server: it fills the base URL and other settings that are empty. Empty: any server."),
    base_url(),
    settings::optional_api_key()
        .env("OPENAI_COMPATIBLE_API_KEY")
        .help("The key of the server. Empty: no key is sent."),
    ConfigField::new("name", "Name", FieldKind::Text)
        .placeholder("GPU box")
        .help("The name of the server, for errors and the connection test.")
        .check(check_name),
    model_settings::models(),
    model_settings::context_length(),
    model_settings::prompt_price(),
    model_settings::completion_price(),
    model_settings::not_billed(),
    ConfigField::new("reasoning_tags", "Reasoning Tags", FieldKind::Bool)
        .default("false")
        .help("Whether `<think>…</think>` at the beginning of the text is read as reasoning."),
    ConfigField::new("unsupported_parameters", "Unsupported Parameters", FieldKind::Text)
        .advanced()
        .placeholder("top_k, logit_bias")
        .help("The parameters that the server does not take, with commas between them; a request with one is refused by its name. `none` empties the preset's list.")
        .check_among(check_parameters),
    ConfigField::new("output_cap", "Output Cap", FieldKind::Select)
        .advanced()
        .options(OUTPUT_CAPS)
        .help("The name under which the server takes the output cap: a request's other one is sent under this name. Empty: as the request has it."),
    ConfigField::new("stream_options", "Stream Options", FieldKind::Bool)
        .advanced()
        .default("true")
        .help("Whether a stream asks for its usage with stream_options. No: for servers that refuse that."),
    settings::key_header(),
    settings::headers(),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
    settings::total_timeout(),
];

const fn base_url() -> ConfigField {
    let mut field = settings::base_url()
        .required()
        .supplied_by(|values, _| preset::filled(values).get(settings::BASE_URL).is_some())
        .env("OPENAI_COMPATIBLE_BASE_URL")
        .placeholder(EXAMPLE_BASE_URL)
        .help("Where the server is, with or without /v1. Required unless there is a preset.")
        .check_among(check_base_url);
    field.advanced = false;
    field
}

fn check_base_url(url: &str, all: &ConfigValues) -> Result<(), String> {
    let allow_http = all.flag(settings::ALLOW_HTTP).unwrap_or(false);
    let url = settings::parse_base_url(url, allow_http, EXAMPLE_BASE_URL)?;
    let (always, behind_version) =
        (["/chat/completions", "/completions"], ["/models", "/chat", "/responses"]);
    settings::check_no_endpoint(&url, &always, &behind_version, EXAMPLE_BASE_URL)
}

fn check_name(name: &str) -> Result<(), String> {
    let is_line = !name.chars().any(char::is_control);
    if is_line { Ok(()) } else { Err("has a control character; write it in one line".to_owned()) }
}

fn check_parameters(_: &str, all: &ConfigValues) -> Result<(), String> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if all.list("unsupported_parameters").all(is_name) {
        return Ok(());
    }
    Err("has an item that is no name of a parameter; write names such as top_k with commas between them"
        .to_owned())
}
