//! The settings: one table that draws the form, names the environment variables, checks the values, and is the
//! documentation.

use provider_core::{ConfigField, ConfigValues, FieldKind, RawJson, Secret};
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::options::ProviderPreferences;
use crate::wire::read::exact;

/// Where the service is, unless `base_url` says otherwise.
pub const DEFAULT_BASE_URL: &str = "https://openrouter.ai/api/v1";

/// The settings of OpenRouter, in the order a form shows them.
pub static FIELDS: &[ConfigField] = &[
    ConfigField::new("api_key", "API Key", FieldKind::Secret)
        .required()
        .env("OPENROUTER_API_KEY")
        .placeholder("sk-or-v1-...")
        .help("The key of your OpenRouter account.")
        .check(check_api_key),
    ConfigField::new("site_url", "Site URL", FieldKind::Url)
        .env("OPENROUTER_SITE_URL")
        .placeholder("https://example.com")
        .help("The address of your app, sent as HTTP-Referer. Without it your app has no page in OpenRouter's rankings.")
        .check(check_site_url),
    ConfigField::new("site_name", "Site Name", FieldKind::Text)
        .env("OPENROUTER_SITE_NAME")
        .placeholder("My App")
        .help("The name of your app, sent as X-Title. Letters outside ASCII are percent-encoded.")
        .check(check_site_name),
    ConfigField::new("base_url", "Base URL", FieldKind::Url)
        .advanced()
        .env("OPENROUTER_BASE_URL")
        .default(DEFAULT_BASE_URL)
        .placeholder(DEFAULT_BASE_URL)
        .help("Where the API is, version path included: a region's host, a gateway, a test server.")
        .check_among(check_base_url),
    ConfigField::new("allow_http", "Allow Plain HTTP", FieldKind::Bool)
        .advanced()
        .help("Whether the base URL may be http on another machine: the key travels in the clear then."),
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

/// Settings that have been checked, in the form the transport needs.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) api_key: Secret,
    pub(crate) authorization: HeaderValue,
    pub(crate) referer: Option<HeaderValue>,
    pub(crate) title: Option<HeaderValue>,
    pub(crate) base_url: Url,
    /// What requests leave open about upstream providers.
    pub(crate) preferences: ProviderPreferences,
}

impl Config {
    /// Takes values that [`ConfigValues::problems`] has nothing to say about. The errors are those of the checks, in case
    /// it was not asked.
    pub(crate) fn from_values(values: &ConfigValues) -> Result<Self, String> {
        let key = values.get("api_key").ok_or("api_key is missing")?;
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| "api_key cannot be a header")?;
        authorization.set_sensitive(true);
        let allow_http = values.flag("allow_http").unwrap_or(false);
        let base_url = base_url(values.get("base_url").unwrap_or(DEFAULT_BASE_URL), allow_http)?;
        let header = |key: &str, text: &dyn Fn(&str) -> Result<String, String>| match values.get(key) {
            Some(value) => HeaderValue::from_str(&text(value)?)
                .map(Some)
                .map_err(|_| format!("{key} cannot be a header")),
            None => Ok(None),
        };
        Ok(Self {
            api_key: Secret::new(key),
            authorization,
            referer: header("site_url", &site_url)?,
            title: header("site_name", &|name| Ok(percent_encode(name)))?,
            base_url,
            preferences: preferences(values)?,
        })
    }
}

fn check_api_key(key: &str) -> Result<(), String> {
    if key.chars().any(char::is_whitespace) {
        Err("has white space inside; paste the key alone, in one piece".to_owned())
    } else if key.chars().any(|c| c.is_control() || !c.is_ascii()) {
        Err("has a character that no key has; copy it again from the key page".to_owned())
    } else {
        Ok(())
    }
}

fn check_site_url(url: &str) -> Result<(), String> {
    site_url(url).map(drop)
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
    base_url(url, all.flag("allow_http").unwrap_or(false)).map(drop)
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
fn preferences(values: &ConfigValues) -> Result<ProviderPreferences, String> {
    let mut preferences = values.get("routing").map_or_else(|| Ok(ProviderPreferences::new()), routing)?;
    if let Some(word) = values.get("data_collection") {
        preferences = preferences.data_collection(word);
    }
    if let Some(zdr) = values.flag("zdr") {
        preferences = preferences.zdr(zdr);
    }
    Ok(preferences)
}

/// The site URL as it is sent: as it was written, or normalised to ASCII where it was not.
fn site_url(text: &str) -> Result<String, String> {
    let url = web_url(text)?;
    Ok(if text.is_ascii() { text.to_owned() } else { url.into() })
}

fn base_url(text: &str, allow_http: bool) -> Result<Url, String> {
    let mut url = web_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end with the path; remove what follows ? or #".to_owned());
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_http {
        return Err("must be https, or the key would travel in the clear; http is for this machine, or for whoever sets \
                    allow_http"
            .to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn web_url(text: &str) -> Result<Url, String> {
    let example = "write something like https://example.com";
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!("has white space or a control character inside; {example}"));
    }
    let url = Url::parse(text).map_err(|cause| format!("is no URL ({cause}); {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("is no http or https URL; {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or password in it, which would be sent along; remove it".to_owned());
    }
    Ok(url)
}

/// Whether a URL's host is this machine: `localhost`, or an address of the loopback range.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `name` with the UTF-8 bytes of everything outside ASCII percent-encoded, as header values must be ASCII to pass all
/// proxies: `Café` is sent as `Caf%C3%A9`. ASCII names are sent as they are.
fn percent_encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
