//! `completions` and `man`: the command line for shells and for `man`.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::exit::Failure;
use crate::output::Output;

/// Writes the completions of a shell.
///
/// # Errors
/// When standard output takes no more.
pub(crate) fn completions(args: &CompletionsArgs, output: Output) -> Result<(), Failure> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    Ok(output.write(&String::from_utf8_lossy(&script))?)
}

/// Writes one manual page, or all into a folder.
///
/// # Errors
/// When there is no such command, or a file cannot be written.
pub(crate) fn man(args: &ManArgs, output: Output) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    if let Some(folder) = &args.folder {
        let failed = |error| Failure::Io(format!("cannot write to {}", folder.display()), error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let of_commands = command.get_subcommands().filter(|sub| sub.get_name() != "help");
        for page in std::iter::once(&command).chain(of_commands) {
            let (name, text) = rendered(page, &command).map_err(failed)?;
            std::fs::write(folder.join(format!("{name}.1")), text).map_err(failed)?;
        }
        return Ok(());
    }
    let page = match &args.name {
        None => &command,
        Some(name) => command.find_subcommand(name).ok_or_else(|| {
            let all: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            Failure::Usage(format!("there is no command {name:?}, only {}", all.join(", ")))
        })?,
    };
    let failed = |error| Failure::Io("cannot write the page".to_owned(), error);
    let (_, text) = rendered(page, &command).map_err(failed)?;
    Ok(output.write(&String::from_utf8_lossy(&text))?)
}

/// The page of a command, and its name.
fn rendered(page: &Command, program: &Command) -> io::Result<(String, Vec<u8>)> {
    let is_program = page.get_name() == program.get_name();
    let name = match is_program {
        true => program.get_name().to_owned(),
        false => format!("{}-{}", program.get_name(), page.get_name()),
    };
    let version = env!("CARGO_PKG_VERSION");
    let page = page.clone().version(version);
    let mut text = Vec::new();
    // The version is that of the program, also on the page of a command.
    let source = format!("{} {version}", program.get_name());
    Man::new(page).source(source).render(&mut text)?;
    Ok((name, text))
}
