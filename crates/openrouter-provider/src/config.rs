//! The settings: one table that draws the form, names the environment variables, checks the values, and is
//! the documentation.

use openai_wire::exact;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use provider_core::{ConfigField, ConfigValues, Error, FieldKind, ProviderContext, RawJson, Usd};
use provider_http::{KeySource, KeySources, settings};
use url::Url;

use crate::ID;
use crate::options::{MaxPrice, PriceCap, ProviderPreferences};

/// Where the service is, unless `base_url` says otherwise.
pub const DEFAULT_BASE_URL: &str = "https://openrouter.ai/api/v1";

/// The key of the site's address.
const SITE_URL: &str = "site_url";
/// The key of the site's name.
const SITE_NAME: &str = "site_name";

/// The heading of the settings of routing.
const ROUTING_GROUP: &str = "Routing";
/// The key of the providers to try first.
pub(crate) const ORDER: &str = "provider_order";
/// The key of the providers that may serve.
pub(crate) const ONLY: &str = "provider_only";
/// The key of the providers that may not serve.
pub(crate) const IGNORE: &str = "provider_ignore";
/// The key of the precisions that may serve.
pub(crate) const QUANTIZATIONS: &str = "quantizations";
const MAX_PRICE_PROMPT: &str = "max_price_prompt";
const MAX_PRICE_COMPLETION: &str = "max_price_completion";
const MAX_PRICE_REQUEST: &str = "max_price_request";

/// The settings of OpenRouter, in the order a form shows them.
pub static FIELDS: &[ConfigField] = &[
    settings::api_key()
        .env("OPENROUTER_API_KEY")
        .placeholder("sk-or-v1-...")
        .help("The key of your OpenRouter account.")
        .check(check_api_key)
        .supplied_by(|values, context| key_source(values, context).is_some()),
    ConfigField::new(SITE_URL, "Site URL", FieldKind::Url)
        .env("OPENROUTER_SITE_URL")
        .placeholder("https://example.com")
        .no_key_destination()
        .help("The address of your app, sent as HTTP-Referer. Without it your app has no page in OpenRouter's rankings."),
    ConfigField::new(SITE_NAME, "Site Name", FieldKind::Text)
        .env("OPENROUTER_SITE_NAME")
        .placeholder("My App")
        .help("The name of your app, sent as X-Title. Letters outside ASCII are percent-encoded.")
        .check(check_site_name),
    settings::base_url()
        .env("OPENROUTER_BASE_URL")
        .default(DEFAULT_BASE_URL)
        .placeholder(DEFAULT_BASE_URL)
        .help("Where the API is, version path included: a region's host, a gateway, a test server. Empty: the public service.")
        .check_among(check_base_url),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
    settings::total_timeout(),
    ConfigField::new(ORDER, "Providers to Try First", FieldKind::List)
        .advanced()
        .group(ROUTING_GROUP)
        .placeholder("azure, openai")
        .help("Upstream providers to try first, in this order; the others come after them, unless fallbacks are off."),
    ConfigField::new(ONLY, "Allowed Providers", FieldKind::List)
        .advanced()
        .group(ROUTING_GROUP)
        .placeholder("deepinfra, openai/priority")
        .help("Only these upstream providers may serve. Empty: all that the account allows."),
    ConfigField::new(IGNORE, "Ignored Providers", FieldKind::List)
        .advanced()
        .group(ROUTING_GROUP)
        .placeholder("deepinfra")
        .help("These upstream providers may not serve."),
    ConfigField::new("allow_fallbacks", "Allow Fallbacks", FieldKind::Bool)
        .advanced()
        .group(ROUTING_GROUP)
        .help("Whether other upstream providers may serve when the first ones fail. Empty: they may."),
    ConfigField::new(QUANTIZATIONS, "Quantizations", FieldKind::List)
        .advanced()
        .group(ROUTING_GROUP)
        .placeholder("fp8, bf16")
        .help("Only endpoints of these precisions may serve. Empty: all."),
    ConfigField::new("provider_sort", "Sort Providers by", FieldKind::Select)
        .advanced()
        .group(ROUTING_GROUP)
        .options(&["price", "throughput", "latency", "exacto"])
        .help("The order of the endpoints, which switches load balancing off: cheapest, fastest, soonest, best at calling tools. Empty: as OpenRouter balances."),
    ConfigField::new(MAX_PRICE_PROMPT, "Highest Prompt Price", FieldKind::Number)
        .advanced()
        .group(ROUTING_GROUP)
        .placeholder("2.5")
        .help("The most that a million tokens of the prompt may cost, in US dollars; dearer endpoints may not serve.")
        .check(check_price),
    ConfigField::new(MAX_PRICE_COMPLETION, "Highest Answer Price", FieldKind::Number)
        .advanced()
        .group(ROUTING_GROUP)
        .placeholder("10")
        .help("The most that a million tokens of the answer may cost, in US dollars; dearer endpoints may not serve.")
        .check(check_price),
    ConfigField::new(MAX_PRICE_REQUEST, "Highest Request Price", FieldKind::Number)
        .advanced()
        .group(ROUTING_GROUP)
        .placeholder("0.01")
        .help("The most that a request may cost beside its tokens, in US dollars; dearer endpoints may not serve.")
        .check(check_price),
    ConfigField::new("require_parameters", "Require Parameters", FieldKind::Bool)
        .advanced()
        .group(ROUTING_GROUP)
        .help("Whether only endpoints may serve that know every parameter of the request. Empty: others may, and ignore what they do not know."),
    ConfigField::new("data_collection", "Data Collection", FieldKind::Select)
        .advanced()
        .group(ROUTING_GROUP)
        .options(&["allow", "deny"])
        .help("Whether providers that keep or train on prompts may serve. Empty: as the account says."),
    ConfigField::new("zdr", "Zero Data Retention", FieldKind::Bool)
        .advanced()
        .group(ROUTING_GROUP)
        .help("Whether only endpoints may serve that retain nothing. Empty: as the account says."),
    ConfigField::new("routing", "More Routing Preferences", FieldKind::Json)
        .advanced()
        .group(ROUTING_GROUP)
        .placeholder("{\"preferred_min_throughput\": 50}")
        .help("Which upstream providers may serve, as the JSON object `provider` of the API. The fields above count before it, and a request's own preferences before both.")
        .check(check_routing),
];

