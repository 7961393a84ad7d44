//! The command line: commands, flags, and their help.

mod account;
mod connect;
mod doctor;
mod keep;
mod profile;
mod prompt;
mod serve;
mod shell;
mod tools;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use provider_core::Usd;

pub(crate) use self::account::{CreditsArgs, EndpointsArgs, GenerationArgs, PresetsArgs};
pub(crate) use self::connect::{ConnectArgs, InstanceArgs};
pub(crate) use self::doctor::DoctorArgs;
pub(crate) use self::keep::{
    ConfigArgs, ConfigCommand, CostArgs, CostBy, KeysArgs, KeysCommand, LogArgs, LogCommand, LogFilter,
    LogFlags,
};
pub(crate) use self::prompt::{PromptArgs, TemplateArgs, TemplateCommand};
pub(crate) use self::serve::{ServeArgs, ServeSettings};
pub(crate) use self::shell::{CompletionsArgs, ManArgs};
pub(crate) use self::tools::ToolArgs;
use crate::config::NAME;
use crate::exit;
use crate::output::style::ColorChoice;
use crate::params::Params;
use crate::template::Template;
use crate::value_parsers::{at_least, between, dollars, pair, seconds};

const EXAMPLES: &str = "\
Examples:
  asq keys set openrouter
  asq chat -c \"And at night?\"
  asq cost --by model --since 7d
  asq --sandbox chat openai/gpt-4o \"Hello\"
  asq chat openai/gpt-4o \"Hello\"
  asq chat anthropic/claude-3.5-sonnet \"Summarise this\" < report.txt
  asq compare \"What is a monad?\" openai/gpt-4o anthropic/claude-3.5-sonnet
  asq models claude --supports tools --sort price
  asq --provider openrouter --provider local=openai-compatible --set local.preset=ollama \
    compare \"Why?\" openrouter:openai/gpt-4o local:qwen3
  asq connect openrouter --key-file openrouter.key
  asq doctor
  OPENROUTER_API_KEY=sk-or-v1-... asq key

Environment:
  OPENROUTER_API_KEY          the key of OpenRouter; there is no flag for a key, as flags show in the process list
  OPENROUTER_BASE_URL         where its API is
  OPENROUTER_SITE_URL         the address of your app
  OPENROUTER_SITE_NAME        the name of your app
  OPENAI_COMPATIBLE_BASE_URL  where a server is that speaks chat completions
  OPENAI_COMPATIBLE_API_KEY   its key, if it wants one
  ASQ_PROVIDERS               the providers to connect, as for --provider, with spaces or commas between them
  ASQ_CONFIG, ASQ_PROFILE     the configuration file, and the profile of it
  ASQ_LOG                     what is logged: all, figures or off
  ASQ_WORKSPACE               the workspace of the store, which costs are summed by
  HOST_DATA                   the folder of the store
  NO_COLOR                    no colours
Blank variables count as unset. `asq providers show NAME` lists the variables of a provider.

`--sandbox` needs no key: a stand-in for the service inside this program makes the answers up, and nothing is billed.";

/// Talks to the models of AI providers, and shows what it did and what it cost.
#[derive(Debug, Parser)]
#[command(name = NAME, version, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", exit::codes()))]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub(crate) color: ColorChoice,

    /// Tell on standard error which attempts failed before the answer or the error
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) verbose: bool,

    /// The configuration file to read; in front of the command [env: ASQ_CONFIG] [default: asq/config.toml in
    /// the folder of configurations]
    #[arg(long, value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a model, and read its answer as it comes
    Chat(Box<ChatArgs>),
    /// Ask several models the same, and see their answers, speeds and costs side by side
    Compare(Box<CompareArgs>),
    /// Search the models there are, with prices and abilities
    Models(ModelsArgs),
    /// Get a key from a provider whose page asks you, without pasting one
    Connect(AuthorizeArgs),
    /// Test the key, and see what it has left
    Key(KeyArgs),
    /// Keep keys of providers in the store, sealed
    Keys(KeysArgs),
    /// See what was asked and answered
    Log(LogArgs),
    /// See what it cost, by day, model, project or node
    Cost(CostArgs),
    /// Named prompts with parameters
    Template(TemplateArgs),
    /// See the settings that are in force, and where each comes from
    Config(ConfigArgs),
    /// Test whether a provider keeps the promises that all providers make, without its service
    Conformance(ConformanceArgs),
    /// See the providers there are, and the settings they take
    Providers(ProvidersArgs),
    /// Run the sandbox for other programs, until Ctrl-C
    Sandbox(SandboxArgs),
    /// Serve workspaces over HTTP: their settings, runs, and an OpenAI-compatible API for each
    Serve(Box<ServeArgs>),
    /// See who serves a model: prices, limits, uptime, speed
    Endpoints(EndpointsArgs),
    /// See the service's record of an answer: what it cost, who served it, how long it took
    Generation(GenerationArgs),
    /// See what the account has paid in and spent
    Credits(CreditsArgs),
    /// List the presets of the account
    Presets(PresetsArgs),
    /// Find out why requests fail on this machine: settings, network, clock, keys
    Doctor(DoctorArgs),
    /// Write the completions of a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

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

