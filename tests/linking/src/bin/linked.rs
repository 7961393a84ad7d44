//! Names the provider's crate once, which links it in, and prints what is discovered.

use std::io::Write;

use openrouter_provider as _;
use provider_registry::Registry;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    for provider in Registry::discover()?.providers() {
        writeln!(out, "{} {}", provider.id, provider.display_name)?;
    }
    Ok(())
}
