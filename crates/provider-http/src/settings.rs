//! Settings that providers over HTTP have in common: fields for their tables, with checks.
//!
//! ```
//! use provider_core::{ConfigField, ConfigValues};
//! use provider_http::settings;
//!
//! static FIELDS: &[ConfigField] = &[
//!     settings::api_key_for("acme", "https://acme.example/v1").help("The key of your Acme account."),
//!     settings::base_url().default("https://acme.example/v1").env("ACME_BASE_URL"),
//!     settings::allow_http(),
//!     settings::connect_timeout(),
//!     settings::read_timeout(),
//! ];
//!
//! let values = ConfigValues::from([("api_key", "Bearer abc"), ("base_url", "http://acme.example")]);
//! let problems = values.problems(FIELDS);
//! assert!(problems[0].problem.contains("paste the key alone"));
//! assert!(problems[1].problem.contains("must be https"));
//! ```

use std::collections::BTreeMap;

use http::{HeaderName, Uri};
use provider_core::{ConfigField, ConfigValues, FieldKind, ProviderContext};
use url::Url;

use crate::KeySources;
use crate::headers::{self, IS_OURS, NO_NAME, is_ours};

/// A base URL to show where the service has no public one.
pub const EXAMPLE_BASE_URL: &str = "https://api.example.com/v1";

/// The key of [`api_key`], [`api_key_for`] and [`optional_api_key`].
pub const API_KEY: &str = "api_key";
/// The key of [`base_url`].
pub const BASE_URL: &str = "base_url";
/// The key of [`allow_http`].
pub const ALLOW_HTTP: &str = "allow_http";
/// The key of [`connect_timeout`].
pub const CONNECT_TIMEOUT: &str = "connect_timeout";
/// The key of [`read_timeout`].
pub const READ_TIMEOUT: &str = "read_timeout";
/// The key of [`total_timeout`].
pub const TOTAL_TIMEOUT: &str = "total_timeout";

/// The key of [`key_header`].
pub const KEY_HEADER: &str = "key_header";
/// The key of [`headers`].
pub const HEADERS: &str = "headers";

/// The name of the header that a key goes in as `Bearer …`.
const AUTHORIZATION: &str = "Authorization";

/// The field for an API key: required, and checked by [`check_api_key`].
pub const fn api_key() -> ConfigField {
    optional_api_key().required()
}

/// The field for an API key that the host may have a [source](KeySources) for, in place of a setting: it is
/// required only where there is none for this provider at this base URL. `base_url` is the one where the
/// settings have none. [`EndpointBuilder::build_in`](crate::EndpointBuilder::build_in) takes the source.
///
/// ```
/// use provider_core::{ConfigField, ConfigValues, ProviderContext};
/// use provider_http::{KeySources, settings};
///
/// static FIELDS: &[ConfigField] = &[
///     settings::api_key_for("acme", "https://acme.example/v1").env("ACME_API_KEY"),
///     settings::base_url().default("https://acme.example/v1"),
/// ];
///
/// let context = ProviderContext::new().with(KeySources::new().with("acme", "sk-of-the-host"));
/// let here = ConfigValues::new();
/// let elsewhere = here.clone().set("base_url", "https://example.org/v1");
/// assert_eq!(here.problems_in(FIELDS, &context), []);
/// assert_eq!(elsewhere.problems_in(FIELDS, &context)[0].field, "api_key");
/// assert_eq!(here.problems(FIELDS)[0].field, "api_key");
/// ```
pub const fn api_key_for(provider: &'static str, base_url: &'static str) -> ConfigField {
    fn has_source(provider: &str, base_url: &str, values: &ConfigValues, context: &ProviderContext) -> bool {
        context.get::<KeySources>().is_some_and(|sources| sources.get(provider, values, base_url).is_some())
    }
    api_key().supplied_for(provider, base_url, has_source)
}

/// The field for an API key of a server that may want none, as servers on a host's own machine do. Checked by
/// [`check_api_key`] where one is given.
///
/// Without a key, [`EndpointBuilder::bearer`](crate::EndpointBuilder::bearer) sends no header for it:
///
/// ```
/// use provider_core::{ConfigField, ConfigValues};
/// use provider_http::{Endpoint, HttpClient, settings};
///
/// static FIELDS: &[ConfigField] = &[settings::optional_api_key(), settings::base_url()];
///
/// let values = ConfigValues::from([("base_url", "http://localhost:11434/v1")]);
/// assert_eq!(values.problems(FIELDS), []);
/// let endpoint = Endpoint::builder("http://localhost:8000/v1")
///     .values(&values)
///     .bearer(values.get(settings::API_KEY))
///     .build(&HttpClient::new())?;
/// # Ok::<(), provider_core::Error>(())
/// ```
pub const fn optional_api_key() -> ConfigField {
    ConfigField::new(API_KEY, "API Key", FieldKind::Secret).check(check_api_key)
}

