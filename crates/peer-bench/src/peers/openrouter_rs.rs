//! openrouter-rs: `chat().stream()`, `chat().create()` and `models().list()`. An event is a chunk as the
//! server sent it; a piece is a chunk with text, with thoughts, or with a part of a tool call. (Its
//! `stream_unified()` tells the thoughts of one chunk in two events, plain and structured.)

use async_trait::async_trait;
use futures_util::StreamExt as _;
use openrouter_rs::OpenRouterClient;
use openrouter_rs::api::chat::{ChatCompletionRequest, Message};
use openrouter_rs::types::Role;

use super::{KEY, MODEL, PROMPT};
use crate::client::{Client, Failure};
use crate::watch::Watch;
use crate::work::Sums;

pub struct OpenRouterRs {
    client: OpenRouterClient,
    request: ChatCompletionRequest,
}

impl OpenRouterRs {
    pub fn new(base: &str) -> Result<Self, Failure> {
        let client = OpenRouterClient::builder().api_key(KEY).base_url(base).build()?;
        let messages = vec![Message::new(Role::User, PROMPT)];
        let request = ChatCompletionRequest::builder().model(MODEL).messages(messages).build()?;
        Ok(Self { client, request })
    }
}

#[async_trait]
impl Client for OpenRouterRs {
    async fn stream(&self, watch: &mut Watch<'_>) -> Result<Sums, Failure> {
        let mut stream = self.client.chat().stream(&self.request).await?;
        let mut sums = Sums::default();
        while let Some(chunk) = stream.next().await {
            for choice in &chunk?.choices {
                let mut seen = false;
                if let Some(text) = choice.content().filter(|text| !text.is_empty()) {
                    (sums.text, seen) = (sums.text + text.len(), true);
                }
                if let Some(text) = choice.reasoning().filter(|text| !text.is_empty()) {
                    (sums.thoughts, seen) = (sums.thoughts + text.len(), true);
                }
                for call in choice.partial_tool_calls().unwrap_or_default() {
                    let arguments = call.function.as_ref().and_then(|function| function.arguments.as_ref());
                    (sums.arguments, seen) = (sums.arguments + arguments.map_or(0, String::len), true);
                }
                if seen && watch.piece(&mut sums) && watch.reached().await? {
                    return Ok(sums);
                }
                sums.finished |= choice.finish_reason().is_some();
            }
        }
        Ok(sums)
    }

    async fn whole(&self) -> Result<usize, Failure> {
        let answer = self.client.chat().create(&self.request).await?;
        Ok(answer.choices.first().and_then(|choice| choice.content()).map_or(0, str::len))
    }

    async fn models(&self) -> Result<usize, Failure> {
        Ok(self.client.models().list().await?.len())
    }
}
