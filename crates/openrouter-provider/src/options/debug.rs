//! The option that shows inner workings.

use super::settings::settings;

settings! {
    /// The inner workings to show.
    DebugOptions {
        /// Whether to hand out the body that goes to the upstream provider. Streams only; not for production.
        echo_upstream_body: bool,
    }
}
