//! Building a client: from the environment, from values by key, or by hand.

use std::fmt;
use std::sync::Arc;

use openai_wire::error;
use provider_core::author::ResponseHead;
use provider_core::{ConfigValues, Error, ErrorKind, ProviderContext};
use provider_http::{Endpoint, HttpClient, HttpLimits, KeySource, settings};

use crate::config::{self, DEFAULT_BASE_URL, FIELDS};
use crate::dialect::OpenRouterDialect;
use crate::options::ProviderPreferences;
use crate::{ID, Limits, OpenRouter};

/// How this crate names itself to the service.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Builds an [`OpenRouter`] from settings given one by one or by key, and from what only code can give:
/// limits, an HTTP client and a source of keys. Made by [`OpenRouter::builder`].
///
/// ```
/// use openrouter_provider::OpenRouter;
///
/// let openrouter = OpenRouter::builder()
///     .api_key("sk-or-v1-abc")
///     .site_url("https://example.com")
///     .site_name("Example")
///     .build()?;
/// # Ok::<(), provider_core::Error>(())
/// ```
///
/// A blank value is the same as none, here as in [`values`](Self::values) and in the environment:
/// `base_url("")` is the public service.
#[derive(Clone, Default)]
#[must_use]
pub struct OpenRouterBuilder {
    values: ConfigValues,
    limits: Limits,
    http: HttpClient,
    key_source: Option<KeySource>,
}

impl OpenRouterBuilder {
    /// Settings by key, as a form, a database or the environment has them; [`FIELDS`](crate::FIELDS) lists
    /// the keys. They replace what was given before under the same keys.
    ///
    /// ```
    /// use openrouter_provider::{FIELDS, Limits, OpenRouter};
    /// use provider_core::ConfigValues;
    ///
    /// let stored = [("api_key", "sk-or-v1-abc"), ("read_timeout", "60")];
    /// let openrouter = OpenRouter::builder()
    ///     .values(ConfigValues::from(stored).or(ConfigValues::from_env(FIELDS)))
    ///     .limits(Limits::default().max_body_bytes(8 << 20))
    ///     .build()?;
    /// # Ok::<(), provider_core::Error>(())
    /// ```
    pub fn values(mut self, values: impl Into<ConfigValues>) -> Self {
        self.values = values.into().or(self.values);
        self
    }

    /// The key of the account. Required, unless there is a [source of keys](Self::key_source).
    pub fn api_key(self, key: impl AsRef<str>) -> Self {
        self.set("api_key", key)
    }

    /// The address of your app, sent as `HTTP-Referer`.
    pub fn site_url(self, url: impl AsRef<str>) -> Self {
        self.set("site_url", url)
    }

    /// The name of your app, sent as `X-Title` and `X-OpenRouter-Title`.
    ///
    /// Header values are ASCII: letters outside it are sent as percent-encoded UTF-8 (`Café` as `Caf%C3%A9`).
    pub fn site_name(self, name: impl AsRef<str>) -> Self {
        self.set("site_name", name)
    }

    /// Where the API is, version path included. Default: [`DEFAULT_BASE_URL`](crate::DEFAULT_BASE_URL).
    pub fn base_url(self, url: impl AsRef<str>) -> Self {
        self.set("base_url", url)
    }

    /// Which upstream providers may serve, where a request leaves it open: the whole workspace's routing
    /// preferences and data policy. The settings that have a field of their own (`provider_order`,
    /// `data_collection`, …) count before it.
    pub fn routing(self, preferences: &ProviderPreferences) -> Self {
        // The preferences are texts, flags and numbers: all of them can be written. A number that is none
        // becomes `null`.
        self.set("routing", serde_json::to_string(preferences).unwrap_or_default())
    }

    /// Bounds on every wait and every buffer. Where a setting says something else (`connect_timeout`,
    /// `read_timeout`, `total_timeout`), the setting counts.
    pub fn limits(mut self, limits: impl Into<Limits>) -> Self {
        self.limits = limits.into();
        self
    }

