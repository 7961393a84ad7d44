//! Reads an answer: the events of a stream, or a whole message.

use std::collections::BTreeMap;

use lenient_json::{Count, Raw, Text, UnknownFields, from_str, object};
use provider_core::author::{
    BlockKind, DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead, ToolCallPiece,
    text_of_body,
};
use provider_core::{
    Annotation, Error, FinishReason, ProviderJson, RawJson, ReasoningDetail, UrlCitation, Usage,
};
use provider_http::error::undecodable;

use crate::{ID, error};

object! {
    /// An event of a stream.
    struct Event<'a> {
        kind: Text<'a> = "type",
        index: Count = "index",
        message: Message<'a> = "message",
        content_block: Raw<'a> = "content_block",
        delta: Delta<'a> = "delta",
        usage: Raw<'a> = "usage",
        error: Raw<'a> = "error",
    }
}

object! {
    /// A message, whole or as it begins.
    struct Message<'a> {
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        content: Raw<'a> = "content",
        stop_reason: Text<'a> = "stop_reason",
        stop_sequence: Text<'a> = "stop_sequence",
        usage: Raw<'a> = "usage",
        error: Raw<'a> = "error",
    }
    skip "type" | "role"
}

object! {
    /// A block of a message, whole or as it begins.
    struct Block<'a> {
        kind: Text<'a> = "type",
        id: Text<'a> = "id",
        name: Text<'a> = "name",
        text: Text<'a> = "text",
        citations: Raw<'a> = "citations",
        thinking: Text<'a> = "thinking",
        signature: Text<'a> = "signature",
        data: Text<'a> = "data",
        input: Raw<'a> = "input",
    }
}

object! {
    /// The next piece of a block, or the end of the message.
    struct Delta<'a> {
        text: Text<'a> = "text",
        citation: Raw<'a> = "citation",
        thinking: Text<'a> = "thinking",
        signature: Text<'a> = "signature",
        partial_json: Text<'a> = "partial_json",
        stop_reason: Text<'a> = "stop_reason",
        stop_sequence: Text<'a> = "stop_sequence",
    }
    skip "type"
}

object! {
    struct WireUsage<'a> {
        input_tokens: Count = "input_tokens",
        output_tokens: Count = "output_tokens",
        cache_read: Count = "cache_read_input_tokens",
        cache_write: Count = "cache_creation_input_tokens",
        server_tools: ServerTools<'a> = "server_tool_use",
        service_tier: Text<'a> = "service_tier",
    }
}

object! {
    struct ServerTools<'a> {
        web_searches: Count = "web_search_requests",
    }
}

object! {
    struct Citation<'a> {
        url: Text<'a> = "url",
        title: Text<'a> = "title",
        cited_text: Text<'a> = "cited_text",
    }
}

/// Decodes an answer of Anthropic's messages.
#[derive(Debug)]
pub struct MessagesDecoder {
    head: ResponseHead,
    keep_raw: bool,
    raw_events: bool,
    has_begun: bool,
    /// The error of the first event that cannot be read. The others are still read, and the answer ends in
    /// it.
    unreadable: Option<Error>,
    /// The figures of the request so far: a later event may have some of them alone.
    input: Input,
    /// The block that only the service understands and that is under way.
    own: Option<OwnBlock>,
}

#[derive(Debug, Default)]
struct Input {
    uncached: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
}

/// A block as it began, and the texts of its fields that came in pieces. Those of `input` are pieces of JSON.
#[derive(Debug)]
struct OwnBlock {
    json: RawJson,
    pieces: BTreeMap<String, String>,
}

impl OwnBlock {
    fn append(&mut self, field: &str, piece: &str) {
        self.pieces.entry(field.to_owned()).or_default().push_str(piece);
    }

    /// The whole block. A field whose pieces are no JSON stays as it began.
    fn into_json(self) -> RawJson {
        let Ok(mut fields) = self.json.read::<BTreeMap<String, RawJson>>() else { return self.json };
        for (name, text) in self.pieces {
            let value = if name == INPUT { text.parse() } else { RawJson::new(&text) };
            if let Ok(value) = value {
                fields.insert(name, value);
            }
        }
        RawJson::new(&fields).unwrap_or(self.json)
    }
}

/// The field of a block that comes as pieces of JSON.
const INPUT: &str = "input";

impl MessagesDecoder {
    /// The decoder of the answer that has this head. `keep_raw`: whether to keep the JSON of each event.
    pub fn new(head: ResponseHead, keep_raw: bool) -> Self {
        let (raw_events, has_begun, input) = (false, false, Input::default());
        Self { head, keep_raw, raw_events, has_begun, unreadable: None, input, own: None }
    }

    /// Sets whether to hand out the JSON of each event of a stream without keeping it. Default: false.
    #[must_use]
    pub fn raw_events(mut self, show: bool) -> Self {
        self.raw_events = show;
        self
    }

