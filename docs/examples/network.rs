use std::time::Duration;

use openrouter_provider::{Limits, OpenRouter};
use provider_core::Error;

pub async fn network(key: &str, gateway: &str) -> Result<OpenRouter, Error> {
    let limits = Limits::default()
        .connect_timeout(Duration::from_secs(5)) // TCP and TLS together
        .read_timeout(Duration::from_secs(60)); // silence, which keep-alives end
    let openrouter = OpenRouter::builder()
        .api_key(key)
        .base_url(gateway) // a region's host, a gateway, a test server
        .limits(limits)
        .build()?; // checks the settings; sends nothing
    openrouter.warm_up().await?; // connects, by way of the proxy if there is one
    let report = openrouter.check().await?; // whether the key is good there
    println!("{:?} has {:?} left", report.label, report.remaining());
    Ok(openrouter)
}
