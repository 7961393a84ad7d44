//! Streams whose chunks are alike. The decoder compares such a chunk with the one before it, and must come to
//! what it comes to when it decodes each of them in full.
//!
//! The chunks are undamaged, the same ones in each run, and reach the decoder without framing.
//! `tests/generated/repeats.rs` has whole SSE bodies, other ones in each run, recorded ones and damaged ones.

use std::sync::Arc;
use std::task::{Context, Poll};

use openai_wire::{ChatDecoder, Plain};
use provider_core::author::{
    ChunkSource, DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead,
};
use provider_core::{ChatResponse, ChatStream, Error, Event};

/// Chunks, with places for what is new: `$` stands for a JSON string, `@` for any value.
const SHAPES: &[&str] = &[
    r#"{"id":"gen-1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":$},"finish_reason":null}]}"#,
    r#"{"choices":[{"delta":{"content":$,"reasoning":$}}],"system_fingerprint":"fp"}"#,
    r#"{"choices":[{"delta":{"reasoning":$,"content":"","reasoning_details":[{"type":"reasoning.text","text":$,"index":0,"format":"x"}]}}]}"#,
    r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.summary","summary":$,"id":"a","signature":"s"}]}}]}"#,
    r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":$,"summary":$}]}}]}"#,
    r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":$}]}}]}"#,
    r#"{"choices":[{"delta":{"content":null,"tool_calls":[{"index":0,"function":{"arguments":$}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c","type":"function","function":{"name":"f","arguments":$}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":$}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"id":"c","function":{"arguments":$}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":$}},{"index":1,"function":{"arguments":$}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"type":"odd","function":{"arguments":$}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"odd":1,"function":{"arguments":$}}]}}]}"#,
    r#"{"choices":[{"index":1,"delta":{"content":$}},{"index":0,"delta":{"content":$}}]}"#,
    r#"{ "choices" : [ { "delta" : { "content" : $ } } ] }"#,
    r#"{"choices":[{"delta":{"content":$,"odd":$},"odd":$}]}"#,
    r#"{"obfuscation":$,"choices":[{"delta":{"content":$},"x":{"y":$}}],"z":[$]}"#,
    r#"{"choices":[{"delta":{"content":$}}],"twice":$,"twice":$}"#,
    r#"{"choices":[{"delta":{"content":$}}],"a":1,"b":2,"c":3,"d":$,"e":$}"#,
    r#"{"choices":[{"delta":{"content":$}}],"a":$,"b":$,"c":$,"d":$}"#,
    r#"{"choices":[{"delta":{"content":$}}],"odd":null}"#,
    r#"{"choices":[{"delta":{"refusal":$,"content":$}}]}"#,
    r#"{"choices":[{"delta":{"reasoning_content":$,"content":$}}]}"#,
    r#"{"choices":[{"delta":{"reasoning":$,"reasoning_content":$}}]}"#,
    r#"{"choices":[{"delta":{"content":[{"type":"text","text":$},{"type":"thinking","thinking":$}]}}]}"#,
    r#"{"choices":[{"message":{"content":$,"reasoning":$}}]}"#,
    r#"{"choices":[{"delta":{"content":$},"message":{"content":$}}]}"#,
    r#"{"choices":[{"delta":{"audio":{"transcript":$,"data":"AA"}}}]}"#,
    r#"{"choices":[{"delta":{"content":$}}],"usage":{"total_tokens":3}}"#,
    r#"{"choices":[{"delta":{"content":$},"usage":{"total_tokens":3}}]}"#,
    r#"{"choices":[{"delta":{"content":$},"logprobs":{"content":[{"token":$,"logprob":-1}]}}]}"#,
    r#"{"choices":[{"delta":{"content":$},"text":$}]}"#,
    r#"{"model":$,"choices":[{"delta":{"content":$}}]}"#,
    r#"{"choices":[{"delta":{"content":$}}],"x_groq":{"id":$}}"#,
    r#"{"choices":[{"delta":{"content":$}}],"odd":@}"#,
    r#"{"choices":[{"delta":{"content":$,"odd":@},"odd":@}],"more":@}"#,
    r#"{"choices":[{"delta":{"content":@}}]}"#,
    r#"{"choices":[{"delta":{"content":$},"finish_reason":"stop"}]}"#,
    r#"{"choices":[{"delta":{"content":$},"finish_reason":"length","native_finish_reason":"max"}]}"#,
];

