//! The flags of the commands that ask a provider's service for what only it has: records, credits, presets,
//! endpoints.

use clap::Args;

use super::InstanceArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
The id is that of an answer: `chat --json` has it as `response.id`, and errors name it. The service writes the record a little \
after the answer; this waits for it a few seconds.

Examples:
  asq generation gen-1700000000-abc
  asq generation work:gen-1700000000-abc --json")]
pub(crate) struct GenerationArgs {
    /// The answer's id; with several providers that have records, `PROVIDER:ID`
    #[arg(value_name = "GENERATION")]
    pub(crate) generation: String,

    /// Write JSON, with everything the service tells of the answer
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Needs a management key, which is for accounts and not for models. `asq key` shows what is left for any key.")]
pub(crate) struct CreditsArgs {
    /// The provider, by the id that it is connected under. Default: the only one that tells of credits
    pub(crate) id: Option<String>,

    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  asq presets
  asq chat @preset/support \"Hello\"")]
pub(crate) struct PresetsArgs {
    /// The provider, by the id that it is connected under. Default: the only one that has presets
    pub(crate) id: Option<String>,

    /// Write JSON, with everything the service tells of each preset
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Prices are in US dollars per million tokens, exact. Uptime is that of the last half hour, and so are the medians of the time to \
the first token and of the speed.

Examples:
  asq endpoints openai/gpt-4o
  asq endpoints work:openai/gpt-4o --json")]
pub(crate) struct EndpointsArgs {
    /// The model's id, as for `chat`
    pub(crate) model: String,

    /// Write JSON, with everything the service tells of each endpoint
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}
