//! The sources of a host's keys, each for one provider at one address.

use std::collections::BTreeMap;
use std::fmt;

use provider_core::{ConfigValues, ProviderContext};
use url::Url;

use crate::{KeySource, settings};

/// Sources of keys that a host has in place of the setting [`api_key`](settings::api_key), by the id of the
/// provider and the base URL. Part of a [`ProviderContext`].
///
/// A key goes to the provider and to the base URL that the host gave it for, and nowhere else: whoever may
/// set `base_url` in a form gets no key of the host's with it. A key among the settings counts before a
/// source.
///
/// ```
/// use provider_core::{ConfigValues, ProviderContext, Secret};
/// use provider_http::{KeySource, KeySources};
///
/// # fn current_key() -> Secret { Secret::new("sk-abc") }
/// let rotating = KeySource::from_fn(|| async { Ok(current_key()) });
/// let context = ProviderContext::new().with(KeySources::new().with("acme", rotating));
///
/// // A provider's constructor looks for its own:
/// let sources = KeySources::of(&context);
/// let here = ConfigValues::new();
/// let elsewhere = here.clone().set("base_url", "https://example.org/v1");
/// assert!(sources.get("acme", &here, "https://acme.example/v1").is_some());
/// assert!(sources.get("acme", &elsewhere, "https://acme.example/v1").is_none());
/// assert!(sources.get("other", &here, "https://acme.example/v1").is_none());
/// ```
#[derive(Clone, Default)]
pub struct KeySources {
    /// By provider and base URL; without one, for the provider's own.
    sources: BTreeMap<(String, Option<String>), KeySource>,
}

impl KeySources {
    /// Makes a set without sources.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the sources of a host's context; none where the host has none.
    pub fn of(context: &ProviderContext) -> Self {
        context.get::<Self>().cloned().unwrap_or_default()
    }

    /// Adds the source for a provider, by its id, at the base URL that it has by default. It replaces an
    /// earlier one.
    #[must_use]
    pub fn with(mut self, provider: impl Into<String>, source: impl Into<KeySource>) -> Self {
        self.sources.insert((provider.into(), None), source.into());
        self
    }

    /// Adds the source for a provider at another base URL, of a region or a gateway. The setting `base_url`
    /// has to be the same URL then, but for slashes at its end.
    #[must_use]
    pub fn with_base_url(
        mut self,
        provider: impl Into<String>,
        base_url: &str,
        source: impl Into<KeySource>,
    ) -> Self {
        self.sources.insert((provider.into(), Some(normalized(base_url))), source.into());
        self
    }

    /// Returns the source for a provider with these settings, if the host has one. `default_base_url`: the
    /// base URL where the settings have none.
    pub fn get(&self, provider: &str, values: &ConfigValues, default_base_url: &str) -> Option<&KeySource> {
        let own = normalized(default_base_url);
        let base_url = values.get(settings::BASE_URL).map_or_else(|| own.clone(), normalized);
        let is_own = base_url == own;
        let source = |base_url| self.sources.get(&(provider.to_owned(), base_url));
        source(Some(base_url)).or_else(|| if is_own { source(None) } else { None })
    }
}

/// A base URL as it is compared. A text that is no URL stays as it is, and is refused as a setting.
fn normalized(base_url: &str) -> String {
    let url = Url::parse(base_url).map_or_else(|_| base_url.to_owned(), String::from);
    url.trim_end_matches('/').to_owned()
}

impl fmt::Debug for KeySources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.sources).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://acme.example/v1";

    fn at(base_url: &str) -> ConfigValues {
        ConfigValues::from([("base_url", base_url)])
    }

    #[test]
    fn a_source_is_found_at_its_own_base_url_alone() {
        let sources = KeySources::new().with("acme", "sk-own").with_base_url(
            "acme",
            "https://gateway.example/acme/",
            "sk-gateway",
        );
        let is_found = |provider, url| sources.get(provider, &at(url), OWN).is_some();
        for url in ["", OWN, "https://acme.example/v1/", "https://ACME.example:443/v1"] {
            assert!(is_found("acme", url), "{url}");
        }
        assert!(is_found("acme", "https://gateway.example/acme"));
        for url in [
            "https://acme.example/v2",
            "https://acme.example",
            "http://acme.example/v1",
            "https://acme.example.evil.example/v1",
            "https://acme.example@evil.example/v1",
            "https://gateway.example/other",
            "https://gateway.example",
            "no URL",
        ] {
            assert!(!is_found("acme", url), "{url}");
        }
        assert!(!is_found("other", "") && !is_found("other", "https://gateway.example/acme"));
    }

    #[test]
    fn debug_shows_for_whom_and_no_key() {
        let shown = format!("{:?}", KeySources::new().with("acme", "sk-s3cret"));
        assert!(shown.contains("acme") && !shown.contains("s3cret"), "{shown}");
    }
}
