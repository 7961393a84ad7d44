//! Bytes of an event stream to the collected answer.

use provider_core::{Collector, RawJson};

use super::chunk::Chunk;
use super::collect::collect;
use super::envelope::Envelope;
use super::error::WireError;
use super::halves::Halves;
use super::lenient::Raw;
use super::sse::SseDecoder;
use super::stop::{Stop, UnreadableFrame};
use crate::Limits;

/// Decodes a streamed answer. Sans-IO: feed it bytes, let it take steps.
#[derive(Debug)]
pub(crate) struct ChatDecoder {
    sse: SseDecoder,
    frames: usize,
    /// The first frame that could not be read. The answer goes on, so that nothing that was paid for is lost, and ends in
    /// this error.
    unreadable: Option<UnreadableFrame>,
    halves: Halves,
    envelope: Envelope,
    repeated: usize,
    max_tool_argument_bytes: usize,
    keep_raw: bool,
}

/// What a step of [`ChatDecoder`] came to.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// A frame was decoded.
    Frame,
    /// More bytes are needed.
    NeedsBytes,
    /// The end mark was read; nothing after it counts.
    End,
}

impl ChatDecoder {
    /// `keep_raw`: whether the JSON of the chunks is kept as well.
    pub(crate) fn new(limits: &Limits, keep_raw: bool) -> Self {
        Self {
            sse: SseDecoder::new(limits.max_frame_bytes),
            max_tool_argument_bytes: limits.max_tool_argument_bytes,
            frames: 0,
            unreadable: None,
            halves: Halves::default(),
            envelope: Envelope::default(),
            repeated: 0,
            keep_raw,
        }
    }

    /// Adds bytes as they came, cut anywhere.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.sse.feed(bytes);
    }

    /// How many of the bytes so far were the same as in the chunk before, and not kept.
    pub(crate) fn repeated(&self) -> usize {
        self.repeated
    }

    /// Decodes the next frame into the collector.
    pub(crate) fn step(&mut self, collector: &mut Collector) -> Result<Decoded, Stop> {
        let frame = match self.sse.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(Decoded::NeedsBytes),
            Err(too_large) => return Err(Stop::TooLarge(too_large)),
        };
        self.frames += 1;
        let data = frame.data.trim();
        if data == "[DONE]" {
            collector.end_mark();
            return Ok(Decoded::End);
        }
        if matches!(data, "" | "null") {
            return Ok(Decoded::Frame);
        }
        let repeated = match frame.event {
            None => self.envelope.collect(data, collector, &mut self.halves),
            Some(_) => None,
        };
        if let Some(repeated) = repeated {
            collector.chunk();
            self.repeated = self.repeated.saturating_add(repeated);
            return self.halves.within(self.max_tool_argument_bytes).map(|()| Decoded::Frame);
        }
        self.envelope.forget();
        let read = Chunk::from_json(data);
        if self.keep_raw && read.is_ok() {
            collector.raw(RawJson::from_checked(data));
        }
        match read {
            Ok(chunk) => match take_error(&chunk, frame.event.as_deref(), data) {
                Some(error) => {
                    collect(chunk, collector, &mut self.halves);
                    Err(Stop::Failed(Box::new(error)))
                }
                None => {
                    // An event of another name may be a keep-alive.
                    if matches!(frame.event.as_deref(), None | Some("" | "message")) {
                        collector.chunk();
                    }
                    // What is kept raw is read in full.
                    if !self.keep_raw {
                        self.envelope.remember(data, &chunk, collector.response());
                    }
                    collect(chunk, collector, &mut self.halves);
                    self.halves.within(self.max_tool_argument_bytes).map(|()| Decoded::Frame)
                }
            },
            Err(_) if frame.event.as_deref() == Some("error") => {
                Err(Stop::Failed(Box::new(WireError::from_text(data))))
            }
            // An event of another name is another matter, a `ping` for example.
            Err(_) if !matches!(frame.event.as_deref(), None | Some("" | "message")) => Ok(Decoded::Frame),
            Err(cause) => {
                let number = self.frames;
                self.unreadable.get_or_insert_with(|| UnreadableFrame {
                    number,
                    data: data.to_owned(),
                    cause,
                });
                Ok(Decoded::Frame)
            }
        }
    }

    /// The end was read, or no more bytes will come. What is left of an unfinished frame does not count.
    pub(crate) fn end(&mut self, collector: &mut Collector) -> Result<(), Stop> {
        self.halves.finish(collector);
        self.unreadable.take().map_or(Ok(()), |frame| Err(Stop::Unreadable(frame)))
    }
}

/// The error in a chunk: at the top, or in its choice, or the chunk itself when the event is called an error.
pub(crate) fn take_error(chunk: &Chunk<'_>, event: Option<&str>, json: &str) -> Option<WireError> {
    // Some send an empty error beside a good answer.
    let said = |error: &Raw<'_>| !matches!(error.get(), None | Some("false" | "0" | "\"\"" | "{}"));
    let in_choice = chunk.choices.0.as_ref().map(|choice| choice.error);
    match Some(chunk.error).filter(said).or(in_choice.filter(said)) {
        Some(error) => Some(WireError::read(error)),
        None if event == Some("error") => Some(WireError::from_text(json)),
        None => None,
    }
}

#[cfg(test)]
mod life;
#[cfg(test)]
mod tests;
