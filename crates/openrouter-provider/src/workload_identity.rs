//! Keys that live for minutes, for hosts that store none: the host's identity provider signs a token, and
//! OpenRouter gives an access token for it (workload identity federation, RFC 8693).
//!
//! An admin of the organization says at OpenRouter which issuer, subject and audience are trusted, and which
//! API key their tokens act as: a federation policy, whose id goes into [`WorkloadIdentity::new`].
//!
//! ```no_run
//! use openrouter_provider::OpenRouter;
//! use openrouter_provider::workload_identity::WorkloadIdentity;
//! use provider_core::{ConfigValues, Error, ErrorKind, ProviderContext, Secret};
//!
//! /// The token that Kubernetes puts into a file, and replaces before it expires.
//! async fn identity_token() -> Result<Secret, Error> {
//!     let token = std::fs::read_to_string("/var/run/secrets/openrouter/token");
//!     let unread = |cause| Error::new(ErrorKind::Config, "no identity token").with_source(cause);
//!     token.map(|token| Secret::new(token.trim())).map_err(unread)
//! }
//!
//! # fn connect() -> Result<(), Error> {
//! let (values, context) = (ConfigValues::new(), ProviderContext::new()); // the public service
//! let identity = WorkloadIdentity::new("4b2f7d1e", identity_token, &values, &context)?;
//! let openrouter = OpenRouter::builder().key_source(identity).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! In a registry it is one of the host's [`KeySources`](provider_http::KeySources).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lenient_json::{Count, Text, from_str, object};
use openai_wire::error;
use provider_core::author::{ResponseHead, RetryHints, text_of_body};
use provider_core::{ConfigValues, Error, ErrorKind, FieldProblem, ProviderContext, Secret};
use provider_http::error::kind_of_status;
use provider_http::{Endpoint, KeySource};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ID;
use crate::builder::keyless_endpoint;
use crate::dialect::OpenRouterDialect;

/// How long before its end an access token is no longer handed out, so that a request that takes its time to
/// be sent still has a good one. A token that lives for less than four times as long gives up a quarter.
const MARGIN: Duration = Duration::from_secs(60);

/// A source of access tokens of OpenRouter, each got with a token of the host's identity provider. Cheap to
/// clone; clones share the token. See the [module](self).
///
/// The first request gets the access token, and requests after it have the same one until a minute before it
/// expires: after 15 minutes at most, and never later than the identity token. Requests that come meanwhile
/// wait for one exchange. An exchange that fails fails the request that waits for it, and the next one tries
/// anew. There is no refresh token, and no task in the background.
#[derive(Clone)]
pub struct WorkloadIdentity(Arc<Inner>);

struct Inner {
    endpoint: Endpoint,
    policy_id: String,
    identity_token: IdentitySource,
    current: Mutex<Option<Current>>,
}

type TokenFuture = Pin<Box<dyn Future<Output = Result<Secret, Error>> + Send>>;
type IdentitySource = Box<dyn Fn() -> TokenFuture + Send + Sync>;

/// The token that is handed out until a moment.
struct Current {
    token: Secret,
    until: Instant,
}

/// An access token of OpenRouter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token, which is sent in the place of a key.
    pub token: Secret,
    /// How long it is good for from now on. OpenRouter gives 15 minutes at most.
    pub expires_in: Duration,
    /// The one thing that it may be used for, `inference` here, where the service says it.
    pub scope: Option<String>,
}

impl WorkloadIdentity {
    /// Makes a source of access tokens. Nothing is sent.
    ///
    /// `policy_id` is the federation policy's id. `identity_token` gives the identity provider's token, a
    /// JWT; it is asked for each exchange, so that a token which is replaced is picked up. Of `values`, the
    /// settings count that say where the service is and how long to wait (`base_url`, `allow_http`, the
    /// time-outs). Of `context`, the HTTP client and the limits count.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for settings that cannot be used, or a blank policy.
    pub fn new<F, A>(
        policy_id: impl Into<String>,
        identity_token: F,
        values: &ConfigValues,
        context: &ProviderContext,
    ) -> Result<Self, Error>
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<Secret, Error>> + Send + 'static,
    {
        let policy_id = policy_id.into();
        if policy_id.trim().is_empty() {
            let problem = "is blank; enter the id that OpenRouter shows under the policy's name";
            return Err(Error::config(ID, vec![FieldProblem::new("federation_policy_id", problem)]));
        }
        let endpoint = keyless_endpoint(values, context, refusal)?;
        let identity_token: IdentitySource = Box::new(move || Box::pin(identity_token()));
        Ok(Self(Arc::new(Inner { endpoint, policy_id, identity_token, current: Mutex::new(None) })))
    }