/// The field for the address of the API: checked by [`parse_base_url`].
pub const fn base_url() -> ConfigField {
    ConfigField::new(BASE_URL, "Base URL", FieldKind::Url)
        .advanced()
        .placeholder("https://api.example.com/v1")
        .help("Where the API is, version path included.")
        .check_among(check_base_url)
}

/// The field that allows plain `http` to another machine.
pub const fn allow_http() -> ConfigField {
    ConfigField::new(ALLOW_HTTP, "Allow Plain HTTP", FieldKind::Bool)
        .advanced()
        .help("Whether the base URL may be http on another machine: the key travels in the clear then.")
}

/// The field for the header that the key goes in, for services that differ in it.
/// [`EndpointBuilder::key`](crate::EndpointBuilder::key) heeds it.
pub const fn key_header() -> ConfigField {
    ConfigField::new(KEY_HEADER, "Key Header", FieldKind::Text)
        .advanced()
        .default(AUTHORIZATION)
        .placeholder("api-key")
        .help("The header that the key goes in: behind `Bearer` in Authorization, alone in any other, such as api-key or x-api-key.")
        .check(check_key_header)
}

/// The field for headers that go out with every request. Read by [`parse_headers`], and sent by
/// [`EndpointBuilder::values`](crate::EndpointBuilder::values).
pub const fn headers() -> ConfigField {
    ConfigField::new(HEADERS, "Extra Headers", FieldKind::Secret)
        .advanced()
        .placeholder("x-team: blue")
        .help("Headers that go out with every request: a line `name: value` for each, or a JSON object. They may hold secrets, and are not shown again.")
        .check_among(check_headers)
}

/// The field for [`HttpLimits::connect_timeout`](crate::HttpLimits::connect_timeout), in seconds.
pub const fn connect_timeout() -> ConfigField {
    ConfigField::new(CONNECT_TIMEOUT, "Connect Timeout", FieldKind::Duration)
        .advanced()
        .default("10")
        .placeholder("10")
        .help("How many seconds connecting may take, TLS included.")
}

/// The field for [`HttpLimits::read_timeout`](crate::HttpLimits::read_timeout), in seconds.
pub const fn read_timeout() -> ConfigField {
    ConfigField::new(READ_TIMEOUT, "Read Timeout", FieldKind::Duration)
        .advanced()
        .default("120")
        .placeholder("120")
        .help("How many seconds may pass without a byte from the service: before an answer, and within it. Its keep-alives count.")
}

/// The field for [`HttpLimits::total_timeout`](crate::HttpLimits::total_timeout), in seconds.
pub const fn total_timeout() -> ConfigField {
    ConfigField::new(TOTAL_TIMEOUT, "Total Timeout", FieldKind::Duration)
        .advanced()
        .default("3600")
        .placeholder("3600")
        .help("How many seconds one request may take, its whole answer included.")
}

/// Checks a key for what copying leaves in it, and for examples in its place.
///
/// # Errors
/// The fault and how to mend it, without the key.
pub fn check_api_key(key: &str) -> Result<(), String> {
    let word = key.split(|c: char| c.is_whitespace() || c == ':').next().unwrap_or_default();
    let problem = if ["authorization", "bearer"].iter().any(|name| word.eq_ignore_ascii_case(name)) {
        "begins with the words that a header has before the key (`Bearer`); paste the key alone"
    } else if key.chars().any(char::is_whitespace) {
        "has white space inside; paste the key alone, in one piece"
    } else if key.contains(['"', '\'', '`', '“', '”', '„', '‘', '’']) {
        "has a quotation mark, which no key has; leave it out"
    } else if key.contains("://") {
        "is an address; paste the key itself"
    } else if key.ends_with([',', ';']) {
        "ends in a comma or semicolon, which no key has; leave it out"
    } else if is_placeholder(key) {
        "is an example or a shortened key; paste the whole one, which is shown once, when it is made"
    } else if key.chars().any(|c| c.is_control() || !c.is_ascii()) {
        "has a character that no key has; copy it again from where the key was made"
    } else {
        return Ok(());
    };
    Err(problem.to_owned())
}

