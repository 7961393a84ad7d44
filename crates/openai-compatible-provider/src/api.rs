//! The place of the API: at the base URL as it was given, or below `/v1`.

use std::sync::OnceLock;

use provider_core::{ConfigValues, Error, ErrorKind};
use provider_http::{Endpoint, EndpointBuilder, HttpClient, settings};

use crate::config;

/// The API of a server, which is looked for once.
#[derive(Debug)]
pub(crate) struct Api {
    given: Endpoint,
    /// The same below `/v1`, where the given one has no version.
    versioned: Option<Endpoint>,
    /// Whether it is the versioned one, once a request has told.
    is_versioned: OnceLock<bool>,
}

impl Api {
    /// Sends nothing.
    ///
    /// # Errors
    /// Those of [`EndpointBuilder::build`].
    pub(crate) fn new(
        endpoint: EndpointBuilder,
        values: &ConfigValues,
        http: &HttpClient,
    ) -> Result<Self, Error> {
        let bare = values.get(settings::BASE_URL).filter(|url| config::is_bare(url));
        let below = |url: &str| {
            let url = format!("{}/v1", url.trim_end_matches('/'));
            endpoint.clone().values(&values.clone().set(settings::BASE_URL, url)).build(http)
        };
        let versioned = bare.map(below).transpose()?;
        let given = endpoint.values(values).build(http)?;
        Ok(Self { given, versioned, is_versioned: OnceLock::new() })
    }

    /// The endpoint as far as is known.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        let versioned = self.versioned.as_ref().filter(|_| self.is_versioned.get() == Some(&true));
        versioned.unwrap_or(&self.given)
    }

    /// Sends a request. While the place is not known, one that is answered with 404 is sent to the other
    /// place as well: the server has not served it.
    ///
    /// # Errors
    /// Those of the request; of two, the one that says more.
    pub(crate) async fn ask<T, A>(&self, ask: impl Fn(Endpoint) -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let other = self.versioned.as_ref().filter(|_| self.is_versioned.get().is_none());
        let first = ask(self.endpoint().clone()).await;
        let Some(other) = other else { return first };
        let error = match first {
            Err(error) if is_missing(&error) => error,
            Ok(answer) => {
                self.is_versioned.get_or_init(|| false);
                return Ok(answer);
            }
            Err(error) => return Err(error),
        };
        match ask(other.clone()).await {
            // A server that knows the place, and not the model, says so in words of its own.
            Err(again) if is_missing(&again) => {
                Err(if again.kind() == ErrorKind::NotFound { error } else { again })
            }
            Err(again) if again.status().is_none() => Err(again),
            answer => {
                self.is_versioned.get_or_init(|| true);
                answer
            }
        }
    }
}

fn is_missing(error: &Error) -> bool {
    error.status() == Some(404)
}
