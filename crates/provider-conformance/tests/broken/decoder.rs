//! A decoder and a framer that misread answers.

use std::borrow::Cow;
use std::sync::Arc;

use openai_wire::{ChatDecoder, Plain};
use provider_core::author::{DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead};
use provider_core::{Error, ErrorKind, Usage};
use provider_http::{FrameTooLarge, Framer, SseFramer};
use serde_json::{Value, json};

use crate::fault::Fault;

/// The decoder of chat completions, with a fault.
pub(crate) struct Misreading {
    inner: ChatDecoder<Plain>,
    fault: Fault,
    deltas: usize,
    has_text: bool,
    has_calls: bool,
    usage: Option<(u64, u64)>,
    indexes: Vec<Value>,
}

impl Misreading {
    pub(crate) fn new(head: ResponseHead, fault: Fault) -> Self {
        Self {
            inner: ChatDecoder::new(Arc::new(Plain), head),
            fault,
            deltas: 0,
            has_text: false,
            has_calls: false,
            usage: None,
            indexes: Vec::new(),
        }
    }

    /// Changes a chunk. Returns false for one that is passed over.
    fn change(&mut self, chunk: &mut Value, out: &mut ResponseAccumulator) -> bool {
        match self.fault {
            Fault::LosesUsage => {
                chunk.as_object_mut().map(|fields| fields.remove("usage"));
            }
            Fault::UsageOfTheLastChunk | Fault::AddsUsageUp => {
                let used = |name: &str| chunk["usage"][name].as_u64();
                let now = used("prompt_tokens").zip(used("completion_tokens"));
                self.usage = match (self.fault, self.usage, now) {
                    (Fault::AddsUsageUp, Some(sum), Some(now)) => Some((sum.0 + now.0, sum.1 + now.1)),
                    (Fault::AddsUsageUp, sum, now) => now.or(sum),
                    _ => now,
                };
                chunk.as_object_mut().map(|fields| fields.remove("usage"));
            }
            Fault::LosesTheId => {
                chunk.as_object_mut().map(|fields| fields.remove("id"));
            }
            Fault::NamesTheModelAsked if chunk["model"].is_string() => chunk["model"] = json!("acme/model-1"),
            Fault::IgnoresErrorsInTheStream if chunk["error"].is_object() => return false,
            _ => {}
        }
        let Some(choice) = chunk.pointer_mut("/choices/0") else { return true };
        let ends_by_length = choice["finish_reason"] == "length";
        match self.fault {
            Fault::ForgetsTheReason => choice["finish_reason"] = Value::Null,
            Fault::RunsCutOffCalls if ends_by_length => choice["finish_reason"] = json!("tool_calls"),
            Fault::CallsAFilterAStop if choice["finish_reason"] == "content_filter" => {
                choice["finish_reason"] = json!("stop");
            }
            Fault::CallsLengthAStop if ends_by_length => choice["finish_reason"] = json!("stop"),
            Fault::MendsCutOffCalls if ends_by_length => {
                let rest = json!({"choices": [{"index": 0, "delta": {"tool_calls": [
                    {"index": 0, "function": {"arguments": "\"}"}},
                ]}}]});
                // It is the chunk that a service might have sent.
                let _ = self.inner.decode(Frame::new(rest.to_string()), out);
                choice["finish_reason"] = json!("tool_calls");
            }
            _ => {}
        }
        let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) else { return true };
        match self.fault {
            Fault::LosesADelta => {
                let is_text = delta.get("content").is_some_and(|text| text != "");
                self.deltas += usize::from(is_text);
                return !(is_text && self.deltas == 2);
            }
            Fault::ShowsEmptyDeltas => {
                if let Some(text) = delta.get_mut("content").filter(|text| *text == "") {
                    *text = json!(" ");
                }
            }
            Fault::SkipsBlankPieces | Fault::TrimsTheBeginning => {
                if let Some(Value::String(text)) = delta.get_mut("content") {
                    if self.fault == Fault::TrimsTheBeginning && !self.has_text {
                        *text = text.trim_start().to_owned();
                    } else if text.trim().is_empty() {
                        text.clear();
                    }
                    self.has_text |= !text.is_empty();
                }
            }
            Fault::LosesTextBehindCalls => {
                self.has_calls |= delta.contains_key("tool_calls");
                if self.has_calls {
                    delta.remove("content");
                }
            }
            Fault::LosesCalls => {
                delta.remove("tool_calls");
            }
            Fault::MergesReusedIndexes => {
                for call in delta.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
                    if self.indexes.contains(&call["index"]) {
                        (call["id"], call["function"]["name"]) = (Value::Null, Value::Null);
                    }
                    self.indexes.push(call["index"].clone());
                }
            }
            Fault::LosesThoughts => {
                delta.remove("reasoning");
            }
            Fault::JoinsCalls | Fault::RespellsArguments => {
                for call in delta.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
                    if self.fault == Fault::JoinsCalls {
                        call["index"] = json!(0);
                    } else if let Some(text) = call["function"]["arguments"].as_str() {
                        call["function"]["arguments"] = json!(text.replace(' ', ""));
                    }
                }
            }
            _ => {}
        }
        true
    }
}

