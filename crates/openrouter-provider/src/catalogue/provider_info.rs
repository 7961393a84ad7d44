//! The upstream providers.

use provider_core::RawJson;
use serde::Serialize;

/// An upstream provider: somebody who serves models behind the service. `GET /providers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProviderInfo {
    /// The name to show (`Google AI Studio`).
    pub name: String,
    /// The name for routing (`google-ai-studio`).
    pub slug: String,
    /// Where its privacy policy is.
    pub privacy_policy_url: Option<String>,
    /// Where its terms are.
    pub terms_of_service_url: Option<String>,
    /// Where it says whether it works.
    pub status_page_url: Option<String>,
    /// The country it sits in, by its two letters.
    pub headquarters: Option<String>,
    /// The countries its datacenters are in, by their two letters.
    pub datacenters: Vec<String>,
    /// The whole entry as it was sent.
    pub raw: Option<RawJson>,
}
