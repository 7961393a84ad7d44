//! The provider keeps the promises of `LlmProvider`.

use std::sync::Arc;
use std::time::Duration;

use openai_compatible_provider::OpenAiCompatible;
use provider_conformance::{At, ChatCompletions, Kit};
use provider_core::{Error, LlmProvider, ProviderContext};
use provider_http::HttpLimits;

fn connect(at: At) -> Result<Arc<dyn LlmProvider>, Error> {
    let limits = HttpLimits::default()
        .max_body_bytes(at.max_bytes)
        .max_frame_bytes(at.max_bytes)
        .max_error_bytes(at.max_bytes.min(16 << 10));
    Ok(Arc::new(OpenAiCompatible::new(&at.values(), &ProviderContext::new().with(limits))?))
}

#[tokio::test(flavor = "multi_thread")]
async fn compatible_server_keeps_every_promise() {
    let report = Kit::new(|at| async { connect(at) })
        .wire(ChatCompletions)
        .patience(Duration::from_millis(500))
        .run()
        .await;
    println!("{report}");
    report.assert_all();
}
