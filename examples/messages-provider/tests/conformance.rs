//! The provider keeps the promises of `LlmProvider`.

use messages_provider::ANTHROPIC;
use provider_conformance::{Kit, Messages, conformance_tests};
use provider_core::ProviderContext;
use provider_http::HttpLimits;

fn kit() -> Kit {
    Kit::new(|at| async move {
        let limits = HttpLimits::default().max_body_bytes(at.max_bytes).max_frame_bytes(at.max_bytes);
        ANTHROPIC.connect_with(&at.values(), &ProviderContext::new().with(limits))
    })
    .wire(Messages)
}

conformance_tests!(kit);