/// Whether a key is one that documentation shows (`sk-...`, `<your key>`, `sk-xxxx`), or how a list of keys
/// shows them.
fn is_placeholder(key: &str) -> bool {
    let key = key.to_lowercase();
    let names = ["undefined", "null", "none", "nil", "api_key", "key", "sk-"];
    let rest = key.trim_start_matches("sk-");
    names.contains(&&*key)
        || ["env:", "env.", "os.environ", "process.env"].iter().any(|place| key.starts_with(place))
        || ["...", "…", "***", "•", "changeme", "change-me", "change_me"]
            .iter()
            .any(|part| key.contains(part))
        || (key.starts_with(['<', '[', '{']) && key.ends_with(['>', ']', '}']))
        || (key.contains("your") && key.contains("key"))
        || (rest.len() > 2 && rest.bytes().all(|byte| byte == b'x'))
}

/// Reads headers: a line `name: value` for each, or a JSON object of texts.
///
/// ```
/// use provider_http::settings::parse_headers;
///
/// let lines = parse_headers("x-team: blue\nx-zone: eu")?;
/// assert_eq!(lines, [("x-team".to_owned(), "blue".to_owned()), ("x-zone".to_owned(), "eu".to_owned())]);
/// assert_eq!(parse_headers(r#"{"x-team": "blue", "x-zone": "eu"}"#)?, lines);
/// assert!(parse_headers("host: a.example").is_err());
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// The fault and how to mend it, without any value.
pub fn parse_headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let given: Vec<(String, String)> = if text.trim_start().starts_with('{') {
        let object: Result<BTreeMap<String, String>, _> = serde_json::from_str(text);
        // The cause may quote a value.
        let object = object.map_err(|cause| {
            format!("is no JSON object of texts (line {}, column {})", cause.line(), cause.column())
        })?;
        object.into_iter().collect()
    } else {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let pair = |(number, line): (usize, &str)| {
            let no_colon = || format!("has no colon in line {}; write `name: value`", number + 1);
            let (name, value) = line.split_once(':').ok_or_else(no_colon)?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        };
        lines.map(pair).collect::<Result<_, String>>()?
    };
    let mut seen = Vec::new();
    for (position, (name, value)) in given.iter().enumerate() {
        // A name that is none may be a value in the wrong place.
        let number = position + 1;
        match headers::of_every_request(name, value) {
            Err(problem) if problem == NO_NAME => {
                return Err(format!("has a header (number {number}) that {problem}"));
            }
            Err(problem) => return Err(format!("has the header {name}, which {problem}")),
            Ok((name, _)) if seen.contains(&name) => {
                return Err(format!("has the header {name} twice; write it once"));
            }
            Ok((name, _)) => seen.push(name),
        }
    }
    Ok(given)
}

fn check_headers(text: &str, all: &ConfigValues) -> Result<(), String> {
    let is_for_key = |name: &str| all.get(KEY_HEADER).is_some_and(|key| key.eq_ignore_ascii_case(name));
    match parse_headers(text)?.iter().find(|(name, _)| is_for_key(name)) {
        Some((name, _)) => Err(format!("has the header {name}, which is the one for the key; write it once")),
        None => Ok(()),
    }
}

/// Whether the key goes into this header behind the word `Bearer`.
pub(crate) fn is_bearer(key_header: &str) -> bool {
    key_header.eq_ignore_ascii_case(AUTHORIZATION)
}

fn check_key_header(name: &str) -> Result<(), String> {
    match HeaderName::try_from(name) {
        _ if is_bearer(name) => Ok(()),
        Err(_) => Err(format!("{NO_NAME}; write its name alone, such as api-key")),
        Ok(name) if is_ours(&name) => Err(format!("{IS_OURS}; take another, such as api-key")),
        Ok(_) => Ok(()),
    }
}

fn check_base_url(url: &str, all: &ConfigValues) -> Result<(), String> {
    parse_base_url(url, all.flag(ALLOW_HTTP).unwrap_or(false), EXAMPLE_BASE_URL).map(drop)
}

