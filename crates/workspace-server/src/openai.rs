//! The door for OpenAI's clients: chat completions and models under `/w/{workspace}/v1`.

pub(crate) mod chat;
mod encode;
pub(crate) mod models;
mod relay;
mod request;
