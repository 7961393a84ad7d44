//! Writes events and answers as chat completions, for a provider of another wire.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{BufMut as _, Bytes, BytesMut};
use provider_core::{ChatResponse, Event, FinishReason, Finished, RawJson, ToolCall, Usage};
use serde::Serialize;
use serde_json::{Value, json};

/// Writes an object field by field, in their order.
struct Object<'a>(&'a mut BytesMut, bool);

impl<'a> Object<'a> {
    fn begin(out: &'a mut BytesMut) -> Self {
        out.put_u8(b'{');
        Self(out, true)
    }

    fn name(&mut self, name: &str) -> &mut BytesMut {
        if !std::mem::replace(&mut self.1, false) {
            self.0.put_u8(b',');
        }
        write(self.0, name);
        self.0.put_u8(b':');
        self.0
    }

    fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        write(self.name(name), value);
    }

    fn some(&mut self, name: &str, value: Option<&(impl Serialize + ?Sized)>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    fn end(self) {
        self.0.put_u8(b'}');
    }
}

fn write(out: &mut BytesMut, value: &(impl Serialize + ?Sized)) {
    let length = out.len();
    if serde_json::to_writer((&mut *out).writer(), value).is_err() {
        // No value that is written here can fail; if one does, the object around it stays whole.
        out.truncate(length);
        out.extend_from_slice(b"null");
    }
}

/// A piece of a tool call as it stands in a chunk.
#[derive(Serialize)]
struct CallPiece<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    function: FunctionPiece<'a>,
}

#[derive(Serialize)]
struct FunctionPiece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

/// Writes the chunks of one stream.
pub(super) struct Encoder {
    run: String,
    created: u64,
    has_begun: bool,
}

impl Encoder {
    pub(super) fn new(run: &str) -> Self {
        Self { run: run.to_owned(), created: now(), has_begun: false }
    }

    /// Writes the chunk of an event, as an SSE event. Some events have none.
    pub(super) fn event(&mut self, event: &Event, so_far: &ChatResponse, out: &mut BytesMut) {
        let encode = |delta: &mut Object<'_>| match event {
            Event::Text(text) => delta.field("content", text.as_str()),
            Event::Reasoning(text) => delta.field("reasoning", text.as_str()),
            Event::Refusal(text) => delta.field("refusal", text.as_str()),
            Event::ToolCall(piece) => {
                let begins = piece.name.is_some() || piece.id.is_some();
                // A service may name no id. Clients need one, and every call of an answer has one.
                let known = so_far.message.tool_calls.get(piece.call).map(|call| call.id.as_str());
                let id = piece.id.as_deref().or(known).filter(|_| begins);
                let function =
                    FunctionPiece { name: piece.name.as_deref(), arguments: piece.arguments.as_str() };
                let kind = id.is_some().then_some("function");
                delta.field("tool_calls", &[CallPiece { index: piece.call, id, kind, function }]);
            }
            Event::Image(image) => delta.field("images", &[image.raw()]),
            Event::Audio(piece) => delta.field("audio", piece),
            Event::Annotation(annotation) => delta.field("annotations", &[annotation]),
            _ => {}
        };
        if !matches!(event, Event::Raw(_) | Event::Seam(_) | Event::Finished(_)) {
            self.chunk(so_far, out, encode, None);
        }
    }

    /// Writes the last chunks: the one with the finish reason, and that of the usage if it is asked for.
    pub(super) fn finish(
        &mut self,
        finished: &Finished,
        so_far: &ChatResponse,
        include_usage: bool,
        out: &mut BytesMut,
    ) {
        let details = |delta: &mut Object<'_>| {
            delta.some("reasoning_details", so_far.message.reasoning_details.as_ref());
        };
        self.chunk(so_far, out, details, Some(finished));
        if include_usage {
            self.usage(&finished.usage, so_far, out);
        }
    }

    /// Writes the chunk that has the usage and no choice.
    fn usage(&self, usage: &Usage, so_far: &ChatResponse, out: &mut BytesMut) {
        out.extend_from_slice(b"data: ");
        let mut chunk = Object::begin(out);
        self.head(&mut chunk, so_far);
        chunk.field("choices", &[(); 0]);
        chunk.field("usage", &usage_of(usage));
        chunk.end();
        out.extend_from_slice(b"\n\n");
    }

    fn head(&self, chunk: &mut Object<'_>, so_far: &ChatResponse) {
        head(chunk, so_far, &self.run, self.created, "chat.completion.chunk");
    }

    fn chunk(
        &mut self,
        so_far: &ChatResponse,
        out: &mut BytesMut,
        encode: impl FnOnce(&mut Object<'_>),
        finished: Option<&Finished>,
    ) {
        out.extend_from_slice(b"data: ");
        let mut chunk = Object::begin(out);
        self.head(&mut chunk, so_far);
        let choices = chunk.name("choices");
        choices.put_u8(b'[');
        let mut choice = Object::begin(choices);
        choice.field("index", &0);
        let mut delta = Object::begin(choice.name("delta"));
        if !std::mem::replace(&mut self.has_begun, true) {
            delta.field("role", "assistant");
        }
        encode(&mut delta);
        delta.end();
        if finished.is_some() {
            choice.some("logprobs", logprobs(so_far).as_ref());
            choice.field("finish_reason", finish_reason(so_far));
            choice.some("native_finish_reason", so_far.native_finish_reason.as_ref());
        } else {
            choice.field("finish_reason", &());
        }
        choice.end();
        chunk.0.put_u8(b']');
        chunk.end();
        out.extend_from_slice(b"\n\n");
    }
}

