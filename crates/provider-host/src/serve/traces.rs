//! The spans of `serve`, for a collector: with the feature `otlp`.

#[cfg(feature = "otlp")]
mod otlp;

use tracing_subscriber::{Layer, Registry};
use workspace_server::ServerSettings;

use crate::environment::Environment;
use crate::exit::Failure;
use crate::output::Output;

/// The standard variables that name a collector: of traces alone, and of all signals.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The target of the spans of requests, which are not for the log: it has a line for each request.
pub(super) const REQUEST_SPANS: &str = "workspace_server::span";

/// Makes spans of what a subscriber is told.
type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// The way of spans to a collector, if the environment names one.
#[derive(Default)]
pub(super) struct Traces {
    #[cfg(feature = "otlp")]
    exporter: Option<otlp::Exporter>,
}

impl Traces {
    /// Reads the variables of OpenTelemetry. A program without the feature `otlp` notes that it cannot send.
    ///
    /// # Errors
    /// When a variable has a value that cannot be used.
    pub(super) fn start(environment: &Environment, output: Output) -> Result<Self, Failure> {
        let Some(variable) = ENDPOINTS.into_iter().find(|name| environment.has(name)) else {
            return Ok(Self::default());
        };
        #[cfg(feature = "otlp")]
        {
            let _ = output;
            let url = environment.value(variable).unwrap_or_default();
            Ok(Self { exporter: Some(otlp::Exporter::start(variable, url, environment)?) })
        }
        #[cfg(not(feature = "otlp"))]
        {
            output.note(&format!(
                "warning: {variable} is set, and no span is sent: this program was built without the feature otlp"
            ));
            Ok(Self::default())
        }
    }

    /// The layer of the subscriber that makes the spans.
    pub(super) fn layer(&self) -> Option<SpanLayer> {
        #[cfg(feature = "otlp")]
        return self.exporter.as_ref().map(otlp::Exporter::layer);
        #[cfg(not(feature = "otlp"))]
        None
    }

    /// Lets the server make a span of each request.
    pub(super) fn of_requests(&self, settings: ServerSettings) -> ServerSettings {
        #[cfg(feature = "otlp")]
        if self.exporter.is_some() {
            return settings.request_spans(otlp::set_parent);
        }
        settings
    }

    /// Sends the spans that are left, for 5 seconds at most.
    pub(super) async fn flush(self) {
        #[cfg(feature = "otlp")]
        if let Some(exporter) = self.exporter {
            exporter.flush().await;
        }
    }
}
