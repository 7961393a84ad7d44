//! Keys that a service grants on a page of its own, where the user approves.

use async_trait::async_trait;

use crate::{ConfigValues, Error, ProviderContext, Secret};

/// Gets a key from a page of the service on which the user approves, so that none has to be pasted (OAuth with
/// PKCE, RFC 7636). A provider names it in its [descriptor](crate::ProviderDescriptor::grants_keys); a host
/// offers it beside the form.
///
/// 1. The host calls [`start`](Self::start), keeps state and verifier for the user who asked, and sends the
///    user's browser to the address.
/// 2. The service sends the browser to the host's callback URL, with the state and a code in its query.
/// 3. The host makes sure that the user who comes back is the one who asked, and calls
///    [`finish`](Self::finish). Any process that has the verifier can.
#[async_trait]
pub trait KeyGrant: Send + Sync {
    /// The key of the setting that takes the key: `api_key`.
    fn field(&self) -> &'static str;

    /// Starts a request for a key. Nothing is sent. Of `values`, the settings count that say where the service
    /// is and how long to wait; a key is not needed.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a callback URL or settings that cannot be used, or
    /// when the system has no random numbers.
    fn start(
        &self,
        callback_url: &str,
        values: &ConfigValues,
        context: &ProviderContext,
    ) -> Result<KeyRequest, Error>;

    /// Gives the code of an approval for a key. `redirected` is the address that the browser came back to, or
    /// its query; it must have the state of the request. The other settings are those of the start.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](crate::ErrorKind::Authentication) for the answer to another request,
    /// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied) when the user did not approve or the
    /// code is used or too old, or whatever else is in the way.
    async fn finish(
        &self,
        request: &KeyRequest,
        redirected: &str,
        values: &ConfigValues,
        context: &ProviderContext,
    ) -> Result<Secret, Error>;
}

/// A request for a key that waits for the user's approval. `Debug` shows the address alone without its query.
#[derive(Clone)]
#[non_exhaustive]
pub struct KeyRequest {
    /// The address of the page on which the user approves.
    pub url: String,
    /// The text in the callback URL that tells the answer to this request from others.
    pub state: String,
    /// The secret that proves who asked. A host keeps it as it keeps keys, for some minutes.
    pub verifier: Secret,
}

impl KeyRequest {
    /// A request, as a provider starts it and as a host has stored it. The address is empty in the second case:
    /// the browser has been there.
    pub fn new(url: impl Into<String>, state: impl Into<String>, verifier: Secret) -> Self {
        Self { url: url.into(), state: state.into(), verifier }
    }
}

impl std::fmt::Debug for KeyRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let page = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("KeyRequest").field("url", &page).finish_non_exhaustive()
    }
}