/// Writes a whole answer.
pub(super) fn whole(response: &ChatResponse, run: &str) -> Bytes {
    let mut out = BytesMut::new();
    let mut answer = Object::begin(&mut out);
    head(&mut answer, response, run, now(), "chat.completion");
    answer.some("service_tier", response.service_tier.as_ref());
    answer.some("system_fingerprint", response.system_fingerprint.as_ref());
    let choices = answer.name("choices");
    choices.put_u8(b'[');
    let mut choice = Object::begin(choices);
    choice.field("index", &0);
    message(response, choice.name("message"));
    choice.field("logprobs", &logprobs(response));
    choice.field("finish_reason", finish_reason(response));
    choice.some("native_finish_reason", response.native_finish_reason.as_ref());
    choice.end();
    answer.0.put_u8(b']');
    answer.field("usage", &usage_of(&response.usage));
    for (name, value) in response.extra.newest() {
        // Their own places are written above.
        if !matches!(name, "id" | "object" | "choices" | "usage" | "error") {
            answer.field(name, value);
        }
    }
    answer.end();
    out.freeze()
}

fn message(response: &ChatResponse, out: &mut BytesMut) {
    let said = &response.message;
    let mut message = Object::begin(out);
    message.field("role", "assistant");
    let is_silent = said.text.is_empty() && (!said.tool_calls.is_empty() || said.refusal.is_some());
    message.field("content", &(!is_silent).then_some(&said.text));
    message.field("refusal", &said.refusal);
    message.some("reasoning", said.reasoning.as_ref());
    message.some("reasoning_details", said.reasoning_details.as_ref());
    if !said.tool_calls.is_empty() {
        message.field("tool_calls", &said.tool_calls.iter().map(tool_call).collect::<Vec<_>>());
    }
    message.some("annotations", Some(&said.annotations).filter(|list| !list.is_empty()));
    message.some("images", Some(&said.images).filter(|list| !list.is_empty()));
    if let Some(audio) = &said.audio {
        let fields = json!({
            "id": audio.id, "data": audio.data, "transcript": audio.transcript, "expires_at": audio.expires_at,
        });
        message.field("audio", &fields);
    }
    message.end();
}

fn tool_call(call: &ToolCall) -> Value {
    json!({
        "id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments},
    })
}

fn head(object: &mut Object<'_>, response: &ChatResponse, run: &str, created: u64, kind: &str) {
    match &response.id {
        Some(id) => object.field("id", id),
        None => object.field("id", &format_args!("chatcmpl-{run}")),
    }
    object.field("object", kind);
    object.field("created", &response.created.unwrap_or(created));
    let model = Some(&response.model).filter(|model| !model.is_empty()).unwrap_or(&response.requested);
    object.field("model", model);
    object.some("provider", response.served_by.provider.as_ref());
}

/// One of the words that OpenAI's clients know, where the reason means one.
fn finish_reason(response: &ChatResponse) -> &str {
    let called = !response.message.tool_calls.is_empty();
    match response.finish_reason.as_ref().map(FinishReason::meaning) {
        None if called => "tool_calls",
        // Clients run tools by this word, and some models finish with `stop` although they call them.
        Some(FinishReason::Stop) if called => "tool_calls",
        None => "stop",
        Some(reason) => reason.as_str(),
    }
}

fn logprobs(response: &ChatResponse) -> Option<Value> {
    (!response.logprobs.is_empty()).then(|| json!({"content": response.logprobs, "refusal": null}))
}

fn usage_of(usage: &Usage) -> RawJson {
    let mut out = BytesMut::new();
    let mut object = Object::begin(&mut out);
    let (prompt, completion) =
        (usage.prompt_tokens.unwrap_or_default(), usage.completion_tokens.unwrap_or_default());
    object.field("prompt_tokens", &prompt);
    object.field("completion_tokens", &completion);
    object.field("total_tokens", &usage.total_tokens.unwrap_or(prompt.saturating_add(completion)));
    let details = json!({
        "cached_tokens": usage.cached_tokens.unwrap_or_default(),
        "audio_tokens": usage.prompt_audio_tokens.unwrap_or_default(),
    });
    object.field("prompt_tokens_details", &details);
    let details = json!({
        "reasoning_tokens": usage.reasoning_tokens.unwrap_or_default(),
        "audio_tokens": usage.completion_audio_tokens.unwrap_or_default(),
        "accepted_prediction_tokens": usage.accepted_prediction_tokens.unwrap_or_default(),
        "rejected_prediction_tokens": usage.rejected_prediction_tokens.unwrap_or_default(),
    });
    object.field("completion_tokens_details", &details);
    object.some("cost", usage.cost.as_ref());
    object.end();
    RawJson::from_checked(&String::from_utf8_lossy(&out))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