/// Checks settings against the table. The key may be missing where there is a source of keys.
///
/// # Errors
/// [`ErrorKind::Config`](provider_core::ErrorKind::Config) with every problem of every field at once.
pub(crate) fn validate(values: &ConfigValues, has_key_source: bool) -> Result<(), Error> {
    let mut problems = values.problems(FIELDS);
    if has_key_source && values.get(settings::API_KEY).is_none() {
        problems.retain(|problem| problem.field != settings::API_KEY);
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::config(ID, problems)) }
}

/// The host's source of keys for these settings, if it has one.
pub(crate) fn key_source(values: &ConfigValues, context: &ProviderContext) -> Option<KeySource> {
    KeySources::of(context).get(ID, values, DEFAULT_BASE_URL).cloned()
}

/// The value of `X-Title`: letters outside ASCII are percent-encoded, since header values must be ASCII to
/// pass all proxies (`Café` is sent as `Caf%C3%A9`).
pub(crate) fn title(values: &ConfigValues) -> Option<String> {
    values.get(SITE_NAME).map(|name| utf8_percent_encode(name, &AsciiSet::EMPTY).to_string())
}

/// The value of `HTTP-Referer`: the site URL as it was written, or normalised to ASCII where it was not.
///
/// # Errors
/// When it is no URL.
pub(crate) fn referer(values: &ConfigValues) -> Result<Option<String>, String> {
    values
        .get(SITE_URL)
        .map(|url| if url.is_ascii() { Ok(url.to_owned()) } else { parse(url).map(Into::into) })
        .transpose()
}

fn check_api_key(key: &str) -> Result<(), String> {
    if key.contains("://") {
        return Err("is an address; paste the key itself, which begins with sk-or-".to_owned());
    }
    settings::check_api_key(key)?;
    let rest = key.trim_start_matches("sk-or-").trim_start_matches("v1-").to_lowercase();
    if key.matches("sk-or-").count() > 1 {
        return Err("has the beginning of a key twice; paste it once".to_owned());
    }
    let is_placeholder =
        rest.is_empty() || rest == "openrouter_api_key" || rest.bytes().all(|byte| byte == b'x');
    if is_placeholder {
        return Err(
            "is an example or a shortened key; paste the whole one, which is shown once, when it is made"
                .to_owned(),
        );
    }
    Ok(())
}

fn check_site_name(name: &str) -> Result<(), String> {
    if name.chars().any(char::is_control) {
        Err("has a control character (a line break or a tab?), which no header can carry; remove it"
            .to_owned())
    } else {
        Ok(())
    }
}

fn check_base_url(url: &str, all: &ConfigValues) -> Result<(), String> {
    base_url(url, all.flag(settings::ALLOW_HTTP).unwrap_or(false))
}

fn check_routing(json: &str) -> Result<(), String> {
    routing(json).map(drop)
}