    /// Begins a block of a stream, with as much as it has already.
    fn begin(&mut self, index: Option<u64>, json: Raw<'_>, out: &mut ResponseAccumulator) {
        let block: Block<'_> = json.read().unwrap_or_default();
        match block.kind.as_str() {
            "tool_use" => {
                out.start_block(BlockKind::ToolCall);
                let (id, name) = (block.id.filled(), block.name.filled());
                out.push_tool_call(ToolCallPiece { index, id, name, ..ToolCallPiece::default() });
            }
            _ if is_known(&block) => known(&block, out),
            _ => {
                let json = json.get().map(RawJson::from_checked);
                self.own = json.map(|json| OwnBlock { json, pieces: BTreeMap::new() });
            }
        }
    }

    fn piece(&mut self, index: Option<u64>, delta: &Delta<'_>, out: &mut ResponseAccumulator) {
        out.push_text(delta.text.as_str());
        cite(delta.citation, out);
        for (name, piece) in [("text", &delta.thinking), ("signature", &delta.signature)] {
            if let Some(piece) = piece.filled() {
                append_thought(name, piece, out);
            }
        }
        out.show_reasoning(delta.thinking.as_str());
        match (&mut self.own, delta.partial_json.filled()) {
            (Some(own), arguments) => {
                own.append(INPUT, arguments.unwrap_or_default());
                for (name, value) in &delta.unknown {
                    own.append(name, Raw::of(value).text().as_str());
                }
            }
            (None, Some(arguments)) => {
                out.push_tool_call(ToolCallPiece { index, arguments, ..ToolCallPiece::default() });
            }
            (None, None) => {}
        }
    }

    /// Hands over a block that only the service understands.
    fn end_own(&mut self, out: &mut ResponseAccumulator) {
        if let Some(own) = self.own.take() {
            out.push_block(ProviderJson::new(ID, own.into_json()));
        }
    }

    fn update_usage(&mut self, raw: Raw<'_>, out: &mut ResponseAccumulator) {
        let Some(wire) = raw.read::<WireUsage<'_>>() else { return };
        let input = &mut self.input;
        input.uncached = wire.input_tokens.0.or(input.uncached);
        input.cache_read = wire.cache_read.0.or(input.cache_read);
        input.cache_write = wire.cache_write.0.or(input.cache_write);
        let mut usage = Usage::default();
        // The service counts cached tokens apart.
        let cached = [input.cache_read, input.cache_write].into_iter().flatten();
        usage.prompt_tokens = input.uncached.map(|uncached| cached.fold(uncached, u64::saturating_add));
        usage.completion_tokens = wire.output_tokens.0;
        usage.cached_tokens = input.cache_read;
        usage.cache_write_tokens = input.cache_write;
        usage.web_search_requests = wire.server_tools.web_searches.0;
        usage.raw = raw.get().map(RawJson::from_checked);
        out.update_usage(usage);
        out.set_service_tier(wire.service_tier.as_str());
    }

    fn keep(&self, json: &str, out: &mut ResponseAccumulator) {
        if self.keep_raw {
            out.push_raw(RawJson::from_checked(json));
        } else if self.raw_events {
            out.show_raw(json);
        }
    }
}

impl FrameDecoder for MessagesDecoder {
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        let data = frame.data.trim();
        if data.is_empty() {
            return Ok(Progress::More);
        }
        let event: Event<'_> = match from_str(data) {
            Ok(event) => event,
            Err(cause) => {
                self.has_begun = true;
                let error = undecodable(&self.head, data, "an event of the stream", &cause.to_string());
                self.unreadable.get_or_insert(error);
                return Ok(Progress::More);
            }
        };
        if event.kind.as_str() == "ping" {
            return Ok(Progress::More);
        }
        self.has_begun = true;
        self.keep(data, out);
        if let Some(error) = error::reported(&self.head, event.error) {
            return Err(DecodeError::Reported(error));
        }
        out.note_chunk();
        match event.kind.as_str() {
            "message_start" => {
                out.set_id(event.message.id.as_str());
                out.set_model(event.message.model.as_str());
                keep_unknown(&event.message.unknown, out);
                self.update_usage(event.message.usage, out);
            }
            "content_block_start" => self.begin(event.index.0, event.content_block, out),
            "content_block_delta" => self.piece(event.index.0, &event.delta, out),
            "content_block_stop" => self.end_own(out),
            "message_delta" => {
                stopped(&event.delta.stop_reason, &event.delta.stop_sequence, out);
                keep_unknown(&event.delta.unknown, out);
                keep_unknown(&event.unknown, out);
                self.update_usage(event.usage, out);
            }
            "message_stop" => {
                out.set_end_marked();
                return Ok(Progress::End);
            }
            // The service may add events, and says that clients pass over what they do not know.
            _ => {}
        }
        Ok(Progress::More)
    }

    fn decode_body(&mut self, body: &str, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        let text = text_of_body(body);
        let unreadable =
            |cause: String| DecodeError::Fatal(undecodable(&self.head, text, "an answer", &cause));
        let message: Message<'_> = from_str(text).map_err(|cause| unreadable(cause.to_string()))?;
        if let Some(error) = error::reported(&self.head, message.error) {
            return Err(DecodeError::Reported(error));
        }
        if !message.content.is_list() {
            return Err(unreadable("there is no list of blocks in `content`".to_owned()));
        }
        self.keep(text, out);
        out.set_id(message.id.as_str());
        out.set_model(message.model.as_str());
        message.content.for_each(|json: Raw<'_>| whole(json, out));
        stopped(&message.stop_reason, &message.stop_sequence, out);
        keep_unknown(&message.unknown, out);
        self.update_usage(message.usage, out);
        Ok(())
    }

    fn finish(&mut self, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        self.end_own(out);
        self.unreadable.take().map_or(Ok(()), |error| Err(DecodeError::Fatal(error)))
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }
}

