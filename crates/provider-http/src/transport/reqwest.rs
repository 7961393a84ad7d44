//! A host's own `reqwest::Client` as a transport.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::fault::{self, Goal};
use super::{Body, Transport, TransportError, TransportErrorKind};

/// The client's own settings count: TLS, proxies, pool, and its time to connect. Build it with
/// `redirect(reqwest::redirect::Policy::none())`, so that the key stays with the host it is for.
#[async_trait]
impl Transport for reqwest::Client {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(classify)?;
        let response: Response<reqwest::Body> = self.execute(request).await.map_err(classify)?.into();
        Ok(response.map(|body| Body::new(ReqwestBody(body))))
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
        (false, is_connect) => {
            let otherwise = if is_connect { TransportErrorKind::Connect } else { TransportErrorKind::Closed };
            fault::find(&cause as &(dyn StdError + 'static), Goal::Unknown).unwrap_or(otherwise)
        }
    };
    // Paths and queries may hold anything.
    TransportError::new(kind).with_cause(cause.without_url())
}
