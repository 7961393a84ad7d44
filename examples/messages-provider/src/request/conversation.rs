//! The conversation: a system prompt, and turns of blocks.

use provider_core::{
    AssistantMessage, BlockRef, ChatRequest, Content, FilePart, MediaSource, Message, Part, RawJson,
    ReasoningDetail, TextPart, ToolCall,
};
use serde::Serialize;
use serde_json::json;

use super::{CacheControl, Problems};
use crate::ID;

/// All that one side says until it is the other's turn.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Turn<'a> {
    Blocks { role: &'static str, content: Vec<Block<'a>> },
    Own(&'a RawJson),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Image {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: RawJson,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    #[serde(untagged)]
    Own(&'a RawJson),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Url { url: &'a str },
    Base64 { media_type: &'a str, data: &'a str },
    File { file_id: &'a str },
}

impl<'a> From<MediaSource<'a>> for Source<'a> {
    fn from(source: MediaSource<'a>) -> Self {
        match source {
            MediaSource::Base64 { media_type, data } => Source::Base64 { media_type, data },
            MediaSource::Id(file_id) => Source::File { file_id },
            MediaSource::Url(url) => Source::Url { url },
            // The type may grow: a source of a newer kind is no address.
            _ => Source::Url { url: "" },
        }
    }
}

/// Writes the messages: the system prompt, and the turns.
pub(super) fn turns<'a>(
    request: &ChatRequest,
    messages: &'a [Message],
    problems: &mut Problems,
) -> (Vec<Block<'a>>, Vec<Turn<'a>>) {
    let (mut system, mut turns) = (Vec::new(), Vec::new());
    for (place, message) in messages.iter().enumerate() {
        let field = format!("messages[{place}]");
        match message {
            Message::System(said) | Message::Developer(said) if turns.is_empty() => {
                system.extend(content(&said.content, &field, problems));
            }
            Message::System(_) | Message::Developer(_) => {
                problems.add(field, "must come before all others, since the service has one system prompt");
            }
            Message::User(said) => add(&mut turns, "user", content(&said.content, &field, problems)),
            Message::Assistant(said) => add(&mut turns, "assistant", answer(said, request, &field, problems)),
            Message::Tool(result) => {
                let (tool_use_id, is_error) = (&*result.tool_call_id, result.is_error);
                let content = content(&result.content, &field, problems);
                add(&mut turns, "user", vec![Block::ToolResult { tool_use_id, content, is_error }]);
            }
            Message::Other(json) => turns.push(Turn::Own(json.json())),
            _ => problems.add(field, "is of a kind that this provider does not know"),
        }
    }
    if turns.is_empty() {
        problems.add("messages", "must have one beside the system prompt");
    }
    (system, turns)
}

/// Adds blocks of a role: to its turn, or as the next one.
fn add<'a>(turns: &mut Vec<Turn<'a>>, speaker: &'static str, blocks: Vec<Block<'a>>) {
    match turns.last_mut() {
        Some(Turn::Blocks { role, content }) if *role == speaker => content.extend(blocks),
        _ => turns.push(Turn::Blocks { role: speaker, content: blocks }),
    }
}

fn content<'a>(content: &'a Content, field: &str, problems: &mut Problems) -> Vec<Block<'a>> {
    match content {
        Content::Text(text) => vec![Block::Text { text, cache_control: None }],
        Content::Parts(parts) => {
            let parts = parts.iter().enumerate();
            parts
                .filter_map(|(place, part)| self::part(part, &format!("{field}.content[{place}]"), problems))
                .collect()
        }
    }
}

fn part<'a>(part: &'a Part, field: &str, problems: &mut Problems) -> Option<Block<'a>> {
    match part {
        Part::Text(text) => {
            Some(Block::Text { text: &text.text, cache_control: mark(text, field, problems) })
        }
        Part::Image(image) => {
            if image.detail.is_some() {
                problems.add(format!("{field}.detail"), "cannot be sent by this provider; leave it out");
            }
            let cache_control = CacheControl::of(image.cache.as_ref());
            Some(Block::Image { source: image.source().into(), cache_control })
        }
        Part::File(file) => document(file, field, problems),
        Part::Other(json) => Some(Block::Own(json.json())),
        _ => {
            problems.add(field, "is a part that this service does not read: it reads text, images and PDF");
            None
        }
    }
}

/// How long the service keeps a prompt that is marked.
const LIFETIMES: [&str; 2] = ["5m", "1h"];

