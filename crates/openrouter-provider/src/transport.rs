//! HTTP: one place where requests are made, so that every one of them carries the same headers and limits.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use http_body::Body as _;
use provider_core::{Error, ErrorKind, Secret};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, RequestBuilder, StatusCode};

use crate::config::{Config, is_loopback};
use crate::failure::{self, Redact};
use crate::options::ProviderPreferences;
use crate::{ID, Limits};

/// The connection to the service.
pub(crate) struct Transport {
    pub(crate) client: Client,
    pub(crate) config: Config,
    pub(crate) limits: Limits,
}

/// An answer whose status was good.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) status: StatusCode,
    pub(crate) body: Body,
    /// When the request was sent.
    pub(crate) begun: Instant,
}

impl Transport {
    pub(crate) fn new(config: Config, limits: Limits, client: Option<Client>) -> Result<Self, Error> {
        let client = match client {
            Some(client) => client,
            None => build_client(&config, limits)?,
        };
        Ok(Self { client, config, limits })
    }

    /// A request that posts a JSON body. `accept` is the content type that is wanted back, `added` are headers of this request
    /// alone.
    pub(crate) fn post(
        &self,
        path: &str,
        accept: &'static str,
        added: HeaderMap,
        body: Bytes,
    ) -> RequestBuilder {
        let json = HeaderValue::from_static("application/json");
        let request = self.client.post(self.url(path)).header(ACCEPT, HeaderValue::from_static(accept));
        request.headers(added).header(CONTENT_TYPE, json).headers(self.headers()).body(body)
    }

    /// Gets a JSON document and reads it whole.
    pub(crate) async fn get(&self, path: &str) -> Result<String, Error> {
        let json = HeaderValue::from_static("application/json");
        let request = self.client.get(self.url(path)).header(ACCEPT, json).headers(self.headers());
        let answer = self.send(request).await?;
        self.text(answer.body, answer.begun).await
    }

    /// Reads a body whole, up to the limit. Bytes that are no UTF-8 are replaced. `begun`: when the request was sent.
    pub(crate) async fn text(&self, body: Body, begun: Instant) -> Result<String, Error> {
        let limit = self.limits.max_body_bytes;
        let read = read(body, limit).await;
        let (bytes, complete) =
            read.map_err(|cause| failure::broken_off(&cause, &self.limits, begun.elapsed()))?;
        if complete { Ok(into_text(bytes)) } else { Err(failure::body_too_large(limit)) }
    }

    /// The key, to keep it out of texts that came from outside.
    pub(crate) fn api_key(&self) -> &Secret {
        &self.config.api_key
    }

    /// The workspace's preferences among upstream providers.
    pub(crate) fn preferences(&self) -> &ProviderPreferences {
        &self.config.preferences
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, Error> {
        let request = request.timeout(self.limits.total_timeout);
        let begun = Instant::now();
        let sent = request.send().await;
        let mut response =
            sent.map_err(|cause| failure::not_sent(cause, &self.config, &self.limits, begun.elapsed()))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        self.accept(status, headers, Body::from(response), begun).await
    }

    /// Takes an answer whose status is good; makes an error of any other. `begun`: when the request was sent.
    pub(crate) async fn accept(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: Body,
        begun: Instant,
    ) -> Result<Answer, Error> {
        let encoding = headers.get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity");
        if let (true, Some(encoding)) = (status.is_success(), encoding) {
            return Err(failure::encoded(encoding, status, &headers).redact(self.api_key()));
        }
        if status.is_success() {
            return Ok(Answer { headers, status, body, begun });
        }
        // The status is the news; a body that cannot be read does not change it.
        let body = match encoding {
            None => read(body, self.limits.max_error_bytes).await.map(|(bytes, _)| into_text(bytes)),
            Some(_) => Ok(String::new()),
        };
        let error = failure::refused(status, &headers, &body.unwrap_or_default(), Redact(self.api_key()));
        Err(error.redact(self.api_key()))
    }

    fn url(&self, path: &str) -> String {
        // Appended, never resolved: the base URL's own path stays.
        format!("{}/{path}", self.config.base_url.as_str().trim_end_matches('/'))
    }

    /// The headers of every request.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(AUTHORIZATION, self.config.authorization.clone());
        if let Some(referer) = &self.config.referer {
            headers.insert(HeaderName::from_static("http-referer"), referer.clone());
        }
        if let Some(title) = &self.config.title {
            // The name of today and the one before it; which one wins is not documented, so they say the same.
            headers.insert(HeaderName::from_static("x-openrouter-title"), title.clone());
            headers.insert(HeaderName::from_static("x-title"), title.clone());
        }
        headers
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("base_url", &self.config.base_url.as_str())
            .field("site_url", &self.config.referer)
            .field("site_name", &self.config.title)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn build_client(config: &Config, limits: Limits) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        // A redirect could take the key to another origin.
        .redirect(Policy::none())
        .connect_timeout(limits.connect_timeout)
        .read_timeout(limits.read_timeout);
    if is_loopback(&config.base_url) {
        builder = builder.no_proxy();
    }
    #[cfg(feature = "rustls-ring")]
    {
        let https = config.base_url.scheme() == "https";
        let tls = if https { crate::tls::platform() } else { crate::tls::unused() };
        let no_tls = |cause: rustls::Error| {
            let message = "TLS cannot be set up; are CA certificates installed?";
            Error::new(ErrorKind::Config, message).with_provider(ID).with_source(cause)
        };
        builder = builder.tls_backend_preconfigured(tls.map_err(no_tls)?);
    }
    builder.build().map_err(|cause| {
        Error::new(ErrorKind::Config, "the HTTP client cannot be set up").with_provider(ID).with_source(cause)
    })
}

/// Reads up to `limit` bytes of a body; false when there is more.
async fn read(mut body: Body, limit: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            let room = limit - bytes.len();
            if data.len() > room {
                bytes.extend_from_slice(&data[..room]);
                return Ok((bytes, false));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok((bytes, true))
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|not_utf8| String::from_utf8_lossy(not_utf8.as_bytes()).into_owned())
}
