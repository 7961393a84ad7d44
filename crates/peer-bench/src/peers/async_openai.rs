//! async-openai: `chat().create_stream()`, `chat().create()` and `models().list()`. An event is a chunk as
//! the server sent it; a piece is a chunk with text or with a part of a tool call. Its types are OpenAI's:
//! what OpenRouter adds, thoughts above all, is dropped.

use async_openai::Client as Peer;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CreateChatCompletionRequest, CreateChatCompletionRequestArgs,
};
use async_trait::async_trait;
use futures_util::StreamExt as _;

use super::{KEY, MODEL, PROMPT};
use crate::client::{Client, Failure};
use crate::watch::Watch;
use crate::work::Sums;

pub struct AsyncOpenAi {
    client: Peer<OpenAIConfig>,
    request: CreateChatCompletionRequest,
}

impl AsyncOpenAi {
    pub fn new(base: &str) -> Result<Self, Failure> {
        let config = OpenAIConfig::new().with_api_base(base).with_api_key(KEY);
        let message = ChatCompletionRequestUserMessage::from(PROMPT);
        let request =
            CreateChatCompletionRequestArgs::default().model(MODEL).messages([message.into()]).build()?;
        Ok(Self { client: Peer::with_config(config), request })
    }
}

#[async_trait]
impl Client for AsyncOpenAi {
    async fn stream(&self, watch: &mut Watch<'_>) -> Result<Sums, Failure> {
        let mut stream = self.client.chat().create_stream(self.request.clone()).await?;
        let mut sums = Sums::default();
        while let Some(chunk) = stream.next().await {
            for choice in chunk?.choices {
                let mut seen = false;
                if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                    (sums.text, seen) = (sums.text + text.len(), true);
                }
                for call in choice.delta.tool_calls.unwrap_or_default() {
                    let arguments = call.function.and_then(|function| function.arguments);
                    (sums.arguments, seen) = (sums.arguments + arguments.map_or(0, |text| text.len()), true);
                }
                if seen && watch.piece(&mut sums) && watch.reached().await? {
                    return Ok(sums);
                }
                sums.finished |= choice.finish_reason.is_some();
            }
        }
        if sums.finished && sums.pieces == 0 {
            return Err("drops thoughts".into());
        }
        Ok(sums)
    }

    async fn whole(&self) -> Result<usize, Failure> {
        let answer = self.client.chat().create(self.request.clone()).await?;
        let choice = answer.choices.first().ok_or("no choice")?;
        Ok(choice.message.content.as_ref().map_or(0, String::len))
    }

    async fn models(&self) -> Result<usize, Failure> {
        match self.client.models().list().await {
            Ok(models) => Ok(models.data.len()),
            Err(OpenAIError::JSONDeserialize(why, _)) => {
                Err(format!("cannot read this catalogue: {why}").into())
            }
            Err(why) => Err(why.into()),
        }
    }
}