    /// An HTTP client that the host shares among its providers, with its proxies, certificates and pool. A
    /// `reqwest::Client` is one by way of [`HttpClient::from_transport`] and the feature `reqwest`. Default:
    /// a client of its own.
    pub fn http_client(mut self, client: HttpClient) -> Self {
        self.http = client;
        self
    }

    /// The source that is asked for the key of each request, for keys that change while the client lives. A
    /// key among the settings counts before it. Default: none.
    pub fn key_source(mut self, source: impl Into<KeySource>) -> Self {
        self.key_source = Some(source.into());
        self
    }

    /// Makes the client. Nothing is sent, and nothing is read from disk: what connections need is made for
    /// the first of them, which [`OpenRouter::warm_up`] can do ahead of time.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with every problem of every setting at once.
    pub fn build(self) -> Result<OpenRouter, Error> {
        let values = &self.values;
        config::validate(values, self.key_source.is_some())?;
        let key = values.get(settings::API_KEY).map(KeySource::from).or(self.key_source);
        let unfit = |problem| Error::new(ErrorKind::Config, problem).with_provider(ID);
        let dialect =
            Arc::new(OpenRouterDialect { preferences: config::preferences(values).map_err(unfit)? });
        let of_errors = dialect.clone();
        let mut endpoint = Endpoint::builder(DEFAULT_BASE_URL)
            .provider(ID)
            .generation_id_header("x-generation-id")
            .limits(self.limits.http)
            .values(values)
            .bearer(key.unwrap_or_default())
            .header("user-agent", USER_AGENT)
            .error_response(move |head, body| error::from_response(head, body, &*of_errors));
        if let Some(referer) = config::referer(values).map_err(unfit)? {
            endpoint = endpoint.header("http-referer", referer);
        }
        if let Some(title) = config::title(values) {
            // The header's current name and its earlier one. OpenRouter does not document which one wins, so
            // both say the same.
            endpoint = endpoint.header("x-openrouter-title", &title).header("x-title", &title);
        }
        let endpoint = endpoint.build(&self.http)?;
        let limits = Limits { http: *endpoint.limits(), ..self.limits };
        Ok(OpenRouter { endpoint, dialect, limits })
    }

    fn set(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.values = self.values.set(key, value);
        self
    }
}

impl OpenRouter {
    /// A client with the settings of the environment: `OPENROUTER_API_KEY`, and if they are set
    /// `OPENROUTER_SITE_URL`, `OPENROUTER_SITE_NAME` and `OPENROUTER_BASE_URL`. Blank variables count as
    /// unset.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with every problem of every variable at once.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_values(ConfigValues::from_env(FIELDS))
    }

    /// A client with settings given by key, as a form or a database has them; [`FIELDS`] lists the keys.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with every problem of every setting at once.
    pub fn from_values(values: impl Into<ConfigValues>) -> Result<Self, Error> {
        Self::builder().values(values).build()
    }

    /// Starts a client from settings given one by one.
    pub fn builder() -> OpenRouterBuilder {
        OpenRouterBuilder::default()
    }
}

impl fmt::Debug for OpenRouterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenRouterBuilder")
            .field("values", &self.values)
            .field("limits", &self.limits)
            .finish()
    }
}

/// The endpoint of requests that get a key, and so have none: at the address of these settings, with the
/// host's HTTP client and limits.
pub(crate) fn keyless_endpoint(
    values: &ConfigValues,
    context: &ProviderContext,
    error_response: impl Fn(&ResponseHead, &str) -> Error + Send + Sync + 'static,
) -> Result<Endpoint, Error> {
    Endpoint::builder(DEFAULT_BASE_URL)
        .provider(ID)
        .limits(HttpLimits::of(context))
        .values(values)
        .header("user-agent", USER_AGENT)
        .error_response(error_response)
        // Not `build_in`, which would send a key of the context along.
        .build(&HttpClient::of(context))
}
