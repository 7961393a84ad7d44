//! rig-core: `stream()` and then `finish()`, which alone tells why an answer ended and puts it together;
//! `call()` and `list_models()`; all with its OpenRouter dialect. A piece is an event with a part of text, of
//! thoughts, or of arguments; the events that begin and end a part are not counted.

use async_trait::async_trait;
use futures_util::StreamExt as _;
use rig_core::completion::CompletionRequest;
use rig_core::driver::Model;
use rig_core::providers::openai::wire::{Chat, OPENROUTER};
use rig_core::providers::openai::{OpenAI, OpenAIConfig};
use rig_core::streaming::{Item, StreamEvent};

use super::{KEY, MODEL, PROMPT};
use crate::client::{Client, Failure};
use crate::watch::Watch;
use crate::work::Sums;

pub struct Rig {
    client: OpenAI,
    model: Model<Chat>,
}

impl Rig {
    pub fn new(base: &str) -> Self {
        let client = OpenAIConfig::with_key(&OPENROUTER, KEY).with_base_url(base).client();
        Self { model: client.chat(MODEL), client }
    }
}

#[async_trait]
impl Client for Rig {
    async fn stream(&self, watch: &mut Watch<'_>) -> Result<Sums, Failure> {
        let mut stream = self.model.stream(CompletionRequest::new(PROMPT))?;
        let mut sums = Sums::default();
        while let Some(item) = stream.next().await {
            let Item::Event(event) = item? else { continue };
            let (letters, sum) = match event {
                StreamEvent::Text { text, .. } => (text.len(), &mut sums.text),
                StreamEvent::Reasoning { text, .. } => (text.len(), &mut sums.thoughts),
                StreamEvent::Arguments { json, .. } => (json.len(), &mut sums.arguments),
                StreamEvent::Start { .. } | StreamEvent::End { .. } => continue,
            };
            if letters > 0 {
                *sum += letters;
                if watch.piece(&mut sums) && watch.reached().await? {
                    return Ok(sums);
                }
            }
        }
        sums.finished = stream.finish().await?.finish_reason().is_some();
        Ok(sums)
    }

    async fn whole(&self) -> Result<usize, Failure> {
        Ok(self.model.call(CompletionRequest::new(PROMPT)).await?.text().len())
    }

    async fn models(&self) -> Result<usize, Failure> {
        Ok(self.client.list_models().await?.len())
    }
}
