//! The flags of `models`.

use clap::{Args, Subcommand, ValueEnum};
use provider_core::Usd;

use super::InstanceArgs;
use crate::value_parsers::{at_least, dollars};

#[derive(Args, Debug)]
#[command(
    after_help = "\
All conditions must hold. A parameter, modality or author that no model of the catalogue has is an error, which names the \
nearest ones. Prices are in US dollars per million tokens, exact. Models that can only be asked in \
batches, or that do not answer chats, are left out unless --all is given.

Examples:
  asq models claude sonet
  asq models --free --supports tools
  asq models --author openai --author google --max-price 1
  asq models --input-modality image --min-context 200000 --sort price --limit 10
  asq models show openai/gpt-4o",
    args_conflicts_with_subcommands = true
)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ModelsCommand>,

    /// Words to look for in ids and names: in any order, in part, with a typo
    pub(crate) words: Vec<String>,

    /// Only models whose prompt and answer cost nothing
    #[arg(long)]
    pub(crate) free: bool,

    /// Only models that support this request parameter (tools, response_format, reasoning, seed, ...);
    /// repeatable
    #[arg(long, value_name = "PARAM")]
    pub(crate) supports: Vec<String>,

    /// Only models that read this (text, image, file, audio, video); repeatable
    #[arg(long, alias = "input", value_name = "MODALITY")]
    pub(crate) input_modality: Vec<String>,

    /// Only models that write this (text, image, audio); repeatable
    #[arg(long, alias = "output", value_name = "MODALITY")]
    pub(crate) output_modality: Vec<String>,

    /// Only models of this author (openai, anthropic, ...); repeatable, any of them will do
    #[arg(long, value_name = "NAME")]
    pub(crate) author: Vec<String>,

    /// Only models with room for at least so many tokens
    #[arg(long, value_name = "TOKENS", value_parser = at_least::<u64>(1), allow_negative_numbers = true)]
    pub(crate) min_context: Option<u64>,

    /// Only models of which a million tokens cost no more than this, prompt and answer alike
    #[arg(long, value_name = "USD", value_parser = dollars, allow_negative_numbers = true)]
    pub(crate) max_price: Option<Usd>,

    /// Also models that cannot be chatted with
    #[arg(long)]
    pub(crate) all: bool,

    /// The order: the best match (if there are words), the id (if not), the cheapest, the roomiest, or the
    /// newest first
    #[arg(long, value_name = "ORDER")]
    pub(crate) sort: Option<SortBy>,

    /// Show no more than so many
    #[arg(long, value_name = "N", value_parser = at_least::<usize>(1), allow_negative_numbers = true)]
    pub(crate) limit: Option<usize>,

    /// Write JSON, with everything the service tells of each model
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Show one with all that its provider tells of it
    Show {
        /// The model's id, as for `chat`
        model: String,

        /// Write JSON, with everything the service tells of the model
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        instances: InstanceArgs,
    },
}

/// The order of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortBy {
    /// Best match first
    Relevance,
    /// By id
    Id,
    /// Cheapest first: the prices of prompt and answer together
    Price,
    /// Most room first
    Context,
    /// Newest first
    Newest,
}