fn routing(json: &str) -> Result<ProviderPreferences, String> {
    let example = "write a JSON object such as {\"order\": [\"openai\"], \"allow_fallbacks\": false}";
    let unfit = |cause: serde_json::Error| {
        // The cause may quote the value, which may be anything; the name of an unknown field is worth it.
        let cause = match cause.to_string() {
            words if words.starts_with("unknown field") => words,
            _ => format!("line {}, column {}", cause.line(), cause.column()),
        };
        format!("does not fit ({cause}); {example}")
    };
    let raw: RawJson = json.parse().map_err(unfit)?;
    if raw.get().starts_with('[') {
        return Err(format!("does not fit (a list stands for an object in it); {example}"));
    }
    let read: ProviderPreferences = raw.read().map_err(unfit)?;
    if let Some((name, known)) = read.misspelt().next() {
        return Err(format!("has a field `{name}` that the service does not heed; `{known}` may be meant"));
    }
    exact(&raw).ok_or_else(|| format!("does not fit (a list stands for an object in it); {example}"))
}

fn check_price(text: &str) -> Result<(), String> {
    price(text).map(drop)
}

fn price(text: &str) -> Result<Usd, String> {
    match text.parse::<Usd>() {
        Ok(price) if !price.is_negative() => Ok(price),
        _ => Err("must be an amount of US dollars that is not negative, such as 2.5".to_owned()),
    }
}

/// The workspace's preferences: what the fields of their own say counts before the object.
///
/// # Errors
/// When a value does not fit its field.
pub(crate) fn preferences(values: &ConfigValues) -> Result<ProviderPreferences, String> {
    let object = values.get("routing").map_or_else(|| Ok(ProviderPreferences::new()), routing)?;
    let list = |key: &str| values.get(key).map(|_| values.list(key).collect());
    let mut fields = ProviderPreferences::new();
    fields.order = list(ORDER);
    fields.only = list(ONLY);
    fields.ignore = list(IGNORE);
    fields.quantizations = list(QUANTIZATIONS);
    fields.allow_fallbacks = values.flag("allow_fallbacks");
    fields.require_parameters = values.flag("require_parameters");
    fields.sort = values.get("provider_sort").map(Into::into);
    fields.data_collection = values.get("data_collection").map(Into::into);
    fields.zdr = values.flag("zdr");

    let cap = |key: &str| values.get(key).map(price).transpose().map(|price| price.map(PriceCap));
    let mut caps = object.max_price.clone().unwrap_or_default();
    caps.prompt = cap(MAX_PRICE_PROMPT)?.or(caps.prompt);
    caps.completion = cap(MAX_PRICE_COMPLETION)?.or(caps.completion);
    caps.request = cap(MAX_PRICE_REQUEST)?.or(caps.request);
    fields.max_price = Some(caps).filter(|caps| *caps != MaxPrice::default());
    Ok(fields.or(&object))
}

fn parse(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|cause| format!("is no URL ({cause})"))
}

/// The paths of endpoints, which are added to a base URL. A URL that ends in one is not the address of the
/// API.
const ENDPOINTS: &[&str] =
    &["/chat/completions", "/completions", "/embeddings", "/models/user", "/models/count", "/auth/key"];
/// Endpoints whose path may well be the end of a gateway's own. They count behind the path of a version, such
/// as `/v1`.
const SHORT_ENDPOINTS: &[&str] =
    &["/responses", "/models", "/key", "/credits", "/generation", "/chat", "/messages"];

/// Checks a base URL: what is wrong with it for any service, and the paths that this one has.
fn base_url(text: &str, allow_http: bool) -> Result<(), String> {
    let url = settings::parse_base_url(text, allow_http, DEFAULT_BASE_URL)?;
    let path = url.path().trim_end_matches('/');
    let own = url.host_str().filter(|host| *host == SERVICE || host.ends_with(SUBDOMAINS));
    if let Some(host) = own.filter(|_| !is_api_path(path)) {
        return Err(format!("has the wrong path for this host; write https://{host}/api/v1"));
    }
    settings::check_no_endpoint(&url, ENDPOINTS, SHORT_ENDPOINTS, DEFAULT_BASE_URL)
}

/// The service's own host, and how those of its regions end.
pub(crate) const SERVICE: &str = "openrouter.ai";
pub(crate) const SUBDOMAINS: &str = ".openrouter.ai";

/// Whether the service has an API at this path: `/api/v1`, or that of another version.
fn is_api_path(path: &str) -> bool {
    path.strip_prefix("/api/").is_some_and(|version| !version.is_empty() && !version.contains('/'))
}
