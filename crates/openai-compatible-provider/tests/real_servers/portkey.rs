//! Portkey's gateway between the provider and the service that the conformance kit plays.

use std::sync::Arc;
use std::time::Duration;

use openai_compatible_provider::OpenAiCompatible;
use provider_conformance::{At, ChatCompletions, Kit};
use provider_core::{Error, LlmProvider, ProviderContext};
use provider_http::HttpLimits;

use crate::origin;

fn connect(at: &At, gateway: &str) -> Result<Arc<dyn LlmProvider>, Error> {
    let limits = HttpLimits::default()
        .max_body_bytes(at.max_bytes)
        .max_frame_bytes(at.max_bytes)
        .max_error_bytes(at.max_bytes.min(16 << 10));
    let service = at.url.trim().trim_end_matches('/');
    let headers = format!("x-portkey-provider: openai\nx-portkey-custom-host: {service}/v1");
    let values = at.values().set("base_url", format!("{gateway}/v1")).set("headers", headers);
    Ok(Arc::new(OpenAiCompatible::new(&values, &ProviderContext::new().with(limits))?))
}

/// The cases that depend on the gateway: it drops or changes what they look for.
const SKIPS: &[(&str, &str)] = &[
    ("sent: reasoning", DROPS),
    ("sent: top_k", DROPS),
    ("sent: top_a", DROPS),
    ("sent: min_p", DROPS),
    ("sent: repetition_penalty", DROPS),
    ("sent: prompt_cache_options", DROPS),
    ("sent: extra", DROPS),
    ("sent: seed", "the gateway reads numbers as floating-point ones"),
    ("lists: redirect", "the gateway follows it"),
    ("lists: endless", "the gateway reads it to its end, which never comes"),
];
const DROPS: &str = "the gateway drops parameters that it does not know";

#[tokio::test(flavor = "multi_thread")]
async fn promises_are_kept_behind_a_gateway() {
    let Some(gateway) = origin("REAL_PORTKEY") else { return };
    // Of a service that hangs, the gateway keeps the connection, so that the bad days are not for it.
    for group in ["law", "said", "sent", "parallel", "lists"] {
        let gateway = gateway.clone();
        let kit = Kit::new(move |at| {
            let gateway = gateway.clone();
            async move { connect(&at, &gateway) }
        });
        let kit = kit.wire(ChatCompletions).patience(Duration::from_secs(1)).only(group);
        let report = SKIPS.iter().fold(kit, |kit, (case, reason)| kit.skip(*case, *reason)).run().await;
        println!("{report}");
        report.assert_all();
    }
}
