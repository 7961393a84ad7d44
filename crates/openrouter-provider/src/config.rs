//! The settings: one table that draws the form, names the environment variables, checks the values, and is
//! the documentation.

use openai_wire::exact;
use provider_core::{ConfigField, ConfigValues, FieldKind, RawJson, Secret};
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::Limits;
use crate::options::ProviderPreferences;

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
        .help("The address of your app, sent as HTTP-Referer. Without it your app has no page in OpenRouter's rankings."),
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
        .help("Where the API is, version path included: a region's host, a gateway, a test server. Empty: the public service.")
        .check_among(check_base_url),
    ConfigField::new("allow_http", "Allow Plain HTTP", FieldKind::Bool)
        .advanced()
        .help("Whether the base URL may be http on another machine: the key travels in the clear then."),
    ConfigField::new("connect_timeout", "Connect Timeout", FieldKind::Duration)
        .advanced()
        .default("10")
        .placeholder("10")
        .help("How many seconds connecting may take, TLS included."),
    ConfigField::new("read_timeout", "Read Timeout", FieldKind::Duration)
        .advanced()
        .default("120")
        .placeholder("120")
        .help("How many seconds the service may be silent: before an answer, and within it. Its signs of life count."),
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
    /// Takes values that [`ConfigValues::problems`] has nothing to say about. The errors are those of the
    /// checks, in case it was not asked.
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
            referer: header("site_url", &referer)?,
            title: header("site_name", &|name| Ok(percent_encode(name)))?,
            base_url,
            preferences: preferences(values)?,
        })
    }
}

/// The limits that values spell; for what they leave open, those of the host.
pub(crate) fn limits(values: &ConfigValues, host: Limits) -> Limits {
    Limits {
        connect_timeout: values.duration("connect_timeout").unwrap_or(host.connect_timeout),
        ..host.read_timeout(values.duration("read_timeout").unwrap_or(host.read_timeout))
    }
}

fn check_api_key(key: &str) -> Result<(), String> {
    let word = key.split(|c: char| c.is_whitespace() || c == ':').next().unwrap_or_default();
    let problem = if ["authorization", "bearer"].iter().any(|name| word.eq_ignore_ascii_case(name)) {
        "begins with the words that a header has before the key (`Bearer`); paste the key alone"
    } else if key.chars().any(char::is_whitespace) {
        "has white space inside; paste the key alone, in one piece"
    } else if key.contains(['"', '\'', '`', '“', '”', '„', '‘', '’']) {
        "has a quotation mark, which no key has; leave it out"
    } else if key.contains("://") {
        "is an address; paste the key itself, which begins with sk-or-"
    } else if key.ends_with([',', ';']) {
        "ends in a comma or semicolon, which no key has; leave it out"
    } else if key.matches("sk-or-").count() > 1 {
        "has the beginning of a key twice; paste it once"
    } else if is_placeholder(key) {
        "is an example or a shortened key; paste the whole one, which is shown once, when it is made"
    } else if key.chars().any(|c| c.is_control() || !c.is_ascii()) {
        "has a character that no key has; copy it again from the key page"
    } else {
        return Ok(());
    };
    Err(problem.to_owned())
}

/// Whether a key is one that documentation shows (`sk-or-v1-...`, `<your key>`, `sk-or-v1-xxxx`), or how a
/// list of keys shows them.
fn is_placeholder(key: &str) -> bool {
    let key = key.to_lowercase();
    let rest = key.trim_start_matches("sk-").trim_start_matches("or-").trim_start_matches("v1-");
    let names = ["undefined", "null", "none", "nil", "openrouter_api_key", "api_key", "key"];
    rest.is_empty()
        || names.contains(&&*key)
        || ["env:", "env.", "os.environ", "process.env"].iter().any(|place| key.starts_with(place))
        || ["...", "…", "***", "•", "changeme", "change-me", "change_me"]
            .iter()
            .any(|part| key.contains(part))
        || (key.starts_with(['<', '[', '{']) && key.ends_with(['>', ']', '}']))
        || (key.contains("your") && key.contains("key"))
        || (rest.len() > 2 && rest.bytes().all(|byte| byte == b'x'))
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
fn referer(text: &str) -> Result<String, String> {
    Ok(if text.is_ascii() { text.to_owned() } else { parse(text)?.into() })
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

/// Reads a base URL, which must be one that paths can be added to.
fn base_url(text: &str, allow_http: bool) -> Result<Url, String> {
    let mut url = parse(text)?;
    if url.host_str().is_some_and(|host| matches!(host, "https" | "http")) {
        return Err(format!("has its scheme twice; write it once, as in {DEFAULT_BASE_URL}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("must end with the path; remove what follows ? or #, as in {DEFAULT_BASE_URL}"));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_http {
        return Err("must be https, or the key would travel in the clear; http is for this machine, or for whoever sets \
                    allow_http"
            .to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let own = url.host_str().filter(|host| *host == SERVICE || host.ends_with(SUBDOMAINS));
    if let Some(host) = own.filter(|_| !is_api_path(&path)) {
        return Err(format!("has the wrong path for this host; write https://{host}/api/v1"));
    }
    if let Some(endpoint) = endpoint_of(&path) {
        return Err(format!(
            "ends in {endpoint}, which is added to it; leave that off, as in {DEFAULT_BASE_URL}"
        ));
    }
    if has_version_twice(&path) {
        return Err(format!("has its version path twice; write it once, as in {DEFAULT_BASE_URL}"));
    }
    url.set_path(&path);
    Ok(url)
}

/// The service's own host, and how those of its regions end.
const SERVICE: &str = "openrouter.ai";
const SUBDOMAINS: &str = ".openrouter.ai";

/// Whether the service has an API at this path: `/api/v1`, or that of another version.
fn is_api_path(path: &str) -> bool {
    path.strip_prefix("/api/").is_some_and(|version| !version.is_empty() && !version.contains('/'))
}

/// The endpoint that a path ends in, if it does.
fn endpoint_of(path: &str) -> Option<&'static str> {
    let path = &*path.to_lowercase();
    let ends = |endpoint: &&&str| path.ends_with(**endpoint);
    let behind_version = |endpoint: &&&str| {
        let before = path.strip_suffix(**endpoint).and_then(|before| before.rsplit('/').next());
        before.is_some_and(is_version)
    };
    let long = ENDPOINTS.iter().filter(ends).max_by_key(|endpoint| endpoint.len());
    long.or_else(|| SHORT_ENDPOINTS.iter().find(behind_version)).copied()
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a path ends in a version path (`/v1`, `/api/v1`) and the same once more.
fn has_version_twice(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    segments.last().is_some_and(|last| is_version(last))
        && (1..=segments.len() / 2).any(|count| {
            let (rest, end) = segments.split_at(segments.len() - count);
            rest.ends_with(end)
        })
}

/// Whether a URL's host is this machine: `localhost`, or an address of the loopback range.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `name` with the UTF-8 bytes of everything outside ASCII percent-encoded, as header values must be ASCII to
/// pass all proxies: `Café` is sent as `Caf%C3%A9`. ASCII names are sent as they are.
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
