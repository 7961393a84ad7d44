//! Acme keeps the promises of `LlmProvider`.

use acme_provider::ACME;
use provider_conformance::{ChatCompletions, Kit, conformance_tests};
use provider_core::ProviderContext;
use provider_http::HttpLimits;

fn kit() -> Kit {
    Kit::new(|at| async move {
        let limits = HttpLimits::default().max_body_bytes(at.max_bytes).max_frame_bytes(at.max_bytes);
        ACME.connect_with(&at.values(), &ProviderContext::new().with(limits))
    })
    .wire(ChatCompletions)
    .place("max_tokens", "/max_completion_tokens") // the dialect's name for it
}

conformance_tests!(kit);
