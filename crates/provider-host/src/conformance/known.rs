//! The facts about the linked providers that the kit needs, and that no test can find out.

/// The endpoints of a provider beside chats and models, by its id: paths, each with the JSON that answers a
/// `GET` of it. Of a provider that is not listed, `--beside` tells.
pub(super) fn beside(provider: &str) -> &'static [(&'static str, &'static str)] {
    match provider {
        openrouter_provider::ID => &[("/key", r#"{"data":{"label":"test"}}"#)],
        _ => &[],
    }
}
