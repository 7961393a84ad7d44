//! The interface of a client.

use async_trait::async_trait;

use crate::floor::Floor;
use crate::ours::{self, Ours};
use crate::peers::{AsyncOpenAi, GenAi, OpenRouterRs, Rig};
use crate::watch::Watch;
use crate::work::Sums;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A client of the server, bound to one base URL.
#[async_trait]
pub trait Client: Send + Sync {
    /// Reads a streamed answer to its end, or as far as `watch` wants it read.
    async fn stream(&self, watch: &mut Watch<'_>) -> Result<Sums, Failure>;

    /// Reads a whole answer; how long its text is.
    async fn whole(&self) -> Result<usize, Failure>;

    /// Reads the catalogue; how many models it lists.
    async fn models(&self) -> Result<usize, Failure> {
        Err("does not read catalogues".into())
    }
}

/// The clients that are compared unless others are asked for, the one that all are compared with first.
pub const NAMES: [&str; 7] = ["floor", "bare", "standard", "async-openai", "openrouter-rs", "genai", "rig"];

/// The client of this name.
pub fn client(name: &str, base: &str) -> Result<Box<dyn Client>, Failure> {
    Ok(match name {
        "floor" => Box::new(Floor::new(base)?),
        "bare" => Box::new(Ours::new(ours::bare(base)?)),
        "standard" => Box::new(Ours::new(ours::layered(base)?)),
        "async-openai" => Box::new(AsyncOpenAi::new(base)?),
        "openrouter-rs" => Box::new(OpenRouterRs::new(base)?),
        "genai" => Box::new(GenAi::new(base, true)?),
        "genai-parts" => Box::new(GenAi::new(base, false)?),
        "rig" => Box::new(Rig::new(base)),
        _ => return Err(format!("there is no client {name:?}; there are {NAMES:?} and genai-parts").into()),
    })
}

/// The crate that does the client's work.
fn package(name: &str) -> &str {
    match name {
        "floor" => "reqwest",
        "bare" => "openrouter-provider",
        "standard" => "provider-registry",
        "genai-parts" => "genai",
        "rig" => "rig-core",
        _ => name,
    }
}

/// The client's name for a table, with the crate that does its work and that one's version.
pub fn title(name: &str) -> String {
    let package = package(name);
    let version = version(include_str!("../Cargo.lock"), package).unwrap_or("?");
    if package == name { format!("{name} {version}") } else { format!("{name} ({package} {version})") }
}

/// The version of a package in a lock file.
fn version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    let quoted = |line: &'a str, key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
    lines.find(|line| quoted(line, "name") == Some(package))?;
    quoted(lines.next()?, "version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_a_version() {
        for name in NAMES {
            assert!(!title(name).contains('?'), "{}", title(name));
        }
        assert_eq!(version("name = \"ab\"\nversion = \"1\"\nname = \"a\"\nversion = \"2\"", "a"), Some("2"));
    }
}
