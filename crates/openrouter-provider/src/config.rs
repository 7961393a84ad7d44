//! The settings: one table that draws the form, names the environment variables, checks the values, and is
//! the documentation.

use openai_wire::exact;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use provider_core::{ConfigField, ConfigValues, Error, FieldKind, ProviderContext, RawJson};
use provider_http::{KeySource, KeySources, settings};
use url::Url;

use crate::ID;
use crate::options::ProviderPreferences;

/// Where the service is, unless `base_url` says otherwise.
pub const DEFAULT_BASE_URL: &str = "https://openrouter.ai/api/v1";

/// The key of the site's address.
const SITE_URL: &str = "site_url";
/// The key of the site's name.
const SITE_NAME: &str = "site_name";

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
    ConfigField::new("data_collection", "Data Collection", FieldKind::Select)
        .advanced()
        .options(&["allow", "deny"])
        .help("Whether providers that keep or train on prompts may serve. Empty: as the account says."),
    ConfigField::new("zdr", "Zero Data Retention", FieldKind::Bool)
        .advanced()
        .help("Whether only endpoints may serve that retain nothing. Empty: as the account says."),
    ConfigField::new("routing", "Routing Preferences", FieldKind::Json)
        .advanced()
        .placeholder("{\"sort\": \"price\"}")
        .help("Which upstream providers may serve, as the JSON object `provider` of the API. A request's own preferences count before it.")
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
    raw.read::<ProviderPreferences>().map_err(unfit)?;
    exact(&raw).ok_or_else(|| format!("does not fit (a list stands for an object in it); {example}"))
}

/// The workspace's preferences: what the fields of their own say counts before the object.
pub(crate) fn preferences(values: &ConfigValues) -> Result<ProviderPreferences, String> {
    let mut preferences = values.get("routing").map_or_else(|| Ok(ProviderPreferences::new()), routing)?;
    if let Some(word) = values.get("data_collection") {
        preferences = preferences.data_collection(word);
    }
    if let Some(zdr) = values.flag("zdr") {
        preferences = preferences.zdr(zdr);
    }
    Ok(preferences)
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
const SERVICE: &str = "openrouter.ai";
const SUBDOMAINS: &str = ".openrouter.ai";

/// Whether the service has an API at this path: `/api/v1`, or that of another version.
fn is_api_path(path: &str) -> bool {
    path.strip_prefix("/api/").is_some_and(|version| !version.is_empty() && !version.contains('/'))
}
