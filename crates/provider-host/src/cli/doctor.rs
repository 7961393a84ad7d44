//! The flags of `doctor`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::InstanceArgs;
use crate::value_parsers::seconds;

#[derive(Args, Debug)]
#[command(after_help = "\
Looks at the variables and settings, the proxies, the certificates, whether the service can be reached, this machine's clock \
against the service's, the keys, and the data folder. Asks no model, so that nothing is billed, and shows no key. The exit code \
is that of the first fault.

Examples:
  asq doctor
  asq --sandbox doctor
  asq doctor --provider local=openai-compatible --set preset=ollama --json")]
pub(crate) struct DoctorArgs {
    /// The data folder to look at, as of a `serve`. Default: that of the command line
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Give a service up after so many seconds
    #[arg(
        long, value_name = "SECONDS", default_value = "15",
        value_parser = seconds, allow_negative_numbers = true
    )]
    pub(crate) timeout: Duration,

    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) instances: InstanceArgs,
}
