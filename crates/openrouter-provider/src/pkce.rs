//! An API key by one click: the user approves on OpenRouter's page, and the program gets a key of the user's
//! account, without one being pasted (OAuth with PKCE, RFC 7636).
//!
//! 1. [`Authorization::start`] makes the address of the page; the program sends the user's browser to its
//!    [`url`](Authorization::url).
//! 2. OpenRouter sends the browser back to the program's own address, with a code in it, which
//!    [`code`](Authorization::code) takes out. It refuses an address that is not the answer to this request.
//! 3. [`exchange`](Authorization::exchange) gives the code and the verifier, which never left the program,
//!    for a key.
//!
//! ```no_run
//! use openrouter_provider::pkce::Authorization;
//! use openrouter_provider::OpenRouter;
//! use provider_core::{ConfigValues, ProviderContext};
//!
//! # async fn connect(send_browser_to: impl AsyncFn(&str) -> String) -> Result<(), provider_core::Error> {
//! let (values, context) = (ConfigValues::new(), ProviderContext::new()); // the public service
//! let authorization = Authorization::start("http://localhost:3000/callback", &values, &context)?;
//! // The address at which the browser comes back.
//! let redirected = send_browser_to(authorization.url()).await;
//! let code = authorization.code(&redirected)?;
//! let granted = authorization.exchange(code).await?;
//! let openrouter = OpenRouter::builder().api_key(granted.key.expose()).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! The key is the user's own and lasts until the user deletes it. A program keeps it like any other key.

use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lenient_json::{Text, from_str, object};
use openai_wire::error;
use provider_core::author::text_of_body;
use provider_core::{
    ConfigValues, Error, ErrorKind, FieldProblem, KeyGrant, KeyRequest, ProviderContext, Secret,
};
use provider_http::{Endpoint, settings};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use crate::ID;
use crate::builder::keyless_endpoint;
use crate::config::{self, DEFAULT_BASE_URL};
use crate::dialect::OpenRouterDialect;

/// The random bytes of a verifier and of a state: 256 bits, as RFC 7636 asks for (section 7.1).
const RANDOM_BYTES: usize = 32;

/// The name of the parameter in the callback URL that tells the answer to this request from others.
const STATE: &str = "state";

/// A request for a key that waits for the user's approval. See the [module](self).
///
/// It is for one user and one key. `Debug` shows neither its verifier nor its state.
pub struct Authorization {
    endpoint: Endpoint,
    url: Url,
    state: String,
    verifier: Secret,
}

/// The code of an approval, which [`Authorization::exchange`] gives for a key. It works once, for some
/// minutes.
#[derive(Clone, Debug)]
pub struct AuthorizationCode(Secret);

/// A key that a user has granted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantedKey {
    /// The key. It lasts until the user deletes it.
    pub key: Secret,
    /// The id of the user at OpenRouter.
    pub user_id: Option<String>,
}

impl Authorization {
    /// Starts a request for a key. Nothing is sent.
    ///
    /// OpenRouter sends the browser to `callback_url` with a code: an `https` URL, or an `http` one of this
    /// machine (`localhost`, `127.0.0.1`) on any port. Of `values`, the settings count that say where the
    /// service is and how long to wait (`base_url`, `allow_http`, the time-outs). Of `context`, the HTTP
    /// client and the limits count.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a callback URL or settings that cannot be used, or when the system has no
    /// random numbers.
    pub fn start(
        callback_url: &str,
        values: &ConfigValues,
        context: &ProviderContext,
    ) -> Result<Self, Error> {
        let verifier = Secret::new(random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()));
        let state = random()?;
        let mut callback = callback(callback_url)?;
        callback.query_pairs_mut().append_pair(STATE, &state);
        let mut url = page(values)?;
        url.query_pairs_mut()
            .append_pair("callback_url", callback.as_str())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Self { endpoint: endpoint(values, context)?, url, state, verifier })
    }

    /// Returns the request again whose [`state`](Self::state) and [`verifier`](Self::verifier) were stored:
    /// for a host of several processes, of which another one gets the user back. Its [`url`](Self::url) is
    /// that of the bare page, since the browser has been there.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for settings that cannot be used.
    pub fn resume(
        state: impl Into<String>,
        verifier: Secret,
        values: &ConfigValues,
        context: &ProviderContext,
    ) -> Result<Self, Error> {
        Ok(Self { endpoint: endpoint(values, context)?, url: page(values)?, state: state.into(), verifier })
    }

    /// The address of the page on which the user approves.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The text in the callback URL that tells the answer to this request from others. A host stores it in
    /// the user's session, under which [`resume`](Self::resume) finds it again.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The secret that proves who asked. A host that stores it keeps it as it keeps keys, for some minutes.
    pub fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// Takes the code out of the address that the browser was sent back to: the whole URL, its path with the
    /// query, or the query alone.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] for an address that is not the answer to this request (its state
    /// differs: an old page, or one that somebody else made), [`ErrorKind::PermissionDenied`] when the user
    /// did not approve, [`ErrorKind::InvalidResponse`] when there is no code.
    pub fn code(&self, redirected: &str) -> Result<AuthorizationCode, Error> {
        let address = redirected.split('#').next().unwrap_or_default();
        let query = address.split_once('?').map_or(address, |(_, query)| query);
        let find = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
        };
        let failed = |kind, message: String| Error::new(kind, message).with_provider(ID);
        if find(STATE).as_deref() != Some(self.state.as_str()) {
            let message = "the browser came back with another request's state, so the code in its address is \
                           not used; start again";
            return Err(failed(ErrorKind::Authentication, message.to_owned()));
        }
        if let Some(refusal) = find("error") {
            let why = find("error_description").unwrap_or(refusal);
            return Err(failed(ErrorKind::PermissionDenied, format!("no key was granted: {why}")));
        }
        match find("code") {
            Some(code) => Ok(AuthorizationCode(Secret::new(code))),
            None => {
                Err(failed(ErrorKind::InvalidResponse, "the browser came back without a code".to_owned()))
            }
        }
    }

    /// Gives the code for a key. `POST /auth/keys`, which needs no key.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] for a code that was used before, is too old, or belongs to another
    /// request; or whatever else is in the way.
    pub async fn exchange(self, code: AuthorizationCode) -> Result<GrantedKey, Error> {
        let body = json!({
            "code": code.0.expose(),
            "code_verifier": self.verifier.expose(),
            "code_challenge_method": "S256",
        });
        let answer = self.endpoint.post("auth/keys").json(&body).text().await.map_err(|error| {
            // A service may repeat the body that it refuses.
            let error = error.redact(&code.0).redact(&self.verifier);
            match error.status() {
                Some(400 | 401 | 403) => error.with_next_step(
                    "Start again: a code works once, for some minutes, and with the verifier of its own request.",
                ),
                _ => error,
            }
        })?;
        // The error has nothing of the answer, which may have the key in it.
        let unreadable = || {
            let message = "the key cannot be read: the answer has no `key`";
            Error::new(ErrorKind::InvalidResponse, message).with_provider(ID)
        };
        let granted: Granted<'_> = from_str(text_of_body(&answer)).map_err(|_| unreadable())?;
        let key = granted.key.filled().ok_or_else(unreadable)?;
        Ok(GrantedKey { key: Secret::new(key), user_id: granted.user_id.filled().map(str::to_owned) })
    }
}

