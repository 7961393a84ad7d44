//! Bodies of requests and answers.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::TransportError;

/// A body, whole or while it comes in. Reads from the connection only when it is polled.
pub struct Body(Inner);

enum Inner {
    Whole(Option<Bytes>),
    /// The body of the default transport, which needs no box.
    #[cfg(feature = "hyper")]
    Incoming(::hyper::body::Incoming),
    Boxed(Pin<Box<dyn HttpBody<Data = Bytes, Error = TransportError> + Send>>),
}

impl Body {
    /// Takes any body.
    pub fn new(body: impl HttpBody<Data = Bytes, Error = TransportError> + Send + 'static) -> Self {
        Self(Inner::Boxed(Box::pin(body)))
    }

    /// Takes a body of pieces that an iterator has at once: for tests.
    pub fn from_pieces<P: Into<Bytes> + 'static>(
        pieces: impl IntoIterator<Item = P, IntoIter: Send + 'static>,
    ) -> Self {
        Self::new(Pieces { pieces: Box::new(pieces.into_iter().map(Into::into)), end: None })
    }

    /// Takes a body that breaks off behind these pieces: for tests.
    pub fn from_pieces_then<P: Into<Bytes> + 'static>(
        pieces: impl IntoIterator<Item = P, IntoIter: Send + 'static>,
        error: TransportError,
    ) -> Self {
        Self::new(Pieces { pieces: Box::new(pieces.into_iter().map(Into::into)), end: Some(error) })
    }

    #[cfg(feature = "hyper")]
    pub(super) fn incoming(body: ::hyper::body::Incoming) -> Self {
        Self(Inner::Incoming(body))
    }

    /// Returns the next piece, or `None` at the end. Trailers are passed over.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, TransportError>>> {
        match &mut self.0 {
            Inner::Whole(bytes) => Poll::Ready(bytes.take().map(Ok)),
            #[cfg(feature = "hyper")]
            Inner::Incoming(body) => poll_data(Pin::new(body), cx).map_err(interrupted),
            Inner::Boxed(body) => poll_data(body.as_mut(), cx),
        }
    }
}

/// Polls for the next piece of a body, past its trailers.
fn poll_data<B: HttpBody<Data = Bytes> + ?Sized>(
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, B::Error>>> {
    loop {
        match std::task::ready!(body.as_mut().poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Poll::Ready(Some(Ok(piece)));
                }
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(None),
        }
    }
}

impl From<Bytes> for Body {
    fn from(whole: Bytes) -> Self {
        Self(Inner::Whole(Some(whole)))
    }
}

impl From<String> for Body {
    fn from(whole: String) -> Self {
        Bytes::from(whole).into()
    }
}

impl From<&'static str> for Body {
    fn from(whole: &'static str) -> Self {
        Bytes::from(whole).into()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        match &mut self.0 {
            Inner::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            #[cfg(feature = "hyper")]
            Inner::Incoming(body) => Pin::new(body).poll_frame(cx).map_err(interrupted),
            Inner::Boxed(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            #[cfg(feature = "hyper")]
            Inner::Incoming(body) => body.is_end_stream(),
            Inner::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            #[cfg(feature = "hyper")]
            Inner::Incoming(body) => body.size_hint(),
            Inner::Boxed(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Body").field(&self.size_hint()).finish()
    }
}

#[cfg(feature = "hyper")]
fn interrupted(cause: ::hyper::Error) -> TransportError {
    TransportError::new(super::TransportErrorKind::Closed).with_cause(cause)
}

struct Pieces {
    pieces: Box<dyn Iterator<Item = Bytes> + Send>,
    end: Option<TransportError>,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Poll::Ready(match self.pieces.next() {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None => self.end.take().map(Err),
        })
    }
}