/// Insides of JSON strings.
const TEXTS: &[&str] = &[
    "a",
    " word",
    "",
    r"\ud83d",
    r"\uddfc",
    r"a\nb",
    r#"\"q\":"#,
    r"\\ud83d",
    r"\u00e9",
    "é🗼",
    r"\/",
    "null",
    r"x\ud83d",
];

/// Values that are no texts, or one.
const VALUES: &[&str] = &["null", "1", "true", "{\"a\":[1,null]}", "[]", "\"a\"", "\"\\ud83d\""];

/// A source that has its frames at hand.
struct Frames {
    data: std::vec::IntoIter<String>,
    decoder: ChatDecoder<Plain>,
}

impl ChunkSource for Frames {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        out: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        let step = match self.data.next() {
            Some(data) => self.decoder.decode(Frame::new(data), out),
            None => self.decoder.finish(out).map(|()| Progress::End),
        };
        Poll::Ready(step.map_err(DecodeError::into_error))
    }
}

/// The events of a stream of these chunks, and the answer.
async fn read(chunks: Vec<String>) -> (Vec<Event>, ChatResponse) {
    let end = r#"{"choices":[{"delta":{"content":"."},"finish_reason":"stop"}]}"#.to_owned();
    let data: Vec<String> = chunks.into_iter().chain([end]).collect();
    let decoder = ChatDecoder::new(Arc::new(Plain), ResponseHead::default());
    let mut stream = ChatStream::new(Frames { data: data.into_iter(), decoder });
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event.expect("a good stream"));
    }
    (events, stream.into_response().expect("an answer"))
}

/// A generator of pseudo-random numbers, the same every time: xorshift64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn filled(&mut self, shape: &str) -> String {
        let mut chunk = String::new();
        for part in shape.split_inclusive(['$', '@']) {
            match part.split_at(part.len() - 1) {
                (before, "$") => {
                    chunk.push_str(&format!("{before}\"{}\"", TEXTS[self.below(TEXTS.len())]));
                }
                (before, "@") => {
                    chunk.push_str(before);
                    chunk.push_str(VALUES[self.below(VALUES.len())]);
                }
                _ => chunk.push_str(part),
            }
        }
        chunk
    }
}

#[tokio::test]
async fn repeating_chunks_read_as_those_that_are_decoded_in_full() {
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    for round in 0..40 {
        for shape in SHAPES {
            // Mostly the same shape; now and then another one comes in between.
            let chunks: Vec<String> = (0..8)
                .map(|_| {
                    let other = rng.below(6) == 0 && round % 2 == 1;
                    let shape = if other { SHAPES[rng.below(SHAPES.len())] } else { shape };
                    rng.filled(shape)
                })
                .collect();
            // An empty chunk in between says nothing, and keeps the decoder from comparing.
            let apart = chunks.iter().flat_map(|chunk| ["{}".to_owned(), chunk.clone()]).collect();
            assert_eq!(read(chunks.clone()).await, read(apart).await, "{}", chunks.join("\n"));
        }
    }
}

#[tokio::test]
async fn repeated_bytes_are_those_of_the_template() {
    let chunk = |text: &str| format!(r#"{{"id":"1","choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
    let mut decoder = ChatDecoder::new(Arc::new(Plain), ResponseHead::default());
    let mut out = ResponseAccumulator::without_events();
    for (text, repeated) in [("first", 0), ("a", 1), ("another", 2)] {
        decoder.decode(Frame::new(chunk(text)), &mut out).expect("a good chunk");
        assert_eq!(decoder.repeated_bytes(), repeated * (chunk("").len() - 2), "{text}");
    }
    let mut large = ChatDecoder::new(Arc::new(Plain), ResponseHead::default());
    for _ in 0..2 {
        large.decode(Frame::new(chunk(&"x".repeat(16 << 10))), &mut out).expect("a good chunk");
    }
    assert_eq!(large.repeated_bytes(), 0, "a chunk of more than 16 KiB is no template");
}
