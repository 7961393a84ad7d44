//! The HTTP client.

use provider_core::{Error, ErrorKind};
use reqwest::Client;
use reqwest::redirect::Policy;

use crate::config::{Config, is_loopback};
use crate::{ID, Limits};

/// Makes a client. For `https` this reads the certificates of the platform, which takes milliseconds.
///
/// # Errors
/// [`ErrorKind::Config`] when the platform has no certificates.
pub(super) fn client(config: &Config, limits: &Limits) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        // A redirect could take the key to another origin.
        .redirect(Policy::none())
        .connect_timeout(limits.connect_timeout);
    // One connection of HTTP/2 carries only as many streams as its server allows; every further one would wait.
    #[cfg(not(feature = "http2"))]
    {
        builder = builder.http1_only();
    }
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
