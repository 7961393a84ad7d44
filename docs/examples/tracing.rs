use std::sync::Arc;

use provider_core::LlmProvider;
use provider_layers::{TraceSettings, Traced};

pub fn traced(provider: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
    Arc::new(Traced::around(provider, TraceSettings::default()))
}
