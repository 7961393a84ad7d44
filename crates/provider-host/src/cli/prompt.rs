//! The flags for the prompt of `chat` and what it may cost, and the command for templates.

use clap::{Args, Subcommand};
use provider_core::Usd;

use crate::value_parsers::{dollars, pair};

/// The parts of the prompt, and the limit of its cost.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Prompt and price")]
pub(crate) struct PromptArgs {
    /// Ask with this template; `asq template list` lists them
    #[arg(short, long, value_name = "NAME")]
    pub(crate) template: Option<String>,

    /// The value of a parameter of the template; repeatable
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = pair, requires = "template")]
    pub(crate) param: Vec<(String, String)>,

    /// Text files to put above the prompt, each with its name: a path, or a pattern such as 'src/**/*.rs';
    /// repeatable
    #[arg(short, long, value_name = "FILE|PATTERN")]
    pub(crate) fragment: Vec<String>,

    /// Show what the request would cost, and what the model lacks for it, and send nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) estimate: bool,

    /// Send nothing that may cost more than this, which needs --max-tokens or a model with a limit of its
    /// own; with tools, also ask the model no more once the run has cost this much
    #[arg(long, value_name = "USD", value_parser = dollars, allow_negative_numbers = true)]
    pub(crate) max_cost: Option<Usd>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
A template is a TOML file in the folder `templates` beside the configuration:

  description = \"Reviews a change\"
  model = \"openai/gpt-4o\"             # or an alias
  system = \"You review {{language}}.\"
  prompt = \"Look for {{focus}}:\\n\\n{{input}}\"   # {{input}} is the prompt and standard input
  schema = \"review.json\"              # a JSON Schema beside it
  defaults = { focus = \"bugs\" }
  parameters = { temperature = 0 }    # as the flags are called

Examples:
  asq template edit review
  git diff | asq chat --template review -p language=Rust")]
pub(crate) struct TemplateArgs {
    #[command(subcommand)]
    pub(crate) command: TemplateCommand,

    /// Write JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// List the templates, with their parameters
    List,
    /// Show the file of a template
    Show {
        /// Its name
        name: String,
    },
    /// Open a template in $VISUAL or $EDITOR; a new one is begun
    Edit {
        /// Its name
        name: String,
    },
    /// Show where a template is, or the folder of all
    Path {
        /// Its name
        name: Option<String>,
    },
}
