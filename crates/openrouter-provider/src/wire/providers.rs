//! The answer of `GET /providers`.

use super::data;
use super::lenient::{Raw, Str, object};
use super::values::{owned, texts};
use crate::catalogue::provider_info::ProviderInfo;

object! {
    WireProvider<'a> {
        name: Str<'a> = "name",
        slug: Str<'a> = "slug",
        privacy_policy_url: Str<'a> = "privacy_policy_url",
        terms_of_service_url: Str<'a> = "terms_of_service_url",
        status_page_url: Str<'a> = "status_page_url",
        headquarters: Str<'a> = "headquarters",
        datacenters: Raw<'a> = "datacenters",
    }
}

/// Reads the list of providers.
///
/// # Errors
/// When the body is no JSON object with a list in `data`.
pub(crate) fn read(body: &str) -> Result<Vec<ProviderInfo>, String> {
    let mut providers = Vec::new();
    data::list(body)?.for_each(|raw: Raw<'_>| providers.extend(provider(raw)));
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
