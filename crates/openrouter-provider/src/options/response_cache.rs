//! The option that caches whole answers.

use super::settings::settings;

settings! {
    /// OpenRouter's own cache of whole answers: the same request gets the same answer, free of charge. Off
    /// unless asked for.
    ResponseCache {
        /// Whether to use it.
        enabled: bool,
        /// How many seconds an answer is kept, 1 to 86,400. Default: 300.
        ttl_seconds: u32,
        /// Whether to ask anew and keep the new answer.
        clear: bool,
    }
}
