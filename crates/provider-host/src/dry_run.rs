//! `chat --dry-run`: takes the request that a provider would send, in place of the network.

use std::sync::{Arc, Mutex, PoisonError};

use provider_core::{ChatRequest, Error, ErrorKind, ProviderContext};
use provider_http::{HttpClient, TransportError, TransportErrorKind, transport_fn};

use crate::target::Target;

/// A network that sends nothing, and keeps the first body that a provider gives it.
#[derive(Clone, Debug, Default)]
pub(crate) struct DryRun {
    body: Arc<Mutex<Option<Vec<u8>>>>,
}

impl DryRun {
    /// The context for the providers, which has this network in it.
    pub(crate) fn context(&self) -> ProviderContext {
        let body = Arc::clone(&self.body);
        let transport = transport_fn(move |request| {
            let mut body = body.lock().unwrap_or_else(PoisonError::into_inner);
            if body.is_none() {
                *body = Some(request.into_body().to_vec());
            }
            // Of this kind no error is tried again.
            std::future::ready(Err(TransportError::new(TransportErrorKind::Request)))
        });
        ProviderContext::new().with(HttpClient::from_transport(transport))
    }

    /// The body that the model's provider would send for a request, as a whole answer is asked for.
    ///
    /// # Errors
    /// When the provider refuses the request.
    pub(crate) async fn body(&self, target: &Target, mut request: ChatRequest) -> Result<String, Error> {
        target.id().clone_into(&mut request.model);
        let outcome = target.chat(&request).await;
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (body, outcome) {
            (Some(body), _) => Ok(String::from_utf8_lossy(&body).into_owned()),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(Error::new(ErrorKind::InvalidRequest, "the provider sends no request")),
        }
    }
}
