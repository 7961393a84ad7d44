//! The upstream providers.

use lenient_json::Raw;
use openai_wire::Keep as _;
use provider_core::RawJson;

use crate::document;
use crate::record::{self, record};

record! {
    /// An upstream provider: somebody who serves models behind the service. `GET /providers`.
    pub struct ProviderInfo {
        /// The name to show (`Google AI Studio`).
        name: String = "name",
        /// The name for routing (`google-ai-studio`).
        slug: String = "slug",
        /// Where its privacy policy is.
        privacy_policy_url: Option<String> = "privacy_policy_url",
        /// Where its terms are.
        terms_of_service_url: Option<String> = "terms_of_service_url",
        /// Where it says whether it works.
        status_page_url: Option<String> = "status_page_url",
        /// The country it sits in, by its two letters.
        headquarters: Option<String> = "headquarters",
        /// The countries its datacenters are in, by their two letters.
        datacenters: Vec<String> = "datacenters",
        /// The whole entry as it was sent.
        raw: Option<RawJson>,
    }
}

/// Reads the list of providers.
///
/// # Errors
/// When the body is no JSON object with a list in `data`.
pub(crate) fn read(body: &str) -> Result<Vec<ProviderInfo>, String> {
    let mut providers = Vec::new();
    document::list(body)?.for_each(|raw: Raw<'_>| providers.extend(provider(raw)));
    Ok(providers)
}

/// A provider; `None` if it has neither name nor slug. One of them stands for both.
fn provider(raw: Raw<'_>) -> Option<ProviderInfo> {
    let mut provider = ProviderInfo { raw: raw.keep(), ..record::of(raw) };
    match (provider.name.is_empty(), provider.slug.is_empty()) {
        (true, true) => return None,
        (true, false) => provider.name.clone_from(&provider.slug),
        (false, true) => provider.slug.clone_from(&provider.name),
        (false, false) => {}
    }
    Some(provider)
}