/// Reads a base URL, which paths are appended to, and drops the slashes at its end. `allow_http`: whether it
/// may be plain `http` on another machine; on this one (`localhost`, a loopback address) it always may.
/// `example`: a good base URL of the service, to show beside a fault.
///
/// # Errors
/// The fault and how to mend it, without the URL.
pub fn parse_base_url(text: &str, allow_http: bool, example: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|cause| format!("is no URL ({cause})"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("is no http or https URL; write something like {example}"));
    }
    if url.host_str().is_some_and(|host| matches!(host, "https" | "http")) {
        return Err(format!("has its scheme twice; write it once, as in {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "has a user name or password in it, which would be shown and sent along; remove it".to_owned()
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("must end with the path; remove what follows ? or #, as in {example}"));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_http {
        return Err("must be https, or the key would travel in the clear; http is for this machine, or for whoever sets \
                    allow_http"
            .to_owned());
    }
    // A URL's host may have characters that HTTP's authority may not, such as `"`.
    if let Err(cause) = url.as_str().parse::<Uri>() {
        return Err(format!(
            "cannot be sent over HTTP ({cause}); check its host, or write something like {example}"
        ));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if has_version_twice(&path) {
        return Err(format!("has its version path twice; write it once, as in {example}"));
    }
    url.set_path(&path);
    Ok(url)
}

/// Checks that a base URL does not end in the path of an endpoint, which is appended to it. `always` are
/// paths (`/chat/completions`) that no base ends in; those `behind_version` (`/models`) may well be the end
/// of a gateway's own path, and count behind a version such as `/v1` alone.
///
/// # Errors
/// The fault and how to mend it.
///
/// ```
/// use provider_http::settings::{EXAMPLE_BASE_URL, check_no_endpoint, parse_base_url};
///
/// let check = |url| {
///     let base = parse_base_url(url, false, EXAMPLE_BASE_URL)?;
///     check_no_endpoint(&base, &["/chat/completions"], &["/models"], EXAMPLE_BASE_URL)
/// };
/// assert!(check("https://acme.example/v1/chat/completions").is_err());
/// assert!(check("https://acme.example/v1/models").is_err());
/// assert!(check("https://acme.example/all/models").is_ok());
/// ```
pub fn check_no_endpoint(
    base: &Url,
    always: &[&str],
    behind_version: &[&str],
    example: &str,
) -> Result<(), String> {
    let path = &*base.path().to_lowercase();
    let is_behind_version = |endpoint: &&&str| {
        let before = path.strip_suffix(**endpoint).and_then(|before| before.rsplit('/').next());
        before.is_some_and(is_version)
    };
    let longest = always.iter().filter(|endpoint| path.ends_with(**endpoint)).max_by_key(|path| path.len());
    match longest.or_else(|| behind_version.iter().find(is_behind_version)) {
        Some(endpoint) => {
            Err(format!("ends in {endpoint}, which is added to it; leave that off, as in {example}"))
        }
        None => Ok(()),
    }
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a segment of a URL's path is a version.
pub(crate) fn has_version(url: &Url) -> bool {
    url.path().split('/').any(is_version)
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
    url.host_str().is_some_and(is_loopback_host)
}

/// The same of a host alone, whose IPv6 address may stand in brackets.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpLimits;

    #[test]
    fn base_urls_are_taken_or_refused_with_a_reason() {
        for (url, kept) in [
            ("https://a.example/v1", "https://a.example/v1"),
            ("https://a.example/v1///", "https://a.example/v1"),
            ("https://a.example", "https://a.example/"),
            ("http://localhost:11434/api/", "http://localhost:11434/api"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
            ("http://127.0.0.2/v1", "http://127.0.0.2/v1"),
            ("https://a.example/v1/gateway/v2", "https://a.example/v1/gateway/v2"),
        ] {
            assert_eq!(
                parse_base_url(url, false, EXAMPLE_BASE_URL).map(String::from).as_deref(),
                Ok(kept),
                "{url}"
            );
        }
        for (url, words) in [
            ("no URL", "is no URL"),
            ("ftp://a.example", "no http or https"),
            ("https://https://a.example", "scheme twice"),
            ("https://a.example/v1?key=1", "? or #"),
            ("https://u:p@a.example", "user name"),
            ("https://a\"b.example", "cannot be sent over HTTP"),
            ("https://a{b}.example", "cannot be sent over HTTP"),
            ("http://a.example/v1", "must be https"),
            ("https://a.example/v1/v1", "version path twice"),
            ("https://a.example/api/v1/api/v1", "version path twice"),
        ] {
            let problem = parse_base_url(url, false, EXAMPLE_BASE_URL).expect_err(url);
            assert!(problem.contains(words), "{url}: {problem}");
        }
        assert!(parse_base_url("http://a.example/v1", true, EXAMPLE_BASE_URL).is_ok());
    }

    #[test]
    fn shown_defaults_are_those_that_are_applied() {
        let applied = HttpLimits::default();
        let with = |key, value: &str| applied.with_values(&ConfigValues::from([(key, value)]));
        for field in [connect_timeout(), read_timeout(), total_timeout()] {
            let shown = field.default.expect("a default");
            assert_eq!(field.placeholder, shown);
            assert_eq!(with(field.key, shown), applied, "{field:?}");
            assert_ne!(with(field.key, "7"), applied, "{field:?}");
        }
        assert_eq!((base_url().default, allow_http().default), (None, None), "each provider has its own");
    }

    #[test]
    fn optional_key_may_be_absent_and_is_checked_like_any_other() {
        let problems = |field: ConfigField, values: &ConfigValues| values.problems(&[field]);
        let none = ConfigValues::new();
        assert_eq!((problems(optional_api_key(), &none).len(), problems(api_key(), &none).len()), (0, 1));
        let bad = ConfigValues::from([(API_KEY, "Bearer abc")]);
        assert_eq!(problems(optional_api_key(), &bad), problems(api_key(), &bad));
        assert_eq!(problems(optional_api_key(), &bad).len(), 1);
    }

    #[test]
    fn headers_are_taken_or_refused_without_their_values() {
        for (text, count) in [
            ("x-a: 1", 1),
            (" x-a : 1 \n\nX-B: a: b\r\n", 2),
            (r#"{"x-a":"1"}"#, 1),
            ("{}", 0),
            ("user-agent: me", 1),
        ] {
            assert_eq!(parse_headers(text).map(|headers| headers.len()), Ok(count), "{text}");
        }
        for (text, words) in [
            ("s3cret", "no colon in line 1"),
            ("x-a: 1\ns3cret", "no colon in line 2"),
            ("s3cret key: 1", "(number 1) that is no name"),
            ("x-a: s3crét", "x-a, which has a character"),
            ("Authorization: s3cret", "Authorization, which is written by the provider"),
            ("x-a: 1\nX-A: s3cret", "x-a twice"),
            (r#"{"x-a": ["s3cret"]}"#, "no JSON object of texts (line 1"),
        ] {
            let problem = parse_headers(text).expect_err(text);
            assert!(problem.contains(words) && !problem.contains("s3cr"), "{text}: {problem}");
        }
        let both = ConfigValues::from([(HEADERS, "X-Api-Key: s3cret"), (KEY_HEADER, "x-api-key")]);
        let problems = both.problems(&[headers(), key_header()]);
        assert!(problems.len() == 1 && problems[0].problem.contains("the one for the key"), "{problems:?}");
    }

    #[test]
    fn header_of_the_key_is_taken_or_refused_with_a_reason() {
        for (name, words) in [
            ("Authorization", None),
            ("authorization", None),
            ("api-key", None),
            ("X-Api-Key", None),
            ("api key", Some("is no name")),
            ("Content-Type", Some("written by the provider")),
        ] {
            let problems = ConfigValues::from([(KEY_HEADER, name)]).problems(&[key_header()]);
            assert_eq!(problems.is_empty(), words.is_none(), "{name}: {problems:?}");
            assert!(words.is_none_or(|words| problems[0].problem.contains(words)), "{name}: {problems:?}");
        }
    }

    #[test]
    fn keys_are_taken_or_refused_with_a_reason() {
        for key in ["sk-or-v1-0123abc", "key-xyz", "ABCDEF", "gsk_1", "a:b"] {
            assert_eq!(check_api_key(key), Ok(()), "{key}");
        }
        for (key, words) in [
            ("Bearer abc", "key alone"),
            ("authorization: abc", "key alone"),
            ("ab cd", "white space"),
            ("“abc”", "quotation mark"),
            ("https://a.example/keys", "is an address"),
            ("abc;", "comma or semicolon"),
            ("sk-...", "is an example"),
            ("sk-xxxx", "is an example"),
            ("<your api key>", "white space"),
            ("your_api_key", "is an example"),
            ("undefined", "is an example"),
            ("process.env.KEY", "is an example"),
            ("schlüssel", "no key has"),
        ] {
            let problem = check_api_key(key).expect_err(key);
            assert!(problem.contains(words), "{key}: {problem}");
        }
    }
}
