//! The upstream providers.

use crate::document;
use lenient_json::{Raw, Text, object, owned, texts};
use openai_wire::Keep as _;
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

object! {
    struct WireProvider<'a> {
        name: Text<'a> = "name",
        slug: Text<'a> = "slug",
        privacy_policy_url: Text<'a> = "privacy_policy_url",
        terms_of_service_url: Text<'a> = "terms_of_service_url",
        status_page_url: Text<'a> = "status_page_url",
        headquarters: Text<'a> = "headquarters",
        datacenters: Raw<'a> = "datacenters",
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

/// A provider; `None` if it has neither name nor slug.
fn provider(raw: Raw<'_>) -> Option<ProviderInfo> {
    let wire: WireProvider<'_> = raw.read()?;
    let either = [wire.name.filled(), wire.slug.filled()].into_iter().flatten().next()?.to_owned();
    Some(ProviderInfo {
        name: owned(wire.name).unwrap_or_else(|| either.clone()),
        slug: owned(wire.slug).unwrap_or(either),
        privacy_policy_url: owned(wire.privacy_policy_url),
        terms_of_service_url: owned(wire.terms_of_service_url),
        status_page_url: owned(wire.status_page_url),
        headquarters: owned(wire.headquarters),
        datacenters: texts(wire.datacenters),
        raw: raw.keep(),
    })
}
