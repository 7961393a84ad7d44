//! The parts of an answer that only OpenRouter has.

pub(crate) mod routing;

use lenient_json::Raw;
use provider_core::author::{ResponseAccumulator, ResponseHead};
use provider_core::{ChatResponse, RawJson};
use serde::{Deserialize, Serialize};

pub use self::routing::{PipelineStage, RoutedEndpoint, Routing, RoutingAttempt};

/// Reads the parts of an answer that only OpenRouter has from [`ChatResponse::extra`].
///
/// ```
/// use openrouter_provider::{OpenRouterOptions, OpenRouterResponse};
/// use provider_core::{ChatRequest, Error, LlmProvider};
///
/// # async fn ask(openrouter: &dyn LlmProvider) -> Result<(), Error> {
/// let options = OpenRouterOptions::new().metadata(true);
/// let reply = openrouter.chat(&ChatRequest::new("openrouter/auto").user("Hello").options(options)).await?;
/// if let Some(routing) = reply.routing() {
///     println!("{} by {}", routing.strategy.unwrap_or_default(), reply.served_by);
/// }
/// # Ok(())
/// # }
/// ```
pub trait OpenRouterResponse {
    /// How the request was routed, if the request asked for [`metadata`](crate::OpenRouterOptions::metadata).
    /// Answers from the response cache have none.
    fn routing(&self) -> Option<Routing>;

    /// Whether the answer came from [OpenRouter's cache](crate::options::ResponseCache), if that was on.
    fn response_cache(&self) -> Option<CacheReport>;

    /// Returns the objects that [debugging](crate::options::DebugOptions) shows: one for each upstream
    /// provider that was tried.
    fn debug(&self) -> Vec<&RawJson>;
}

/// The response cache's part in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct CacheReport {
    /// `HIT` or `MISS`.
    pub status: String,
    /// How many seconds ago the answer was made. Hits only.
    pub age_seconds: Option<u64>,
    /// For how many seconds it is still kept.
    pub ttl_seconds: Option<u64>,
    /// The id of the generation that it was made by. Hits only.
    pub source_id: Option<String>,
}

impl CacheReport {
    /// Whether the answer came from the cache, free of charge.
    pub fn is_hit(&self) -> bool {
        self.status.eq_ignore_ascii_case("HIT")
    }
}

/// Where [`ChatResponse::extra`] keeps what the headers say of the response cache.
pub(crate) const CACHE_FIELD: &str = "response_cache";
/// Where it keeps the service's own account of the routing.
pub(crate) const METADATA_FIELD: &str = "openrouter_metadata";
/// Where it keeps what debugging shows: a value for each chunk that has one.
pub(crate) const DEBUG_FIELD: &str = "debug";

impl OpenRouterResponse for ChatResponse {
    fn routing(&self) -> Option<Routing> {
        routing::read(Raw::of(self.extra.get(METADATA_FIELD)?.get()))
    }

    fn response_cache(&self) -> Option<CacheReport> {
        self.extra.get(CACHE_FIELD)?.read().ok()
    }

    fn debug(&self) -> Vec<&RawJson> {
        self.extra.all(DEBUG_FIELD).iter().collect()
    }
}

/// Adds what the headers say of an answer, and what its metadata say of who served it.
pub(crate) fn complete(head: &ResponseHead, out: &mut ResponseAccumulator) {
    if let Some(id) = head.header("x-generation-id") {
        out.set_id(id);
    }
    if let Some(metadata) = out.response().extra.get(METADATA_FIELD) {
        let provider = routing::selected_provider(Raw::of(metadata.get()));
        out.set_served_by(provider.as_deref().unwrap_or_default());
    }
    if let Some(status) = head.header("x-openrouter-cache-status") {
        let number = |name: &str| head.header(name).and_then(|text| text.trim().parse::<u64>().ok());
        let report = CacheReport {
            status: status.to_owned(),
            age_seconds: number("x-openrouter-cache-age"),
            ttl_seconds: number("x-openrouter-cache-ttl"),
            source_id: head.header("x-openrouter-cache-source-id").map(str::to_owned),
        };
        // Texts and numbers can always be written.
        out.set_extra(CACHE_FIELD, RawJson::new(&report).unwrap_or_default());
    }
}
