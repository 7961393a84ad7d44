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
    // Acme's name for the cap is not the one that the kit looks for.
    .skip("sent: max_tokens", "the dialect sends it as max_completion_tokens")
}

conformance_tests!(kit);
