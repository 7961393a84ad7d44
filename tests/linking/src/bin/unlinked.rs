//! Has the provider's crate in `Cargo.toml` and never names it: prints what a look-up says then.

use std::io::Write;

use provider_registry::Registry;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    match Registry::discover()?.descriptor("OpenRouter") {
        Ok(provider) => writeln!(out, "found {}", provider.id)?,
        Err(error) => writeln!(out, "{error}")?,
    }
    Ok(())
}
