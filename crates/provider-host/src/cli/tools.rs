//! The flags of the tools that this program runs itself.

use std::time::Duration;

use clap::{ArgGroup, Args};

use crate::value_parsers::{at_least, pair, seconds};

/// The tools that this program runs when the model calls them, and the limits of such a run.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Tools that this program runs", group = ArgGroup::new("runnable").multiple(true))]
pub(crate) struct ToolArgs {
    /// A tool that is a command of the shell: it gets the arguments as JSON on standard input, and its
    /// standard output is the result; repeatable
    #[arg(long, value_name = "NAME=COMMAND", value_parser = pair, group = "runnable")]
    pub(crate) tool: Vec<(String, String)>,

    /// A JSON file that describes a tool of --tool: the schema of its arguments, or an object with
    /// description, parameters and strict; repeatable
    #[arg(long, value_name = "NAME=FILE", value_parser = pair, requires = "tool")]
    pub(crate) tool_schema: Vec<(String, String)>,

    /// A server of the Model Context Protocol, which is started with this command and spoken to over standard
    /// input; its tools are called NAME__TOOL; repeatable
    #[cfg(feature = "mcp")]
    #[arg(long, value_name = "NAME=COMMAND", value_parser = pair, group = "runnable")]
    pub(crate) mcp: Vec<(String, String)>,

    /// Run tools without asking: all, or those that are listed; the name of a server stands for all its tools
    #[arg(
        long, value_name = "NAME,NAME", num_args = 0..=1, require_equals = true, value_delimiter = ',',
        default_missing_value = "", requires = "runnable"
    )]
    pub(crate) allow_tools: Option<Vec<String>>,

    /// How often the model may be asked in a run with tools
    #[arg(
        long, value_name = "N", default_value_t = 10, requires = "runnable",
        value_parser = at_least::<usize>(1), allow_negative_numbers = true
    )]
    pub(crate) max_turns: usize,

    /// Stop a tool after so many seconds
    #[arg(
        long, value_name = "SECONDS", default_value = "60", requires = "runnable",
        value_parser = seconds, allow_negative_numbers = true
    )]
    pub(crate) tool_timeout: Duration,
}

impl ToolArgs {
    /// The servers of the Model Context Protocol, each with its name and its command.
    pub(crate) fn servers(&self) -> &[(String, String)] {
        #[cfg(feature = "mcp")]
        return &self.mcp;
        #[cfg(not(feature = "mcp"))]
        return &[];
    }

    /// Whether there is no tool to run.
    pub(crate) fn is_empty(&self) -> bool {
        self.tool.is_empty() && self.servers().is_empty()
    }
}
