//! JSON that only one provider, or one wire, understands.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use crate::RawJson;

/// JSON as a wire has it, with the name of whom it is for.
///
/// The `Other` variants of messages, parts, tools, tool choices and response formats hold it. The name is
/// the [id](crate::ProviderDescriptor::id) of a provider (`openrouter`), or the name of a wire that several
/// providers share (`openai_wire::WIRE` for chat completions). A provider sends what has its own name or
/// that of its wire, as it is. It refuses a request with anything else, since the request would change if it
/// was left out, and would fail or mean something else if it was sent.
///
/// Cloning is cheap.
///
/// ```
/// use provider_core::{ChatRequest, ProviderJson, Tool};
///
/// let search = ProviderJson::new("openrouter", serde_json::json!({"type": "openrouter:web_search"}));
/// assert!(search.is_for("openrouter") && !search.is_for("acme"));
/// let request = ChatRequest::new("openai/gpt-4o").user("News?").tool(Tool::Other(search));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderJson {
    #[serde(serialize_with = "write_name", deserialize_with = "read_name")]
    provider: SmolStr,
    json: RawJson,
}

impl ProviderJson {
    /// Makes JSON for the provider, or the wire, of this name.
    pub fn new(provider: &str, json: impl Into<RawJson>) -> Self {
        Self { provider: provider.into(), json: json.into() }
    }

    /// Returns the name of the provider or of the wire.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the JSON.
    pub fn json(&self) -> &RawJson {
        &self.json
    }

    /// Whether it is for the provider, or the wire, of this name.
    pub fn is_for(&self, name: &str) -> bool {
        self.provider == name
    }

    /// Returns the JSON, to be changed.
    pub(crate) fn json_mut(&mut self) -> &mut RawJson {
        &mut self.json
    }
}

fn write_name<S: Serializer>(name: &SmolStr, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SmolStr, D::Error> {
    String::deserialize(deserializer).map(SmolStr::from)
}

impl fmt::Debug for ProviderJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.json)
    }
}
