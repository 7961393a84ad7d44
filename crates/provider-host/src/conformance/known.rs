//! The facts about the linked providers that the kit needs, and that no test can find out.

/// The endpoints of a provider beside chats and models, and the cases that do not apply to it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Paths, each with the JSON that answers a `GET` of it.
    pub(super) beside: &'static [(&'static str, &'static str)],
    /// Cases, each with the reason to leave it out.
    pub(super) skips: &'static [(&'static str, &'static str)],
}

/// The facts about a provider, by its id. Of one that is not listed, `--beside` and `--skip` tell.
pub(super) fn of(provider: &str) -> Known {
    match provider {
        openrouter_provider::ID => Known { beside: &[("/key", r#"{"data":{"label":"test"}}"#)], skips: &[] },
        openai_compatible_provider::ID => Known {
            beside: &[],
            // The kit counts chats by their path.
            skips: &[(
                "lists: check_is_free",
                "the chat of a connection test is empty, and no server can run it",
            )],
        },
        _ => Known::default(),
    }
}
