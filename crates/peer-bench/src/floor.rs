//! The floor: reqwest, a minimal scan for frames, and one borrowed decode per frame. It keeps no law and
//! collects no answer; what it costs is what the socket and one JSON decode cost.

use std::borrow::Cow;

use async_trait::async_trait;
use serde::Deserialize;

use crate::client::{Client, Failure};
use crate::watch::Watch;
use crate::work::Sums;

pub struct Floor {
    client: reqwest::Client,
    base: String,
}

impl Floor {
    pub fn new(base: &str) -> Result<Self, Failure> {
        Ok(Self { client: reqwest::Client::builder().no_proxy().build()?, base: base.to_owned() })
    }

    async fn post(&self, stream: bool) -> Result<reqwest::Response, Failure> {
        let body = format!(
            r#"{{"model":"openai/gpt-4o","messages":[{{"role":"user","content":"Hello"}}],"stream":{stream}}}"#
        );
        let request = self.client.post(format!("{}/chat/completions", self.base));
        let request =
            request.header("authorization", "Bearer sk-or-v1-abc").header("content-type", "application/json");
        Ok(request.body(body).send().await?.error_for_status()?)
    }
}

/// A text that borrows where it has no escapes; inside an `Option` serde would not let a `Cow` do so.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Delta<'a>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning: Option<Text<'a>>,
    #[serde(borrow, default)]
    reasoning_details: Vec<Detail<'a>>,
    #[serde(borrow, default)]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    arguments: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    choices: Vec<WholeChoice<'a>>,
}

#[derive(Deserialize)]
struct WholeChoice<'a> {
    #[serde(borrow)]
    message: Delta<'a>,
}

#[derive(Deserialize)]
struct Models<'a> {
    #[serde(borrow)]
    data: Vec<Model<'a>>,
}

/// The fields of a model that a selector needs, with exact prices.
#[derive(Deserialize)]
#[allow(dead_code, reason = "decoding them is the work")]
struct Model<'a> {
    id: String,
    name: String,
    description: Option<String>,
    created: u64,
    context_length: Option<u64>,
    #[serde(borrow)]
    architecture: Architecture<'a>,
    pricing: std::collections::BTreeMap<String, String>,
    supported_parameters: Vec<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoding them is the work")]
struct Architecture<'a> {
    input_modalities: Vec<String>,
    output_modalities: Vec<String>,
    #[serde(borrow)]
    tokenizer: Option<Text<'a>>,
}

#[async_trait]
impl Client for Floor {
    async fn stream(&self, watch: &mut Watch<'_>) -> Result<Sums, Failure> {
        let mut response = self.post(true).await?;
        let (mut sums, mut buffer, mut scanned) = (Sums::default(), Vec::new(), 0);
        while let Some(bytes) = response.chunk().await? {
            buffer.extend_from_slice(&bytes);
            drop(bytes);
            let mut from = 0;
            while let Some(at) = memchr::memmem::find(&buffer[scanned.max(from)..], b"\n\n") {
                let end = scanned.max(from) + at;
                let data = buffer[from..end].strip_prefix(b"data: ").unwrap_or_default();
                from = end + 2;
                if data == b"[DONE]" {
                    continue;
                }
                let chunk: Chunk<'_> = serde_json::from_slice(data)?;
                for choice in chunk.choices {
                    let mut seen = false;
                    if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                        (sums.text, seen) = (sums.text + text.len(), true);
                    }
                    let details: usize = choice
                        .delta
                        .reasoning_details
                        .iter()
                        .filter_map(|detail| detail.text.as_ref())
                        .map(|text| text.len())
                        .sum();
                    if let Some(text) = choice.delta.reasoning.filter(|text| !text.is_empty()) {
                        (sums.thoughts, seen) = (sums.thoughts + text.len().max(details), true);
                    }
                    for call in choice.delta.tool_calls {
                        (sums.arguments, seen) =
                            (sums.arguments + call.function.arguments.map_or(0, |text| text.len()), true);
                    }
                    if seen && watch.piece(&mut sums) && watch.reached().await? {
                        return Ok(sums);
                    }
                    sums.finished |= choice.finish_reason.is_some();
                }
            }
            buffer.drain(..from);
            scanned = buffer.len().saturating_sub(1);
        }
        Ok(sums)
    }

    async fn whole(&self) -> Result<usize, Failure> {
        let body = self.post(false).await?.bytes().await?;
        let whole: Whole<'_> = serde_json::from_slice(&body)?;
        Ok(whole
            .choices
            .first()
            .and_then(|choice| choice.message.content.as_ref())
            .map_or(0, |text| text.len()))
    }

    async fn models(&self) -> Result<usize, Failure> {
        let body = self.client.get(format!("{}/models", self.base)).send().await?.bytes().await?;
        let models: Models<'_> = serde_json::from_slice(&body)?;
        Ok(models.data.len())
    }
}
