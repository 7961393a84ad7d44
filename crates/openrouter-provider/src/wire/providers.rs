//! The answer of `GET /providers`.

use super::data;
use crate::catalogue::provider_info::ProviderInfo;
use crate::wire::keep::Keep as _;
use lenient_json::{Raw, Text, object, owned, texts};

object! {
    pub(crate) struct WireProvider<'a> {
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