/// Writes the mark of a text: its own, or the one that its breakpoint of OpenAI's cache is on this wire.
fn mark<'a>(text: &'a TextPart, field: &str, problems: &mut Problems) -> Option<CacheControl<'a>> {
    let own = CacheControl::of(text.cache.as_ref());
    let Some(breakpoint) = &text.cache_breakpoint else { return own };
    if own.is_some() {
        problems
            .add(format!("{field}.cache_breakpoint"), "is the same mark as `cache` here; set one of the two");
    }
    // The lifetimes of OpenAI's cache are others, and none is made into another unasked.
    if let Some(ttl) = breakpoint.ttl.as_deref().filter(|ttl| !LIFETIMES.contains(ttl)) {
        let problem = format!("is {ttl:?}; this service keeps a prompt for `5m` or `1h`");
        problems.add(format!("{field}.cache_breakpoint.ttl"), problem);
    }
    Some(CacheControl::ephemeral(breakpoint.ttl.as_deref()))
}

fn document<'a>(file: &'a FilePart, field: &str, problems: &mut Problems) -> Option<Block<'a>> {
    match file.source() {
        Some(MediaSource::Base64 { media_type, .. }) if media_type != "application/pdf" => {
            problems.add(
                field,
                format!("is a file of the type {media_type}; as data the service reads PDF alone"),
            );
            None
        }
        Some(source) => Some(Block::Document {
            source: source.into(),
            title: file.filename.as_deref(),
            cache_control: CacheControl::of(file.cache.as_ref()),
        }),
        None => {
            problems.add(field, "has neither data nor an id");
            None
        }
    }
}

/// Writes the blocks of an answer in their order. Thoughts go back to the model that had them alone.
fn answer<'a>(
    message: &'a AssistantMessage,
    request: &ChatRequest,
    field: &str,
    problems: &mut Problems,
) -> Vec<Block<'a>> {
    let is_own = message.made_by.as_ref().is_none_or(|model| *model == request.model)
        && message.made_by_provider.as_deref().is_none_or(|provider| provider == ID);
    let mut blocks = Vec::new();
    let mut parts = 0;
    for block in message.blocks() {
        match block {
            BlockRef::Reasoning { details, .. } if is_own => {
                blocks.extend(details.iter().filter_map(thought))
            }
            BlockRef::Reasoning { .. } => {}
            BlockRef::Text(text) => blocks.push(Block::Text { text, cache_control: None }),
            BlockRef::Part(part) => {
                blocks.extend(self::part(part, &format!("{field}.content[{parts}]"), problems));
                parts += 1;
            }
            BlockRef::ToolCall(call) => blocks.extend(self::call(call, field, problems)),
            BlockRef::Provider(json) if json.is_for(ID) => blocks.push(Block::Own(json.json())),
            BlockRef::Provider(_) => {}
            _ => problems.add(format!("{field}.images"), "cannot be sent by this provider; leave them out"),
        }
    }
    if let Some(refusal) = message.refusal.as_deref().filter(|words| !words.is_empty()) {
        // The wire has a finish reason for it, and no block: the words are text.
        blocks.push(Block::Text { text: refusal, cache_control: None });
    }
    if message.audio.is_some() {
        problems.add(format!("{field}.audio"), "cannot be sent by this provider; leave it out");
    }
    blocks
}

/// Writes a thought as it came. One without a signature cannot go back.
fn thought(detail: &ReasoningDetail) -> Option<Block<'_>> {
    match detail.kind() {
        Some("reasoning.encrypted") => detail.text_of("data").map(|data| Block::RedactedThinking { data }),
        _ => {
            let (thinking, signature) = (detail.text_of("text")?, detail.text_of("signature")?);
            Some(Block::Thinking { thinking, signature })
        }
    }
}

/// Writes a call. Arguments that are no JSON, as a call has them that was cut off, go in an object with the
/// one field `INVALID_JSON`, as the service asks for: it takes no other input than an object.
fn call<'a>(call: &'a ToolCall, field: &str, problems: &mut Problems) -> Option<Block<'a>> {
    if !call.is_function() {
        problems.add(format!("{field}.tool_calls"), "has a call of no function, which this service lacks");
        return None;
    }
    let input = match call.arguments.trim() {
        "" => RawJson::from_checked("{}"),
        arguments => arguments.parse().unwrap_or_else(|_| json!({ "INVALID_JSON": arguments }).into()),
    };
    Some(Block::ToolUse { id: &call.id, name: &call.name, input })
}