fn is_known(block: &Block<'_>) -> bool {
    matches!(block.kind.as_str(), "text" | "thinking" | "redacted_thinking")
}

/// Hands over a block of text or thoughts, or its beginning.
fn known(block: &Block<'_>, out: &mut ResponseAccumulator) {
    let mut detail = ReasoningDetail::new();
    match block.kind.as_str() {
        "text" => {
            out.start_block(BlockKind::Text);
            out.push_text(block.text.as_str());
            return block.citations.for_each(|citation| cite(citation, out));
        }
        "thinking" => {
            detail.append("type", "reasoning.text");
            // Present even if empty: the service may keep the text back, and takes the signature alone.
            detail.append("text", block.thinking.as_str());
            if let Some(signature) = block.signature.filled() {
                detail.append("signature", signature);
            }
        }
        _ => {
            detail.append("type", "reasoning.encrypted");
            detail.append("data", block.data.as_str());
        }
    }
    out.start_block(BlockKind::Reasoning);
    out.reasoning_details_mut().push(detail);
    out.show_reasoning(block.thinking.as_str());
}

/// Adds a piece to the newest thought. One whose block did not begin begins one.
fn append_thought(name: &str, piece: &str, out: &mut ResponseAccumulator) {
    let thoughts = out.reasoning_details_mut();
    if thoughts.is_empty() {
        let mut thought = ReasoningDetail::new();
        thought.append("type", "reasoning.text");
        thoughts.push(thought);
    }
    if let Some(thought) = thoughts.last_mut() {
        thought.append(name, piece);
    }
}

/// Hands over a block of a whole message.
fn whole(json: Raw<'_>, out: &mut ResponseAccumulator) {
    let block: Block<'_> = json.read().unwrap_or_default();
    match block.kind.as_str() {
        "tool_use" => {
            out.start_block(BlockKind::ToolCall);
            out.push_tool_call(ToolCallPiece {
                id: block.id.filled(),
                name: block.name.filled(),
                arguments: block.input.get().unwrap_or_default(),
                whole: true,
                ..ToolCallPiece::default()
            });
        }
        _ if is_known(&block) => known(&block, out),
        _ => {
            if let Some(json) = json.get() {
                out.push_block(ProviderJson::new(ID, RawJson::from_checked(json)));
            }
        }
    }
}

/// Keeps a citation as it came, and one of a web page as an annotation as well.
fn cite(raw: Raw<'_>, out: &mut ResponseAccumulator) {
    let Some(citation) = raw.read::<Citation<'_>>() else { return };
    if let Some(json) = raw.get() {
        out.push_message_extra("citations", RawJson::from_checked(json));
    }
    if let Some(url) = citation.url.filled() {
        let mut source = UrlCitation::new(url);
        source.title = citation.title.filled().map(str::to_owned);
        source.content = citation.cited_text.filled().map(str::to_owned);
        out.push_annotation(Annotation::from_url_citation(&source));
    }
}

/// Hands over why the model stopped: in chat completions' word, and in the service's.
fn stopped(reason: &Text<'_>, sequence: &Text<'_>, out: &mut ResponseAccumulator) {
    if let Some(word) = reason.filled() {
        out.set_finish_reason(FinishReason::from(word).meaning().as_str());
        out.set_native_finish_reason(word);
    }
    out.set_stop_sequence(sequence.as_str());
}

/// Keeps fields of a message that have no place of their own.
fn keep_unknown(fields: &UnknownFields<'_>, out: &mut ResponseAccumulator) {
    for (name, value) in fields {
        out.set_extra(name, RawJson::from_checked(value));
    }
}
