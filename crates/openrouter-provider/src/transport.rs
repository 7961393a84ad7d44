//! HTTP: one place where requests are made, so that every one of them carries the same headers and limits.

mod clock;
mod http;
mod proxy;
mod received;

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use bytes::Bytes;
use openai_wire::error::{from_response, is_foreign};
use provider_core::author::{Headers, ResponseHead};
use provider_core::{Error, ErrorKind, Secret};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Client, Method, Request, StatusCode, Url};

pub(crate) use self::clock::{Clock, RunOut};
use self::http::Http;
pub(crate) use self::proxy::Proxy;
pub(crate) use self::received::Received;
use crate::config::Config;
use crate::dialect::OpenRouterDialect;
use crate::failure;
use crate::{ID, Limits};

/// The connection to the service.
pub(crate) struct Transport {
    /// Made when it is first needed.
    http: OnceLock<Http>,
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) dialect: Arc<OpenRouterDialect>,
    /// The headers of every request.
    headers: HeaderMap,
    /// Where chats are posted to.
    chat: Url,
}

impl Transport {
    pub(crate) fn new(config: Config, limits: Limits, client: Option<Client>) -> Result<Self, Error> {
        let (headers, chat) = (headers(&config), url(&config, "chat/completions")?);
        let http = client.map(|client| OnceLock::from(Http::of_host(client))).unwrap_or_default();
        let dialect = Arc::new(OpenRouterDialect { preferences: config.preferences.clone() });
        Ok(Self { http, config, limits, dialect, headers, chat })
    }

    /// A request for a chat. `accept` is the content type that is wanted back, `added` are headers of this
    /// request alone.
    pub(crate) fn chat(&self, accept: &'static str, added: HeaderMap, body: Bytes) -> Request {
        let mut request = self.request(Method::POST, self.chat.clone(), accept);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // None of them has a name that is taken.
        request.headers_mut().extend(added);
        *request.body_mut() = Some(body.into());
        request
    }

    /// Gets a JSON document and reads it whole.
    pub(crate) async fn get(&self, path: &str) -> Result<String, Error> {
        let url = url(&self.config, path)?;
        self.send(self.request(Method::GET, url, "application/json")).await?.text().await
    }

    /// Opens a connection and leaves it open for the next request.
    pub(crate) async fn warm_up(&self) -> Result<(), Error> {
        let url = url(&self.config, "models/count")?;
        // What the service makes of it does not matter.
        self.answer(self.request(Method::HEAD, url, "application/json")).await?.excerpt(0).await;
        Ok(())
    }

    fn request(&self, method: Method, url: Url, accept: &'static str) -> Request {
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        request
    }

    /// The key, to keep it out of texts that came from outside.
    pub(crate) fn api_key(&self) -> &Secret {
        &self.config.api_key
    }

    /// The head of an answer, whose headers are taken out.
    pub(crate) fn head(&self, response: &mut reqwest::Response) -> ResponseHead {
        let headers = std::mem::take(response.headers_mut());
        ResponseHead::new(response.status().as_u16(), HttpHeaders(headers), self.config.api_key.clone())
    }

    /// Sends a request; gives an answer whose status is good.
    pub(crate) async fn send(&self, request: Request) -> Result<Received, Error> {
        self.accept(self.answer(request).await?).await
    }

    /// Sends a request; gives any answer.
    async fn answer(&self, request: Request) -> Result<Received, Error> {
        let Http { client, proxy } = self.http()?;
        let (limits, mut clock) = (self.limits, Clock::start(&self.limits));
        let mut sending = pin!(client.execute(request));
        let sent = poll_fn(|cx| match sending.as_mut().poll(cx) {
            Poll::Ready(sent) => Poll::Ready(Ok(sent)),
            Poll::Pending => clock.poll_waiting(cx).map(Err),
        });
        match sent.await {
            Ok(Ok(response)) => Ok(Received::new(response, limits, clock)),
            Ok(Err(cause)) => Err(failure::not_sent(cause, &self.config, &limits, proxy.as_ref())),
            Err(run_out) => Err(failure::no_answer_in_time(run_out, &self.config, &limits)),
        }
    }

    /// Takes an answer whose status is good; makes an error of any other.
    pub(crate) async fn accept(&self, mut answer: Received) -> Result<Received, Error> {
        let status = answer.response.status();
        let encoding = answer.response.headers().get(CONTENT_ENCODING).cloned();
        let encoding = encoding.filter(|encoding| *encoding != "identity");
        if let (true, Some(encoding)) = (status.is_success(), &encoding) {
            let head = self.head(&mut answer.response);
            let error = failure::encoded(encoding.as_bytes(), &head).with_provider(ID);
            return Err(error.redact(self.api_key()));
        }
        if status.is_success() {
            return Ok(answer);
        }
        // The status is the news; a body that cannot be read does not change it.
        let head = self.head(&mut answer.response);
        let is_plain = encoding.is_none();
        let body = if is_plain { answer.excerpt(self.limits.max_error_bytes).await } else { String::new() };
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && is_foreign(&body) {
            return Err(failure::proxy_authentication(self.http.get().and_then(|http| http.proxy.as_ref())));
        }
        let error = from_response(&body, &head, &*self.dialect).with_provider(ID);
        Err(failure::with_ids(error, &head).redact(self.api_key()))
    }

    fn http(&self) -> Result<&Http, Error> {
        match self.http.get() {
            Some(http) => Ok(http),
            None => {
                let http = Http::new(&self.config, &self.limits)?;
                // Of two that are made at the same time, one is kept.
                Ok(self.http.get_or_init(|| http))
            }
        }
    }
}

/// An address of the API. Appended, never resolved: the base URL's own path stays.
fn url(config: &Config, path: &str) -> Result<Url, Error> {
    let base = config.base_url.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}/{path}")).map_err(|cause| {
        let message = format!("there cannot be an address {path:?} of the API: {cause}");
        Error::new(ErrorKind::InvalidRequest, message).with_provider(ID).with_source(cause)
    })
}

/// The headers of every request.
fn headers(config: &Config) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(AUTHORIZATION, config.authorization.clone());
    if let Some(referer) = &config.referer {
        headers.insert(HeaderName::from_static("http-referer"), referer.clone());
    }
    if let Some(title) = &config.title {
        // The name of today and the one before it; which one wins is not documented, so they say the same.
        headers.insert(HeaderName::from_static("x-openrouter-title"), title.clone());
        headers.insert(HeaderName::from_static("x-title"), title.clone());
    }
    headers
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

/// The headers of an answer.
#[derive(Debug)]
struct HttpHeaders(HeaderMap);

impl Headers for HttpHeaders {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}
