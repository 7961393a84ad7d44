//! The work of every client: the streams that the server plays, and what a client should make of them.

use std::fmt::Write as _;

/// The content of a stream's pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word of text.
    Text,
    /// Two hundred letters of text.
    LongText,
    /// Ten letters of a tool call's arguments.
    Tools,
    /// A word of thoughts, plain and structured.
    Reasoning,
    /// One piece of text as large as there are "chunks", in KiB.
    Large,
}

impl Kind {
    pub const ALL: [(&'static str, Kind); 5] = [
        ("text", Kind::Text),
        ("long-text", Kind::LongText),
        ("tools", Kind::Tools),
        ("reasoning", Kind::Reasoning),
        ("large", Kind::Large),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

/// A stream to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    pub kind: Kind,
    /// How many pieces there are.
    pub chunks: usize,
    /// How many events an HTTP chunk has.
    pub per_frame: usize,
    /// How long the server waits between two HTTP chunks, in microseconds. Zero: it writes several at once.
    pub gap: u64,
    /// How long it waits before the end of the body, in microseconds.
    pub tail: u64,
}

impl Stream {
    pub fn new(kind: Kind, chunks: usize, per_frame: usize) -> Self {
        Self { kind, chunks, per_frame, gap: 0, tail: 0 }
    }

    pub fn gap(self, gap: u64) -> Self {
        Self { gap, ..self }
    }

    pub fn tail(self, tail: u64) -> Self {
        Self { tail, ..self }
    }

    /// The first part of the base URL's path, by which a client names the stream.
    pub fn path(&self) -> String {
        format!("/{}/{}/{}/{}/{}", self.kind.name(), self.chunks, self.per_frame, self.gap, self.tail)
    }

    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/').skip(1);
        let kind = Kind::parse(parts.next()?)?;
        let mut number = || parts.next()?.parse::<u64>().ok();
        let (chunks, per_frame) = (number()? as usize, number()? as usize);
        Some(Self { kind, chunks, per_frame, gap: number()?, tail: number()? })
    }

    /// Returns the sums that a client must have counted when the stream has ended.
    pub fn sums(&self) -> Sums {
        let mut sums = Sums { finished: true, ..Sums::default() };
        match self.kind {
            Kind::Large => {
                sums.text = self.chunks * 1024;
                sums.pieces = 1;
            }
            kind => {
                sums.pieces = self.chunks;
                for number in 0..self.chunks {
                    let length = piece(kind, number, self.chunks).len();
                    match kind {
                        Kind::Text | Kind::LongText => sums.text += length,
                        Kind::Tools => sums.arguments += length,
                        Kind::Reasoning | Kind::Large => sums.thoughts += length,
                    }
                }
            }
        }
        sums
    }

    /// The HTTP chunks of the body, the last one excepted.
    pub fn frames(&self) -> Vec<Vec<u8>> {
        let mut events: Vec<String> = Vec::new();
        match self.kind {
            Kind::Large => {
                let text = "0123456789abcdef".repeat(self.chunks * 64);
                events.push(event(&format!(r#""content":"{text}""#), "null"));
            }
            Kind::Tools => {
                for number in 0..self.chunks {
                    let arguments = quoted(&piece(Kind::Tools, number, self.chunks));
                    let call = if number == 0 {
                        format!(
                            r#"{{"index":0,"id":"call_1","type":"function","function":{{"name":"look_up","arguments":{arguments}}}}}"#
                        )
                    } else {
                        format!(r#"{{"index":0,"type":"function","function":{{"arguments":{arguments}}}}}"#)
                    };
                    events.push(event(&format!(r#""content":null,"tool_calls":[{call}]"#), "null"));
                }
            }
            kind => {
                for number in 0..self.chunks {
                    let text = quoted(&piece(kind, number, self.chunks));
                    let delta = match kind {
                        Kind::Reasoning => format!(
                            r#""content":"","reasoning":{text},"reasoning_details":[{{"type":"reasoning.text","text":{text},"format":"anthropic-claude-v1","index":0}}]"#
                        ),
                        _ => format!(r#""content":{text}"#),
                    };
                    events.push(event(&delta, "null"));
                }
            }
        }
        let mut frames: Vec<Vec<u8>> =
            events.chunks(self.per_frame.max(1)).map(|events| events.concat().into_bytes()).collect();
        let finish = if self.kind == Kind::Tools { "\"tool_calls\"" } else { "\"stop\"" };
        let mut last = event(r#""content":"""#, finish);
        let usage =
            r#""usage":{"prompt_tokens":12,"completion_tokens":345,"total_tokens":357,"cost":0.00123}"#;
        let with_usage = event(r#""content":"""#, finish).trim_end().trim_end_matches('}').to_owned();
        let _ = write!(last, "{with_usage},{usage}}}\n\ndata: [DONE]\n\n");
        frames.push(last.into_bytes());
        frames
    }
}

/// The sums of what a client has seen of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub pieces: usize,
    pub text: usize,
    pub thoughts: usize,
    pub arguments: usize,
    pub finished: bool,
}

const WORDS: [&str; 8] = [" the", " quick", " brown", " fox", " jumps", " over", " lazy", " dogs.\n"];

/// A piece as a client sees it. All pieces of a tool call together are a JSON object, since some clients read
/// it.
fn piece(kind: Kind, number: usize, of: usize) -> String {
    match kind {
        Kind::LongText => "lorem ipsum dolor sit amet, ".repeat(8)[..200].to_owned(),
        Kind::Tools if number == 0 => "{\"query\":\"".to_owned(),
        Kind::Tools if number + 1 == of => "\"}".to_owned(),
        Kind::Tools => "0123456789".to_owned(),
        _ => WORDS[number % WORDS.len()].to_owned(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn event(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"gen-1760532574-2dAHZE6zUiSaYyanMrUf\",\"provider\":\"OpenAI\",\"model\":\"openai/gpt-4o\",\
         \"object\":\"chat.completion.chunk\",\"created\":1760532574,\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\
         {delta}}},\"finish_reason\":{finish},\"native_finish_reason\":{finish},\"logprobs\":null}}],\
         \"system_fingerprint\":\"fp_44709d6fcb\"}}\n\n"
    )
}

/// The body of a whole answer. Its text does not end in a blank: genai takes blanks off both ends of a whole
/// answer.
pub fn whole() -> String {
    let usage = r#"{"prompt_tokens":12,"completion_tokens":345,"total_tokens":357,"cost":0.00123}"#;
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(12);
    let text = text.trim_end();
    format!(
        r#"{{"id":"gen-1760532574-2dAHZE6zUiSaYyanMrUf","provider":"OpenAI","model":"openai/gpt-4o","object":"chat.completion","created":1760532574,"choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"finish_reason":"stop","native_finish_reason":"stop","logprobs":null}}],"usage":{usage},"system_fingerprint":"fp_44709d6fcb"}}"#
    )
}

/// The letters of the whole answer's text.
pub const WHOLE_TEXT: usize = 45 * 12 - 1;
