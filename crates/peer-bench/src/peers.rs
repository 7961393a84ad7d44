//! The peers: other crates that reach OpenRouter, each through the calls that its own documents show, with
//! the HTTP client that it makes for itself. A piece is an event that the caller got and that carried
//! something; each file says which events those are.

mod async_openai;
mod genai;
mod openrouter_rs;
mod rig;

pub use async_openai::AsyncOpenAi;
pub use genai::GenAi;
pub use openrouter_rs::OpenRouterRs;
pub use rig::Rig;

const KEY: &str = "sk-or-v1-abc";
const MODEL: &str = "openai/gpt-4o";
const PROMPT: &str = "Hello";
