//! The flags of `chat`.

use std::time::Duration;

use clap::Args;

use super::{InstanceArgs, LogFlags, PromptArgs, ToolArgs};
use crate::params::Params;
use crate::template::Template;
use crate::value_parsers::{between, seconds};

#[derive(Args, Debug)]
#[command(after_help = "\
The answer goes to standard output, everything else to standard error. `asq --help` lists the exit codes.

Examples:
  asq chat openai/gpt-4o \"Hello\"
  git diff | asq chat openai/gpt-4o \"Write a commit message\" --temperature 0
  asq chat openai/gpt-4o - < prompt.txt > answer.txt
  asq --sandbox chat sandbox/overload \"Hello\" --fallback openai/gpt-4o-mini
  asq --sandbox chat sandbox/flaky \"Hello\" --retries 5 --verbose
  asq --sandbox chat sandbox/reset \"Hello\" --continue-answer --fallback openai/gpt-4o-mini \
    --allow-paid-fallback
  asq chat deepseek/deepseek-r1 \"Why?\" --reasoning high --show-reasoning
  asq chat openai/gpt-4o \"A person, as JSON\" --json-schema person.json --json
  asq chat openai/gpt-4o \"What is on it?\" --image photo.png --file notes.pdf
  asq chat openai/gpt-4o \"Rain today?\" --tools tools.json --tool-choice required
  asq chat openai/gpt-4o \"Hello\" --provider-order azure,openai --data-collection deny --show-routing
  asq chat local:qwen3 \"Hello\" --fallback openrouter:openai/gpt-4o --allow-paid-fallback")]
pub(crate) struct ChatArgs {
    /// The model's id, sent as it is; `PROVIDER:ID` names the provider as well. May be left out with -m, or
    /// where the profile has a model: then a single word with neither `/` nor `:` in it, or several words,
    /// are the prompt
    #[arg(value_name = "MODEL")]
    pub(crate) first: Option<String>,

    /// The prompt. With `-`, or if there is no terminal, standard input is read; if both are given, standard
    /// input comes second
    #[arg(value_name = "PROMPT")]
    pub(crate) second: Option<String>,

    /// Words beyond: those of a prompt without quotes.
    #[arg(value_name = "WORD", hide = true)]
    pub(crate) rest: Vec<String>,

    /// The words that were read as the model and as the prompt, where they may have been a prompt without
    /// quotes.
    #[arg(skip)]
    pub(crate) doubtful: Option<(String, String)>,

    /// The model to ask, once the profile is read. Empty: that of the conversation.
    #[arg(skip)]
    pub(crate) model: String,

    /// The prompt, once it is told from the model.
    #[arg(skip)]
    pub(crate) prompt: Option<String>,

    /// The model: what is in front of the options is the prompt then
    #[arg(short = 'm', long = "model", value_name = "MODEL")]
    pub(crate) named_model: Option<String>,

    /// Go on with the newest conversation
    #[arg(short = 'c', long = "continue")]
    pub(crate) latest: bool,

    /// Go on with this conversation: its id or the end of it, as `log show` has it
    #[arg(long, value_name = "ID", conflicts_with = "latest")]
    pub(crate) conversation: Option<String>,

    /// Show the request that would be sent, as JSON, and send nothing
    #[arg(long, conflicts_with_all = ["json", "no_stream"])]
    pub(crate) dry_run: bool,

    /// Wait for the whole answer instead of streaming it
    #[arg(long)]
    pub(crate) no_stream: bool,

    /// Finish an answer that breaks off in the middle by another request, to the same model and then to those
    /// of --fallback. All requests are billed
    #[arg(long = "continue-answer")]
    pub(crate) continued: bool,

    /// How often an answer may be gone on with
    #[arg(
        long, value_name = "N", default_value_t = 2, requires = "continued",
        value_parser = between::<u32>(1, 10), allow_negative_numbers = true
    )]
    pub(crate) max_seams: u32,

    /// Show the model's thoughts on standard error
    #[arg(long)]
    pub(crate) show_reasoning: bool,

    /// Write one JSON object: the answer or the error, and the times in milliseconds
    #[arg(long)]
    pub(crate) json: bool,

    /// Write JSON as it comes, a line for each event; the last one has what --json writes
    #[arg(long, conflicts_with_all = ["json", "dry_run"])]
    pub(crate) json_lines: bool,

    /// Render the answer's Markdown, as on a terminal
    #[arg(long, conflicts_with_all = ["json", "json_lines", "plain"])]
    pub(crate) markdown: bool,

    /// Write the answer as it is, as into a pipe
    #[arg(long)]
    pub(crate) plain: bool,

    /// Ask once more if the answer is not the JSON that was asked for, and say why; the answer is shown once
    /// it is whole
    #[arg(long)]
    pub(crate) schema_retry: bool,

    /// Give up after so many seconds, tools included
    #[arg(
        long, visible_alias = "max-seconds", value_name = "SECONDS", value_parser = seconds,
        allow_negative_numbers = true
    )]
    pub(crate) timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) tools: ToolArgs,

    #[command(flatten)]
    pub(crate) prompt_args: PromptArgs,

    /// The template, once it is read.
    #[arg(skip)]
    pub(crate) template: Option<Template>,

    #[command(flatten)]
    pub(crate) params: Params,

    #[command(flatten)]
    pub(crate) log: LogFlags,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}
