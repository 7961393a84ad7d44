//! The flags of `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  asq completions bash > ~/.local/share/bash-completion/completions/asq
  asq completions zsh > ~/.zfunc/_asq
  asq completions fish > ~/.config/fish/completions/asq.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  asq man | man -l -
  asq man chat | man -l -
  asq man --folder ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command to write the page of. Default: the page of the program
    #[arg(value_name = "COMMAND", conflicts_with = "folder")]
    pub(crate) name: Option<String>,

    /// Write all pages into this folder, which is made
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