/// The same for a host that knows no provider by name: see [`KeyGrant`].
pub(crate) static KEYS: Keys = Keys;

pub(crate) struct Keys;

#[async_trait]
impl KeyGrant for Keys {
    fn field(&self) -> &'static str {
        settings::API_KEY
    }

    fn start(
        &self,
        callback_url: &str,
        values: &ConfigValues,
        context: &ProviderContext,
    ) -> Result<KeyRequest, Error> {
        let started = Authorization::start(callback_url, values, context)?;
        Ok(KeyRequest::new(started.url, started.state, started.verifier))
    }

    async fn finish(
        &self,
        request: &KeyRequest,
        redirected: &str,
        values: &ConfigValues,
        context: &ProviderContext,
    ) -> Result<Secret, Error> {
        let verifier = request.verifier.clone();
        let authorization = Authorization::resume(&*request.state, verifier, values, context)?;
        let code = authorization.code(redirected)?;
        Ok(authorization.exchange(code).await?.key)
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

object! {
    struct Granted<'a> {
        key: Text<'a> = "key",
        user_id: Text<'a> = "user_id",
    }
}

/// A text that nobody can guess, of characters that need no escape in a URL.
fn random() -> Result<String, Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|cause| {
        let message = format!("the system has no random numbers: {cause}");
        Error::new(ErrorKind::Config, message).with_provider(ID)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a callback URL: one that OpenRouter sends browsers to.
fn callback(text: &str) -> Result<Url, Error> {
    let unfit = |problem: &str| Error::config(ID, vec![FieldProblem::new("callback_url", problem)]);
    let url = Url::parse(text).map_err(|cause| unfit(&format!("is no URL ({cause})")))?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        _ => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
        return Err(unfit("must be https, or http on localhost or 127.0.0.1"));
    }
    if url.query_pairs().any(|(name, _)| name == STATE || name == "code") {
        return Err(unfit("has a `state` or a `code` already; leave it out"));
    }
    if url.fragment().is_some() {
        return Err(unfit("has a fragment (#…), which no server sees; leave it out"));
    }
    Ok(url)
}

/// The page on which users approve: `/auth` beside the API at `/api/v1`.
fn page(values: &ConfigValues) -> Result<Url, Error> {
    let base = values.get(settings::BASE_URL).unwrap_or(DEFAULT_BASE_URL);
    let unfit = |problem: String| Error::config(ID, vec![FieldProblem::new("base_url", problem)]);
    let mut url = Url::parse(base).map_err(|cause| unfit(format!("is no URL ({cause})")))?;
    let path = url.path().trim_end_matches('/');
    let before = path.strip_suffix("/api/v1").ok_or_else(|| {
        unfit("does not end in /api/v1, so where users approve cannot be told from it".to_owned())
    })?;
    let path = format!("{before}/auth");
    url.set_path(&path);
    url.set_query(None);
    // The hosts of regions have the API alone.
    if url.host_str().is_some_and(|host| host.ends_with(config::SUBDOMAINS)) {
        url.set_host(Some(config::SERVICE)).map_err(|cause| unfit(format!("is no URL ({cause})")))?;
    }
    Ok(url)
}

fn endpoint(values: &ConfigValues, context: &ProviderContext) -> Result<Endpoint, Error> {
    let dialect = OpenRouterDialect::default();
    keyless_endpoint(values, context, move |head, body| error::from_response(head, body, &dialect))
}
