//! A whole provider for a service that streams one JSON document per line: settings, requests, decoder,
//! models. `main` asks it, with a server of its own in the place of the service.

use std::sync::Arc;

use async_trait::async_trait;
use provider_core::author::{
    DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead, refuse_all_but,
};
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConfigField, ConfigValues, ConnectionReport, Error, ErrorKind, Event,
    LlmProvider, Message, Model, ProviderContext, ProviderDescriptor, Usage,
};
use provider_http::{Endpoint, error, settings};
use serde::Deserialize;

static FIELDS: &[ConfigField] = &[
    settings::api_key().env("ACME_API_KEY").help("The key of your Acme account."),
    settings::base_url().default("https://acme.example/v1"),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
];

static ACME: ProviderDescriptor =
    ProviderDescriptor::new("acme", "Acme", connect).description("Models made by Acme.").fields(FIELDS);

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let endpoint = Endpoint::builder("https://acme.example/v1")
        .provider(ACME.id)
        .values(values)
        .bearer(values.get(settings::API_KEY))
        .build_in(context)?;
    Ok(Arc::new(Acme { endpoint }))
}

#[derive(Debug)]
struct Acme {
    endpoint: Endpoint,
}

#[async_trait]
impl LlmProvider for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        // The wire has a place for a prompt alone: whatever else is set is refused, not dropped.
        refuse_all_but(request, ACME.id, &[])?;
        let words = request.messages.iter().filter_map(|message| match message {
            Message::User(message) => Some(message.content.text()),
            _ => None,
        });
        let body =
            serde_json::json!({ "model": request.model, "prompt": words.collect::<Vec<_>>().join("\n") });
        self.endpoint.post("generate").model(&request.model).json(&body).stream(Lines).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        let ids: Vec<String> = self
            .endpoint
            .get("models")
            .parse("the list of models", |text| serde_json::from_str(text))
            .await?;
        let models = ids.into_iter().map(|id| {
            let mut model = Model::default();
            model.id = id;
            model
        });
        Ok(Catalogue::new(models.collect(), None))
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.models().await.map(|_| ConnectionReport::default())
    }
}

/// Decodes `{"text": "Hel"}`, `{"text": "lo", "end": "stop", "tokens": 7}` and `{"error": "busy"}`.
struct Lines(ResponseHead);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    text: String,
    end: String,
    tokens: Option<u64>,
    error: Option<String>,
}

impl FrameDecoder for Lines {
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        let line: Line = serde_json::from_str(&frame.data).map_err(|cause| {
            DecodeError::Fatal(error::undecodable(&self.0, &frame.data, "a line", &cause.to_string()))
        })?;
        if let Some(words) = line.error {
            return Err(DecodeError::Reported(Error::new(ErrorKind::Server, words)));
        }
        out.push_text(&line.text);
        out.set_finish_reason(&line.end);
        if line.tokens.is_some() {
            let mut usage = Usage::default();
            usage.total_tokens = line.tokens;
            out.update_usage(usage);
        }
        Ok(Progress::More)
    }
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines = "{\"text\":\"Hel\"}\n{\"text\":\"lo\",\"end\":\"stop\",\"tokens\":7}\n";
    let server = fault_server::FaultServer::always(fault_server::Script::with_body(
        200,
        "application/x-ndjson",
        lines,
    ))
    .await?;
    let values = ConfigValues::from([("api_key", "acme-123"), ("base_url", &*server.url())]);
    let acme = ACME.connect(&values)?;
    let mut stream = acme.stream(&ChatRequest::new("acme-large").user("Hi")).await?;
    while let Some(event) = stream.next().await {
        if let Event::Text(text) = event? {
            println!("{text}");
        }
    }
    println!("{:?} tokens", stream.into_response()?.usage.total_tokens);
    Ok(())
}
