//! An endpoint: where requests go, what all of them carry, and how each is made.

mod request;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use provider_core::author::ResponseHead;
use provider_core::{ConfigValues, Error, FieldProblem, ProviderContext, Secret};

pub use self::request::RequestBuilder;
use crate::client::HttpClient;
use crate::error;
use crate::headers::{self, NO_NAME};
use crate::send::ErrorReader;
use crate::{HttpLimits, KeySource, KeySources, settings};

/// The API of a service: base URL, key, headers and limits. Makes requests. Cheap to clone.
///
/// ```no_run
/// # use provider_core::Error;
/// use provider_http::{Endpoint, HttpClient};
///
/// # async fn run(http: &HttpClient) -> Result<(), Error> {
/// let endpoint = Endpoint::builder("https://acme.example/v1")
///     .provider("acme")
///     .bearer("sk-abc-123")
///     .header("x-title", "My App")
///     .build(http)?;
/// let models = endpoint.get("models").text().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    /// Without a slash at the end.
    base: String,
    /// The version that may be missing at its end.
    version: Option<Version>,
    /// Scheme, host and port, as errors name them.
    origin: String,
    key: KeySource,
    key_header: KeyHeader,
    /// The headers of every request; with the key, where that is always the same.
    headers: HeaderMap,
    /// The values among them that may be secrets.
    secrets: Arc<[Secret]>,
    limits: HttpLimits,
    http: HttpClient,
    /// The provider's name in errors.
    provider: Cow<'static, str>,
    generation_id_header: Option<&'static str>,
    example: Arc<str>,
    error_response: ErrorReader,
}

/// A version that may be missing at the end of a base URL.
struct Version {
    path: &'static str,
    /// Whether it is missing, once an answer has told.
    is_missing: OnceLock<bool>,
}

/// The header that the key goes in.
#[derive(Clone, Debug)]
struct KeyHeader {
    name: HeaderName,
    prefix: &'static str,
}

impl KeyHeader {
    const BEARER: Self = Self { name: AUTHORIZATION, prefix: "Bearer " };

    fn put(&self, headers: &mut HeaderMap, key: &Secret) -> Result<(), FieldProblem> {
        let value = HeaderValue::from_str(&[self.prefix, key.expose()].concat());
        let mut value = value
            .map_err(|_| FieldProblem::new(settings::API_KEY, "has a character that no header can carry"))?;
        value.set_sensitive(true);
        headers.insert(self.name.clone(), value);
        Ok(())
    }
}

impl Endpoint {
    /// Starts an endpoint at this base URL, which has the version in its path. Paths are appended to it.
    /// Where [settings](EndpointBuilder::values) name another one, errors show this one as an example.
    pub fn builder(base_url: impl Into<String>) -> EndpointBuilder {
        let base_url = base_url.into();
        EndpointBuilder {
            example: base_url.clone(),
            base_url,
            default_version: None,
            allow_http: false,
            key: KeySource::none(),
            key_header: KeyHeader::BEARER,
            headers: HeaderMap::new(),
            limits: HttpLimits::default(),
            values: ConfigValues::new(),
            provider: Cow::default(),
            name: None,
            generation_id_header: None,
            error_response: Arc::new(error::from_response),
            problems: Vec::new(),
        }
    }

