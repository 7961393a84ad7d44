//! Reading answers: a body that comes in piece by piece, or one that is there already.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::Body as _;
use provider_core::{ChatResponse, Collector, Error, ErrorKind, EventSource, Secret, Step};
use reqwest::header::HeaderMap;
use reqwest::{Body, StatusCode};

use crate::failure::{self, Redact};
use crate::wire::chunk::Chunk;
use crate::wire::collect::collect;
use crate::wire::decoder::{ChatDecoder, Decoded, Stop, take_error};
use crate::{ID, Limits};

/// What is known about an answer before its body.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) model: String,
    pub(crate) api_key: Secret,
}

impl Head {
    /// Says in an error what was asked and which answer it was.
    pub(crate) fn place(&self, error: Error) -> Error {
        let error = error.with_provider(ID).with_model(&self.model).with_status(self.status.as_u16());
        failure::with_ids(error, &self.headers, self.redact())
    }

    fn redact(&self) -> Redact<'_> {
        Redact(&self.api_key)
    }

    fn stopped(&self, stop: Stop) -> Error {
        self.place(match stop {
            Stop::Failed(wire) => failure::said(&wire, self.status, &self.headers, self.redact()),
            Stop::Unreadable(frame) => failure::unreadable(&frame, self.redact()),
            Stop::TooLarge(frame) => failure::too_large(frame),
        })
    }
}

/// A streamed answer: the body is polled from the reader's own task, so that a slow reader holds the socket back and a
/// dropped one closes it.
#[derive(Debug)]
pub(crate) struct Streamed {
    body: Body,
    decoder: ChatDecoder,
    head: Head,
    limits: Limits,
    received: usize,
}

impl Streamed {
    pub(crate) fn new(body: Body, head: Head, limits: Limits) -> Self {
        let decoder = ChatDecoder::new(limits.max_frame_bytes);
        Self { body, decoder, head, limits, received: 0 }
    }
}

impl EventSource for Streamed {
    fn poll_step(&mut self, cx: &mut Context<'_>, collector: &mut Collector) -> Poll<Result<Step, Error>> {
        loop {
            match self.decoder.step(collector) {
                Ok(Decoded::Frame) => return Poll::Ready(Ok(Step::More)),
                Ok(Decoded::End) => {
                    // The end of the body usually came with the end mark; reading it lets the connection be used again.
                    let _ = Pin::new(&mut self.body).poll_frame(cx);
                    return Poll::Ready(Ok(Step::End));
                }
                Ok(Decoded::NeedsBytes) => {}
                Err(stop) => return Poll::Ready(Err(self.head.stopped(stop))),
            }
            let data = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(cause)) => {
                    return Poll::Ready(Err(self.head.place(failure::broken_off(&cause, &self.limits))));
                }
                None => {
                    let end = self.decoder.end().map(|()| Step::End);
                    return Poll::Ready(end.map_err(|stop| self.head.stopped(stop)));
                }
            };
            self.received = self.received.saturating_add(data.len());
            let limit = self.limits.max_body_bytes;
            if self.received > limit {
                let message =
                    format!("the answer is larger than the limit of {limit} bytes (Limits::max_body_bytes)");
                return Poll::Ready(Err(self.head.place(Error::new(ErrorKind::InvalidResponse, message))));
            }
            self.decoder.feed(&data);
        }
    }

    fn describe(&self, error: Error) -> Error {
        self.head.place(error)
    }
}

/// An answer that came whole although a stream was asked for.
#[derive(Debug)]
pub(crate) struct Whole {
    json: Option<String>,
    head: Head,
}

impl Whole {
    pub(crate) fn new(json: String, head: Head) -> Self {
        Self { json: Some(json), head }
    }

    /// The answer, without streaming.
    pub(crate) fn read(mut self) -> Result<ChatResponse, Error> {
        let mut collector = Collector::without_events();
        match self.collect(&mut collector) {
            Ok(()) => collector.finish().map_err(|error| self.head.place(error)),
            Err(error) => Err(collector.fail(error)),
        }
    }

    fn collect(&mut self, collector: &mut Collector) -> Result<(), Error> {
        let json = self.json.take().unwrap_or_default();
        let unreadable = |cause: serde_json::Error| {
            let message = match json.trim() {
                "" => "the answer is empty".to_owned(),
                _ => format!("the answer is no JSON object: {cause}"),
            };
            let kind = if cause.is_eof() { ErrorKind::Interrupted } else { ErrorKind::InvalidResponse };
            self.head.place(Error::new(kind, message))
        };
        let chunk = Chunk::read(&json).map_err(unreadable)?;
        let error = take_error(&chunk, None, &json);
        collect(chunk, collector);
        collector.end_mark();
        error.map_or(Ok(()), |error| Err(self.head.stopped(Stop::Failed(Box::new(error)))))
    }
}

impl EventSource for Whole {
    fn poll_step(&mut self, _: &mut Context<'_>, collector: &mut Collector) -> Poll<Result<Step, Error>> {
        Poll::Ready(self.collect(collector).map(|()| Step::End))
    }

    fn describe(&self, error: Error) -> Error {
        self.head.place(error)
    }
}