impl FrameDecoder for Misreading {
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        if self.fault == Fault::ReadsAhead {
            // It has much to read.
            return self.inner.decode(frame, out);
        }
        if self.fault == Fault::IgnoresTheEndMark && frame.data == "[DONE]" {
            return Ok(Progress::More);
        }
        let changed = match serde_json::from_str::<Value>(&frame.data) {
            Ok(chunk)
                if self.fault == Fault::RefusesNulls && chunk["usage"].is_null() && has(&chunk, "usage") =>
            {
                return Err(DecodeError::Fatal(Error::new(ErrorKind::InvalidResponse, "null is no usage")));
            }
            Ok(mut chunk) => {
                if !self.change(&mut chunk, out) {
                    return Ok(Progress::More);
                }
                Cow::Owned(chunk.to_string())
            }
            Err(_) if self.fault == Fault::SkipsGarbage && frame.data != "[DONE]" => {
                return Ok(Progress::More);
            }
            Err(_) => frame.data,
        };
        let decoded = self.inner.decode(Frame::new(changed), out);
        match decoded {
            Err(DecodeError::Reported(error)) if self.fault == Fault::StopsAtAnError => {
                Err(DecodeError::Fatal(error))
            }
            Err(DecodeError::Reported(error)) if self.fault == Fault::CallsStreamErrorsInvalid => {
                Err(DecodeError::Reported(Error::new(ErrorKind::InvalidRequest, error.message())))
            }
            decoded => decoded,
        }
    }

    fn decode_body(&mut self, body: &str, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        let Ok(mut answer) = serde_json::from_str::<Value>(body) else {
            return self.inner.decode_body(body, out);
        };
        if let Some(message) = answer.pointer_mut("/choices/0/message").and_then(Value::as_object_mut) {
            match self.fault {
                Fault::RewordsWholeAnswers => {
                    let text =
                        message["content"].as_str().unwrap_or_default().trim_end_matches('🦀').to_owned();
                    message.insert("content".to_owned(), json!(text));
                }
                Fault::LosesWholeThoughts => {
                    message.remove("reasoning");
                }
                Fault::LosesWholeCalls => {
                    message.remove("tool_calls");
                    message.insert("content".to_owned(), json!("I would call tools"));
                }
                _ => {}
            }
        }
        self.inner.decode_body(&answer.to_string(), out)
    }

    fn decode_unfinished(
        &mut self,
        frame: Frame<'_>,
        out: &mut ResponseAccumulator,
    ) -> Result<Progress, DecodeError> {
        self.inner.decode_unfinished(frame, out)
    }

    fn decode_stray(&mut self, lines: &str, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        self.inner.decode_stray(lines, out)
    }

    fn finish(&mut self, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        if self.fault == Fault::EndOfBodyIsAnEnd {
            out.set_finish_reason("stop");
        }
        if let Some((prompt, completion)) = self.usage {
            let mut usage = Usage::default();
            (usage.prompt_tokens, usage.completion_tokens) = (Some(prompt), Some(completion));
            out.update_usage(usage);
        }
        self.inner.finish(out)
    }

    fn has_begun(&self) -> bool {
        self.inner.has_begun()
    }

    fn repeated_bytes(&self) -> usize {
        self.inner.repeated_bytes()
    }
}

fn has(chunk: &Value, field: &str) -> bool {
    chunk.as_object().is_some_and(|fields| fields.contains_key(field))
}

/// A framer of events that changes the bytes.
pub(crate) struct Miscutting {
    inner: SseFramer,
    fault: Fault,
    /// The line that has begun.
    line: Vec<u8>,
}

impl Miscutting {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { inner: SseFramer::new(1 << 20), fault, line: Vec::new() }
    }
}

impl Framer for Miscutting {
    const BODY_END_FINISHES_FRAME: bool = SseFramer::BODY_END_FINISHES_FRAME;

    fn feed(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        match self.fault {
            Fault::CutsCharacters => self.inner.feed(text.as_bytes()),
            Fault::CutsCharactersOfThoughts | Fault::CutsCharactersOfCalls => {
                let field = match self.fault {
                    Fault::CutsCharactersOfThoughts => "\"reasoning\"",
                    _ => "\"arguments\"",
                };
                for byte in bytes {
                    self.line.push(*byte);
                    if String::from_utf8_lossy(&self.line).contains(field) && bytes.len() == 1 {
                        self.inner.feed(String::from_utf8_lossy(&[*byte]).as_bytes());
                    } else {
                        self.inner.feed(&[*byte]);
                    }
                    if *byte == b'\n' {
                        self.line.clear();
                    }
                }
            }
            Fault::NeedsLineFeeds => self.inner.feed(text.replace("\r\n", "\r \r ").as_bytes()),
            Fault::NeedsASpace => self.inner.feed(text.replace("data:{", "dat:{").as_bytes()),
            Fault::ShowsKeepAlives => {
                let shown = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" \"}}]}";
                self.inner.feed(text.replace(": keep-alive", shown).as_bytes());
            }
            _ => self.inner.feed(bytes),
        }
    }

    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        self.inner.next_frame()
    }

    fn last_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge> {
        self.inner.last_frame()
    }

    fn take_stray_lines(&mut self) -> String {
        self.inner.take_stray_lines()
    }
}
