//! The flags that say which providers to connect, and with which settings.

use clap::Args;

use crate::storage::Kept;
use crate::value_parsers::{at_least, pair};

/// Which providers to connect, and how to reach them.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// Where the API is, version path included: short for --set base_url=URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// The address of your app, which the service may show: short for --set site_url=URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) site_url: Option<String>,

    /// The name of your app, which the service may show: short for --set site_name=NAME
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) site_name: Option<String>,

    /// How often to try again when a request fails in a way that may pass; 0 is never. The default is 2. It
    /// is for all providers: --set ID.max_attempts=N is one more than that, for one of them
    #[arg(
        long, global = true, value_name = "N",
        value_parser = at_least::<u16>(0), allow_negative_numbers = true
    )]
    pub(crate) retries: Option<u16>,

    /// Use the sandbox inside this program, which needs no key, makes all answers up and costs nothing. Keys
    /// and base URLs in the environment are left alone
    #[arg(long, global = true, conflicts_with = "base_url")]
    pub(crate) sandbox: bool,

    /// The profile of the configuration file to take [env: ASQ_PROFILE] [default: `profile` of the file]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// The profile, and the providers of the store.
    #[arg(skip)]
    pub(crate) kept: Kept,
}

/// The flags that can be repeated. They stand in front of a command and behind it, and all of them count:
/// of a global flag, clap would drop those in front.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct InstanceArgs {
    /// A provider to connect, by its id or name, under its own id or under ID; repeatable. Default: those
    /// of the profile, or else those whose settings are in the environment or in the store; `providers` lists
    /// all that there are [env: ASQ_PROVIDERS]
    #[arg(long, value_name = "[ID=]NAME")]
    pub(crate) provider: Vec<String>,

    /// A setting of a provider; `providers show NAME` lists them. With several providers, ID.KEY=VALUE;
    /// repeatable. A blank value leaves the setting out, whatever the environment has
    #[arg(long, value_name = "[ID.]KEY=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,

    /// The same with the value of a variable, as secrets need it; repeatable
    #[arg(long, value_name = "[ID.]KEY=VARIABLE", value_parser = pair)]
    pub(crate) set_env: Vec<(String, String)>,
}

impl ConnectArgs {
    /// Adds the flags that stand behind the command.
    #[must_use]
    pub(crate) fn and(mut self, behind: &InstanceArgs) -> Self {
        let InstanceArgs { provider, set, set_env } = behind.clone();
        self.instances.provider.extend(provider);
        self.instances.set.extend(set);
        self.instances.set_env.extend(set_env);
        self
    }
}
