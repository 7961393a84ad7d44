//! This house: the provider alone, and with the standard layers that a registry puts around it.

use std::sync::Arc;

use async_trait::async_trait;
use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, Event, LlmProvider};
use provider_registry::Registry;

use crate::client::{Client, Failure};
use crate::work::Sums;

/// A provider of this house.
pub struct Ours {
    provider: Arc<dyn LlmProvider>,
    request: ChatRequest,
}

impl Ours {
    pub fn bare(base: &str) -> Result<Self, Failure> {
        let provider = OpenRouter::builder().api_key("sk-or-v1-abc").base_url(base).build()?;
        Ok(Self::with(Arc::new(provider)))
    }

    pub fn layered(base: &str) -> Result<Self, Failure> {
        let registry = Registry::discover()?;
        Ok(Self::with(registry.connect("openrouter", [("api_key", "sk-or-v1-abc"), ("base_url", base)])?))
    }

    fn with(provider: Arc<dyn LlmProvider>) -> Self {
        Self { provider, request: ChatRequest::new("openai/gpt-4o").user("Hello") }
    }
}

#[async_trait]
impl Client for Ours {
    async fn stream(&self, first: &mut (dyn FnMut() + Send)) -> Result<Sums, Failure> {
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
            if sums.pieces == 0 {
                first();
            }
            sums.pieces += 1;
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
