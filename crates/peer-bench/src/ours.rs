//! This house: the provider alone, and with the standard layers that a registry puts around it.

use std::sync::Arc;

use async_trait::async_trait;
use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, Event, LlmProvider};
use provider_registry::Registry;

use crate::client::{Client, Failure};
use crate::watch::Watch;
use crate::work::Sums;

/// The provider alone.
pub fn bare(base: &str) -> Result<Arc<dyn LlmProvider>, Failure> {
    Ok(Arc::new(OpenRouter::builder().api_key("sk-or-v1-abc").base_url(base).build()?))
}

/// The provider with its layers.
pub fn layered(base: &str) -> Result<Arc<dyn LlmProvider>, Failure> {
    Ok(Registry::discover()?.connect("openrouter", [("api_key", "sk-or-v1-abc"), ("base_url", base)])?)
}

/// A provider of this house, and what it is asked.
pub struct Ours {
    provider: Arc<dyn LlmProvider>,
    request: ChatRequest,
}

impl Ours {
    pub fn new(provider: Arc<dyn LlmProvider>) -> Self {
        Self { provider, request: ChatRequest::new("openai/gpt-4o").user("Hello") }
    }
}

#[async_trait]
impl Client for Ours {
    async fn stream(&self, watch: &mut Watch<'_>) -> Result<Sums, Failure> {
        let mut stream = self.provider.stream(&self.request).await?;
        let mut sums = Sums::default();
        while let Some(event) = stream.next().await {
            match event? {
                Event::Text(text) => sums.text += text.len(),
                Event::Reasoning(text) => sums.thoughts += text.len(),
                Event::ToolCall(call) => sums.arguments += call.arguments.len(),
                Event::Finished(_) => {
                    sums.finished = true;
                    continue;
                }
                _ => continue,
            }
            if watch.piece(&mut sums) && watch.reached().await? {
                return Ok(sums);
            }
        }
        let reply = stream.into_response()?;
        let collected = reply.text().len()
            + reply.message.tool_calls.iter().map(|call| call.arguments.len()).sum::<usize>();
        if collected != sums.text + sums.arguments {
            return Err("the answer is not what was streamed".into());
        }
        Ok(sums)
    }

    async fn whole(&self) -> Result<usize, Failure> {
        Ok(self.provider.chat(&self.request).await?.text().len())
    }

    async fn models(&self) -> Result<usize, Failure> {
        Ok(self.provider.models().await?.models.len())
    }
}
