//! A wire for tests: words, an end, errors and usage, each one frame.

#![allow(dead_code, reason = "no test program needs all of it")]

use std::time::Duration;

use fault_server::{FaultServer, Script};
use provider_core::author::{DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead};
use provider_core::{ChatResponse, Error, ErrorKind, Usage};
use provider_http::{Endpoint, EndpointBuilder, HttpClient, HttpLimits};

#[cfg(feature = "hyper")]
pub(crate) mod probe;

pub(crate) const KEY: &str = "sk-MARKER-0123456789";

/// Decodes `w:text`, `u:tokens`, `!words` (the service failed), `?` (cannot be read), `s:reason` (why the
/// model stopped) and `.` (the end).
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) head: ResponseHead,
    unread: Option<Error>,
}

impl Words {
    pub(crate) fn new(head: ResponseHead) -> Self {
        Self { head, unread: None }
    }
}

impl FrameDecoder for Words {
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        match frame.data.split_at_checked(2) {
            _ if &*frame.data == "." => return Ok(Progress::End),
            Some(("w:", text)) => out.push_text(text),
            Some(("s:", reason)) => out.set_finish_reason(reason),
            Some(("u:", tokens)) => {
                let mut usage = Usage::default();
                usage.total_tokens = tokens.parse().ok();
                out.update_usage(usage);
            }
            _ if frame.data.starts_with('!') => {
                let error = Error::new(ErrorKind::Overloaded, &frame.data[1..]);
                return Err(DecodeError::Reported(error));
            }
            _ if frame.data.starts_with('?') => {
                let error = Error::new(ErrorKind::InvalidResponse, "a frame that cannot be read");
                return Err(DecodeError::Fatal(error));
            }
            _ if frame.event.is_some() => {}
            _ => drop(self.unread.get_or_insert_with(|| {
                Error::new(ErrorKind::InvalidResponse, format!("no word: {}", frame.data))
            })),
        }
        Ok(Progress::More)
    }

    fn decode_unfinished(
        &mut self,
        frame: Frame<'_>,
        out: &mut ResponseAccumulator,
    ) -> Result<Progress, DecodeError> {
        // Only the end mark and a reason are whole whatever follows.
        if frame.data.starts_with("s:stop") || &*frame.data == "." {
            self.decode(frame, out)
        } else {
            Ok(Progress::More)
        }
    }

    fn decode_stray(&mut self, lines: &str, _: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        match lines.starts_with('{') {
            true => Err(DecodeError::Reported(Error::new(ErrorKind::Server, lines.trim()))),
            false => Ok(Progress::More),
        }
    }

    fn finish(&mut self, _: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        self.unread.take().map_or(Ok(()), |error| Err(DecodeError::Fatal(error)))
    }
}

pub(crate) fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

pub(crate) fn events() -> Script {
    Script::new(200).header("content-type", "text/event-stream")
}

/// Limits that a test can wait for.
pub(crate) fn limits() -> HttpLimits {
    HttpLimits::default()
        .read_timeout(Duration::from_secs(1))
        .connect_timeout(Duration::from_millis(500))
        .total_timeout(Duration::from_secs(4))
        .max_body_bytes(1 << 20)
        .max_frame_bytes(64 << 10)
        .max_error_bytes(16 << 10)
}

pub(crate) fn builder(url: &str) -> EndpointBuilder {
    Endpoint::builder(url).provider("toy").bearer(KEY).limits(limits())
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    builder(url).build(&HttpClient::new()).expect("good settings")
}

pub(crate) async fn streamed(endpoint: &Endpoint) -> Result<ChatResponse, Error> {
    endpoint.post("chat").model("m").json("Hi").stream(Words::new).await?.collect().await
}

pub(crate) async fn whole(endpoint: &Endpoint) -> Result<ChatResponse, Error> {
    endpoint.post("chat").model("m").json("Hi").chat(Words::new).await
}

/// The end of a stream, and of a whole answer, when the server plays this.
pub(crate) async fn both(script: Script, limits: HttpLimits) -> [Result<ChatResponse, Error>; 2] {
    let server = FaultServer::always(script).await.expect("a free port");
    let endpoint = builder(&server.url()).limits(limits).build(&HttpClient::new()).expect("good settings");
    [streamed(&endpoint).await, whole(&endpoint).await]
}