    /// Returns the access token for a request that is sent now, from the last exchange or a new one.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    pub async fn token(&self) -> Result<Secret, Error> {
        // Held during the exchange, so that all who come meanwhile wait for this one.
        let mut current = self.0.current.lock().await;
        if let Some(Current { token, until }) = &*current {
            if Instant::now() < *until {
                return Ok(token.clone());
            }
        }
        let asked = Instant::now();
        let AccessToken { token, expires_in, .. } = self.exchange().await?;
        let life = expires_in.saturating_sub(MARGIN.min(expires_in / 4));
        *current = asked.checked_add(life).map(|until| Current { token: token.clone(), until });
        Ok(token)
    }

    /// Gets a new access token, whatever the last one is. `POST /oauth/token`, which needs no key.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] for an identity token that is expired or not that of the policy,
    /// [`ErrorKind::PermissionDenied`] for a policy whose key may not run models; the error of the identity
    /// token's source; or whatever else is in the way.
    pub async fn exchange(&self) -> Result<AccessToken, Error> {
        let Inner { endpoint, policy_id, identity_token, .. } = &*self.0;
        let identity = identity_token().await?;
        // Files and metadata services end a token with a line break.
        let identity = Secret::new(identity.expose().trim());
        if identity.expose().is_empty() {
            let problem = "is blank: the source of identity tokens gave none";
            return Err(Error::config(ID, vec![FieldProblem::new("subject_token", problem)]));
        }
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("subject_token", identity.expose()),
            ("federation_policy_id", policy_id),
            ("scope", "inference"),
        ];
        // A service may repeat the body that it refuses.
        let answer = endpoint.post("oauth/token").form(form).text().await;
        let answer = answer.map_err(|error| error.redact(&identity))?;
        // The error has nothing of the answer, which may have the token in it.
        let unreadable = || {
            let message = "the access token cannot be read: the answer has no `access_token` or `expires_in`";
            Error::new(ErrorKind::InvalidResponse, message).with_provider(ID)
        };
        let granted: Granted<'_> = from_str(text_of_body(&answer)).map_err(|_| unreadable())?;
        let token = Secret::new(granted.access_token.filled().ok_or_else(unreadable)?);
        let expires_in = Duration::from_secs(granted.expires_in.0.ok_or_else(unreadable)?);
        Ok(AccessToken { token, expires_in, scope: granted.scope.filled().map(str::to_owned) })
    }
}

impl From<WorkloadIdentity> for KeySource {
    fn from(identity: WorkloadIdentity) -> Self {
        KeySource::from_fn(move || {
            let identity = identity.clone();
            async move { identity.token().await }
        })
    }
}

impl fmt::Debug for WorkloadIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadIdentity")
            .field("endpoint", &self.0.endpoint)
            .field("policy_id", &self.0.policy_id)
            .finish_non_exhaustive()
    }
}

object! {
    struct Granted<'a> {
        access_token: Text<'a> = "access_token",
        expires_in: Count = "expires_in",
        scope: Text<'a> = "scope",
    }
}

object! {
    /// An error of OAuth (RFC 6749, section 5.2), which is not the service's own envelope.
    struct Refusal<'a> {
        error: Text<'a> = "error",
        error_description: Text<'a> = "error_description",
    }
}

fn refusal(head: &ResponseHead, body: &str) -> Error {
    let said: Refusal<'_> = from_str(text_of_body(body)).unwrap_or_default();
    let Some(code) = said.error.filled() else {
        return error::from_response(head, body, &OpenRouterDialect::default());
    };
    let kind = match code {
        "invalid_grant" | "invalid_client" => ErrorKind::Authentication,
        "access_denied" | "invalid_scope" | "unauthorized_client" => ErrorKind::PermissionDenied,
        _ => kind_of_status(head.status()),
    };
    let words = said.error_description.filled().unwrap_or("no reason is given");
    let message = head.redact(&format!("no access token was granted ({code}): {words}"));
    let error = Error::new(kind, message).with_retry(RetryHints::of(head).advice(kind, kind.usual_retry()));
    match kind {
        ErrorKind::Authentication => error.with_next_step(
            "Check that the identity token is not expired, and that its issuer, subject and audience are those \
             of the federation policy.",
        ),
        ErrorKind::PermissionDenied => {
            error.with_next_step("Let the federation policy act as a key that may run models.")
        }
        _ => error,
    }
}
