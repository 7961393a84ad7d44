//! OpenRouter's provider keeps the promises.

use std::sync::Arc;
use std::time::Duration;

use openrouter_provider::OpenRouter;
use provider_conformance::{At, ChatCompletions, Kit};
use provider_core::{Error, LlmProvider};
use provider_http::HttpLimits;

fn connect(at: At) -> Result<Arc<dyn LlmProvider>, Error> {
    let limits = HttpLimits::default()
        .max_body_bytes(at.max_bytes)
        .max_frame_bytes(at.max_bytes)
        .max_error_bytes(at.max_bytes.min(16 << 10));
    Ok(Arc::new(OpenRouter::builder().values(at.values()).limits(limits).build()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn openrouter_keeps_every_promise() {
    let report = Kit::new(|at| async { connect(at) })
        .wire(ChatCompletions)
        .beside("/key", r#"{"data":{"label":"test"}}"#)
        .patience(Duration::from_millis(500))
        .run()
        .await;
    println!("{report}");
    report.assert_all();
}
