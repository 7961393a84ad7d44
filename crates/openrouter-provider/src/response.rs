//! What OpenRouter alone says in an answer.

use provider_core::{ChatResponse, RawJson};
use serde::{Deserialize, Serialize};

use crate::wire::lenient::Raw;
use crate::wire::metadata;

/// What OpenRouter alone says in an answer, read from what [`ChatResponse::extra`] keeps.
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
    /// How the request was routed, if the request asked for [`metadata`](crate::OpenRouterOptions::metadata). Answers from the
    /// response cache have none.
    fn routing(&self) -> Option<Routing>;

    /// Whether the answer came from [OpenRouter's cache](crate::options::ResponseCache), if that was on.
    fn response_cache(&self) -> Option<CacheReport>;

    /// What [debugging](crate::options::DebugOptions) shows: one object for each upstream provider that was tried.
    fn debug(&self) -> Vec<&RawJson>;
}

/// How a request was routed. What the service left out is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Routing {
    /// The model that was asked for.
    pub requested: Option<String>,
    /// How it was chosen: `direct`, `auto`, `free`, `latest`, `alias`, `fallback`, `pareto`, `bodybuilder`, `fusion`.
    pub strategy: Option<String>,
    /// The region it was served in.
    pub region: Option<String>,
    /// All of it in a sentence.
    pub summary: Option<String>,
    /// Which attempt this was; 0 when nothing was tried.
    pub attempt: Option<u64>,
    /// Whether a key of your own at the upstream provider was used.
    pub is_byok: Option<bool>,
    /// How many endpoints there were.
    pub endpoints_total: Option<u64>,
    /// The endpoints that could have served.
    pub endpoints: Vec<RoutedEndpoint>,
    /// What was tried, in order.
    pub attempts: Vec<RoutingAttempt>,
    /// What was done around the model: guardrails, plugins, server tools.
    pub pipeline: Vec<PipelineStage>,
    /// The whole object.
    pub raw: Option<RawJson>,
}

/// An endpoint that could have served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RoutedEndpoint {
    /// The upstream provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Whether it was the one.
    pub selected: bool,
}

/// An upstream provider that was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RoutingAttempt {
    /// The upstream provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The HTTP status that it answered with.
    pub status: Option<u64>,
}

/// Something that was done around the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PipelineStage {
    /// What: `guardrail`, `plugin`, `server_tools`, `response_healing`, `context_compression`.
    pub kind: Option<String>,
    /// Which one.
    pub name: Option<String>,
    /// What came of it.
    pub summary: Option<String>,
    /// What it cost.
    pub cost: Option<provider_core::Usd>,
    /// The whole object.
    pub raw: Option<RawJson>,
}

/// What the response cache did.
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

impl OpenRouterResponse for ChatResponse {
    fn routing(&self) -> Option<Routing> {
        let raw = self.extra.get(METADATA_FIELD)?;
        raw.read::<Raw<'_>>().ok().and_then(metadata::read)
    }

    fn response_cache(&self) -> Option<CacheReport> {
        self.extra.get(CACHE_FIELD)?.read().ok()
    }

    fn debug(&self) -> Vec<&RawJson> {
        self.extra.iter().filter(|(name, _)| *name == "debug").map(|(_, value)| value).collect()
    }
}
