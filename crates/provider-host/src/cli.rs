//! The command line: commands, flags, and their help.

mod account;
mod chat;
mod compare;
mod conformance;
mod connect;
mod doctor;
mod keep;
mod models;
mod profile;
mod prompt;
mod serve;
mod shell;
mod tools;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::account::{CreditsArgs, EndpointsArgs, GenerationArgs, PresetsArgs};
pub(crate) use self::chat::ChatArgs;
pub(crate) use self::compare::{CompareArgs, CompareOutput};
pub(crate) use self::conformance::{ConformanceArgs, WireName};
pub(crate) use self::connect::{ConnectArgs, InstanceArgs};
pub(crate) use self::doctor::DoctorArgs;
pub(crate) use self::keep::{
    ConfigArgs, ConfigCommand, CostArgs, CostBy, KeysArgs, KeysCommand, LogArgs, LogCommand, LogFilter,
    LogFlags,
};
pub(crate) use self::models::{ModelsArgs, ModelsCommand, SortBy};
pub(crate) use self::prompt::{PromptArgs, TemplateArgs, TemplateCommand};
pub(crate) use self::serve::{ServeArgs, ServeSettings};
pub(crate) use self::shell::{CompletionsArgs, ManArgs};
pub(crate) use self::tools::ToolArgs;
use crate::config::NAME;
use crate::exit;
use crate::output::style::ColorChoice;
use crate::value_parsers::{at_least, between, seconds};

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