#[derive(Args, Debug)]
#[command(after_help = "\
The page of the provider asks you in the browser, and sends the browser back to this program with a code, which is given for \
a key of your account. The key lasts until you delete it there. The browser has to run on this machine.

The key goes into the store, sealed; with --key-file or --show-key it goes there instead.

Examples:
  asq connect openrouter
  asq connect openrouter --key-file ~/.openrouter-key
  OPENROUTER_API_KEY=\"$(cat ~/.openrouter-key)\" asq key
  OPENROUTER_API_KEY=\"$(asq connect openrouter --show-key)\" asq chat openai/gpt-4o \"Hello\"")]
pub(crate) struct AuthorizeArgs {
    /// The provider, by its id or its name
    #[arg(value_name = "PROVIDER")]
    pub(crate) name: String,

    /// Write the key to this file, which must not exist yet, and which you alone may read
    #[arg(long, value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,

    /// Write the key to standard output
    #[arg(long)]
    pub(crate) show_key: bool,

    /// Do not open the browser, only show the address
    #[arg(long)]
    pub(crate) no_browser: bool,

    /// The port that the browser comes back to, on this machine only; 0 takes a free one
    #[arg(
        long, value_name = "N", default_value_t = 0,
        value_parser = between::<u16>(0, 65_535), allow_negative_numbers = true
    )]
    pub(crate) port: u16,

    /// Give up after so many seconds
    #[arg(
        long, value_name = "SECONDS", default_value = "300",
        value_parser = seconds, allow_negative_numbers = true
    )]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Costs nothing. Exit code 3 if a key is refused, 4 if it is good but a limit of money is used up; of several failures, the first \
has the exit code.")]
pub(crate) struct KeyArgs {
    /// The provider to test, by the id that it is connected under. Default: all that are connected
    pub(crate) id: Option<String>,

    /// Write JSON, with everything the service tells of the key
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  asq providers
  asq providers show OpenRouter
  asq providers show openrouter --json")]
pub(crate) struct ProvidersArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ProvidersCommand>,

    /// Write JSON, as a settings page needs it
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvidersCommand {
    /// List them, with what they can do (the default)
    List,
    /// Show one with its capabilities, settings and links
    Show {
        /// Its id or its name, in any case
        name: String,
    },
}

#[derive(Args, Debug)]
#[command(after_help = "\
The service is played on this machine, bad days included: nothing is sent anywhere else, and no key of yours is \
used. The provider is tested as it is and behind the layers that every provider has around it. Takes some seconds. \
Exit code 1 if a promise is broken.

Examples:
  asq conformance openrouter
  asq conformance openai-compatible --filter law
  asq conformance acme --wire json-lines --set region=eu --skip \"sent: top_a=no such parameter\"")]
pub(crate) struct ConformanceArgs {
    /// The provider, by its id or its name
    #[arg(value_name = "PROVIDER")]
    pub(crate) name: String,

    /// The form of requests and answers that it speaks
    #[arg(long, value_name = "WIRE", default_value = "chat-completions")]
    pub(crate) wire: WireName,

    /// Only the cases whose name begins so: a group (law), or one case (\"law: one_end\")
    #[arg(long, value_name = "NAME")]
    pub(crate) filter: Option<String>,

    /// Leave a case out, and say why; repeatable
    #[arg(long, value_name = "CASE=REASON", value_parser = pair)]
    pub(crate) skip: Vec<(String, String)>,

    /// Answer a GET of a path that ends so with this JSON, where the provider asks for more than chats and
    /// models; repeatable
    #[arg(long, value_name = "PATH=JSON", value_parser = pair)]
    pub(crate) beside: Vec<(String, String)>,

    /// The model to ask, where the provider does not take every id
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,

    /// Write the report as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}

/// A wire that the conformance kit has ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WireName {
    /// Chat completions, as OpenAI has them
    ChatCompletions,
    /// One JSON object in each line
    JsonLines,
    /// Messages, as Anthropic has them
    Messages,
}

#[derive(Args, Debug)]
pub(crate) struct SandboxArgs {
    /// The port to listen on, on this machine only; 0 takes a free one
    #[arg(
        long, value_name = "N", default_value_t = 8787,
        value_parser = between::<u16>(0, 65_535), allow_negative_numbers = true
    )]
    pub(crate) port: u16,

    /// The seed of everything made up: the same seed and request get the same answer
    #[arg(
        long, value_name = "N", default_value_t = 1,
        value_parser = at_least::<u64>(0), allow_negative_numbers = true
    )]
    pub(crate) seed: u64,

    /// How many milliseconds each token takes
    #[arg(
        long, value_name = "N", default_value_t = 15,
        value_parser = at_least::<u64>(0), allow_negative_numbers = true
    )]
    pub(crate) token_delay_ms: u64,
}

