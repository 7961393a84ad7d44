//! genai: `exec_chat_stream()`, `exec_chat()` and `all_model_names()` with its OpenRouter adapter; of the
//! catalogue it tells no more than the names. A piece is an event with text, with thoughts, or of a tool
//! call. It hands out tool calls in one of two ways. With `capture_tool_calls`, as its example of streamed
//! tool calls has it, every event holds the whole call so far, and the letters of arguments are those that an
//! event has more than the one before; so a long call takes time by the square of its length. Without, every
//! event holds what came, and it is up to the caller to put it together: that is `genai-parts`.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent, ToolCall};
use genai::resolver::{AuthData, Endpoint};
use genai::{Client as Peer, ModelIden, ServiceTarget};

use super::{KEY, MODEL, PROMPT};
use crate::client::{Client, Failure};
use crate::watch::Watch;
use crate::work::Sums;

pub struct GenAi {
    client: Peer,
    target: ServiceTarget,
    request: ChatRequest,
    options: ChatOptions,
    captures: bool,
}

impl GenAi {
    pub fn new(base: &str, captures: bool) -> Result<Self, Failure> {
        let target = ServiceTarget {
            // The last part of the path goes away without the slash.
            endpoint: Endpoint::from_owned(format!("{base}/")),
            auth: AuthData::from_single(KEY),
            model: ModelIden::new(AdapterKind::OpenRouter, MODEL),
        };
        Ok(Self {
            client: Peer::builder().build()?,
            target,
            request: ChatRequest::new(vec![ChatMessage::user(PROMPT)]),
            options: ChatOptions::default().with_capture_tool_calls(captures),
            captures,
        })
    }
}

/// How long a call's arguments are in an event: the JSON text that came, which is not decoded before the end.
fn arguments(call: &ToolCall) -> Result<usize, Failure> {
    Ok(call.fn_arguments.as_str().ok_or("decodes the pieces of arguments")?.len())
}

#[async_trait]
impl Client for GenAi {
    async fn stream(&self, watch: &mut Watch<'_>) -> Result<Sums, Failure> {
        let (target, request) = (self.target.clone(), self.request.clone());
        let mut stream = self.client.exec_chat_stream(target, request, Some(&self.options)).await?.stream;
        let mut sums = Sums::default();
        // By call: how long its arguments were.
        let mut known: HashMap<String, usize> = HashMap::new();
        while let Some(event) = stream.next().await {
            match event? {
                ChatStreamEvent::Chunk(chunk) => sums.text += chunk.content.len(),
                ChatStreamEvent::ReasoningChunk(chunk) => sums.thoughts += chunk.content.len(),
                ChatStreamEvent::ToolCallChunk(chunk) => {
                    let length = arguments(&chunk.tool_call)?;
                    sums.arguments += length;
                    if self.captures {
                        match known.get_mut(&chunk.tool_call.call_id) {
                            Some(before) => sums.arguments -= std::mem::replace(before, length),
                            None => drop(known.insert(chunk.tool_call.call_id, length)),
                        }
                    }
                }
                ChatStreamEvent::End(end) => {
                    sums.finished = end.captured_stop_reason.is_some();
                    continue;
                }
                _ => continue,
            }
            if watch.piece(&mut sums) && watch.reached().await? {
                return Ok(sums);
            }
        }
        Ok(sums)
    }

    async fn whole(&self) -> Result<usize, Failure> {
        let answer = self.client.exec_chat(self.target.clone(), self.request.clone(), None).await?;
        Ok(answer.first_text().map_or(0, str::len))
    }

    async fn models(&self) -> Result<usize, Failure> {
        let place = (self.target.endpoint.clone(), self.target.auth.clone());
        Ok(self.client.all_model_names(AdapterKind::OpenRouter, place).await?.len())
    }
}
