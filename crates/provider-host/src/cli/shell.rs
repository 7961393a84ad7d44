//! The flags of `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  provider-host completions bash > ~/.local/share/bash-completion/completions/provider-host
  provider-host completions zsh > ~/.zfunc/_provider-host
  provider-host completions fish > ~/.config/fish/completions/provider-host.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  provider-host man | man -l -
  provider-host man chat | man -l -
  provider-host man --folder ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command to write the page of. Default: the page of the program
    #[arg(value_name = "COMMAND", conflicts_with = "folder")]
    pub(crate) name: Option<String>,

    /// Write all pages into this folder, which is made
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
