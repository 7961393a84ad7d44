//! The parts of an answer that only OpenRouter has.

mod alignment;
pub(crate) mod routing;
mod safeguard;

use lenient_json::{Raw, object};
use provider_core::author::{ResponseAccumulator, ResponseHead};
use provider_core::{ChatResponse, Error, RawJson};
use serde::{Deserialize, Serialize};

pub use self::alignment::{Alignment, AlignmentCall, AlignmentVerdict};
pub use self::routing::{PipelineStage, RoutedEndpoint, Routing, RoutingAttempt};
pub use self::safeguard::{SafeguardResult, SafeguardVerdict};

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

    /// The verdicts of the plugin [`armor`](crate::options::ArmorPlugin) on the answer's tool calls, one for
    /// each; none if it did not run. What it withheld is in [`ChatResponse::withheld_calls`].
    fn safeguard_results(&self) -> Vec<SafeguardResult>;

    /// The result of the plugin [`alignment`](crate::options::AlignmentPlugin), if it ran.
    fn alignment(&self) -> Option<Alignment>;
}

/// Reads the parts of an error that only OpenRouter has from its [details](Error::details).
///
/// ```
/// use openrouter_provider::OpenRouterError;
/// use provider_core::Error;
///
/// fn log(error: &Error) {
///     if let Some(rejected) = error.alignment().and_then(|alignment| alignment.rejected) {
///         let cost = error.partial().and_then(|partial| partial.usage.cost);
///         eprintln!("held back, for {cost:?}: {}", rejected.text);
///     }
/// }
/// ```
pub trait OpenRouterError {
    /// The result of the plugin [`alignment`](crate::options::AlignmentPlugin), with the turn that it held
    /// back. The usage of that turn is in [`Error::partial`].
    fn alignment(&self) -> Option<Alignment>;
}

impl OpenRouterError for Error {
    fn alignment(&self) -> Option<Alignment> {
        object! {
            struct Metadata<'a> {
                alignment: Raw<'a> = "alignment",
            }
        }
        let metadata: Metadata<'_> = Raw::of(self.details()?.get()).read()?;
        alignment::read(metadata.alignment)
    }
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
/// Where it keeps the verdicts of the plugin `armor`: a value for each chunk that has some.
pub(crate) const SAFEGUARD_FIELD: &str = "safeguard_results";
/// Where it keeps the result of the plugin `alignment`.
const ALIGNMENT_FIELD: &str = "alignment";
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

    fn safeguard_results(&self) -> Vec<SafeguardResult> {
        safeguard::read(self.extra.all(SAFEGUARD_FIELD))
    }

    fn alignment(&self) -> Option<Alignment> {
        alignment::read(Raw::of(self.extra.get(ALIGNMENT_FIELD)?.get()))
    }
}

/// Adds what the headers say of an answer, and what its metadata say of who served it.
pub(crate) fn complete(head: &ResponseHead, out: &mut ResponseAccumulator) {
    if let Some(id) = head.header("x-generation-id") {
        out.set_id(id);
    }
    let verdicts = out.response().extra.all(SAFEGUARD_FIELD);
    if !verdicts.is_empty() {
        let withheld = safeguard::withheld(safeguard::read(verdicts), out.response());
        out.set_withheld_calls(withheld);
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
