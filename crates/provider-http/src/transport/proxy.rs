//! The proxies that requests go through.

use std::{env, fmt};

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::UsedProxy;
use crate::settings::is_loopback_host;

/// The choice of proxies. Addresses of this machine are never asked through one.
///
/// ```
/// use provider_http::Proxies;
///
/// let direct = Proxies::none();
/// let office = Proxies::all("http://user:password@10.0.0.1:3128").except("intranet.example, 10.0.0.0/8");
/// ```
#[derive(Clone, Default)]
pub struct Proxies(Choice);

#[derive(Clone, Default)]
enum Choice {
    #[default]
    Environment,
    None,
    One {
        proxy: String,
        except: String,
    },
}

impl Proxies {
    /// The proxies that the environment names when the first request is sent: `HTTPS_PROXY`, `HTTP_PROXY`,
    /// `ALL_PROXY`, less the hosts in `NO_PROXY`. The default.
    pub fn from_env() -> Self {
        Self(Choice::Environment)
    }

    /// No proxy.
    pub fn none() -> Self {
        Self(Choice::None)
    }

    /// This proxy for all requests: `http://host:port`, `https://…`, with the feature `socks` `socks5h://…`,
    /// and a user name and a password in front of the host if the proxy wants them.
    pub fn all(proxy: impl Into<String>) -> Self {
        Self(Choice::One { proxy: proxy.into(), except: String::new() })
    }

    /// Leaves hosts out, separated by commas: names (with all names below them), addresses, or networks such
    /// as `10.0.0.0/8`. The environment and [`none`](Self::none) are left as they are.
    #[must_use]
    pub fn except(mut self, hosts: impl Into<String>) -> Self {
        if let Choice::One { except, .. } = &mut self.0 {
            *except = hosts.into();
        }
        self
    }

    /// Checks that a proxy can be read out of the choice.
    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.0 {
            Choice::One { proxy, .. } if !is_usable(proxy) => {
                Err("names no proxy; write it as http://host:port".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Choice::Environment => "Proxies::from_env()",
            Choice::None => "Proxies::none()",
            // It may have a password.
            Choice::One { .. } => "Proxies::all(***)",
        })
    }
}

fn is_usable(proxy: &str) -> bool {
    Matcher::builder().all(proxy).build().intercept(&Uri::from_static("http://any.example")).is_some()
}

/// A variable of the environment that names a proxy.
struct Variable {
    name: &'static str,
    scheme: Scheme,
    is_usable: bool,
}

/// The choice, looked up.
#[derive(Default)]
pub(super) struct ProxyTable {
    matcher: Option<Matcher>,
    variables: Vec<Variable>,
}

impl ProxyTable {
    pub(super) fn new(proxies: &Proxies) -> Self {
        match &proxies.0 {
            Choice::None => Self::default(),
            Choice::Environment => Self { matcher: Some(Matcher::from_system()), variables: variables() },
            Choice::One { proxy, except } => Self {
                matcher: Some(Matcher::builder().all(proxy.as_str()).no(except.as_str()).build()),
                variables: Vec::new(),
            },
        }
    }

    /// The proxy to ask, as the connector needs it.
    pub(super) fn intercept(&self, target: &Uri) -> Option<Intercept> {
        let is_elsewhere = !target.host().is_some_and(is_loopback_host);
        self.matcher.as_ref().filter(|_| is_elsewhere)?.intercept(target)
    }

    /// The same proxy, as errors name it.
    pub(super) fn used_for(&self, target: &Uri) -> Option<UsedProxy> {
        let address = self.intercept(target)?.uri().to_string().trim_end_matches('/').to_owned();
        Some(UsedProxy { address, variable: self.variable(target, true) })
    }

    /// The variable that should name a proxy for this target, and names none that can be used.
    pub(super) fn ignored_for(&self, target: &Uri) -> Option<&'static str> {
        let is_elsewhere = !target.host().is_some_and(is_loopback_host);
        self.variable(target, false).filter(|_| is_elsewhere)
    }

    fn variable(&self, target: &Uri, is_usable: bool) -> Option<&'static str> {
        let is_for = |variable: &&Variable| {
            Some(&variable.scheme) == target.scheme() && variable.is_usable == is_usable
        };
        self.variables.iter().find(is_for).map(|variable| variable.name)
    }
}

/// The variables that are set, those for one scheme before those for all. Of each pair of spellings the first
/// that is set counts, as for the [`Matcher`].
fn variables() -> Vec<Variable> {
    let pairs = [
        (Scheme::HTTPS, ["HTTPS_PROXY", "https_proxy"]),
        (Scheme::HTTP, ["HTTP_PROXY", "http_proxy"]),
        (Scheme::HTTPS, ["ALL_PROXY", "all_proxy"]),
        (Scheme::HTTP, ["ALL_PROXY", "all_proxy"]),
    ];
    let set = pairs.into_iter().filter_map(|(scheme, names)| {
        let (name, value) = names.into_iter().find_map(|name| Some((name, env::var(name).ok()?)))?;
        (!value.is_empty()).then(|| Variable { name, scheme, is_usable: is_usable(&value) })
    });
    set.collect()
}