    /// Starts a `GET` of a path, which may have a query. It is appended to the base URL as it is:
    /// percent-encode what is not ASCII in it.
    pub fn get(&self, path: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, Method::GET, path)
    }

    /// Starts a `POST` to a path.
    pub fn post(&self, path: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, Method::POST, path)
    }

    /// Starts a request with any method.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, method, path)
    }

    /// Opens a connection and leaves it open for the next request, by way of a `HEAD` of a path: a cheap one,
    /// whose answer does not matter.
    ///
    /// # Errors
    /// When there is no connection to be had.
    pub async fn warm_up(&self, path: &str) -> Result<(), Error> {
        self.request(Method::HEAD, path).send().await?.excerpt(0).await;
        Ok(())
    }

    /// Takes the key out of an error that a provider adds text to, where the key is known.
    pub fn redact(&self, error: Error) -> Error {
        match self.0.key.fixed() {
            Some(key) => error.redact(key),
            None => error,
        }
    }

    /// Whether requests go out with a key, fixed or from a source.
    pub fn has_key(&self) -> bool {
        !self.0.key.is_none()
    }

    /// Returns the provider's name in errors, empty where the endpoint was built without one.
    pub(crate) fn provider(&self) -> &Cow<'static, str> {
        &self.0.provider
    }

    /// Returns the limits of each request.
    pub fn limits(&self) -> &HttpLimits {
        &self.0.limits
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("base_url", &self.0.base)
            .field("key", &self.0.key)
            .field("headers", &self.0.headers)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

/// Builds an [`Endpoint`]. Made by [`Endpoint::builder`].
#[derive(Clone)]
#[must_use]
pub struct EndpointBuilder {
    base_url: String,
    /// The base URL that the provider's author gave.
    example: String,
    default_version: Option<&'static str>,
    allow_http: bool,
    key: KeySource,
    key_header: KeyHeader,
    headers: HeaderMap,
    limits: HttpLimits,
    /// The settings that were taken, for what a host's context may add.
    values: ConfigValues,
    provider: Cow<'static, str>,
    /// In place of the id in errors.
    name: Option<String>,
    generation_id_header: Option<&'static str>,
    error_response: ErrorReader,
    problems: Vec<FieldProblem>,
}

impl EndpointBuilder {
    /// Takes from settings what they have under the keys of [`settings`]: base URL, `allow_http`, timeouts
    /// and extra headers. The key is the provider's to [take](Self::bearer), which knows its header.
    pub fn values(mut self, values: &ConfigValues) -> Self {
        if let Some(url) = values.get(settings::BASE_URL) {
            url.clone_into(&mut self.base_url);
        }
        self.allow_http = values.flag(settings::ALLOW_HTTP).unwrap_or(self.allow_http);
        self.limits = self.limits.with_values(values);
        self.values = values.clone();
        match values.get(settings::HEADERS).map(settings::parse_headers) {
            Some(Ok(headers)) => {
                headers.into_iter().fold(self, |this, (name, value)| this.header(&name, value))
            }
            Some(Err(problem)) => {
                self.problem(settings::HEADERS.to_owned(), &problem);
                self
            }
            None => self,
        }
    }

    /// Looks for the API below this version (`v1`) as well, where the path of the base URL has none. Default:
    /// no.
    ///
    /// A request that is answered with 404 is sent once more below the version, until an answer has told the
    /// place; it is kept for all requests of the endpoint and its clones. No other status has it sent again,
    /// and of two errors the one that says more is given.
    pub fn default_version(mut self, version: &'static str) -> Self {
        self.default_version = Some(version);
        self
    }

    /// Allows plain `http` to another machine. Default: to this machine alone.
    pub fn allow_http(mut self, is_allowed: bool) -> Self {
        self.allow_http = is_allowed;
        self
    }

    /// Names the provider in errors, by its id.
    pub fn provider(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.provider = id.into();
        self
    }

    /// Names the provider in errors by this name in place of its id, where a user gave one. A host's
    /// [sources](KeySources) of keys stay those of the id. Default: none.
    pub fn name(mut self, name: Option<impl Into<String>>) -> Self {
        self.name = name.map(Into::into);
        self
    }

    /// Names the header, in lower case, that has the id of an answer: errors keep it, so that an answer that
    /// was paid for can be looked up. Default: none.
    pub fn generation_id_header(mut self, name: &'static str) -> Self {
        self.generation_id_header = Some(name);
        self
    }

    /// Sends the key as `Authorization: Bearer …`.
    pub fn bearer(mut self, key: impl Into<KeySource>) -> Self {
        (self.key, self.key_header) = (key.into(), KeyHeader::BEARER);
        self
    }

    /// Sends the key in the header that settings name ([`settings::key_header`]), or as
    /// [`Authorization: Bearer …`](Self::bearer) where they name none.
    pub fn key(self, values: &ConfigValues, key: impl Into<KeySource>) -> Self {
        match values.get(settings::KEY_HEADER).filter(|name| !settings::is_bearer(name)) {
            Some(name) => self.key_header(name, key),
            None => self.bearer(key),
        }
    }

    /// Sends the key in a header of this name, as it is.
    pub fn key_header(mut self, name: &str, key: impl Into<KeySource>) -> Self {
        self.key = key.into();
        match HeaderName::try_from(name) {
            Ok(name) => self.key_header = KeyHeader { name, prefix: "" },
            Err(_) => self.problem(format!("headers.{}", name.escape_debug()), NO_NAME),
        }
        self
    }

    /// Adds a header to every request. A later one of the same name replaces it.
    ///
    /// It may be a key of a gateway: `Debug` hides its value unless the header says who asks, and errors have
    /// `***` in the place of a value of 16 bytes or more. A shorter one may be any word.
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        match headers::of_every_request(name, value.as_ref()) {
            Ok((name, value)) => drop(self.headers.insert(name, value)),
            Err(problem) => self.problem(format!("headers.{}", name.escape_debug()), problem),
        }
        self
    }

    /// Sets the bounds on waits and buffers. Settings given [by key](Self::values) later count before them.
    pub fn limits(mut self, limits: HttpLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Makes the errors of error responses: answers whose status is no success. Gets the head, and as much of
    /// the body as [`HttpLimits::max_error_bytes`] allows. Default: [`error::from_response`], which is also
    /// the place to send bodies to that the service's wire does not know.
    ///
    /// Status, request id, provider and model are added afterwards, and the key is taken out.
    pub fn error_response(
        mut self,
        make: impl Fn(&ResponseHead, &str) -> Error + Send + Sync + 'static,
    ) -> Self {
        self.error_response = Arc::new(make);
        self
    }

    /// Makes the endpoint in a host's context: with its HTTP client; with its limits, where it has some, in
    /// place of the builder's; and with its [source](KeySources) of keys for this provider at this base URL,
    /// where there is no key. [Settings](Self::values) count before the context.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_in(mut self, context: &ProviderContext) -> Result<Endpoint, Error> {
        if let Some(limits) = context.get::<HttpLimits>() {
            self.limits = limits.with_values(&self.values);
        }
        if self.key.is_none() {
            let sources = KeySources::of(context);
            let own = sources.get(&self.provider, &self.values, &self.example);
            self.key = own.cloned().unwrap_or_default();
        }
        self.build(&HttpClient::of(context))
    }

    /// Makes the endpoint. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](provider_core::ErrorKind::Config) with everything that cannot be used.
    pub fn build(mut self, http: &HttpClient) -> Result<Endpoint, Error> {
        let base = match settings::parse_base_url(&self.base_url, self.allow_http, &self.example) {
            Ok(base) => Some(base),
            Err(problem) => {
                self.problem(settings::BASE_URL.to_owned(), &problem);
                None
            }
        };
        if !self.headers.contains_key(USER_AGENT) {
            let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
            self.headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        }
        let secrets = headers::secrets(&self.headers);
        let provider = self.name.take().map_or(self.provider, Cow::Owned);
        if let Some(problem) =
            self.key.fixed().and_then(|key| self.key_header.put(&mut self.headers, key).err())
        {
            self.problems.push(problem);
        }
        match base {
            Some(base) if self.problems.is_empty() => Ok(Endpoint(Arc::new(Inner {
                base: base.as_str().trim_end_matches('/').to_owned(),
                version: self
                    .default_version
                    .filter(|_| !settings::has_version(&base))
                    .map(|path| Version { path, is_missing: OnceLock::new() }),
                origin: base.origin().ascii_serialization(),
                key: self.key,
                key_header: self.key_header,
                headers: self.headers,
                secrets,
                limits: self.limits,
                http: http.clone(),
                provider,
                generation_id_header: self.generation_id_header,
                example: self.example.into(),
                error_response: self.error_response,
            }))),
            _ => Err(Error::config(&provider, self.problems)),
        }
    }

    fn problem(&mut self, field: String, what: &str) {
        self.problems.push(FieldProblem::new(field, what));
    }
}

impl fmt::Debug for EndpointBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointBuilder")
            .field("base_url", &self.base_url)
            .field("key", &self.key)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
