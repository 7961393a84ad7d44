//! The proxy that the environment names for requests of ours.

use std::env;
use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::config::is_loopback;

/// The proxy that requests go through, or a variable that names none that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// Scheme, host and port, and never a user name or password. Empty where the HTTP client ignores what the variable says.
    pub(crate) address: String,
    /// Where it is from, if not from the settings of the system.
    pub(crate) variable: Option<&'static str>,
}

/// The variables for each scheme, as the HTTP client looks at them: of each pair the first that is set.
const FOR_HTTPS: [[&str; 2]; 2] = [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]];
const FOR_HTTP: [[&str; 2]; 2] = [["HTTP_PROXY", "http_proxy"], ["ALL_PROXY", "all_proxy"]];

impl Proxy {
    /// What the HTTP client takes from the environment for this address: it asks the same matcher.
    pub(crate) fn for_url(url: &Url) -> Option<Self> {
        if is_loopback(url) {
            return None;
        }
        let uri: http::Uri = url.as_str().parse().ok()?;
        let is_usable = |value: &str| Matcher::builder().all(value).build().intercept(&uri).is_some();
        let pairs = if url.scheme() == "https" { FOR_HTTPS } else { FOR_HTTP };
        let said: Vec<(&'static str, String)> = pairs
            .into_iter()
            .filter_map(|pair| pair.into_iter().find_map(|name| Some((name, env::var(name).ok()?))))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        match Matcher::from_system().intercept(&uri) {
            Some(used) => Some(Self {
                address: used.uri().to_string().trim_end_matches('/').to_owned(),
                variable: said.iter().find(|(_, value)| is_usable(value)).map(|(name, _)| *name),
            }),
            None => {
                let ignored = said.iter().find(|(_, value)| !is_usable(value))?;
                Some(Self { address: String::new(), variable: Some(ignored.0) })
            }
        }
    }

    /// Whether requests go through it.
    pub(crate) fn is_used(&self) -> bool {
        !self.address.is_empty()
    }

    pub(crate) fn has_scheme(&self, scheme: &str) -> bool {
        self.address.split("://").next().is_some_and(|own| own.starts_with(scheme))
    }
}

impl fmt::Display for Proxy {
    /// `the proxy http://10.0.0.1:3128 (from HTTPS_PROXY)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}", self.address)?;
        self.variable.map_or(Ok(()), |name| write!(f, " (from {name})"))
    }
}