impl Cli {
    /// The flags for connecting, in front of the command and behind it.
    pub(crate) fn connect(&self) -> ConnectArgs {
        let connect = self.connect.clone();
        match &self.command {
            Command::Chat(args) => connect.and(&args.instances),
            Command::Compare(args) => connect.and(&args.instances),
            Command::Models(args) => {
                let connect = connect.and(&args.instances);
                match &args.command {
                    Some(ModelsCommand::Show { instances, .. }) => connect.and(instances),
                    None => connect,
                }
            }
            Command::Connect(args) => connect.and(&args.instances),
            Command::Key(args) => connect.and(&args.instances),
            Command::Conformance(args) => connect.and(&args.instances),
            Command::Endpoints(args) => connect.and(&args.instances),
            Command::Generation(args) => connect.and(&args.instances),
            Command::Credits(args) => connect.and(&args.instances),
            Command::Presets(args) => connect.and(&args.instances),
            Command::Doctor(args) => connect.and(&args.instances),
            Command::Keys(_)
            | Command::Log(_)
            | Command::Cost(_)
            | Command::Config(_)
            | Command::Template(_)
            | Command::Providers(_)
            | Command::Sandbox(_)
            | Command::Serve(_)
            | Command::Completions(_)
            | Command::Man(_) => connect,
        }
    }
}

impl Command {
    /// Whether the command reads the configuration.
    pub(crate) fn is_configured(&self) -> bool {
        !matches!(
            self,
            Command::Conformance(_) | Command::Providers(_) | Command::Sandbox(_) | Command::Serve(_)
        )
    }

    /// Whether the command needs the providers of the store.
    pub(crate) fn reads_providers(&self) -> bool {
        match self {
            Command::Chat(_)
            | Command::Compare(_)
            | Command::Models(_)
            | Command::Key(_)
            | Command::Keys(_) => true,
            Command::Config(args) => matches!(args.command, ConfigCommand::Show),
            _ => false,
        }
    }

    /// Whether standard output gets JSON.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Command::Chat(args) => args.json || args.json_lines,
            Command::Compare(args) => args.form() == CompareOutput::Json,
            Command::Models(args) => match &args.command {
                Some(ModelsCommand::Show { json, .. }) => *json,
                None => args.json,
            },
            Command::Key(args) => args.json,
            Command::Conformance(args) => args.json,
            Command::Providers(args) => args.json,
            Command::Endpoints(args) => args.json,
            Command::Generation(args) => args.json,
            Command::Credits(args) => args.json,
            Command::Presets(args) => args.json,
            Command::Doctor(args) => args.json,
            Command::Keys(args) => args.json,
            Command::Log(args) => args.json,
            Command::Cost(args) => args.json,
            Command::Config(args) => args.json,
            Command::Template(args) => args.json,
            Command::Connect(_)
            | Command::Sandbox(_)
            | Command::Serve(_)
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};

    #[test]
    fn command_line_passes_the_checks_of_clap() {
        Cli::command().debug_assert();
    }

    /// The values of numeric options, by their names in the help.
    const NUMBERS: [&str; 5] = ["N", "X", "SECONDS", "USD", "TOKENS"];

    #[test]
    fn negative_number_is_no_option() {
        let mut command = Cli::command();
        command.build();
        let mut tried = 0;
        for sub in command.get_subcommands() {
            let name = sub.get_name();
            let positional: &[&str] = match name {
                "chat" => &["openai/gpt-4o", "Hello"],
                "compare" => &["Hello", "openai/gpt-4o"],
                _ => &[],
            };
            let is_number = |arg: &&clap::Arg| {
                let names = arg.get_value_names().unwrap_or_default();
                names.iter().any(|name| NUMBERS.contains(&name.as_str()))
            };
            for arg in sub.get_arguments().filter(is_number) {
                let flag = format!("--{}", arg.get_long().unwrap());
                let line = [&["asq", name], positional, &[&flag, "-1000000"]].concat();
                let result = Cli::try_parse_from(line);
                tried += 1;
                if flag == "--seed" && name != "sandbox" {
                    assert!(result.is_ok(), "any seed will do");
                    continue;
                }
                let error = result.expect_err(&flag);
                assert_eq!(error.kind(), clap::error::ErrorKind::ValueValidation, "{name} {flag}: {error}");
                let told = error.to_string();
                assert!(told.contains(&flag) && told.contains("must be a"), "{name} {flag}: {told}");
            }
        }
        assert!(tried > 30, "only {tried}");
    }

    #[test]
    fn older_spellings_still_work() {
        let line = ["asq", "models", "--input", "image", "--output", "audio"];
        let Command::Models(args) = Cli::parse_from(line).command else { panic!("no models") };
        assert_eq!(
            (args.input_modality, args.output_modality),
            (vec!["image".to_owned()], vec!["audio".to_owned()])
        );
        for (older, newer) in [("json", Some("--json")), ("markdown", Some("--markdown")), ("table", None)] {
            let line = ["asq", "compare", "Hi", "a/b"];
            let form = |rest: &[&str]| {
                let cli = Cli::parse_from(line.iter().chain(rest));
                let Command::Compare(args) = cli.command else { panic!("no comparison") };
                args.form()
            };
            assert_eq!(form(&["--output", older]), form(newer.as_slice()));
        }
    }
}
