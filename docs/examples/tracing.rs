use std::sync::Arc;

use provider_core::LlmProvider;
use provider_layers::{Stack, TraceLayer, TraceSettings};

pub fn traced(provider: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
    Stack::new(provider).layer(TraceLayer::new(TraceSettings::default())).build()
}
