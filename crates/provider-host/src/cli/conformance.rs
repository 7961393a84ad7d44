//! The flags of `conformance`.

use clap::{Args, ValueEnum};

use super::InstanceArgs;
use crate::value_parsers::pair;

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
