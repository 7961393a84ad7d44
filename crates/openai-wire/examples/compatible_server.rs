//! A whole provider for a server that speaks chat completions: settings, chat, stream, models, a dialect.
//! `main` asks it, with a server of its own in the place of the service.

use std::sync::Arc;

use async_trait::async_trait;
use openai_wire::{ChatDecoder, Dialect, FieldWriter, encode, error, models};
use provider_core::author::ResponseHead;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigField, ConfigValues, ConnectionReport, Error,
    LlmProvider, ProviderContext, ProviderDescriptor,
};
use provider_http::{Endpoint, RequestBuilder, settings};

const BASE_URL: &str = "https://acme.example/v1";

static FIELDS: &[ConfigField] = &[
    // `settings::api_key()` where no server of the service goes without one.
    settings::optional_api_key()
        .env("ACME_API_KEY")
        .help("The key of your Acme account. Empty: no key is sent."),
    settings::base_url().default(BASE_URL),
    settings::allow_http(),
    settings::read_timeout(),
];

static ACME: ProviderDescriptor =
    ProviderDescriptor::new("acme", "Acme", connect).description("Models made by Acme.").fields(FIELDS);

provider_core::register_provider!(ACME);

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let endpoint = Endpoint::builder(BASE_URL)
        .provider(ACME.id)
        .values(values)
        .bearer(values.get(settings::API_KEY))
        .error_response(|head, body| error::from_response(head, body, &AcmeDialect))
        .build_in(context)?;
    Ok(Arc::new(Acme { endpoint, dialect: Arc::new(AcmeDialect) }))
}

/// Acme's name, and the field that it adds to chat completions. `openai_wire::Plain` is the dialect of a
/// server without any.
#[derive(Debug)]
struct AcmeDialect;

impl Dialect for AcmeDialect {
    fn provider(&self) -> &str {
        ACME.id
    }

    fn write_fields<W: FieldWriter>(
        &self,
        _request: &ChatRequest,
        _stream: bool,
        body: &mut W,
    ) -> Result<(), W::Error> {
        body.field("safety", "strict")
    }
}

#[derive(Debug)]
struct Acme {
    endpoint: Endpoint,
    dialect: Arc<AcmeDialect>,
}

impl Acme {
    fn request(&self, request: &ChatRequest, stream: bool) -> Result<RequestBuilder<'_>, Error> {
        let body = encode(request, stream, &*self.dialect)?;
        Ok(self.endpoint.post("chat/completions").model(&request.model).json_text(body))
    }

    fn decoder(&self, head: ResponseHead, request: &ChatRequest) -> ChatDecoder<AcmeDialect> {
        ChatDecoder::new(self.dialect.clone(), head).keep_raw(request.keep_raw)
    }
}

#[async_trait]
impl LlmProvider for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.request(request, true)?.stream(|head| self.decoder(head, request)).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.request(request, false)?.chat(|head| self.decoder(head, request)).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.endpoint.get("models").parse("the list of models", models::decode).await
    }

    /// Acme lists its models for good keys alone. Where the list is public, ask for something that is not.
    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.models().await.map(|_| ConnectionReport::default())
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.endpoint.warm_up("models").await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chunk = |text: &str, end: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":{end}}}]}}\n\n"
        )
    };
    let body = chunk("Hel", "null") + &chunk("lo", "\"stop\"") + "data: [DONE]\n\n";
    let script = fault_server::Script::with_body(200, "text/event-stream", body);
    let server = fault_server::FaultServer::always(script).await?;

    let keyless = ConfigValues::from([("base_url", &server.url())]);
    for values in [keyless.clone().set("api_key", "sk-abc-123"), keyless] {
        let acme = ACME.connect(&values)?;
        let reply = acme.stream(&ChatRequest::new("acme-large").user("Hi")).await?.collect().await?;
        assert_eq!(reply.text(), "Hello");
    }
    let [with_key, without] = &server.requests()[..] else { return Err("two requests".into()) };
    assert_eq!(with_key.header("authorization"), Some("Bearer sk-abc-123"));
    assert_eq!(without.header("authorization"), None);
    let sent = String::from_utf8_lossy(&without.body);
    assert!(sent.contains(r#""safety":"strict""#), "{sent}");
    Ok(())
}
