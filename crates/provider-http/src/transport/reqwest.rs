//! A host's own `reqwest::Client` as a transport.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::fault::{self, Goal};
use super::{Body, Transport, TransportError, TransportErrorKind};

/// The client's own settings count: TLS, proxies, pool, its time to connect, and its redirect policy.
///
/// Build it with `redirect(reqwest::redirect::Policy::none())`, or have it built by
/// [`HttpClient::from_reqwest`](crate::HttpClient::from_reqwest). The policy of a client cannot be read or
/// changed once it is built, and by default it follows ten redirects, a `POST` as a `GET`. This is done about
/// a client that follows them:
///
/// - The answer behind a redirect is refused: [`TransportErrorKind::Redirected`], whose error names the fix.
///   A redirect to the URL itself goes unnoticed.
/// - Bodies can be sent once only, so that reqwest follows neither a 307 or 308, nor a 301 or 302 of a `GET`:
///   they are handed over, and refused like those of any other transport. No prompt reaches another origin.
/// - reqwest takes `Authorization` off on the way to another origin. A key in any other header
///   ([`key_header`](crate::EndpointBuilder::key_header)) goes there with a 303, and with a 301 or 302 of a
///   `POST`: this cannot be prevented, only be reported afterwards.
#[async_trait]
impl Transport for reqwest::Client {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let request = request.map(|body| reqwest::Body::wrap(SendOnce(body)));
        let request = reqwest::Request::try_from(request).map_err(classify)?;
        let url = request.url().clone();
        let response = self.execute(request).await.map_err(classify)?;
        if *response.url() != url {
            let origin = response.url().origin().ascii_serialization();
            let cause = format!("the answer came from {origin}");
            return Err(TransportError::new(TransportErrorKind::Redirected).with_cause(cause));
        }
        let response: Response<reqwest::Body> = response.into();
        Ok(response.map(|body| Body::new(ReqwestBody(body))))
    }
}

/// A request's body that reqwest cannot clone, which it has to for a redirect.
struct SendOnce(Bytes);

impl HttpBody for SendOnce {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = std::mem::take(&mut self.0);
        Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        // reqwest copies a body of known length 0 for a redirect, so that a 307 of a `GET` would be followed.
        match self.0.len() as u64 {
            0 => SizeHint::default(),
            length => SizeHint::with_exact(length),
        }
    }
}

struct ReqwestBody(reqwest::Body);

impl HttpBody for ReqwestBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Pin::new(&mut self.0).poll_frame(cx).map_err(|cause| {
            let kind =
                if cause.is_timeout() { TransportErrorKind::Timeout } else { TransportErrorKind::Closed };
            TransportError::new(kind).with_cause(cause.without_url())
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// Says what stands behind a failure of the client. Which proxy it takes, it does not tell.
fn classify(cause: reqwest::Error) -> TransportError {
    let kind = match (cause.is_timeout(), cause.is_connect()) {
        (true, true) => TransportErrorKind::ConnectTimeout(None),
        (true, false) => TransportErrorKind::Timeout,
        (false, _) if cause.is_builder() => TransportErrorKind::Request,
        // The client's policy refuses to go on.
        (false, _) if cause.is_redirect() => TransportErrorKind::Redirected,
        (false, is_connect) => {
            let otherwise = if is_connect { TransportErrorKind::Connect } else { TransportErrorKind::Closed };
            fault::find(&cause as &(dyn StdError + 'static), Goal::Unknown).unwrap_or(otherwise)
        }
    };
    // Paths and queries may hold anything.
    TransportError::new(kind).with_cause(cause.without_url())
}
