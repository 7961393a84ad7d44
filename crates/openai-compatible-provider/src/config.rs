//! The settings: one table that draws the form, names the environment variables, checks the values, and is
//! the documentation.

use provider_core::{ConfigField, ConfigValues, FieldKind, Price, Pricing, Usd};
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
        .help("The kind of server: it fills the base URL and other settings that are empty. Empty: any server."),
    base_url(),
    settings::optional_api_key()
        .env("OPENAI_COMPATIBLE_API_KEY")
        .help("The key of the server. Empty: no key is sent."),
    ConfigField::new("name", "Name", FieldKind::Text)
        .placeholder("GPU box")
        .help("The name of the server, for errors and the connection test.")
        .check(check_name),
    ConfigField::new("models", "Models", FieldKind::Text)
        .placeholder("llama3.2, qwen3:8b")
        .help("The ids of the models to offer, in lines or with commas between them, where the server has no list. Empty: the server's list.")
        .check(check_models),
    ConfigField::new("context_length", "Context Length", FieldKind::Integer)
        .placeholder("32768")
        .help("How many tokens prompt and answer may have together, where the server does not say.")
        .check(check_length),
    ConfigField::new("prompt_price", "Prompt Price", FieldKind::Number)
        .placeholder("0.15")
        .help("The price of a million tokens of the prompt, in US dollars.")
        .check_among(check_price),
    ConfigField::new("completion_price", "Completion Price", FieldKind::Number)
        .placeholder("0.60")
        .help("The price of a million tokens of the answer, in US dollars.")
        .check_among(check_price),
    ConfigField::new("not_billed", "Not Billed", FieldKind::Bool)
        .help("Whether no request costs anything, as on a server of your own: a fallback to it needs no permission to pay."),
    ConfigField::new("reasoning_tags", "Reasoning Tags", FieldKind::Bool)
        .default("false")
        .help("Whether `<think>…</think>` at the beginning of the text is read as reasoning."),
    ConfigField::new("unsupported_parameters", "Unsupported Parameters", FieldKind::Text)
        .advanced()
        .placeholder("top_k, logit_bias")
        .help("The parameters that the server does not take, with commas between them; a request with one is refused by its name. `none` empties the preset's list.")
        .check(check_parameters),
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

/// The items of a text, which stand in lines or have commas between them.
pub(crate) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ',']).map(str::trim).filter(|item| !item.is_empty())
}

/// Whether a base URL's path has no version, so that `/v1` may be missing.
pub(crate) fn is_bare(base_url: &str) -> bool {
    let is_version = |segment: &str| {
        segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    // Behind the scheme, the empty text between its slashes, and the host.
    !base_url.split('/').skip(3).any(is_version)
}

/// Returns the prices of every model of the server, where the settings have any.
pub(crate) fn pricing(values: &ConfigValues) -> Option<Pricing> {
    let price = |key| values.get(key).and_then(per_token).map(Price::Fixed);
    let mut pricing = Pricing::default();
    (pricing.prompt, pricing.completion) = (price("prompt_price"), price("completion_price"));
    (pricing != Pricing::default()).then_some(pricing)
}

/// Reads the price of a million tokens as that of one.
fn per_token(per_million: &str) -> Option<Usd> {
    let is_plain = per_million.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_plain { format!("{per_million}e-6").parse().ok() } else { None }
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

fn check_models(ids: &str) -> Result<(), String> {
    let is_good = !items(ids).any(|id| id.contains(char::is_whitespace));
    if is_good { Ok(()) } else { Err("has white space inside an id; put a comma between two ids".to_owned()) }
}

fn check_length(tokens: &str) -> Result<(), String> {
    let is_good = tokens.parse::<u64>().is_ok_and(|tokens| tokens > 0);
    if is_good { Ok(()) } else { Err("must be above 0".to_owned()) }
}

fn check_price(price: &str, all: &ConfigValues) -> Result<(), String> {
    if per_token(price).is_none() {
        return Err("must be an amount of US dollars such as 0.15".to_owned());
    }
    match all.flag("not_billed") {
        Some(true) => Err("contradicts not_billed; set one of them".to_owned()),
        _ => Ok(()),
    }
}

fn check_parameters(names: &str) -> Result<(), String> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if items(names).all(is_name) {
        return Ok(());
    }
    Err("has an item that is no name of a parameter; write names such as top_k with commas between them"
        .to_owned())
}
