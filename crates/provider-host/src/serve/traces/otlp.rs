//! Spans over OTLP: protobuf in HTTP requests, sent by a thread of the SDK.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HeaderExtractor, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use provider_http::{HttpClient, Transport as _};
use tokio::runtime::Handle;
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use url::Url;

use super::{ENDPOINTS, SpanLayer};
use crate::environment::Environment;
use crate::exit::Failure;

/// The path of traces below the endpoint of all signals.
const TRACES_PATH: &str = "v1/traces";
/// How long a collector may take to answer: the default of OpenTelemetry's specification.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most that is read of a collector's answer, which is a few bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Sends spans in batches, from a queue of 2048. One more is dropped and counted, so that no request waits.
pub(super) struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Starts the thread that sends. The SDK reads headers, sampler, batches and resource from its standard
    /// variables. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the endpoint is no HTTP address, or a variable asks for what this program has not.
    pub(super) fn start(variable: &str, url: &str, environment: &Environment) -> Result<Self, Failure> {
        check_protocol(environment)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client { http: HttpClient::new(), runtime: Handle::current() })
            .with_endpoint(endpoint(variable, url)?)
            .build()
            .map_err(|error| Failure::Usage(format!("spans cannot be sent: {error}")))?;
        let mut resource = Resource::builder();
        let attributes = environment.value("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        if !environment.has("OTEL_SERVICE_NAME") && !attributes.contains("service.name=") {
            resource = resource.with_service_name("asq");
        }
        let spans = SdkTracerProvider::builder().with_resource(resource.build());
        Ok(Self(spans.with_batch_exporter(exporter).build()))
    }

    /// The layer that makes the spans: of requests and of calls, whatever the filter of the log is.
    pub(super) fn layer(&self) -> SpanLayer {
        let of_ours = Targets::new()
            .with_target(super::REQUEST_SPANS, Level::INFO)
            .with_target("provider_layers", Level::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("asq"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // No code of this program reads OpenTelemetry's current context.
            .with_context_activation(false)
            .with_filter(of_ours)
            .boxed()
    }

    /// Sends what is left, for 5 seconds at most.
    pub(super) async fn flush(self) {
        // The SDK blocks its caller, and has logged why it fails.
        let _ = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
    }
}

/// Makes the span of a request a child of the caller's, which its `traceparent` names.
pub(super) fn set_parent(span: &Span, headers: &HeaderMap) {
    // It fails for a span that the layer does not see, and there is none then.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(headers)));
}

/// The address for traces. The SDK would take `localhost` in place of one that it cannot read.
fn endpoint(variable: &str, url: &str) -> Result<String, Failure> {
    let read = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = read else {
        return Err(Failure::Usage(format!("{variable} must be an address: http://localhost:4318")));
    };
    let is_whole = variable == ENDPOINTS[0];
    let url = url.as_str();
    Ok(if is_whole { url.to_owned() } else { format!("{}/{TRACES_PATH}", url.trim_end_matches('/')) })
}

/// Refuses another protocol than the one of this program, in whose place the SDK would send it all the same.
fn check_protocol(environment: &Environment) -> Result<(), Failure> {
    for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
        match environment.value(name) {
            None => {}
            Some("http/protobuf") => return Ok(()),
            Some(_) => {
                return Err(Failure::Usage(format!(
                    "{name} must be http/protobuf: this program has no other"
                )));
            }
        }
    }
    Ok(())
}

/// Sends with the HTTP client of providers: TLS, authorities and proxies are the same.
#[derive(Debug)]
struct Client {
    http: HttpClient,
    /// The SDK's thread has no runtime, which connections need.
    runtime: Handle,
}

#[async_trait]
impl opentelemetry_http::HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent =
            self.runtime.spawn(async { tokio::time::timeout(EXPORT_TIMEOUT, send(http, request)).await });
        let answer = sent.await?.map_err(HttpError::from).flatten();
        // The SDK's own line has the status of an answer, and not why there is none.
        answer.inspect_err(|error| tracing::warn!(%error, "a batch of spans was not sent"))
    }
}

async fn send(http: HttpClient, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = http.send(request).await?.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}
