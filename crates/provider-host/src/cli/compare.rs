//! The flags of `compare`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{InstanceArgs, LogFlags};
use crate::params::Params;
use crate::value_parsers::{at_least, seconds};

#[derive(Args, Debug)]
#[command(after_help = "\
Rows have the order of the models on the command line, whichever answers first. A model that fails stops no \
other. The exit code is 0 if at least one answered whole and as it was asked to, and else that of the first failure. Ctrl-C \
shows what is there by then.

Examples:
  asq compare \"What is a monad?\" openai/gpt-4o anthropic/claude-3.5-sonnet
  asq compare \"Say hi\" openai/gpt-4o openai/gpt-5 --markdown > report.md
  asq compare - openai/gpt-4o openai/gpt-5 --max-tokens 200 --timeout 60 < prompt.txt")]
pub(crate) struct CompareArgs {
    /// The prompt; `-` reads standard input
    pub(crate) prompt: String,

    /// The models' ids, or their aliases
    #[arg(value_name = "MODEL", required = true)]
    pub(crate) models: Vec<String>,

    /// Write one JSON object with everything that is known, in place of the table
    #[arg(long, conflicts_with_all = ["markdown", "output"])]
    pub(crate) json: bool,

    /// Write a Markdown report with the whole answers, in place of the table
    #[arg(long, conflicts_with = "output")]
    pub(crate) markdown: bool,

    /// The older spelling of --json and --markdown, for one more release
    #[arg(long, value_name = "FORM", hide = true)]
    pub(crate) output: Option<CompareOutput>,

    /// How many models to ask at the same time
    #[arg(
        long, value_name = "N", default_value = "4",
        value_parser = at_least::<u16>(1), allow_negative_numbers = true
    )]
    pub(crate) concurrency: u16,

    /// Give up on a model after so many seconds
    #[arg(
        long, value_name = "SECONDS", default_value = "300",
        value_parser = seconds, allow_negative_numbers = true
    )]
    pub(crate) timeout: Duration,

    /// Give up on all that have not answered so many seconds after the start
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) deadline: Option<Duration>,

    #[command(flatten)]
    pub(crate) params: Params,

    #[command(flatten)]
    pub(crate) log: LogFlags,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}

impl CompareArgs {
    /// How to show the comparison.
    pub(crate) fn form(&self) -> CompareOutput {
        match self.output {
            Some(form) => form,
            None if self.json => CompareOutput::Json,
            None if self.markdown => CompareOutput::Markdown,
            None => CompareOutput::Table,
        }
    }
}

/// The format of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareOutput {
    /// Aligned columns, answers cut to a line
    Table,
    /// A report with the whole answers
    Markdown,
    /// Everything that is known
    Json,
}
