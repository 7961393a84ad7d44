//! The commands for what is kept: configuration, keys, log and cost.

use clap::{Args, Subcommand};

use super::InstanceArgs;
use crate::value_parsers::at_least;

/// Whether and how the runs of a command are logged.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LogFlags {
    /// Keep nothing of this in the store
    #[arg(long)]
    pub(crate) no_log: bool,

    /// A name to sum costs by later, such as the part of a project that asks
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
A flag goes before a variable, a variable before the profile, the profile before the store, and the store before the default.

Examples:
  asq config show
  asq --profile work config show --json
  $EDITOR \"$(asq config path)\"")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,

    /// Write JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every value that is in force, and where it comes from; of secrets the last four characters
    Show,
    /// Show where the configuration file is, or would be
    Path,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Keys are sealed with a master key, which is a file that you alone may read, or HOST_MASTER_KEY. `serve --dev` has the same \
store.

Examples:
  asq keys set openrouter
  asq keys set work=openrouter < key.txt
  asq keys set local=openai-compatible --set base_url=http://127.0.0.1:8000/v1
  asq keys list
  asq keys remove work")]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,

    /// Write JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Keep a key in the store: asked for without showing it, or from standard input
    Set {
        /// The provider, by its id or its name, or under an id of its own
        #[arg(value_name = "[ID=]PROVIDER")]
        name: String,

        /// The secret setting, where the provider has several
        #[arg(long, value_name = "KEY")]
        field: Option<String>,

        #[command(flatten)]
        instances: Box<InstanceArgs>,
    },
    /// List the providers of the store, with the last four characters of their keys
    List,
    /// Remove a provider from the store, with its key and its settings
    Remove {
        /// The id that it is kept under
        id: String,
    },
}

#[derive(Args, Debug)]
#[command(after_help = "\
Without a command: list. `-` means the newest run.

Examples:
  asq log
  asq log --failed --since 7d
  asq log show -
  asq log search \"borrow checker\"
  asq log export --markdown > log.md
  asq log export --json --since 2026-11-01 > log.jsonl")]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    pub(crate) command: Option<LogCommand>,

    #[command(flatten)]
    pub(crate) filter: LogFilter,

    /// Write JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// List runs, newest first (the default)
    List,
    /// Show a run with its prompt and its answer
    Show {
        /// Its id or the end of it; `-` is the newest
        id: String,
    },
    /// Find runs whose prompt, answer or error has these words, in any case
    Search {
        /// The words, all of which must be in it
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Write runs with prompts and answers, oldest first: JSON lines, or with --markdown a document
    Export {
        /// Write Markdown
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
    },
}

/// Which runs to read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LogFilter {
    /// Only runs since then: 12h, 7d, 4w, today, or a day such as 2026-11-01
    #[arg(long, global = true, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only runs that asked for this model, by its id at its provider
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) model: Option<String>,

    /// Only runs of --node NAME
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) node: Option<String>,

    /// Only runs that failed
    #[arg(long, global = true)]
    pub(crate) failed: bool,

    /// The most runs to show, the newest ones. Default: 20 in lists, all in an export
    #[arg(long, global = true, value_name = "N", value_parser = at_least::<usize>(1), allow_negative_numbers = true)]
    pub(crate) limit: Option<usize>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Costs are exact sums of what services billed. Days begin at midnight of the workspace's time zone. A run whose cost is not \
known is counted, and named.

Examples:
  asq cost
  asq cost --by model --since 7d
  asq cost --by project --json")]
pub(crate) struct CostArgs {
    /// One sum for each
    #[arg(long, value_enum, default_value = "day")]
    pub(crate) by: CostBy,

    /// Only runs since then: 12h, 7d, 4w, today, or a day such as 2026-11-01. Default: 30d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A thing to sum costs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CostBy {
    /// The days
    Day,
    /// The models that answered
    Model,
    /// The workspaces of the store, of which each profile may have its own
    Project,
    /// The names of --node
    Node,
}
